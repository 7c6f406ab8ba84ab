//! The events of a batch out of a stream, so that no more than one has to be held.

use alloc::vec::Vec;

use ampoule_abi::wire::{Malformed, read_varint};

use super::fields::batch;

/// Splits a `CloudEventBatch`, which may be given in pieces of any length.
#[derive(Debug, Default)]
pub struct Elements {
    /// The beginning of a field: its tag, and a length or a number.
    header: Vec<u8>,
    /// The field after that, if the header is whole.
    field: Option<Field>,
    /// The event so far.
    event: Vec<u8>,
}

/// What is still to come of a field.
#[derive(Clone, Copy, Debug)]
struct Field {
    is_event: bool,
    bytes: u64,
}

impl Elements {
    /// Takes bytes off `input` until an event's are whole, which are returned, or none are left.
    ///
    /// # Errors
    ///
    /// The input is no such message; what comes after then is of no use.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<&[u8]>, Malformed> {
        loop {
            let Some(field) = &mut self.field else {
                let Some((&byte, rest)) = input.split_first() else { return Ok(None) };
                *input = rest;
                self.header.push(byte);
                if let Some(field) = begin(&self.header)? {
                    self.field = Some(field);
                    self.header.clear();
                    self.event.clear();
                }
                continue;
            };
            let length = usize::try_from(field.bytes).unwrap_or(usize::MAX).min(input.len());
            let (piece, rest) = input.split_at(length);
            *input = rest;
            field.bytes -= length as u64;
            let Field { is_event, bytes } = *field;
            if is_event {
                self.event.extend_from_slice(piece);
            }
            if bytes > 0 {
                return Ok(None);
            }
            self.field = None;
            if is_event {
                return Ok(Some(&self.event));
            }
        }
    }

    /// Whether the stream may end here.
    ///
    /// # Errors
    ///
    /// It ended too early.
    pub fn finish(&self) -> Result<(), Malformed> {
        let is_between = self.field.is_none() && self.header.is_empty();
        if is_between { Ok(()) } else { Err(Malformed::Truncated) }
    }
}

/// The field that begins with `header`, if that is whole.
fn begin(header: &[u8]) -> Result<Option<Field>, Malformed> {
    let Some((tag, length)) = varint(header)? else { return Ok(None) };
    let tag = u32::try_from(tag).map_err(|_| Malformed::BadTag)?;
    let is_event = match (tag >> 3, tag & 7) {
        (0, _) => return Err(Malformed::BadTag),
        (batch::EVENTS, 2) => true,
        (batch::EVENTS, _) => return Err(Malformed::BadValue),
        _ => false,
    };
    let bytes = match tag & 7 {
        0 => varint(&header[length..])?.map(|_| 0),
        1 => Some(8),
        2 => varint(&header[length..])?.map(|(bytes, _)| bytes),
        5 => Some(4),
        _ => return Err(Malformed::BadTag),
    };
    Ok(bytes.map(|bytes| Field { is_event, bytes }))
}

/// A varint and its length in bytes, if it is whole.
fn varint(bytes: &[u8]) -> Result<Option<(u64, usize)>, Malformed> {
    match read_varint(bytes) {
        Ok(read) => Ok(Some(read)),
        Err(Malformed::Truncated) => Ok(None),
        Err(malformed) => Err(malformed),
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn split(stream: &[u8], length: usize) -> Result<Vec<Vec<u8>>, Malformed> {
        let (mut elements, mut found) = (Elements::default(), vec![]);
        for mut piece in stream.chunks(length) {
            while let Some(event) = elements.next(&mut piece)? {
                found.push(event.to_vec());
            }
        }
        elements.finish().map(|()| found)
    }

    #[test]
    fn a_batch_is_split_however_it_comes() {
        // Two events between unknown fields of each kind, and an empty one.
        let stream = [
            &[0x10, 0x96, 0x01][..],
            &[0x0a, 3, 1, 2, 3],
            &[0x19, 1, 2, 3, 4, 5, 6, 7, 8],
            &[0x0a, 0],
            &[0x12, 2, 0x0a, 0x0a],
            &[0x25, 1, 2, 3, 4],
            &[0x0a, 1, 9],
        ]
        .concat();
        for length in 1..=stream.len() {
            assert_eq!(
                split(&stream, length),
                Ok(vec![vec![1, 2, 3], vec![], vec![9]]),
                "{length}"
            );
        }
        let ends: Vec<_> =
            (0..=stream.len()).filter(|&end| split(&stream[..end], 64).is_ok()).collect();
        assert_eq!(ends, [0, 3, 8, 17, 19, 23, 28, 31]);
    }

    #[test]
    fn what_is_no_batch_is_told() {
        for (stream, malformed) in [
            (&[0x00][..], Malformed::BadTag),
            (&[0x13], Malformed::BadTag),
            (&[0x08, 1], Malformed::BadValue),
            (&[0xff; 11], Malformed::VarintTooLong),
            (
                &[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
                Malformed::Truncated,
            ),
        ] {
            assert_eq!(split(stream, 1), Err(malformed), "{stream:x?}");
        }
    }
}
