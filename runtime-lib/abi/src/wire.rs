//! The Protobuf wire format, as much of it as the contract needs, read and written in place
//! (protobuf.dev, "Encoding").

/// Greatest length of a varint that holds 64 bits, in bytes.
pub const MAX_VARINT_BYTES: usize = 10;

/// Why bytes are not a message. Foreign bytes end here, never in a panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The bytes end inside a field.
    Truncated,
    /// A varint is longer than 64 bits.
    VarintTooLong,
    /// A field number is 0 or a wire type is not one of varint, 64-bit, length-delimited, 32-bit.
    BadTag,
    /// A field holds a value that its type does not allow.
    BadValue,
}

impl core::fmt::Display for Malformed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Truncated => "it ends inside a field",
            Self::VarintTooLong => "a varint is longer than 64 bits",
            Self::BadTag => "a field has a bad tag",
            Self::BadValue => "a field has a bad value",
        })
    }
}

impl core::error::Error for Malformed {}

/// A field's value as it stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 1.
    Fixed64(u64),
    /// Wire type 2.
    Bytes(&'a [u8]),
    /// Wire type 5.
    Fixed32(u32),
}

impl<'a> Value<'a> {
    /// The bytes of a length-delimited field.
    pub fn bytes(self) -> Result<&'a [u8], Malformed> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(Malformed::BadValue),
        }
    }

    /// The number of a varint field.
    pub fn varint(self) -> Result<u64, Malformed> {
        match self {
            Self::Varint(number) => Ok(number),
            _ => Err(Malformed::BadValue),
        }
    }
}

/// Reads a varint at the start of `bytes`: its value and the number of bytes it takes.
pub fn read_varint(bytes: &[u8]) -> Result<(u64, usize), Malformed> {
    let mut value = 0u64;
    for (index, &byte) in bytes.iter().take(MAX_VARINT_BYTES).enumerate() {
        if index == MAX_VARINT_BYTES - 1 && byte > 1 {
            return Err(Malformed::VarintTooLong);
        }
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok((value, index + 1));
        }
    }
    Err(if bytes.len() < MAX_VARINT_BYTES {
        Malformed::Truncated
    } else {
        Malformed::VarintTooLong
    })
}

/// Iterates over the fields of one message, as `(field number, value)`; stops after an error.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Reads the message that is exactly `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What is still to be read; nothing after an error.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    fn varint(&mut self) -> Result<u64, Malformed> {
        let (value, length) = read_varint(self.rest)?;
        self.rest = &self.rest[length..];
        Ok(value)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(length).map_err(|_| Malformed::Truncated)?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn field(&mut self) -> Result<(u32, Value<'a>), Malformed> {
        let tag = u32::try_from(self.varint()?).map_err(|_| Malformed::BadTag)?;
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = self.varint()?;
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => return Err(Malformed::BadTag),
        };
        if tag >> 3 == 0 {
            return Err(Malformed::BadTag);
        }
        Ok((tag >> 3, value))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let bytes = self.take(N as u64)?;
        bytes.try_into().map_err(|_| Malformed::Truncated)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, Value<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// Number of bytes that `value` takes as a varint.
pub const fn varint_len(value: u64) -> usize {
    match value {
        0 => 1,
        _ => (70 - value.leading_zeros() as usize) / 7,
    }
}

/// Writes fields into a fixed buffer. What does not fit is refused whole, so that the bytes
/// written are always complete fields.
#[derive(Debug)]
pub struct Writer<'a> {
    buffer: &'a mut [u8],
    length: usize,
}

impl<'a> Writer<'a> {
    /// Starts at the beginning of `buffer`.
    pub fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, length: 0 }
    }

    /// What has been written.
    pub fn finish(self) -> &'a [u8] {
        &self.buffer[..self.length]
    }

    /// Number of bytes still free.
    pub fn free(&self) -> usize {
        self.buffer.len() - self.length
    }

    /// Appends a varint field; `false` if it does not fit.
    #[must_use]
    pub fn varint_field(&mut self, number: u32, value: u64) -> bool {
        let tag = u64::from(number) << 3;
        if self.free() < varint_len(tag) + varint_len(value) {
            return false;
        }
        self.put_varint(tag);
        self.put_varint(value);
        true
    }

    /// Appends a length-delimited field; `false` if it does not fit.
    #[must_use]
    pub fn bytes_field(&mut self, number: u32, value: &[u8]) -> bool {
        let tag = u64::from(number) << 3 | 2;
        let length = value.len() as u64;
        if self.free() < varint_len(tag) + varint_len(length) + value.len() {
            return false;
        }
        self.put_varint(tag);
        self.put_varint(length);
        self.buffer[self.length..self.length + value.len()].copy_from_slice(value);
        self.length += value.len();
        true
    }

    /// Appends a bare varint, for which the caller has checked that there is room.
    pub(crate) fn put_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.put(value as u8 | 0x80);
            value >>= 7;
        }
        self.put(value as u8);
    }

    fn put(&mut self, byte: u8) {
        self.buffer[self.length] = byte;
        self.length += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::{vec, vec::Vec};

    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn varints_agree_with_prost(value: u64) {
            let mut expected = Vec::new();
            prost::encoding::encode_varint(value, &mut expected);
            let mut buffer = [0; MAX_VARINT_BYTES];
            let mut writer = Writer::new(&mut buffer);
            writer.put_varint(value);
            prop_assert_eq!(writer.finish(), &expected[..]);
            prop_assert_eq!(varint_len(value), expected.len());
            prop_assert_eq!(read_varint(&expected), Ok((value, expected.len())));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let mut read = 0;
            for field in Fields::new(&bytes) {
                if let Ok((number, Value::Bytes(value))) = field {
                    prop_assert!(number > 0);
                    read += value.len();
                }
            }
            prop_assert!(read <= bytes.len());
        }

        #[test]
        fn a_field_is_written_whole_or_not_at_all(value: Vec<u8>, room in 0usize..64) {
            let mut buffer = vec![0; room];
            let mut writer = Writer::new(&mut buffer);
            let fitted = writer.bytes_field(3, &value);
            let written = writer.finish();
            if fitted {
                prop_assert_eq!(Fields::new(written).next(), Some(Ok((3, Value::Bytes(&value)))));
            } else {
                prop_assert!(written.is_empty());
            }
        }
    }

    #[test]
    fn every_two_bytes_and_a_third_are_the_varint_that_they_begin_with() {
        let thirds = [0, 1, 0x7f, 0x80, 0xff];
        for (first_two, third) in (0..=u16::MAX).flat_map(|two| thirds.map(|third| (two, third))) {
            let [first, second] = first_two.to_le_bytes();
            let bytes = [first, second, third];
            let [low, middle, high] = bytes.map(|byte| u64::from(byte & 0x7f));
            let expected = match bytes.map(|byte| byte < 0x80) {
                [true, ..] => Ok((low, 1)),
                [_, true, _] => Ok((low + (middle << 7), 2)),
                [.., true] => Ok((low + (middle << 7) + (high << 14), 3)),
                _ => Err(Malformed::Truncated),
            };
            assert_eq!(read_varint(&bytes), expected);
        }
    }

    #[test]
    fn overlong_varints_are_refused() {
        assert_eq!(read_varint(&[0xff; 10]), Err(Malformed::VarintTooLong));
        assert_eq!(read_varint(&[0x80; 9]), Err(Malformed::Truncated));
        assert_eq!(read_varint(&[]), Err(Malformed::Truncated));
    }
}
