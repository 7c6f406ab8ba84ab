//! `setup` on a machine where nothing is installed, with an apt-get that only pretends.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

/// Writes its arguments down; `install` makes a QEMU.
const APT_GET: &str = r#"#!/bin/sh
echo "apt-get $* ($DEBIAN_FRONTEND)" >> "$MACHINE/log"
echo "this is apt-get $1"
if [ "$1" = install ]; then
    printf '#!/bin/sh\necho QEMU emulator version 10.0.2\n' > "$MACHINE/qemu-system-x86_64"
    /bin/chmod +x "$MACHINE/qemu-system-x86_64"
fi
"#;
/// Has the targets for which there is a folder.
const RUSTC: &str = "#!/bin/sh\necho \"$MACHINE/$4\"\n";
const RUSTUP: &str = "#!/bin/sh\necho \"this is rustup $*\"\n/bin/mkdir \"$MACHINE/$3\"\n";
const RUSTUP_THAT_FAILS: &str = "#!/bin/sh\necho 'error: no network' >&2\nexit 1\n";
const APT_GET_THAT_FAILS: &str = "#!/bin/sh\necho 'E: no network' >&2\nexit 100\n";
const QEMU: &str = "#!/bin/sh\necho QEMU emulator version 10.0.2\n";
const SUDO: &str = "#!/bin/sh\nexec \"$@\"\n";
const ENV: &str = "#!/bin/sh\nexec /usr/bin/env \"$@\"\n";

/// Runs `setup` with only these programs in `PATH`.
fn setup(machine: &Path, programs: &[(&str, &str)]) -> Output {
    for (name, script) in programs {
        let path = machine.join(name);
        fs::write(&path, script).expect("a script");
        fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("an executable script");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.arg("setup").env("PATH", machine).env("MACHINE", machine);
    command.output().expect("xtask runs")
}

/// What was said on STDERR; nothing may be on STDOUT.
fn said(output: &Output) -> String {
    assert_eq!(output.stdout, b"", "STDOUT");
    String::from_utf8(output.stderr.clone()).expect("text")
}

#[test]
fn it_says_what_and_why_and_then_installs() {
    let machine = tempfile::tempdir().expect("a folder");
    let programs = [("apt-get", APT_GET), ("sudo", SUDO), ("env", ENV)];
    let output = setup(machine.path(), &programs);
    let said_first = said(&output);
    assert!(output.status.success(), "{said_first}");
    let place =
        |text: &str| said_first.find(text).unwrap_or_else(|| panic!("{text}: {said_first}"));
    let in_order = [
        place("Missing QEMU, which boots functions (qemu-system-x86_64: No such file"),
        place("Installing the Debian package qemu-system-x86\n"),
        place("this is apt-get update"),
        place("this is apt-get install"),
        place("Ready QEMU emulator version 10.0.2"),
    ];
    assert!(in_order.is_sorted(), "{said_first}");
    let log = fs::read_to_string(machine.path().join("log")).expect("a log");
    let expected = "apt-get update -qq (noninteractive)\n\
         apt-get install -y -qq --no-install-recommends qemu-system-x86 (noninteractive)\n";
    assert_eq!(log, expected);

    let again = setup(machine.path(), &programs);
    assert!(again.status.success());
    assert!(said(&again).ends_with("Ready QEMU emulator version 10.0.2\n"));
    assert!(!said(&again).contains("Installing"));
    assert_eq!(fs::read_to_string(machine.path().join("log")).expect("a log"), expected);
}

#[test]
fn the_launcher_s_target_is_added_once() {
    let machine = tempfile::tempdir().expect("a folder");
    let programs = [("rustc", RUSTC), ("rustup", RUSTUP), ("qemu-system-x86_64", QEMU)];
    let output = setup(machine.path(), &programs);
    assert!(output.status.success());
    let first = said(&output);
    let why = "the target x86_64-unknown-linux-musl, with which the launcher starts some 0.3 ms";
    assert!(first.contains(why), "{first}");
    assert!(first.contains("this is rustup target add x86_64-unknown-linux-musl\n"), "{first}");
    let ready = "Ready x86_64-unknown-linux-musl, for the launcher\n";
    assert!(first.contains(ready), "{first}");

    let again = said(&setup(machine.path(), &programs));
    assert!(again.contains(ready) && !again.contains("rustup"), "{again}");
}

#[test]
fn the_launcher_s_target_can_be_done_without() {
    let instead = "; the launcher is built for x86_64-unknown-linux-gnu instead\n";
    let qemu = ("qemu-system-x86_64", QEMU);
    for (programs, why) in [
        (&[qemu][..], "`rustup target add x86_64-unknown-linux-musl` cannot be run: No such file"),
        (&[qemu, ("rustc", RUSTC), ("rustup", RUSTUP_THAT_FAILS)], "failed (exit status: 1)"),
        (&[qemu, ("rustup", RUSTUP)], "rustc is not the one that rustup installs for"),
    ] {
        let machine = tempfile::tempdir().expect("a folder");
        let output = setup(machine.path(), programs);
        let said = said(&output);
        assert!(output.status.success(), "{said}");
        assert!(said.contains(why) && said.contains(instead), "{said}");
        assert!(said.ends_with("Ready QEMU emulator version 10.0.2\n"), "{said}");
    }
}

#[test]
fn when_apt_get_fails_its_command_and_status_are_told() {
    let machine = tempfile::tempdir().expect("a folder");
    let programs = [("apt-get", APT_GET_THAT_FAILS), ("sudo", SUDO), ("env", ENV)];
    let output = setup(machine.path(), &programs);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("E: no network"), "{said}");
    assert!(said.contains("apt-get update -qq` failed (exit status: 100)"), "{said}");
    assert!(!said.contains("Ready"), "{said}");
}

#[test]
fn where_there_is_no_apt_get_the_package_is_named() {
    let machine = tempfile::tempdir().expect("a folder");
    let output = setup(machine.path(), &[]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("install qemu-system-x86 with the system's own tools"), "{said}");
}
