//! A launcher that is killed leaves nothing: no process, no file (SPEC C8.4, and the README).

use std::io::{BufRead, BufReader, Read};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::data::Random;
use crate::harness::{Scratch, Suite};
use crate::matrix::Backend;
use crate::process::Running;
use crate::procfs;

/// Moments at which a launcher is killed, half of them while it starts.
const MOMENTS: u64 = 50;

/// The time within which a call has certainly started.
const START_US: u64 = 150_000;

pub fn add(suite: &mut Suite) {
    suite.each("orphan::a_launcher_killed_while_it_starts_leaves_nothing", starting);
    suite.each("orphan::a_launcher_killed_while_the_function_runs_leaves_nothing", running);
    suite.each("orphan::a_call_that_ends_leaves_nothing", ended);
    suite.each("orphan::a_report_that_nobody_reads_leaves_no_process", unread_report);
    let name = "orphan::where_orphans_are_collected_a_call_ends_before_its_machine";
    suite.once_on(Backend::Kvm, name, collected);
}

/// Under a first process that collects orphans, every call leaves one, and none stays.
fn collected() {
    let done = Backend::Kvm.call("echo").bare().under_init().expect(0).silent();
    assert_eq!(done.text(), "20 0\n");
}

/// A call whose processes carry a mark, and whose files would lie in a folder of its own.
struct Marked {
    scratch: Scratch,
    mark: String,
    running: Running,
}

impl Marked {
    fn start(backend: Backend, function: &str) -> Self {
        let scratch = Scratch::new();
        let folder = scratch.path("");
        // All that the monitor gets of an environment is where programs are.
        let path = std::env::var("PATH").expect("there is a PATH");
        let path = format!("{path}:{}", folder.display());
        let call = backend.call(function).bare().env("PATH", &path);
        let running = call.env("TMPDIR", &folder).env("HOME", &folder).directory(&folder).spawn();
        Self { scratch, mark: format!("PATH={path}"), running }
    }

    /// Checks that no process with the mark is there, once those that are being killed are gone.
    fn check(self) {
        let Self { scratch, mark, running } = self;
        drop(running);
        check_nothing_is_left(&scratch, &mark);
    }

    /// Likewise, of a call that ends by itself.
    fn finish(self, status: i32) {
        let Self { scratch, mark, running } = self;
        running.finish().expect(status);
        check_nothing_is_left(&scratch, &mark);
    }
}

fn check_nothing_is_left(scratch: &Scratch, mark: &str) {
    const LONGEST: Duration = Duration::from_secs(20);
    let deadline = Instant::now() + LONGEST;
    loop {
        let left = procfs::with_variable(mark);
        let Some(&first) = left.first() else { break };
        let time = deadline.saturating_duration_since(Instant::now());
        assert!(procfs::wait_for_end(first, time), "process {first:?} is left of {mark}");
    }
    assert!(scratch.names().is_empty(), "left of {mark}: {:?}", scratch.names());
}

fn starting(backend: Backend) {
    let mut random = Random::new(50);
    for _ in 0..MOMENTS / 2 {
        let mut marked = Marked::start(backend, "steps");
        let pid = marked.running.pid();
        let moment = Duration::from_micros(random.next() % START_US);
        assert!(!procfs::wait_for_end(pid, moment), "it waits for STDIN");
        marked.running.signal(Signal::KILL);
        marked.check();
    }
}

fn running(backend: Backend) {
    let mut random = Random::new(51);
    for _ in 0..MOMENTS / 2 {
        let mut marked = Marked::start(backend, "flood");
        let mut stdout = marked.running.stdout();
        let length = 1 + random.next() % (1 << 20);
        std::io::copy(&mut (&mut stdout).take(length), &mut std::io::sink()).expect("it writes");
        // The mark is one that the monitor has too: else nothing could be found to be left.
        let processes = if backend.is_qemu() { 2 } else { 1 };
        assert_eq!(procfs::with_variable(&marked.mark).len(), processes);
        marked.running.signal(Signal::KILL);
        marked.check();
    }
}

/// To open a FIFO without a reader takes for ever.
fn unread_report(backend: Backend) {
    let scratch = Scratch::new();
    let path = scratch.path("report");
    assert!(Command::new("mkfifo").arg(&path).status().expect("coreutils").success());
    let mark = format!("PATH={}:{}", std::env::var("PATH").expect("one"), path.display());
    let path = path.to_str().expect("text");
    let call = backend.call("echo").options(&["--report", path]).bare();
    let mut running = call.env("PATH", mark.trim_start_matches("PATH=")).spawn();
    drop(running.stdin());
    // The call is over, and its report is still to be written.
    running.stdout().read_to_end(&mut Vec::new()).expect("it ends");
    procfs::wait_until_idle(&[running.pid()]);
    running.signal(Signal::KILL);
    drop(running);
    procfs::wait_until_none_has(&mark);
}

fn ended(backend: Backend) {
    let mut marked = Marked::start(backend, "steps");
    drop(marked.running.stdin());
    let mut line = String::new();
    let mut stdout = BufReader::new(marked.running.stdout());
    while stdout.read_line(&mut line).expect("a line") > 0 {}
    assert_eq!(line, "first\nlast 0\n");
    marked.finish(0);
}
