//! Trying a launcher before any bundle is made with it: its guard's code runs where no linker has put
//! it, and nothing but to run it tells whether the compiler has kept to that.

use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Output};

use super::{BundleError, Launcher};
use crate::publish::{EXECUTABLE, temporary};

/// No image, which a launcher says as soon as it gets there.
const NO_IMAGE: [u8; 4096] = [0; 4096];

/// Runs a bundle that is whole and one that is not, in `folder`.
pub fn of(launcher: &Launcher, folder: &Path) -> Result<(), BundleError> {
    let whole = launcher.with(&NO_IMAGE)?;
    let mut damaged = whole.clone();
    if let Some(last) = damaged.last_mut() {
        *last ^= 1;
    }
    for (bundle, words) in [(whole, "is not an ELF file"), (damaged, "was altered")] {
        let output =
            run(&bundle, folder).map_err(|why| BundleError::Try { folder: folder.into(), why })?;
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.code() != Some(126) || !said.contains(words) {
            return Err(BundleError::Guard { found: format!("{}: {said:?}", output.status) });
        }
    }
    Ok(())
}

fn run(bundle: &[u8], folder: &Path) -> io::Result<Output> {
    let mut file = temporary(folder, EXECUTABLE)?;
    file.write_all(bundle)?;
    // Nobody may have it open for writing when it is executed.
    let path = file.into_temp_path();
    Command::new(&path).arg("--ampoule-inspect").output()
}
