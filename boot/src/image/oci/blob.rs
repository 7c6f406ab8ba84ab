//! Blobs: files that are named by their digest, and are read and digested in one.

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

use super::documents::Descriptor;
use super::store::{FileReader, Store};
use super::{MAX_DOCUMENT_BYTES, OciError};
use crate::digest::Digest;

/// Reads the document that `descriptor` names.
pub(super) fn document(store: &Store, descriptor: &Descriptor) -> Result<Vec<u8>, OciError> {
    let mut blob = Blob::open(store, descriptor, MAX_DOCUMENT_BYTES)?;
    let mut bytes = Vec::new();
    blob.read_to_end(&mut bytes).map_err(|source| store.unreadable(&blob.file, source))?;
    blob.check()?;
    Ok(bytes)
}

/// A blob that is being read.
pub(super) struct Blob<'a> {
    store: &'a Store,
    descriptor: &'a Descriptor,
    /// Its file in the layout.
    pub(super) file: String,
    reader: io::Take<FileReader<'a>>,
    digest: Sha256,
    bytes: u64,
}

impl<'a> Blob<'a> {
    /// Opens the blob that `descriptor` names, which may have no more than `limit_bytes`.
    pub(super) fn open(
        store: &'a Store,
        descriptor: &'a Descriptor,
        limit_bytes: u64,
    ) -> Result<Self, OciError> {
        let file = descriptor.file().map_err(|why| store.wrong("a descriptor", why))?;
        store.check_size(&file, descriptor.size, limit_bytes)?;
        let (reader, bytes) = store.reader(&file)?;
        store.check_size(&file, bytes, limit_bytes)?;
        let reader = reader.take(limit_bytes);
        let blob = Self { store, descriptor, file, reader, digest: Sha256::new(), bytes: 0 };
        if bytes == descriptor.size {
            return Ok(blob);
        }
        // Nothing of it is used; its digest is for the message.
        let file = blob.file.clone();
        blob.check()?;
        Err(store.unreadable(&file, io::Error::other("it has changed meanwhile")))
    }

    /// Reads what is left and compares all with what it is named by.
    pub(super) fn check(mut self) -> Result<(), OciError> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            match self.read(&mut buffer) {
                Ok(0) => break,
                Ok(_) => {}
                Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
                Err(why) => return Err(self.store.unreadable(&self.file, why)),
            }
        }
        let found = Digest::from(self.digest).to_string();
        if found == self.descriptor.digest && self.bytes == self.descriptor.size {
            return Ok(());
        }
        Err(OciError::Differs {
            file: self.file,
            path: self.store.path().to_owned(),
            expected: self.descriptor.digest.clone(),
            expected_bytes: self.descriptor.size,
            found,
            found_bytes: self.bytes,
        })
    }
}

impl Read for Blob<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.digest.update(&buffer[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
}
