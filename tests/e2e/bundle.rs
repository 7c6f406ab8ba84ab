//! Bundles: a function and its launcher in one executable, which needs nothing else.

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use ampoule_abi::seal::{self, Checksums};
use serde_json::Value;

use crate::data::Random;
use crate::harness::{Scratch, Suite, clean, launcher, xtask};
use crate::hints;
use crate::matrix::Backend;
use crate::process::{Done, Invocation};
use crate::tools;

/// The launcher takes less than this without an image, which is in a bundle as it is.
const MAX_BYTES: u64 = 1_572_864;

pub fn add(suite: &mut Suite) {
    suite.once("bundle::of_echo_takes_at_most_1_5_mib", small);
    suite.once("bundle::says_what_is_in_it", inspected);
    suite.once("bundle::a_flipped_bit_is_refused_and_never_runs", flipped);
    suite.once("bundle::a_part_of_one_is_refused_and_never_runs", cut);
    suite.once("bundle::of_a_damaged_image_is_not_made", of_damaged);
    suite.once("bundle::is_verified_by_the_launcher_wherever_it_is_damaged", verified);
    suite.each("bundle::is_run_by_a_launcher_as_its_image_is", run_by_launcher);
    suite.once("bundle::a_bad_option_gives_125", bad_options);
    suite.each("bundle::is_the_function_with_its_arguments", filter);
    suite.each("bundle::has_the_statuses_of_a_call", statuses);
    suite.each("bundle::takes_options_of_a_call", options);
    let name = "bundle::runs_in_an_empty_root_for_a_user_who_may_open_kvm_and_nothing_else";
    suite.once_on(Backend::Kvm, name, empty_root);
    suite.once_on(Backend::QemuTcg, "bundle::falls_back_to_qemu_and_says_so", fallback);
}

/// A call of a bundle, on a backend.
fn call<A: AsRef<OsStr>>(
    backend: Backend,
    function: &str,
    options: &[&str],
    arguments: impl IntoIterator<Item = A>,
) -> Invocation {
    let mut command = Command::new(tools::bundle(function));
    command.args(backend.options().iter().map(|word| word.replacen("--", "--ampoule-", 1)));
    command.args(options).args(arguments);
    clean(&mut command);
    Invocation::new(command)
}

const NONE: [&str; 0] = [];

fn filter(backend: Backend) {
    let input = Random::new(3).bytes(1_000_000);
    let done = call(backend, "echo", &[], NONE).feed(&input).expect(0).silent();
    assert!(done.stdout == input, "{} bytes", done.stdout.len());
    let done = call(backend, "wc", &[], ["-l"]).feed(b"1\n2\n").expect(0).silent();
    assert_eq!(done.text(), "2\n");
    // What looks like the launcher's is the function's behind its first argument.
    let done = call(backend, "wc", &[], ["-l", "--", "--ampoule-help"]).run();
    assert!(done.status < 124 && !done.stderr.contains("--ampoule-timeout"), "{done:?}");
}

fn statuses(backend: Backend) {
    let fail = |options: &[&str], arguments: &[&str]| {
        let done = call(backend, "fail", options, arguments).run();
        hints::check(&done.stderr);
        done
    };
    fail(&[], &["status", "65"]).expect(65).silent();
    fail(&[], &["panic"]).expect(134).says(&["   0: 0x"]);
    fail(&[], &["null"]).expect(134).says(&["`fail` crashed", "null pointer"]);
    let done = fail(&["--ampoule-timeout", "200ms"], &["spin"]).expect(124);
    done.says(&["deadline of 200ms", "--ampoule-timeout"]);
}

fn options(backend: Backend) {
    let scratch = Scratch::new();
    let report = scratch.path("report.json").display().to_string();
    let options =
        ["--ampoule-report", &report, "--ampoule-env=GREETING=hello", "--ampoule-memory=32MiB"];
    let done = call(backend, "context", &options, NONE).env("OTHER", "no").run().expect(0).silent();
    // Names and values in hexadecimal.
    let has = |name: &str| done.text().contains(&format!("variable {name}="));
    assert!(has("4752454554494e47") && !has("4f54484552"), "{done:?}");
    let report: Value =
        serde_json::from_slice(&fs::read(&report).expect("a report")).expect("JSON");
    assert_eq!(report["limits"]["memory_bytes"], 32 << 20);
    assert_eq!((&report["exit_code"], &report["accel"]), (&0.into(), &backend.accel().into()));
    assert!(report["jail"]["no_new_privs"].as_bool().expect("a jail"), "{report}");
}

fn small() {
    let bytes = fs::metadata(tools::bundle("echo")).expect("a bundle").len();
    assert!(bytes <= MAX_BYTES, "{bytes} bytes");
}

fn inspected() {
    let done = Invocation::new(asked("--ampoule-inspect")).run().expect(0).silent();
    let inspection: Value = serde_json::from_str(done.text()).expect("JSON");
    let image = fs::read(tools::get().image("echo")).expect("an image");
    let checksum = seal::compare(&image).expect("a seal").claimed;
    assert_eq!(inspection["schema"], "ampoule.bundle/1");
    assert_eq!(inspection["function"]["name"], "echo");
    assert_eq!(inspection["image_bytes"], image.len());
    assert_eq!(inspection["image_checksum"], format!("xxh64:{checksum:016x}"));
    // The image is the end of the file.
    let bundle = fs::read(tools::bundle("echo")).expect("a bundle");
    assert!(bundle.ends_with(&image));
}

fn asked(option: &str) -> Command {
    let mut command = Command::new(tools::bundle("echo"));
    command.arg(option);
    clean(&mut command);
    command
}

fn bad_options() {
    for (option, words) in [
        ("--ampoule-speed", ["--ampoule-speed", "--ampoule-help"]),
        ("--ampoule-timeout=x", ["--ampoule-timeout", "`x`"]),
    ] {
        let done = Invocation::new(asked(option)).run().expect(125).says(&words);
        assert!(done.stdout.is_empty(), "{done:?}");
        hints::check(&done.stderr.replace("--ampoule-speed", ""));
    }
    let help = Invocation::new(asked("--ampoule-help")).run().expect(0).silent();
    hints::check(help.text());
}

/// Where headers and the guard end. Damage to those the kernel or the processor finds, or the launcher:
/// see `verified`.
fn guarded_from(bundle: &[u8]) -> usize {
    let places = seal::FIRST - seal::BYTES - ampoule_boot::bundle::Places::BYTES;
    let is_code = |byte: &u8| *byte != 0;
    bundle[..places].iter().rposition(is_code).expect("the guard") + 1
}

/// Runs a changed bundle: how it was refused, if by itself.
fn run(scratch: &Scratch, bytes: &[u8]) -> Option<Done> {
    let path = scratch.path("changed");
    fs::write(&path, bytes).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
    let mut command = Command::new(&path);
    clean(&mut command);
    let output = loop {
        match command.output() {
            // A process that another test has just forked has it open still.
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => thread::yield_now(),
            // What is no program any more is refused by the kernel.
            Err(_) => return None,
            Ok(output) => break output,
        }
    };
    assert!(output.stdout.is_empty() && !output.status.success(), "{output:?}");
    output.status.code().map(|_| Invocation::new(command).feed(b"x"))
}

fn flipped() {
    let (bundle, scratch) = (fs::read(tools::bundle("echo")).expect("a bundle"), Scratch::new());
    let sealed = |bytes: &[u8]| seal::compare(bytes).expect("a seal");
    assert!(sealed(&bundle).agree());
    let (guarded, mut random) = (guarded_from(&bundle), Random::new(5));
    for index in 0..120 {
        let range = if index % 3 == 0 { 0..seal::FIRST } else { 0..bundle.len() };
        let bit = 8 * range.start + random.next() as usize % (8 * range.len());
        let mut changed = bundle.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let Checksums { claimed, found } = sealed(&changed);
        assert_ne!(claimed, found, "bit {bit}");
        let done = run(&scratch, &changed);
        if bit / 8 < guarded {
            continue;
        }
        let done = done.unwrap_or_else(|| panic!("bit {bit} was not refused"));
        let checksums = [claimed, found].map(|sum| format!("xxh64:{sum:016x}"));
        done.expect(126).says(&["/changed", "altered", &checksums[0], &checksums[1]]);
    }
}

fn cut() {
    let (bundle, scratch) = (fs::read(tools::bundle("echo")).expect("a bundle"), Scratch::new());
    let (guarded, mut random) = (guarded_from(&bundle), Random::new(6));
    let claimed = format!("xxh64:{:016x}", seal::compare(&bundle).expect("a seal").claimed);
    let some = (0..30).map(|_| random.next() as usize % bundle.len());
    for length in [1, 64, 500, guarded, seal::FIRST, bundle.len() - 1].into_iter().chain(some) {
        let done = run(&scratch, &bundle[..length]);
        if length < seal::FIRST {
            continue;
        }
        let done = done.unwrap_or_else(|| panic!("{length} bytes were not refused"));
        done.expect(126).says(&["/changed", &claimed]);
    }
}

fn of_damaged() {
    let scratch = Scratch::new();
    let mut image = fs::read(tools::get().image("echo")).expect("an image");
    let middle = image.len() / 2;
    image[middle] ^= 1;
    let [path, bundle] = ["echo.elf", "echo"].map(|name| scratch.path(name).display().to_string());
    fs::write(&path, image).expect("written");
    let done = xtask(&["bundle", &path, "-o", &bundle]).run().expect(1);
    assert!(done.stderr.contains("echo.elf cannot be run: it was altered"), "{done:?}");
    assert_eq!(scratch.names(), ["echo.elf"]);
}

fn verified() {
    let (bundle, scratch) = (fs::read(tools::bundle("echo")).expect("a bundle"), Scratch::new());
    let path = scratch.path("damaged");
    let verify = |bytes: &[u8]| {
        fs::write(&path, bytes).expect("written");
        launcher(&["verify", &path.display().to_string()]).run()
    };
    verify(&bundle).expect(0).silent();
    let mut random = Random::new(8);
    for index in 0..100 {
        let range = if index % 2 == 0 { seal::FIRST } else { bundle.len() };
        let bit = random.next() as usize % (8 * range);
        let mut changed = bundle.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let Checksums { claimed, found } = seal::compare(&changed).expect("a seal");
        let checksums = [claimed, found].map(|sum| format!("xxh64:{sum:016x}"));
        verify(&changed).expect(126).says(&["damaged", &checksums[0], &checksums[1]]);
    }
    for length in [0, 1, 64, 600, seal::FIRST - 1, seal::FIRST, bundle.len() / 2, bundle.len() - 1]
    {
        verify(&bundle[..length]).expect(126).says(&["damaged"]);
    }
}

fn run_by_launcher(backend: Backend) {
    let call = backend.call_image(tools::bundle("wc"));
    assert_eq!(call.with(["-l"]).feed(b"1\n2\n").expect(0).silent().text(), "2\n");
}

/// A folder that holds the bundle of `echo` and nothing else.
fn root(scratch: &Scratch) -> PathBuf {
    let root = scratch.path("root");
    fs::create_dir(&root).expect("a folder");
    fs::copy(tools::bundle("echo"), root.join("echo")).expect("copied");
    root
}

fn enter(root: &Path, script: &str) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, "sh"]).arg(root);
    command
}

fn empty_root() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can change the root directory and give a user /dev/kvm");
        return;
    }
    let scratch = Scratch::new();
    let script = "chmod 755 \"$1\" && mkdir \"$1/dev\" && mknod \"$1/dev/kvm\" c 10 232 && \
        chown 65534 \"$1/dev/kvm\" && \
        exec chroot --userspec=65534:65534 --groups= \"$1\" /echo --ampoule-require-jail";
    let done = Invocation::new(enter(&root(&scratch), script)).feed(b"x").expect(0).silent();
    assert_eq!(done.text(), "x");
}

fn fallback() {
    let mut command = Command::new(tools::bundle("echo"));
    clean(&mut command);
    let done = Invocation::new(command).under("failing.py", &["open=ENOENT"]).feed(b"x").expect(0);
    let done = done.says(&["without KVM", "--ampoule-accel tcg"]);
    assert_eq!((done.text(), done.stderr.lines().count()), ("x", 1));
    hints::check(&done.stderr);
}
