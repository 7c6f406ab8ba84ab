//! Events from a file or STDIN, read as they come.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use ampoule_event::stream::Reader;
use ampoule_event::{Event, Format, Mode};
use anyhow::Context as _;
use rustix::fs::OFlags;

use super::bounds::{Bounded, Bounds};

/// Most bytes that are read ahead.
const PIECE_BYTES: usize = 64 << 10;

/// What is not binary after so many bytes is text.
const TELLING_BYTES: usize = 512;

/// All bytes of a file, or of STDIN if it is called `-`.
pub(super) fn read(path: &Path, bounds: Bounds) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = open(path, bounds)?.read_to_end(&mut bytes);
    read.with_context(|| cannot_read(path))?;
    Ok(bytes)
}

/// The events of a file, one after the other.
pub(super) struct Events<'a> {
    path: &'a Path,
    input: Box<dyn BufRead>,
    reader: Reader,
    mode: Mode,
    /// Whether the beginning of something else may have been taken for Protobuf's.
    is_guess: bool,
    is_over: bool,
    is_dry: bool,
}

impl<'a> Events<'a> {
    /// Opens a file. Its beginning tells what is not said: `{` or `[` is JSON, and `[` in JSON a
    /// batch; for Protobuf `is_batch` has to say.
    pub(super) fn open(
        path: &'a Path,
        format: Option<Format>,
        is_batch: bool,
        bounds: Bounds,
    ) -> anyhow::Result<Self> {
        let mut input = open(path, bounds)?;
        let start = beginning(&mut input).with_context(|| cannot_read(path))?;
        let mode = mode(&start, format, is_batch);
        let is_guess = format.is_none() && mode.format() == Some(Format::Protobuf);
        let input = Box::new(Cursor::new(start).chain(input));
        let reader = Reader::new(mode)?;
        Ok(Self { path, input, reader, mode, is_guess, is_over: false, is_dry: false })
    }

    /// How they are written.
    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether all that has come is used up, so that the next one may have to be waited for.
    pub(super) fn is_dry(&self) -> bool {
        self.is_dry
    }

    fn advance(&mut self) -> anyhow::Result<Option<Event>> {
        loop {
            let mut bytes = self.input.fill_buf().with_context(|| cannot_read(self.path))?;
            let length = bytes.len();
            if length == 0 {
                self.is_over = true;
                return Ok(self.reader.finish()?);
            }
            let event = self.reader.next(&mut bytes)?;
            self.is_dry = bytes.is_empty();
            let taken = length - bytes.len();
            self.input.consume(taken);
            if event.is_some() {
                return Ok(event);
            }
        }
    }
}

impl Iterator for Events<'_> {
    type Item = anyhow::Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let event = self.advance();
        self.is_over |= event.is_err();
        let guess = if self.is_guess { " (Protobuf, since JSON begins with { or [)" } else { "" };
        self.is_guess &= event.is_err();
        event.with_context(|| format!("{}{guess}", self.path.display())).transpose()
    }
}

fn open(path: &Path, bounds: Bounds) -> anyhow::Result<BufReader<Bounded>> {
    let file = match path.as_os_str() == "-" {
        true => rustix::io::dup(rustix::stdio::stdin()).map_err(io::Error::from).map(File::from),
        // A FIFO is opened at once, and its writer waited for as it is read.
        false => {
            let flags = OFlags::NONBLOCK.bits().cast_signed();
            File::options().read(true).custom_flags(flags).open(path)
        }
    };
    let file = file.with_context(|| cannot_read(path))?;
    Ok(BufReader::with_capacity(PIECE_BYTES, Bounded::new(file, bounds)))
}

fn cannot_read(path: &Path) -> String {
    match path.as_os_str() == "-" {
        true => "cannot read STDIN".to_owned(),
        false => format!("cannot read {}", path.display()),
    }
}

/// As much of the input as tells its format, or all of it.
fn beginning(input: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    loop {
        let bytes = input.fill_buf()?;
        let length = bytes.len();
        start.extend_from_slice(bytes);
        input.consume(length);
        if length == 0 || format_of(&start).is_some() {
            return Ok(start);
        }
    }
}

/// The format of what begins like this, if that is enough to tell.
///
/// A Protobuf event begins with the byte 0x0a and a length, which in text are a new line and any
/// character, even a bracket. But it has a byte 0x12 soon, which JSON has not.
fn format_of(start: &[u8]) -> Option<Format> {
    if start.starts_with(b"\xef\xbb\xbf") {
        return Some(Format::Json);
    }
    let at = start.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let is_binary = start.iter().any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace());
    match (at, start[at]) {
        (0, b'{' | b'[') => Some(Format::Json),
        (_, b'{' | b'[') if !is_binary => (start.len() >= TELLING_BYTES).then_some(Format::Json),
        _ => Some(Format::Protobuf),
    }
}

fn mode(start: &[u8], format: Option<Format>, is_batch: bool) -> Mode {
    let first = start.iter().find(|byte| !byte.is_ascii_whitespace());
    let format = format.or_else(|| format_of(start)).unwrap_or(Format::Json);
    let is_batch = match format {
        // There is no doubt.
        Format::Json => first == Some(&b'['),
        Format::Protobuf => is_batch,
    };
    match is_batch {
        true => Mode::Batched(format),
        false => Mode::Structured(format),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_tells_the_format() {
        assert_eq!(mode(b"\n {\"id\"", None, false), Mode::Structured(Format::Json));
        assert_eq!(mode(b" [", None, false), Mode::Batched(Format::Json));
        assert_eq!(mode(b"\x0a\x241234", None, false), Mode::Structured(Format::Protobuf));
        assert_eq!(
            mode(b"\x0a\x7b", Some(Format::Protobuf), true),
            Mode::Batched(Format::Protobuf)
        );
        assert_eq!(mode(b"\xef\xbb\xbf{}", None, false), Mode::Structured(Format::Json));
    }

    #[test]
    fn an_identifier_as_long_as_a_bracket_s_code_begins_no_json() {
        for length in [9, 10, 13, b' ', b'[', b'{'] {
            let id = "{".repeat(length.into());
            let event = [&[0x0a, length][..], id.as_bytes(), b"\x12\x01/"].concat();
            let mut pieces = BufReader::with_capacity(1, &event[..]);
            let start = beginning(&mut pieces).expect("bytes");
            assert_eq!(mode(&start, None, false), Mode::Structured(Format::Protobuf), "{length}");
        }
    }
}
