//! The three streams themselves.

use super::{BufRead, Error, ErrorType, Read, Write};
use crate::platform;

/// A stream that leaves the function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// The function's input, taken with [`stdin`]. It is buffered as it is: a read takes bytes from
/// where the device left them.
#[derive(Debug)]
pub struct Stdin(platform::Stdin);

/// Takes STDIN; waiting for input uses no processor time.
///
/// # Panics
///
/// If it is taken already: it has one reader at a time.
pub fn stdin() -> Stdin {
    match platform::Stdin::take() {
        Some(stdin) => Stdin(stdin),
        None => panic!("STDIN is taken already: it has one reader at a time"),
    }
}

impl ErrorType for Stdin {
    type Error = Error;
}

impl BufRead for Stdin {
    fn fill_buf(&mut self) -> Result<&[u8], Error> {
        self.0.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.0.consume(amount);
    }
}

impl Read for Stdin {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let available = self.fill_buf()?;
        let length = available.len().min(buffer.len());
        buffer[..length].copy_from_slice(&available[..length]);
        self.consume(length);
        Ok(length)
    }
}

macro_rules! output {
    ($(#[$doc:meta])* $name:ident, $function:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name(());

        $(#[$doc])*
        pub fn $function() -> $name {
            $name(())
        }

        impl ErrorType for $name {
            type Error = Error;
        }

        impl Write for $name {
            fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
                platform::write(Stream::$name, bytes)?;
                Ok(bytes.len())
            }

            fn flush(&mut self) -> Result<(), Error> {
                Ok(())
            }
        }
    };
}

output! {
    /// The function's output. Every write is on its way when it returns: wrap it in a
    /// [`BufWriter`](super::BufWriter) for many small ones.
    Stdout, stdout
}

output! {
    /// The function's messages, never mixed into its output.
    Stderr, stderr
}
