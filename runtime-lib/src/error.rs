//! The error that any other becomes on its way out of a function.

use alloc::string::{String, ToString};
use core::fmt;

use crate::status;

/// What a function's `?` gathers: a message for STDERR and the status to exit with.
///
/// Converts from every [`core::error::Error`], with its sources, and then means
/// [`status::FAILURE`]. Does not implement that trait itself, so that the conversion can exist.
pub struct Error {
    status: u8,
    message: String,
}

/// A [`core::result::Result`] whose error is [`Error`] unless told otherwise.
pub type Result<T = (), E = Error> = core::result::Result<T, E>;

impl Error {
    /// An error with a message and the status that means it, 1 to 123: [`status`] has those of
    /// `sysexits.h` that functions are advised to use. 0 would be no error and becomes 1.
    pub fn new(status: u8, message: impl fmt::Display) -> Self {
        Self { status: status.max(status::FAILURE), message: message.to_string() }
    }

    /// An error with [`status::FAILURE`].
    pub fn msg(message: impl fmt::Display) -> Self {
        Self::new(status::FAILURE, message)
    }

    /// An error about the function's input: [`status::EX_DATAERR`], 65.
    pub fn data(message: impl fmt::Display) -> Self {
        Self::new(status::EX_DATAERR, message)
    }

    /// An error about the function's arguments or environment: [`status::EX_CONFIG`], 78.
    pub fn config(message: impl fmt::Display) -> Self {
        Self::new(status::EX_CONFIG, message)
    }

    /// The status to exit with.
    pub fn status(&self) -> u8 {
        self.status
    }
}

impl<E: core::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message.push_str(": ");
            message.push_str(&cause.to_string());
            source = cause.source();
        }
        Self::msg(message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (status {})", self.message, self.status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Outer(core::num::ParseIntError);

    impl fmt::Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("line 3")
        }
    }

    impl core::error::Error for Outer {
        fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn sources_are_told_after_the_error() {
        let cause = "x".parse::<u8>().expect_err("not a number");
        let error = Error::from(Outer(cause));
        assert_eq!(error.to_string(), "line 3: invalid digit found in string");
        assert_eq!(error.status(), status::FAILURE);
    }
}
