//! `ampoule run`: one call.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ampoule_boot::backend::Backend;
use ampoule_boot::backtrace::Twin;
use ampoule_boot::context::{self, EnvironmentVariable};
use ampoule_boot::host::AccelChoice;
use ampoule_boot::image::oci::{self, OciError, Reference};
use ampoule_boot::program::{Began, Confinement, Desk, Order, Verbosity, qemu};
use ampoule_boot::{Error, Image, Reason, units};
use clap::{Args, ValueEnum};

use super::environment;
use super::event::{self, Bounds, Delivery, EventOptions, is_bad_event, is_late};

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
        let desk = Desk::open(self.report.as_deref(), self.confinement())?;
        let image = match self.open() {
            Ok(image) => Arc::new(image),
            Err(error) => return desk.failed(&error, None),
        };
        let timeout = self.timeout.or(image.timeout());
        let bounds = Bounds::of_call(began.at, timeout);
        let variables = match self.delivery(bounds).and_then(|delivery| self.variables(&delivery)) {
            Ok(variables) => variables,
            Err(error) => return desk.not_begun(reason(&error), &error, Some(&image)),
        };
        if let Err(error) = event::check(&variables, &image) {
            return desk.not_begun(Reason::BadRequest, &error, Some(&image));
        }
        let twin = Twin::open(&image);
        self.order(variables).run(&image, began, desk, twin)
    }

    /// The image, whether a file or in an OCI layout.
    fn open(&self) -> Result<Image, Error> {
        match Reference::parse(&self.image) {
            None => Ok(Image::open(&self.image)?),
            Some(reference) => Ok(oci::open(&reference.map_err(OciError::from)?)?),
        }
    }

    /// The events that the call is about, if it is, their bytes on this process's STDIN.
    fn delivery(&self, bounds: Bounds) -> anyhow::Result<Delivery> {
        let mut delivery = self.events.delivery(bounds)?;
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

    fn confinement(&self) -> Confinement {
        match (self.require_jail, self.no_jail) {
            (true, _) => Confinement::Whole,
            (_, true) => Confinement::None,
            (false, false) => Confinement::Possible,
        }
    }

    fn order(self, variables: Vec<EnvironmentVariable>) -> Order {
        Order {
            confinement: self.confinement(),
            arguments: self.arguments,
            variables,
            timeout: self.timeout,
            memory_bytes: self.memory,
            cpu_time: self.cpu_time,
            output_bytes: self.max_output,
            exits_per_second: self.max_exits,
            backend: match self.backend {
                BackendName::Auto => Backend::Auto(qemu()),
                BackendName::Builtin => Backend::BuiltIn,
                BackendName::Qemu => Backend::Qemu(qemu()),
            },
            accel: match self.accel {
                Accel::Auto => AccelChoice::Auto,
                Accel::Kvm => AccelChoice::Kvm,
                Accel::Tcg => AccelChoice::Tcg,
            },
            verbosity: match (self.verbose, self.quiet) {
                (true, _) => Verbosity::Verbose,
                (_, true) => Verbosity::Quiet,
                (false, false) => Verbosity::Normal,
            },
            timings: self.timings,
        }
    }
}

fn reason(error: &anyhow::Error) -> Reason {
    match is_bad_event(error) {
        true => Reason::BadEvent,
        false if is_late(error) => Reason::DeadlineExceeded,
        false => Reason::BadRequest,
    }
}
