//! How a call ended: a reason, an exit status (SPEC C3), one message.

use std::time::Duration;

use ampoule_abi::status;
use serde::Serialize;

use crate::host::Accel;
use crate::jail::Layers;

/// How a call ended, and what was measured on the way.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Why it ended.
    pub reason: Reason,
    /// The status for the caller's process to exit with.
    pub exit_code: u8,
    /// What failed, which value or limit, what to do; `None` if nothing is to be said. Without
    /// control characters, though words in it may be the guest's.
    pub message: Option<String>,
    /// Code addresses at which the function failed, innermost first; the guest's word.
    pub backtrace: Vec<u64>,
    /// What it was called.
    pub call_id: String,
    /// What executed the guest's instructions.
    pub accel: Accel,
    /// Which backend ran it.
    pub backend: &'static str,
    /// When things happened.
    pub phases: Phases,
    /// Bytes of STDIN given to the guest.
    pub bytes_in: u64,
    /// Bytes of STDOUT.
    pub bytes_out: u64,
    /// Bytes of STDERR.
    pub bytes_err: u64,
    /// Why the guest's processor came out, where that is counted.
    pub exits: Option<Exits>,
    /// The most memory that the machine occupied on the host, in bytes, if known.
    pub peak_memory_bytes: Option<u64>,
    /// What confined the process that ran the guest, if it was to be confined.
    pub jail: Option<Layers>,
    /// What the call was given.
    pub limits: Limits,
}

/// What a call was given. What has no limit may go on for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Guest memory, in bytes.
    pub memory_bytes: u64,
    /// From the call's start to its deadline.
    pub timeout: Option<Duration>,
    /// Processor time of the machine, its monitor's included.
    pub cpu_time: Option<Duration>,
    /// Bytes of STDOUT and STDERR together.
    pub output_bytes: Option<u64>,
    /// How often a second, on average, the guest's processor may come out of the guest.
    pub exits_per_second: Option<u32>,
}

/// How often the guest's processor came out of the guest, by why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Exits {
    /// A device's register was read or written.
    pub mmio: u64,
    /// A port was read or written.
    pub port: u64,
    /// The guest halted.
    pub halt: u64,
    /// A signal came.
    pub interrupted: u64,
}

impl Exits {
    /// All of them.
    pub fn total(self) -> u64 {
        let Self { mmio, port, halt, interrupted } = self;
        mmio + port + halt + interrupted
    }
}

/// When things happened, since the call's start; `None` for what did not, or is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases {
    /// What it took to load the program, if the caller tells.
    pub exec: Option<Duration>,
    /// The image was checked and the request understood.
    pub prepared: Option<Duration>,
    /// The backend had made the machine, or had started who makes it.
    pub launched: Option<Duration>,
    /// The guest's first instruction was to run.
    pub entered: Option<Duration>,
    /// The guest's runtime was up: by its own clock where that is known, else when it said so.
    pub ready: Option<Duration>,
    /// The first byte of STDOUT was written.
    pub first_byte: Option<Duration>,
    /// The last byte of STDOUT was written.
    pub last_byte: Option<Duration>,
    /// The outcome was known.
    pub exit: Option<Duration>,
    /// Nothing of the machine was left, where somebody waited for that.
    pub gone: Option<Duration>,
}

/// Why a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The function returned or asked for a status.
    Returned,
    /// The function asked for a status that is not a function's to give.
    StatusOutOfRange,
    /// The deadline passed.
    DeadlineExceeded,
    /// The function took more processor time than it may.
    CpuTimeExceeded,
    /// The function wrote more than it may.
    OutputExceeded,
    /// The machine came out of the guest more often than it may.
    ExitsExceeded,
    /// The function panicked.
    Panicked,
    /// The processor raised an exception in the function.
    Faulted,
    /// The function ran out of its memory.
    OutOfMemory,
    /// The machine reset or switched itself off without an exit message.
    MachineReset,
    /// The machine stands still on what the accelerator cannot execute.
    MachineStuck,
    /// Guest and launcher do not understand each other.
    ProtocolError,
    /// The monitor failed, or was killed.
    BackendFailed,
    /// STDIN could not be read.
    StdinFailed,
    /// STDOUT could not be written.
    StdoutFailed,
    /// The reader of STDOUT went away.
    BrokenPipe,
    /// SIGINT.
    Interrupted,
    /// SIGTERM.
    Terminated,
    /// The launcher could not set itself up.
    LauncherFailed,
    /// The caller's request makes no sense.
    BadRequest,
    /// The event that the caller gives is none.
    BadEvent,
    /// The image exists but cannot be run.
    NotRunnable,
    /// There is no such image.
    NotFound,
}

impl Reason {
    /// The exit status that goes with it; for [`Reason::Returned`], that of success.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Returned => status::SUCCESS,
            Self::StatusOutOfRange => status::FAILURE,
            Self::DeadlineExceeded
            | Self::CpuTimeExceeded
            | Self::OutputExceeded
            | Self::ExitsExceeded => status::LIMIT,
            Self::Panicked | Self::Faulted | Self::MachineReset => status::CRASHED,
            Self::OutOfMemory => status::OUT_OF_MEMORY,
            Self::ProtocolError
            | Self::BackendFailed
            | Self::MachineStuck
            | Self::LauncherFailed
            | Self::StdinFailed
            | Self::StdoutFailed
            | Self::BadRequest => status::LAUNCHER,
            Self::BadEvent => status::EX_DATAERR,
            Self::BrokenPipe => status::BROKEN_PIPE,
            Self::Interrupted => status::INTERRUPTED,
            Self::Terminated => status::TERMINATED,
            Self::NotRunnable => status::NOT_RUNNABLE,
            Self::NotFound => status::NOT_FOUND,
        }
    }
}
