//! `ampoule run`: one call.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ampoule_boot::backend::{Backend, qemu::Qemu};
use ampoule_boot::backtrace::{self, BacktraceError, Twin};
use ampoule_boot::context::{self, EnvironmentVariable};
use ampoule_boot::host::AccelChoice;
use ampoule_boot::image::oci::{self, OciError, Reference};
use ampoule_boot::jail::{Clerk, Jail};
use ampoule_boot::report::{self, Report};
use ampoule_boot::session::Stopper;
use ampoule_boot::spec::Notice;
use ampoule_boot::{Call, Error, Image, Outcome, Reason, units};
use anyhow::{Context as _, anyhow};
use clap::{Args, ValueEnum};

use super::event::{self, Delivery, EventOptions, is_bad_event};
use super::standard::{self, Standard};
use super::{Began, environment, signals, terminal, timings};

/// Boots an image in a fresh virtual machine; STDIN, STDOUT and STDERR are the function's.
#[derive(Debug, Default, PartialEq, Eq, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Run {
    /// The image, such as target/fn/wc/wc.elf, or oci:PATH:NAME in an OCI layout
    image: PathBuf,

    /// Arguments for the function
    #[arg(last = true, value_name = "ARGS")]
    pub(super) arguments: Vec<OsString>,

    /// Set a variable for the function, or pass on the caller's own
    #[arg(short = 'e', long = "env", value_name = "NAME[=VALUE]", value_parser = environment::parser())]
    pub(super) variables: Vec<EnvironmentVariable>,

    /// Set the variables of a file of NAME=VALUE lines; -e wins over it
    #[arg(long, value_name = "FILE")]
    env_file: Vec<PathBuf>,

    /// Destroy the machine after this time, such as 500ms or 1m30s [default: the image's]
    #[arg(long, value_name = "TIME", value_parser = units::parse_timeout)]
    timeout: Option<Duration>,

    /// Memory of the machine, such as 16MiB [default: the image's]
    #[arg(long, value_name = "SIZE", value_parser = units::parse_memory)]
    memory: Option<u64>,

    /// Destroy the machine when it has used that much processor time, such as 200ms
    #[arg(long, value_name = "TIME", value_parser = units::parse_timeout)]
    cpu_time: Option<Duration>,

    /// Destroy the machine when the function writes more than that, such as 64MiB
    #[arg(long, value_name = "SIZE", value_parser = units::parse_bytes)]
    max_output: Option<u64>,

    /// Destroy the machine when its processor leaves it more often a second (built-in monitor)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_exits: Option<u32>,

    /// What executes the function
    #[arg(long, value_enum, default_value_t)]
    accel: Accel,

    /// What provides the machine
    #[arg(long, value_enum, default_value_t)]
    backend: BackendName,

    /// Write a report of the call as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// Show the timeline of the call, and how often the machine stopped for what
    #[arg(long)]
    timings: bool,

    /// Show what is done: the monitor's command line, times, bytes
    #[arg(short, long)]
    verbose: bool,

    /// Say nothing but why a call failed, and what the kernel lacks of the jail
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,

    /// Do not confine the process that runs the function, to debug it
    #[arg(long, conflicts_with = "require_jail")]
    no_jail: bool,

    /// Run nothing unless the process that runs the function is confined in every way
    #[arg(long)]
    require_jail: bool,

    #[command(flatten)]
    events: EventOptions,
}

const EXAMPLES: &str = "\
Examples:
  ampoule run target/fn/wc/wc.elf -- -l < README.md
  ampoule run jq.elf --timeout 2s --memory 32MiB -- .name < cars.json
  ampoule run a.elf | ampoule run b.elf > result
  ampoule run f.elf -e TOKEN -e LEVEL=3 --report report.json
  ampoule run route.elf --example github-push --emit json
  ampoule run oci:target/dist/oci:wc -- -l < README.md
  ampoule run thumbnail.elf --type com.example.photo --content-type image/jpeg < photo.jpg

Environment:
  AMPOULE_QEMU     the QEMU to use instead of qemu-system-x86_64
  AMPOULE_EXEC_NS  when the program was started, in ns on CLOCK_MONOTONIC, for --timings
  NO_COLOR         no colours, even on a terminal";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Accel {
    /// KVM where it works, else TCG
    #[default]
    Auto,
    /// The processor itself, through /dev/kvm
    Kvm,
    /// QEMU's translator, which works everywhere
    Tcg,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum BackendName {
    /// The built-in monitor where KVM works, else QEMU
    #[default]
    Auto,
    /// The built-in monitor, on KVM
    Builtin,
    /// QEMU
    Qemu,
}

impl Run {
    /// What `run IMAGE` and `run IMAGE -- ARGS` ask for; `None` for all that takes a parser, which
    /// needs a tenth of the time that such a call has until its first byte.
    pub(super) fn plain(words: &[OsString]) -> Option<Self> {
        let [verb, image, rest @ ..] = words else { return None };
        let arguments = match rest {
            [] => &[],
            [dashes, arguments @ ..] if dashes == "--" => arguments,
            _ => return None,
        };
        let is_plain =
            verb == "run" && !image.is_empty() && !image.as_encoded_bytes().starts_with(b"-");
        is_plain.then(|| Self {
            image: image.into(),
            arguments: arguments.to_vec(),
            ..Self::default()
        })
    }

    /// Runs the call; its exit status.
    pub(crate) fn run(self, began: Began) -> anyhow::Result<u8> {
        if let Some(path) = &self.report {
            Report::check_place(path).with_context(|| {
                format!(
                    "cannot write a report to {}; name a file in a folder that is there",
                    path.display()
                )
            })?;
        }
        let mut desk = Desk { report: self.report.as_deref(), clerk: self.clerk()?, twin: None };
        let variables = match self.delivery().and_then(|delivery| self.variables(&delivery)) {
            Ok(variables) => variables,
            Err(error) => return self.not_begun(reason(&error), &error, None, desk),
        };
        let image = match self.open() {
            Ok(image) => Arc::new(image),
            Err(error) => return self.failed(&error, None, desk),
        };
        if let Err(error) = event::check(&variables, &image) {
            return self.not_begun(Reason::BadRequest, &error, Some(&image), desk);
        }
        desk.twin = Some(Twin::open(&image));
        let call = self.call(&image, variables).since(began.at);
        let (stdin, stdout, stderr) = match set_up(call.stopper()) {
            Ok(streams) => streams,
            Err(error) => {
                return self.not_begun(Reason::LauncherFailed, &error, Some(&image), desk);
            }
        };
        let jail = [&stdin, &stdout, &stderr].into_iter().fold(self.jail(), Jail::keeping);
        match call.jail(desk.keep_in(jail)).run_leaving(stdin, stdout, stderr) {
            Ok((mut outcome, remains)) => {
                outcome.phases.exec = began.exec;
                if self.timings {
                    remains.destroy();
                    outcome.phases.gone = Some(began.at.elapsed());
                    return self.ended(&outcome, &image, desk);
                }
                let exit_code = self.ended(&outcome, &image, desk)?;
                // SAFETY: all that is left to be done is to return the status from `main`.
                unsafe { remains.leave() };
                Ok(exit_code)
            }
            Err(error) => self.failed(&error, Some(&image), desk),
        }
    }

    /// The image, whether a file or in an OCI layout.
    fn open(&self) -> Result<Image, Error> {
        match Reference::parse(&self.image) {
            None => Ok(Image::open(&self.image)?),
            Some(reference) => Ok(oci::open(&reference.map_err(OciError::from)?)?),
        }
    }

    /// Who writes the report, where this process will be able to open no file.
    fn clerk(&self) -> anyhow::Result<Option<Clerk>> {
        let Some(path) = self.report.as_ref().filter(|_| !self.no_jail) else { return Ok(None) };
        let clerk = Clerk::hire(|json| report::put(path, json));
        clerk.map(Some).context("cannot start the process that writes the report")
    }

    fn jail(&self) -> Jail {
        if self.require_jail {
            return Jail::whole();
        }
        if self.no_jail {
            if !self.quiet {
                terminal::note(
                    "not confined: nothing but the virtual machine holds the function (--no-jail)",
                );
            }
            return Jail::none();
        }
        // Whoever is not confined though nobody said so is told in any case.
        Jail::possible(Notice::new(terminal::note))
    }

    /// The events that the call is about, if it is, their bytes on this process's STDIN.
    fn delivery(&self) -> anyhow::Result<Delivery> {
        let mut delivery = self.events.delivery()?;
        delivery.put_in_place()?;
        Ok(delivery)
    }

    /// Everything that the caller sets, what goes before the rest last.
    fn variables(&self, delivery: &Delivery) -> anyhow::Result<Vec<EnvironmentVariable>> {
        let mut variables = context::of_caller(rustix::stdio::stdin());
        variables.extend(delivery.variables.iter().cloned());
        for path in &self.env_file {
            variables.extend(environment::read_file(path)?);
        }
        variables.extend(self.variables.iter().cloned());
        Ok(variables)
    }

    fn call(&self, image: &Arc<Image>, variables: Vec<EnvironmentVariable>) -> Call {
        let qemu = std::env::var_os("AMPOULE_QEMU").map_or_else(Qemu::default, Qemu::new);
        let backend = match self.backend {
            BackendName::Auto => Backend::Auto(qemu),
            BackendName::Builtin => Backend::BuiltIn,
            BackendName::Qemu => Backend::Qemu(qemu),
        };
        let accel = match self.accel {
            Accel::Auto => AccelChoice::Auto,
            Accel::Kvm => AccelChoice::Kvm,
            Accel::Tcg => AccelChoice::Tcg,
        };
        let mut call = Call::new(Arc::clone(image))
            .args(self.arguments.iter().cloned())
            .envs(variables)
            .accel(accel)
            .backend(backend)
            .peek(standard::stdin_is_ready);
        if let Some(timeout) = self.timeout {
            call = call.timeout(timeout);
        }
        if let Some(memory_bytes) = self.memory {
            call = call.memory_bytes(memory_bytes);
        }
        if let Some(cpu_time) = self.cpu_time {
            call = call.cpu_time(cpu_time);
        }
        if let Some(output_bytes) = self.max_output {
            call = call.output_bytes(output_bytes);
        }
        if let Some(exits_per_second) = self.max_exits {
            call = call.exits_per_second(exits_per_second);
        }
        if self.report.is_some() || self.verbose || self.timings {
            call = call.measured();
        }
        if !self.quiet {
            call = call.notice(Notice::new(terminal::note));
        }
        if self.verbose {
            call = call.trace(Notice::new(|line| terminal::plain(&format!("+ {line}\n"))));
        }
        call
    }

    fn not_begun(
        &self,
        reason: Reason,
        error: &anyhow::Error,
        image: Option<&Image>,
        desk: Desk<'_>,
    ) -> anyhow::Result<u8> {
        let message = format!("{error:#}");
        terminal::error(&message);
        desk.write_report(reason.exit_code(), || Report::of_failure(reason, message, image))?;
        Ok(reason.exit_code())
    }

    fn failed(&self, error: &Error, image: Option<&Image>, desk: Desk<'_>) -> anyhow::Result<u8> {
        terminal::error(&error.to_string());
        desk.write_report(error.exit_code(), || Report::of_error(error, image))?;
        Ok(error.exit_code())
    }

    fn ended(&self, outcome: &Outcome, image: &Image, mut desk: Desk<'_>) -> anyhow::Result<u8> {
        if let Some(message) = &outcome.message {
            terminal::error(message);
        }
        if let Some(twin) = desk.twin.take().filter(|_| !outcome.backtrace.is_empty()) {
            self.show_backtrace(outcome, image, twin);
        }
        if self.verbose {
            terminal::plain(&timings::summary(outcome));
        }
        if self.timings {
            terminal::plain(&timings::render(outcome, terminal::is_terminal()));
        }
        desk.write_report(outcome.exit_code, || Report::of_outcome(outcome, image))?;
        Ok(outcome.exit_code)
    }

    fn show_backtrace(&self, outcome: &Outcome, image: &Image, twin: Result<Twin, BacktraceError>) {
        match twin.and_then(|twin| twin.symbolise(image, &outcome.backtrace)) {
            Ok(text) => terminal::plain(&text),
            Err(error) => {
                terminal::plain(&backtrace::numbers(&outcome.backtrace));
                if !self.quiet && !matches!(error, BacktraceError::NoPath) {
                    terminal::plain(&format!("  ({error})\n"));
                }
            }
        }
    }
}

fn reason(error: &anyhow::Error) -> Reason {
    if is_bad_event(error) { Reason::BadEvent } else { Reason::BadRequest }
}

/// What is written with after the call has ended, ready before it begins.
struct Desk<'a> {
    report: Option<&'a Path>,
    clerk: Option<Clerk>,
    twin: Option<Result<Twin, BacktraceError>>,
}

impl Desk<'_> {
    fn keep_in(&self, jail: Jail) -> Jail {
        let jail = self.clerk.iter().fold(jail, Jail::with_clerk);
        self.twin.iter().flatten().fold(jail, Jail::keeping)
    }

    /// Writes the report of a call with this status, which the caller is not to lose with it.
    fn write_report(self, status: u8, report: impl FnOnce() -> Report) -> anyhow::Result<()> {
        let Some(path) = self.report else { return Ok(()) };
        let json = report().json();
        let written = json.and_then(|json| match self.clerk {
            Some(clerk) => clerk.write(&json),
            None => report::put(path, &json),
        });
        written.map_err(|why| {
            anyhow!(
                "cannot write the report to {} ({why}): make room there, or name another file; the \
                    call's own status was {status}",
                path.display()
            )
        })
    }
}

/// Catches signals and gets the streams ready, the function's and this program's own.
fn set_up(stopper: Stopper) -> anyhow::Result<(Standard, Standard, Standard)> {
    terminal::is_terminal();
    signals::stop_on_signals(&stopper).context("cannot catch signals")?;
    let copied = "cannot copy a standard stream (is `ulimit -n` too low?)";
    let stdin = Standard::stdin().context(copied)?;
    let stdout = Standard::take_stdout().context(copied)?;
    let stderr = Standard::stderr().context(copied)?;
    Ok((stdin, stdout, stderr))
}
