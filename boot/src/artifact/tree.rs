//! What really lies in a folder of artifacts: plain files with their digests, and nothing else.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::sums::Sums;
use super::verify::VerifyError;
use crate::digest::Digest;
use crate::image::MAX_IMAGE_BYTES;
use crate::{opening, units};

/// Longest file that is read into memory, in bytes.
const MAX_DOCUMENT_BYTES: u64 = 4 << 20;
/// Longest file that is digested, in bytes: an image's twin has its lines and symbols too, and an archive
/// the image up to three times.
const MAX_FILE_BYTES: u64 = 4 * MAX_IMAGE_BYTES;

/// The files below a folder, by their path from it. A digest is made when it is asked for, and once.
pub(super) struct Files {
    folder: PathBuf,
    digests: BTreeMap<String, OnceCell<Digest>>,
}

impl Files {
    /// All that is there.
    pub(super) fn of(folder: &Path) -> Result<Self, VerifyError> {
        let mut files = Self { folder: folder.into(), digests: BTreeMap::new() };
        files.gather(folder, "")?;
        Ok(files)
    }

    fn gather(&mut self, folder: &Path, prefix: &str) -> Result<(), VerifyError> {
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
                let before = self.count();
                self.gather(&path, &(inner + "/"))?;
                if self.count() == before {
                    return Err(VerifyError::Empty { path });
                }
            } else if kind.is_file() {
                self.digests.insert(inner, OnceCell::new());
            } else {
                return Err(VerifyError::NotAFile { path });
            }
        }
        Ok(())
    }

    /// The folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// How many files there are.
    pub(super) fn count(&self) -> usize {
        self.digests.len()
    }

    /// Their paths, ascending.
    pub(super) fn paths(&self) -> impl Iterator<Item = &String> {
        self.digests.keys()
    }

    /// Whether there is one at this path.
    pub(super) fn has(&self, path: &str) -> bool {
        self.digests.contains_key(path)
    }

    /// Forgets one; whether it was there.
    pub(super) fn remove(&mut self, path: &str) -> bool {
        self.digests.remove(path).is_some()
    }

    /// The digest of one; `None` if it is not there.
    pub(super) fn digest(&self, path: &str) -> Result<Option<Digest>, VerifyError> {
        let Some(known) = self.digests.get(path) else { return Ok(None) };
        if let Some(digest) = known.get() {
            return Ok(Some(*digest));
        }
        let digest = digest(&self.folder.join(path))?;
        Ok(Some(*known.get_or_init(|| digest)))
    }

    /// The digests of all.
    pub(super) fn sums(&self) -> Result<Sums, VerifyError> {
        let mut sums = Sums::new();
        for path in self.paths() {
            sums.extend(self.digest(path)?.map(|digest| (path.clone(), digest)));
        }
        Ok(sums)
    }

    /// Those in a folder of this one's.
    pub(super) fn below(&self, name: &str) -> Self {
        let inner = |path: &str| Some(path.strip_prefix(name)?.strip_prefix('/')?.to_owned());
        let digests = self.digests.iter();
        let digests = digests.filter_map(|(path, digest)| Some((inner(path)?, digest.clone())));
        Self { folder: self.folder.join(name), digests: digests.collect() }
    }
}

/// The digest of a plain file.
pub fn digest(path: &Path) -> Result<Digest, VerifyError> {
    let mut file = open(path, MAX_FILE_BYTES)?;
    let digest = Digest::of_file(&mut file).map(|(digest, _)| digest);
    digest.map_err(|why| VerifyError::Unreadable { path: path.into(), why })
}

/// All bytes of a file that is not long.
pub fn read(path: &Path) -> Result<Vec<u8>, VerifyError> {
    let (file, mut bytes) = (open(path, MAX_DOCUMENT_BYTES)?, Vec::new());
    let read = file.take(MAX_DOCUMENT_BYTES).read_to_end(&mut bytes);
    read.map(|_| bytes).map_err(|why| VerifyError::Unreadable { path: path.into(), why })
}

fn open(path: &Path, limit_bytes: u64) -> Result<File, VerifyError> {
    let unreadable = |why| VerifyError::Unreadable { path: path.into(), why };
    let opened = opening::open(path, OFlags::NOFOLLOW);
    let is_link = || fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
    let file = match opened {
        Ok(file) => file,
        Err(_) if is_link() => return Err(VerifyError::NotAFile { path: path.into() }),
        Err(why) => return Err(unreadable(why)),
    };
    let kind = file.metadata().map_err(unreadable)?;
    if !kind.is_file() {
        return Err(VerifyError::NotAFile { path: path.into() });
    }
    if kind.len() > limit_bytes {
        let why = format!("it is longer than {}, and no more is read", units::bytes(limit_bytes));
        return Err(unreadable(io::Error::other(why)));
    }
    Ok(file)
}
