//! Files are opened for reading without waiting for anything: at a path that others chose may be a FIFO,
//! which would wait for a writer, or a terminal, which would become this process's own.

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// Opens what is at `path`, also with what `more` asks for. It may be something else than a file.
pub fn open(path: &Path, more: OFlags) -> io::Result<File> {
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY | more).bits().cast_signed();
    File::options().read(true).custom_flags(flags).open(path)
}
