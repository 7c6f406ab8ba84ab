//! One start of a subject: how it is fed, and when its first byte and its end come.

use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::subject::Subject;

/// What a call carries in, and an echo carries out.
const INPUT: &[u8; 16] = b"sixteen bytes in";

/// After this a start counts as hanging.
const DEADLINE: Duration = Duration::from_secs(30);

/// Counts starts that are named.
static NAMED: AtomicU64 = AtomicU64::new(0);

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
    #[error("{name} cannot be run: {why}")]
    Io {
        /// The subject.
        name: String,
        /// What went wrong.
        why: io::Error,
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
    /// Starts it once.
    pub fn measure(&self) -> Result<Times, SubjectError> {
        let failed = |why| SubjectError::Io { name: self.name.clone(), why };
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        if self.needs_name {
            let number = NAMED.fetch_add(1, Ordering::Relaxed);
            command.arg(format!("ampoule-bench-{}-{number}", std::process::id()));
        }
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
        let failed = |why| SubjectError::Io { name: self.name.clone(), why };
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
        let right = if self.is_silent { output.is_empty() } else { output == INPUT };
        if !right || !finished.status.success() {
            return Err(SubjectError::Failed {
                name: self.name.clone(),
                status: finished.status,
                exit,
                found: String::from_utf8_lossy(&output).into_owned(),
                wanted: match self.is_silent {
                    false => "it must copy STDIN to STDOUT and succeed",
                    true => "it must write nothing and succeed",
                },
                stderr: String::from_utf8_lossy(&finished.stderr).trim_end().to_owned(),
            });
        }
        Ok(Times { first_byte, exit })
    }
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
        let bare = Subject { is_silent: true, ..Subject::peer("false") };
        assert!(message(&bare).contains("it must write nothing and succeed"));
    }
}
