//! Where the files of a layout are: in a folder, or in an archive, of which only headers are read
//! until a file is wanted.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;
use serde::de::DeserializeOwned;

use super::tar::{self, BLOCK_BYTES, Header, Names, TarError};
use super::{MAX_DOCUMENT_BYTES, OciError};
use crate::foreign::clip;
use crate::opening::open;

/// Most bytes from an archive's last entry to its end: `tar` fills up to a multiple of its block, which
/// is 10 KiB, or as large as somebody has chosen.
const MAX_END_BYTES: u64 = 1 << 20;

/// The files of a layout.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Folder,
    Archive { source: Source, files: BTreeMap<String, Range>, is_cut: bool },
}

/// Where a file lies in an archive.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    offset: u64,
    bytes: u64,
}

/// The bytes of an archive.
#[derive(Debug)]
pub(super) enum Source {
    File {
        file: File,
        bytes: u64,
    },
    #[cfg(any(test, fuzzing))]
    Bytes(Vec<u8>),
}

impl Store {
    /// Opens the layout at `path`, whichever it is.
    pub(super) fn open(path: &Path) -> Result<Self, OciError> {
        let failed = |source: io::Error| match source.kind() {
            ErrorKind::NotFound => OciError::NotFound { path: path.to_owned() },
            _ => OciError::Unreadable {
                file: "the layout".to_owned(),
                path: path.to_owned(),
                source,
            },
        };
        let file = open(path, OFlags::empty()).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Ok(Self { path: path.to_owned(), content: Content::Folder });
        }
        if !metadata.is_file() {
            return Err(failed(io::Error::other("it is neither a folder nor a file")));
        }
        Self::archive(path, Source::File { file, bytes: metadata.len() })
    }

    /// The archive that is `bytes`.
    #[cfg(any(test, fuzzing))]
    pub(super) fn of(bytes: &[u8]) -> Result<Self, OciError> {
        Self::archive(Path::new("x.tar"), Source::Bytes(bytes.to_vec()))
    }

    fn archive(path: &Path, source: Source) -> Result<Self, OciError> {
        let path = path.to_owned();
        match files(&source) {
            Ok((files, is_cut)) => {
                Ok(Self { path, content: Content::Archive { source, files, is_cut } })
            }
            Err(ScanError::Tar(source)) => Err(OciError::Archive { path, source }),
            Err(ScanError::Read(source)) => {
                Err(OciError::Unreadable { file: "a header".to_owned(), path, source })
            }
        }
    }

    /// The folder or archive.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is an archive without its end.
    pub(super) fn is_cut(&self) -> bool {
        matches!(self.content, Content::Archive { is_cut: true, .. })
    }

    /// Reads a file that no digest is known of.
    pub(super) fn document(&self, file: &str) -> Result<Vec<u8>, OciError> {
        let (mut reader, bytes) = self.reader(file)?;
        self.check_size(file, bytes, MAX_DOCUMENT_BYTES)?;
        let mut content = Vec::new();
        // It may have grown since it was asked for its length.
        let read = reader.by_ref().take(MAX_DOCUMENT_BYTES).read_to_end(&mut content);
        read.map_err(|source| self.unreadable(file, source))?;
        Ok(content)
    }

    /// What reads a file from its beginning, and how many bytes it has.
    pub(super) fn reader(&self, file: &str) -> Result<(FileReader<'_>, u64), OciError> {
        match &self.content {
            Content::Folder => {
                let failed = |source: io::Error| match source.kind() {
                    ErrorKind::NotFound => self.missing(file),
                    _ if source.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
                        let why =
                            "it is a link, which may lead out of the layout: copy what it leads to";
                        self.unreadable(file, io::Error::other(why))
                    }
                    _ => self.unreadable(file, source),
                };
                let opened = open(&self.path.join(file), OFlags::NOFOLLOW).map_err(failed)?;
                let metadata = opened.metadata().map_err(failed)?;
                if !metadata.is_file() {
                    return Err(failed(io::Error::other("it is not a regular file")));
                }
                Ok((FileReader::File(opened), metadata.len()))
            }
            Content::Archive { source, files, .. } => {
                let range = *files.get(file).ok_or_else(|| self.missing(file))?;
                Ok((FileReader::Part { source, range }, range.bytes))
            }
        }
    }

    /// Refuses a file of more than `limit_bytes`.
    pub(super) fn check_size(
        &self,
        file: &str,
        bytes: u64,
        limit_bytes: u64,
    ) -> Result<(), OciError> {
        if bytes <= limit_bytes {
            return Ok(());
        }
        Err(OciError::TooLarge {
            file: file.to_owned(),
            path: self.path.clone(),
            bytes,
            limit_bytes,
        })
    }

    /// A document of this kind.
    pub(super) fn parsed<T: DeserializeOwned>(
        &self,
        file: &str,
        bytes: &[u8],
    ) -> Result<T, OciError> {
        serde_json::from_slice(bytes).map_err(|why| self.wrong(file, clip(&why.to_string())))
    }

    /// That a document does not say what it must.
    pub(super) fn wrong(&self, file: &str, why: String) -> OciError {
        OciError::Document { file: file.to_owned(), path: self.path.clone(), why }
    }

    /// That a file cannot be read.
    pub(super) fn unreadable(&self, file: &str, source: io::Error) -> OciError {
        OciError::Unreadable { file: file.to_owned(), path: self.path.clone(), source }
    }

    fn missing(&self, file: &str) -> OciError {
        let is_cut = self.is_cut();
        OciError::Missing { file: file.to_owned(), path: self.path.clone(), is_cut }
    }
}

enum ScanError {
    Tar(TarError),
    Read(io::Error),
}

/// The files of an archive, and whether it ends before its end. Of the last file of one that is cut
/// there are as many bytes as are left.
fn files(source: &Source) -> Result<(BTreeMap<String, Range>, bool), ScanError> {
    let mut names = Names::default();
    let mut files = BTreeMap::new();
    let mut at = 0;
    let end = source.bytes();
    loop {
        let Some(block) = source.block(at).map_err(ScanError::Read)? else {
            return Ok((files, true));
        };
        match names.header(&block, at).map_err(ScanError::Tar)? {
            Header::End => {
                return Ok((files, source.is_cut_in_its_end(at)?));
            }
            Header::Entry { name, bytes } => {
                let offset = at + BLOCK_BYTES;
                let range = Range { offset, bytes: bytes.min(end.saturating_sub(offset)) };
                files.insert(name, range);
                let next = tar::padded(bytes).and_then(|bytes| offset.checked_add(bytes));
                match next.filter(|&next| next <= end) {
                    Some(next) => at = next,
                    None => return Ok((files, true)),
                }
            }
        }
    }
}

impl Source {
    fn bytes(&self) -> u64 {
        match self {
            Self::File { bytes, .. } => *bytes,
            #[cfg(any(test, fuzzing))]
            Self::Bytes(all) => all.len() as u64,
        }
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File { file, .. } => file.read_at(buffer, offset),
            #[cfg(any(test, fuzzing))]
            Self::Bytes(all) => {
                let rest = all.get(offset as usize..).unwrap_or_default();
                let count = rest.len().min(buffer.len());
                buffer[..count].copy_from_slice(&rest[..count]);
                Ok(count)
            }
        }
    }

    /// Whether of the two blocks of zeros that begin at an offset the second is not there. Behind them
    /// nothing may stand either.
    fn is_cut_in_its_end(&self, at: u64) -> Result<bool, ScanError> {
        let range = Range { offset: at, bytes: self.bytes().saturating_sub(at) };
        let (is_cut, is_short) = (range.bytes < 2 * BLOCK_BYTES, range.bytes <= MAX_END_BYTES);
        let rest = FileReader::Part { source: self, range };
        match is_short && tar::is_nothing_left(rest).map_err(ScanError::Read)? {
            true => Ok(is_cut),
            false => Err(ScanError::Tar(TarError::Behind { at })),
        }
    }

    /// The block at an offset; `None` if it is not whole.
    fn block(&self, offset: u64) -> io::Result<Option<tar::Block>> {
        let mut block = [0; BLOCK_BYTES as usize];
        let mut filled = 0;
        while filled < block.len() {
            match self.read_at(offset + filled as u64, &mut block[filled..]) {
                Ok(0) => return Ok(None),
                Ok(count) => filled += count,
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                Err(why) => return Err(why),
            }
        }
        Ok(Some(block))
    }
}

/// Reads one file of a layout.
#[derive(Debug)]
pub(super) enum FileReader<'a> {
    /// A file of its own.
    File(File),
    /// What is left of a part of an archive.
    Part {
        /// The archive.
        source: &'a Source,
        /// What is left.
        range: Range,
    },
}

impl Read for FileReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.read(buffer),
            Self::Part { source, range } => {
                let wanted = buffer.len().min(usize::try_from(range.bytes).unwrap_or(usize::MAX));
                let count = source.read_at(range.offset, &mut buffer[..wanted])?;
                range.offset += count as u64;
                range.bytes -= count as u64;
                Ok(count)
            }
        }
    }
}
