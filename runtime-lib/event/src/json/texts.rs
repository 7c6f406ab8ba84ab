//! JSON texts out of a stream, so that no more than one has to be held: one after another, each on
//! lines of its own or not, or the elements of one array.
//!
//! Only where a text ends is found here, by its brackets and quotation marks; whether it is one is
//! for the parser to say.

use alloc::vec::Vec;

/// Splits a stream, which may be given in pieces of any length.
#[derive(Debug)]
pub struct Texts {
    place: Place,
    is_array: bool,
    /// The text so far.
    text: Vec<u8>,
    /// Brackets that are open in it.
    depth: usize,
    within: Within,
}

/// Why a stream is not what it has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// It has to be an array, and does not begin like one.
    #[error("a batch begins with `[` (CloudEvents JSON format 1.0.2, section 4.1)")]
    NoArray,
    /// Neither a comma nor the array's end after an element.
    #[error("`,` or `]` goes between the events of a batch, and not the byte {0:#04x}")]
    NoComma(u8),
    /// There is no element where one has to be.
    #[error("an event is missing between the commas of a batch")]
    NoElement,
    /// The array has ended.
    #[error("something comes after the end of a batch: the byte {0:#04x}")]
    AfterArray(u8),
    /// The stream ended in the middle.
    #[error("the input ends in the middle of an event, or of a batch")]
    Cut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before an array.
    Outside,
    /// Where a text or the end may come.
    First,
    /// Where a text has to come.
    Next,
    /// In a text.
    Text,
    /// After an element of an array.
    Behind,
    /// After the array.
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Within {
    /// Anything but a string.
    Structure,
    String,
    /// The byte after a backslash.
    Escape,
}

impl Texts {
    /// Splits texts that follow each other.
    pub fn in_sequence() -> Self {
        Self::new(false, Place::First)
    }

    /// Splits the elements of one array.
    pub fn in_array() -> Self {
        Self::new(true, Place::Outside)
    }

    fn new(is_array: bool, place: Place) -> Self {
        Self { place, is_array, text: Vec::new(), depth: 0, within: Within::Structure }
    }

    /// Takes bytes off `input` until a text is whole, which is returned, or none are left.
    ///
    /// # Errors
    ///
    /// The input is no such stream; what comes after then is of no use.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<&[u8]>, SplitError> {
        if self.place != Place::Text {
            self.text.clear();
        }
        while let Some((&byte, rest)) = input.split_first() {
            if self.place == Place::Text {
                let (length, is_whole) = self.scan(input);
                let (piece, rest) = input.split_at(length);
                self.text.extend_from_slice(piece);
                *input = rest;
                if is_whole {
                    return Ok(Some(&self.text));
                }
                continue;
            }
            if self.begins(byte)? {
                self.place = Place::Text;
            } else {
                *input = rest;
            }
        }
        Ok(None)
    }

    /// What is left when the stream has ended: a text that nothing but the end tells to be whole.
    ///
    /// # Errors
    ///
    /// The stream ended too early.
    pub fn finish(&mut self) -> Result<Option<&[u8]>, SplitError> {
        let is_scalar = self.depth == 0 && self.within == Within::Structure;
        match (self.place, self.is_array) {
            (Place::Done, true) | (Place::First, false) => Ok(None),
            (Place::Text, false) if is_scalar => {
                self.place = Place::First;
                Ok(Some(&self.text))
            }
            _ => Err(SplitError::Cut),
        }
    }

    /// Whether a text begins with `byte`, which comes outside of any.
    fn begins(&mut self, byte: u8) -> Result<bool, SplitError> {
        if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            return Ok(false);
        }
        self.place = match (self.place, byte) {
            (Place::Outside, b'[') => Place::First,
            (Place::Outside, _) => return Err(SplitError::NoArray),
            (Place::First, b']') if self.is_array => Place::Done,
            (Place::First | Place::Next, b',' | b']') if self.is_array => {
                return Err(SplitError::NoElement);
            }
            (Place::Behind, b',') => Place::Next,
            (Place::Behind, b']') => Place::Done,
            (Place::Behind, _) => return Err(SplitError::NoComma(byte)),
            (Place::Done, _) => return Err(SplitError::AfterArray(byte)),
            (Place::First | Place::Next | Place::Text, _) => return Ok(true),
        };
        Ok(false)
    }

    /// How much of `input` belongs to the text, and whether that ends it.
    fn scan(&mut self, input: &[u8]) -> (usize, bool) {
        for (index, &byte) in input.iter().enumerate() {
            match (self.within, byte) {
                (Within::Escape, _) => self.within = Within::String,
                (Within::String, b'\\') => self.within = Within::Escape,
                (Within::String, b'"') => self.within = Within::Structure,
                (Within::String, _) => {}
                (Within::Structure, b'"') => self.within = Within::String,
                (Within::Structure, b'{' | b'[') => self.depth += 1,
                (Within::Structure, b'}' | b']') if self.depth > 1 => self.depth -= 1,
                (Within::Structure, b'}' | b']') if self.depth == 1 => {
                    self.depth = 0;
                    return (index + 1, self.ends());
                }
                // A number, a name or a string by itself: no event, which the parser will say.
                (Within::Structure, b',' | b']' | b' ' | b'\t' | b'\n' | b'\r')
                    if self.depth == 0 && !(self.text.is_empty() && index == 0) =>
                {
                    return (index, self.ends());
                }
                (Within::Structure, _) => {}
            }
        }
        (input.len(), false)
    }

    fn ends(&mut self) -> bool {
        self.place = if self.is_array { Place::Behind } else { Place::First };
        true
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec;

    use super::*;

    /// All texts of a stream given in pieces of `length` bytes.
    fn split(mut texts: Texts, stream: &[u8], length: usize) -> Result<Vec<String>, SplitError> {
        let mut found = vec![];
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
        for mut piece in stream.chunks(length) {
            while let Some(bytes) = texts.next(&mut piece)? {
                found.push(text(bytes));
            }
        }
        found.extend(texts.finish()?.map(text));
        Ok(found)
    }

    /// The same in pieces of every length, which must not matter.
    fn split_anyhow(texts: fn() -> Texts, stream: &str) -> Result<Vec<String>, SplitError> {
        let whole = split(texts(), stream.as_bytes(), stream.len().max(1));
        for length in 1..stream.len() {
            assert_eq!(split(texts(), stream.as_bytes(), length), whole, "{length}");
        }
        whole
    }

    #[test]
    fn texts_in_sequence_end_where_their_brackets_do() {
        for (stream, expected) in [
            ("", &[][..]),
            (" \n", &[]),
            ("{}", &["{}"]),
            ("{}{}\n{\n}", &["{}", "{}", "{\n}"]),
            (r#"{"a":"}\"{"} [1,[2]]"#, &[r#"{"a":"}\"{"}"#, "[1,[2]]"]),
            (r#"{"a\\":{"b":[]}}"#, &[r#"{"a\\":{"b":[]}}"#]),
            ("1 \"a b\" true", &["1", "\"a b\"", "true"]),
            ("}\n{}", &["}", "{}"]),
            (",,]{}", &[",", ",", "]{}"]),
        ] {
            assert_eq!(split_anyhow(Texts::in_sequence, stream).expect(stream), expected);
        }
    }

    #[test]
    fn an_array_is_split_at_its_commas() {
        for (stream, expected) in [
            ("[]", &[][..]),
            (" [ ] \n", &[]),
            ("[{}]", &["{}"]),
            ("[ {\"a\":[1,2]} ,\n{} ]", &["{\"a\":[1,2]}", "{}"]),
            ("[1,\"],\",null]", &["1", "\"],\"", "null"]),
        ] {
            assert_eq!(split_anyhow(Texts::in_array, stream).expect(stream), expected);
        }
    }

    #[test]
    fn what_is_no_array_is_told() {
        for (stream, error) in [
            ("", SplitError::Cut),
            ("{}", SplitError::NoArray),
            ("[", SplitError::Cut),
            ("[{}", SplitError::Cut),
            ("[{}{}]", SplitError::NoComma(b'{')),
            ("[{},]", SplitError::NoElement),
            ("[,{}]", SplitError::NoElement),
            ("[{},,{}]", SplitError::NoElement),
            ("[]]", SplitError::AfterArray(b']')),
            ("[{},", SplitError::Cut),
        ] {
            assert_eq!(split_anyhow(Texts::in_array, stream), Err(error), "{stream}");
        }
    }

    #[test]
    fn a_text_that_is_cut_is_told() {
        for stream in ["{", "{\"a", "[{}", "\"a", "\"a\\\""] {
            assert_eq!(split_anyhow(Texts::in_sequence, stream), Err(SplitError::Cut), "{stream}");
        }
    }
}
