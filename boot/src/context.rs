//! What a function is told: arguments, environment, clocks, randomness (SPEC C2, C4).

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ampoule_abi::messages::{Start, Variable};
use ampoule_abi::start::RANDOMNESS_BYTES;
use ampoule_abi::{ABI_VERSION, frame};
use prost::Message;
use rustix::fs::{FileType, SeekFrom, fstat, fstatfs, seek};
use rustix::rand::{GetRandomFlags, getrandom};

use crate::outcome::Limits;

/// Variables of the caller that are passed on where it has them: OpenTelemetry's carriers.
pub const PASSED_ON: [&str; 3] = ["TRACEPARENT", "TRACESTATE", "BAGGAGE"];

/// Length of the message in the frame that a `Start` of this length would make.
fn frame_bytes(start_bytes: usize) -> usize {
    const TAG_BYTES: usize = 1;
    TAG_BYTES + prost::length_delimiter_len(start_bytes) + start_bytes
}

/// A variable's name and value.
pub type EnvironmentVariable = (OsString, OsString);

/// Why a request makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// A variable that the launcher sets.
    #[error("the variable {0} is set by the launcher: choose another name")]
    Reserved(String),
    /// A name that no variable can have.
    #[error("`{0}` cannot be a variable's name: it is empty, or has `=` or NUL in it")]
    BadName(String),
    /// A value that cannot be passed.
    #[error("{what} has a NUL byte in it, which ends a string for the function: send it on STDIN")]
    Nul {
        /// The argument or variable.
        what: String,
    },
    /// More than a frame holds.
    #[error(
        "arguments and environment take {bytes} bytes, more than {}: send them on STDIN",
        frame::MAX_MESSAGE_BYTES
    )]
    TooLong {
        /// Their length, encoded.
        bytes: usize,
    },
    /// No randomness to be had.
    #[error("the system gave no randomness: {0}")]
    NoRandomness(io::Error),
}

/// Random bytes that nobody else has.
pub(crate) fn fresh<const N: usize>() -> Result<[u8; N], ContextError> {
    let mut bytes = [0; N];
    // The kernel's pool gives up to 256 bytes at once and whole.
    getrandom(&mut bytes, GetRandomFlags::empty())
        .map_err(|errno| ContextError::NoRandomness(errno.into()))?;
    Ok(bytes)
}

/// A new call's name: a version 4 UUID (RFC 9562, 5.4).
pub fn call_id() -> Result<String, ContextError> {
    let mut id: [u8; 16] = fresh()?;
    id[6] = id[6] & 0x0f | 0x40;
    id[8] = id[8] & 0x3f | 0x80;
    let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
}

/// Everything from which a function's context is made.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) name: &'a str,
    pub(crate) call_id: &'a str,
    pub(crate) arguments: &'a [OsString],
    pub(crate) variables: &'a [EnvironmentVariable],
    pub(crate) limits: Limits,
    /// When the call began, from which its deadline counts.
    pub(crate) began: Instant,
}

impl Context<'_> {
    /// The message `Start`, with fresh randomness, for a guest whose time stamp counter ticks
    /// `tsc_hz` times a second, 0 if that is unknown.
    pub(crate) fn start(&self, tsc_hz: u64) -> Result<Vec<u8>, ContextError> {
        let now = SystemTime::now();
        let argv = [OsStr::new(self.name)].into_iter().chain(self.arguments.iter().map(|a| &**a));
        let mut arguments = Vec::with_capacity(self.arguments.len() + 1);
        for argument in argv {
            no_nul(argument, "an argument")?;
            arguments.push(argument.as_bytes().to_vec().into());
        }
        let randomness: [u8; RANDOMNESS_BYTES] = fresh()?;
        let start = Start {
            abi_version: ABI_VERSION,
            arguments,
            variables: self.environment(now)?,
            wall_clock_ns: now
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)),
            randomness: randomness.to_vec().into(),
            tsc_hz,
        };
        match frame_bytes(start.encoded_len()) {
            bytes if bytes > frame::MAX_MESSAGE_BYTES => Err(ContextError::TooLong { bytes }),
            _ => Ok(start.encode_to_vec()),
        }
    }

    fn environment(&self, now: SystemTime) -> Result<Vec<Variable>, ContextError> {
        let mut variables = self.own(now);
        for (name, value) in self.variables {
            check_name(name)?;
            no_nul(value, &name.to_string_lossy())?;
            variables.push(variable(name.as_bytes(), value.as_bytes()));
        }
        Ok(last_of_each_name(variables))
    }

    /// The variables that SPEC C4 defines.
    fn own(&self, now: SystemTime) -> Vec<Variable> {
        let mut variables = Vec::new();
        let mut set = |name: &str, value: &str| {
            variables.push(variable(name.as_bytes(), value.as_bytes()));
        };
        set("AMPOULE_ABI", &ABI_VERSION.to_string());
        set("FN_NAME", self.name);
        set("FN_CALL_ID", self.call_id);
        set("FN_MEMORY", &(self.limits.memory_bytes >> 20).to_string());
        let left = |all: Duration| all.saturating_sub(self.began.elapsed());
        if let Some(left) = self.limits.timeout.map(left) {
            set("FN_TIMEOUT_MS", &left.as_millis().to_string());
            if let Some(deadline) = now.checked_add(left).filter(is_writable_date) {
                set("FN_DEADLINE", &humantime::format_rfc3339_millis(deadline).to_string());
            }
        }
        variables
    }
}

/// RFC 3339 has years of four digits.
fn is_writable_date(time: &SystemTime) -> bool {
    const YEAR_9999_S: u64 = 253_402_300_800;
    time.duration_since(UNIX_EPOCH).is_ok_and(|since| since.as_secs() < YEAR_9999_S)
}

/// Checks that a caller may set the variable `name`.
pub fn check_name(name: &OsStr) -> Result<(), ContextError> {
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes.iter().any(|byte| matches!(byte, 0 | b'=')) {
        return Err(ContextError::BadName(name.to_string_lossy().into_owned()));
    }
    if bytes == b"AMPOULE_ABI" || bytes.starts_with(b"FN_") {
        return Err(ContextError::Reserved(name.to_string_lossy().into_owned()));
    }
    Ok(())
}

fn no_nul(value: &OsStr, what: &str) -> Result<(), ContextError> {
    match value.as_bytes().contains(&0) {
        true => Err(ContextError::Nul { what: what.to_owned() }),
        false => Ok(()),
    }
}

fn variable(name: &[u8], value: &[u8]) -> Variable {
    Variable { name: name.to_vec().into(), value: value.to_vec().into() }
}

/// Of variables of one name, the last.
fn last_of_each_name(variables: Vec<Variable>) -> Vec<Variable> {
    let mut names = BTreeSet::new();
    let reversed = variables.into_iter().rev();
    let mut last: Vec<_> = reversed.filter(|it| names.insert(it.name.clone())).collect();
    last.reverse();
    last
}

/// The length of what is left in `stdin`, in bytes, where that is known: in a regular file that
/// is stored somewhere.
pub fn content_length(stdin: impl AsFd) -> Option<u64> {
    let stdin = stdin.as_fd();
    let status = fstat(stdin).ok()?;
    if !FileType::from_raw_mode(status.st_mode).is_file() || is_made_up(stdin) {
        return None;
    }
    // To ask for the offset moves nothing.
    let offset = seek(stdin, SeekFrom::Current(0)).ok()?;
    Some(u64::try_from(status.st_size).ok()?.saturating_sub(offset))
}

/// Whether a file's contents come about as they are read, so that its length says nothing: 0 in
/// /proc, a page in /sys. Such file systems have no blocks; of those that store something only
/// tmpfs may have none either, where its size is not limited.
fn is_made_up(file: BorrowedFd<'_>) -> bool {
    const TMPFS_MAGIC: u32 = 0x0102_1994; // linux/magic.h
    fstatfs(file).is_ok_and(|of| of.f_blocks == 0 && of.f_type as u32 != TMPFS_MAGIC)
}

/// What a command line passes on without being asked: the caller's tracing context, and the
/// length of STDIN where that is known. Explicit variables go after it and so win.
pub fn of_caller(stdin: impl AsFd) -> Vec<EnvironmentVariable> {
    let carriers =
        PASSED_ON.iter().filter_map(|name| Some(((*name).into(), std::env::var_os(name)?)));
    let length = content_length(stdin)
        .map(|bytes| ("CONTENT_LENGTH".into(), OsString::from_vec(bytes.to_string().into_bytes())));
    carriers.chain(length).collect()
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    fn start(context: &Context<'_>) -> Start {
        Start::decode(&context.start(1).expect("a message")[..]).expect("a message")
    }

    fn context<'a>(arguments: &'a [OsString], variables: &'a [EnvironmentVariable]) -> Context<'a> {
        let timeout = Some(Duration::from_millis(500));
        let limits = Limits { memory_bytes: 16 << 20, timeout, ..Limits::default() };
        Context { name: "wc", call_id: "id", arguments, variables, limits, began: Instant::now() }
    }

    #[test]
    fn the_environment_is_what_was_given_and_what_the_contract_defines() {
        let start = start(&context(&[], &[("A".into(), "1".into()), ("A".into(), "2".into())]));
        let names: Vec<_> = start.variables.iter().map(|v| &v.name[..]).collect();
        let expected: [&[u8]; 7] = [
            b"AMPOULE_ABI",
            b"FN_NAME",
            b"FN_CALL_ID",
            b"FN_MEMORY",
            b"FN_TIMEOUT_MS",
            b"FN_DEADLINE",
            b"A",
        ];
        assert_eq!(names, expected);
        assert_eq!(&start.variables[3].value[..], b"16");
        assert_eq!(&start.variables[6].value[..], b"2");
        assert!(start.variables[5].value.ends_with(b"Z"));
    }

    #[test]
    fn arguments_are_any_bytes_but_nul() {
        let odd = OsString::from_vec(vec![0xff, b' ', b'\n']);
        assert_eq!(&start(&context(&[odd], &[])).arguments[1][..], b"\xff \n");
        let nul = [OsString::from_vec(vec![b'a', 0])];
        assert!(matches!(context(&nul, &[]).start(0), Err(ContextError::Nul { .. })));
        let long = [OsString::from("x".repeat(frame::MAX_MESSAGE_BYTES))];
        assert!(matches!(context(&long, &[]).start(0), Err(ContextError::TooLong { .. })));
    }

    #[test]
    fn the_launcher_s_variables_are_its_own() {
        for name in ["FN_NAME", "FN_ANYTHING", "AMPOULE_ABI"] {
            assert!(matches!(check_name(name.as_ref()), Err(ContextError::Reserved(_))));
        }
        assert!(matches!(check_name("".as_ref()), Err(ContextError::BadName(_))));
        assert!(check_name("CONTENT_TYPE".as_ref()).is_ok());
    }

    #[test]
    fn no_two_calls_share_anything() {
        let (one, two) = (start(&context(&[], &[])), start(&context(&[], &[])));
        assert_ne!(one.randomness, two.randomness);
        let (one, two) = (call_id().expect("an id"), call_id().expect("an id"));
        assert!(one != two && one.len() == 36 && one.as_bytes()[14] == b'4');
    }

    #[test]
    fn the_length_of_a_file_is_known_and_of_a_pipe_not() {
        let file =
            File::open(env!("CARGO_MANIFEST_DIR").to_owned() + "/Cargo.toml").expect("a file");
        assert_eq!(content_length(&file), Some(file.metadata().expect("metadata").len()));
        let (reader, _writer) = io::pipe().expect("a pipe");
        assert_eq!(content_length(&reader), None);
    }

    #[test]
    fn the_length_of_a_file_that_is_made_as_it_is_read_is_not_known() {
        let status = File::open("/proc/self/status").expect("a file");
        assert_eq!(content_length(&status), None);
        match File::open("/sys/kernel/fscaps") {
            Ok(file) => assert_eq!(content_length(&file), None),
            Err(error) => eprintln!("skipped: /sys/kernel/fscaps: {error}"),
        }
        let flags = rustix::fs::MemfdFlags::CLOEXEC;
        let memory = File::from(rustix::fs::memfd_create("test", flags).expect("a file"));
        memory.set_len(3).expect("a length");
        assert_eq!(content_length(&memory), Some(3));
        let empty = tempfile::tempfile().expect("a file");
        assert_eq!(content_length(&empty), Some(0));
    }
}
