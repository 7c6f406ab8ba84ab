//! What a verb prints on STDOUT: its result, and nothing else. Whether all of it arrived is asked once,
//! when the verb is done and has cleaned up.

use std::fmt::Display;
use std::io::{self, Write};
use std::sync::OnceLock;

/// What went wrong first; nothing is printed after it.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Prints a line, in colour on a terminal only.
pub fn line(line: impl Display) {
    write(|| writeln!(anstream::stdout(), "{line}"));
}

/// Prints bytes as they are.
pub fn bytes(bytes: &[u8]) {
    write(|| io::stdout().write_all(bytes));
}

/// Why not all of it arrived, if so.
pub fn lost() -> Option<&'static io::Error> {
    write(|| io::stdout().flush());
    LOST.get()
}

fn write(action: impl FnOnce() -> io::Result<()>) {
    if LOST.get().is_none()
        && let Err(error) = action()
    {
        // Somebody else's error, which came first, is as good.
        let _ = LOST.set(error);
    }
}
