//! Patterns in POSIX's dialects with GNU's extensions, translated for the engine.
//!
//! Everything is matched in one line without its newline, so `^` and `$` are the begin and the end
//! of what is searched.

use alloc::format;
use alloc::string::String;
use core::fmt::Write;

use crate::bracket;
use crate::options::Dialect;

/// What is wrong with a pattern, in GNU's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyntaxError(pub &'static str);

/// Groups within groups that a pattern may have; the engine has its own, higher limit.
const MAX_DEPTH: usize = 100;
/// POSIX's `RE_DUP_MAX` in GNU's library.
const MAX_REPEAT: u32 = 32767;

/// Translates one pattern.
pub fn translate(pattern: &[u8], dialect: Dialect) -> Result<String, SyntaxError> {
    let mut parser = Parser { rest: pattern, extended: dialect == Dialect::Extended, depth: 0 };
    match dialect {
        Dialect::Fixed => Ok(pattern.iter().map(|&byte| literal(byte)).collect()),
        Dialect::Basic | Dialect::Extended => parser.alternatives(),
    }
}

struct Parser<'a> {
    rest: &'a [u8],
    extended: bool,
    depth: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    Open,
    Close,
    Or,
    Repeat(u32, Option<u32>),
}

impl Parser<'_> {
    fn alternatives(&mut self) -> Result<String, SyntaxError> {
        let mut translated = self.branch()?;
        while let Some((Operator::Or, length)) = self.operator()? {
            self.rest = &self.rest[length..];
            translated.push('|');
            translated += &self.branch()?;
        }
        Ok(translated)
    }

    /// What stands between two `|`.
    fn branch(&mut self) -> Result<String, SyntaxError> {
        let mut branch = String::new();
        // The last piece, which a repetition applies to.
        let mut last: Option<String> = None;
        loop {
            let operator = self.operator()?;
            match operator {
                Some((Operator::Or, _)) => break,
                Some((Operator::Close, _)) if self.depth > 0 => break,
                Some((Operator::Close, _)) if !self.extended => {
                    return Err(SyntaxError("Unmatched ) or \\)"));
                }
                Some((Operator::Repeat(low, high), length)) => {
                    if let Some(piece) = &mut last {
                        *piece = repeated(piece, low, high);
                        self.rest = &self.rest[length..];
                        continue;
                    }
                    if self.extended {
                        // There is nothing to repeat: GNU takes it for nothing.
                        self.rest = &self.rest[length..];
                        continue;
                    }
                }
                Some((Operator::Open, length)) => {
                    self.rest = &self.rest[length..];
                    branch += &last.replace(self.group()?).unwrap_or_default();
                    continue;
                }
                Some((Operator::Close, _)) | None => {}
            }
            if self.rest.is_empty() {
                break;
            }
            let is_first = branch.is_empty() && last.is_none();
            if self.anchors_start(is_first) {
                // Not a piece: a repetition right after it is as if at the start.
                self.rest = &self.rest[1..];
                branch += &last.take().unwrap_or_default();
                branch.push_str(r"\A");
                continue;
            }
            let piece = self.piece()?;
            branch += &last.replace(piece).unwrap_or_default();
        }
        Ok(branch + &last.unwrap_or_default())
    }

    /// A group whose opening has been read.
    fn group(&mut self) -> Result<String, SyntaxError> {
        const UNMATCHED: SyntaxError = SyntaxError("Unmatched ( or \\(");
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(SyntaxError("Regular expression too big"));
        }
        let inner = self.alternatives()?;
        self.depth -= 1;
        match self.operator()? {
            Some((Operator::Close, length)) => self.rest = &self.rest[length..],
            _ => return Err(UNMATCHED),
        }
        Ok(format!("(?:{inner})"))
    }

    fn anchors_start(&self, is_first: bool) -> bool {
        self.rest[0] == b'^' && (self.extended || is_first)
    }

    fn anchors_end(&self) -> bool {
        self.extended || matches!(self.rest, [_] | [_, b'\\', b')' | b'|', ..])
    }

    /// Anything that is neither an operator nor a start anchor.
    fn piece(&mut self) -> Result<String, SyntaxError> {
        let (piece, length) = match *self.rest {
            [b'[', ref inner @ ..] => {
                let (class, length) = bracket::translate(inner)?;
                (class, length + 1)
            }
            [b'.', ..] => (String::from("(?s:.)"), 1),
            [b'$', ..] if self.anchors_end() => (String::from(r"\z"), 1),
            [b'\\', byte, ..] => (escape(byte)?, 2),
            [b'\\'] => return Err(SyntaxError("Trailing backslash")),
            [byte, ..] => (literal(byte), 1),
            [] => (String::new(), 0),
        };
        self.rest = &self.rest[length..];
        Ok(piece)
    }

    /// The operator that comes next, if one does, with its length.
    fn operator(&self) -> Result<Option<(Operator, usize)>, SyntaxError> {
        let (byte, inner, escape) = match *self.rest {
            [b'*', ..] => return Ok(Some((Operator::Repeat(0, None), 1))),
            [b'\\', byte, ref inner @ ..] if !self.extended => (byte, inner, 1),
            [byte, ref inner @ ..] if self.extended => (byte, inner, 0),
            _ => return Ok(None),
        };
        let operator = match byte {
            b'(' => Operator::Open,
            b')' => Operator::Close,
            b'|' => Operator::Or,
            b'+' => Operator::Repeat(1, None),
            b'?' => Operator::Repeat(0, Some(1)),
            b'{' => {
                let interval = interval(inner, !self.extended)?;
                return Ok(interval.map(|(operator, length)| (operator, length + 1 + escape)));
            }
            _ => return Ok(None),
        };
        Ok(Some((operator, 1 + escape)))
    }
}

/// The interval whose `{` has been read. What is none is literal in extended patterns, and an
/// error in basic ones.
fn interval(inner: &[u8], basic: bool) -> Result<Option<(Operator, usize)>, SyntaxError> {
    let close: &[u8] = if basic { b"\\}" } else { b"}" };
    let Some(length) = inner.windows(close.len()).position(|bytes| bytes == close) else {
        return if basic { Err(SyntaxError("Unmatched \\{")) } else { Ok(None) };
    };
    let Some((low, high)) = bounds(&inner[..length]) else {
        let error = SyntaxError("Invalid content of \\{\\}");
        return if basic { Err(error) } else { Ok(None) };
    };
    if low.max(high.unwrap_or(0)) > MAX_REPEAT {
        return Err(SyntaxError("Regular expression too big"));
    }
    if high.is_some_and(|high| high < low) {
        return Err(SyntaxError("Invalid content of \\{\\}"));
    }
    Ok(Some((Operator::Repeat(low, high), length + close.len())))
}

fn bounds(content: &[u8]) -> Option<(u32, Option<u32>)> {
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse().unwrap_or(u32::MAX))
    };
    let text = core::str::from_utf8(content).ok()?;
    match text.split_once(',') {
        None => number(text).map(|exactly| (exactly, Some(exactly))),
        Some(("", "")) => Some((0, None)),
        Some((low, "")) => Some((number(low)?, None)),
        Some(("", high)) => Some((0, Some(number(high)?))),
        Some((low, high)) => Some((number(low)?, Some(number(high)?))),
    }
}

fn repeated(piece: &str, low: u32, high: Option<u32>) -> String {
    match high {
        Some(high) => format!("(?:{piece}){{{low},{high}}}"),
        None => format!("(?:{piece}){{{low},}}"),
    }
}

fn escape(byte: u8) -> Result<String, SyntaxError> {
    let assertion = match byte {
        b'<' => r"\b{start}",
        b'>' => r"\b{end}",
        b'b' => r"\b",
        b'B' => r"\B",
        b'w' => r"[0-9A-Za-z_]",
        b'W' => r"[^0-9A-Za-z_]",
        b's' => r"[\t-\r ]",
        b'S' => r"[^\t-\r ]",
        b'`' => r"\A",
        b'\'' => r"\z",
        b'1'..=b'9' => return Err(SyntaxError("back-references are not supported")),
        _ => return Ok(literal(byte)),
    };
    Ok(String::from(assertion))
}

fn literal(byte: u8) -> String {
    let mut literal = String::new();
    if byte.is_ascii_alphanumeric() {
        literal.push(char::from(byte));
    } else {
        write!(literal, "\\x{byte:02x}").expect("a string takes anything");
    }
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(pattern: &str) -> Result<String, SyntaxError> {
        translate(pattern.as_bytes(), Dialect::Basic)
    }

    fn extended(pattern: &str) -> Result<String, SyntaxError> {
        translate(pattern.as_bytes(), Dialect::Extended)
    }

    #[test]
    fn operators_have_backslashes_in_basic_patterns_only() {
        assert_eq!(basic("a+"), Ok("a\\x2b".into()));
        assert_eq!(basic("a\\+"), Ok("(?:a){1,}".into()));
        assert_eq!(extended("a+"), Ok("(?:a){1,}".into()));
        assert_eq!(basic("\\(a\\|b\\)"), Ok("(?:a|b)".into()));
        assert_eq!(extended("(a|b){2}"), Ok("(?:(?:a|b)){2,2}".into()));
    }

    #[test]
    fn what_cannot_be_an_operator_is_itself() {
        assert_eq!(basic("*a"), Ok("\\x2aa".into()));
        assert_eq!(basic("a^b$c"), Ok("a\\x5eb\\x24c".into()));
        assert_eq!(extended("a)"), Ok("a\\x29".into()));
        assert_eq!(extended("a{x"), Ok("a\\x7bx".into()));
    }

    #[test]
    fn broken_patterns_are_named_in_gnu_s_words() {
        assert_eq!(extended("("), Err(SyntaxError("Unmatched ( or \\(")));
        assert_eq!(basic("a\\)"), Err(SyntaxError("Unmatched ) or \\)")));
        assert_eq!(basic("a\\{1"), Err(SyntaxError("Unmatched \\{")));
        assert_eq!(basic("a\\"), Err(SyntaxError("Trailing backslash")));
        assert!(extended(&"(".repeat(100_000)).is_err());
    }
}
