//! The suite that topics add their tests to, and calls of functions as a user makes them.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use libtest_mimic::Trial;

use crate::matrix::Backend;
use crate::process::Invocation;
use crate::tools;

/// All tests.
pub struct Suite {
    backends: Vec<Backend>,
    trials: Vec<Trial>,
    rules: Vec<String>,
}

impl Suite {
    /// An empty suite for these backends.
    pub fn new(backends: Vec<Backend>) -> Self {
        Self { backends, trials: Vec::new(), rules: Vec::new() }
    }

    /// The backends that are there.
    pub fn backends(&self) -> &[Backend] {
        &self.backends
    }

    /// Whether there is any backend.
    pub fn has_machines(&self) -> bool {
        !self.backends.is_empty()
    }

    /// Adds a test that needs that one backend.
    pub fn once_on(&mut self, backend: Backend, name: &str, test: impl FnOnce() + Send + 'static) {
        self.rules.push(name.to_owned());
        if self.backends.contains(&backend) {
            self.add(name.to_owned(), test);
        }
    }

    /// Adds a test that boots machines: one for each backend.
    pub fn each(&mut self, name: &str, test: impl Fn(Backend) + Clone + Send + 'static) {
        self.rules.push(name.to_owned());
        for backend in self.backends.clone() {
            let test = test.clone();
            self.add(format!("{name} [{backend}]"), move || test(backend));
        }
    }

    /// Adds a test of what happens under QEMU: one for each way to run it.
    pub fn each_qemu(&mut self, name: &str, test: impl Fn(Backend) + Clone + Send + 'static) {
        self.rules.push(name.to_owned());
        for backend in self.backends.clone().into_iter().filter(|backend| backend.is_qemu()) {
            let test = test.clone();
            self.add(format!("{name} [{backend}]"), move || test(backend));
        }
    }

    /// Adds a test that needs no machine.
    pub fn once(&mut self, name: &str, test: impl FnOnce() + Send + 'static) {
        self.rules.push(name.to_owned());
        self.add(name.to_owned(), test);
    }

    fn add(&mut self, name: String, test: impl FnOnce() + Send + 'static) {
        self.trials.push(Trial::test(name, move || {
            test();
            Ok(())
        }));
    }

    /// The names of all tests, without their backends, those of backends that are missing included.
    pub fn rules(&self) -> &[String] {
        &self.rules
    }

    /// The tests, for libtest.
    pub fn into_trials(self) -> Vec<Trial> {
        self.trials
    }
}

/// A call of a function: `ampoule run IMAGE OPTIONS -- ARGUMENTS`.
pub struct Call {
    image: PathBuf,
    options: Vec<String>,
}

impl Backend {
    /// A call of a function on this backend.
    pub fn call(self, function: &str) -> Call {
        self.call_image(tools::get().image(function))
    }

    /// A call of an image on this backend.
    pub fn call_image(self, image: impl Into<PathBuf>) -> Call {
        Call { image: image.into(), options: Vec::new() }.options(self.options())
    }
}

impl Call {
    /// Adds options for the launcher.
    pub fn options(mut self, options: &[&str]) -> Self {
        self.options.extend(options.iter().map(|&option| option.to_owned()));
        self
    }

    /// Goes on with the function's arguments.
    pub fn with<A: AsRef<OsStr>>(self, arguments: impl IntoIterator<Item = A>) -> Invocation {
        let mut command = Command::new(&tools::get().launcher);
        command.arg("run").arg(self.image).args(self.options);
        let mut arguments = arguments.into_iter().peekable();
        if arguments.peek().is_some() {
            command.arg("--").args(arguments);
        }
        clean(&mut command);
        Invocation::new(command)
    }

    /// Goes on without arguments for the function.
    pub fn bare(self) -> Invocation {
        self.with::<&str>([])
    }
}

/// The launcher, with arguments as they are.
pub fn launcher(arguments: &[&str]) -> Invocation {
    let mut command = Command::new(&tools::get().launcher);
    command.args(arguments);
    clean(&mut command);
    Invocation::new(command)
}

/// `cargo xtask` with arguments, in the workspace.
pub fn xtask(arguments: &[&str]) -> Invocation {
    let mut command = Command::new(&tools::get().xtask);
    command.args(arguments).current_dir(tools::root());
    Invocation::new(command)
}

/// Leaves nothing of this process's environment but what finds programs.
pub fn clean(command: &mut Command) {
    command.env_clear();
    for name in ["PATH", "AMPOULE_QEMU"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
}

/// A folder that is removed with all that is in it.
pub struct Scratch(PathBuf);

impl Scratch {
    /// A new, empty one.
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ampoule-e2e-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("a new folder");
        Self(path)
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The names of everything in it.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).expect("the folder");
        let name = |entry: std::io::Result<std::fs::DirEntry>| {
            entry.expect("an entry").file_name().to_string_lossy().into_owned()
        };
        entries.map(name).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is the system's to clean up.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
