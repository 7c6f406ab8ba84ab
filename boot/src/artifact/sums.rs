//! `SHA256SUMS`, as `sha256sum` writes and reads it: a digest, two spaces, or a space and `*` as other
//! systems have it, and a path from the folder.

use std::collections::BTreeMap;

use crate::digest::Digest;
use crate::foreign::is_plain;

/// Digests by path.
pub type Sums = BTreeMap<String, Digest>;

/// A line that no `SHA256SUMS` of ours has.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, {text:?}, is not a digest, two spaces and a path of its own in the folder")]
pub struct SumsError {
    /// Counted from 1.
    line: usize,
    /// How it begins.
    text: String,
}

/// The text that has these digests, by ascending path.
pub fn write(sums: &Sums) -> String {
    sums.iter().map(|(path, digest)| format!("{}  {path}\n", digest.hexadecimal())).collect()
}

/// Reads such a text.
pub fn read(text: &str) -> Result<Sums, SumsError> {
    let mut sums = Sums::new();
    for (index, line) in text.split_terminator('\n').enumerate() {
        let entry = line.split_once(' ').and_then(|(digest, path)| {
            let path = path.strip_prefix([' ', '*'])?;
            Some((Digest::from_hexadecimal(digest)?, path)).filter(|_| is_inside(path))
        });
        let is_new = entry.is_some_and(|(digest, path)| sums.insert(path.into(), digest).is_none());
        if !is_new {
            let text = line.chars().take(100).collect();
            return Err(SumsError { line: index + 1, text });
        }
    }
    Ok(sums)
}

/// Whether a path leads from a folder into it, in one way, and can be printed on a line.
pub fn is_inside(path: &str) -> bool {
    let plain = |name: &str| !matches!(name, "" | "." | "..");
    // Quotation marks do no harm.
    path.split('/').all(plain) && path.split(['"', '\'']).all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_is_written() {
        let entry = |path: &str| (path.to_owned(), Digest::of(path.as_bytes()));
        let sums: Sums = ["wc/wc.elf", "echo/echo.elf", "a  b"].map(entry).into();
        let text = write(&sums);
        assert!(text.lines().is_sorted_by_key(|line| &line[64..]), "{text}");
        assert_eq!(read(&text), Ok(sums));
        assert_eq!(read(""), Ok(Sums::new()));
        let marked = text.replace("  wc/", " *wc/");
        assert_eq!(read(&marked), read(&text), "as Windows' `sha256sum` writes it");
    }

    #[test]
    fn what_is_no_entry_is_told_with_its_line() {
        let digest = Digest::of(b"").hexadecimal();
        for bad in [
            "",
            "x  file",
            &format!("{digest} file"),
            &format!("{digest}  a\u{202e}b"),
            &format!("{digest}  a\u{200b}b"),
            &format!("{digest}  /etc/passwd"),
            &format!("{digest}  ../file"),
            &format!("{digest}  a//b"),
            &format!("{digest}  good"),
        ] {
            let text = format!("{digest}  good\n{bad}\n");
            assert_eq!(read(&text).expect_err(bad).line, 2, "{bad}");
        }
    }
}
