//! What a bundle's command line says to the launcher in it.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use ampoule_boot::backend::Backend;
use ampoule_boot::host::AccelChoice;
use ampoule_boot::program::{Confinement, Order, Verbosity, environment, qemu};
use ampoule_boot::units;
use anyhow::{Context as _, bail, ensure};

/// How the words begin that are not the function's.
pub const PREFIX: &str = "--ampoule-";

/// An option: its name, what it takes, what it does.
type Known = (&'static str, &'static str, &'static str);

const OPTIONS: [Known; 17] = [
    ("env", "NAME[=VALUE]", "Set a variable for the function, or pass on the caller's own"),
    ("timeout", "TIME", "Destroy the machine after this time, such as 500ms or 1m30s"),
    ("memory", "SIZE", "Memory of the machine, such as 16MiB"),
    ("cpu-time", "TIME", "Destroy it when it has used that much processor time"),
    ("max-output", "SIZE", "Destroy it when the function writes more than that"),
    ("max-exits", "N", "Destroy it when its processor leaves it more often a second"),
    ("accel", "auto|kvm|tcg", "What executes the function"),
    ("backend", "auto|builtin|qemu", "What provides the machine"),
    ("report", "FILE", "Write a report of the call as JSON"),
    ("timings", "", "Show the timeline of the call"),
    ("verbose", "", "Show what is done"),
    ("quiet", "", "Say nothing but why a call failed, and what the kernel lacks of the jail"),
    ("no-jail", "", "Do not confine the process that runs the function, to debug it"),
    ("require-jail", "", "Run nothing unless it is confined in every way"),
    ("inspect", "", "Say what is in this file, as JSON, and run nothing"),
    ("help", "", "Say this"),
    ("args", "", "What follows is the function's, whatever it looks like"),
];

/// What is to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Task {
    /// Run the function.
    #[default]
    Run,
    /// Say what the image is.
    Inspect,
    /// Say what the options are.
    Help,
}

/// A command line.
#[derive(Debug, Default)]
pub struct Options {
    /// The call.
    pub order: Order,
    /// Where a report of it goes.
    pub report: Option<PathBuf>,
    /// What is to be done.
    pub task: Task,
}

impl Options {
    /// Reads all words after the program's name.
    pub fn parse(words: impl Iterator<Item = OsString>) -> anyhow::Result<Self> {
        let mut options = Self::default();
        options.order.backend = Backend::Auto(qemu());
        let mut words = words.peekable();
        while let Some(word) = words.next_if(|word| is_option(word)) {
            if word == "--ampoule-args" {
                break;
            }
            let (name, value) = split(&word);
            let name = &*name;
            let known = OPTIONS.iter().find(|(known, ..)| *known == name);
            let Some((_, takes, _)) = known else {
                bail!("there is no option {PREFIX}{name}: {PREFIX}help names them");
            };
            let value = match (takes.is_empty(), value) {
                (true, Some(_)) => bail!("{PREFIX}{name} takes no value"),
                (true, None) => OsString::new(),
                (false, Some(value)) => value,
                (false, None) => {
                    words.next().with_context(|| format!("{PREFIX}{name} takes {takes}"))?
                }
            };
            options.set(name, &value).with_context(|| format!("{PREFIX}{name}"))?;
        }
        options.order.arguments = words.collect();
        Ok(options)
    }

    fn set(&mut self, name: &str, value: &OsStr) -> anyhow::Result<()> {
        let text = value.to_string_lossy();
        let order = &mut self.order;
        match name {
            "env" => order.variables.push(environment::variable(value)?),
            "timeout" => order.timeout = Some(units::parse_timeout(&text)?),
            "memory" => order.memory_bytes = Some(units::parse_memory(&text)?),
            "cpu-time" => order.cpu_time = Some(units::parse_timeout(&text)?),
            "max-output" => order.output_bytes = Some(units::parse_bytes(&text)?),
            "max-exits" => {
                let most = text.parse().ok().filter(|most| *most > 0);
                ensure!(most.is_some(), "`{text}` is not a number from 1 on");
                order.exits_per_second = most;
            }
            "accel" => {
                order.accel = match &*text {
                    "auto" => AccelChoice::Auto,
                    "kvm" => AccelChoice::Kvm,
                    "tcg" => AccelChoice::Tcg,
                    _ => bail!("`{text}` is none of auto, kvm, tcg"),
                }
            }
            "backend" => {
                order.backend = match &*text {
                    "auto" => Backend::Auto(qemu()),
                    "builtin" => Backend::BuiltIn,
                    "qemu" => Backend::Qemu(qemu()),
                    _ => bail!("`{text}` is none of auto, builtin, qemu"),
                }
            }
            "report" => self.report = Some(value.into()),
            "timings" => order.timings = true,
            "verbose" => order.verbosity = Verbosity::Verbose,
            "quiet" => order.verbosity = Verbosity::Quiet,
            "no-jail" => order.confinement = Confinement::None,
            "require-jail" => order.confinement = Confinement::Whole,
            "inspect" => self.task = Task::Inspect,
            _ => self.task = Task::Help,
        }
        Ok(())
    }
}

/// An option's name, and its value if that is in the same word.
fn split(word: &OsStr) -> (Cow<'_, str>, Option<OsString>) {
    let bytes = &word.as_bytes()[PREFIX.len()..];
    let (name, value) = match bytes.iter().position(|&byte| byte == b'=') {
        Some(at) => (&bytes[..at], Some(OsStr::from_bytes(&bytes[at + 1..]).to_owned())),
        None => (bytes, None),
    };
    (String::from_utf8_lossy(name), value)
}

fn is_option(word: &OsStr) -> bool {
    word.as_encoded_bytes().starts_with(PREFIX.as_bytes())
}

/// What the options are, for the program of this name.
pub fn help(name: &str) -> String {
    let mut text = format!(
        "A function in a virtual machine of its own, like a Unix filter.\n\n\
        Usage: {name} [OPTIONS] [ARGS…]\n\n\
        STDIN, STDOUT, STDERR and the status are the function's, and so are all ARGS.\n\nOptions:\n"
    );
    for (name, takes, about) in OPTIONS {
        let option = format!("{PREFIX}{name} {takes}");
        text += &format!("  {option:<36} {about}\n");
    }
    text + "\nEnvironment:\n  AMPOULE_QEMU  the QEMU to use instead of qemu-system-x86_64 where KVM is \
            not to be had\n\nExit status: the function's up to 123; 124 a limit, 125 the launcher failed, 126 \
            damaged,\n130 and 143 interrupted, 134 panicked or crashed, 137 out of memory, 141 nobody reads\n"
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn parse(line: &str) -> anyhow::Result<Options> {
        Options::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn what_is_not_the_launcher_s_is_the_function_s() {
        let options = parse("--ampoule-timeout 2s --ampoule-memory=32MiB -l -- --ampoule-help x");
        let Options { order, task, .. } = options.expect("a command line");
        assert_eq!(order.arguments, ["-l", "--", "--ampoule-help", "x"]);
        assert_eq!(order.timeout, Some(Duration::from_secs(2)));
        assert_eq!((order.memory_bytes, task), (Some(32 << 20), Task::Run));
        let order = parse("--ampoule-args --ampoule-help").expect("a command line").order;
        assert_eq!(order.arguments, ["--ampoule-help"]);
    }

    #[test]
    fn values_are_any_bytes() {
        let word = OsStr::from_bytes(b"--ampoule-env=A=\xff").to_owned();
        let order = Options::parse([word].into_iter()).expect("a command line").order;
        assert_eq!(order.variables, [("A".into(), OsStr::from_bytes(b"\xff").to_owned())]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, words) in [
            ("--ampoule-speed", ["no option --ampoule-speed", "--ampoule-help"]),
            ("--ampoule-timeout", ["--ampoule-timeout", "TIME"]),
            ("--ampoule-timeout never", ["--ampoule-timeout", "never"]),
            ("--ampoule-quiet=yes", ["--ampoule-quiet", "no value"]),
            ("--ampoule-accel hvf", ["`hvf`", "auto, kvm, tcg"]),
            ("--ampoule-max-exits 0", ["`0`", "from 1 on"]),
            ("--ampoule-env FN_NAME=x", ["--ampoule-env", "FN_NAME"]),
        ] {
            let error = format!("{:#}", parse(line).expect_err(line));
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
        }
    }

    #[test]
    fn each_option_is_understood() {
        for (name, takes, _) in OPTIONS {
            let value = match takes {
                "" => "",
                "NAME[=VALUE]" => "A=b",
                "SIZE" => "16MiB",
                "TIME" => "1s",
                "N" => "7",
                "FILE" => "/nowhere",
                choice => choice.split('|').next().expect("the first"),
            };
            parse(&format!("{PREFIX}{name} {value}")).expect(name);
            assert!(help("x").contains(&format!("{PREFIX}{name}")));
        }
    }
}
