//! The guest's frames, read incrementally (SPEC C6).
//!
//! Pure, and the guest is hostile: any bytes in any cut give items or the first error. Data is
//! handed on as it streams by; only headers and the two small messages are gathered.

use ampoule_abi::exit::Reason;
use ampoule_abi::frame::{self, BadFrame, Header, to_host};
use ampoule_abi::messages::{Exit, Ready};
use ampoule_abi::wire;
use prost::Message;

/// Room for any header that a guest may send: three varints, however wastefully written.
const MAX_HEADER_BYTES: usize = 3 * wire::MAX_VARINT_BYTES;

/// What a guest sent.
#[derive(Debug, PartialEq)]
pub(super) enum Item<'a> {
    /// The runtime is up, since the guest's time stamp counter had this value.
    Ready(u64),
    /// Bytes of STDOUT.
    Stdout(&'a [u8]),
    /// Bytes of STDERR.
    Stderr(&'a [u8]),
    /// How the function ended.
    Exit(Exit, Reason),
}

/// How a guest broke the contract.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// Bytes that are not a frame.
    #[error("{0}")]
    BadFrame(#[from] BadFrame),
    /// A frame of a kind that does not exist.
    #[error("it sent a frame of the unknown kind {0}")]
    UnknownKind(u32),
    /// Something before `Ready`.
    #[error("it sent a frame of kind {0} before it was ready")]
    NotReady(u32),
    /// A second `Ready`.
    #[error("it became ready twice")]
    ReadyTwice,
    /// Another ABI version than that of its image's note.
    #[error("it speaks ABI version {spoken}, but the note of its image names {noted}")]
    OtherAbi {
        /// What it says.
        spoken: u32,
        /// What its image says.
        noted: u32,
    },
    /// A message to be gathered that is longer than any.
    #[error(
        "its message of kind {kind} has {bytes} bytes, but at most {} are allowed",
        frame::MAX_GATHERED_BYTES
    )]
    TooLong {
        /// What it is.
        kind: u32,
        /// Its length.
        bytes: usize,
    },
    /// A message that cannot be read.
    #[error("its message of kind {0} cannot be read")]
    BadMessage(u32),
}

/// Reads frames from a stream, cut anywhere.
#[derive(Debug)]
pub(super) struct Parser {
    state: State,
    header: [u8; MAX_HEADER_BYTES],
    gathered: Vec<u8>,
    is_ready: bool,
    abi_version: u32,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// So many bytes of a header are there.
    Header(usize),
    /// So many bytes of data are still to come.
    Data { kind: u32, left: usize },
    /// A message of so many bytes is being gathered.
    Message { kind: u32, bytes: usize },
}

impl Parser {
    /// Nothing read yet, from a guest whose image names `abi_version`.
    pub(super) fn new(abi_version: u32) -> Self {
        Self {
            state: State::Header(0),
            header: [0; MAX_HEADER_BYTES],
            gathered: Vec::new(),
            is_ready: false,
            abi_version,
        }
    }

    /// Takes the next item from the front of `input`, or all of it without completing one.
    pub(super) fn next<'a>(
        &mut self,
        input: &mut &'a [u8],
    ) -> Result<Option<Item<'a>>, ProtocolError> {
        loop {
            match self.state {
                State::Data { left: 0, .. } => self.state = State::Header(0),
                State::Message { kind, bytes } if self.gathered.len() == bytes => {
                    self.state = State::Header(0);
                    return self.message(kind).map(Some);
                }
                _ if input.is_empty() => return Ok(None),
                State::Header(length) => self.header(length, input)?,
                State::Data { kind, left } => {
                    let data = take(input, left);
                    self.state = State::Data { kind, left: left - data.len() };
                    let stdout = kind == to_host::STDOUT;
                    return Ok(Some(if stdout { Item::Stdout(data) } else { Item::Stderr(data) }));
                }
                State::Message { bytes, .. } => {
                    let missing = bytes - self.gathered.len();
                    self.gathered.extend_from_slice(take(input, missing));
                }
            }
        }
    }

    /// Bytes of a message that are held.
    #[cfg(any(test, fuzzing))]
    pub(super) fn held_bytes(&self) -> usize {
        self.gathered.len()
    }

    /// Takes one byte of a header.
    fn header(&mut self, length: usize, input: &mut &[u8]) -> Result<(), ProtocolError> {
        let slot = self.header.get_mut(length).ok_or(BadFrame::NotOneField)?;
        *slot = take(input, 1)[0];
        let length = length + 1;
        match frame::read_header(&self.header[..length])? {
            None => self.state = State::Header(length),
            Some((header, _)) => self.state = self.begin(header)?,
        }
        Ok(())
    }

    /// What follows a header, if it may follow here.
    fn begin(&mut self, Header { kind, payload_bytes }: Header) -> Result<State, ProtocolError> {
        match kind {
            to_host::READY if self.is_ready => return Err(ProtocolError::ReadyTwice),
            to_host::READY..=to_host::EXIT => {}
            _ => return Err(ProtocolError::UnknownKind(kind)),
        }
        if !self.is_ready && kind != to_host::READY {
            return Err(ProtocolError::NotReady(kind));
        }
        if matches!(kind, to_host::STDOUT | to_host::STDERR) {
            return Ok(State::Data { kind, left: payload_bytes });
        }
        if payload_bytes > frame::MAX_GATHERED_BYTES {
            return Err(ProtocolError::TooLong { kind, bytes: payload_bytes });
        }
        self.gathered.clear();
        Ok(State::Message { kind, bytes: payload_bytes })
    }

    fn message(&mut self, kind: u32) -> Result<Item<'static>, ProtocolError> {
        let bytes = self.gathered.as_slice();
        if kind == to_host::READY {
            let ready = Ready::decode(bytes).map_err(|_| ProtocolError::BadMessage(kind))?;
            let (spoken, noted) = (ready.abi_version, self.abi_version);
            if spoken != noted {
                return Err(ProtocolError::OtherAbi { spoken, noted });
            }
            self.is_ready = true;
            return Ok(Item::Ready(ready.time_stamp));
        }
        let exit = Exit::decode(bytes).map_err(|_| ProtocolError::BadMessage(kind))?;
        let reason = reason(exit.reason).ok_or(ProtocolError::BadMessage(kind))?;
        Ok(Item::Exit(exit, reason))
    }
}

fn take<'a>(input: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (taken, rest) = input.split_at(most.min(input.len()));
    *input = rest;
    taken
}

fn reason(number: i32) -> Option<Reason> {
    use Reason::{Faulted, OutOfMemory, Panicked, Protocol, Returned};
    [Returned, Panicked, Faulted, OutOfMemory, Protocol]
        .into_iter()
        .find(|&reason| reason as i32 == number)
}

#[cfg(test)]
mod tests {
    use ampoule_abi::ABI_VERSION;
    use ampoule_abi::messages::{ToHost, to_host::Kind};
    use proptest::prelude::*;

    use super::*;

    fn frames(kinds: impl IntoIterator<Item = Kind>) -> Vec<u8> {
        kinds
            .into_iter()
            .flat_map(|kind| ToHost { kind: Some(kind) }.encode_length_delimited_to_vec())
            .collect()
    }

    fn ready() -> Kind {
        Kind::Ready(Ready { abi_version: ABI_VERSION, time_stamp: 0 })
    }

    fn exit() -> Kind {
        Kind::Exit(Exit { status: 3, reason: Reason::Returned as i32, ..Exit::default() })
    }

    /// STDOUT, STDERR and the exit status, from bytes that come in pieces of `cut`.
    type Read = (Vec<u8>, Vec<u8>, Option<u32>);
    fn read(bytes: &[u8], cut: usize) -> Result<Read, ProtocolError> {
        let (mut stdout, mut stderr, mut status) = (Vec::new(), Vec::new(), None);
        let mut parser = Parser::new(ABI_VERSION);
        for mut piece in bytes.chunks(cut) {
            while let Some(item) = parser.next(&mut piece)? {
                match item {
                    Item::Ready(_) => {}
                    Item::Stdout(data) => stdout.extend_from_slice(data),
                    Item::Stderr(data) => stderr.extend_from_slice(data),
                    Item::Exit(exit, _) => status = Some(exit.status),
                }
            }
        }
        Ok((stdout, stderr, status))
    }

    #[test]
    fn frames_are_read_however_they_are_cut() {
        let bytes = frames([
            ready(),
            Kind::Stdout(b"out"[..].into()),
            Kind::Stderr(b"err"[..].into()),
            Kind::Stdout(vec![b'x'; 70_000].into()),
            Kind::Stdout(b""[..].into()),
            exit(),
        ]);
        let mut expected = b"out".to_vec();
        expected.resize(70_003, b'x');
        for cut in [1, 2, 3, 7, 4096, bytes.len()] {
            let (stdout, stderr, status) = read(&bytes, cut).expect("well-formed");
            assert_eq!((stdout == expected, &stderr[..], status), (true, &b"err"[..], Some(3)));
        }
    }

    #[test]
    fn order_is_enforced() {
        let refuse = |kinds: Vec<Kind>| read(&frames(kinds), 5).expect_err("out of order");
        assert_eq!(refuse(vec![exit()]), ProtocolError::NotReady(4));
        assert_eq!(refuse(vec![ready(), ready()]), ProtocolError::ReadyTwice);
        let future = Kind::Ready(Ready { abi_version: 7, time_stamp: 0 });
        let expected = ProtocolError::OtherAbi { spoken: 7, noted: ABI_VERSION };
        assert_eq!(refuse(vec![future]), expected);
        let odd = Kind::Exit(Exit { reason: 99, ..Exit::default() });
        assert_eq!(refuse(vec![ready(), odd]), ProtocolError::BadMessage(4));
    }

    #[test]
    fn a_frame_that_is_too_long_is_refused_before_any_of_it_is_gathered() {
        let with = |bytes| {
            let message = "x".repeat(bytes);
            let exit = Exit { status: 3, reason: 1, message, ..Exit::default() };
            frames([ready(), Kind::Exit(exit)])
        };
        // Status and reason, and the message's own header.
        let room = frame::MAX_GATHERED_BYTES - 4 - 4;
        let (_, _, status) = read(&with(room), 4096).expect("it fits");
        assert_eq!(status, Some(3));
        let error = read(&with(room + 1)[..20], 20).expect_err("too long");
        let bytes = frame::MAX_GATHERED_BYTES + 1;
        assert_eq!(error, ProtocolError::TooLong { kind: to_host::EXIT, bytes });
        let error = read(&with(frame::MAX_MESSAGE_BYTES)[..20], 20).expect_err("too long");
        assert!(matches!(error, ProtocolError::BadFrame(BadFrame::TooLong(_))));
    }

    proptest! {
        #[test]
        fn any_bytes_are_items_or_refused(bytes: Vec<u8>, greeted: bool, cut in 1usize..64) {
            let mut stream = if greeted { frames([ready()]) } else { Vec::new() };
            stream.extend(bytes);
            let whole = read(&stream, stream.len().max(1));
            prop_assert_eq!(whole, read(&stream, cut));
        }
    }
}
