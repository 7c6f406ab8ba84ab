//! Whole calls against scripted guests.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use ampoule_abi::ABI_VERSION;
use ampoule_abi::exit::Reason as ExitReason;
use ampoule_abi::messages::{Exit, Ready, ToGuest, ToHost, to_guest, to_host::Kind};
use proptest::prelude::*;
use prost::Message;

use crate::backend::{Backend, fake::Fake};
use crate::guest::GuestEnd;
use crate::host::AccelChoice;
use crate::image::{
    Image,
    sample::{DATA, Sample},
};
use crate::outcome::{Outcome, Reason};
use crate::session::StopCause;
use crate::{Call, Error};

/// A sink whose contents can be seen from outside.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn contents(&self) -> Vec<u8> {
        self.0.lock().expect("no writer panicked").clone()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer panicked").write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn call(script: impl Fn(UnixStream) -> GuestEnd + Send + Sync + 'static) -> Call {
    let image = Image::from_bytes(Sample::default().build()).expect("a good image");
    Call::new(image).backend(Backend::Fake(Fake::new(script))).accel(AccelChoice::Tcg)
}

fn run(script: impl Fn(UnixStream) -> GuestEnd + Send + Sync + 'static) -> Outcome {
    call(script).run(io::empty(), io::sink(), io::sink()).expect("an outcome")
}

fn send(mut stream: &UnixStream, kind: Kind) {
    let frame = ToHost { kind: Some(kind) }.encode_length_delimited_to_vec();
    let _ = stream.write_all(&frame);
}

fn ready() -> Kind {
    Kind::Ready(Ready { abi_version: ABI_VERSION, time_stamp: 0 })
}

fn exit(status: u32, reason: ExitReason) -> Kind {
    Kind::Exit(Exit { status, reason: reason as i32, ..Exit::default() })
}

/// Reads one frame of the launcher.
fn receive(mut stream: &UnixStream) -> Option<to_guest::Kind> {
    let (mut length, mut byte) = (0usize, [0x80]);
    for shift in (0..).step_by(7) {
        stream.read_exact(&mut byte).ok()?;
        length |= usize::from(byte[0] & 0x7f) << shift;
        if byte[0] < 0x80 {
            break;
        }
    }
    let mut message = vec![0; length];
    stream.read_exact(&mut message).ok()?;
    ToGuest::decode(&message[..]).ok()?.kind
}

/// Blocks until the launcher hangs up.
fn hang(mut stream: &UnixStream) {
    let _ = io::copy(&mut stream, &mut io::sink());
}

#[test]
fn an_echo_returns_what_it_was_given_and_the_start_says_what_it_must() {
    let echo = |stream: UnixStream| {
        send(&stream, ready());
        let Some(to_guest::Kind::Start(start)) = receive(&stream) else {
            return GuestEnd::Failed("no start".to_owned());
        };
        assert_eq!(start.arguments, [&b"sample"[..], b"-x"]);
        assert!(start.variables.iter().any(|v| v.name == "A" && v.value == "1"));
        assert_eq!(start.randomness.len(), 32);
        while let Some(to_guest::Kind::Stdin(bytes)) = receive(&stream) {
            send(&stream, Kind::Stdout(bytes));
        }
        send(&stream, Kind::Stderr(b"done\n"[..].into()));
        send(&stream, exit(7, ExitReason::Returned));
        hang(&stream);
        GuestEnd::Reset
    };
    let input: Vec<u8> = (0..1_000_000u32).map(|n| (n * 7) as u8).collect();
    let (stdout, stderr) = (Sink::default(), Sink::default());
    let outcome = call(echo)
        .args(["-x"])
        .env("A", "1")
        .run(io::Cursor::new(input.clone()), stdout.clone(), stderr.clone())
        .expect("an outcome");
    assert_eq!((outcome.exit_code, outcome.reason), (7, Reason::Returned));
    assert!(stdout.contents() == input && stderr.contents() == b"done\n");
    assert_eq!((outcome.bytes_in, outcome.bytes_out, outcome.bytes_err), (1_000_000, 1_000_000, 5));
    let phases = outcome.phases;
    assert!(phases.ready.is_some() && phases.ready <= phases.first_byte);
    assert!(phases.first_byte <= phases.last_byte);
    assert!(phases.last_byte <= phases.exit);
}

#[test]
fn a_function_that_never_reads_finishes_while_input_is_offered() {
    let outcome = call(|stream| {
        send(&stream, ready());
        send(&stream, exit(0, ExitReason::Returned));
        hang(&stream);
        GuestEnd::Reset
    })
    .run(io::repeat(b'x'), io::sink(), io::sink());
    assert_eq!(outcome.expect("an outcome").exit_code, 0);
}

#[test]
fn a_deadline_ends_a_silent_guest_and_one_whose_reader_is_stuck() {
    struct Stuck;
    impl Write for Stuck {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            loop {
                thread::park();
            }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let began = Instant::now();
    let outcome = call(|stream| {
        send(&stream, ready());
        send(&stream, Kind::Stdout(b"x"[..].into()));
        hang(&stream);
        GuestEnd::Reset
    })
    .timeout(Duration::from_millis(50))
    .run(io::empty(), Stuck, io::sink())
    .expect("an outcome");
    assert_eq!((outcome.exit_code, outcome.reason), (124, Reason::DeadlineExceeded));
    assert!(outcome.message.expect("a message").contains("50ms"));
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_machine_that_ends_without_an_exit_message_never_succeeded() {
    let end = |end: GuestEnd| {
        run(move |stream| {
            send(&stream, ready());
            end.clone()
        })
    };
    assert_eq!(end(GuestEnd::Reset).exit_code, 134);
    let stuck = end(GuestEnd::Stuck("emulation".to_owned()));
    assert_eq!(stuck.exit_code, 125);
    assert!(stuck.message.expect("a message").contains("--accel tcg"));
    let failed = end(GuestEnd::Failed("exit status 1".to_owned()));
    assert_eq!(failed.exit_code, 125);
    assert!(failed.message.expect("a message").contains("exit status 1"));
    // Half a frame is no exit either.
    let half = run(|stream| {
        send(&stream, ready());
        let _ = (&stream).write_all(&[9, 0x22, 7, 0x08]);
        GuestEnd::Reset
    });
    assert_eq!(half.reason, Reason::MachineReset);
}

#[test]
fn a_broken_protocol_is_the_launcher_s_failure() {
    let outcome = run(|stream| {
        send(&stream, exit(0, ExitReason::Returned));
        hang(&stream);
        GuestEnd::Reset
    });
    assert_eq!((outcome.exit_code, outcome.reason), (125, Reason::ProtocolError));
    let outcome = run(|stream| {
        send(&stream, Kind::Ready(Ready { abi_version: ABI_VERSION + 1, time_stamp: 0 }));
        hang(&stream);
        GuestEnd::Reset
    });
    assert_eq!((outcome.exit_code, outcome.reason), (125, Reason::ProtocolError));
    assert!(outcome.message.expect("a message").contains("the note of its image names 1"));
}

#[test]
fn what_follows_an_exit_message_is_ignored() {
    let outcome = run(|stream| {
        send(&stream, ready());
        let frame = ToHost { kind: Some(exit(3, ExitReason::Returned)) };
        let mut bytes = frame.encode_length_delimited_to_vec();
        bytes.extend([0; 9]);
        let _ = (&stream).write_all(&bytes);
        hang(&stream);
        GuestEnd::Reset
    });
    assert_eq!((outcome.exit_code, outcome.reason), (3, Reason::Returned));
}

/// Closes its stream and stays until `gate` opens, which it does with the test.
fn half_gone(gate: mpsc::Receiver<()>) -> impl Fn(UnixStream) -> GuestEnd + Send + Sync {
    let gate = Mutex::new(gate);
    move |stream| {
        let _ = stream.shutdown(std::net::Shutdown::Both);
        let _ = gate.lock().expect("one guest").recv();
        GuestEnd::Reset
    }
}

#[test]
fn a_machine_that_outlives_its_stream_does_not_outlive_a_deadline_or_a_signal() {
    let (_open, gate) = mpsc::channel();
    let late = call(half_gone(gate)).timeout(Duration::from_millis(50));
    let late = late.run(io::empty(), io::sink(), io::sink()).expect("an outcome");
    assert_eq!((late.exit_code, late.reason), (124, Reason::DeadlineExceeded));
    let (_open, gate) = mpsc::channel();
    let stopped = call(half_gone(gate));
    assert!(stopped.stopper().stop(StopCause::Terminated));
    let stopped = stopped.run(io::empty(), io::sink(), io::sink()).expect("an outcome");
    assert_eq!(stopped.exit_code, 143);
}

#[test]
fn a_call_that_is_over_is_not_stopped() {
    let call = call(|stream| {
        send(&stream, ready());
        send(&stream, exit(0, ExitReason::Returned));
        GuestEnd::Reset
    });
    let stopper = call.stopper();
    let outcome = call.run(io::empty(), io::sink(), io::sink()).expect("an outcome");
    assert_eq!(outcome.exit_code, 0);
    assert!(!stopper.stop(StopCause::Interrupted));
}

#[test]
fn a_call_is_stopped_once() {
    let (_open, gate) = mpsc::channel();
    let call = call(half_gone(gate));
    let stopper = call.stopper();
    assert!(stopper.stop(StopCause::Interrupted) && !stopper.stop(StopCause::Terminated));
    let outcome = call.run(io::empty(), io::sink(), io::sink()).expect("an outcome");
    assert_eq!(outcome.exit_code, 130);
}

#[test]
fn a_reader_that_leaves_ends_the_call_quietly() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let chatter = |stream: UnixStream| {
        send(&stream, ready());
        send(&stream, Kind::Stderr(b"x"[..].into()));
        send(&stream, Kind::Stdout(b"x"[..].into()));
        hang(&stream);
        GuestEnd::Reset
    };
    let outcome = call(chatter).run(io::empty(), Closed, io::sink()).expect("an outcome");
    assert_eq!((outcome.exit_code, outcome.message), (141, None));
    // A reader of STDERR that leaves does not end anything by itself.
    let outcome = call(|stream: UnixStream| {
        send(&stream, ready());
        send(&stream, Kind::Stderr(b"x"[..].into()));
        send(&stream, exit(0, ExitReason::Returned));
        hang(&stream);
        GuestEnd::Reset
    })
    .run(io::empty(), io::sink(), Closed);
    assert_eq!(outcome.expect("an outcome").exit_code, 0);
}

#[test]
fn a_call_can_be_stopped_from_another_thread() {
    for (cause, exit_code) in [(StopCause::Interrupted, 130), (StopCause::Terminated, 143)] {
        let call = call(|stream| {
            send(&stream, ready());
            hang(&stream);
            GuestEnd::Reset
        });
        let stopper = call.stopper();
        assert!(stopper.stop(cause));
        let (blocked, _writer) = io::pipe().expect("a pipe");
        let outcome = call.run(blocked, io::sink(), io::sink()).expect("an outcome");
        assert_eq!(outcome.exit_code, exit_code);
        assert!(!stopper.stop(cause), "nobody is there any more");
    }
}

#[test]
fn stdin_that_cannot_be_read_is_named() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::IsADirectory.into())
        }
    }
    let outcome = call(|stream| {
        hang(&stream);
        GuestEnd::Reset
    })
    .run(Broken, io::sink(), io::sink())
    .expect("an outcome");
    assert_eq!((outcome.exit_code, outcome.reason), (125, Reason::StdinFailed));
}

#[test]
fn a_request_that_makes_no_sense_starts_nothing() {
    let refused = |call: Call| {
        call.run(io::empty(), io::sink(), io::sink()).expect_err("refused").exit_code()
    };
    let idle = || call(|_| GuestEnd::Reset);
    assert_eq!(refused(idle().memory_bytes(5 << 20)), 125);
    let mut large = Sample::default();
    large.programs[DATA].p_memsz = (4u64 << 20).into();
    let large = Call::new(Image::from_bytes(large.build()).expect("a good image"));
    assert_eq!(refused(large.memory_bytes(4 << 20)), 125);
    assert_eq!(refused(idle().env("FN_NAME", "x")), 125);
    assert_eq!(refused(idle().args(["a\0b"])), 125);
    assert_eq!(Error::Image(crate::image::ImageError::NotElf).exit_code(), 126);
}

#[test]
fn output_is_seen_while_the_function_runs() {
    let (go, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let call = call(move |stream| {
        send(&stream, ready());
        send(&stream, Kind::Stdout(b"first\n"[..].into()));
        let _ = gate.lock().expect("one guest").recv();
        send(&stream, exit(0, ExitReason::Returned));
        hang(&stream);
        GuestEnd::Reset
    });
    let (mut seen, sink) = io::pipe().expect("a pipe");
    let caller = thread::spawn(move || call.run(io::empty(), sink, io::sink()));
    let mut line = [0; 6];
    seen.read_exact(&mut line).expect("a line before the end");
    assert_eq!(&line, b"first\n");
    go.send(()).expect("the guest waits");
    let outcome = caller.join().expect("no panic").expect("an outcome");
    assert_eq!(outcome.exit_code, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_bytes_of_a_guest_end_in_an_outcome(bytes: Vec<u8>, greeted: bool) {
        let outcome = run(move |stream| {
            if greeted {
                send(&stream, ready());
            }
            let _ = (&stream).write_all(&bytes);
            GuestEnd::Reset
        });
        prop_assert!(outcome.exit_code != 0);
    }
}
