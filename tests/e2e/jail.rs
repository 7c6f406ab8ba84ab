//! The jail: what confines the process that runs a function (SECURITY.md).

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command};
use std::sync::OnceLock;

use ampoule_boot::jail;
use rustix::process::{Pid, Signal};
use serde_json::Value;

use crate::harness::{Scratch, Suite};
use crate::matrix::Backend;
use crate::process::{Done, Invocation, Running};
use crate::{procfs, tools};

pub fn add(suite: &mut Suite) {
    suite.each("jail::every_thread_is_confined_while_a_call_waits", every_thread);
    suite.each("jail::nothing_is_open_but_what_is_in_use", descriptors);
    suite.each("jail::a_report_names_the_layers", report);
    suite.each("jail::without_a_jail_a_line_says_so", no_jail);
    suite.each("jail::a_layer_that_the_kernel_lacks_is_named_and_the_call_runs", lacking);
    suite.each("jail::no_call_runs_in_less_than_a_whole_jail_if_that_is_asked_for", whole);
    suite.each("jail::a_call_that_is_stopped_and_continued_goes_on", stopped);
    let name = "jail::each_system_call_is_needed_by_what_is_named_beside_it";
    suite.once_on(Backend::Kvm, name, each_is_needed);
    let name = "jail::a_call_that_makes_another_system_call_is_killed";
    suite.once_on(Backend::Kvm, name, killed);
    let name = "jail::a_user_who_may_open_kvm_and_nothing_else_runs_a_call";
    suite.once_on(Backend::Kvm, name, unprivileged);
    suite.once("jail::security_md_names_each_system_call", documented);
}

/// A call that waits for STDIN.
struct Waiting {
    running: Running,
    stdout: BufReader<ChildStdout>,
}

impl Waiting {
    fn new(call: Invocation) -> Self {
        let mut running = call.spawn();
        let mut stdout = BufReader::new(running.stdout());
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        assert_eq!(line, "first\n");
        Self { running, stdout }
    }

    /// The process that runs the function: the launcher itself, or QEMU.
    fn monitor(&mut self, backend: Backend) -> Pid {
        let launcher = self.running.pid();
        match backend.is_qemu() {
            true => procfs::children(launcher)[0],
            false => launcher,
        }
    }

    fn finish(self) {
        let Self { running, stdout } = self;
        assert_eq!(running.finish().expect(0).stderr, "aside\n");
        drop(stdout);
    }
}

fn every_thread(backend: Backend) {
    let mut waiting = Waiting::new(backend.call("steps").bare());
    let monitor = waiting.monitor(backend);
    let threads = procfs::threads(monitor);
    // The built-in monitor has one; the kernel may add one of its own when KVM first runs a guest.
    assert!(if backend.is_qemu() { threads.len() > 1 } else { threads.len() <= 2 }, "{threads:#?}");
    for status in threads {
        for line in ["Seccomp:\t2", "NoNewPrivs:\t1"] {
            assert!(status.lines().any(|other| other == line), "no {line:?} in {status}");
        }
    }
    let limits = procfs::limits(monitor);
    let limit = |name: &str| {
        let line = limits.lines().find(|line| line.starts_with(name)).expect("the limit");
        line.split_whitespace().rev().nth(1).expect("a hard limit").parse::<u64>()
    };
    assert_eq!(limit("Max core file size"), Ok(0));
    assert!(limit("Max open files").is_ok_and(|most| most <= 64), "{limits}");
    waiting.finish();
}

/// The launcher is started with a descriptor too many, which a shell passes on.
fn descriptors(backend: Backend) {
    let call = backend.call("steps").bare();
    let mut waiting = Waiting::new(call.with_descriptor(Path::new("/etc/passwd")));
    let monitor = waiting.monitor(backend);
    let open = procfs::descriptors(monitor);
    let folder = tools::get().image("steps").parent().expect("a folder");
    let is_expected = |target: &String| {
        let kinds = ["pipe:", "anon_inode:", "/memfd:ampoule-", "/dev/null", "/dev/kvm"];
        let is_ours = match backend.is_qemu() {
            true => target.starts_with("socket:"),
            // The image and its twin; of whom orphans go to; this process itself.
            false => {
                Path::new(target).parent() == Some(folder)
                    || target == "/proc/1/status"
                    || target.starts_with("pidfd:")
            }
        };
        is_ours || kinds.iter().any(|kind| target.starts_with(kind))
    };
    assert!(open.iter().all(is_expected), "{open:#?}");
    if !backend.is_qemu() {
        // Three streams, twice; image, twin, bell; machine, processor; init, itself.
        assert_eq!(open.len(), 13, "{open:#?}");
        assert!(!open.contains(&"/dev/kvm".to_owned()), "{open:#?}");
    }
    waiting.finish();
}

fn reported(backend: Backend, options: &[&str]) -> (Done, Value) {
    let scratch = Scratch::new();
    let path = scratch.path("report.json");
    let call = backend.call("echo").options(&["--report", path.to_str().expect("text")]);
    let done = call.options(options).bare().feed(b"x").expect(0);
    assert_eq!(scratch.names(), ["report.json"]);
    (done, serde_json::from_slice(&std::fs::read(path).expect("a report")).expect("JSON"))
}

fn report(backend: Backend) {
    let (done, report) = reported(backend, &["--require-jail"]);
    done.silent();
    let jail = &report["jail"];
    for layer in ["no_new_privs", "limits", "seccomp"] {
        assert_eq!(jail[layer], true, "{layer} of {report}");
    }
    assert_eq!(jail["landlock_abi"].as_u64(), jail::landlock_abi().map(u64::from));
}

fn no_jail(backend: Backend) {
    let (done, report) = reported(backend, &["--no-jail"]);
    assert_eq!(report["jail"], Value::Null);
    assert_eq!(done.stderr.lines().count(), 1, "{done:?}");
    done.says(&["not confined", "--no-jail"]);
    let (done, _) = reported(backend, &["--no-jail", "-q"]);
    done.silent();
    let mut waiting = Waiting::new(backend.call("steps").options(&["--no-jail", "-q"]).bare());
    let monitor = waiting.monitor(backend);
    assert!(procfs::threads(monitor)[0].contains("Seccomp:\t0"));
    waiting.finish();
}

/// A layer, and the system calls without which there is none.
const LAYERS: [(&str, &str); 2] = [("Landlock", "444"), ("seccomp", "317")];

/// A call where the kernel lacks system calls.
fn call_lacking(backend: Backend, numbers: &str, options: &[&str]) -> Done {
    let call = backend.call("echo").options(options).bare();
    call.under("lacking.py", &[numbers]).feed(b"x")
}

fn lacking(backend: Backend) {
    for (layer, numbers) in LAYERS {
        // Who asked for quiet did not ask for less of a jail.
        for options in [&[][..], &["-q"]] {
            let done = call_lacking(backend, numbers, options).expect(0);
            assert_eq!((done.text(), done.stderr.lines().count()), ("x", 1), "{done:?}");
            done.says(&["not confined by", layer]);
        }
    }
}

fn whole(backend: Backend) {
    for (layer, numbers) in LAYERS {
        let done = call_lacking(backend, numbers, &["--require-jail"]).expect(125);
        assert!(done.stdout.is_empty(), "it ran all the same: {done:?}");
        done.says(&[layer, "--require-jail"]);
    }
}

fn stopped(backend: Backend) {
    let mut waiting = Waiting::new(backend.call("steps").bare());
    let (launcher, monitor) = (waiting.running.pid(), waiting.monitor(backend));
    procfs::wait_until_idle(&[launcher, monitor]);
    waiting.running.signal(Signal::STOP);
    procfs::wait_for_state(launcher, 'T');
    waiting.running.signal(Signal::CONT);
    procfs::wait_until_idle(&[launcher, monitor]);
    waiting.finish();
}

/// A call of a program that confines itself, `boot/examples/confined.rs`.
struct Scenario {
    function: &'static str,
    arguments: &'static [&'static str],
    status: i32,
    /// What it cannot do without.
    needs: &'static [&'static str],
}

const SCENARIOS: [Scenario; 3] = [
    // What every call does, measured and reported: in, out, the end.
    Scenario {
        function: "echo",
        arguments: &[],
        status: 0,
        needs: &[
            "ioctl",
            "read",
            "write",
            "close",
            "ppoll",
            "timer_settime",
            "exit_group",
            "mincore",
            "munmap",
            "wait4",
        ],
    },
    // A deadline, by a signal.
    Scenario { function: "fail", arguments: &["spin"], status: 124, needs: &["rt_sigreturn"] },
    // A backtrace, for which memory grows and shrinks by files that are read.
    Scenario { function: "large", arguments: &["null"], status: 134, needs: &["mmap", "mremap"] },
];

/// `fail`, with a twin of the size that larger functions have.
fn make_large_twin(scratch: &Scratch) {
    const MORE_BYTES: usize = 8 << 20;
    let (image, copy) = (tools::get().image("fail"), scratch.path("large.elf"));
    std::fs::copy(image, &copy).expect("copied");
    let mut twin = std::fs::read(image.with_extension("debug")).expect("a twin");
    twin.resize(twin.len() + MORE_BYTES, 0);
    std::fs::write(copy.with_extension("debug"), twin).expect("written");
}

/// What only a machine that outlives its launcher needs.
const FAREWELL: [&str; 3] = ["clone", "rt_sigprocmask", "close_range"];

/// What only a launcher needs that the kernel alone can tell the time.
const CLOCK: &str = "clock_gettime";

fn confined() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| tools::example("ampoule-boot", "confined"))
}

fn scenario(scenario: &Scenario, scratch: &Scratch, without: &str) -> Invocation {
    let image = match scenario.function {
        "large" => scratch.path("large.elf"),
        function => tools::get().image(function).to_owned(),
    };
    let mut command = Command::new(confined());
    command.arg(image).arg(scratch.path("report.json")).arg(without);
    command.args(scenario.arguments);
    Invocation::new(command)
}

fn each_is_needed() {
    const KILLED: i32 = -31;
    let scratch = Scratch::new();
    make_large_twin(&scratch);
    let mut seen = BTreeSet::from([CLOCK]);
    seen.extend(FAREWELL);
    for one in &SCENARIOS {
        scenario(one, &scratch, "").feed(b"x").expect(one.status);
        for without in one.needs {
            scenario(one, &scratch, without).feed(b"x").expect(KILLED);
        }
        seen.extend(one.needs);
    }
    let clockless = |without: &str| {
        scenario(&SCENARIOS[0], &scratch, without).under("clockless.py", &[]).feed(b"x")
    };
    clockless("").expect(0);
    clockless(CLOCK).expect(128 - KILLED);
    for without in FAREWELL {
        farewell(&scratch, without);
    }
    assert_eq!(seen, jail::system_calls().collect::<BTreeSet<_>>());
}

/// Leaves its machine behind under a first process that collects it.
fn farewell(scratch: &Scratch, without: &str) {
    let collected = |without: &str| {
        let call = scenario(&SCENARIOS[0], scratch, without).env("CONFINED_LEAVES", "1");
        call.under_init()
    };
    assert_eq!(collected("").expect(0).text(), "20 0\n");
    let done = collected(without);
    assert!(done.status != 0 && done.stderr.contains("returncode=-31"), "{without}: {done:?}");
}

/// The shell's word for it is "Bad system call".
fn killed() {
    let scratch = Scratch::new();
    let done = scenario(&SCENARIOS[0], &scratch, "read").feed(b"x").expect(-31);
    assert!(done.stdout.is_empty(), "{done:?}");
    assert!(scratch.names().is_empty(), "a report of a call that was killed");
}

/// A device of everybody's takes the place of `/dev/kvm`, in a mount namespace of the call's.
fn unprivileged() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can run a call as a user who may open nothing but /dev/kvm");
        return;
    }
    let scratch = Scratch::new();
    let place = |name: &str| scratch.path(name).display().to_string();
    for (file, name) in
        [(&*tools::get().launcher, "ampoule"), (tools::get().image("echo"), "echo.elf")]
    {
        std::fs::copy(file, place(name)).expect("copied");
    }
    let script = "chmod 755 \"$1\" && mknod \"$1/kvm\" c 10 232 && chmod 666 \"$1/kvm\" && \
        mount --bind \"$1/kvm\" /dev/kvm && shift && \
        exec setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, "sh"]).arg(scratch.path(""));
    command.args([&place("ampoule"), "run", &place("echo.elf"), "--require-jail"]);
    command.args(["--backend", "builtin"]);
    let done = Invocation::new(command).feed(b"x").expect(0).silent();
    assert_eq!(done.text(), "x");
}

fn documented() {
    let text = std::fs::read_to_string(tools::root().join("SECURITY.md")).expect("SECURITY.md");
    for name in jail::system_calls() {
        assert!(text.contains(&format!("`{name}`")), "SECURITY.md does not name {name}");
    }
}
