//! Processes under test: fed, read, and killed with all their kin should they hang.

use std::fmt;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};

/// Longer than any test takes, even on a busy machine: whatever lasts longer hangs.
const HANG: Duration = Duration::from_secs(180);

/// A process about to be started.
pub struct Invocation {
    command: Command,
    hang: Duration,
}

impl Invocation {
    /// Of this command.
    pub fn new(command: Command) -> Self {
        Self { command, hang: HANG }
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Starts it in another folder.
    pub fn directory(mut self, path: impl AsRef<std::path::Path>) -> Self {
        self.command.current_dir(path);
        self
    }

    /// Gives it longer before it counts as hanging.
    pub fn patience(mut self, hang: Duration) -> Self {
        self.hang = self.hang.max(hang);
        self
    }

    /// Starts it by a script of this folder, which is given these arguments before the command.
    pub fn under(self, script: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new("python3");
        // Without what is installed beside Python, it starts in a quarter of the time.
        command.arg("-S").arg(crate::tools::root().join("tests/e2e").join(script)).args(arguments);
        self.inside(command)
    }

    /// Runs it again and again under a first process that collects orphans, `init.py`.
    pub fn under_init(self) -> Done {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--pid", "--fork", "--mount-proc", "python3"]);
        command.arg(crate::tools::root().join("tests/e2e/init.py"));
        self.inside(command).run()
    }

    /// Starts it with one more descriptor, of the file `path`.
    pub fn with_descriptor(self, path: &std::path::Path) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$@\" 9< \"$0\""]).arg(path);
        self.inside(command)
    }

    /// Makes the command the last arguments of another.
    pub fn inside(mut self, mut outer: Command) -> Self {
        outer.arg(self.command.get_program()).args(self.command.get_args());
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => outer.env(name, value),
                None => outer.env_remove(name),
            };
        }
        self.command = outer;
        self
    }

    /// Runs it on an empty STDIN.
    pub fn run(self) -> Done {
        self.feed(b"")
    }

    /// Runs it on these bytes as STDIN.
    pub fn feed(self, bytes: &[u8]) -> Done {
        let mut running = self.spawn();
        let mut stdin = running.stdin();
        let bytes = bytes.to_vec();
        let feeder = thread::spawn(move || {
            // It need not read everything.
            let _ = stdin.write_all(&bytes);
        });
        let done = running.finish();
        feeder.join().expect("the feeder ends");
        done
    }

    /// Runs it on a STDIN of the caller's choice.
    pub fn on(self, stdin: impl Into<Stdio>) -> Done {
        self.spawn_on(stdin).finish()
    }

    /// Runs it on an empty STDIN, with a STDOUT of the caller's choice.
    pub fn onto(mut self, stdout: Stdio) -> Done {
        self.command.stdin(Stdio::null());
        self.start(stdout).finish()
    }

    /// Starts it, with pipes.
    pub fn spawn(mut self) -> Running {
        self.command.stdin(Stdio::piped());
        self.start(Stdio::piped())
    }

    /// Starts it on a STDIN of the caller's choice, with pipes for the rest.
    pub fn spawn_on(mut self, stdin: impl Into<Stdio>) -> Running {
        self.command.stdin(stdin);
        self.start(Stdio::piped())
    }

    fn start(mut self, stdout: Stdio) -> Running {
        self.command.stdout(stdout).stderr(Stdio::piped()).process_group(0);
        let shown = format!("{:?}", self.command);
        let child = self.command.spawn();
        let child = child.unwrap_or_else(|error| panic!("{shown} cannot be started: {error}"));
        let watchdog = Watchdog::of(&child, self.hang);
        Running { child: Some(child), watchdog, shown }
    }
}

/// A process that runs; it is killed when this is dropped.
pub struct Running {
    child: Option<Child>,
    watchdog: Watchdog,
    shown: String,
}

impl Running {
    fn child(&mut self) -> &mut Child {
        self.child.as_mut().expect("it runs until it has finished")
    }

    /// Its number.
    pub fn pid(&mut self) -> Pid {
        Pid::from_child(self.child())
    }

    /// Its STDIN; it sees the end when that is dropped.
    pub fn stdin(&mut self) -> ChildStdin {
        self.child().stdin.take().expect("STDIN is piped and not taken")
    }

    /// Its STDOUT.
    pub fn stdout(&mut self) -> ChildStdout {
        self.child().stdout.take().expect("STDOUT is not taken")
    }

    /// Its STDERR.
    pub fn stderr(&mut self) -> ChildStderr {
        self.child().stderr.take().expect("STDERR is not taken")
    }

    /// Sends it a signal, and to none of its kin.
    pub fn signal(&mut self, signal: Signal) {
        kill_process(self.pid(), signal).expect("it is not reaped yet");
    }

    /// Waits for its end and collects what has not been taken. STDIN ends now, unless it was taken.
    pub fn finish(mut self) -> Done {
        let child = self.child();
        drop(child.stdin.take());
        let stdout = child.stdout.take().map(collect);
        let stderr = child.stderr.take().map(collect);
        let join = |thread: Option<JoinHandle<Vec<u8>>>| {
            thread.map_or(Vec::new(), |thread| thread.join().expect("the reader ends"))
        };
        let (stdout, stderr) = (join(stdout), join(stderr));
        let pid = self.pid();
        // Not reaped before the watchdog is gone, so that it cannot hit another process.
        waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
            .expect("it is this process's child");
        let hung = self.watchdog.stop();
        let status = self.child.take().expect("it runs").wait().expect("it has ended");
        let stderr = String::from_utf8_lossy(&stderr).into_owned();
        assert!(!hung, "{} hung; STDERR: {stderr}", self.shown);
        let status = status.code().unwrap_or_else(|| -status.signal().unwrap_or(0));
        Done { status, stdout, stderr, shown: std::mem::take(&mut self.shown) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
        self.watchdog.stop();
        let _ = child.wait();
    }
}

/// How a process ended.
pub struct Done {
    /// Its exit status, or the negative number of the signal that killed it.
    pub status: i32,
    /// What it wrote to STDOUT.
    pub stdout: Vec<u8>,
    /// What it wrote to STDERR.
    pub stderr: String,
    shown: String,
}

impl Done {
    /// Checks its exit status.
    #[track_caller]
    pub fn expect(self, status: i32) -> Self {
        assert_eq!(self.status, status, "the status of {self:?}");
        self
    }

    /// Its STDOUT as text.
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap_or_else(|_| panic!("not text: {self:?}"))
    }

    /// Checks that it had nothing to say on STDERR.
    #[track_caller]
    pub fn silent(self) -> Self {
        assert_eq!(self.stderr, "", "STDERR of {}", self.shown);
        self
    }

    /// Checks that STDERR is one message of the launcher's, and that each of `parts` is in it.
    #[track_caller]
    pub fn says(self, parts: &[&str]) -> Self {
        let messages = self.stderr.lines().filter(|line| line.starts_with("ampoule: ")).count();
        assert_eq!(messages, 1, "one message of {self:?}");
        for part in parts {
            assert!(self.stderr.contains(part), "no {part:?} in {self:?}");
        }
        self
    }
}

impl fmt::Debug for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = &self.stdout[..self.stdout.len().min(2000)];
        writeln!(f, "{}", self.shown)?;
        writeln!(f, "  status {}, {} bytes of STDOUT", self.status, self.stdout.len())?;
        writeln!(f, "  STDOUT {:?}", String::from_utf8_lossy(start))?;
        write!(f, "  STDERR {:?}", self.stderr)
    }
}

fn collect(mut stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).expect("a pipe can be read");
        bytes
    })
}

/// Kills a process's group if it lasts too long.
struct Watchdog {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<bool>>,
}

impl Watchdog {
    fn of(child: &Child, hang: Duration) -> Self {
        let pid = Pid::from_child(child);
        let (stop, stopped) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            let hung = stopped.recv_timeout(hang) == Err(mpsc::RecvTimeoutError::Timeout);
            if hung {
                let _ = kill_process_group(pid, Signal::KILL);
            }
            hung
        });
        Self { stop: Some(stop), thread: Some(thread) }
    }

    /// Calls it off; whether it had to bite.
    fn stop(&mut self) -> bool {
        drop(self.stop.take());
        self.thread.take().is_some_and(|thread| thread.join().expect("the watchdog ends"))
    }
}
