//! `Start`: what a launcher tells a function before it runs (SPEC C2, C4, C6), read in place.

use crate::wire::{Fields, Malformed, Value};

/// Length of the randomness in a `Start`, in bytes.
pub const RANDOMNESS_BYTES: usize = 32;

/// Field numbers of the message.
pub mod field {
    /// varint: the launcher's ABI version.
    pub const ABI_VERSION: u32 = 1;
    /// bytes, repeated: `argv`, the function's name first.
    pub const ARGUMENT: u32 = 2;
    /// message, repeated: one variable of the environment.
    pub const VARIABLE: u32 = 3;
    /// varint: nanoseconds since the UNIX epoch, when the message was made.
    pub const WALL_CLOCK_NS: u32 = 4;
    /// bytes: [`RANDOMNESS_BYTES`](super::RANDOMNESS_BYTES) fresh ones.
    pub const RANDOMNESS: u32 = 5;
    /// varint: ticks of the time stamp counter per second, 0 or absent if unknown.
    pub const TSC_HZ: u32 = 6;

    /// Field numbers of a variable.
    pub mod variable {
        /// bytes: its name.
        pub const NAME: u32 = 1;
        /// bytes: its value.
        pub const VALUE: u32 = 2;
    }
}

/// A `Start` message over the bytes it came in, checked once by [`Start::parse`].
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    bytes: &'a [u8],
    /// The launcher's ABI version.
    pub abi_version: u32,
    /// Nanoseconds since the UNIX epoch, when the message was made.
    pub wall_clock_ns: u64,
    /// Fresh randomness for this call alone.
    pub randomness: [u8; RANDOMNESS_BYTES],
    /// Ticks of the time stamp counter per second, if the launcher knows.
    pub tsc_hz: Option<u64>,
}

impl<'a> Start<'a> {
    /// Checks the whole message; unknown fields are skipped.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut start =
            Self { bytes, abi_version: 0, wall_clock_ns: 0, randomness: [0; _], tsc_hz: None };
        let mut has_randomness = false;
        for entry in Fields::new(bytes) {
            let (number, value) = entry?;
            match number {
                field::ABI_VERSION => {
                    start.abi_version =
                        value.varint()?.try_into().map_err(|_| Malformed::BadValue)?;
                }
                field::ARGUMENT => no_nul(value.bytes()?)?,
                field::VARIABLE => {
                    let (name, content) = variable(value)?;
                    no_nul(name)?;
                    no_nul(content)?;
                }
                field::WALL_CLOCK_NS => start.wall_clock_ns = value.varint()?,
                field::RANDOMNESS => {
                    start.randomness =
                        value.bytes()?.try_into().map_err(|_| Malformed::BadValue)?;
                    has_randomness = true;
                }
                field::TSC_HZ => start.tsc_hz = Some(value.varint()?).filter(|&hz| hz > 0),
                _ => {}
            }
        }
        if start.abi_version == 0 || !has_randomness {
            return Err(Malformed::BadValue);
        }
        Ok(start)
    }

    /// The arguments, the function's name first.
    pub fn arguments(self) -> impl Iterator<Item = &'a [u8]> + Clone {
        self.values(field::ARGUMENT).filter_map(|value| value.bytes().ok())
    }

    /// The environment, as names and values.
    pub fn variables(self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone {
        self.values(field::VARIABLE).filter_map(|value| variable(value).ok())
    }

    fn values(self, wanted: u32) -> impl Iterator<Item = Value<'a>> + Clone {
        Fields::new(self.bytes)
            .filter_map(move |entry| entry.ok().filter(|&(number, _)| number == wanted))
            .map(|(_, value)| value)
    }
}

fn variable(value: Value<'_>) -> Result<(&[u8], &[u8]), Malformed> {
    let (mut name, mut content): (&[u8], &[u8]) = (&[], &[]);
    for entry in Fields::new(value.bytes()?) {
        match entry? {
            (field::variable::NAME, value) => name = value.bytes()?,
            (field::variable::VALUE, value) => content = value.bytes()?,
            _ => {}
        }
    }
    if name.is_empty() { Err(Malformed::BadValue) } else { Ok((name, content)) }
}

fn no_nul(bytes: &[u8]) -> Result<(), Malformed> {
    if bytes.contains(&0) { Err(Malformed::BadValue) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use std::{vec, vec::Vec};

    use super::*;
    use crate::messages;
    use proptest::prelude::*;
    use prost::Message;

    #[test]
    fn what_prost_writes_is_read_in_place() {
        let message = messages::Start {
            abi_version: 1,
            arguments: vec![b"wc"[..].into(), b"-l"[..].into(), b"\xff"[..].into()],
            variables: vec![messages::Variable { name: b"A"[..].into(), value: b"b=c"[..].into() }],
            wall_clock_ns: 1_700_000_000_000_000_000,
            randomness: vec![9; RANDOMNESS_BYTES].into(),
            tsc_hz: 0,
        };
        let bytes = message.encode_to_vec();
        let start = Start::parse(&bytes).expect("a whole message");
        assert_eq!(start.wall_clock_ns, message.wall_clock_ns);
        assert_eq!(start.randomness, [9; RANDOMNESS_BYTES]);
        assert_eq!(start.tsc_hz, None);
        assert!(start.arguments().eq([&b"wc"[..], b"-l", b"\xff"]));
        assert!(start.variables().eq([(&b"A"[..], &b"b=c"[..])]));
    }

    #[test]
    fn unknown_fields_are_skipped() {
        let message = messages::Start {
            abi_version: 1,
            randomness: vec![9; RANDOMNESS_BYTES].into(),
            ..Default::default()
        };
        let mut bytes = message.encode_to_vec();
        let mut unknown = [0; 16];
        let mut writer = crate::wire::Writer::new(&mut unknown);
        assert!(writer.varint_field(77, 5) && writer.bytes_field(78, b"later"));
        bytes.splice(0..0, writer.finish().iter().copied());
        assert_eq!(Start::parse(&bytes).expect("a whole message").abi_version, 1);
    }

    #[test]
    fn without_randomness_there_is_no_start() {
        let message = messages::Start { abi_version: 1, ..Default::default() };
        assert_eq!(Start::parse(&message.encode_to_vec()).err(), Some(Malformed::BadValue));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            if let Ok(start) = Start::parse(&bytes) {
                prop_assert!(start.arguments().count() + start.variables().count() <= bytes.len());
            }
        }
    }
}
