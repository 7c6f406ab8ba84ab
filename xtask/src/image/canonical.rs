//! The compiler as cargo is to see it for a guest, and for a launcher: what it makes does not tell where
//! it was made.
//!
//! Cargo hands the compiler paths of this machine, and numbers crates by a hash of where their
//! sources lie (`-Cmetadata`), on which the names of symbols, the identities of types and the order of
//! both depend. So cargo is given this program as its `RUSTC_WRAPPER`. It puts names in the place of
//! folders, and a number that follows from what a crate is.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};
use std::process::Command;

use ampoule_boot::digest::Digest;

use super::compile::GUEST_CFG;

/// Where packages that are no part of the project seem to lie, each in a folder `NAME-VERSION`.
pub const PACKAGES: &str = "/cargo";

/// Marks what is compiled for a program of the host's that is to be the same bytes everywhere too.
pub const PROGRAM_CFG: &str = "--cfg=ampoule_program";

/// Says that cargo runs this program for a guest, or for such a program.
const MARK: &str = "AMPOULE_CANONICAL_RUSTC";

/// What decides the identity of a crate, by its options; a package has one version in a graph.
const IDENTITY: [&str; 4] = ["--crate-name", "--crate-type", "--target", "--cfg"];

/// Hex digits of a crate's number, as many as cargo's.
const NUMBER_DIGITS: usize = 16;

/// A compilation, as the environment and the arguments that cargo gives describe it.
struct Unit {
    /// `NAME-VERSION` of the package.
    package: OsString,
    /// The package's folder.
    folder: OsString,
    /// Where the package's build script has put what it made.
    made: Option<OsString>,
}

/// Has `command`, a run of cargo, compile what is marked in this manner.
pub fn wrap(command: &mut Command) -> io::Result<()> {
    command.env("RUSTC_WRAPPER", std::env::current_exe()?).env(MARK, "1");
    // A compiler for the user's own packages, such as clippy's, would be another compiler.
    command.env("RUSTC_WORKSPACE_WRAPPER", "");
    Ok(())
}

/// Becomes the compiler if cargo has started this program as one; returns the error if it cannot.
pub fn take_over() -> Option<io::Error> {
    std::env::var_os(MARK)?;
    let mut arguments = std::env::args_os().skip(1);
    // A build script that runs `cargo xtask` has the mark in its environment too.
    let compiler = arguments.next().filter(|it| is_compiler(it))?;
    let arguments: Vec<OsString> = arguments.collect();
    let unit = is_ours(&arguments).then(Unit::from_environment).flatten();
    let arguments = match unit {
        Some(unit) => unit.canonical(arguments),
        None => arguments,
    };
    Some(Command::new(compiler).args(arguments).exec())
}

fn is_compiler(program: &OsStr) -> bool {
    program == "rustc" || program.as_bytes().contains(&(MAIN_SEPARATOR as u8))
}

/// Whether it is compiled for the target, and not for a build script or a macro.
fn is_ours(arguments: &[OsString]) -> bool {
    arguments.iter().any(|argument| argument == GUEST_CFG[0] || argument == PROGRAM_CFG)
}

impl Unit {
    /// `None` where cargo only asks the compiler what it can do.
    fn from_environment() -> Option<Self> {
        let mut package = std::env::var_os("CARGO_PKG_NAME")?;
        package.push("-");
        package.push(std::env::var_os("CARGO_PKG_VERSION")?);
        let folder = std::env::var_os("CARGO_MANIFEST_DIR")?;
        Some(Self { package, folder, made: std::env::var_os("OUT_DIR") })
    }

    /// The arguments for the compiler.
    fn canonical(&self, arguments: Vec<OsString>) -> Vec<OsString> {
        let number = self.number(&arguments);
        let remaps = self.remaps(&arguments);
        let renumbered = |argument: OsString| match argument.to_str() {
            Some(text) if text.starts_with("metadata=") => format!("metadata={number}").into(),
            _ => argument,
        };
        arguments.into_iter().map(renumbered).chain(remaps).collect()
    }

    fn number(&self, arguments: &[OsString]) -> String {
        let mut identity = Vec::new();
        let mut add = |part: &OsStr| {
            identity.extend((part.len() as u64).to_le_bytes());
            identity.extend(part.as_bytes());
        };
        add(&self.package);
        for pair in arguments.windows(2) {
            if IDENTITY.iter().any(|known| pair[0] == *known) {
                pair.iter().for_each(|it| add(it));
            }
        }
        Digest::of(&identity).hexadecimal()[..NUMBER_DIGITS].to_owned()
    }

    /// Names for folders; the last one that fits is taken.
    fn remaps(&self, arguments: &[OsString]) -> Vec<OsString> {
        let name = Path::new(PACKAGES).join(&self.package);
        let mut remaps = Vec::new();
        match is_foreign(arguments) {
            true => remaps.extend(names(Path::new(&self.folder), &name)),
            // Sources in the project's own folder are named from there; cargo starts the compiler in it.
            false => {
                remaps.extend(std::env::current_dir().iter().flat_map(|it| names(it, ".".as_ref())))
            }
        }
        let made = self.made.as_ref().map(Path::new);
        remaps.extend(made.into_iter().flat_map(|made| names(made, &name.join("out"))));
        remaps
    }
}

/// Whether the source is no part of the project.
fn is_foreign(arguments: &[OsString]) -> bool {
    let source = |it: &&OsString| Path::new(it).extension().is_some_and(|it| it == "rs");
    arguments.iter().find(source).is_some_and(|source| Path::new(source).is_absolute())
}

/// Gives a folder a name: by the path that cargo has for it, and by the one without symbolic links, which
/// the compiler finds where it is started.
fn names(folder: &Path, name: &Path) -> Vec<OsString> {
    let paths = [Some(folder.to_owned()), folder.canonicalize().ok()];
    let flag = |path: PathBuf| {
        let mut flag = OsString::from("--remap-path-prefix=");
        flag.push(path);
        flag.push("=");
        flag.push(name);
        flag
    };
    paths.into_iter().flatten().map(flag).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What cargo gives for a crate whose sources lie in `folder`.
    fn canonical(folder: &str, source: &str, number: &str, features: &[&str]) -> Vec<String> {
        let unit = Unit {
            package: "helper-0.1.0".into(),
            folder: folder.into(),
            made: Some(format!("{folder}/target/build/helper-{number}/out").into()),
        };
        let mut arguments = vec!["--crate-name", "helper", source, "--crate-type", "lib"];
        for feature in features {
            arguments.extend(["--cfg", feature]);
        }
        let metadata = format!("metadata={number}");
        arguments.extend(["-C", &metadata, "--out-dir", folder, "--cfg=ampoule_guest"]);
        let arguments = arguments.into_iter().map(OsString::from).collect();
        let canonical = unit.canonical(arguments);
        canonical.into_iter().map(|it| it.into_string().expect("text")).collect()
    }

    fn number(arguments: &[String]) -> &str {
        arguments.iter().find_map(|it| it.strip_prefix("metadata=")).expect("a number")
    }

    #[test]
    fn a_number_follows_from_what_a_crate_is_and_not_from_where() {
        let here = canonical("/a/helper", "/a/helper/src/lib.rs", "1f", &["feature=\"x\""]);
        let there = canonical("/b/c/helper", "/b/c/helper/src/lib.rs", "2e", &["feature=\"x\""]);
        assert_eq!(number(&here), number(&there));
        assert_eq!(number(&here).len(), NUMBER_DIGITS);
        let other = canonical("/a/helper", "/a/helper/src/lib.rs", "1f", &["feature=\"y\""]);
        assert_ne!(number(&here), number(&other));
    }

    #[test]
    fn folders_of_others_are_named_by_their_package() {
        let arguments = canonical("/a/helper", "/a/helper/src/lib.rs", "1f", &[]);
        let folder = "--remap-path-prefix=/a/helper=/cargo/helper-0.1.0";
        let made =
            "--remap-path-prefix=/a/helper/target/build/helper-1f/out=/cargo/helper-0.1.0/out";
        assert_eq!(arguments[arguments.len() - 2..], [folder, made]);
    }

    #[test]
    fn the_project_is_named_from_its_own_folder() {
        let arguments = canonical("/a", "helper/src/lib.rs", "1f", &[]);
        let here = std::env::current_dir().expect("a folder").display().to_string();
        let expected = format!("--remap-path-prefix={here}=.");
        assert_eq!(arguments[arguments.len() - 3..][..2], [expected.clone(), expected]);
    }

    #[test]
    fn a_folder_behind_a_link_has_its_name_by_both_paths() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let real = folder.path().canonicalize().expect("a path").join("real");
        std::fs::create_dir(&real).expect("a folder");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&real, &link).expect("a link");
        let flags = names(&link, "/cargo/helper-0.1.0".as_ref());
        let flag =
            |path: &Path| format!("--remap-path-prefix={}=/cargo/helper-0.1.0", path.display());
        assert_eq!(flags, [flag(&link), flag(&real)].map(OsString::from));
    }

    #[test]
    fn a_verb_is_no_compiler() {
        assert!(is_compiler("rustc".as_ref()) && is_compiler("/opt/bin/my-rustc".as_ref()));
        assert!(!is_compiler("build-fn".as_ref()) && !is_compiler("--help".as_ref()));
    }
}
