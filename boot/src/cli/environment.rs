//! `-e` and `--env-file`: the variables that a caller gives.

#[cfg(any(test, fuzzing))]
#[path = "environment/fuzz.rs"]
pub(crate) mod fuzz;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use ampoule_boot::context::EnvironmentVariable;
use ampoule_boot::program::environment::variable;
use anyhow::{Context as _, bail};
use clap::builder::{OsStringValueParser, TypedValueParser};

/// Reads `NAME=VALUE`, or `NAME` for the caller's own value of it.
pub(crate) fn parser() -> impl TypedValueParser<Value = EnvironmentVariable> {
    OsStringValueParser::new().try_map(|word| variable(&word).map_err(|error| format!("{error:#}")))
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
