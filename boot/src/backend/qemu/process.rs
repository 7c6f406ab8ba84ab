//! The QEMU process: how it is started, and what can be said when it has ended.

use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};

use command_fds::{CommandFdExt, FdMapping};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::args::{self, CALL_FD, FIRST_WITHHELD_FD, IMAGE_FD, QMP_FD};
use super::memory_file::LogFile;
use crate::backend::LaunchError;
use crate::host::Accel;
use crate::jail::{Confinement, process as kin};
use crate::spec::Notice;

/// Variables that QEMU is given: where it and its libraries are. All others stay here, secrets of
/// the caller among them.
const PASSED_ON: [&str; 2] = ["PATH", "LD_LIBRARY_PATH"];

/// A process to which signals can be sent without ever hitting another one.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: Pid,
    pub(super) descriptor: OwnedFd,
}

/// A process that has just been started.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) child: Child,
    pub(super) process: Process,
    pub(super) qmp: UnixStream,
    pub(super) log: LogFile,
}

/// What a process is started with.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) program: &'a OsStr,
    pub(super) accel: Accel,
    pub(super) memory_bytes: u64,
    pub(super) image: &'a OwnedFd,
    pub(super) call: &'a UnixStream,
    pub(super) confinement: Option<&'a Confinement>,
    pub(super) trace: &'a Notice,
}

/// Starts QEMU. It dies with the calling thread.
pub(super) fn start(plan: &Plan<'_>) -> Result<Started, LaunchError> {
    let (qmp, qmp_theirs) =
        UnixStream::pair().map_err(LaunchError::system("make a pair of sockets"))?;
    let log = LogFile::new().map_err(LaunchError::system("make a file in memory"))?;
    let copies = copies(plan, qmp_theirs).map_err(LaunchError::system("copy a descriptor"))?;
    let stderr = log.writer().map_err(LaunchError::system("copy a descriptor"))?;
    let is_sandboxed = plan.confinement.is_some_and(|confinement| confinement.layers.seccomp);
    let arguments = args::arguments(plan.accel, plan.memory_bytes, is_sandboxed);
    plan.trace.show(&command_line(plan.program, &arguments));
    let mut command = Command::new(plan.program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
    let variable = |name| Some((name, std::env::var_os(name)?));
    command.env_clear().envs(PASSED_ON.into_iter().filter_map(variable));
    // A group of its own: an interrupt from the terminal is the launcher's to handle.
    command.process_group(0);
    if let Some(confinement) = plan.confinement {
        confinement.hold(&mut command);
    }
    command.fd_mappings(copies).expect("the three numbers differ");
    kin::withhold_descriptors(&mut command, FIRST_WITHHELD_FD);
    kin::die_with_parent(&mut command);
    let mut child = command.spawn().map_err(|source| match source.kind() {
        ErrorKind::NotFound => {
            LaunchError::NoMonitor { program: plan.program.to_string_lossy().into_owned() }
        }
        _ => LaunchError::System { what: "start QEMU", source },
    })?;
    match process(&child) {
        Ok(process) => Ok(Started { child, process, qmp, log }),
        Err(source) => {
            let _ = child.kill();
            let _ = child.wait();
            Err(LaunchError::System { what: "watch QEMU's process (Linux 5.3 or newer)", source })
        }
    }
}

fn copies(plan: &Plan<'_>, qmp: UnixStream) -> io::Result<Vec<FdMapping>> {
    let copy = |descriptor: &dyn AsFd| descriptor.as_fd().try_clone_to_owned();
    Ok(vec![
        FdMapping { parent_fd: copy(plan.image)?, child_fd: IMAGE_FD },
        FdMapping { parent_fd: copy(plan.call)?, child_fd: CALL_FD },
        FdMapping { parent_fd: qmp.into(), child_fd: QMP_FD },
    ])
}

fn process(child: &Child) -> io::Result<Process> {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or(ErrorKind::InvalidData)?;
    Ok(Process { pid, descriptor: pidfd_open(pid, PidfdFlags::empty())? })
}

/// The command line as a shell would take it, but for the descriptors.
fn command_line(program: &OsStr, arguments: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=.,:/@+".contains(c);
    let quote = |word: &String| match word.chars().all(plain) {
        true => word.clone(),
        false => format!("'{word}'"),
    };
    let words: Vec<_> = arguments.iter().map(quote).collect();
    format!("{} {}", program.to_string_lossy(), words.join(" "))
}

/// Why QEMU ended by itself, in one line.
pub(super) fn failure(status: io::Result<ExitStatus>, log: &str) -> String {
    let status = match status {
        Ok(status) => status.to_string(),
        Err(error) => format!("its status is unknown: {error}"),
    };
    // It names itself on each line; what it gave up on comes last, why just before.
    let words = |line: &str| line.split_once(": ").map_or(line, |(_, rest)| rest).trim().to_owned();
    let mut lines: Vec<_> =
        log.lines().filter(|line| !line.contains("warning: ")).map(words).collect();
    lines.retain(|line| !line.is_empty());
    let told = lines[lines.len().saturating_sub(2)..].join("; ");
    let failure =
        if told.is_empty() { format!("QEMU, {status}") } else { format!("QEMU, {status}: {told}") };
    match lacks_seccomp(log) {
        true => format!("{failure}; a jail takes a QEMU with seccomp: use another, or --no-jail"),
        false => failure,
    }
}

/// Whether it did not start because it was built without what `-sandbox` asks for, in the words of
/// QEMU 2 and of later ones.
pub(super) fn lacks_seccomp(log: &str) -> bool {
    let words = ["seccomp support is disabled", "-sandbox support is not enabled"];
    words.iter().any(|words| log.contains(words))
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn a_failure_quotes_what_was_said_last() {
        let status = || Ok(ExitStatus::from_raw(1 << 8));
        let log = "qemu-system-x86_64: error: no MSR\nqemu-system-x86_64: warning: x\nq: gave up\n";
        assert_eq!(failure(status(), log), "QEMU, exit status: 1: error: no MSR; gave up");
        assert_eq!(failure(status(), ""), "QEMU, exit status: 1");
        assert!(failure(Ok(ExitStatus::from_raw(9)), "").contains("signal: 9"));
    }

    #[test]
    fn a_monitor_without_seccomp_leads_to_another_or_to_no_jail() {
        let log = "qemu: There is no option group 'sandbox'\n\
            qemu: -sandbox support is not enabled in this QEMU binary\n";
        let told = failure(Ok(ExitStatus::from_raw(1 << 8)), log);
        assert!(
            told.contains("not enabled") && told.contains("use another, or --no-jail"),
            "{told}"
        );
    }

    #[test]
    fn a_command_line_can_be_pasted() {
        let words = ["-m".to_owned(), "a b".to_owned()];
        assert_eq!(command_line("qemu".as_ref(), &words), "qemu -m 'a b'");
    }
}
