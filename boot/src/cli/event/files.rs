//! Events from a file or STDIN, read as they come.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use ampoule_event::stream::Reader;
use ampoule_event::{Event, Format, Mode};
use anyhow::Context as _;

/// Most bytes that are read ahead.
const PIECE_BYTES: usize = 64 << 10;

/// All bytes of a file, or of STDIN if it is called `-`.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = open(path)?.read_to_end(&mut bytes);
    read.with_context(|| cannot_read(path))?;
    Ok(bytes)
}

/// The events of a file, one after the other.
pub(super) struct Events<'a> {
    path: &'a Path,
    input: Box<dyn BufRead>,
    reader: Reader,
    mode: Mode,
    is_over: bool,
}

impl<'a> Events<'a> {
    /// Opens a file. Its beginning tells what is not said: `{` or `[` is JSON, and `[` in JSON a
    /// batch; for Protobuf `is_batch` has to say.
    pub(super) fn open(
        path: &'a Path,
        format: Option<Format>,
        is_batch: bool,
    ) -> anyhow::Result<Self> {
        let mut input = open(path)?;
        let start = input.fill_buf().with_context(|| cannot_read(path))?;
        let mode = mode(start, format, is_batch);
        Ok(Self { path, input, reader: Reader::new(mode)?, mode, is_over: false })
    }

    /// How they are written.
    pub(super) fn mode(&self) -> Mode {
        self.mode
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
        event.with_context(|| self.path.display().to_string()).transpose()
    }
}

fn open(path: &Path) -> anyhow::Result<Box<dyn BufRead>> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(std::io::stdin().lock()));
    }
    let file = File::open(path).with_context(|| cannot_read(path))?;
    Ok(Box::new(BufReader::with_capacity(PIECE_BYTES, file)))
}

fn cannot_read(path: &Path) -> String {
    match path.as_os_str() == "-" {
        true => "cannot read STDIN".to_owned(),
        false => format!("cannot read {}", path.display()),
    }
}

fn mode(start: &[u8], format: Option<Format>, is_batch: bool) -> Mode {
    let first = start.iter().find(|byte| !byte.is_ascii_whitespace());
    let format = format.unwrap_or(match first {
        Some(b'{' | b'[') | None => Format::Json,
        Some(_) => Format::Protobuf,
    });
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
    }
}
