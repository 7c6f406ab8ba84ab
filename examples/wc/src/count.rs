//! Counting, over pieces of any length.

/// What has been counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub lines: u64,
    pub words: u64,
    pub bytes: u64,
    /// Columns of the longest line, tabs stopping at every eighth.
    pub longest: u64,
    in_word: bool,
    column: u64,
}

impl Counts {
    /// Counts everything.
    pub fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        for &byte in bytes {
            match byte {
                b'\n' => {
                    self.lines += 1;
                    self.end_line();
                    self.end_word();
                }
                b'\r' | b'\x0c' => {
                    self.end_line();
                    self.end_word();
                }
                b'\t' => {
                    self.column += 8 - self.column % 8;
                    self.end_word();
                }
                b' ' => {
                    self.column += 1;
                    self.end_word();
                }
                b'\x0b' => self.end_word(),
                b'!'..=b'~' => {
                    self.column += 1;
                    self.in_word = true;
                }
                // What the C locale cannot print neither begins a word nor ends one.
                _ => {}
            }
        }
    }

    /// Counts lines and bytes only, which is faster.
    pub fn add_lines_and_bytes(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.lines += bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
    }

    /// The counts at the end of the input, which ends a word and a line.
    pub fn finish(mut self) -> Self {
        self.end_word();
        self.end_line();
        self
    }

    fn end_word(&mut self) {
        self.words += u64::from(self.in_word);
        self.in_word = false;
    }

    fn end_line(&mut self) {
        self.longest = self.longest.max(self.column);
        self.column = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &[u8], piece: usize) -> (u64, u64, u64, u64) {
        let mut counts = Counts::default();
        text.chunks(piece).for_each(|bytes| counts.add(bytes));
        let counts = counts.finish();
        (counts.lines, counts.words, counts.bytes, counts.longest)
    }

    #[test]
    fn pieces_do_not_matter() {
        for piece in 1..20 {
            assert_eq!(count(b"one two\n\tthree\x0bfour", piece), (1, 4, 19, 17));
        }
    }

    #[test]
    fn what_cannot_be_printed_is_part_of_no_word() {
        assert_eq!(count(b"\xff\x01", 1), (0, 0, 2, 0));
        assert_eq!(count(b"a\xffb c\x00", 1), (0, 2, 6, 4));
    }

    #[test]
    fn an_empty_input_counts_nothing() {
        assert_eq!(Counts::default().finish(), Counts::default());
    }

    #[test]
    fn the_fast_way_counts_the_same() {
        let text = b"a b\nc\n\nd";
        let mut fast = Counts::default();
        fast.add_lines_and_bytes(text);
        let (lines, _, bytes, _) = count(text, 3);
        assert_eq!((fast.lines, fast.bytes), (lines, bytes));
    }
}
