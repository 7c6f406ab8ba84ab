//! The guest's frames, read incrementally (SPEC C6).
//!
//! Pure, and the guest is hostile: any bytes in any cut give items or the first error. Data is
//! handed on as it streams by; only headers and the two small messages are gathered.

use ampoule_abi::exit::Reason;
use ampoule_abi::frame::{self, BadFrame, Header, to_host};
use ampoule_abi::messages::{Exit, Ready};
use ampoule_abi::{ABI_VERSION, wire};
use prost::Message;

/// Room for any header that a guest may send: three varints, however wastefully written.
const MAX_HEADER_BYTES: usize = 3 * wire::MAX_VARINT_BYTES;

/// Longest `Ready` or `Exit` that is gathered, in bytes: generous, since fields may be added.
const MAX_GATHERED_BYTES: usize = frame::DATA_BYTES;

/// What a guest sent.
#[derive(Debug, PartialEq)]
pub(super) enum Item<'a> {
    /// The runtime is up.
    Ready,
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
    /// An ABI version that this launcher does not know.
    #[error("it speaks ABI version {0}, and this launcher version {ABI_VERSION}")]
    UnknownAbi(u32),
    /// A message that cannot be gathered.
    #[error("its message of kind {kind} is {bytes} bytes long, more than {MAX_GATHERED_BYTES}")]
    MessageTooLong {
        /// The frame's kind.
        kind: u32,
        /// Its payload.
        bytes: usize,
    },
    /// A message that cannot be read.
    #[error("its message of kind {0} cannot be read")]
    BadMessage(u32),
    /// Bytes after `Exit`.
    #[error("it sent bytes after its exit message")]
    AfterExit,
}

/// Reads frames from a stream, cut anywhere.
#[derive(Debug)]
pub(super) struct Parser {
    state: State,
    header: [u8; MAX_HEADER_BYTES],
    gathered: Vec<u8>,
    is_ready: bool,
    has_exited: bool,
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
    pub(super) fn new() -> Self {
        Self {
            state: State::Header(0),
            header: [0; MAX_HEADER_BYTES],
            gathered: Vec::new(),
            is_ready: false,
            has_exited: false,
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

    /// Takes one byte of a header.
    fn header(&mut self, length: usize, input: &mut &[u8]) -> Result<(), ProtocolError> {
        if self.has_exited {
            return Err(ProtocolError::AfterExit);
        }
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
        if payload_bytes > MAX_GATHERED_BYTES {
            return Err(ProtocolError::MessageTooLong { kind, bytes: payload_bytes });
        }
        self.gathered.clear();
        Ok(State::Message { kind, bytes: payload_bytes })
    }

    fn message(&mut self, kind: u32) -> Result<Item<'static>, ProtocolError> {
        let bytes = self.gathered.as_slice();
        if kind == to_host::READY {
            let ready = Ready::decode(bytes).map_err(|_| ProtocolError::BadMessage(kind))?;
            if !(ABI_VERSION.saturating_sub(1).max(1)..=ABI_VERSION).contains(&ready.abi_version) {
                return Err(ProtocolError::UnknownAbi(ready.abi_version));
            }
            self.is_ready = true;
            return Ok(Item::Ready);
        }
        let exit = Exit::decode(bytes).map_err(|_| ProtocolError::BadMessage(kind))?;
        let reason = reason(exit.reason).ok_or(ProtocolError::BadMessage(kind))?;
        self.has_exited = true;
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
        Kind::Ready(Ready { abi_version: ABI_VERSION })
    }

    fn exit() -> Kind {
        Kind::Exit(Exit { status: 3, reason: Reason::Returned as i32, ..Exit::default() })
    }

    /// STDOUT, STDERR and the exit status, from bytes that come in pieces of `cut`.
    type Read = (Vec<u8>, Vec<u8>, Option<u32>);
    fn read(bytes: &[u8], cut: usize) -> Result<Read, ProtocolError> {
        let (mut stdout, mut stderr, mut status) = (Vec::new(), Vec::new(), None);
        let mut parser = Parser::new();
        for mut piece in bytes.chunks(cut) {
            while let Some(item) = parser.next(&mut piece)? {
                match item {
                    Item::Ready => {}
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
        assert_eq!(refuse(vec![ready(), exit(), exit()]), ProtocolError::AfterExit);
        let future = Kind::Ready(Ready { abi_version: 7 });
        assert_eq!(refuse(vec![future]), ProtocolError::UnknownAbi(7));
        let odd = Kind::Exit(Exit { reason: 99, ..Exit::default() });
        assert_eq!(refuse(vec![ready(), odd]), ProtocolError::BadMessage(4));
    }

    #[test]
    fn a_long_message_is_refused_before_it_is_gathered() {
        let message = "x".repeat(MAX_GATHERED_BYTES);
        let long = Kind::Exit(Exit { reason: 1, message, ..Exit::default() });
        let bytes = frames([ready(), long]);
        let error = read(&bytes[..20], 20).expect_err("too long");
        assert!(matches!(error, ProtocolError::MessageTooLong { kind: 4, .. }));
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
