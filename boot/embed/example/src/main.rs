//! `lszip ARCHIVE…`: lists what is in archives that nobody vouches for.
//!
//! The status is 0 if all could be listed, 65 if one was bad, 69 if a machine could not be had. The
//! variable `LSZIP_MONITOR` chooses the monitor: `builtin`, `qemu-kvm` or `qemu-tcg`.

use std::process::ExitCode;

use lszip::{Failure, Monitor, list};

const BAD_DATA: u8 = 65;
const UNAVAILABLE: u8 = 69;

fn main() -> ExitCode {
    let monitor = match std::env::var("LSZIP_MONITOR").as_deref() {
        Ok("builtin") => Monitor::BuiltIn,
        Ok("qemu-kvm") => Monitor::QemuKvm,
        Ok("qemu-tcg") => Monitor::QemuTcg,
        _ => Monitor::Best,
    };
    let mut status = 0;
    for path in std::env::args_os().skip(1) {
        let shown = path.display();
        let (problem, its_status) = match list(path.as_ref(), monitor) {
            Ok(entries) => {
                println!("{shown}:\n{entries}");
                continue;
            }
            Err(Failure::NotAnArchive(why)) => (why, BAD_DATA),
            Err(Failure::Hostile(why)) => (format!("malformed or hostile: {why}"), BAD_DATA),
            Err(Failure::Failed(why)) => (why, UNAVAILABLE),
        };
        eprintln!("lszip: {shown}: {problem}");
        status = status.max(its_status);
    }
    ExitCode::from(status)
}
