//! What the launcher itself says, on STDERR: one line each, in colour only for a person.

use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::sync::OnceLock;

/// Says what went wrong.
pub fn error(message: &str) {
    say("ampoule:", "31", &renamed(message));
}

/// Says what went wrong in words that are not all the launcher's.
pub fn error_of_function(message: &str) {
    say("ampoule:", "31", message);
}

/// Says something in passing.
pub fn note(message: &str) {
    say("ampoule:", "33", &renamed(message));
}

/// Shows lines as they are.
pub fn plain(lines: &str) {
    // If STDERR is gone, nobody is left to be told.
    let _ = std::io::stderr().write_all(lines.as_bytes());
}

/// Has messages name options of `ampoule run` by another prefix than `--`.
pub fn name_options(prefix: &'static str) {
    // A second time changes nothing.
    let _ = PREFIX.set(prefix);
}

static PREFIX: OnceLock<&str> = OnceLock::new();

/// The options that messages advise.
const ADVISED: [&str; 9] = [
    "timeout",
    "memory",
    "cpu-time",
    "max-output",
    "max-exits",
    "accel",
    "backend",
    "no-jail",
    "require-jail",
];

fn say(label: &str, colour: &str, message: &str) {
    match is_coloured() {
        true => plain(&format!("\x1b[{colour}m{label}\x1b[0m {message}\n")),
        false => plain(&format!("{label} {message}\n")),
    }
}

fn renamed(message: &str) -> Cow<'_, str> {
    match PREFIX.get() {
        None => message.into(),
        Some(prefix) => rename(message, prefix).into(),
    }
}

/// Gives the options among the words of a message another prefix.
fn rename(message: &str, prefix: &str) -> String {
    let mut parts = message.split("--");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|it: char| it != '-' && !it.is_ascii_lowercase());
        let is_known = ADVISED.contains(&&part[..end.unwrap_or(part.len())]);
        text += if is_known { prefix } else { "--" };
        text += part;
    }
    text
}

/// Whether a person reads what is said; asked once, while the system may still be asked.
pub fn is_terminal() -> bool {
    static IS_TERMINAL: OnceLock<bool> = OnceLock::new();
    *IS_TERMINAL.get_or_init(|| std::io::stderr().is_terminal())
}

/// See <https://no-color.org>.
fn is_coloured() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) && is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_named_as_they_are_called_here() {
        let message = "give it longer with --timeout, or (--accel tcg): --memory-limit, --x -- y";
        assert_eq!(
            rename(message, "--ampoule-"),
            "give it longer with --ampoule-timeout, or (--ampoule-accel tcg): --memory-limit, --x -- y"
        );
    }
}
