//! `print!` and its kin: one call, one write, so that a reader sees whole lines as they are made.

use core::fmt::{self, Write};

use crate::io::Stream;
use crate::platform;

/// Room for a line before it takes a second write, in bytes.
const LINE_BYTES: usize = 1024;

/// Prints to STDOUT.
#[macro_export]
macro_rules! print {
    ($($argument:tt)*) => { $crate::__print(::core::format_args!($($argument)*)) };
}

/// Prints to STDOUT, with a newline.
#[macro_export]
macro_rules! println {
    () => { $crate::print!("\n") };
    ($($argument:tt)*) => {
        $crate::__print(::core::format_args!("{}\n", ::core::format_args!($($argument)*)))
    };
}

/// Prints to STDERR.
#[macro_export]
macro_rules! eprint {
    ($($argument:tt)*) => { $crate::__eprint(::core::format_args!($($argument)*)) };
}

/// Prints to STDERR, with a newline.
#[macro_export]
macro_rules! eprintln {
    () => { $crate::eprint!("\n") };
    ($($argument:tt)*) => {
        $crate::__eprint(::core::format_args!("{}\n", ::core::format_args!($($argument)*)))
    };
}

#[doc(hidden)]
pub fn __print(arguments: fmt::Arguments<'_>) {
    Line::print(Stream::Stdout, arguments);
}

#[doc(hidden)]
pub fn __eprint(arguments: fmt::Arguments<'_>) {
    Line::print(Stream::Stderr, arguments);
}

/// Gathers what is formatted, so that it leaves in as few writes as it has [`LINE_BYTES`].
struct Line {
    stream: Stream,
    buffer: [u8; LINE_BYTES],
    length: usize,
}

impl Line {
    fn print(stream: Stream, arguments: fmt::Arguments<'_>) {
        let mut line = Self { stream, buffer: [0; LINE_BYTES], length: 0 };
        if line.write_fmt(arguments).and_then(|()| line.flush()).is_err() {
            panic!("printing to {stream:?} failed");
        }
    }

    fn flush(&mut self) -> fmt::Result {
        let length = core::mem::take(&mut self.length);
        platform::write(self.stream, &self.buffer[..length]).map_err(|_| fmt::Error)
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(LINE_BYTES - self.length));
            self.buffer[self.length..self.length + now.len()].copy_from_slice(now);
            self.length += now.len();
            rest = later;
            if self.length == LINE_BYTES {
                self.flush()?;
            }
        }
        Ok(())
    }
}
