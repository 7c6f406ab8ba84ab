//! Bracket expressions (POSIX.1-2017, 9.3.5) in the C locale: sets of bytes.

use alloc::string::String;
use core::fmt::Write;

use crate::syntax::SyntaxError;

const UNMATCHED: SyntaxError = SyntaxError("Unmatched [, [^, [:, [., or [=");

/// Translates the bracket expression whose `[` has been read: what it becomes and how many bytes
/// of `pattern` it took.
pub fn translate(pattern: &[u8]) -> Result<(String, usize), SyntaxError> {
    let negated = pattern.first() == Some(&b'^');
    let mut at = usize::from(negated);
    let first = at;
    let mut set = [false; 256];
    loop {
        let byte = *pattern.get(at).ok_or(UNMATCHED)?;
        if byte == b']' && at > first {
            break;
        }
        let special = (byte == b'[').then(|| pattern.get(at + 1)).flatten();
        if special == Some(&b':') {
            at += add_class(&pattern[at..], &mut set)?;
            continue;
        }
        let (low, length) = element(&pattern[at..])?;
        at += length;
        let is_range = pattern.get(at) == Some(&b'-') && pattern.get(at + 1) != Some(&b']');
        let high = if is_range {
            let (high, length) = element(pattern.get(at + 1..).unwrap_or_default())?;
            at += 1 + length;
            high
        } else {
            low
        };
        if high < low {
            return Err(SyntaxError("Invalid range end"));
        }
        set[usize::from(low)..=usize::from(high)].fill(true);
    }
    // `[:space:]` alone is a mistake that GNU refuses too.
    if pattern[0] == b':' && at > 1 && pattern[at - 1] == b':' {
        return Err(SyntaxError("character class syntax is [[:space:]], not [:space:]"));
    }
    Ok((show(&set, negated), at + 1))
}

/// One byte, or `[.x.]` or `[=x=]`, which in the C locale mean the same; with its length.
fn element(pattern: &[u8]) -> Result<(u8, usize), SyntaxError> {
    match pattern {
        [b'[', kind @ (b'.' | b'='), byte, end, b']', ..] if end == kind => Ok((*byte, 5)),
        [b'[', b'.' | b'=', ..] => Err(SyntaxError("Invalid collation character")),
        [byte, ..] => Ok((*byte, 1)),
        [] => Err(UNMATCHED),
    }
}

/// Adds a class like `[:alpha:]`; its length.
fn add_class(pattern: &[u8], set: &mut [bool; 256]) -> Result<usize, SyntaxError> {
    let name_length = pattern[2..].windows(2).position(|pair| pair == b":]").ok_or(UNMATCHED)?;
    let contains: fn(&u8) -> bool = match &pattern[2..2 + name_length] {
        b"alnum" => u8::is_ascii_alphanumeric,
        b"alpha" => u8::is_ascii_alphabetic,
        b"blank" => |byte| matches!(byte, b' ' | b'\t'),
        b"cntrl" => u8::is_ascii_control,
        b"digit" => u8::is_ascii_digit,
        b"graph" => u8::is_ascii_graphic,
        b"lower" => u8::is_ascii_lowercase,
        b"print" => |byte| matches!(byte, b' '..=b'~'),
        b"punct" => u8::is_ascii_punctuation,
        b"space" => |byte| matches!(byte, b' ' | b'\t'..=b'\r'),
        b"upper" => u8::is_ascii_uppercase,
        b"xdigit" => u8::is_ascii_hexdigit,
        _ => return Err(SyntaxError("Invalid character class name")),
    };
    for byte in (0..=u8::MAX).filter(contains) {
        set[usize::from(byte)] = true;
    }
    Ok(name_length + 4)
}

/// The set as the engine has it. Its negation is left to the engine, which folds case before it.
fn show(set: &[bool; 256], negated: bool) -> String {
    let mut class = String::from(if negated { "[^" } else { "[" });
    for (byte, _) in set.iter().enumerate().filter(|(_, is_in)| **is_in) {
        write!(class, "\\x{byte:02x}").expect("a string takes anything");
    }
    class.push(']');
    class
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_closes_may_be_the_first_member() {
        assert_eq!(translate(b"]a]z"), Ok(("[\\x5d\\x61]".into(), 3)));
        assert_eq!(translate(b"^]]"), Ok(("[^\\x5d]".into(), 3)));
    }

    #[test]
    fn ranges_and_what_looks_like_them() {
        assert_eq!(translate(b"a-c]").expect("a range").0, "[\\x61\\x62\\x63]");
        assert_eq!(translate(b"a-]").expect("two bytes").0, "[\\x2d\\x61]");
        assert_eq!(translate(b"[.-.]-/]").expect("a range").0, "[\\x2d\\x2e\\x2f]");
        assert_eq!(translate(b"z-a]"), Err(SyntaxError("Invalid range end")));
    }

    #[test]
    fn classes() {
        assert_eq!(translate(b"[:blank:]_]").expect("a class").0, "[\\x09\\x20\\x5f]");
        assert_eq!(translate(b"[:nope:]]"), Err(SyntaxError("Invalid character class name")));
        assert!(translate(b":alpha:]").is_err());
        assert_eq!(translate(b"a"), Err(UNMATCHED));
        assert_eq!(translate(b""), Err(UNMATCHED));
    }
}
