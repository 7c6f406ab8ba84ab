//! Images of a few instructions each, from `tests/hostile`: assembled and linked by the C
//! compiler that Rust needs too.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tools;

/// Makes an image of `NAME.s`, one for each user, so that none replaces what another one reads.
pub fn image(name: &str, user: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile");
    fs::create_dir_all(&folder).expect("a folder for images");
    let image = folder.join(format!("{name}-{user}.elf"));
    let mut command = Command::new("cc");
    command.args(["-nostdlib", "-static", "-no-pie", "-Wl,--build-id=none,--script=link.ld"]);
    command.arg(format!("{name}.s")).arg("-o").arg(&image).current_dir(sources());
    let output = command.output().expect("there is a C compiler, as Rust needs one");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    image
}

/// The names of all that can be made.
pub fn names() -> Vec<String> {
    let entries = fs::read_dir(sources()).expect("the folder of hostile guests");
    let files = entries.map(|entry| entry.expect("an entry").file_name());
    let names = files.filter_map(|file| Some(file.to_str()?.strip_suffix(".s")?.to_owned()));
    names.collect()
}

fn sources() -> PathBuf {
    tools::root().join("tests/hostile")
}
