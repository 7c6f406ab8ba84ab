//! Lines, selected and reported as they arrive.

use alloc::vec::Vec;

use ampoule::io::{Error, Write};

use crate::matcher::Matcher;
use crate::options::{Options, Report};

const NAME: &[u8] = b"(standard input)";

/// A search through one input, given in pieces.
pub struct Search<'a, W> {
    options: &'a Options<'a>,
    matcher: Matcher,
    output: W,
    /// The begin of a line whose end has not arrived.
    begun: Vec<u8>,
    line_number: u64,
    selected: u64,
    /// Binary from here on: a NUL byte has been seen. Lines end at NUL bytes too, as in GNU's, and
    /// are no longer printed.
    binary: bool,
    binary_matched: bool,
    done: bool,
}

/// What a search found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether any line was selected.
    pub selected: bool,
    /// Whether there is one that was not printed because the input is binary.
    pub binary_matched: bool,
}

impl<'a, W: Write<Error = Error>> Search<'a, W> {
    /// A search of which nothing has arrived.
    pub fn new(options: &'a Options<'a>, matcher: Matcher, output: W) -> Self {
        Self {
            options,
            matcher,
            output,
            begun: Vec::new(),
            line_number: 0,
            selected: 0,
            binary: false,
            binary_matched: false,
            done: false,
        }
    }

    /// Whether what follows cannot change the outcome.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Searches what has arrived; whole lines are reported before it returns.
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if !self.options.binary_is_text && bytes.contains(&0) {
            self.binary = true;
        }
        let binary = self.binary;
        let mut lines = bytes.split(|&byte| byte == b'\n' || (byte == 0 && binary)).peekable();
        while let Some(line) = lines.next() {
            if lines.peek().is_none() {
                self.begun.extend_from_slice(line);
            } else if self.begun.is_empty() {
                self.line(line)?;
            } else {
                self.begun.extend_from_slice(line);
                let mut whole = core::mem::take(&mut self.begun);
                self.line(&whole)?;
                whole.clear();
                self.begun = whole;
            }
            if self.done {
                break;
            }
        }
        self.output.flush()
    }

    /// Searches the last line, if it had no end, and reports what is reported at the end.
    pub fn finish(mut self) -> Result<Outcome, Error> {
        let last = core::mem::take(&mut self.begun);
        if !self.done && !last.is_empty() {
            self.line(&last)?;
        }
        match self.options.report {
            Report::Count => {
                self.name(b":")?;
                self.output.write_all(alloc::format!("{}\n", self.selected).as_bytes())?;
            }
            Report::Name if self.selected > 0 => {
                self.output.write_all(NAME)?;
                self.output.write_all(b"\n")?;
            }
            _ => {}
        }
        self.output.flush()?;
        Ok(Outcome { selected: self.selected > 0, binary_matched: self.binary_matched })
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Error> {
        self.line_number += 1;
        if self.matcher.is_match(line) == self.options.invert {
            return Ok(());
        }
        self.selected += 1;
        self.done = self.options.limit == Some(self.selected);
        match self.options.report {
            Report::Count => {}
            Report::Nothing | Report::Name => self.done = true,
            Report::Lines | Report::Matches if self.binary => {
                self.binary_matched = true;
                self.done = true;
            }
            Report::Lines => self.print(line)?,
            Report::Matches if self.options.invert => {}
            Report::Matches => self.print_matches(line)?,
        }
        Ok(())
    }

    fn print_matches(&mut self, line: &[u8]) -> Result<(), Error> {
        let mut at = 0;
        while let Some(found) = (at <= line.len()).then(|| self.matcher.find(line, at)).flatten() {
            if found.is_empty() {
                at = found.start + 1;
            } else {
                self.print(&line[found.range()])?;
                at = found.end;
            }
        }
        Ok(())
    }

    fn print(&mut self, text: &[u8]) -> Result<(), Error> {
        self.name(b":")?;
        if self.options.line_numbers {
            self.output.write_all(alloc::format!("{}:", self.line_number).as_bytes())?;
        }
        self.output.write_all(text)?;
        self.output.write_all(b"\n")
    }

    fn name(&mut self, separator: &[u8]) -> Result<(), Error> {
        if self.options.with_name {
            self.output.write_all(NAME)?;
            self.output.write_all(separator)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ampoule::io::ErrorType;

    #[derive(Default)]
    struct Printed(Vec<u8>);

    impl ErrorType for &mut Printed {
        type Error = Error;
    }

    impl Write for &mut Printed {
        fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
            self.0.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> Result<(), Error> {
            Ok(())
        }
    }

    fn grep(arguments: &[&str], text: &[u8], piece: usize) -> (Vec<u8>, Outcome) {
        let arguments = arguments.iter().map(|argument| argument.as_bytes());
        let options = Options::parse(arguments).expect("good arguments");
        let mut printed = Printed::default();
        let matcher = Matcher::new(&options).expect("a good pattern");
        let mut search = Search::new(&options, matcher, &mut printed);
        text.chunks(piece).for_each(|bytes| search.add(bytes).expect("it cannot fail"));
        let outcome = search.finish().expect("it cannot fail");
        (printed.0, outcome)
    }

    #[test]
    fn pieces_do_not_matter() {
        for piece in 1..12 {
            let (printed, outcome) = grep(&["-n", "b$"], b"ab\nba\n\ncb", piece);
            assert_eq!(printed, b"1:ab\n4:cb\n");
            assert!(outcome.selected && !outcome.binary_matched);
        }
    }

    #[test]
    fn matches_are_the_longest() {
        let (printed, _) = grep(&["-oE", "a|ab|(c|cd)e?"], b"abcde ce", 4);
        assert_eq!(printed, b"ab\ncde\nce\n");
    }

    #[test]
    fn binary_input_is_not_printed() {
        let (printed, outcome) = grep(&["a"], b"a\0b\n", 9);
        assert_eq!((&printed[..], outcome.binary_matched), (&b""[..], true));
        let (printed, _) = grep(&["-vc", "b"], b"a\0b\0\0c\n", 9);
        assert_eq!(printed, b"3\n");
        let (printed, outcome) = grep(&["-a", "a.b"], b"a\0b\n", 9);
        assert_eq!((&printed[..], outcome.binary_matched), (&b"a\0b\n"[..], false));
    }
}
