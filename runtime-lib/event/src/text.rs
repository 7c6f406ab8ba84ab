//! The type String (CloudEvents 1.0.2, Type System): which characters an attribute can have.

use crate::error::Invalid;

const SECTION: &str = "CloudEvents 1.0.2, Type System";

/// Whether `text` has allowed characters only. Surrogates need no check: no `str` has them.
pub(crate) fn check(text: &str) -> Result<(), Invalid> {
    if text.chars().all(is_allowed) {
        return Ok(());
    }
    Err(Invalid::new(text, "free of control characters and noncharacters", SECTION))
}

/// As [`check`], and that there is some text.
pub(crate) fn check_not_empty(text: &str) -> Result<(), Invalid> {
    if text.is_empty() {
        return Err(Invalid::new(
            text,
            "a non-empty string",
            "CloudEvents 1.0.2, Context Attributes",
        ));
    }
    check(text)
}

fn is_allowed(character: char) -> bool {
    !character.is_control() && !is_noncharacter(character)
}

/// The 66 code points that Unicode reserves for internal use.
fn is_noncharacter(character: char) -> bool {
    let code = u32::from(character);
    (0xfdd0..=0xfdef).contains(&code) || code & 0xfffe == 0xfffe
}
