//! Frames: how messages follow each other on the stream (SPEC C6).
//!
//! A frame is the length of a message as a varint, then the message: one field, whose number says
//! what the frame is ([`to_guest`], [`to_host`]) and whose value is its payload.
//!
//! ```text
//! varint L | tag (number << 3 | 2) | varint N | N bytes of payload       L = everything after it
//! ```
//!
//! So a payload can be passed on as it streams by: only the header is ever gathered.

use crate::wire::{Malformed, Writer, read_varint, varint_len};

/// Greatest length of the message in a frame, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 1 << 20;

/// Room for any header that [`write_header`] makes, in bytes.
pub const MAX_HEADER_BYTES: usize = 8;

/// Length of the header of a frame of data with 16 KiB or more, in bytes.
pub const LONG_HEADER_BYTES: usize = 7;

/// Payload that a sender of data should put into one frame at most, in bytes: large enough that
/// headers cost nothing, small enough that neither side holds much.
pub const DATA_BYTES: usize = 64 << 10;

/// Greatest length of a payload that a launcher gathers, in bytes: that of [`to_host::READY`] and
/// [`to_host::EXIT`], which are read when they are whole, and then take up to twelve times as much.
pub const MAX_GATHERED_BYTES: usize = 32 << 10;

/// What a launcher sends.
pub mod to_guest {
    /// [`Start`](crate::start), first and once.
    pub const START: u32 = 1;
    /// Bytes of STDIN.
    pub const STDIN: u32 = 2;
    /// The end of STDIN, once; its payload is empty.
    pub const STDIN_END: u32 = 3;
}

/// What a guest sends.
pub mod to_host {
    /// The runtime is up and speaks this stream; first and once; its payload is a message with the
    /// guest's ABI version as varint field 1.
    pub const READY: u32 = 1;
    /// Bytes of STDOUT.
    pub const STDOUT: u32 = 2;
    /// Bytes of STDERR.
    pub const STDERR: u32 = 3;
    /// [`Exit`](crate::exit), last and once.
    pub const EXIT: u32 = 4;
}

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Field number: one of [`to_guest`] or [`to_host`] from a peer that keeps to the contract.
    pub kind: u32,
    /// Length of the payload that follows, in bytes.
    pub payload_bytes: usize,
}

/// Why bytes are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadFrame {
    /// The message is longer than [`MAX_MESSAGE_BYTES`].
    TooLong(u64),
    /// The message is not exactly one length-delimited field.
    NotOneField,
    /// The bytes are not Protobuf.
    Malformed(Malformed),
}

impl core::fmt::Display for BadFrame {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::TooLong(bytes) => {
                write!(f, "a frame of {bytes} bytes is longer than {MAX_MESSAGE_BYTES}")
            }
            Self::NotOneField => f.write_str("a frame is not exactly one length-delimited field"),
            Self::Malformed(why) => write!(f, "a frame is not Protobuf: {why}"),
        }
    }
}

impl core::error::Error for BadFrame {}

/// Reads the header at the start of `bytes`: the header and its own length, or `None` if more
/// bytes are needed.
pub fn read_header(bytes: &[u8]) -> Result<Option<(Header, usize)>, BadFrame> {
    let Some((message_bytes, mut at)) = varint(bytes)? else { return Ok(None) };
    if message_bytes > MAX_MESSAGE_BYTES as u64 {
        return Err(BadFrame::TooLong(message_bytes));
    }
    if message_bytes < 2 {
        return Err(BadFrame::NotOneField);
    }
    let message_at = at;
    let Some((tag, length)) = varint(&bytes[at..])? else { return Ok(None) };
    at += length;
    if tag & 7 != 2 || tag >> 3 == 0 {
        return Err(BadFrame::NotOneField);
    }
    let kind = u32::try_from(tag >> 3).map_err(|_| BadFrame::NotOneField)?;
    let Some((payload_bytes, length)) = varint(&bytes[at..])? else { return Ok(None) };
    at += length;
    let header_bytes = (at - message_at) as u64;
    if payload_bytes.checked_add(header_bytes) != Some(message_bytes) {
        return Err(BadFrame::NotOneField);
    }
    Ok(Some((Header { kind, payload_bytes: payload_bytes as usize }, at)))
}

fn varint(bytes: &[u8]) -> Result<Option<(u64, usize)>, BadFrame> {
    match read_varint(bytes) {
        Ok(read) => Ok(Some(read)),
        Err(Malformed::Truncated) => Ok(None),
        Err(why) => Err(BadFrame::Malformed(why)),
    }
}

/// Writes the header of a frame into `buffer` and returns it.
///
/// # Panics
///
/// If the message would be longer than [`MAX_MESSAGE_BYTES`], or the kind is none of [`to_guest`] and
/// [`to_host`] but one that takes more room: the sender chooses both.
pub fn write_header(header: Header, buffer: &mut [u8; MAX_HEADER_BYTES]) -> &[u8] {
    let tag = u64::from(header.kind) << 3 | 2;
    let payload_bytes = header.payload_bytes as u64;
    let message_bytes = (varint_len(tag) + varint_len(payload_bytes)) as u64 + payload_bytes;
    assert!(message_bytes <= MAX_MESSAGE_BYTES as u64, "a frame of {message_bytes} bytes");
    let mut writer = Writer::new(buffer);
    writer.put_varint(message_bytes);
    writer.put_varint(tag);
    writer.put_varint(payload_bytes);
    writer.finish()
}

#[cfg(test)]
mod tests {
    use std::{vec, vec::Vec};

    use super::*;
    use crate::messages::{ToGuest, to_guest::Kind};
    use proptest::prelude::*;
    use prost::Message;

    #[test]
    fn a_header_is_what_prost_writes() {
        for payload_bytes in [0, 1, 127, 128, 16_381, 16_384, DATA_BYTES] {
            let payload = vec![7; payload_bytes];
            let message = ToGuest { kind: Some(Kind::Stdin(payload.clone().into())) };
            let mut buffer = [0; MAX_HEADER_BYTES];
            let header = Header { kind: to_guest::STDIN, payload_bytes };
            let mut frame = write_header(header, &mut buffer).to_vec();
            let header_bytes = frame.len();
            frame.extend(payload);
            assert_eq!(frame, message.encode_length_delimited_to_vec());
            assert_eq!(read_header(&frame), Ok(Some((header, header_bytes))));
            assert_eq!(payload_bytes < 16_384, header_bytes < LONG_HEADER_BYTES);
        }
    }

    #[test]
    fn a_frame_that_claims_more_than_it_may_is_refused() {
        assert_eq!(read_header(&[0x81, 0x80, 0x40]), Err(BadFrame::TooLong((1 << 20) + 1)));
        assert_eq!(read_header(&[4, 0x12, 3]), Err(BadFrame::NotOneField));
        assert_eq!(read_header(&[4, 0x10, 2]), Err(BadFrame::NotOneField));
        assert_eq!(read_header(&[0]), Err(BadFrame::NotOneField));
    }

    #[test]
    fn every_header_that_may_be_written_is_read() {
        let longest = MAX_MESSAGE_BYTES - 1 - varint_len(MAX_MESSAGE_BYTES as u64);
        for payload_bytes in 0..=longest {
            let kind = payload_bytes as u32 % to_host::EXIT + 1;
            let (header, mut buffer) = (Header { kind, payload_bytes }, [0; MAX_HEADER_BYTES]);
            let written = write_header(header, &mut buffer);
            assert_eq!(read_header(written), Ok(Some((header, written.len()))));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_header_or_refused(bytes: Vec<u8>) {
            if let Ok(Some((header, length))) = read_header(&bytes) {
                prop_assert!(length <= bytes.len());
                prop_assert!(header.payload_bytes < MAX_MESSAGE_BYTES);
            }
        }

        #[test]
        fn a_prefix_of_a_header_asks_for_more(kind in 1u32..2000, payload_bytes in 0usize..1_000_000) {
            let mut buffer = [0; MAX_HEADER_BYTES];
            let whole = write_header(Header { kind, payload_bytes }, &mut buffer).to_vec();
            for end in 0..whole.len() {
                prop_assert_eq!(read_header(&whole[..end]), Ok(None));
            }
        }
    }
}
