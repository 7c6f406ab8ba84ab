//! Frames, one after the other, with memory for one window.

use alloc::vec;
use core::fmt::Display;

use ampoule::io::{self, BufRead, Write};
use ampoule::{Error, Result};
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use ruzstd::io::{ErrorKind, Read};

/// Bytes that are decoded and passed on at a time: a block at most.
const PIECE_BYTES: usize = 128 << 10;

/// Decompresses every frame of the input, and skips those that are to be skipped. As with `zstd`,
/// there has to be one at least.
pub fn decompress(
    input: impl BufRead<Error = io::Error>,
    output: &mut impl Write<Error = io::Error>,
) -> Result<()> {
    let mut source = Source { input, failure: None };
    let mut decoder = FrameDecoder::new();
    let mut frame = 0u64;
    while frame == 0 || !source.is_at_end()? {
        frame += 1;
        let decoded = decode_frame(&mut source, &mut decoder, output);
        if let Some(failure) = source.failure.take() {
            return Err(failure.into());
        }
        decoded?.map_err(|problem| Error::data(format_args!("frame {frame}: {problem}")))?;
    }
    Ok(output.flush()?)
}

/// Decodes one frame: the outer error is the output's, the inner one what is wrong with the frame.
fn decode_frame<R: BufRead<Error = io::Error>>(
    source: &mut Source<R>,
    decoder: &mut FrameDecoder,
    output: &mut impl Write<Error = io::Error>,
) -> Result<Result<(), FrameProblem>, io::Error> {
    match decoder.reset(&mut *source) {
        Ok(()) => {}
        Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
            length,
            ..
        })) => return Ok(source.skip(length)),
        Err(error) => return Ok(Err(FrameProblem::Decoding(error))),
    }
    let mut piece = vec![0; PIECE_BYTES];
    let mut written = 0;
    loop {
        let strategy = BlockDecodingStrategy::UptoBytes(PIECE_BYTES);
        if !decoder.is_finished()
            && let Err(error) = decoder.decode_blocks(&mut *source, strategy)
        {
            return Ok(Err(FrameProblem::Decoding(error)));
        }
        while decoder.can_collect() > 0 {
            let Ok(length) = decoder.read(&mut piece) else { break };
            output.write_all(&piece[..length])?;
            written += length as u64;
        }
        if decoder.is_finished() {
            return Ok(check(decoder, written));
        }
    }
}

fn check(decoder: &FrameDecoder, written: u64) -> Result<(), FrameProblem> {
    let said = decoder.content_size();
    if said != 0 && said != written {
        return Err(FrameProblem::Length { said, is: written });
    }
    match (decoder.get_checksum_from_data(), decoder.get_calculated_checksum()) {
        (Some(said), Some(is)) if said != is => Err(FrameProblem::Checksum { said, is }),
        _ => Ok(()),
    }
}

enum FrameProblem {
    Decoding(FrameDecoderError),
    Checksum { said: u32, is: u32 },
    Length { said: u64, is: u64 },
    Cut,
}

impl Display for FrameProblem {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Decoding(error) => error.fmt(f),
            Self::Checksum { said, is } => {
                write!(f, "its checksum is {is:#010x}, it was written as {said:#010x}")
            }
            Self::Length { said, is } => write!(f, "{is} bytes, it says it has {said}"),
            Self::Cut => write!(f, "the input ends within it"),
        }
    }
}

/// Lends an input to the decoder, whose own traits it reads by, and keeps what went wrong with it.
struct Source<R> {
    input: R,
    failure: Option<io::Error>,
}

impl<R: BufRead<Error = io::Error>> Source<R> {
    fn is_at_end(&mut self) -> Result<bool, io::Error> {
        Ok(self.input.fill_buf()?.is_empty())
    }

    fn skip(&mut self, length: u32) -> Result<(), FrameProblem> {
        let mut left = length as usize;
        while left > 0 {
            let Some(length) = self.available().map(|bytes| bytes.len().min(left)) else {
                return Err(FrameProblem::Cut);
            };
            self.input.consume(length);
            left -= length;
        }
        Ok(())
    }

    /// What has arrived; nothing at the end or at a failure.
    fn available(&mut self) -> Option<&[u8]> {
        match self.input.fill_buf() {
            Ok([]) => None,
            Ok(bytes) => Some(bytes),
            Err(failure) => {
                self.failure = Some(failure);
                None
            }
        }
    }
}

impl<R: BufRead<Error = io::Error>> Read for &mut Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ruzstd::io::Error> {
        let available = self.available().unwrap_or_default();
        let length = available.len().min(buffer.len());
        buffer[..length].copy_from_slice(&available[..length]);
        self.input.consume(length);
        match self.failure {
            Some(_) => Err(ErrorKind::Other.into()),
            None => Ok(length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ampoule::io::ErrorType;

    /// `printf 'hello hello hello hello\n' | zstd -c`
    const HELLO: &[u8] = &[
        0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x6d, 0x00, 0x00, 0x38, 0x68, 0x65, 0x6c, 0x6c, 0x6f,
        0x20, 0x0a, 0x01, 0x00, 0x99, 0x4b, 0x11, 0xa8, 0x7c, 0x2e, 0xa8,
    ];

    struct Bytes(Vec<u8>, usize);

    impl ErrorType for Bytes {
        type Error = io::Error;
    }

    impl io::Read for Bytes {
        fn read(&mut self, _: &mut [u8]) -> Result<usize, io::Error> {
            unreachable!("the decoder reads by way of the buffer")
        }
    }

    impl BufRead for Bytes {
        fn fill_buf(&mut self) -> Result<&[u8], io::Error> {
            // One byte at a time, to see that pieces do not matter.
            Ok(&self.0[self.1..self.0.len().min(self.1 + 1)])
        }

        fn consume(&mut self, amount: usize) {
            self.1 += amount;
        }
    }

    impl Write for Bytes {
        fn write(&mut self, bytes: &[u8]) -> Result<usize, io::Error> {
            self.0.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> Result<(), io::Error> {
            Ok(())
        }
    }

    fn decoded(bytes: &[u8]) -> Result<Vec<u8>> {
        let mut output = Bytes(Vec::new(), 0);
        decompress(Bytes(bytes.to_vec(), 0), &mut output)?;
        Ok(output.0)
    }

    const TEXT: &[u8] = b"hello hello hello hello\n";

    #[test]
    fn frames_follow_each_other_and_some_are_skipped() {
        let skippable = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
        let stream = [HELLO, &skippable, HELLO, &skippable].concat();
        assert_eq!(decoded(&stream).expect("good"), [TEXT, TEXT].concat());
    }

    #[test]
    fn damage_is_bad_data() {
        let mut changed = HELLO.to_vec();
        changed[24] ^= 1;
        let error = decoded(&changed).expect_err("a wrong checksum");
        assert!(error.to_string().contains("frame 1: its checksum"), "{error}");
        assert_eq!(error.status(), 65);
        for length in 0..HELLO.len() {
            assert_eq!(decoded(&HELLO[..length]).expect_err("cut").status(), 65, "{length}");
        }
        assert_eq!(decoded(&[HELLO, b"junk"].concat()).expect_err("junk").status(), 65);
    }
}
