//! State of a program that has one thread.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

/// A value that is used by one borrower at a time, checked.
pub struct Single<T> {
    borrowed: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: there is one thread, and `with` refuses a second borrow.
unsafe impl<T> Sync for Single<T> {}

impl<T> Single<T> {
    pub const fn new(value: T) -> Self {
        Self { borrowed: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// Lends the value; a borrow within a borrow is a bug and panics.
    pub fn with<R>(&self, use_it: impl FnOnce(&mut T) -> R) -> R {
        assert!(!self.borrowed.swap(true, Ordering::Relaxed), "state is borrowed twice");
        // SAFETY: the flag says that no other reference exists, and there is one thread.
        let result = use_it(unsafe { &mut *self.value.get() });
        self.borrowed.store(false, Ordering::Relaxed);
        result
    }

    /// Ends whatever borrow there is.
    ///
    /// # Safety
    ///
    /// Its borrower never runs again.
    pub unsafe fn abandon_borrow(&self) {
        self.borrowed.store(false, Ordering::Relaxed);
    }
}
