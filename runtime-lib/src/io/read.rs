//! Reading whole inputs and lines.

use alloc::string::String;
use alloc::vec::Vec;

use super::{BufRead, Error, Read, Write};

/// Reads to the end of the input, for every reader.
pub trait ReadExt: Read<Error = Error> {
    /// Appends everything up to the end; the number of bytes.
    fn read_to_end(&mut self, bytes: &mut Vec<u8>) -> Result<usize, Error> {
        const PIECE_BYTES: usize = 4096;
        let start = bytes.len();
        loop {
            let length = bytes.len();
            bytes.resize(length + PIECE_BYTES, 0);
            let read = self.read(&mut bytes[length..])?;
            bytes.truncate(length + read);
            if read == 0 {
                return Ok(length - start);
            }
        }
    }

    /// Everything up to the end.
    fn read_all(&mut self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Everything up to the end, as text.
    fn read_to_string(&mut self) -> Result<String, Error> {
        text(self.read_all()?)
    }
}

impl<R: Read<Error = Error> + ?Sized> ReadExt for R {}

/// Reads lines, for every buffered reader.
pub trait BufReadExt: BufRead<Error = Error> {
    /// Appends everything up to and with the next `delimiter`, or up to the end; the number of
    /// bytes, 0 at the end.
    fn read_until(&mut self, delimiter: u8, bytes: &mut Vec<u8>) -> Result<usize, Error> {
        let start = bytes.len();
        loop {
            let available = self.fill_buf()?;
            let found = available.iter().position(|&byte| byte == delimiter);
            let length = found.map_or(available.len(), |at| at + 1);
            bytes.extend_from_slice(&available[..length]);
            self.consume(length);
            if found.is_some() || length == 0 {
                return Ok(bytes.len() - start);
            }
        }
    }

    /// Appends the next line with its newline; the number of bytes, 0 at the end.
    fn read_line(&mut self, line: &mut String) -> Result<usize, Error> {
        let mut bytes = Vec::new();
        let length = self.read_until(b'\n', &mut bytes)?;
        line.push_str(&text(bytes)?);
        Ok(length)
    }

    /// Iterates over the lines, without their newlines (`\n` or `\r\n`).
    fn lines(self) -> Lines<Self>
    where
        Self: Sized,
    {
        Lines { reader: self }
    }

    /// Calls `each` for every line as bytes, without its `\n`; stops at its first error. Lines that
    /// arrive whole are handed over where they lie.
    fn for_byte_line<E: From<Error>>(
        &mut self,
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut begun = Vec::new();
        loop {
            let available = self.fill_buf()?;
            if available.is_empty() {
                return if begun.is_empty() { Ok(()) } else { each(&begun) };
            }
            let mut at = 0;
            while let Some(length) = available[at..].iter().position(|&byte| byte == b'\n') {
                let line = &available[at..at + length];
                at += length + 1;
                if begun.is_empty() {
                    each(line)?;
                } else {
                    begun.extend_from_slice(line);
                    each(&begun)?;
                    begun.clear();
                }
            }
            begun.extend_from_slice(&available[at..]);
            let length = available.len();
            self.consume(length);
        }
    }
}

impl<R: BufRead<Error = Error> + ?Sized> BufReadExt for R {}

/// Iterator over lines: [`BufReadExt::lines`].
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
}

impl<R: BufRead<Error = Error>> Iterator for Lines<R> {
    type Item = Result<String, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => {
                if line.ends_with('\n') {
                    line.pop();
                    if line.ends_with('\r') {
                        line.pop();
                    }
                }
                Some(Ok(line))
            }
            Err(error) => Some(Err(error)),
        }
    }
}

/// Copies everything up to the end, from where the bytes lie; the number of bytes.
pub fn copy<R: BufRead, W: Write<Error = R::Error>>(
    reader: &mut R,
    writer: &mut W,
) -> Result<u64, R::Error> {
    let mut copied = 0;
    loop {
        let available = reader.fill_buf()?;
        let length = available.len();
        if length == 0 {
            writer.flush()?;
            return Ok(copied);
        }
        writer.write_all(available)?;
        reader.consume(length);
        copied += length as u64;
    }
}

fn text(bytes: Vec<u8>) -> Result<String, Error> {
    String::from_utf8(bytes)
        .map_err(|error| Error::NotUtf8 { valid_bytes: error.utf8_error().valid_up_to() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::ErrorType;

    /// A reader that gives its bytes in pieces.
    struct Pieces(Vec<Vec<u8>>);

    impl Pieces {
        fn of(text: &str, length: usize) -> Self {
            Self(text.as_bytes().chunks(length).map(<[u8]>::to_vec).collect())
        }
    }

    impl ErrorType for Pieces {
        type Error = Error;
    }

    impl BufRead for Pieces {
        fn fill_buf(&mut self) -> Result<&[u8], Error> {
            self.0.retain(|piece| !piece.is_empty());
            Ok(self.0.first().map_or(&[], Vec::as_slice))
        }

        fn consume(&mut self, amount: usize) {
            if let Some(piece) = self.0.first_mut() {
                piece.drain(..amount);
            }
        }
    }

    impl Read for Pieces {
        fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
            let available = self.fill_buf()?;
            let length = available.len().min(buffer.len());
            buffer[..length].copy_from_slice(&available[..length]);
            self.consume(length);
            Ok(length)
        }
    }

    const TEXT: &str = "one\ntwo\r\n\nlast without end";

    #[test]
    fn lines_are_the_same_however_they_arrive() {
        for length in 1..TEXT.len() {
            let lines: Result<Vec<_>, _> = Pieces::of(TEXT, length).lines().collect();
            assert_eq!(lines.expect("text"), ["one", "two", "", "last without end"]);
            let mut seen = Vec::new();
            Pieces::of(TEXT, length)
                .for_byte_line::<Error>(|line| {
                    seen.push(line.to_vec());
                    Ok(())
                })
                .expect("lines");
            assert_eq!(seen, [&b"one"[..], b"two\r", b"", b"last without end"]);
            assert_eq!(Pieces::of(TEXT, length).read_to_string().expect("text"), TEXT);
        }
    }

    #[test]
    fn bad_text_is_an_error_that_says_where() {
        let error = Pieces(vec![b"ab\xff".to_vec()]).read_to_string().expect_err("not text");
        assert_eq!(error.to_string(), "the input is not UTF-8 after 2 bytes");
    }
}
