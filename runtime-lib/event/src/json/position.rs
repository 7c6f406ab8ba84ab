//! Where JSON is not what it should be.

use alloc::string::ToString;

use crate::error::{Error, Excerpt};

/// Encoded U+FEFF, which some editors put at the beginning of a file.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// An error at a position, where something else was expected.
pub(super) fn unexpected(bytes: &[u8], position: usize, expected: &str) -> Error {
    if bytes.starts_with(BYTE_ORDER_MARK) {
        // No text begins with one, and a reader may take it for an error.
        return at(bytes, 0, "a byte order mark, which JSON does not have (RFC 8259, 8.1)");
    }
    at(bytes, position, &alloc::format!("expected {expected}"))
}

/// An error at a position.
pub(super) fn at(bytes: &[u8], position: usize, problem: &str) -> Error {
    let (line, column) = line_and_column(bytes, position);
    Error::Json { line, column, problem: Excerpt::new(problem) }
}

/// What is no JSON.
pub(crate) fn syntax(error: &serde_json::Error) -> Error {
    syntax_from(&[], 0, error)
}

/// What is no JSON, in what was read of `bytes` from `start` on.
pub(super) fn syntax_from(bytes: &[u8], start: usize, error: &serde_json::Error) -> Error {
    let (line, column) = line_and_column(bytes, start);
    let message = error.to_string();
    // It ends with the position once more.
    let problem = message.rsplit_once(" at line ").map_or(&*message, |(problem, _)| problem);
    Error::Json {
        line: line + error.line().saturating_sub(1),
        column: if error.line() <= 1 { column - 1 + error.column() } else { error.column() },
        problem: Excerpt::new(problem),
    }
}

/// Line and column of a position, both from 1.
fn line_and_column(bytes: &[u8], position: usize) -> (usize, usize) {
    let before = &bytes[..position];
    let line_start = before.iter().rposition(|&byte| byte == b'\n').map_or(0, |index| index + 1);
    let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
    (line, 1 + position - line_start)
}
