//! What the launcher itself says, on STDERR: one line each, in colour only for a person.

use std::io::{IsTerminal, Write};
use std::sync::OnceLock;

/// Says what went wrong.
pub fn error(message: &str) {
    say("ampoule:", "31", message);
}

/// Says something in passing.
pub fn note(message: &str) {
    say("ampoule:", "33", message);
}

/// Shows lines as they are.
pub fn plain(lines: &str) {
    // If STDERR is gone, nobody is left to be told.
    let _ = std::io::stderr().write_all(lines.as_bytes());
}

fn say(label: &str, colour: &str, message: &str) {
    match is_coloured() {
        true => plain(&format!("\x1b[{colour}m{label}\x1b[0m {message}\n")),
        false => plain(&format!("{label} {message}\n")),
    }
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
