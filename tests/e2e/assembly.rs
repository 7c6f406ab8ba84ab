//! Images of a few instructions each, from `tests/hostile`: assembled and linked by the C
//! compiler that Rust needs too.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::tools;

/// Makes an image of `NAME.s`.
pub fn image(name: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile");
    fs::create_dir_all(&folder).expect("a folder for images");
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let fresh = folder.join(format!("{name}-{}-{number}", std::process::id()));
    let mut command = Command::new("cc");
    command.args(["-nostdlib", "-static", "-no-pie", "-Wl,--build-id=none,--script=link.ld"]);
    command.arg(format!("{name}.s")).arg("-o").arg(&fresh).current_dir(sources());
    let output = command.output().expect("there is a C compiler, as Rust needs one");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    // In one step, so that whoever reads an earlier one goes on reading that.
    let image = folder.join(name).with_extension("elf");
    fs::rename(fresh, &image).expect("a name for the image");
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
