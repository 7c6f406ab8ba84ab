//! The exit status (SPEC C3): each row of its table from the command line, with its one message.

use std::io::{BufRead, BufReader, Read};
use std::process::{ChildStdout, Command, Stdio};

use rustix::process::Signal;

use crate::harness::{Scratch, Suite, launcher};
use crate::matrix::Backend;
use crate::process::Running;

pub fn add(suite: &mut Suite) {
    suite.each("status::a_function_has_0_to_123_for_itself", own);
    suite.each("status::an_error_is_told_on_stderr_and_gives_its_status", errors);
    suite.each("status::more_than_123_becomes_1_with_a_note", out_of_range);
    suite.each("status::a_deadline_gives_124", deadline);
    suite
        .each("status::a_deadline_holds_while_the_reader_is_blocked", deadline_with_blocked_reader);
    suite.each("status::too_much_processor_time_gives_124", cpu_time);
    suite.each("status::too_much_output_gives_124_after_what_is_allowed", output);
    suite.each("status::too_many_exits_give_124_where_they_are_counted", exits);
    suite.each(
        "status::a_deadline_holds_while_the_function_waits_for_stdin",
        deadline_while_waiting,
    );
    suite.each("status::sigint_gives_130", |backend| signal(backend, Signal::INT, 130));
    suite.each("status::sigterm_gives_143", |backend| signal(backend, Signal::TERM, 143));
    suite.each("status::a_signal_that_is_ignored_stays_ignored", ignored_signal);
    suite.each("status::a_signal_ends_a_call_whose_reader_is_blocked", signal_with_blocked_reader);
    suite.each("status::out_of_memory_gives_137", out_of_memory);
    suite.each("status::more_memory_is_had_by_asking", more_memory);
    suite.each_qemu("status::a_monitor_that_is_killed_gives_125", killed_monitor);
    suite.each("status::a_full_disk_under_stdout_gives_125", full_disk);
    suite.each("status::quiet_leaves_the_one_message", quiet);
    suite.once("status::bad_options_give_125_and_name_the_right_ones", bad_options);
    suite.once("status::a_missing_monitor_gives_125_and_the_fix", missing_monitor);
    suite.once("status::variables_of_the_launcher_s_own_give_125", reserved_variables);
    suite.once("status::what_does_not_fit_a_frame_gives_125", too_long);
}

fn own(backend: Backend) {
    for status in ["0", "1", "65", "123"] {
        for how in ["status", "exit"] {
            let done = backend.call("fail").with([how, status]).run();
            done.expect(status.parse().expect("a number")).silent();
        }
    }
}

fn errors(backend: Backend) {
    for (how, status) in [("error", 1), ("data", 65), ("config", 78)] {
        let done = backend.call("fail").with([how]).run().expect(status);
        assert!(done.stderr.starts_with("fail: ") && done.stderr.ends_with(", as asked\n"));
        assert!(done.stdout.is_empty());
    }
}

fn out_of_range(backend: Backend) {
    for status in ["124", "134", "255"] {
        backend
            .call("fail")
            .with(["status", status])
            .run()
            .expect(1)
            .says(&["`fail`", status, "123"]);
    }
}

fn deadline(backend: Backend) {
    let done = backend.call("fail").options(&["--timeout", "500ms"]).with(["spin"]).run();
    done.expect(124).says(&["`fail`", "500ms", "--timeout"]);
}

fn deadline_with_blocked_reader(backend: Backend) {
    let call = backend.call("flood").options(&["--timeout", "2s"]);
    let mut running = call.bare().spawn();
    // Held and not read: the pipe fills, and whoever writes to it stays there.
    let mut stdout = running.stdout();
    stdout.read_exact(&mut [0]).expect("it writes");
    running.finish().expect(124).says(&["2s"]);
    drop(stdout);
}

fn cpu_time(backend: Backend) {
    let done = backend.call("fail").options(&["--cpu-time", "300ms"]).with(["spin"]).run();
    done.expect(124).says(&["`fail`", "300ms", "--cpu-time"]);
    // To wait takes none.
    let mut running = backend.call("echo").options(&["--cpu-time", "10s"]).bare().spawn();
    drop(running.stdin());
    running.finish().expect(0).silent();
}

fn output(backend: Backend) {
    let limit = |bytes| ["--max-output", bytes];
    let done = backend.call("echo").options(&limit("5B")).bare().feed(b"hello\n").expect(124);
    assert_eq!(done.stdout, b"hello");
    done.says(&["`echo`", "5B", "--max-output"]);
    let done = backend.call("echo").options(&limit("6B")).bare().feed(b"hello\n").expect(0);
    assert_eq!(done.silent().stdout, b"hello\n");
    let done = backend.call("flood").options(&limit("1MiB")).bare().run().expect(124);
    assert_eq!(done.stdout.len(), 1 << 20);
}

fn exits(backend: Backend) {
    let call = |most| backend.call("flood").options(&["--max-exits", most, "--max-output", "8MiB"]);
    if backend != Backend::Kvm {
        let done = call("100").bare().run().expect(125);
        return drop(done.says(&["100", "--max-exits", "--backend builtin"]));
    }
    call("100").bare().run().expect(124).says(&["`flood`", "100", "--max-exits"]);
    call("4000000000").bare().run().expect(124).says(&["--max-output"]);
}

fn deadline_while_waiting(backend: Backend) {
    let mut running = backend.call("echo").options(&["--timeout", "1s"]).bare().spawn();
    let stdin = running.stdin();
    running.finish().expect(124).says(&["1s"]);
    drop(stdin);
}

/// Starts a function and waits until it runs. Its STDOUT has to be kept: who closes it ends the call.
fn waiting(backend: Backend) -> (Running, BufReader<ChildStdout>) {
    // Whoever started the tests may ignore signals, and a launcher leaves that as it is.
    let mut outer = Command::new("env");
    outer.arg("--default-signal=INT,TERM");
    let mut running = backend.call("steps").bare().inside(outer).spawn();
    let mut stdout = BufReader::new(running.stdout());
    let mut line = String::new();
    stdout.read_line(&mut line).expect("the first line");
    assert_eq!(line, "first\n");
    (running, stdout)
}

fn signal(backend: Backend, signal: Signal, status: i32) {
    let (mut running, _stdout) = waiting(backend);
    let stdin = running.stdin();
    running.signal(signal);
    running.finish().expect(status).says(&["`steps`"]);
    drop(stdin);
}

/// As of what a script runs in the background.
fn ignored_signal(backend: Backend) {
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' INT && exec \"$@\"", "sh"]);
    let mut running = backend.call("steps").bare().inside(shell).spawn();
    let mut stdout = BufReader::new(running.stdout());
    let mut line = String::new();
    stdout.read_line(&mut line).expect("it writes");
    running.signal(Signal::INT);
    let stdin = running.stdin();
    drop(stdin);
    stdout.read_line(&mut line).expect("it goes on");
    assert_eq!(line, "first\nlast 0\n");
    running.finish().expect(0);
}

fn signal_with_blocked_reader(backend: Backend) {
    let mut running = backend.call("flood").bare().spawn();
    let mut stdout = running.stdout();
    stdout.read_exact(&mut [0]).expect("it writes");
    running.signal(Signal::TERM);
    running.finish().expect(143).says(&["`flood`"]);
    drop(stdout);
}

fn out_of_memory(backend: Backend) {
    let done = backend.call("fail").options(&["--memory", "8MiB"]).with(["memory"]).run();
    done.expect(137).says(&["`fail`", "8MiB", "--memory"]);
}

/// The whole input is held by `steps`: 12 MiB fit 32 MiB and not 8.
fn more_memory(backend: Backend) {
    let input = vec![b'x'; 12 << 20];
    let call = |memory| backend.call("steps").options(&["--memory", memory]).bare();
    assert_eq!(call("64MiB").feed(&input).expect(0).text(), "first\nlast 12582912\n");
    call("8MiB").feed(&input).expect(137).says(&["8MiB"]);
}

fn killed_monitor(backend: Backend) {
    let (mut running, _stdout) = waiting(backend);
    let stdin = running.stdin();
    for child in crate::procfs::children(running.pid()) {
        rustix::process::kill_process(child, Signal::KILL).expect("QEMU runs");
    }
    running.finish().expect(125).says(&["`steps`", "cargo xtask doctor"]);
    drop(stdin);
}

fn full_disk(backend: Backend) {
    let full = std::fs::File::options().write(true).open("/dev/full").expect("the device");
    let done = backend.call("flood").bare().onto(Stdio::from(full));
    done.expect(125).says(&["`flood`", "STDOUT", "incomplete"]);
}

fn quiet(backend: Backend) {
    let call = || backend.call("fail").options(&["-q", "--timeout", "500ms"]);
    call().with(["spin"]).run().expect(124).says(&["500ms"]);
    call().with(["status", "3"]).run().expect(3).silent();
}

fn bad_options() {
    for (options, part) in [
        (&["run"][..], "<IMAGE>"),
        (&["run", "x.elf", "--memroy", "4MiB"], "--memory"),
        (&["run", "x.elf", "--memory", "5MiB"], "4MiB"),
        (&["run", "x.elf", "--memory", "16 MB"], "MiB"),
        (&["run", "x.elf", "--timeout", "soon"], "500ms"),
        (&["run", "x.elf", "--accel", "hvf"], "kvm"),
    ] {
        let done = launcher(options).run().expect(125);
        assert!(done.stderr.contains(part), "no {part:?} in {done:?}");
        assert!(done.stdout.is_empty());
    }
}

fn missing_monitor() {
    let image = crate::tools::get().image("echo").display().to_string();
    let call = launcher(&["run", &image, "--accel", "tcg"]).env("AMPOULE_QEMU", "/nowhere/qemu");
    call.run().expect(125).says(&["/nowhere/qemu", "AMPOULE_QEMU"]);
    let call = launcher(&["run", &image, "--accel", "tcg"]).env("PATH", "/nowhere");
    call.run().expect(125).says(&["qemu-system-x86_64", "apt-get", "cargo xtask doctor"]);
}

fn reserved_variables() {
    let image = crate::tools::get().image("echo").display().to_string();
    for name in ["FN_NAME=x", "AMPOULE_ABI=2"] {
        let done = launcher(&["run", &image, "-e", name]).run().expect(125);
        assert!(done.stderr.contains(name.split('=').next().expect("a name")), "{done:?}");
    }
}

fn too_long() {
    let scratch = Scratch::new();
    let path = scratch.path("variables");
    std::fs::write(&path, format!("LONG={}\n", "x".repeat(1 << 20))).expect("written");
    let image = crate::tools::get().image("echo").display().to_string();
    let file = path.display().to_string();
    launcher(&["run", &image, "--env-file", &file]).run().expect(125).says(&["1048576", "STDIN"]);
}
