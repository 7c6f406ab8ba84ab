//! What really lies in a folder of artifacts: plain files with their digests, and nothing else.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

use super::sums::Sums;
use super::verify::VerifyError;
use crate::digest::Digest;

/// Longest file that is read into memory, in bytes.
const MAX_DOCUMENT_BYTES: u64 = 64 << 20;

/// The digests of all files below a folder, by their path from it.
pub(super) fn sums(folder: &Path) -> Result<Sums, VerifyError> {
    let mut sums = Sums::new();
    gather(folder, "", &mut sums)?;
    Ok(sums)
}

fn gather(folder: &Path, prefix: &str, sums: &mut Sums) -> Result<(), VerifyError> {
    let unreadable = |why| VerifyError::Unreadable { path: folder.into(), why };
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_str();
        let name = name.ok_or_else(|| VerifyError::NotAFile { path: path.clone() })?;
        let inner = format!("{prefix}{name}");
        // A link is none of these.
        let kind = fs::symlink_metadata(&path)
            .map_err(|why| VerifyError::Unreadable { path: path.clone(), why })?;
        if kind.is_dir() {
            gather(&path, &(inner + "/"), sums)?;
        } else {
            sums.insert(inner, digest(&path)?);
        }
    }
    Ok(())
}

/// The digest of a plain file.
pub fn digest(path: &Path) -> Result<Digest, VerifyError> {
    let unreadable = |why| VerifyError::Unreadable { path: path.into(), why };
    let mut file = open(path)?;
    Digest::of_file(&mut file).map(|(digest, _)| digest).map_err(unreadable)
}

/// All bytes of a plain file of at most 64 MiB.
pub fn read(path: &Path) -> Result<Vec<u8>, VerifyError> {
    let unreadable = |why| VerifyError::Unreadable { path: path.into(), why };
    let (file, mut bytes) = (open(path)?, Vec::new());
    file.take(MAX_DOCUMENT_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    match bytes.len() as u64 > MAX_DOCUMENT_BYTES {
        true => Err(unreadable(io::ErrorKind::FileTooLarge.into())),
        false => Ok(bytes),
    }
}

fn open(path: &Path) -> Result<File, VerifyError> {
    let unreadable = |why| VerifyError::Unreadable { path: path.into(), why };
    // A FIFO is not waited for, and a link not followed.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW).bits().cast_signed();
    let opened = File::options().read(true).custom_flags(flags).open(path);
    let is_link = || fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    match opened {
        Ok(file) if file.metadata().map_err(unreadable)?.is_file() => Ok(file),
        Ok(_) => Err(VerifyError::NotAFile { path: path.into() }),
        Err(_) if is_link() => Err(VerifyError::NotAFile { path: path.into() }),
        Err(why) => Err(unreadable(why)),
    }
}
