//! The report: how a call ended, as one JSON object (SPEC C3).

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use ampoule_abi::status;
use serde::Serialize;

use crate::foreign::cut;
use crate::host::Accel;
use crate::jail::{Layers, Patience};
use crate::{Error, Image, Outcome, Reason, outcome, units};

/// Name and version of the report's form.
pub const SCHEMA: &str = "ampoule.report/1";

/// Most characters of a message. Each takes at most 6 bytes of JSON, so that whoever writes it for a jailed
/// process takes it.
const MESSAGE_CHARACTERS: usize = 64 << 10;

/// A report. Fields that are unknown are `null`; times are in microseconds from the call's start.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    schema: &'static str,
    status: Status,
    reason: Reason,
    message: Option<String>,
    exit_code: u8,
    call_id: Option<String>,
    function: Option<Function>,
    accel: Option<Accel>,
    backend: Option<&'static str>,
    /// What confined the process that ran the guest; `null` without a jail.
    jail: Option<Layers>,
    phases_us: Phases,
    /// Why the virtual processor came out of the guest; a monitor outside this process does not tell.
    exits: Option<Exits>,
    peak_memory_bytes: Option<u64>,
    bytes_in: u64,
    bytes_out: u64,
    bytes_err: u64,
    limits: Option<Limits>,
}

/// Whose the exit code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Status {
    /// The function succeeded.
    Success,
    /// The function failed in its own way.
    Failure,
    /// The launcher ended the call, or it never came about.
    Error,
}

#[derive(Clone, Debug, Serialize)]
struct Function {
    name: String,
    version: String,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Phases {
    exec: Option<u64>,
    prepared: Option<u64>,
    launched: Option<u64>,
    entered: Option<u64>,
    ready: Option<u64>,
    first_byte: Option<u64>,
    last_byte: Option<u64>,
    exit: Option<u64>,
    gone: Option<u64>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Exits {
    total: u64,
    #[serde(flatten)]
    by_kind: outcome::Exits,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Limits {
    memory_bytes: u64,
    timeout_ms: Option<u64>,
    cpu_time_ms: Option<u64>,
    output_bytes: Option<u64>,
    exits_per_second: Option<u32>,
}

impl Report {
    /// Reports on a call that came about.
    pub fn of_outcome(outcome: &Outcome, image: &Image) -> Self {
        let us = |time: Option<Duration>| time.map(|time| time.as_micros() as u64);
        let phases = outcome.phases;
        Self {
            call_id: Some(outcome.call_id.clone()),
            function: Some(function(image)),
            accel: Some(outcome.accel),
            backend: Some(outcome.backend),
            jail: outcome.jail,
            phases_us: Phases {
                exec: us(phases.exec),
                prepared: us(phases.prepared),
                launched: us(phases.launched),
                entered: us(phases.entered),
                ready: us(phases.ready),
                first_byte: us(phases.first_byte),
                last_byte: us(phases.last_byte),
                exit: us(phases.exit),
                gone: us(phases.gone),
            },
            exits: outcome.exits.map(|by_kind| Exits { total: by_kind.total(), by_kind }),
            peak_memory_bytes: outcome.peak_memory_bytes,
            bytes_in: outcome.bytes_in,
            bytes_out: outcome.bytes_out,
            bytes_err: outcome.bytes_err,
            limits: Some(Limits {
                memory_bytes: outcome.limits.memory_bytes,
                timeout_ms: outcome.limits.timeout.map(units::milliseconds),
                cpu_time_ms: outcome.limits.cpu_time.map(units::milliseconds),
                output_bytes: outcome.limits.output_bytes,
                exits_per_second: outcome.limits.exits_per_second,
            }),
            ..Self::bare(outcome.reason, outcome.exit_code, outcome.message.clone())
        }
    }

    /// Reports on a call that did not come about.
    pub fn of_error(error: &Error, image: Option<&Image>) -> Self {
        Self::of_failure(error.reason(), error.to_string(), image)
    }

    /// Reports on a call that was not even begun.
    pub fn of_failure(reason: Reason, message: String, image: Option<&Image>) -> Self {
        Self {
            function: image.map(function),
            ..Self::bare(reason, reason.exit_code(), Some(message))
        }
    }

    fn bare(reason: Reason, exit_code: u8, message: Option<String>) -> Self {
        Self {
            schema: SCHEMA,
            status: match exit_code {
                // No function has said it.
                _ if reason == Reason::BadEvent => Status::Error,
                status::SUCCESS => Status::Success,
                1..=status::MAX_FUNCTION => Status::Failure,
                _ => Status::Error,
            },
            reason,
            message: message.map(|message| cut(&message, MESSAGE_CHARACTERS)),
            exit_code,
            call_id: None,
            function: None,
            accel: None,
            backend: None,
            jail: None,
            phases_us: Phases::default(),
            exits: None,
            peak_memory_bytes: None,
            bytes_in: 0,
            bytes_out: 0,
            bytes_err: 0,
            limits: None,
        }
    }

    /// Checks that a report could be written to `path`, before there is anything to report.
    pub fn check_place(path: &Path) -> io::Result<()> {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(_) if is_written_to_as_it_is(path) => Ok(()),
            _ => temporary_beside(path).map(drop),
        }
    }

    /// The report as it is written: one JSON object.
    pub fn json(&self) -> io::Result<Vec<u8>> {
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        Ok(json)
    }

    /// Writes the report to `path`, as [`put`] does.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        put(path, &self.json()?)
    }
}

/// Writes a report's `json` to `path`: under a temporary name beside it, then renamed, so that nobody
/// reads half of one. What is not a regular file (`/dev/stderr`) is written to as it is.
pub fn put(path: &Path, json: &[u8]) -> io::Result<()> {
    if is_written_to_as_it_is(path) {
        return File::options().append(true).open(path)?.write_all(json);
    }
    let mut temporary = temporary_beside(path)?;
    temporary.as_file_mut().write_all(json)?;
    temporary.persist(path)?;
    Ok(())
}

/// How long a clerk is to go on with it: a pipe may have no reader for as long as it likes.
pub fn patience(path: &Path) -> Patience {
    if is_written_to_as_it_is(path) { Patience::Sender } else { Patience::Whole }
}

/// Whether something else than a file of its own is at `path`: a device, a pipe, or what a process
/// has open (`/dev/stderr`), which may be a file, though not one of that name.
fn is_written_to_as_it_is(path: &Path) -> bool {
    let is_other = fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
    is_other || fs::read_link(path).is_ok_and(|target| target.starts_with("/proc"))
}

/// A file beside `path` that vanishes unless it is renamed. Its name is one that nobody foresees, so
/// that nobody has put a link there; its mode is as the user's mask has it, since others may be
/// meant to read it.
fn temporary_beside(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    // Made here, so that an error is the system's own, with its number.
    let create = |path: &Path| File::options().write(true).create_new(true).mode(0o666).open(path);
    tempfile::Builder::new()
        .prefix(".ampoule-report-")
        .make_in(directory.unwrap_or(Path::new(".")), create)
}

fn function(image: &Image) -> Function {
    let note = image.note();
    Function { name: note.name.clone(), version: note.version.clone() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::image::ImageError;

    #[test]
    fn a_report_is_one_object_at_its_place_and_nothing_else() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("report.json");
        let report = Report::of_error(&Error::Image(ImageError::NotElf), None);
        report.write(&path).expect("written");
        let text = fs::read_to_string(&path).expect("a file");
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["schema"], SCHEMA);
        assert_eq!((&value["status"], &value["reason"]), (&"error".into(), &"not-runnable".into()));
        assert_eq!(value["exit_code"], 126);
        assert_eq!(fs::read_dir(directory.path()).expect("a directory").count(), 1);
        Report::check_place(&path).expect("it could be written again");
        assert_eq!(fs::read_dir(directory.path()).expect("a directory").count(), 1);
        let nowhere = directory.path().join("no/such/report.json");
        assert!(report.write(&nowhere).is_err() && Report::check_place(&nowhere).is_err());
        assert!(Report::check_place(directory.path()).is_err());
    }

    #[test]
    fn a_message_of_any_length_is_taken_by_whoever_writes_it() {
        let message = "\x1b".repeat(8 << 20);
        let report = Report::of_failure(Reason::NotRunnable, message, None);
        assert!((64 << 10..1 << 20).contains(&report.json().expect("JSON").len()));
    }

    #[test]
    fn what_a_process_has_open_is_written_to_though_it_is_a_file() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("stderr");
        let mut file = tempfile::tempfile().expect("a file");
        let target = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
        std::os::unix::fs::symlink(target, &path).expect("a link");
        Report::of_error(&Error::Image(ImageError::NotElf), None).write(&path).expect("written");
        let mut text = String::new();
        io::Seek::rewind(&mut file).expect("a file");
        io::Read::read_to_string(&mut file, &mut text).expect("text");
        assert!(text.contains(SCHEMA) && path.is_symlink(), "{text}");
    }

    #[test]
    fn a_link_in_a_report_s_place_is_replaced_and_not_followed() {
        let directory = tempfile::tempdir().expect("a directory");
        let (path, other) = (directory.path().join("report.json"), directory.path().join("other"));
        fs::write(&other, "precious").expect("written");
        std::os::unix::fs::symlink(&other, &path).expect("a link");
        let report = Report::of_error(&Error::Image(ImageError::NotElf), None);
        report.write(&path).expect("written");
        assert_eq!(fs::read(&other).expect("a file"), b"precious");
        let metadata = fs::symlink_metadata(&path).expect("a file");
        assert!(metadata.is_file() && metadata.permissions().mode() & 0o400 != 0);
    }
}
