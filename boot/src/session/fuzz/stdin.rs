//! STDIN, from whoever reads it to the guest that does.

use std::io::{self, ErrorKind, Read};
use std::sync::Arc;
use std::time::Instant;

use ampoule_abi::frame::{DATA_BYTES, read_header, to_guest};

use super::model::{Frame, frame};
use crate::fuzz::Choices;
use crate::fuzz::guest::incoming::{Incoming, Source};
use crate::session::traffic::Traffic;
use crate::session::{Input, Peek};

/// STDIN whose reads are as long as it is told, or interrupted.
struct Trickle<'a> {
    left: &'a [u8],
    lengths: &'a [u8],
    reads: usize,
}

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.lengths.get(self.reads % self.lengths.len().max(1)).copied();
        self.reads += 1;
        let most = match length {
            // Every other time, so that it goes on.
            Some(0) if self.reads % 2 == 1 => return Err(ErrorKind::Interrupted.into()),
            Some(0) | None => buffer.len(),
            Some(length) => buffer.len().min(length.into()),
        };
        let (now, later) = self.left.split_at(most.min(self.left.len()));
        buffer[..now.len()].copy_from_slice(now);
        self.left = later;
        Ok(now.len())
    }
}

/// STDIN as a guest reads it: any reads, into any buffers.
pub fn input(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let (may_peek, start_bytes) = (choices.byte() & 1 != 0, choices.byte());
    let lengths = choices.bytes(8);
    let rooms = choices.long().to_le_bytes();
    let start = (start_bytes > 0).then(|| choices.bytes(start_bytes.into()));
    let stdin = choices.rest();
    let trickle = Trickle { left: stdin, lengths, reads: 0 };
    let traffic = Arc::new(Traffic::since(Instant::now()));
    let mut input = Input::new(trickle, Peek(Box::new(move || may_peek)), traffic);
    if let Some(start) = start {
        input.begin_with(start);
    }
    let mut sent = Vec::new();
    for &room in rooms.iter().cycle() {
        let room = if room == u8::MAX { DATA_BYTES + 64 } else { usize::from(room) + 1 };
        let mut buffer = vec![0xa5; room];
        match input.fill(&mut buffer) {
            Ok(0) => break,
            Ok(bytes) => sent.extend_from_slice(&buffer[..bytes]),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Interrupted),
        }
    }
    assert_received(&sent, start, stdin);
    let source = Pieces { bytes: &sent, lengths: &[u8::MAX], begun: 0 };
    let (first, received, _) = receive(source, start.is_some());
    assert!(first == start.map(<[u8]>::to_vec) && received == stdin);
}

fn assert_received(mut sent: &[u8], start: Option<&[u8]>, stdin: &[u8]) {
    let (mut first, mut received) = (None, Vec::new());
    loop {
        let (header, length) = read_header(sent).expect("a frame").expect("all of its header");
        let (payload, rest) = sent[length..].split_at(header.payload_bytes);
        sent = rest;
        match header.kind {
            to_guest::START => {
                assert!(first.is_none() && received.is_empty());
                first = Some(payload);
            }
            to_guest::STDIN => {
                assert!(!payload.is_empty() && payload.len() <= DATA_BYTES);
                received.extend_from_slice(payload);
            }
            to_guest::STDIN_END => break assert!(payload.is_empty() && sent.is_empty()),
            other => panic!("kind {other}"),
        }
    }
    assert!(first == start && received == stdin);
}

/// A launcher's bytes, in pieces of lengths that repeat; zeros without an end when there are no more.
struct Pieces<'a> {
    bytes: &'a [u8],
    lengths: &'a [u8],
    begun: usize,
}

impl Source for Pieces<'_> {
    fn bytes(&mut self) -> &[u8] {
        let length = match self.lengths[self.begun % self.lengths.len()] {
            u8::MAX => self.bytes.len(),
            length => self.bytes.len().min(usize::from(length) + 1),
        };
        if self.bytes.is_empty() { &[0; 4096] } else { &self.bytes[..length] }
    }

    fn consume(&mut self, amount: usize) {
        self.bytes = self.bytes.get(amount..).unwrap_or_default();
        self.begun += 1;
    }
}

/// Bytes of `Start`, of STDIN, and whether all was well.
type Received = (Option<Vec<u8>>, Vec<u8>, bool);

/// What a guest makes of them.
fn receive(mut source: Pieces<'_>, has_start: bool) -> Received {
    let (mut incoming, mut start, mut stdin) = (Incoming::new(), None, Vec::new());
    if has_start {
        let Ok(length) = incoming.start(&mut source) else { return (None, stdin, false) };
        let mut message = Vec::new();
        while message.len() < length {
            let bytes = source.bytes();
            let now = bytes.len().min(length - message.len());
            message.extend_from_slice(&bytes[..now]);
            source.consume(now);
        }
        start = Some(message);
    }
    loop {
        match incoming.input(&mut source) {
            Err(_) => return (start, stdin, false),
            Ok([]) => return (start, stdin, true),
            Ok(bytes) => {
                stdin.extend_from_slice(bytes);
                let amount = bytes.len();
                incoming.consume(amount, &mut source);
            }
        }
    }
}

/// Any bytes from a launcher, cut anywhere, as a guest reads them.
pub fn incoming(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let has_start = choices.byte() & 1 == 1;
    let lengths = choices.long().to_le_bytes();
    let bytes = choices.rest();
    let Some(expected) = expected(bytes, has_start) else { return };
    let whole = receive(Pieces { bytes, lengths: &[u8::MAX], begun: 0 }, has_start);
    assert!(
        whole == receive(Pieces { bytes, lengths: &lengths, begun: 0 }, has_start),
        "cut otherwise"
    );
    assert!(whole == expected);
}

/// The same in one go; `None` if a frame is longer than it is worth waiting for.
fn expected(bytes: &[u8], has_start: bool) -> Option<Received> {
    // A header that was begun is over after these, or wrong.
    let padded = [bytes, &[0; 32]].concat();
    let (mut stream, mut start, mut stdin) = (&padded[..], None, Vec::new());
    loop {
        let Ok(Some(Frame { kind, length, payload, rest })) = frame(stream) else {
            return Some((start, stdin, false));
        };
        if length > DATA_BYTES {
            return None;
        }
        let payload = [payload, &vec![0; length - payload.len()]].concat();
        stream = rest.unwrap_or(&[0]);
        match u32::try_from(kind) {
            Ok(to_guest::START) if has_start && start.is_none() => start = Some(payload),
            _ if has_start && start.is_none() => return Some((None, stdin, false)),
            Ok(to_guest::STDIN) => stdin.extend(payload),
            Ok(to_guest::STDIN_END) if payload.is_empty() => return Some((start, stdin, true)),
            _ => return Some((start, stdin, false)),
        }
    }
}
