//! Files as a tar archive that depends on nothing else: of one time, of root, in the order given.

use std::io;

use tar::{Builder, EntryType, Header};

use super::OciError;

/// The archive of these paths, modes and bytes, all from `epoch_seconds`.
pub(super) fn tar(
    files: impl IntoIterator<Item = (String, u32, Vec<u8>)>,
    epoch_seconds: u64,
) -> Result<Vec<u8>, OciError> {
    let mut archive = Builder::new(Vec::new());
    let finished = |why| OciError::Archive { path: "the end".to_owned(), why };
    for (path, mode, bytes) in files {
        let added = header(&path, mode, bytes.len() as u64, epoch_seconds)
            .and_then(|header| archive.append(&header, &bytes[..]));
        added.map_err(|why| OciError::Archive { path, why })?;
    }
    archive.into_inner().map_err(finished)
}

fn header(path: &str, mode: u32, size: u64, epoch_seconds: u64) -> io::Result<Header> {
    let mut header = Header::new_ustar();
    header.set_path(path)?;
    header.set_entry_type(EntryType::Regular);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(epoch_seconds);
    header.set_uid(0);
    header.set_gid(0);
    header.set_cksum();
    Ok(header)
}
