//! What stays open in a jail, and the limits on what there can be.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::RawFd;

use rustix::process::{Resource, Rlimit, setrlimit};

/// The descriptors of STDIN, STDOUT and STDERR.
const STANDARD: [RawFd; 3] = [0, 1, 2];

/// Closes every descriptor but the standard ones and `kept`; the number after the greatest.
pub(super) fn close_all_but(mut kept: Vec<RawFd>) -> io::Result<RawFd> {
    kept.extend(STANDARD);
    kept.sort_unstable();
    let mut first = 0;
    for &descriptor in &kept {
        close(first, descriptor - 1)?;
        first = descriptor + 1;
    }
    close(first, RawFd::MAX)?;
    Ok(first)
}

/// Has no core file come about, which would hold the guest's memory, and no descriptors from `first`
/// on, if that is known.
///
/// Processes are not limited: the kernel counts all of a user's, so that no number is right. Nor are
/// files, one of which STDOUT may be.
pub(super) fn limit(first: Option<RawFd>) -> io::Result<()> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none)?;
    if let Some(first) = first {
        let many = Some(first as u64);
        setrlimit(Resource::Nofile, Rlimit { current: many, maximum: many })?;
    }
    Ok(())
}

/// Closes all from `first` to `last`, if that is any.
fn close(first: RawFd, last: RawFd) -> io::Result<()> {
    if first > last {
        return Ok(());
    }
    // SAFETY: the system call takes numbers. Nobody uses these descriptors: whoever asks for a jail
    // has named those in use.
    match unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
