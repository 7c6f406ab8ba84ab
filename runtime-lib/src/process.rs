//! Ending the call.

use crate::platform;

/// Ends the call with a status from 0 to [`MAX_FUNCTION`](crate::status::MAX_FUNCTION); a launcher
/// makes anything above 1 and says so. Bytes in a [`BufWriter`](crate::io::BufWriter) that was not
/// flushed are lost, as they are with `std::process::exit`.
pub fn exit(status: u8) -> ! {
    platform::exit(status)
}
