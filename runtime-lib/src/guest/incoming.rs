//! The launcher's frames, as they are read (SPEC C6).
//!
//! Pure, over whatever has bytes: only headers are gathered, what they announce is read where it lies.

use ampoule_abi::frame::{Header, read_header, to_guest};
use ampoule_abi::wire::MAX_VARINT_BYTES;

/// Where a launcher's bytes come from.
pub trait Source {
    /// Bytes that have come and were not consumed, waiting for the first of them.
    fn bytes(&mut self) -> &[u8];

    /// Gives up the first `amount` bytes of those.
    fn consume(&mut self, amount: usize);
}

/// How far a launcher's frames were read.
#[derive(Debug, Default)]
pub struct Incoming {
    /// Bytes of STDIN still to come in the frame that is being read.
    left: usize,
    has_ended: bool,
}

impl Incoming {
    /// Nothing read yet.
    pub const fn new() -> Self {
        Self { left: 0, has_ended: false }
    }

    /// Reads the header of `Start`, which is the first frame; its length, in bytes.
    pub fn start(&mut self, source: &mut impl Source) -> Result<usize, &'static str> {
        match header(source)? {
            Header { kind: to_guest::START, payload_bytes } => Ok(payload_bytes),
            _ => Err("the launcher's first frame is not Start"),
        }
    }

    /// Bytes of STDIN, waiting for the first of them; none at its end.
    pub fn input<'a>(&mut self, source: &'a mut impl Source) -> Result<&'a [u8], &'static str> {
        while self.left == 0 && !self.has_ended {
            match header(source)? {
                Header { kind: to_guest::STDIN, payload_bytes } => self.left = payload_bytes,
                Header { kind: to_guest::STDIN_END, payload_bytes: 0 } => self.has_ended = true,
                _ => return Err("a frame of the launcher's is unknown or out of order"),
            }
        }
        if self.left == 0 {
            return Ok(&[]);
        }
        let bytes = source.bytes();
        Ok(&bytes[..bytes.len().min(self.left)])
    }

    /// Gives up the first `amount` bytes of what [`input`](Self::input) returned.
    pub fn consume(&mut self, amount: usize, source: &mut impl Source) {
        assert!(amount <= self.left, "no more is consumed than has come");
        self.left -= amount;
        source.consume(amount);
    }
}

fn header(source: &mut impl Source) -> Result<Header, &'static str> {
    // Three varints, as long as a peer may make them.
    let mut gathered = [0; 3 * MAX_VARINT_BYTES];
    for length in 1..=gathered.len() {
        gathered[length - 1] = source.bytes()[0];
        source.consume(1);
        match read_header(&gathered[..length]) {
            Ok(None) => {}
            Ok(Some((header, _))) => return Ok(header),
            Err(_) => return Err("a frame of the launcher's is malformed or too long"),
        }
    }
    Err("a frame of the launcher's has no end to its header")
}
