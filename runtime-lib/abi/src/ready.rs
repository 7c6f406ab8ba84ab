//! `Ready`: what a guest says first (SPEC C6).

use crate::wire::Writer;

/// Field numbers of the message.
pub mod field {
    /// varint: the guest's ABI version.
    pub const ABI_VERSION: u32 = 1;
    /// varint: the processor's time stamp counter when the runtime was up, 0 or absent if unknown.
    pub const TIME_STAMP: u32 = 2;
}

/// Room for any `Ready`, in bytes.
pub const MAX_BYTES: usize = 24;

/// Writes a `Ready` into `buffer` and returns it.
pub fn write(abi_version: u32, time_stamp: u64, buffer: &mut [u8; MAX_BYTES]) -> &[u8] {
    let mut writer = Writer::new(buffer);
    let mut fits = writer.varint_field(field::ABI_VERSION, abi_version.into());
    fits &= writer.varint_field(field::TIME_STAMP, time_stamp);
    assert!(fits, "MAX_BYTES has room for both fields");
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::Ready;
    use prost::Message;

    #[test]
    fn prost_reads_what_is_written() {
        for time_stamp in [0, 1, u64::MAX] {
            let mut buffer = [0; MAX_BYTES];
            let ready = Ready::decode(write(u32::MAX, time_stamp, &mut buffer)).expect("a message");
            assert_eq!(ready, Ready { abi_version: u32::MAX, time_stamp });
        }
    }
}
