//! What a backend is asked to start.

use std::fmt;
use std::sync::Arc;

use crate::Image;
use crate::host::Accel;
use crate::jail::Jail;

/// One virtual machine to be started.
#[derive(Clone, Debug)]
pub struct LaunchSpec {
    /// What it boots.
    pub image: Arc<Image>,
    /// Its memory, in bytes: a size that [`crate::units::check_memory`] takes.
    pub memory_bytes: u64,
    /// How often a second its processor may come out of the guest; counted by the built-in monitor
    /// alone.
    pub exits_per_second: Option<u32>,
    /// Whether what takes time to find out is to be found out: when the guest was ready by its own
    /// clock, how much memory it touched.
    pub is_measured: bool,
    /// What confines the process that runs the guest.
    pub jail: Jail,
    /// Where a backend tells its user something in passing.
    pub notice: Notice,
    /// Where it tells what it does, step by step.
    pub trace: Notice,
}

/// The acceleration to begin with, and whether another may take its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccelPlan {
    /// Tried first.
    pub first: Accel,
    /// Whether [`Accel::Tcg`] is tried, with a notice, where [`Accel::Kvm`] turns out not to work.
    pub may_fall_back: bool,
}

/// Takes one-line notices for the user; by default they go nowhere.
#[derive(Clone)]
pub struct Notice(Arc<dyn Fn(&str) + Send + Sync>);

impl Notice {
    /// Hands each notice to `show`, from any thread.
    pub fn new(show: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(show))
    }

    /// Shows one line.
    pub fn show(&self, line: &str) {
        (self.0)(line);
    }
}

impl Default for Notice {
    fn default() -> Self {
        Self::new(|_| {})
    }
}

impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notice")
    }
}
