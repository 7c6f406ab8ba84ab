//! STDIN, STDOUT and STDERR (SPEC C1), with the traits of `embedded-io` and the helpers that a
//! filter wants.

mod buffered;
mod read;
mod streams;

pub use buffered::BufWriter;
pub use embedded_io::{BufRead, ErrorKind, ErrorType, Read, Write};
pub use read::{BufReadExt, ReadExt, copy};
pub(crate) use streams::Stream;
pub use streams::{Stderr, Stdin, Stdout, stderr, stdin, stdout};

use core::fmt;

/// Why reading or writing failed. In an image the streams themselves never fail: a launcher that
/// breaks them ends the call.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Text was wanted and the input is not UTF-8; the offset of the first bad byte.
    NotUtf8 {
        /// Bytes of the text read before it.
        valid_bytes: usize,
    },
    /// The host's stream failed.
    #[cfg(not(ampoule_guest))]
    Host(std::io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUtf8 { valid_bytes } => {
                write!(f, "the input is not UTF-8 after {valid_bytes} bytes")
            }
            #[cfg(not(ampoule_guest))]
            Self::Host(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for Error {}

impl embedded_io::Error for Error {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::NotUtf8 { .. } => ErrorKind::InvalidData,
            #[cfg(not(ampoule_guest))]
            Self::Host(_) => ErrorKind::Other,
        }
    }
}

#[cfg(not(ampoule_guest))]
impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::Host(error)
    }
}
