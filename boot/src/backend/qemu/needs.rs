//! What QEMU needs of the file system: itself, its libraries, its firmware, and `/dev/kvm`.
//!
//! The image, the call's stream and its log are descriptors that it is given.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::host::Accel;
use crate::jail::Needs;

/// Where systems keep programs, libraries and what comes with them, and nothing of their users'.
const SYSTEM: [&str; 8] =
    ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store", "/gnu/store"];

/// What the dynamic linker reads besides.
const LINKER: [&str; 2] = ["/etc/ld.so.cache", "/etc/ld.so.preload"];

/// Beside the folder of a program that is installed elsewhere.
const BESIDE: [&str; 4] = ["lib", "lib64", "libexec", "share/qemu"];

/// What `program` needs to execute a guest in the way of `accel`.
pub(super) fn of(program: &OsStr, accel: Accel) -> Needs {
    let mut readable: Vec<PathBuf> = SYSTEM.iter().chain(&LINKER).map(PathBuf::from).collect();
    if let Some(path) = find(program) {
        let prefix = path.parent().and_then(Path::parent);
        readable.extend(prefix.into_iter().flat_map(|prefix| BESIDE.map(|name| prefix.join(name))));
        readable.push(path);
    }
    readable.extend(folders("LD_LIBRARY_PATH"));
    let devices = match accel {
        Accel::Kvm => vec!["/dev/kvm".into()],
        Accel::Tcg => Vec::new(),
    };
    Needs { readable, devices }
}

/// The program's own path, without links.
fn find(program: &OsStr) -> Option<PathBuf> {
    let place = match Path::new(program).components().count() {
        1 => folders("PATH").map(|folder| folder.join(program)).find(|path| path.is_file())?,
        _ => program.into(),
    };
    place.canonicalize().ok()
}

fn folders(variable: &str) -> impl Iterator<Item = PathBuf> {
    let list = env::var_os(variable).unwrap_or_default();
    env::split_paths(&list).filter(|path| path.is_absolute()).collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kvm_is_opened_only_where_it_executes() {
        assert_eq!(of("qemu".as_ref(), Accel::Kvm).devices, [Path::new("/dev/kvm")]);
        assert!(of("qemu".as_ref(), Accel::Tcg).devices.is_empty());
    }

    #[test]
    fn a_program_elsewhere_is_read_and_what_lies_beside_its_folder_but_not_around_it() {
        let prefix = tempfile::tempdir().expect("a folder");
        let program = prefix.path().canonicalize().expect("a path").join("bin/qemu");
        std::fs::create_dir(program.parent().expect("a folder")).expect("made");
        std::fs::write(&program, "").expect("written");
        let readable = of(program.as_os_str(), Accel::Tcg).readable;
        assert!(readable.contains(&program));
        assert!(readable.contains(&program.ancestors().nth(2).expect("the prefix").join("lib")));
        assert!(
            program.ancestors().skip(1).all(|folder| !readable.iter().any(|one| one == folder))
        );
    }
}
