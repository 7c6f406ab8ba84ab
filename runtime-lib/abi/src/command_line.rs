//! The kernel command line where the launcher knows nothing of the contract (SPEC C9): which console
//! it means, and the arguments and the environment that are in it.
//!
//! ```text
//! console=hvc0 panic=-1 GREETING=Good%20day rdinit=/init -- -l %C3%A9
//!                       a variable                          two arguments
//! ```

use crate::layout::DEVICE_PARAMETER;
use crate::start::{RANDOMNESS_BYTES, field};

/// Longest command line, in bytes: what QEMU has room for when it boots a PVH image.
pub const MAX_BYTES: usize = 4095;

/// Room for what [`start_message`] makes of the longest line, in bytes. A variable takes most: of
/// three bytes, one of them a space, it makes 11.
pub const MESSAGE_BYTES: usize = 16 << 10;

/// A console that a command line can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Console {
    /// `hvc0`: a virtio-console.
    Virtio,
    /// `ttyS0`: a PC's first serial line.
    Serial,
}

/// What a function is told besides what is in the line.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The function's name, its first argument and a variable.
    pub name: &'a [u8],
    /// Memory of the machine, in MiB.
    pub memory_mib: u64,
    /// Fresh randomness for this call alone.
    pub randomness: [u8; RANDOMNESS_BYTES],
}

/// What a line comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told<'a> {
    /// The message `Start`.
    pub message: &'a [u8],
    /// Bytes of STDIN, if a variable says so: the one that tells a program of CGI (RFC 3875, 4.1.2),
    /// the last of them.
    pub input_bytes: Option<u64>,
}

/// The console that the line names: the last of those that are known, as with Linux.
pub fn console(line: &[u8]) -> Option<Console> {
    let mut found = None;
    for word in words(line).take_while(|word| word != b"--") {
        let name = word.strip_prefix(b"console=").unwrap_or_default();
        // A serial line's speed may follow.
        match name.split(|&byte| byte == b',').next() {
            Some(b"hvc0") => found = Some(Console::Virtio),
            Some(b"ttyS0") => found = Some(Console::Serial),
            _ => {}
        }
    }
    found
}

/// Makes the message `Start` of a line, in a buffer of [`MESSAGE_BYTES`].
///
/// # Errors
///
/// Why the line is refused, for a person.
pub fn start_message<'a>(
    line: &[u8],
    context: &Context<'_>,
    buffer: &'a mut [u8],
) -> Result<Told<'a>, &'static str> {
    if line.len() > MAX_BYTES {
        return Err(TOO_LONG);
    }
    let mut message = Message { buffer, length: 0 };
    message.put(&[(field::ABI_VERSION as u8) << 3, crate::ABI_VERSION as u8]);
    let start = message.begin(field::RANDOMNESS);
    message.put(&context.randomness);
    message.end(start);
    let start = message.begin(field::ARGUMENT);
    message.put(context.name);
    message.end(start);
    let mut is_argument = false;
    let mut content_length = None;
    for word in words(line) {
        if is_argument {
            let start = message.begin(field::ARGUMENT);
            message.decode(word, 0)?;
            message.end(start);
        } else if word == b"--" {
            is_argument = true;
        } else if let Some((name, value)) = variable(word) {
            let start = message.begin(field::VARIABLE);
            let start_of_name = message.begin(field::variable::NAME);
            message.decode(name, b'=')?;
            message.end(start_of_name);
            let is_length = message.since(start_of_name) == b"CONTENT_LENGTH";
            let start_of_value = message.begin(field::variable::VALUE);
            message.decode(value, 0)?;
            message.end(start_of_value);
            message.end(start);
            if is_length {
                content_length = Some(number(message.since(start_of_value)));
            }
        }
    }
    let input_bytes = match content_length {
        Some(None) => return Err(NO_LENGTH),
        Some(length) => length,
        None => None,
    };
    // Last, and so they hold.
    message.variable(b"AMPOULE_ABI", &[b'0' + crate::ABI_VERSION as u8]);
    message.variable(b"FN_NAME", context.name);
    let mut digits = [0; 20];
    message.variable(b"FN_MEMORY", decimal(context.memory_mib, &mut digits));
    let message = message.buffer.get(..message.length).ok_or(TOO_LONG)?;
    Ok(Told { message, input_bytes })
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(is_meant)
}

/// Whether a word is one, and none that a monitor adds at the end, behind a function's arguments too.
#[inline(never)]
fn is_meant(word: &&[u8]) -> bool {
    !word.is_empty() && !word.starts_with(DEVICE_PARAMETER.as_bytes())
}

/// A variable's name and value, if the word is one. What kernels are told is in small letters, or has
/// a dot: that is no variable. (A small letter in a variable's name is percent-encoded.)
fn variable(word: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut digits = 0;
    for (at, &byte) in word.iter().enumerate() {
        match byte {
            b'=' if at > 0 => {
                let (name, value) = word.split_at_checked(at)?;
                return value.split_first().map(|(_, value)| (name, value));
            }
            // The two digits of an escape may be small letters.
            _ if digits > 0 => digits -= 1,
            b'%' => digits = 2,
            b'A'..=b'Z' | b'_' => {}
            b'0'..=b'9' if at > 0 => {}
            _ => return None,
        }
    }
    None
}

/// The decimal number that the digits are.
fn number(digits: &[u8]) -> Option<u64> {
    digits.first()?;
    digits.iter().try_fold(0u64, |value, &digit| {
        let digit = char::from(digit).to_digit(10)?;
        value.checked_mul(10)?.checked_add(digit.into())
    })
}

fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[at..];
        }
    }
}

/// A message that is written once. Each length takes two bytes, so that it can be put in afterwards.
struct Message<'a> {
    buffer: &'a mut [u8],
    length: usize,
}

impl Message<'_> {
    /// What has no room, which the length of a line rules out, is left out.
    fn put(&mut self, bytes: &[u8]) {
        for (place, &byte) in self.buffer.iter_mut().skip(self.length).zip(bytes) {
            *place = byte;
        }
        self.length += bytes.len();
    }

    /// Begins a field; where its content starts.
    fn begin(&mut self, number: u32) -> usize {
        self.put(&[(number << 3 | 2) as u8, 0, 0]);
        self.length
    }

    /// What was put from there on.
    fn since(&self, start: usize) -> &[u8] {
        self.buffer.get(start..self.length).unwrap_or_default()
    }

    fn end(&mut self, start: usize) {
        let bytes = self.length - start;
        let length = [bytes as u8 | 0x80, (bytes >> 7) as u8];
        if let Some(place) = self.buffer.get_mut(start - length.len()..start) {
            place.copy_from_slice(&length);
        }
    }

    fn variable(&mut self, name: &[u8], content: &[u8]) {
        let start = self.begin(field::VARIABLE);
        for (number, bytes) in [(field::variable::NAME, name), (field::variable::VALUE, content)] {
            let start = self.begin(number);
            self.put(bytes);
            self.end(start);
        }
        self.end(start);
    }

    /// Puts what percent-encoding stands for (RFC 3986, 2.1), which may have no NUL and no `barred`.
    fn decode(&mut self, mut encoded: &[u8], barred: u8) -> Result<(), &'static str> {
        while let [first, rest @ ..] = encoded {
            let (byte, rest) = match (first, rest) {
                (b'%', [high, low, rest @ ..]) => (digit(*high)? << 4 | digit(*low)?, rest),
                (b'%', _) => return Err(BAD_ESCAPE),
                (&byte, rest) => (byte, rest),
            };
            if byte == 0 || byte == barred {
                return Err("the command line has %00, or %3D in a name: neither can be");
            }
            self.put(&[byte]);
            encoded = rest;
        }
        Ok(())
    }
}

const NO_LENGTH: &str = "CONTENT_LENGTH is no number of bytes: correct it, or leave it out";
const TOO_LONG: &str = "the command line is too long: it may have 4095 bytes";
const BAD_ESCAPE: &str = "the command line has % without two hexadecimal digits: write it as %25";

fn digit(byte: u8) -> Result<u8, &'static str> {
    char::from(byte).to_digit(16).map(|digit| digit as u8).ok_or(BAD_ESCAPE)
}

#[cfg(test)]
mod tests {
    use std::{string::String, vec, vec::Vec};

    use super::*;
    use crate::start::Start;
    use proptest::prelude::*;

    type Read = (Vec<Vec<u8>>, Vec<(Vec<u8>, Vec<u8>)>);

    fn context() -> Context<'static> {
        Context { name: b"wc", memory_mib: 256, randomness: [7; RANDOMNESS_BYTES] }
    }

    /// What a function would see: its arguments without its name, its variables without its own.
    fn read(line: &[u8]) -> Result<Read, &'static str> {
        let mut buffer = vec![0; MESSAGE_BYTES];
        let told = start_message(line, &context(), &mut buffer)?;
        let start = Start::parse(told.message).expect("what is made can be read");
        let mut arguments: Vec<_> = start.arguments().map(<[u8]>::to_vec).collect();
        assert_eq!(arguments.remove(0), b"wc");
        let variables = start.variables().map(|(name, value)| (name.to_vec(), value.to_vec()));
        let mut variables: Vec<_> = variables.collect();
        let own = variables.split_off(variables.len() - 3);
        let shown = own.iter().map(|(name, value)| [&name[..], value].join(&b'='));
        let shown: Vec<_> = shown.map(|bytes| String::from_utf8(bytes).expect("text")).collect();
        assert_eq!(shown, ["AMPOULE_ABI=1", "FN_NAME=wc", "FN_MEMORY=256"]);
        Ok((arguments, variables))
    }

    fn pair(name: &str, value: &str) -> (Vec<u8>, Vec<u8>) {
        (name.into(), value.into())
    }

    #[test]
    fn arguments_follow_two_hyphens_and_variables_come_before() {
        let (arguments, variables) =
            read(b"A=1 B_2=x=y EMPTY= -- -l A=3 -- %2d%2D virtio_mmio.device=512@0xfeb00e00:12")
                .expect("a sound line");
        assert_eq!(arguments, [&b"-l"[..], b"A=3", b"--", b"--"]);
        assert_eq!(variables, [pair("A", "1"), pair("B_2", "x=y"), pair("EMPTY", "")]);
    }

    #[test]
    fn what_kernels_are_told_is_no_variable() {
        let line = b"panic=-1 console=ttyS0 root=/dev/ram0 rw ip=10.0.0.2::10.0.0.1 \
            virtio_mmio.device=4K@0xd0000000:5 env.vars=[ PATH=/bin ] 8250.nr_uarts=1 1A=2 =3 \
            quiet rdinit=/init --";
        assert_eq!(read(line).expect("a sound line"), (vec![], vec![pair("PATH", "/bin")]));
    }

    #[test]
    fn escapes_are_decoded_once_and_bad_ones_refused() {
        let (arguments, variables) =
            read(b"V=a%20b%2520 %68%74tp_PROXY=x %61=%ff -- %22%C3%a9%22").expect("a sound line");
        assert_eq!(arguments, ["\"é\"".as_bytes()]);
        let last = (b"a".to_vec(), b"\xff".to_vec());
        assert_eq!(variables, [pair("V", "a b%20"), last]);
        for line in [&b"A=%"[..], b"A=%2", b"A=%g0", b"A%2=1", b"-- %", b"-- %%41", b"A=%+1"] {
            assert_eq!(read(line), Err(BAD_ESCAPE), "{line:?}");
        }
        for line in [&b"A=%00"[..], b"%00=1", b"A%3d=1", b"-- x%00y"] {
            assert!(read(line).is_err(), "{line:?}");
        }
        // What is not taken is not looked at.
        assert_eq!(read(b"root=%zz %zz").expect("a sound line"), (vec![], vec![]));
    }

    #[test]
    fn the_last_known_console_is_meant() {
        for (line, expected) in [
            (&b""[..], None),
            (b"console=tty0", None),
            (b"console=hvc0", Some(Console::Virtio)),
            (b"console=ttyS0,115200n8 quiet", Some(Console::Serial)),
            (b"console=ttyS0 console=hvc0 console=tty0", Some(Console::Virtio)),
            (b"xconsole=hvc0 console=hvc00 console=hvc", None),
            (b"-- console=hvc0", None),
        ] {
            assert_eq!(console(line), expected, "{line:?}");
        }
    }

    fn length(line: &[u8]) -> Result<Option<u64>, &'static str> {
        let mut buffer = vec![0; MESSAGE_BYTES];
        start_message(line, &context(), &mut buffer).map(|told| told.input_bytes)
    }

    #[test]
    fn the_length_of_stdin_is_a_number() {
        for (line, expected) in [
            (&b"console=hvc0 XCONTENT_LENGTH=1"[..], None),
            (b"CONTENT_LENGTH=12 -- CONTENT_LENGTH=3", Some(12)),
            (b"CONTENT_LENGTH=12 CONTENT_LENGTH=0", Some(0)),
            (b"CONTENT_LENGTH=x CONTENT_LENGTH=007", Some(7)),
            (b"CONTENT_LENGTH=%36", Some(6)),
            (b"CONTENT_LENGTH=1 %43ONTENT_LENGT%48=%36%30", Some(60)),
            (b"CONTENT_LENGTH=18446744073709551615", Some(u64::MAX)),
        ] {
            assert_eq!(length(line), Ok(expected), "{line:?}");
        }
        for value in ["", "-1", "+1", "1%20", "0x1", "1,2", "%C2%B2", "18446744073709551616"] {
            for line in [
                std::format!("CONTENT_LENGTH={value}"),
                std::format!("CONTENT_LENGTH=1 %43ONTENT_LENGTH={value} -- 1"),
            ] {
                assert_eq!(length(line.as_bytes()), Err(NO_LENGTH), "{line}");
            }
        }
    }

    #[test]
    fn the_longest_line_has_room_and_a_longer_one_is_refused() {
        for word in [&b"A= "[..], b"-", b"- ", b"AB=%41 "] {
            let mut line: Vec<u8> = word.iter().copied().cycle().take(MAX_BYTES).collect();
            line[..3].copy_from_slice(if word[0] == b'-' { b"-- " } else { b"A= " });
            while line.contains(&b'%') && !line.ends_with(b" ") {
                line.pop();
            }
            read(&line).expect("there is room");
        }
        assert!(read(&vec![b'a'; MAX_BYTES + 1]).is_err());
    }

    proptest! {
        #[test]
        fn any_line_is_read_or_refused(line: Vec<u8>) {
            let _ = (read(&line), console(&line));
        }

        #[test]
        fn what_is_encoded_comes_back(values in prop::collection::vec("[^\0]{1,9}", 0..9)) {
            let encode = |text: &String| -> String {
                text.bytes().map(|byte| std::format!("%{byte:02X}")).collect()
            };
            let words: Vec<_> = values.iter().map(encode).collect();
            let line = std::format!("console=hvc0 -- {}", words.join(" "));
            let (arguments, _) = read(line.as_bytes()).expect("a sound line");
            let expected: Vec<_> = values.iter().map(|value| value.as_bytes().to_vec()).collect();
            prop_assert_eq!(arguments, expected);
        }
    }
}
