//! Signals that end a call: caught without a thread, in time for a call of a millisecond.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::ptr;

use crate::jail;
use crate::session::{StopCause, Stopper};
use ampoule_abi::status;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::register;

/// Ends the call on the signals that ask for it; on a second one, or where the call has ended
/// already, this process, which may be blocked on a STDERR that nobody reads. A signal that this
/// process was started to ignore stays ignored, as an interrupt is by what a script has left running
/// in the background.
pub fn stop_on_signals(stopper: &Stopper) -> io::Result<()> {
    for (signal, cause, exit_code) in [
        (SIGINT, StopCause::Interrupted, status::INTERRUPTED),
        (SIGTERM, StopCause::Terminated, status::TERMINATED),
    ] {
        if is_ignored(signal)? {
            continue;
        }
        let stopper = stopper.clone();
        let action = move || {
            // A jailed process cannot have the signal do to it what it does by default.
            if !stopper.stop(cause) {
                jail::exit(exit_code);
            }
        };
        // SAFETY: what runs in the handler makes atomic stores and system calls and neither
        // allocates nor locks: `Stopper::stop` and `jail::exit` say so of themselves.
        unsafe { register(signal, action) }?;
    }
    Ok(())
}

fn is_ignored(signal: libc::c_int) -> io::Result<bool> {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: the function writes to the place, which has the right size, and changes nothing where
    // the pointer to a new action is null.
    match unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) } {
        // SAFETY: it was written to; zeros are a `sigaction` as well.
        0 => Ok(unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN),
        _ => Err(io::Error::last_os_error()),
    }
}
