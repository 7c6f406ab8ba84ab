//! Records made JSON (RFC 8259).

use alloc::vec::Vec;

use ampoule::io::{self, Write};
use ampoule::{Error, Result};

use crate::options::Options;
use crate::records::Record;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Writes an object for every record after the first, whose fields are the names.
pub struct Converter<W> {
    options: Options,
    output: W,
    /// The names as they are written, with quotes and colon.
    names: Vec<Vec<u8>>,
    written: u64,
    object: Vec<u8>,
}

impl<W: Write<Error = io::Error>> Converter<W> {
    /// Nothing has been read.
    pub fn new(options: Options, output: W) -> Self {
        Self { options, output, names: Vec::new(), written: 0, object: Vec::new() }
    }

    /// Takes the header, then a record.
    pub fn add(&mut self, record: Record<'_>) -> Result<()> {
        if self.names.is_empty() { self.add_names(record) } else { self.add_object(record) }
    }

    /// Ends the output.
    pub fn finish(mut self) -> Result<()> {
        if self.options.array {
            let end = if self.written == 0 { &b"[]\n"[..] } else { b"]\n" };
            self.output.write_all(end)?;
        }
        self.flush()
    }

    /// Passes on what has been written.
    pub fn flush(&mut self) -> Result<()> {
        Ok(self.output.flush()?)
    }

    fn add_names(&mut self, record: Record<'_>) -> Result<()> {
        for (index, field) in record.fields().enumerate() {
            let bytes = if index == 0 {
                field.strip_prefix(BYTE_ORDER_MARK).unwrap_or(field)
            } else {
                field
            };
            let mut name = Vec::new();
            add_string(bytes, record.line, &mut name)?;
            name.push(b':');
            if self.names.contains(&name) {
                let text = bytes.escape_ascii();
                return Err(Error::data(format_args!("the header has two columns `{text}`")));
            }
            self.names.push(name);
        }
        Ok(())
    }

    fn add_object(&mut self, record: Record<'_>) -> Result<()> {
        if record.len() != self.names.len() {
            return Err(Error::data(format_args!(
                "line {}: {} fields, the header has {}",
                record.line,
                record.len(),
                self.names.len()
            )));
        }
        self.object.clear();
        self.object.extend_from_slice(match (self.options.array, self.written) {
            (false, _) => b"",
            (true, 0) => b"[",
            (true, _) => b",\n",
        });
        let mut separator = b'{';
        for (name, field) in self.names.iter().zip(record.fields()) {
            self.object.push(separator);
            separator = b',';
            self.object.extend_from_slice(name);
            if self.options.numbers && is_number(field) {
                self.object.extend_from_slice(field);
            } else {
                add_string(field, record.line, &mut self.object)?;
            }
        }
        self.object.extend_from_slice(if self.options.array { b"}" } else { b"}\n" });
        self.written += 1;
        Ok(self.output.write_all(&self.object)?)
    }
}

fn add_string(bytes: &[u8], line: u64, object: &mut Vec<u8>) -> Result<()> {
    let text = core::str::from_utf8(bytes).map_err(|_| {
        let text = bytes.escape_ascii();
        Error::data(format_args!("line {line}: `{text}` is not UTF-8, as JSON has to be"))
    })?;
    object.extend_from_slice(&serde_json::to_vec(text)?);
    Ok(())
}

/// Whether a field is a number as JSON writes it (RFC 8259, 6): `007` and `1.` are not, and stay
/// strings that lose nothing.
fn is_number(field: &[u8]) -> bool {
    let digits = |bytes: &[u8]| bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut rest = field.strip_prefix(b"-").unwrap_or(field);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest[0] == b'0') {
        return false;
    }
    rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let length = digits(fraction);
        if length == 0 {
            return false;
        }
        rest = &fraction[length..];
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = match exponent {
            [b'+' | b'-', digits @ ..] => digits,
            digits => digits,
        };
        let length = digits(exponent);
        return length > 0 && length == exponent.len();
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::Records;
    use ampoule::io::ErrorType;

    #[derive(Default)]
    struct Written(Vec<u8>);

    impl ErrorType for &mut Written {
        type Error = io::Error;
    }

    impl Write for &mut Written {
        fn write(&mut self, bytes: &[u8]) -> Result<usize, io::Error> {
            self.0.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> Result<(), io::Error> {
            Ok(())
        }
    }

    fn convert(arguments: &[&'static str], text: &[u8]) -> Result<String> {
        let options = Options::parse(arguments.iter().copied())?;
        let mut written = Written::default();
        let mut records = Records::new(options.delimiter);
        let mut converter = Converter::new(options, &mut written);
        records.add(text, |record| converter.add(record))?;
        records.add(b"", |record| converter.add(record))?;
        converter.finish()?;
        Ok(String::from_utf8(written.0)?)
    }

    #[test]
    fn one_object_a_line_or_one_array() {
        let text = "\u{feff}a,b\n1,\"x \"\"y\"\"\"\n-2.5e3,é".as_bytes();
        let lines = convert(&[], text).expect("good");
        assert_eq!(lines, "{\"a\":\"1\",\"b\":\"x \\\"y\\\"\"}\n{\"a\":\"-2.5e3\",\"b\":\"é\"}\n");
        let array = convert(&["-an"], text).expect("good");
        assert_eq!(array, "[{\"a\":1,\"b\":\"x \\\"y\\\"\"},\n{\"a\":-2.5e3,\"b\":\"é\"}]\n");
        assert_eq!(convert(&[], b"a,b\n").expect("good"), "");
        assert_eq!(convert(&["-a"], b"").expect("good"), "[]\n");
    }

    #[test]
    fn bad_records_are_named_by_line() {
        for (text, part) in [
            (&b"a,b\n1,2\n3\n"[..], "line 3: 1 fields"),
            (b"a,b\n1,\xff\n", "line 2: `\\xff`"),
            (b"a,a\n", "two columns"),
        ] {
            let error = convert(&[], text).expect_err("bad data");
            assert_eq!(error.status(), 65);
            assert!(error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn numbers_are_json_s() {
        for good in ["0", "-0", "12", "0.50", "1e5", "1.5E-7", "-12.0e+3"] {
            assert!(is_number(good.as_bytes()), "{good}");
        }
        for bad in ["", "-", "007", "1.", ".5", "+1", "1e", "1e+", "0x1", "1 ", "NaN", "1.2.3"] {
            assert!(!is_number(bad.as_bytes()), "{bad}");
        }
    }
}
