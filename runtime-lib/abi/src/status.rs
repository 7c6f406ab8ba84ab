//! Exit statuses (SPEC C3).

/// Success.
pub const SUCCESS: u8 = 0;
/// A function's failure that names no better status: what an `Err` from its entry becomes.
pub const FAILURE: u8 = 1;
/// Greatest status a function may ask for; all above belong to the launcher.
pub const MAX_FUNCTION: u8 = 123;
/// A limit was exceeded, the deadline or another, and the VM was destroyed.
pub const LIMIT: u8 = 124;
/// The launcher itself failed: bad flags, a backend that did not start, a broken protocol.
pub const LAUNCHER: u8 = 125;
/// The image exists but cannot be run: not an image, of an unknown ABI, damaged.
pub const NOT_RUNNABLE: u8 = 126;
/// There is no such function or image.
pub const NOT_FOUND: u8 = 127;
/// The launcher was interrupted (128 + SIGINT).
pub const INTERRUPTED: u8 = 130;
/// The function panicked or faulted (128 + SIGABRT).
pub const CRASHED: u8 = 134;
/// The function ran out of its memory (128 + SIGKILL, as the kernel's own killer would have it).
pub const OUT_OF_MEMORY: u8 = 137;
/// The reader of STDOUT went away (128 + SIGPIPE, what a shell reports for any other filter).
pub const BROKEN_PIPE: u8 = 141;
/// The launcher was terminated (128 + SIGTERM).
pub const TERMINATED: u8 = 143;

// `sysexits.h`, the statuses a function is advised to use.
/// The input was bad.
pub const EX_DATAERR: u8 = 65;
/// Something upstream is not available.
pub const EX_UNAVAILABLE: u8 = 69;
/// Trying again later may help.
pub const EX_TEMPFAIL: u8 = 75;
/// The function's arguments or environment are wrong.
pub const EX_CONFIG: u8 = 78;
