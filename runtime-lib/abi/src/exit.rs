//! `Exit`: how a function ended (SPEC C3, C6), written without allocating, since memory may be
//! what has run out.

use crate::wire::Writer;

/// Field numbers of the message.
pub mod field {
    /// varint: the status that the function asks for; meant only with [`Reason::Returned`](super::Reason::Returned).
    pub const STATUS: u32 = 1;
    /// varint: a [`Reason`](super::Reason).
    pub const REASON: u32 = 2;
    /// string: what happened, for a person to read.
    pub const MESSAGE: u32 = 3;
    /// varint, repeated: addresses inside instructions, innermost first: of the one that faulted,
    /// then of the calls that led there.
    pub const BACKTRACE: u32 = 4;
}

/// Why a function ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// It returned, or asked for a status.
    Returned = 1,
    /// It panicked.
    Panicked = 2,
    /// The processor raised an exception.
    Faulted = 3,
    /// It ran out of its memory.
    OutOfMemory = 4,
    /// The launcher broke the contract.
    Protocol = 5,
}

/// Greatest length of a message that an `Exit` carries, in bytes; longer ones are cut.
pub const MAX_MESSAGE_BYTES: usize = 2048;

/// Greatest number of addresses that an `Exit` carries.
pub const MAX_BACKTRACE: usize = 64;

/// Room for any `Exit`, in bytes.
pub const MAX_BYTES: usize = MAX_MESSAGE_BYTES + MAX_BACKTRACE * 11 + 16;

/// Writes an `Exit` into `buffer` and returns it.
pub fn write<'a>(
    reason: Reason,
    status: u8,
    message: &str,
    backtrace: &[u64],
    buffer: &'a mut [u8; MAX_BYTES],
) -> &'a [u8] {
    let mut writer = Writer::new(buffer);
    let message = &message[..message.floor_char_boundary(MAX_MESSAGE_BYTES)];
    let mut fits = writer.varint_field(field::STATUS, status.into());
    fits &= writer.varint_field(field::REASON, reason as u64);
    fits &= writer.bytes_field(field::MESSAGE, message.as_bytes());
    for &address in backtrace.iter().take(MAX_BACKTRACE) {
        fits &= writer.varint_field(field::BACKTRACE, address);
    }
    assert!(fits, "MAX_BYTES has room for every field");
    writer.finish()
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::messages;
    use prost::Message;

    #[test]
    fn prost_reads_what_is_written() {
        let mut buffer = [0; MAX_BYTES];
        let bytes = write(Reason::Faulted, 1, "wild", &[0x10_2030, u64::MAX], &mut buffer);
        let exit = messages::Exit::decode(bytes).expect("a whole message");
        assert_eq!(exit.status, 1);
        assert_eq!(exit.reason, Reason::Faulted as i32);
        assert_eq!(exit.message, "wild");
        assert_eq!(exit.backtrace, [0x10_2030, u64::MAX]);
    }

    #[test]
    fn the_largest_exit_fits_and_keeps_whole_characters() {
        let long = "é".repeat(MAX_MESSAGE_BYTES);
        let mut buffer = [0; MAX_BYTES];
        let bytes =
            write(Reason::Panicked, 255, &long[..], &[u64::MAX; 2 * MAX_BACKTRACE], &mut buffer);
        let exit = messages::Exit::decode(bytes).expect("a whole message");
        assert_eq!(exit.message.len(), MAX_MESSAGE_BYTES);
        assert_eq!(exit.backtrace.len(), MAX_BACKTRACE);
    }
}
