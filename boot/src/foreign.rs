//! Text that others wrote, as messages repeat it: no more of it than a person reads.

/// Most characters of a name, a type or a reason of others that a message repeats.
const CHARACTERS: usize = 200;

/// How a text begins; one that goes on ends with `…`.
pub(crate) fn clip(text: &str) -> String {
    cut(text, CHARACTERS)
}

/// The same of so many characters.
pub(crate) fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// Whether all of a text is seen where it is printed, in the order in which it is written.
pub(crate) fn is_plain(text: &str) -> bool {
    text.escape_debug().eq(text.chars())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_is_cut_between_characters() {
        assert_eq!(clip("short"), "short");
        assert_eq!(clip(&"é".repeat(CHARACTERS)), "é".repeat(CHARACTERS));
        assert_eq!(clip(&"é".repeat(CHARACTERS + 1)), "é".repeat(CHARACTERS) + "…");
        assert_eq!(cut("", 0), "");
    }

    #[test]
    fn what_is_not_seen_or_turns_others_around_is_not_plain() {
        for plain in ["", "a-b_c", "größe", "名前"] {
            assert!(is_plain(plain), "{plain:?}");
        }
        for other in
            ["a\x1bb", "a\u{202e}b", "a\u{200b}b", "a\u{2066}b", "a\nb", "a\\b", "\u{301}a"]
        {
            assert!(!is_plain(other), "{other:?}");
        }
    }
}
