//! Streaming: bytes through a pipeline of processes, made and checked by this one.

pub mod report;

use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::console;

/// What is written and read at once, which is what a pipe holds.
const PIECE_BYTES: usize = 64 << 10;

/// After this many bytes they repeat. A prime, so that a piece that is lost, repeated or swapped
/// with another shows.
const PERIOD_BYTES: usize = 65_537;

/// Without a byte for so long, a pipeline counts as hanging.
const STALL: Duration = Duration::from_secs(30);

/// Why a pipeline could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// A process could not be started, fed or read.
    #[error("`{0}`: {1}")]
    Io(String, io::Error),
    /// A process failed; it may have said why on STDERR.
    #[error("`{0}` ended with {1}")]
    Failed(String, ExitStatus),
    /// Nothing came any more.
    #[error("`{0}` gave nothing for {STALL:?}")]
    Stalled(String),
    /// What came out is not what went in.
    #[error("`{line}` gave {found_bytes} bytes of {bytes}, the first {right_bytes} of them right")]
    Damaged {
        /// The last command.
        line: String,
        /// What went in.
        bytes: u64,
        /// What came out.
        found_bytes: u64,
        /// What came out as it went in.
        right_bytes: u64,
    },
}

/// Bytes without a structure that anything between could make use of.
struct Pattern(Vec<u8>);

impl Pattern {
    fn new() -> Self {
        // Marsaglia's xorshift, 64 bits.
        let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        };
        let bytes: Vec<u8> = (0..PERIOD_BYTES).map(|_| next()).collect();
        Self(bytes.repeat(2))
    }

    /// The bytes from `offset` on, at most a piece of them.
    fn at(&self, offset: u64, length: usize) -> &[u8] {
        let start = (offset % PERIOD_BYTES as u64) as usize;
        &self.0[start..start + length]
    }
}

/// Sends `bytes` through `commands`, each feeding the next, and takes the time until all have come
/// out at the end, checked.
pub fn run(commands: Vec<Command>, bytes: u64) -> Result<Duration, StreamError> {
    let pattern = Pattern::new();
    let found = AtomicU64::new(0);
    let mut sink = Sink { pattern: &pattern, found: &found, right_bytes: 0 };
    let start = Instant::now();
    let Pipeline { mut children, lines, stdin, stdout } = Pipeline::start(commands)?;
    let pids: Vec<Pid> = children.0.iter().map(Pid::from_child).collect();
    let (drained, has_stalled) = thread::scope(|scope| {
        let (finished, waiting) = mpsc::channel::<()>();
        let watcher = scope.spawn(|| watch(waiting, &found, &pids));
        scope.spawn(|| feed(stdin, &pattern, bytes));
        let drained = sink.drain(stdout);
        drop(finished);
        (drained, watcher.join().unwrap_or(false))
    });
    let elapsed = start.elapsed();
    let last = lines.last().cloned().unwrap_or_default();
    if has_stalled {
        return Err(StreamError::Stalled(last));
    }
    drained.map_err(|why| StreamError::Io(last.clone(), why))?;
    // Those before one that fails may fail because of it.
    for (child, line) in children.0.iter_mut().zip(&lines).rev() {
        let status = child.wait().map_err(|why| StreamError::Io(line.clone(), why))?;
        if !status.success() {
            return Err(StreamError::Failed(line.clone(), status));
        }
    }
    let (found_bytes, right_bytes) = (found.load(Ordering::Relaxed), sink.right_bytes);
    if (found_bytes, right_bytes) != (bytes, bytes) {
        return Err(StreamError::Damaged { line: last, bytes, found_bytes, right_bytes });
    }
    Ok(elapsed)
}

/// Processes that run, each feeding the next.
struct Pipeline {
    children: Children,
    lines: Vec<String>,
    stdin: ChildStdin,
    stdout: ChildStdout,
}

impl Pipeline {
    /// Starts `commands`, at least one.
    fn start(commands: Vec<Command>) -> Result<Self, StreamError> {
        let lines: Vec<String> = commands.iter().map(console::command_line).collect();
        let mut children = Children(Vec::new());
        let (mut stdin, mut stdout) = (None, None::<ChildStdout>);
        for (mut command, line) in commands.into_iter().zip(&lines) {
            command.stdin(stdout.map_or_else(Stdio::piped, Stdio::from)).stdout(Stdio::piped());
            let mut child = command.spawn().map_err(|why| StreamError::Io(line.clone(), why))?;
            stdin = stdin.or(child.stdin.take());
            stdout = child.stdout.take();
            children.0.push(child);
        }
        let stdin = stdin.expect("the first command's STDIN is a pipe");
        let stdout = stdout.expect("the last command's STDOUT is a pipe");
        Ok(Self { children, lines, stdin, stdout })
    }
}

/// Writes the pattern; a reader that goes away early is the sink's to tell.
fn feed(mut stdin: ChildStdin, pattern: &Pattern, bytes: u64) {
    let mut offset = 0;
    while offset < bytes {
        let length = PIECE_BYTES.min((bytes - offset) as usize);
        match stdin.write(pattern.at(offset, length)) {
            Ok(written) => offset += written as u64,
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Compares what comes out with what went in.
struct Sink<'a> {
    pattern: &'a Pattern,
    found: &'a AtomicU64,
    right_bytes: u64,
}

impl Sink<'_> {
    fn drain(&mut self, mut stdout: impl Read) -> io::Result<()> {
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            let length = match stdout.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(length) => length,
                Err(why) if why.kind() == io::ErrorKind::Interrupted => continue,
                Err(why) => return Err(why),
            };
            let offset = self.found.fetch_add(length as u64, Ordering::Relaxed);
            if self.right_bytes == offset && piece[..length] == *self.pattern.at(offset, length) {
                self.right_bytes += length as u64;
            }
        }
    }
}

/// Kills processes that let nothing through any more, until all is done; whether it had to.
fn watch(finished: Receiver<()>, found: &AtomicU64, pids: &[Pid]) -> bool {
    let (mut before, mut has_stalled) = (0, false);
    while finished.recv_timeout(STALL) == Err(RecvTimeoutError::Timeout) {
        let now = found.load(Ordering::Relaxed);
        if now == before {
            has_stalled = true;
            for &pid in pids {
                // They are still children: nobody has waited for them.
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        before = now;
    }
    has_stalled
}

/// Processes that do not outlive their measurement.
struct Children(Vec<Child>);

impl Drop for Children {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // One that has been waited for is left alone.
            let _ = child.kill();
            let _ = child.wait();
        }
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
    fn what_comes_through_whole_is_timed() {
        for bytes in [0, 1, PERIOD_BYTES as u64, 5 << 20] {
            let cats = vec![Command::new("cat"), Command::new("cat")];
            run(cats, bytes).expect("all came through");
        }
    }

    #[test]
    fn what_is_lost_changed_or_swapped_is_noticed() {
        for line in ["head -c 100000", "tr a b", "cat; echo", "tail -c +65537", "cat >/dev/null"] {
            let error = run(vec![shell(line)], 1 << 20).expect_err(line);
            assert!(matches!(error, StreamError::Damaged { .. }), "{line}: {error}");
        }
    }

    #[test]
    fn a_command_that_fails_is_named_with_its_status() {
        let message = |commands| run(commands, 1 << 20).expect_err("failed").to_string();
        let failed = message(vec![shell("cat; exit 3"), Command::new("cat")]);
        assert!(failed.contains("cat; exit 3") && failed.contains("exit status: 3"), "{failed}");
        let absent = message(vec![Command::new("cat"), Command::new("no-such-program-anywhere")]);
        assert!(absent.contains("no-such-program-anywhere"), "{absent}");
    }
}
