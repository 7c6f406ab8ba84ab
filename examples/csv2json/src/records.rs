//! Records, put together from pieces of CSV (RFC 4180, and what is seen in the wild).

use alloc::vec::Vec;

use ampoule::Result;
use csv_core::{ReadFieldResult, Reader, ReaderBuilder};

/// Bytes that a field is first given; it is doubled when it is full.
const FIELD_BYTES: usize = 256;

/// Gathers the fields of one record at a time: memory is that of the longest record.
pub struct Records {
    reader: Reader,
    /// The fields that have arrived, one after the other, then room for more.
    bytes: Vec<u8>,
    used: usize,
    ends: Vec<usize>,
}

/// One record.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    bytes: &'a [u8],
    ends: &'a [usize],
    /// The line of the input that it ends on, from 1.
    pub line: u64,
}

impl Records {
    /// Nothing has arrived.
    pub fn new(delimiter: u8) -> Self {
        let reader = ReaderBuilder::new().delimiter(delimiter).build();
        Self { reader, bytes: alloc::vec![0; FIELD_BYTES], used: 0, ends: Vec::new() }
    }

    /// Takes what has arrived, nothing meaning the end, and gives every whole record to `each`.
    pub fn add(
        &mut self,
        mut input: &[u8],
        mut each: impl FnMut(Record<'_>) -> Result<()>,
    ) -> Result<()> {
        let at_end = input.is_empty();
        loop {
            let line = self.reader.line();
            let (result, taken, made) = self.reader.read_field(input, &mut self.bytes[self.used..]);
            input = &input[taken..];
            self.used += made;
            match result {
                ReadFieldResult::InputEmpty | ReadFieldResult::End => return Ok(()),
                ReadFieldResult::OutputFull => self.bytes.resize(2 * self.bytes.len(), 0),
                ReadFieldResult::Field { record_end } => {
                    self.ends.push(self.used);
                    if record_end {
                        each(Record { bytes: &self.bytes, ends: &self.ends, line })?;
                        self.used = 0;
                        self.ends.clear();
                    }
                }
            }
            // To the reader an empty input is the end of it all.
            if input.is_empty() && !at_end {
                return Ok(());
            }
        }
    }
}

impl<'a> Record<'a> {
    /// Its number of fields.
    pub fn len(self) -> usize {
        self.ends.len()
    }

    /// Its fields, unquoted.
    pub fn fields(self) -> impl Iterator<Item = &'a [u8]> {
        let starts = core::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(self.ends).map(move |(start, &end)| &self.bytes[start..end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, piece: usize) -> Vec<Vec<String>> {
        let mut records = Records::new(b',');
        let mut read = Vec::new();
        let pieces = text.as_bytes().chunks(piece).chain([&b""[..]]);
        for bytes in pieces {
            records
                .add(bytes, |record| {
                    let text = |field| String::from_utf8_lossy(field).into_owned();
                    read.push(record.fields().map(text).collect());
                    Ok(())
                })
                .expect("it cannot fail");
        }
        read
    }

    #[test]
    fn pieces_do_not_matter() {
        let text = "a,\"b \"\"x\"\"\r\ny\",\r\n\n1,2,3";
        for piece in 1..text.len() {
            assert_eq!(read(text, piece), [["a", "b \"x\"\r\ny", ""], ["1", "2", "3"]]);
        }
    }

    #[test]
    fn fields_may_be_long() {
        let long = "x".repeat(10_000);
        assert_eq!(read(&format!("a,{long}\n"), 7), [["a", &long]]);
    }
}
