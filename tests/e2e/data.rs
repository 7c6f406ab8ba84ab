//! Bytes for tests: random ones that are the same each time, long streams of them, digests.

use std::io::{self, Read, Write};

use sha2::{Digest, Sha256};

/// Random bytes without end, the same for the same seed (xorshift64*).
pub struct Random(u64);

impl Random {
    /// The bytes of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next eight bytes, as a number.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// The next `length` bytes.
    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        for piece in bytes.chunks_mut(8) {
            piece.copy_from_slice(&self.next().to_le_bytes()[..piece.len()]);
        }
        bytes
    }
}

/// Writes `length` random bytes; their digest. An error is the reader's having gone away.
pub fn pour(mut to: impl Write, length: u64, seed: u64) -> io::Result<String> {
    const PIECE: u64 = 1 << 16;
    let (mut random, mut digest, mut left) = (Random::new(seed), Sha256::new(), length);
    while left > 0 {
        let piece = random.bytes(left.min(PIECE) as usize);
        digest.update(&piece);
        to.write_all(&piece)?;
        left -= piece.len() as u64;
    }
    Ok(hex(&digest.finalize()))
}

/// Reads to the end; the number of bytes and their digest.
pub fn drain(mut from: impl Read) -> (u64, String) {
    let (mut digest, mut length, mut piece) = (Sha256::new(), 0, vec![0; 1 << 16]);
    loop {
        match from.read(&mut piece).expect("a pipe can be read") {
            0 => return (length, hex(&digest.finalize())),
            read => {
                digest.update(&piece[..read]);
                length += read as u64;
            }
        }
    }
}

/// The digest of some bytes.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The length of long streams: `AMPOULE_TEST_BYTES`, or else `default_mib`.
pub fn stream_bytes(default_mib: u64) -> u64 {
    let Ok(text) = std::env::var("AMPOULE_TEST_BYTES") else { return default_mib << 20 };
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match &text[digits.len()..] {
        "GiB" => 30,
        "MiB" => 20,
        "KiB" => 10,
        "" | "B" => 0,
        unit => panic!("AMPOULE_TEST_BYTES: {unit:?} is not one of GiB, MiB, KiB, B"),
    };
    digits.parse::<u64>().expect("AMPOULE_TEST_BYTES is a number with a unit") << shift
}
