//! What QEMU says: its monitor, its complaints, what the kernel tells of it. QEMU is a guest's when
//! a guest has broken out into it.

use std::io::Write;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::{keeper, peak_memory_bytes, process, qmp};

/// Most that goes into a socket whose other end reads only later, in bytes.
const MAX_MONITOR_BYTES: usize = 64 << 10;

/// Any bytes as one of them.
pub fn monitor(bytes: &[u8]) {
    let Some((&which, bytes)) = bytes.split_first() else { return };
    match which % 3 {
        0 => listen(&bytes[..bytes.len().min(MAX_MONITOR_BYTES)]),
        1 => {
            let log = String::from_utf8_lossy(bytes);
            let status = ExitStatus::from_raw((which / 3).into());
            let advice_bytes = if process::lacks_seccomp(&log) { 80 } else { 0 };
            let failure = process::failure(Ok(status), &log);
            assert!(failure.len() <= log.len() + 80 + advice_bytes);
            assert!(keeper::first_lines(&log).len() <= log.len().max(32));
        }
        _ => {
            let status = String::from_utf8_lossy(bytes);
            assert!(peak_memory_bytes(&status).is_none_or(|bytes| bytes.is_multiple_of(1024)));
        }
    }
}

fn listen(bytes: &[u8]) {
    let (ours, mut theirs) = UnixStream::pair().expect("a pair of sockets");
    theirs.write_all(bytes).expect("there is room");
    theirs.shutdown(Shutdown::Write).expect("it is open");
    let mut running = None;
    let observed = qmp::watch(ours, |is_kvm| running = Some(is_kvm));
    assert_eq!(observed.is_kvm, running);
    assert!(!observed.is_stuck || running.is_some(), "what never ran does not stand still");
}
