//! STDIN, STDOUT and STDERR (SPEC C1): whole, live, bounded, whoever is slow and whoever leaves.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::Pid;

use crate::data::{drain, pour, sha256, stream_bytes};
use crate::harness::Suite;
use crate::matrix::Backend;
use crate::process::{Invocation, Running};
use crate::{procfs, tools};

/// More than a guest of 16 MiB, pipes and sockets hold together, in MiB.
const LONG_MIB: u64 = 32;

/// The launcher's own memory, however long a stream is.
const LAUNCHER_BYTES: u64 = 24 << 20;
/// QEMU without its guest.
const QEMU_BYTES: u64 = 96 << 20;

pub fn add(suite: &mut Suite) {
    suite.each("streams::a_long_stream_arrives_whole_in_bounded_memory", long_stream);
    suite.each("streams::a_slow_reader_holds_the_writer_back", slow_reader);
    suite.each("streams::a_slow_writer_is_waited_for", slow_writer);
    suite.each("streams::a_reader_that_leaves_early_ends_the_call_quietly", early_reader);
    suite.each("streams::a_closed_stdin_is_empty", closed_stdin);
    suite.each("streams::the_null_device_is_empty", null_device);
    suite.each("streams::a_file_is_read_from_where_it_stands", file);
    suite.each("streams::a_function_ends_though_its_stdin_is_never_read", never_read);
    suite.each("streams::a_function_ends_though_its_stdin_never_does", never_ends);
    suite.each("streams::a_write_arrives_wherever_its_bytes_lie", places);
    suite.each("streams::stdout_is_seen_while_the_function_runs", live_stdout);
    suite.each("streams::stderr_is_apart_and_live", live_stderr);
}

/// The guard for streams of any length: as slow as this is broken.
fn patience(bytes: u64) -> Duration {
    Duration::from_secs(120 + (bytes >> 20))
}

/// QEMU, which runs the machine; or the launcher, if that does it itself.
fn monitor_of(running: &mut Running, backend: Backend) -> Pid {
    let children = procfs::children(running.pid());
    assert_eq!(children.len(), usize::from(backend.is_qemu()), "the launcher's children");
    children.first().copied().unwrap_or(running.pid())
}

/// Checks the memory of the launcher and of QEMU; both must still run.
fn check_memory(running: &mut Running, backend: Backend, guest_mib: u64) {
    let monitor = procfs::peak_memory_bytes(monitor_of(running, backend));
    let launcher = procfs::peak_memory_bytes(running.pid());
    let (launcher_bytes, monitor_bytes) = match backend.is_qemu() {
        true => (LAUNCHER_BYTES, QEMU_BYTES + (guest_mib << 20)),
        false => (LAUNCHER_BYTES + (guest_mib << 20), LAUNCHER_BYTES + (guest_mib << 20)),
    };
    assert!(launcher <= launcher_bytes, "the launcher took {launcher} bytes");
    assert!(monitor <= monitor_bytes, "the monitor took {monitor} bytes");
}

fn long_stream(backend: Backend) {
    let bytes = stream_bytes(LONG_MIB * 2);
    let call = backend.call("echo").options(&["--memory", "16MiB"]).bare();
    let mut running = call.patience(patience(bytes)).spawn();
    let (mut stdin, stdout) = (running.stdin(), running.stdout());
    let feeder = thread::spawn(move || (pour(&mut stdin, bytes, 1), stdin));
    let mut stdout = BufReader::new(stdout);
    let (length, received) = drain((&mut stdout).take(bytes));
    let (sent, stdin) = feeder.join().expect("the feeder ends");
    assert_eq!(length, bytes);
    assert_eq!(received, sent.expect("the launcher reads everything"));
    check_memory(&mut running, backend, 16);
    drop(stdin);
    assert_eq!(drain(stdout).0, 0, "nothing else appears on STDOUT");
    running.finish().expect(0).silent();
}

fn slow_reader(backend: Backend) {
    let bytes = stream_bytes(LONG_MIB);
    let call = backend.call("echo").options(&["--memory", "16MiB"]).bare();
    let mut running = call.patience(patience(bytes)).spawn();
    let (stdin, mut stdout) = (running.stdin(), running.stdout());
    let feeder = thread::spawn(move || pour(stdin, bytes, 2));
    // One byte proves that the stream flows; then nothing is read until nothing moves any more.
    let mut first = [0];
    stdout.read_exact(&mut first).expect("the first byte");
    let (launcher, monitor) = (running.pid(), monitor_of(&mut running, backend));
    procfs::wait_until_idle(&[launcher, monitor]);
    assert!(!feeder.is_finished(), "{bytes} bytes went somewhere though nobody read them");
    check_memory(&mut running, backend, 16);
    let (length, received) = drain(first.as_slice().chain(stdout));
    assert_eq!((length, received), (bytes, feeder.join().expect("the end").expect("all is read")));
    running.finish().expect(0).silent();
}

fn slow_writer(backend: Backend) {
    let mut running = backend.call("wc").with(["-c"]).spawn();
    let mut stdin = running.stdin();
    let (launcher, mut written) = (running.pid(), 0);
    for piece in [1, 1000, 65_536, 3] {
        stdin.write_all(&vec![b'x'; piece]).expect("the launcher reads");
        written += piece;
        procfs::wait_until_idle(&[launcher]);
    }
    drop(stdin);
    assert_eq!(running.finish().expect(0).silent().text().trim(), written.to_string());
}

fn early_reader(backend: Backend) {
    let mut running = backend.call("flood").bare().spawn();
    let mut stdout = running.stdout();
    stdout.read_exact(&mut [0; 100_000]).expect("it writes without end");
    drop(stdout);
    running.finish().expect(141).silent();
}

fn closed_stdin(backend: Backend) {
    let image = tools::get().image("wc");
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$@\" <&-", "sh"]).arg(&tools::get().launcher);
    command.arg("run").arg(image).args(backend.options()).args(["--", "-c"]);
    let done = Invocation::new(command).on(Stdio::null()).expect(0).silent();
    assert_eq!(done.text().trim(), "0");
}

fn null_device(backend: Backend) {
    let done = backend.call("wc").with(["-c"]).on(Stdio::null()).expect(0).silent();
    assert_eq!(done.text().trim(), "0");
}

fn file(backend: Backend) {
    let path = tools::root().join("tests/data/airports.csv");
    let content = std::fs::read(&path).expect("a data file");
    let mut file = File::open(path).expect("a data file");
    file.read_exact(&mut [0; 1000]).expect("it is longer");
    let done = backend.call("echo").bare().on(file).expect(0).silent();
    assert_eq!(sha256(&done.stdout), sha256(&content[1000..]));
}

fn never_read(backend: Backend) {
    let bytes = stream_bytes(LONG_MIB);
    let mut running = backend.call("deaf").bare().spawn();
    let stdin = running.stdin();
    let feeder = thread::spawn(move || pour(stdin, bytes, 3));
    let done = running.finish().expect(0).silent();
    assert_eq!(done.text(), "done\n");
    assert!(feeder.join().expect("the end").is_err(), "{bytes} bytes were taken");
}

fn never_ends(backend: Backend) {
    let mut running = backend.call("deaf").bare().spawn();
    let stdin = running.stdin();
    assert_eq!(running.finish().expect(0).silent().text(), "done\n");
    drop(stdin);
}

fn places(backend: Backend) {
    let argument = "a".repeat(5000);
    let done = backend.call("places").with([argument.as_str()]).run().expect(0).silent();
    let expected = ["a", "c", "s", "n", "f"].map(|letter| letter.repeat(5000)).concat();
    assert!(done.text() == expected, "{} bytes", done.stdout.len());
}

fn live_stdout(backend: Backend) {
    let mut running = backend.call("steps").bare().spawn();
    let (mut stdin, mut stdout) = (running.stdin(), BufReader::new(running.stdout()));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("the first line");
    assert_eq!(line, "first\n");
    stdin.write_all(b"12345").expect("the function waits");
    drop(stdin);
    line.clear();
    stdout.read_to_string(&mut line).expect("the rest");
    assert_eq!(line, "last 5\n");
    assert_eq!(running.finish().expect(0).stderr, "aside\n");
}

fn live_stderr(backend: Backend) {
    let mut running = backend.call("steps").bare().spawn();
    let (stdin, mut stderr) = (running.stdin(), BufReader::new(running.stderr()));
    let mut line = String::new();
    stderr.read_line(&mut line).expect("the message");
    assert_eq!(line, "aside\n");
    drop(stdin);
    assert_eq!(running.finish().expect(0).text(), "first\nlast 0\n");
}
