//! Where programs are, by `PATH`.

use std::path::PathBuf;

/// The file that a command of this name would run.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|it| it.is_file())
}
