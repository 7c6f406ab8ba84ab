//! Asking the compiler that cargo uses what it is and what it can compile for.

use std::path::Path;
use std::process::Command;

/// What rustc answers on STDOUT; `None` if it is not there or does not know.
pub fn ask(arguments: &[&str]) -> Option<String> {
    let output = Command::new("rustc").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// Whether the standard library for `target` is installed.
pub fn has_target(target: &str) -> bool {
    // The folder is told whether it exists or not.
    let folder = ask(&["--print", "target-libdir", "--target", target]);
    folder.is_some_and(|folder| Path::new(&folder).is_dir())
}
