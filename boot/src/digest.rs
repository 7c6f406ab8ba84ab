//! SHA-256 digests of files, and how they are written: `sha256:` and 64 digits.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

/// How much of a file is held at a time, in bytes.
const CHUNK_BYTES: usize = 256 << 10;

/// A SHA-256 digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Of a file, from where reading has come to, and its length in bytes.
    pub fn of_file(file: &mut File) -> io::Result<(Self, u64)> {
        let (mut hasher, mut chunk, mut length) = (Sha256::new(), vec![0; CHUNK_BYTES], 0);
        loop {
            match file.read(&mut chunk)? {
                0 => return Ok((hasher.into(), length)),
                count => {
                    hasher.update(&chunk[..count]);
                    length += count as u64;
                }
            }
        }
    }

    /// Reads `sha256:` and 64 hexadecimal digits in lower case, as [`Display`](fmt::Display) writes them.
    pub fn parse(text: &str) -> Option<Self> {
        Self::from_hexadecimal(text.strip_prefix("sha256:")?)
    }

    /// Reads 64 hexadecimal digits in lower case; a digest is written in one way only.
    pub fn from_hexadecimal(text: &str) -> Option<Self> {
        let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
        let value = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        };
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = value(pair[0])? << 4 | value(pair[1])?;
        }
        Some(Self(bytes))
    }

    /// 64 hexadecimal digits.
    pub fn hexadecimal(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Of all that was given to the hasher.
impl From<Sha256> for Digest {
    fn from(hasher: Sha256) -> Self {
        Self(hasher.finalize().into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "sha256:{}", self.hexadecimal())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl serde::Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.hexadecimal())
    }
}

impl<'de> serde::Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::from_hexadecimal(&text).ok_or_else(|| {
            serde::de::Error::custom(format!("{text:?} is not 64 hexadecimal digits"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-4's example of one block.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_digest_is_read_as_it_is_written() {
        let digest = Digest::of(b"abc");
        assert_eq!(digest.hexadecimal(), ABC);
        assert_eq!(Digest::from_hexadecimal(ABC), Some(digest));
        assert_eq!(digest.to_string(), format!("sha256:{ABC}"));
        assert_eq!(Digest::parse(&digest.to_string()), Some(digest));
        assert_eq!(Digest::parse(ABC), None);
        assert_eq!(serde_json::to_string(&digest).expect("JSON"), format!("{ABC:?}"));
        assert_eq!(serde_json::from_str::<Digest>(&format!("{ABC:?}")).expect("one"), digest);
    }

    #[test]
    fn it_is_written_in_one_way() {
        for other in ["", &ABC[1..], &format!("{ABC}0"), &ABC.to_uppercase(), &"é".repeat(32)] {
            assert_eq!(Digest::from_hexadecimal(other), None, "{other}");
            assert!(serde_json::from_str::<Digest>(&format!("{other:?}")).is_err(), "{other}");
        }
    }

    #[test]
    fn a_file_has_the_digest_of_its_bytes() {
        let bytes = vec![7; CHUNK_BYTES + 1];
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), &bytes).expect("written");
        let found = Digest::of_file(&mut File::open(file.path()).expect("it")).expect("read");
        assert_eq!(found, (Digest::of(&bytes), bytes.len() as u64));
    }
}
