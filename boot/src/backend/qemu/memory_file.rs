//! Anonymous files in memory, which a process is handed by descriptor.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

/// Longest text that [`LogFile`] takes, in bytes.
const LOG_BYTES: u64 = 64 << 10;

/// A file that holds `bytes` and that nobody can change any more: what was checked is what runs.
pub(super) fn sealed(bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut file = create("ampoule-image")?;
    file.write_all(bytes)?;
    let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL;
    fcntl_add_seals(&file, seals)?;
    Ok(file.into())
}

/// A file for what a process says on STDERR; it cannot grow, however much that is.
#[derive(Debug)]
pub(super) struct LogFile(File);

impl LogFile {
    pub(super) fn new() -> io::Result<Self> {
        let file = create("ampoule-log")?;
        file.set_len(LOG_BYTES)?;
        fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        Ok(Self(file))
    }

    /// A descriptor for the process to write to.
    pub(super) fn writer(&self) -> io::Result<File> {
        self.0.try_clone()
    }

    /// What was written.
    pub(super) fn text(mut self) -> String {
        let mut bytes = Vec::new();
        let read = self.0.rewind().and_then(|()| self.0.read_to_end(&mut bytes));
        if read.is_err() {
            return String::new();
        }
        String::from_utf8_lossy(&bytes).trim_end_matches('\0').trim().to_owned()
    }
}

fn create(name: &str) -> io::Result<File> {
    Ok(memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_file_cannot_be_changed() {
        let mut file = File::from(sealed(b"image").expect("a file"));
        assert!(file.write_all(b"other").is_err());
        assert!(file.set_len(0).is_err());
    }

    #[test]
    fn a_log_keeps_what_fits() {
        let log = LogFile::new().expect("a file");
        let mut writer = log.writer().expect("a descriptor");
        writer.write_all(b"it failed\n").expect("it fits");
        assert!(writer.write_all(&vec![b'x'; 2 * LOG_BYTES as usize]).is_err());
        assert!(log.text().starts_with("it failed\nxxx"));
    }
}
