//! The stream of a call, as frames over the console (SPEC C6).

use core::sync::atomic::{AtomicBool, Ordering};

use alloc::vec::Vec;
use ampoule_abi::ABI_VERSION;
use ampoule_abi::exit::{self, Reason};
use ampoule_abi::frame::{DATA_BYTES, Header, MAX_HEADER_BYTES, to_host, write_header};
use ampoule_abi::ready;

use super::arch::{abandon, time_stamp, wait_for_interrupt};
use super::incoming::{Incoming, Source};
use super::raw::Raw;
use super::single::Single;
use super::virtio::Console;
use crate::io::{self, Stream as Output};

static CALL: Single<Option<Call>> = Single::new(None);
static STDIN_TAKEN: AtomicBool = AtomicBool::new(false);

/// One call's stream.
enum Call {
    Frames(Frames),
    Raw(Raw),
}

/// A stream of frames.
struct Frames {
    console: Console,
    incoming: Incoming,
    /// Whether a frame is on its way: one that a fault cuts off can have no other after it.
    sending: bool,
}

impl Frames {
    fn put_header(&mut self, kind: u32, payload: &[u8]) {
        let mut buffer = [0; MAX_HEADER_BYTES];
        let header = write_header(Header { kind, payload_bytes: payload.len() }, &mut buffer);
        self.console.put(header);
    }

    fn send(&mut self, kind: u32, payload: &[u8]) {
        if core::mem::replace(&mut self.sending, true) {
            abandon();
        }
        self.put_header(kind, payload);
        self.console.send(payload);
        self.sending = false;
    }

    /// Says that the runtime is up.
    fn greet(&mut self) {
        let mut buffer = [0; ready::MAX_BYTES];
        let message = ready::write(ABI_VERSION, time_stamp(), &mut buffer);
        self.put_header(to_host::READY, message);
        self.console.put(message);
        self.console.flush_in_passing();
    }

    fn receive_start(&mut self) -> Result<&'static [u8], &'static str> {
        let length = self.incoming.start(&mut self.console)?;
        let mut message = Vec::with_capacity(length);
        while message.len() < length {
            let bytes = self.console.bytes();
            let now = bytes.len().min(length - message.len());
            message.extend_from_slice(&bytes[..now]);
            self.console.consume(now);
        }
        Ok(message.leak())
    }
}

impl Source for Console {
    fn bytes(&mut self) -> &[u8] {
        self.bytes()
    }

    fn consume(&mut self, amount: usize) {
        self.consume(amount);
    }
}

/// Takes the console and tells the launcher that the runtime is up.
pub fn open(console: Console) {
    CALL.with(|call| {
        let mut frames = Frames { console, incoming: Incoming::new(), sending: false };
        frames.greet();
        *call = Some(Call::Frames(frames));
    });
}

/// Takes a console that carries bytes.
pub fn open_raw(raw: Raw) {
    CALL.with(|call| *call = Some(Call::Raw(raw)));
}

/// Waits for the bytes of the message `Start`.
pub fn start_message() -> &'static [u8] {
    let message = with_call(|call| match call {
        Call::Frames(frames) => frames.receive_start(),
        Call::Raw(_) => abandon(),
    });
    message.unwrap_or_else(|why| protocol_error(why))
}

/// The function's input: where the device left it.
#[derive(Debug)]
pub(crate) struct Stdin(());

impl Stdin {
    pub fn take() -> Option<Self> {
        (!STDIN_TAKEN.swap(true, Ordering::Relaxed)).then_some(Self(()))
    }

    pub fn fill_buf(&mut self) -> Result<&[u8], io::Error> {
        let bytes = with_call(|call| match call {
            Call::Frames(Frames { console, incoming, .. }) => {
                incoming.input(console).map(core::ptr::from_ref)
            }
            Call::Raw(raw) => Ok(core::ptr::from_ref(raw.input())),
        });
        match bytes {
            // SAFETY: the bytes lie in a buffer that the device gets back only by `consume`, which
            // borrows the one `Stdin` there is for writing.
            Ok(bytes) => Ok(unsafe { &*bytes }),
            Err(why) => protocol_error(why),
        }
    }

    pub fn consume(&mut self, amount: usize) {
        with_call(|call| match call {
            Call::Frames(Frames { console, incoming, .. }) => incoming.consume(amount, console),
            Call::Raw(raw) => raw.consume(amount),
        });
    }
}

impl Drop for Stdin {
    fn drop(&mut self) {
        STDIN_TAKEN.store(false, Ordering::Relaxed);
    }
}

/// Sends bytes of STDOUT or STDERR.
pub(crate) fn write(output: Output, bytes: &[u8]) -> Result<(), io::Error> {
    let kind = match output {
        Output::Stdout => to_host::STDOUT,
        Output::Stderr => to_host::STDERR,
    };
    with_call(|call| match call {
        Call::Frames(frames) => {
            bytes.chunks(DATA_BYTES).for_each(|piece| frames.send(kind, piece));
        }
        Call::Raw(raw) => raw.write(bytes),
    });
    Ok(())
}

/// Ends the call because the launcher does not keep to the contract.
pub fn protocol_error(why: &str) -> ! {
    exit(Reason::Protocol, 1, why, &[])
}

/// Ends the call: says how, then waits for the machine to be destroyed.
pub fn exit(reason: Reason, status: u8, why: &str, backtrace: &[u64]) -> ! {
    let mut buffer = [0; exit::MAX_BYTES];
    let message = exit::write(reason, status, why, backtrace, &mut buffer);
    // SAFETY: this never returns, so whoever borrowed the call never runs again.
    unsafe { CALL.abandon_borrow() };
    with_call(|call| match call {
        Call::Frames(frames) => frames.send(to_host::EXIT, message),
        Call::Raw(raw) => raw.end(why),
    });
    loop {
        wait_for_interrupt();
    }
}

fn with_call<T>(use_it: impl FnOnce(&mut Call) -> T) -> T {
    CALL.with(|call| match call {
        Some(call) => use_it(call),
        None => abandon(),
    })
}
