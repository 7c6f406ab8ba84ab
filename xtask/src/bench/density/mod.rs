//! Density: what calls cost that wait side by side for their input.

pub mod report;
pub mod usage;

use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Resource, Rlimit, getrlimit, pidfd_open, setrlimit};

use usage::{Usage, UsageError};

/// What each call is given and must give back before it counts as up.
const LINE: &[u8] = b"are you there?\n";

/// Without any news for so long, calls count as hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// Descriptors besides those of the calls.
const OWN_DESCRIPTORS: u64 = 64;

/// Why there is nothing to tell.
#[derive(Debug, thiserror::Error)]
pub enum DensityError {
    /// The system allows too few descriptors.
    #[error(
        "{instances} calls need {needed} descriptors, and this process may have {limit}: ask for \
         fewer with --instances, or raise the hard limit (`ulimit -Hn`)"
    )]
    Descriptors {
        /// How many were wanted.
        instances: usize,
        /// What they need.
        needed: u64,
        /// What there is.
        limit: u64,
    },
    /// The system would not start, feed or read one.
    #[error("call {number} of {instances}: {what}: {why}")]
    Io {
        /// Which one.
        number: usize,
        /// Of how many.
        instances: usize,
        /// What was tried.
        what: &'static str,
        /// What the system said.
        why: io::Error,
    },
    /// One gave something else than it got, or ended; it may have said why on STDERR.
    #[error("call {number} of {instances} gave {found:?} for a line and {ending}")]
    Wrong {
        /// Which one.
        number: usize,
        /// Of how many.
        instances: usize,
        /// What it gave.
        found: String,
        /// What became of it.
        ending: String,
    },
    /// One failed when its input ended.
    #[error("call {number} of {instances} ended with {status} after its input did")]
    Failed {
        /// Which one.
        number: usize,
        /// Of how many.
        instances: usize,
        /// How.
        status: ExitStatus,
    },
    /// What one occupies is not told.
    #[error(transparent)]
    Usage(#[from] UsageError),
}

/// Calls that run; they are ended if this is dropped.
pub struct Crowd {
    size: usize,
    instances: Vec<Instance>,
}

struct Instance {
    child: Child,
    /// Closed to end the call.
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
}

impl Crowd {
    /// Starts `size` times what `command` makes, all at once, and waits until each has answered a
    /// line.
    pub fn start(size: usize, command: impl Fn() -> Command) -> Result<Self, DensityError> {
        allow_descriptors(size)?;
        let mut crowd = Self { size, instances: Vec::with_capacity(size) };
        for number in 1..=size {
            let mut command = command();
            let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
            let mut child = spawned.map_err(failed(number, size, "it cannot be started"))?;
            let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
            let mut stdin = stdin.expect("STDIN is a pipe");
            // One that is gone already is told by what it does not answer.
            let _ = stdin.write_all(LINE);
            let stdout = stdout.expect("STDOUT is a pipe");
            crowd.instances.push(Instance { child, stdin: Some(stdin), stdout });
        }
        for number in 1..=size {
            crowd.hear(number)?;
        }
        Ok(crowd)
    }

    /// Waits for one's answer.
    fn hear(&mut self, number: usize) -> Result<(), DensityError> {
        let size = self.size;
        let failed = failed(number, size, "it cannot be read");
        let instance = &mut self.instances[number - 1];
        let (found, is_open) = instance.answer().map_err(failed)?;
        if found == LINE {
            return Ok(());
        }
        let ending = match is_open {
            true => "was still running".to_owned(),
            false => wait(&mut instance.child).map_or_else(
                |_| "closed its STDOUT".to_owned(),
                |status| format!("ended with {status}"),
            ),
        };
        let found = String::from_utf8_lossy(&found).into_owned();
        Err(DensityError::Wrong { number, instances: size, found, ending })
    }

    /// What each occupies now.
    pub fn usage(&self) -> Result<Vec<Usage>, UsageError> {
        self.instances.iter().map(|instance| Usage::of(instance.child.id())).collect()
    }

    /// Ends all by ending their input; each must succeed.
    pub fn finish(mut self) -> Result<(), DensityError> {
        for instance in &mut self.instances {
            instance.stdin = None;
        }
        for number in 1..=self.size {
            let instances = self.size;
            let failed = failed(number, instances, "it does not end");
            let child = &mut self.instances[number - 1].child;
            let status = wait(child).map_err(failed)?;
            if !status.success() {
                return Err(DensityError::Failed { number, instances, status });
            }
        }
        Ok(())
    }
}

/// For `map_err`: names the call and what was tried.
fn failed(
    number: usize,
    instances: usize,
    what: &'static str,
) -> impl FnOnce(io::Error) -> DensityError {
    move |why| DensityError::Io { number, instances, what, why }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        for Instance { child, .. } in &mut self.instances {
            // One that has been waited for is left alone.
            let _ = child.kill();
        }
        for Instance { child, .. } in &mut self.instances {
            let _ = child.wait();
        }
    }
}

impl Instance {
    /// What comes until it is as much as a line, or nothing more does; and whether more could.
    fn answer(&mut self) -> io::Result<(Vec<u8>, bool)> {
        let deadline = Instant::now() + PATIENCE;
        let mut found = Vec::new();
        let mut piece = [0; 64];
        while found.len() < LINE.len() {
            let mut ready = [PollFd::new(&self.stdout, PollFlags::IN)];
            if poll(&mut ready, Some(&until(deadline)))? == 0 {
                return Ok((found, true));
            }
            let length = self.stdout.read(&mut piece)?;
            if length == 0 {
                return Ok((found, false));
            }
            found.extend(&piece[..length]);
        }
        Ok((found, true))
    }
}

fn until(deadline: Instant) -> Timespec {
    let left = deadline.saturating_duration_since(Instant::now());
    Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() }
}

/// Waits for the end of a process, but not for ever.
fn wait(child: &mut Child) -> io::Result<ExitStatus> {
    let process = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
    let mut ended = [PollFd::new(&process, PollFlags::IN)];
    match poll(&mut ended, Some(&until(Instant::now() + PATIENCE)))? {
        0 => Err(io::ErrorKind::TimedOut.into()),
        _ => child.wait(),
    }
}

/// Raises this process's own limit of descriptors if it is too low.
fn allow_descriptors(instances: usize) -> Result<(), DensityError> {
    let limit = getrlimit(Resource::Nofile);
    match raised(instances, limit.current, limit.maximum)? {
        None => Ok(()),
        current => setrlimit(Resource::Nofile, Rlimit { current, ..limit }).map_err(|why| {
            let what = "the limit of descriptors cannot be raised";
            DensityError::Io { number: 1, instances, what, why: why.into() }
        }),
    }
}

/// The limit to set where the `current` one does not do; `None` is no limit.
fn raised(
    instances: usize,
    current: Option<u64>,
    maximum: Option<u64>,
) -> Result<Option<u64>, DensityError> {
    let needed = OWN_DESCRIPTORS + 2 * instances as u64;
    if current.is_none_or(|current| current >= needed) {
        return Ok(None);
    }
    match maximum {
        Some(limit) if limit < needed => {
            Err(DensityError::Descriptors { instances, needed, limit })
        }
        _ => Ok(Some(needed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(line: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        command
    }

    #[test]
    fn calls_that_wait_are_counted_with_what_they_have_started() {
        let crowd = Crowd::start(3, || shell("cat; true")).expect("up");
        let usage = crowd.usage().expect("told");
        assert_eq!(usage.len(), 3);
        for usage in usage {
            assert_eq!((usage.processes, usage.threads), (2, 2), "sh and cat");
            assert!(0 < usage.private_bytes && usage.private_bytes <= usage.pss_bytes);
            assert!(usage.pss_bytes <= usage.rss_bytes);
        }
        crowd.finish().expect("each succeeds");
    }

    #[test]
    fn a_call_that_ends_or_fails_is_told() {
        let message = |line: &'static str| match Crowd::start(2, || shell(line)) {
            Err(error) => error.to_string(),
            Ok(crowd) => crowd.finish().expect_err("failed").to_string(),
        };
        assert!(
            message("echo no").contains("call 1 of 2 gave \"no\\n\""),
            "{}",
            message("echo no")
        );
        assert!(message("cat; exit 3").contains("exit status: 3 after its input did"));
    }

    #[test]
    fn the_limit_of_descriptors_is_raised_only_as_far_as_it_must_be_and_may() {
        assert_eq!(raised(500, Some(2000), Some(4000)).expect("enough"), None);
        assert_eq!(raised(500, None, None).expect("enough"), None);
        assert_eq!(raised(500, Some(1024), Some(4000)).expect("allowed"), Some(1064));
        let error = raised(5000, Some(1024), Some(4096)).expect_err("too many").to_string();
        assert!(error.contains("10064") && error.contains("4096"), "{error}");
    }
}
