//! STDIN, from its reader to the guest's frames (SPEC C1, C6).
//!
//! Whoever passes on what is made here asks for more only when the guest has room for it, and
//! nothing is held but what a caller's buffer has no room for.

use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ampoule_abi::frame::{self, DATA_BYTES, Header, MAX_HEADER_BYTES, to_guest};

use super::traffic::Traffic;

/// A buffer that is smaller than this is filled from another one.
const LEAST_BYTES: usize = 64;

/// A read of more than this is a long one: what follows it goes into a buffer of its own.
const SHORT_BYTES: usize = 4096;

/// The bytes that a guest receives.
#[derive(Debug)]
pub(crate) struct Input<I> {
    stdin: I,
    /// Bytes that go before anything else, and how many of them went.
    held: Vec<u8>,
    gone: usize,
    has_begun: bool,
    has_ended: bool,
    /// What reading ahead came upon.
    failed: Option<io::Error>,
    /// Whether the last read was a long one.
    is_long: bool,
    peek: Peek,
    traffic: Arc<Traffic>,
}

/// Tells whether STDIN can be read without waiting.
pub(crate) struct Peek(pub(crate) Box<dyn Fn() -> bool + Send>);

impl Default for Peek {
    fn default() -> Self {
        Self(Box::new(|| false))
    }
}

impl fmt::Debug for Peek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Peek")
    }
}

impl<I: Read> Input<I> {
    /// STDIN alone; see [`Input::begin_with`] for what goes before.
    pub(crate) fn new(stdin: I, peek: Peek, traffic: Arc<Traffic>) -> Self {
        Self {
            stdin,
            held: Vec::new(),
            gone: 0,
            has_begun: false,
            has_ended: false,
            failed: None,
            is_long: false,
            peek,
            traffic,
        }
    }

    /// Has the message `Start` go before anything else.
    pub(crate) fn begin_with(&mut self, start: &[u8]) {
        let header = Header { kind: to_guest::START, payload_bytes: start.len() };
        self.hold([frame::write_header(header, &mut [0; MAX_HEADER_BYTES]), start].concat());
    }

    fn hold(&mut self, bytes: Vec<u8>) {
        self.held = bytes;
        self.gone = 0;
    }

    /// Whether anything of STDIN was asked for: then no other guest can have it from the start.
    pub(crate) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Whether [`Input::fill`] would surely not wait.
    pub(crate) fn is_ready(&self) -> bool {
        self.gone < self.held.len() || self.failed.is_some() || self.has_ended || (self.peek.0)()
    }

    /// Whether there is more to [`fill`](Input::fill) with after a long read, without waiting.
    pub(crate) fn flows(&self) -> bool {
        self.is_long && !self.has_ended && self.failed.is_none() && (self.peek.0)()
    }

    /// Puts whole frames, or the next part of one, into `buffer`, which is not empty; the number
    /// of bytes, 0 once there is nothing more. Waits for STDIN; an interrupted wait is an error of
    /// the kind `Interrupted` and loses nothing.
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.gone < self.held.len() {
            return Ok(self.pass_on(buffer));
        }
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if self.has_ended {
            return Ok(0);
        }
        if buffer.len() >= LEAST_BYTES {
            let bytes = self.frame(buffer)?;
            return Ok(bytes + self.frame_ahead(&mut buffer[bytes..], bytes));
        }
        let mut room = [0; LEAST_BYTES];
        let bytes = self.frame(&mut room)?;
        self.hold(room[..bytes].to_vec());
        Ok(self.pass_on(buffer))
    }

    fn pass_on(&mut self, buffer: &mut [u8]) -> usize {
        let rest = &self.held[self.gone..];
        let bytes = rest.len().min(buffer.len());
        buffer[..bytes].copy_from_slice(&rest[..bytes]);
        self.gone += bytes;
        bytes
    }

    /// What can be read without waiting after a short read of `before` bytes: often the end, which
    /// a guest need not wait for again then. The number of bytes.
    fn frame_ahead(&mut self, buffer: &mut [u8], before: usize) -> usize {
        let is_short = before <= SHORT_BYTES && buffer.len() >= LEAST_BYTES;
        if !is_short || self.has_ended || !(self.peek.0)() {
            return 0;
        }
        match self.frame(buffer) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.fail_later(error);
                0
            }
        }
    }

    /// Has what reading ahead came upon told in its turn, unless that is a signal.
    pub(crate) fn fail_later(&mut self, error: io::Error) {
        self.failed = Some(error).filter(|error| error.kind() != ErrorKind::Interrupted);
    }

    /// One frame of what a single read gives, read into its place.
    fn frame(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.has_begun = true;
        let longest = DATA_BYTES.min(buffer.len() - MAX_HEADER_BYTES);
        // The header that the longest frame has; shorter ones are moved, and do not take long.
        let start = header(longest, &mut [0; MAX_HEADER_BYTES]).len();
        let read = self.stdin.read(&mut buffer[start..start + longest])?;
        let mut room = [0; MAX_HEADER_BYTES];
        let header = header(read, &mut room);
        buffer.copy_within(start..start + read, header.len());
        buffer[..header.len()].copy_from_slice(header);
        self.has_ended = read == 0;
        self.is_long = read > SHORT_BYTES;
        self.traffic.bytes_in.fetch_add(read as u64, Ordering::Relaxed);
        Ok(header.len() + read)
    }
}

/// The header of a frame with that much of STDIN; none is its end.
fn header(payload_bytes: usize, room: &mut [u8; MAX_HEADER_BYTES]) -> &[u8] {
    let kind = if payload_bytes == 0 { to_guest::STDIN_END } else { to_guest::STDIN };
    frame::write_header(Header { kind, payload_bytes }, room)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use ampoule_abi::messages::{ToGuest, to_guest::Kind};
    use prost::Message;

    use super::*;

    fn input(stdin: &[u8]) -> Input<&[u8]> {
        Input::new(stdin, Peek::default(), Arc::new(Traffic::since(Instant::now())))
    }

    #[test]
    fn a_short_input_and_its_end_arrive_together_if_both_are_there() {
        let traffic = Arc::new(Traffic::since(Instant::now()));
        let mut input = Input::new(&b"short"[..], Peek(Box::new(|| true)), traffic);
        let mut buffer = [0; 200];
        let bytes = input.fill(&mut buffer).expect("bytes");
        assert_eq!(&buffer[..bytes], b"\x07\x12\x05short\x02\x1a\x00");
        assert_eq!(input.fill(&mut buffer).expect("nothing"), 0);
    }

    #[test]
    fn what_goes_wrong_ahead_is_told_in_its_turn() {
        struct Breaks(bool);
        impl Read for Breaks {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                if std::mem::replace(&mut self.0, true) {
                    return Err(ErrorKind::Other.into());
                }
                buffer[0] = b'x';
                Ok(1)
            }
        }
        let traffic = Arc::new(Traffic::since(Instant::now()));
        let mut input = Input::new(Breaks(false), Peek(Box::new(|| true)), traffic);
        assert_eq!(input.fill(&mut [0; 200]).expect("one byte in a frame"), 4);
        assert!(input.fill(&mut [0; 200]).is_err());
    }

    #[test]
    fn long_reads_flow_until_the_end_and_none_that_would_wait() {
        let stdin = [7; SHORT_BYTES + 1 + 3];
        let mut waiting = input(&stdin);
        let traffic = Arc::new(Traffic::since(Instant::now()));
        let mut input = Input::new(&stdin[..], Peek(Box::new(|| true)), traffic);
        assert!(!input.flows(), "nobody has asked for anything");
        let mut buffer = [0; SHORT_BYTES + 1 + MAX_HEADER_BYTES];
        let mut fill = |input: &mut Input<&[u8]>| input.fill(&mut buffer).expect("bytes");
        assert!(fill(&mut waiting) > SHORT_BYTES && !waiting.flows());
        assert!(fill(&mut input) > SHORT_BYTES && input.flows());
        input.fail_later(ErrorKind::Interrupted.into());
        assert!(input.flows());
        fill(&mut input);
        assert!(!input.flows(), "a short read has its successor with it");
        assert_eq!(fill(&mut input), 0);
        input.fail_later(ErrorKind::Other.into());
        assert!(!input.flows() && input.fill(&mut [0; 200]).is_err());
    }

    #[test]
    fn stdin_arrives_in_frames_with_an_end_whatever_the_buffer() {
        let stdin: Vec<u8> = (0..200_000u32).map(|n| n as u8).collect();
        for room in [1, 7, 63, 64, 65, 200, 4096, 16_390, DATA_BYTES, DATA_BYTES + 4096] {
            let mut input = input(&stdin);
            let (mut sent, mut buffer) = (Vec::new(), vec![0; room]);
            loop {
                match input.fill(&mut buffer).expect("memory does not fail") {
                    0 => break,
                    bytes => sent.extend(&buffer[..bytes]),
                }
            }
            let (mut received, mut rest) = (Vec::new(), &sent[..]);
            let end = loop {
                match ToGuest::decode_length_delimited(&mut rest).expect("a frame").kind {
                    Some(Kind::Stdin(bytes)) => received.extend_from_slice(&bytes),
                    other => break other,
                }
            };
            assert!(matches!(end, Some(Kind::StdinEnd(_))) && rest.is_empty(), "{room}");
            assert!(received == stdin, "{room}");
            assert_eq!(input.traffic.bytes_in.load(Ordering::Relaxed), 200_000);
        }
    }

    #[test]
    fn what_goes_first_goes_before_stdin_is_asked_for() {
        let mut input = input(b"x");
        input.begin_with(b"start");
        let mut buffer = [0; 5];
        assert_eq!(input.fill(&mut buffer).expect("bytes"), 5);
        assert_eq!(input.fill(&mut buffer).expect("bytes"), 3);
        assert_eq!(&buffer[..3], b"art");
        assert!(!input.has_begun());
        assert!(input.fill(&mut buffer).is_ok_and(|bytes| bytes > 0) && input.has_begun());
    }
}
