//! For build scripts: builds a function into an image, which the program then includes.
//!
//! ```no_run
//! // In build.rs:
//! ampoule_embed::build("zip-reader", "reader");
//! ```
//!
//! ```ignore
//! // In the program:
//! let image = ampoule_boot::include_image!("zip-reader")?;
//! ```
//!
//! The image is what `cargo xtask build-fn` makes: it is run from the very sources that this crate
//! belongs to, a checkout or what cargo has fetched. So image and launcher are of one version. Cargo
//! runs inside cargo, in target folders of its own under `OUT_DIR`, where no lock is held, and takes
//! part in the outer one's jobs.
#![forbid(unsafe_code)]

use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

/// What cargo tells build scripts of the program that they belong to, and would tell the wrong ones. A
/// guest's flags are not those of its host.
const OUTER: [&str; 6] = [
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_TARGET_DIR",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER",
];

/// The sources that this crate belongs to.
const AMPOULE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// What of them the builder is made of. To watch a file that is not there would be to build each time.
const BUILDER: [&str; 8] = [
    "Cargo.lock",
    "Cargo.toml",
    "boot/Cargo.toml",
    "boot/src",
    "runtime-lib/abi/Cargo.toml",
    "runtime-lib/abi/src",
    "xtask/Cargo.toml",
    "xtask/src",
];

/// Builds the function called `name` of the package in the folder `package`, seen from the manifest of the
/// program, for `ampoule_boot::include_image!`. The image is `OUT_DIR/NAME.elf`, its symbols are in
/// `OUT_DIR/NAME.debug`.
///
/// For a build script: cargo is told what to watch, which are the sources, manifests and lock file of
/// the function, and of its dependencies that have a path, and the builder's. If the function cannot be
/// built, the errors of its compiler and one more of cargo's own are shown, and the process ends with 1.
pub fn build(name: &str, package: impl AsRef<Path>) {
    if let Err(error) = try_build(name, package.as_ref()) {
        println!("cargo::error=the function {name:?} cannot be built: {error}");
        std::process::exit(1);
    }
}

fn try_build(name: &str, package: &Path) -> Result<(), Box<dyn Error>> {
    let own = variable("CARGO_MANIFEST_DIR")?;
    let out = PathBuf::from(variable("OUT_DIR")?);
    let manifest = Path::new(&own).join(package).join("Cargo.toml");
    if !manifest.is_file() {
        return Err(format!("there is no {}", manifest.display()).into());
    }
    let sources = out.join(name).with_extension("sources");
    let status = command(name, &manifest, &out, &sources)?.status();
    let status = status.map_err(|why| format!("cargo cannot be started: {why}"))?;
    succeeded(status)?;
    for part in BUILDER {
        watch(&Path::new(AMPOULE).join(part));
    }
    for source in fs::read_to_string(&sources)?.lines() {
        watch(Path::new(source));
    }
    Ok(())
}

/// `cargo xtask build-fn` of the sources that this crate belongs to.
fn command(
    name: &str,
    manifest: &Path,
    out: &Path,
    sources: &Path,
) -> Result<Command, Box<dyn Error>> {
    let ampoule = Path::new(AMPOULE);
    let xtask = ampoule.join("xtask/Cargo.toml");
    if !xtask.is_file() {
        return Err(format!(
            "{} is missing: take ampoule-embed by path or by git, which bring the builder along",
            xtask.display()
        )
        .into());
    }
    let mut command = Command::new(variable("CARGO")?);
    command.args(["run", "--quiet", "--locked", "--package", "xtask", "--manifest-path"]);
    command.arg(xtask).arg("--target-dir").arg(out.join("ampoule/xtask")).arg("--");
    command.args(["build-fn", name, "--manifest-path"]).arg(manifest);
    command.arg("--out").arg(out).arg("--list-sources").arg(sources);
    // Configuration of the program's folder is the program's.
    command.current_dir(ampoule).env("CARGO_TARGET_DIR", out.join("ampoule/function"));
    for outer in OUTER {
        command.env_remove(outer);
    }
    Ok(command)
}

fn succeeded(status: ExitStatus) -> Result<(), Box<dyn Error>> {
    if status.success() { Ok(()) } else { Err("its compiler's errors are above".into()) }
}

fn watch(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}

fn variable(name: &str) -> Result<OsString, String> {
    std::env::var_os(name).ok_or_else(|| format!("no {name}: call it from a build script"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_the_builder_is_made_of_is_watched() {
        let read = |part: &str| fs::read_to_string(Path::new(AMPOULE).join(part)).expect(part);
        let builder = read("xtask/Cargo.toml") + &read("boot/Cargo.toml");
        let workspace = read("Cargo.toml");
        let packages = workspace.lines().filter_map(|line| line.split_once(" = { path = \""));
        for (name, rest) in packages {
            let folder = rest.split('"').next().expect("a path");
            let depends = |line: &str| line.starts_with(&format!("{name} = "));
            let is_needed =
                builder.lines().any(|line| depends(line) && !line.contains("optional = true"));
            for part in ["Cargo.toml", "src"] {
                let part = format!("{folder}/{part}");
                assert_eq!(BUILDER.contains(&&*part), is_needed, "{part}");
            }
        }
        for part in BUILDER {
            assert!(Path::new(AMPOULE).join(part).exists(), "{part}");
        }
    }
}
