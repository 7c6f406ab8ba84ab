//! Signals that end a call: caught without a thread, in time for a call of a millisecond.
#![allow(unsafe_code)]

use std::io;

use ampoule_boot::session::{StopCause, Stopper};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::{emulate_default_handler, register};

/// Ends the call on the signals that ask for it; on a second one, or where the call has ended
/// already, this process, which may be blocked on a STDERR that nobody reads.
pub(crate) fn stop_on_signals(stopper: &Stopper) -> io::Result<()> {
    for (signal, cause) in [(SIGINT, StopCause::Interrupted), (SIGTERM, StopCause::Terminated)] {
        let stopper = stopper.clone();
        let action = move || {
            if !stopper.stop(cause) {
                // Ends the process; if that fails, the next signal tries again.
                let _ = emulate_default_handler(signal);
            }
        };
        // SAFETY: what runs in the handler makes atomic stores and system calls and neither
        // allocates nor locks: `Stopper::stop` and `emulate_default_handler` say so of themselves.
        unsafe { register(signal, action) }?;
    }
    Ok(())
}
