//! Debug information, which travels with an image and is as little to be trusted.

use super::names;
use super::render::MAX_FRAMES;
use crate::fuzz::Choices;

/// Any bytes as a file of debug information, and any addresses.
pub fn symbols(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let count = choices.byte() % 8;
    let addresses: Vec<u64> = (0..count).map(|_| choices.word().into()).collect();
    let Ok(file) = object::File::parse(choices.rest()) else { return };
    let Ok(text) = names(&file, None, &addresses) else { return };
    assert!(text.lines().count() <= 3 * MAX_FRAMES);
    assert!(text.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'));
    assert!(text.lines().all(|line| line.starts_with("  ")));
}
