//! Variables as a command line gives them.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use anyhow::Context as _;

use crate::context::{self, EnvironmentVariable};

/// Reads `NAME=VALUE`, or `NAME` for the caller's own value of it.
pub fn variable(word: &OsStr) -> anyhow::Result<EnvironmentVariable> {
    let bytes = word.as_bytes();
    let Some(at) = bytes.iter().position(|&byte| byte == b'=') else {
        context::check_name(word)?;
        let name = word.to_string_lossy();
        let value = std::env::var_os(word)
            .with_context(|| format!("the variable {name} is not set here: write {name}=VALUE"))?;
        return Ok((word.to_owned(), value));
    };
    let name = OsString::from_vec(bytes[..at].to_vec());
    context::check_name(&name)?;
    Ok((name, OsString::from_vec(bytes[at + 1..].to_vec())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_is_split_at_its_first_equals_sign() {
        let (name, value) = variable("A=b=c".as_ref()).expect("a variable");
        assert_eq!((name, value), ("A".into(), "b=c".into()));
        assert!(variable("A=".as_ref()).expect("a variable").1.is_empty());
    }

    #[test]
    fn a_bare_name_takes_the_caller_s_value() {
        let (_, value) = variable("PATH".as_ref()).expect("a variable");
        assert_eq!(Some(value), std::env::var_os("PATH"));
        let error = variable("SURELY_NOT_SET".as_ref()).expect_err("not set").to_string();
        assert!(error.contains("write SURELY_NOT_SET=VALUE"), "{error}");
    }

    #[test]
    fn the_launcher_s_names_are_refused() {
        for word in ["FN_NAME=x", "AMPOULE_ABI=2", "=x", "FN_NAME"] {
            assert!(variable(word.as_ref()).is_err(), "{word}");
        }
    }
}
