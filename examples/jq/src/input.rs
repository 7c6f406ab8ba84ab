//! Values from STDIN, each as soon as it has arrived whole.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use ampoule::io::{BufRead, BufReadExt, Error, ReadExt};
use jaq_json::Val;

use crate::number;
use crate::options::Feed;

/// Arrays and objects within each other that jq 1.6 reads.
const MAX_DEPTH: usize = 256;

/// The values of an input; an error is the last item.
pub struct Inputs<R> {
    reader: R,
    feed: Feed,
    splitter: Splitter,
    /// There is nothing more to read.
    ended: bool,
    /// There is nothing more to give.
    done: bool,
}

impl<R: BufRead<Error = Error>> Inputs<R> {
    /// Nothing has been read.
    pub fn new(reader: R, feed: Feed) -> Self {
        Self { reader, feed, splitter: Splitter::default(), ended: false, done: false }
    }

    fn read(&mut self) -> Result<Option<Val>, String> {
        match (self.feed.text, self.feed.whole) {
            (false, false) => self.value(),
            (false, true) => {
                let values: Result<_, _> =
                    core::iter::from_fn(|| self.value().transpose()).collect();
                self.done = true;
                values.map(Some)
            }
            (true, false) => self.line(),
            (true, true) => {
                let mut text = Vec::new();
                self.reader.read_to_end(&mut text).map_err(|error| error.to_string())?;
                self.done = true;
                Ok(Some(Val::utf8_str(text)))
            }
        }
    }

    fn value(&mut self) -> Result<Option<Val>, String> {
        loop {
            if let Some(text) = self.splitter.values.pop_front() {
                return parse(&text).map(Some);
            }
            if self.ended {
                return self.splitter.problem.take().map_or(Ok(None), Err);
            }
            let bytes = self.reader.fill_buf().map_err(|error| error.to_string())?;
            let length = bytes.len();
            self.ended = length == 0 || !self.splitter.add(bytes);
            if self.ended {
                self.splitter.finish();
            }
            self.reader.consume(length);
        }
    }

    fn line(&mut self) -> Result<Option<Val>, String> {
        let mut line = Vec::new();
        let read = self.reader.read_until(b'\n', &mut line);
        if read.map_err(|error| error.to_string())? == 0 {
            return Ok(None);
        }
        line.pop_if(|last| *last == b'\n');
        Ok(Some(Val::utf8_str(line)))
    }
}

impl<R: BufRead<Error = Error>> Iterator for Inputs<R> {
    type Item = Result<Val, String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let read = self.read();
        self.done |= !matches!(read, Ok(Some(_)));
        read.transpose()
    }
}

fn parse(text: &[u8]) -> Result<Val, String> {
    let value = jaq_json::read::parse_single(text)
        .map_err(|error| format!("`{}`: {error}", excerpt(text)))?;
    Ok(number::as_jq(value))
}

fn excerpt(text: &[u8]) -> String {
    const MAX_BYTES: usize = 40;
    let cut = if text.len() > MAX_BYTES { "…" } else { "" };
    format!("{}{cut}", text[..text.len().min(MAX_BYTES)].escape_ascii())
}

/// Cuts a stream into texts of one value each, by brackets, quotes and white space.
#[derive(Default)]
struct Splitter {
    values: VecDeque<Vec<u8>>,
    begun: Vec<u8>,
    depth: usize,
    in_string: bool,
    escaped: bool,
    problem: Option<String>,
}

impl Splitter {
    /// Takes what has arrived; false if it cannot be JSON, with [`Self::problem`] saying why.
    fn add(&mut self, bytes: &[u8]) -> bool {
        bytes.iter().all(|&byte| {
            if self.in_string {
                self.add_to_string(byte);
            } else {
                self.problem = self.add_outside_string(byte).err();
            }
            self.problem.is_none()
        })
    }

    fn add_to_string(&mut self, byte: u8) {
        self.begun.push(byte);
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' => self.escaped = true,
            b'"' => {
                self.in_string = false;
                self.finish_if_outermost();
            }
            _ => {}
        }
    }

    fn add_outside_string(&mut self, byte: u8) -> Result<(), String> {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' if self.depth == 0 => self.finish(),
            b'"' => {
                self.finish_if_outermost();
                self.begun.push(byte);
                self.in_string = true;
            }
            b'[' | b'{' => {
                self.finish_if_outermost();
                self.begun.push(byte);
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    self.begun.clear();
                    return Err(String::from("Exceeds depth limit for parsing"));
                }
            }
            b']' | b'}' if self.depth == 0 => {
                return Err(format!("Unmatched '{}'", char::from(byte)));
            }
            b']' | b'}' => {
                self.begun.push(byte);
                self.depth -= 1;
                self.finish_if_outermost();
            }
            // What the reader takes beyond JSON: comments, and signs and words for special numbers.
            b'#' | b'+' | b'I' | b'N' | b'b' if self.is_extension(byte) => {
                return Err(format!("Invalid literal at `{}`", char::from(byte)));
            }
            _ => self.begun.push(byte),
        }
        Ok(())
    }

    /// Whether a byte begins something that is not JSON: `+` is good in an exponent only.
    fn is_extension(&self, byte: u8) -> bool {
        byte != b'+' || !matches!(self.begun.last(), Some(b'e' | b'E'))
    }

    /// Ends a value that has begun, where nothing else ends it.
    fn finish(&mut self) {
        if !self.begun.is_empty() {
            self.values.push_back(core::mem::take(&mut self.begun));
        }
    }

    fn finish_if_outermost(&mut self) {
        if self.depth == 0 {
            self.finish();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str, piece: usize) -> (Vec<String>, Option<String>) {
        let mut splitter = Splitter::default();
        let fine = text.as_bytes().chunks(piece).all(|bytes| splitter.add(bytes));
        splitter.finish();
        let values = splitter.values.iter().map(|text| String::from_utf8_lossy(text).into_owned());
        assert_eq!(fine, splitter.problem.is_none());
        (values.collect(), splitter.problem)
    }

    #[test]
    fn values_are_cut_apart() {
        let text = r#"1 "a\"]"[{"b":"}"}]{}null"#;
        for piece in 1..text.len() {
            let (values, problem) = split(text, piece);
            assert_eq!(values, ["1", r#""a\"]""#, r#"[{"b":"}"}]"#, "{}", "null"]);
            assert_eq!(problem, None);
        }
    }

    #[test]
    fn what_is_not_json_is_a_problem() {
        assert!(split("1 ]", 2).1.is_some());
        assert!(split("[1 # note\n]", 2).1.is_some());
        assert!(split(&"[".repeat(1000), 100).1.is_some());
        assert_eq!(split("1e+5", 1), (vec!["1e+5".into()], None));
    }
}
