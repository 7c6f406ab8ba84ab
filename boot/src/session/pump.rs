//! STDIN, from its reader to the guest's frames.
//!
//! Back-pressure is the blocking write: while the guest does not read, nothing more is read from
//! STDIN, and one buffer is all that is held (SPEC C1).

use std::io::{self, ErrorKind, Read, Write};
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;

use ampoule_abi::frame::{self, DATA_BYTES, Header, MAX_HEADER_BYTES, to_guest};

use super::Event;
use super::traffic::Traffic;

/// Sends `start`, a whole frame, then STDIN, then its end. Returns early, in silence, if the
/// guest is gone: that is for whoever reads its stream to tell.
pub(super) fn pump(
    start: &[u8],
    mut stdin: impl Read,
    mut guest: impl Write,
    traffic: &Traffic,
    events: &Sender<Event>,
) {
    if guest.write_all(start).is_err() {
        return;
    }
    let mut buffer = vec![0; MAX_HEADER_BYTES + DATA_BYTES];
    loop {
        let read = match stdin.read(&mut buffer[MAX_HEADER_BYTES..]) {
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => {
                // Nobody listens any more once the outcome is known.
                let _ = events.send(Event::StdinFailed(error));
                return;
            }
        };
        if send(&mut buffer, read, &mut guest).is_err() || read == 0 {
            return;
        }
        traffic.bytes_in.fetch_add(read as u64, Ordering::Relaxed);
    }
}

/// Sends what was read into `buffer` behind the room for a header, in one write.
fn send(buffer: &mut [u8], payload_bytes: usize, guest: &mut impl Write) -> io::Result<()> {
    let kind = if payload_bytes == 0 { to_guest::STDIN_END } else { to_guest::STDIN };
    let mut room = [0; MAX_HEADER_BYTES];
    let header = frame::write_header(Header { kind, payload_bytes }, &mut room);
    let begin = MAX_HEADER_BYTES - header.len();
    buffer[begin..MAX_HEADER_BYTES].copy_from_slice(header);
    guest.write_all(&buffer[begin..MAX_HEADER_BYTES + payload_bytes])
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Instant;

    use ampoule_abi::messages::{ToGuest, to_guest::Kind};
    use prost::Message;

    use super::*;

    #[test]
    fn stdin_arrives_in_frames_with_an_end() {
        let input: Vec<u8> = (0..200_000u32).map(|n| n as u8).collect();
        let (events, _keep) = mpsc::channel();
        let (traffic, mut sent) = (Traffic::since(Instant::now()), Vec::new());
        pump(b"", &input[..], &mut sent, &traffic, &events);
        let (mut received, mut rest) = (Vec::new(), &sent[..]);
        let end = loop {
            match ToGuest::decode_length_delimited(&mut rest).expect("a frame").kind {
                Some(Kind::Stdin(bytes)) => received.extend_from_slice(&bytes),
                other => break other,
            }
        };
        assert!(matches!(end, Some(Kind::StdinEnd(_))) && rest.is_empty());
        assert_eq!(received, input);
        assert_eq!(traffic.bytes_in.load(Ordering::Relaxed), 200_000);
    }

    #[test]
    fn a_guest_that_is_gone_is_no_event() {
        struct Gone;
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (events, received) = mpsc::channel();
        pump(b"start", &b"input"[..], Gone, &Traffic::since(Instant::now()), &events);
        assert!(received.try_recv().is_err());
    }
}
