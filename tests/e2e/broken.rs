//! Streams that break: closed, of the wrong kind, full, reset; and signals that interrupt whatever
//! waits for them. What cannot be told on STDERR changes no status.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::thread;

use crate::data::Random;
use crate::harness::{Scratch, Suite, launcher, xtask};
use crate::matrix::Backend;
use crate::process::{Done, Invocation};
use crate::{procfs, tools};

pub fn add(suite: &mut Suite) {
    suite.each("broken::a_stdin_that_cannot_be_read_gives_125_and_the_reason", stdin);
    suite.each("broken::a_stdout_that_cannot_be_written_gives_125_if_there_is_output", stdout);
    suite.each("broken::a_stderr_that_cannot_be_written_changes_no_status", stderr);
    suite.each("broken::a_storm_of_signals_loses_nothing", storm);
    suite.once("broken::a_result_of_xtask_that_cannot_be_printed_is_an_error", result);
    suite.once("broken::a_result_of_the_launcher_that_cannot_be_printed_is_an_error", event);
}

/// Makes a shell run it with other streams.
fn with_streams(invocation: Invocation, redirections: &str) -> Invocation {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("exec \"$@\" {redirections}"), "sh"]);
    invocation.inside(command)
}

fn stdin(backend: Backend) {
    let call = || backend.call("wc").bare();
    let failed = |done: Done, why: &str| {
        let done = done.expect(125);
        assert!(done.stdout.is_empty(), "{done:?}");
        done.says(&["STDIN", "`wc`", why, "give it a file, a pipe or /dev/null"]);
    };
    failed(call().on(File::open("/").expect("a folder")), "os error 21");
    let unreadable = File::options().write(true).open("/dev/null").expect("the device");
    failed(call().on(unreadable), "os error 9");
    failed(call().under("reset.py", &[]).run(), "os error 104");
}

fn stdout(backend: Backend) {
    for redirection in [">&-", "1< /dev/null"] {
        let call = with_streams(backend.call("echo").bare(), redirection);
        let done = call.feed(b"hello").expect(125);
        done.says(&["STDOUT", "`echo`", "os error 9", "incomplete"]);
        // Who writes nothing misses nothing.
        let call = with_streams(backend.call("fail").with(["status", "3"]), redirection);
        call.run().expect(3).silent();
    }
    // A file that may grow no more, in blocks of 512 bytes, or of 1024 as some shells have it.
    let scratch = Scratch::new();
    let path = scratch.path("output");
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 1000 && exec \"$@\" > \"$0\""]).arg(&path);
    let done = backend.call("echo").bare().inside(command).feed(&vec![b'x'; 2 << 20]).expect(125);
    done.says(&["STDOUT", "`echo`", "os error 27", "incomplete"]);
    let bytes = fs::metadata(path).expect("the file").len();
    assert!([512_000, 1_024_000].contains(&bytes), "{bytes}");
}

fn stderr(backend: Backend) {
    for redirection in ["2>&-", "2> /dev/full", "2< /dev/null"] {
        for (how, status) in [("data", 65), ("panic", 134)] {
            let call = with_streams(backend.call("fail").with([how]), redirection);
            call.run().expect(status).silent();
        }
        let call = with_streams(backend.call("steps").bare(), redirection);
        assert_eq!(call.feed(b"12345").expect(0).text(), "first\nlast 5\n");
    }
}

/// Through all streams, with signals for the launcher and its monitor all the while.
fn storm(backend: Backend) {
    let bytes = Random::new(19).bytes(2 << 20);
    let mut running = backend.call("echo").bare().spawn();
    let (mut stdin, mut stdout) = (running.stdin(), running.stdout());
    // It runs once the first byte is back.
    stdin.write_all(&bytes[..1]).expect("it reads");
    let mut output = vec![0; bytes.len()];
    stdout.read_exact(&mut output[..1]).expect("it writes");
    let mut processes = procfs::children(running.pid());
    processes.push(running.pid());
    let mut command = Command::new("python3");
    command.arg(tools::root().join("tests/e2e/storm.py"));
    command.args(processes.iter().map(|pid| pid.as_raw_nonzero().to_string()));
    let mut storm = Invocation::new(command).spawn();
    let mut told = BufReader::new(storm.stdout());
    let mut line = String::new();
    told.read_line(&mut line).expect("a line");
    let input = bytes.clone();
    let feeder = thread::spawn(move || stdin.write_all(&input[1..]));
    stdout.read_exact(&mut output[1..]).expect("all of it");
    feeder.join().expect("no panic").expect("all is fed");
    let done = running.finish().expect(0).silent();
    assert!(output == bytes && done.stdout.is_empty(), "what came out is not what went in");
    let mut running = backend.call("steps").bare().spawn();
    running.stdin().write_all(b"12345").expect("it reads");
    assert_eq!(running.finish().expect(0).stderr, "aside\n");
    drop(storm.stdin());
    told.read_to_string(&mut line).expect("a number");
    storm.finish().expect(0).silent();
    let rounds: u32 = line.trim().lines().last().expect("a line").parse().expect("a number");
    assert!(line.starts_with("storm\n") && rounds > 1, "{line:?}");
}

fn result() {
    let results: [&[&str]; 8] = [
        &["list"],
        &["list", "--json"],
        &["inspect", "echo"],
        &["launcher"],
        &["completions", "bash"],
        &["build-fn", "echo", "--message-format", "json"],
        &["doctor", "--json"],
        &["--help"],
    ];
    for words in results {
        let done = with_streams(xtask(words), "> /dev/full").run().expect(1);
        let last = done.stderr.lines().last().unwrap_or_default();
        assert!(last.starts_with("error: STDOUT cannot be written"), "{done:?}");
        assert!(last.contains("os error 28") && !done.stderr.contains("this is a bug"), "{done:?}");
        // A reader that leaves is no failure, as of any other filter.
        let (reader, writer) = rustix::pipe::pipe().expect("a pipe");
        drop::<OwnedFd>(reader);
        let done = xtask(words).onto(Stdio::from(writer)).expect(141);
        assert!(!done.stderr.contains("error"), "{done:?}");
    }
    for redirection in ["2>&-", "2> /dev/full"] {
        with_streams(xtask(&["invoke", "no-such-function"]), redirection).run().expect(127);
        with_streams(xtask(&["build-fn", "echo"]), redirection).run().expect(0);
    }
}

fn event() {
    for redirection in [">&-", "> /dev/full", "1< /dev/null"] {
        let new = launcher(&["event", "new", "--type", "a"]);
        with_streams(new, redirection)
            .run()
            .expect(125)
            .says(&["cannot write to STDOUT", "os error"]);
    }
}
