//! A KVM that fails: busy, gone, out of memory, of slots, of descriptors. What it is asked for is
//! answered with an error by a filter of system calls, `failing.py`.

use std::process::Command;

use crate::harness::{Suite, launcher};
use crate::matrix::Backend;
use crate::process::{Done, Invocation};
use crate::tools;

pub fn add(suite: &mut Suite) {
    let name = "kvm::what_it_refuses_gives_125_and_is_named_with_the_error";
    suite.once_on(Backend::Kvm, name, refused);
    let name =
        "kvm::what_it_refuses_is_told_in_a_line_and_tcg_runs_the_call_unless_it_was_asked_for";
    suite.once_on(Backend::QemuKvm, name, fallback);
    let name = "kvm::a_processor_that_does_not_run_ends_the_call";
    suite.once_on(Backend::Kvm, name, not_run);
    suite.each("kvm::too_few_descriptors_are_told_wherever_they_run_out", descriptors);
    suite.once_on(Backend::Kvm, "kvm::too_little_address_space_is_told", address_space);
}

/// What fails before there is a machine, and what is said of it.
const REFUSALS: [(&str, &[&str]); 12] = [
    ("open=ENOENT", &["there is no /dev/kvm", "--device /dev/kvm"]),
    ("open=EACCES", &["may not be opened", "usermod -aG kvm"]),
    ("open=EBUSY", &["does not open", "os error 16", "another hypervisor"]),
    ("open=EMFILE", &["does not open", "os error 24", "`ulimit -n`"]),
    ("ae01=EBUSY", &["KVM_CREATE_VM", "os error 16", "another hypervisor"]),
    ("ae01=ENOMEM", &["KVM_CREATE_VM", "os error 12", "short of memory"]),
    ("ae47=EINVAL", &["KVM_SET_TSS_ADDR", "os error 22"]),
    ("4068aea3=EINVAL", &["KVM_ENABLE_CAP", "os error 22"]),
    ("ae41=ENOMEM", &["KVM_CREATE_VCPU", "os error 12", "short of memory"]),
    ("4008ae90=E2BIG", &["KVM_SET_CPUID2", "os error 7"]),
    ("4020ae46=ENOMEM", &["KVM_SET_USER_MEMORY_REGION", "os error 12", "short of memory"]),
    ("4020ae46=ENOSPC", &["KVM_SET_USER_MEMORY_REGION", "os error 28", "short of memory"]),
];

/// A call of `echo` for which this fails.
fn call(fault: &str, options: &[&str]) -> Done {
    let image = tools::get().image("echo");
    let words = [&["run", image.to_str().expect("text")], options].concat();
    launcher(&words).under("failing.py", &[fault]).feed(b"hello")
}

fn refused() {
    for (fault, parts) in REFUSALS {
        let done = call(fault, &["--backend", "builtin"]).expect(125);
        assert!(done.stdout.is_empty(), "{fault}: {done:?}");
        done.says(parts).says(&["KVM was asked for", "--accel tcg"]);
    }
}

fn fallback() {
    for (fault, parts) in REFUSALS {
        let done = call(fault, &[]).expect(0);
        assert_eq!((done.text(), done.stderr.lines().count()), ("hello", 1), "{fault}: {done:?}");
        done.says(parts).says(&["running without KVM", "--accel tcg silences this"]);
    }
    // Under QEMU it is asked for by QEMU.
    for (fault, part) in [
        ("ae01=EBUSY", "Device or resource busy"),
        ("ae41=ENOMEM", "kvm_get_vcpu failed"),
        ("4020ae46=ENOSPC", "KVM_SET_USER_MEMORY_REGION failed"),
    ] {
        let done = call(fault, &["--backend", "qemu"]).expect(0);
        assert_eq!(done.text(), "hello", "{fault}: {done:?}");
        done.says(&["running without KVM", part]);
        let done = call(fault, &["--backend", "qemu", "--accel", "kvm"]).expect(125);
        assert!(done.stdout.is_empty(), "{fault}: {done:?}");
        done.says(&["`echo`", part]);
    }
}

/// A process that is confined by then starts no other monitor.
fn not_run() {
    let deadline = ["--timeout", "300ms"];
    for options in [&[][..], &["--backend", "builtin"]] {
        let options = [options, &deadline[..]].concat();
        for (fault, error) in [("ae80=EIO", "os error 5"), ("ae80=EBUSY", "os error 16")] {
            let done = call(fault, &options).expect(125);
            done.says(&["`echo`", "KVM_RUN", error, "--accel tcg"]);
        }
        for (fault, error) in [("ae80=EFAULT", "os error 14"), ("ae80=ENOMEM", "os error 12")] {
            let done = call(fault, &options).expect(125);
            done.says(&["`echo`", "KVM_RUN", error, "no memory for the guest"]);
        }
        // These are signals, after which it is to go on; so it does, and never gets anywhere.
        for fault in ["ae80=EINTR", "ae80=EAGAIN"] {
            call(fault, &options).expect(124).says(&["`echo`", "300ms"]);
        }
    }
}

/// A call by a shell that sets a limit, with no descriptors that this process has from its parent.
fn limited(backend: Backend, limit: &str) -> Done {
    let mut command = Command::new("bash");
    let script = format!("for n in {{3..255}}; do exec {{n}}>&-; done; {limit} && exec \"$@\"");
    command.args(["-c", &script, "bash"]);
    let call: Invocation = backend.call("echo").bare();
    call.inside(command).feed(b"hello")
}

fn descriptors(backend: Backend) {
    // One more each time, until it has run with three numbers: the first are the closest.
    let mut runs = 0;
    for most in 3..=64 {
        let done = limited(backend, &format!("ulimit -n {most}"));
        if done.status == 0 {
            assert_eq!(done.silent().text(), "hello");
            runs += 1;
            if runs == 3 {
                break;
            }
            continue;
        }
        assert_eq!(runs, 0, "with {most} after it ran with fewer: {done:?}");
        assert!([125, 126].contains(&done.status) && done.stdout.is_empty(), "{done:?}");
        // A layer of the jail may have been told as missing before.
        let last = done.stderr.lines().last().unwrap_or_default();
        assert!(last.starts_with("ampoule: ") && last.contains("os error 24"), "{done:?}");
    }
    assert_eq!(runs, 3, "64 descriptors are not enough");
}

/// The launcher itself has room, and the machine's memory has none.
fn address_space() {
    let done = limited(Backend::Kvm, "ulimit -v 6000").expect(125);
    done.says(&["map the guest's memory", "os error 12"]);
}
