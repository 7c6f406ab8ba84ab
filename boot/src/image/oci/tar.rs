//! Tar archives, as far as layouts need them: files and folders under plain names (POSIX `ustar`).
//!
//! What other kinds of entries and extended headers could do, such as naming one file twice or
//! another's path, is refused with them.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind, Read};

/// An archive is a sequence of blocks of so many bytes.
pub(super) const BLOCK_BYTES: u64 = 512;

/// Most entries that are read; a layout of many functions has a few hundred.
const MAX_ENTRIES: usize = 4096;

pub(super) type Block = [u8; BLOCK_BYTES as usize];

/// Why an archive is refused.
#[derive(Debug, thiserror::Error)]
pub enum TarError {
    /// A header that is none.
    #[error("the header at byte {at} is damaged, or it is no tar archive")]
    Header {
        /// Where it lies, in bytes.
        at: u64,
    },
    /// An entry that is neither file nor folder.
    #[error(
        "the entry {name:?} is neither a file nor a folder (type {kind:?}): make the archive with \
            `cargo xtask dist --oci`, or with `tar --format=ustar`"
    )]
    Kind {
        /// Its name.
        name: String,
        /// Its type.
        kind: char,
    },
    /// A name that leads out of the archive, or is none.
    #[error("the entry {0:?} has a name that is not a plain path without `.` and `..`")]
    Name(String),
    /// A name that stands twice.
    #[error("the entry {0:?} is there twice")]
    Twice(String),
    /// More entries than are read.
    #[error("it has more than {MAX_ENTRIES} entries")]
    TooMany,
    /// A file of it is larger than any image.
    #[error("the file {name:?} is {bytes} bytes long, which is larger than any image")]
    TooLarge {
        /// Its name.
        name: String,
        /// Its size, in bytes.
        bytes: u64,
    },
    /// Something stands where nothing should.
    #[error(
        "behind its last entry, at byte {at}, it goes on with something else than zeros: make it with \
            `cargo xtask dist --oci`, or with `tar --format=ustar`"
    )]
    Behind {
        /// Where the zeros begin, in bytes.
        at: u64,
    },
    /// The end is not there.
    #[error("it is cut short")]
    Cut,
    /// The image is not in the layer.
    #[error("it has no file {0:?}")]
    NoFile(String),
}

/// What a block of a header says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// The first block of the end.
    End,
    /// A file and its size in bytes; a folder is of no bytes.
    Entry { name: String, bytes: u64 },
}

/// What has been read of an archive so far.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// Reads the header that lies `at` so many bytes.
    pub(super) fn header(&mut self, block: &Block, at: u64) -> Result<Header, TarError> {
        if is_nothing(block) {
            return Ok(Header::End);
        }
        let magic = &block[257..265];
        // That of POSIX and that of GNU.
        if !is_sound(block) || !(magic == b"ustar\x0000" || magic == b"ustar  \x00") {
            return Err(TarError::Header { at });
        }
        let name = name(block);
        let bytes = octal(&block[124..136]).ok_or(TarError::Header { at })?;
        let is_folder = match block[156] {
            b'0' | 0 => false,
            b'5' => true,
            kind => return Err(TarError::Kind { name, kind: kind.into() }),
        };
        let plain = plain(&name).filter(|_| is_folder || !name.ends_with('/'));
        let plain = plain.ok_or_else(|| TarError::Name(name.clone()))?.to_owned();
        if self.0.len() == MAX_ENTRIES {
            return Err(TarError::TooMany);
        }
        if !self.0.insert(plain.clone()) {
            return Err(TarError::Twice(plain));
        }
        match is_folder {
            true if bytes > 0 => Err(TarError::Header { at }),
            true => Ok(Header::Entry { name: format!("{plain}/"), bytes: 0 }),
            false => Ok(Header::Entry { name: plain, bytes }),
        }
    }
}

/// Whether bytes say nothing.
fn is_nothing(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte == 0)
}

/// Whether all that is left to be read says nothing, as it must behind the last entry: what stands
/// behind zeros is an entry to some who read archives and none to others.
pub(super) fn is_nothing_left(mut archive: impl Read) -> io::Result<bool> {
    let mut buffer = [0; 8 << 10];
    loop {
        match archive.read(&mut buffer) {
            Ok(0) => return Ok(true),
            Ok(count) if is_nothing(&buffer[..count]) => {}
            Ok(_) => return Ok(false),
            Err(why) if why.kind() == ErrorKind::Interrupted => {}
            Err(why) => return Err(why),
        }
    }
}

/// How far the next header lies behind the contents of so many bytes; `None` beyond all numbers.
pub(super) fn padded(bytes: u64) -> Option<u64> {
    bytes.checked_next_multiple_of(BLOCK_BYTES)
}

/// Whether the sum of its bytes is the one it names, in which the sum itself counts as spaces.
fn is_sound(block: &Block) -> bool {
    let sum: u64 = block.iter().map(|&byte| u64::from(byte)).sum();
    let own: u64 = block[148..156].iter().map(|&byte| u64::from(byte)).sum();
    octal(&block[148..156]) == Some(sum - own + 8 * u64::from(b' '))
}

/// A number as headers hold it: octal digits, then spaces or zeros.
fn octal(field: &[u8]) -> Option<u64> {
    let is_end = |byte: &u8| matches!(byte, b' ' | 0);
    let end = field.iter().position(is_end).unwrap_or(field.len());
    let (digits, rest) = field.split_at(end);
    if digits.is_empty() || !rest.iter().all(is_end) {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, &digit| match digit {
        b'0'..=b'7' => Some(number << 3 | u64::from(digit - b'0')),
        _ => None,
    })
}

/// The name, of which bytes that are no text can be in none that is looked for.
fn name(block: &Block) -> String {
    let field = |bytes: &[u8]| {
        let text = bytes.split(|&byte| byte == 0).next().unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    };
    // GNU's headers have times where those of POSIX have a prefix.
    let prefix = if block[263] == b'0' { field(&block[345..500]) } else { String::new() };
    match prefix.is_empty() {
        true => field(&block[..100]),
        false => format!("{prefix}/{}", field(&block[..100])),
    }
}

/// The name without what says nothing, if it stays below where it is unpacked and is the only one of its
/// file: `././a` is the same as `a` to whoever unpacks it.
fn plain(name: &str) -> Option<&str> {
    let name = name.strip_suffix('/').unwrap_or(name);
    if name == "." {
        return Some(name);
    }
    let name = name.strip_prefix("./").unwrap_or(name);
    let is_plain = |part: &str| !matches!(part, "" | "." | "..");
    name.split('/').all(is_plain).then_some(name)
}
