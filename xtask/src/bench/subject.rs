//! A subject: a command that is started afresh for each measurement, with 16 bytes on its STDIN.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use ampoule_boot::backend::qemu::machine;
use ampoule_boot::host::Accel;
use rustix::process::{Pid, Signal, kill_process};

/// What a call carries in, and an echo carries out.
const INPUT: &[u8; 16] = b"sixteen bytes in";

/// After this a start counts as hanging.
const DEADLINE: Duration = Duration::from_secs(30);

/// Something to measure.
#[derive(Clone, Debug)]
pub struct Subject {
    /// Its name in the table.
    pub name: String,
    /// The subject that its times are divided by, if there is one.
    pub baseline: Option<String>,
    program: OsString,
    arguments: Vec<OsString>,
    echoes: bool,
}

/// The times of one start.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Until the first byte of STDOUT; absent if the subject writes none.
    pub first_byte: Option<Duration>,
    /// Until the process was gone.
    pub exit: Duration,
}

/// Why a start could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum SubjectError {
    /// It could not be started, fed or read.
    #[error("{name} cannot be run")]
    Io {
        /// The subject.
        name: String,
        /// What went wrong.
        source: io::Error,
    },
    /// It did not do what it should.
    #[error("{name} ended with {status} after {exit:.1?} and gave {found:?}; {wanted}: {stderr}")]
    Failed {
        /// The subject.
        name: String,
        /// How it ended, or was killed because it hung.
        status: ExitStatus,
        /// When.
        exit: Duration,
        /// What it wrote.
        found: String,
        /// What it should have done.
        wanted: &'static str,
        /// What it said.
        stderr: String,
    },
}

impl Subject {
    /// The launcher with an image that echoes.
    pub fn call(launcher: &Path, image: &Path, accel: Accel, memory_bytes: u64) -> Self {
        Self {
            name: format!("ampoule run echo, qemu-{}", name_of(accel)),
            baseline: Some(bare_name(accel)),
            program: launcher.into(),
            arguments: vec![
                "run".into(),
                image.into(),
                "--accel".into(),
                name_of(accel).into(),
                "--backend".into(),
                "qemu".into(),
                "--memory".into(),
                format!("{}MiB", memory_bytes >> 20).into(),
            ],
            echoes: true,
        }
    }

    /// QEMU itself, with a kernel that only ends the machine.
    pub fn bare_kernel(kernel: &Path, accel: Accel, memory_bytes: u64) -> Self {
        let mut arguments: Vec<OsString> =
            machine(accel, memory_bytes).into_iter().map(Into::into).collect();
        arguments.extend(["-kernel".into(), kernel.into()]);
        Self {
            name: bare_name(accel),
            baseline: None,
            program: "qemu-system-x86_64".into(),
            arguments,
            echoes: false,
        }
    }

    /// The same function as a process of the host's.
    pub fn process(program: &Path) -> Self {
        Self {
            name: "host process".into(),
            baseline: None,
            program: program.into(),
            arguments: Vec::new(),
            echoes: true,
        }
    }

    /// A peer of the user's choice: a line for the shell that copies STDIN to STDOUT.
    pub fn peer(line: &str) -> Self {
        Self {
            name: line.into(),
            baseline: None,
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), format!("exec {line}").into()],
            echoes: true,
        }
    }

    /// Starts it once.
    pub fn measure(&self) -> Result<Times, SubjectError> {
        let failed = |source| SubjectError::Io { name: self.name.clone(), source };
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let start = Instant::now();
        let child = command.spawn().map_err(failed)?;
        let process = Pid::from_child(&child);
        thread::scope(|scope| {
            let (finished, waiting) = mpsc::channel::<()>();
            scope.spawn(move || {
                if waiting.recv_timeout(DEADLINE) == Err(RecvTimeoutError::Timeout) {
                    // It is still the child: nobody has waited for it.
                    let _ = kill_process(process, Signal::KILL);
                }
            });
            let times = self.talk(child, start);
            drop(finished);
            times
        })
    }

    fn talk(&self, mut child: Child, start: Instant) -> Result<Times, SubjectError> {
        let failed = |source| SubjectError::Io { name: self.name.clone(), source };
        if let Some(mut stdin) = child.stdin.take() {
            // One that reads nothing may be gone already.
            let _ = stdin.write_all(INPUT);
        }
        let mut output = Vec::new();
        let mut first_byte = None;
        if let Some(mut stdout) = child.stdout.take() {
            let mut piece = [0; 64];
            loop {
                let length = stdout.read(&mut piece).map_err(failed)?;
                if length == 0 {
                    break;
                }
                first_byte.get_or_insert_with(|| start.elapsed());
                output.extend(&piece[..length]);
            }
        }
        let finished = child.wait_with_output().map_err(failed)?;
        let exit = start.elapsed();
        let right = if self.echoes { output == INPUT } else { output.is_empty() };
        if !right || !finished.status.success() {
            return Err(SubjectError::Failed {
                name: self.name.clone(),
                status: finished.status,
                exit,
                found: String::from_utf8_lossy(&output).into_owned(),
                wanted: match self.echoes {
                    true => "it must copy STDIN to STDOUT and succeed",
                    false => "it must write nothing and succeed",
                },
                stderr: String::from_utf8_lossy(&finished.stderr).into_owned(),
            });
        }
        Ok(Times { first_byte, exit })
    }
}

fn name_of(accel: Accel) -> &'static str {
    match accel {
        Accel::Kvm => "kvm",
        Accel::Tcg => "tcg",
    }
}

fn bare_name(accel: Accel) -> String {
    format!("bare kernel, qemu-{}", name_of(accel))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_that_copies_is_measured() {
        let times = Subject::peer("cat").measure().expect("measured");
        assert!(times.first_byte.is_some_and(|first_byte| first_byte <= times.exit));
    }

    #[test]
    fn a_subject_that_fails_is_not_taken_for_a_fast_one() {
        let message = |subject: &Subject| subject.measure().expect_err("failed").to_string();
        let silent = message(&Subject::peer("true"));
        assert!(silent.contains("it must copy STDIN to STDOUT"), "{silent}");
        let failing = message(&Subject::peer("sh -c 'cat; echo oh >&2; exit 3'"));
        assert!(failing.contains("exit status: 3") && failing.contains("oh"), "{failing}");
        let bare = Subject { echoes: false, ..Subject::peer("false") };
        assert!(message(&bare).contains("it must write nothing and succeed"));
    }
}
