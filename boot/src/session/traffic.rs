//! What went by, counted by the threads that move it and read by the one that reports.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// When a guest's runtime was up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ready {
    /// When the launcher heard of it.
    pub(crate) heard: Duration,
    /// The guest's time stamp counter then; 0 if it does not say.
    pub(crate) time_stamp: u64,
}

/// Counters of one call.
#[derive(Debug)]
pub(crate) struct Traffic {
    began: Instant,
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    pub(crate) bytes_err: AtomicU64,
    ready: OnceLock<Ready>,
    first_byte: OnceLock<Duration>,
    last_byte_ns: AtomicU64,
}

impl Traffic {
    /// Nothing yet, in a call whose clock starts at `began`.
    pub(crate) fn since(began: Instant) -> Self {
        Self {
            began,
            bytes_in: AtomicU64::new(0),
            bytes_out: AtomicU64::new(0),
            bytes_err: AtomicU64::new(0),
            ready: OnceLock::new(),
            first_byte: OnceLock::new(),
            last_byte_ns: AtomicU64::new(0),
        }
    }

    /// When the call began.
    pub(crate) fn began(&self) -> Instant {
        self.began
    }

    /// The guest's runtime is up.
    pub(super) fn became_ready(&self, time_stamp: u64) {
        self.ready.get_or_init(|| Ready { heard: self.began.elapsed(), time_stamp });
    }

    /// When the guest's runtime was up.
    pub(crate) fn ready(&self) -> Option<Ready> {
        self.ready.get().copied()
    }

    /// Counts bytes of STDOUT that have just been written.
    pub(super) fn wrote_stdout(&self, bytes: usize) {
        let now = self.began.elapsed();
        self.first_byte.get_or_init(|| now);
        self.last_byte_ns.store(now.as_nanos() as u64, Ordering::Relaxed);
        self.bytes_out.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Counts bytes of STDERR that have just been written.
    pub(super) fn wrote_stderr(&self, bytes: usize) {
        self.bytes_err.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// When the first byte of STDOUT was written.
    pub(crate) fn first_byte(&self) -> Option<Duration> {
        self.first_byte.get().copied()
    }

    /// When the last byte of STDOUT was written, so far.
    pub(crate) fn last_byte(&self) -> Option<Duration> {
        let last = self.last_byte_ns.load(Ordering::Relaxed);
        (last > 0).then(|| Duration::from_nanos(last))
    }
}
