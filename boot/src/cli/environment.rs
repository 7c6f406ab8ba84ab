//! `-e` and `--env-file`: the variables that a caller gives.

#[cfg(any(test, fuzzing))]
#[path = "environment/fuzz.rs"]
pub(crate) mod fuzz;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use ampoule_boot::context::{self, EnvironmentVariable};
use anyhow::{Context as _, bail};
use clap::builder::{OsStringValueParser, TypedValueParser};

/// Reads `NAME=VALUE`, or `NAME` for the caller's own value of it.
pub(crate) fn parser() -> impl TypedValueParser<Value = EnvironmentVariable> {
    OsStringValueParser::new().try_map(|word| variable(&word).map_err(|error| format!("{error:#}")))
}

fn variable(word: &OsStr) -> anyhow::Result<EnvironmentVariable> {
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

/// Reads a file of `NAME=VALUE` lines, values taken literally; empty lines and lines that begin
/// with `#` are skipped.
pub(crate) fn read_file(path: &Path) -> anyhow::Result<Vec<EnvironmentVariable>> {
    let contents = std::fs::read(path)
        .with_context(|| format!("cannot read the environment file {}", path.display()))?;
    variables(&contents, path)
}

/// The variables in a file's contents.
fn variables(contents: &[u8], path: &Path) -> anyhow::Result<Vec<EnvironmentVariable>> {
    let mut variables = Vec::new();
    for (index, line) in contents.split(|&byte| byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let place = || format!("in line {} of {}", index + 1, path.display());
        if !line.contains(&b'=') {
            bail!("{}: `{}` is not NAME=VALUE", place(), String::from_utf8_lossy(line));
        }
        variables.push(variable(OsStr::from_bytes(line)).with_context(place)?);
    }
    Ok(variables)
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

    #[test]
    fn a_file_is_read_line_by_line() {
        let path = std::env::temp_dir().join(format!("ampoule-env-{}", std::process::id()));
        std::fs::write(&path, "# comment\n\nA=1\r\nB='x y' # z\n").expect("written");
        let variables = read_file(&path).expect("variables");
        assert_eq!(variables[1], ("B".into(), "'x y' # z".into()));
        assert_eq!(variables[0], ("A".into(), "1".into()));
        std::fs::write(&path, "A=1\nnonsense\n").expect("written");
        let error = format!("{:#}", read_file(&path).expect_err("refused"));
        assert!(error.contains("line 2"), "{error}");
        std::fs::remove_file(&path).expect("removed");
    }
}
