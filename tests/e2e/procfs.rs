//! What `/proc` tells of processes: kin, memory, processor time.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

fn path(pid: Pid, file: &str) -> PathBuf {
    format!("/proc/{}/{file}", pid.as_raw_nonzero()).into()
}

fn all() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").expect("/proc is mounted");
    entries.filter_map(|entry| Pid::from_raw(entry.ok()?.file_name().to_str()?.parse().ok()?))
}

/// The fields of `/proc/PID/stat` from the third on: those before it may hold spaces.
fn stat(pid: Pid) -> Option<Vec<String>> {
    let text = fs::read_to_string(path(pid, "stat")).ok()?;
    let (_, fields) = text.rsplit_once(") ")?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

/// The children of a process.
pub fn children(parent: Pid) -> Vec<Pid> {
    let is_child = |pid: &Pid| {
        stat(*pid).is_some_and(|fields| fields[1] == parent.as_raw_nonzero().to_string())
    };
    all().filter(is_child).collect()
}

/// The processes that have `NAME=VALUE` in the environment they were started with.
pub fn with_variable(assignment: &str) -> Vec<Pid> {
    let has = |pid: &Pid| {
        let environment = fs::read(path(*pid, "environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|variable| variable == assignment.as_bytes())
    };
    all().filter(has).collect()
}

/// Waits until no process has `NAME=VALUE` in the environment it was started with: those that are
/// being killed take their time. What else is there is left behind, and a failure.
pub fn wait_until_none_has(assignment: &str) {
    const LONGEST: Duration = Duration::from_secs(20);
    let deadline = Instant::now() + LONGEST;
    while let Some(&first) = with_variable(assignment).first() {
        let time = deadline.saturating_duration_since(Instant::now());
        assert!(wait_for_end(first, time), "process {first:?} is left of {assignment}");
    }
}

/// The most memory that a process ever had resident, in bytes, without what it shares with the
/// file system's cache.
pub fn peak_memory_bytes(pid: Pid) -> u64 {
    let status = fs::read_to_string(path(pid, "status")).expect("the process runs");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.expect("it has memory").trim().trim_end_matches(" kB");
    kib.parse::<u64>().expect("a number") * 1024
}

/// The status of each thread of a process.
pub fn threads(pid: Pid) -> Vec<String> {
    let threads = fs::read_dir(path(pid, "task")).expect("the process runs");
    let status = |thread: std::io::Result<fs::DirEntry>| {
        fs::read_to_string(thread.expect("a thread").path().join("status")).expect("it runs")
    };
    threads.map(status).collect()
}

/// What the descriptors of a process are of, as links tell.
pub fn descriptors(pid: Pid) -> Vec<String> {
    let descriptors = fs::read_dir(path(pid, "fd")).expect("the process runs");
    let target = |descriptor: std::io::Result<fs::DirEntry>| {
        let link = fs::read_link(descriptor.expect("a descriptor").path());
        link.expect("it is open").display().to_string()
    };
    descriptors.map(target).collect()
}

/// The limits of a process.
pub fn limits(pid: Pid) -> String {
    fs::read_to_string(path(pid, "limits")).expect("the process runs")
}

/// Waits until a process is in a state, such as `T`, stopped.
pub fn wait_for_state(pid: Pid, state: char) {
    const GLANCE: Duration = Duration::from_millis(2);
    while !stat(pid).expect("the process runs")[0].starts_with(state) {
        assert!(!wait_for_end(pid, GLANCE), "it ended");
    }
}

/// Processor time used by a process, in clock ticks of 10 ms.
pub fn processor_ticks(pid: Pid) -> u64 {
    let fields = stat(pid).expect("the process runs");
    // utime and stime are the fields 14 and 15, counted from 1.
    [11, 12].iter().map(|&index| fields[index].parse::<u64>().expect("a number")).sum()
}

/// Waits until a process has ended, at most this long; whether it has.
pub fn wait_for_end(pid: Pid, timeout: Duration) -> bool {
    let Ok(descriptor) = pidfd_open(pid, PidfdFlags::empty()) else { return true };
    let timeout = Timespec::try_from(timeout).expect("a short time");
    let ended = poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], Some(&timeout));
    ended.expect("a descriptor can be polled") == 1
}

/// Waits until every thread of these processes sleeps and stays asleep: they wait for something.
pub fn wait_until_idle(processes: &[Pid]) {
    const QUIET: Duration = Duration::from_millis(50);
    let used = || -> u64 { processes.iter().map(|&pid| switches(pid)).sum() };
    let mut before = used();
    loop {
        // Only a process's end could come first, and that is quiet too.
        if wait_for_end(processes[0], QUIET) {
            return;
        }
        let after = used();
        if after == before {
            return;
        }
        before = after;
    }
}

/// How often the threads of a process have been scheduled away.
fn switches(pid: Pid) -> u64 {
    let threads = fs::read_dir(path(pid, "task")).into_iter().flatten();
    let statuses =
        threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("status")).ok());
    let count = |status: String| -> u64 {
        let lines = status.lines().filter(|line| line.contains("ctxt_switches:"));
        lines.filter_map(|line| line.rsplit('\t').next()?.parse::<u64>().ok()).sum()
    };
    statuses.map(count).sum()
}
