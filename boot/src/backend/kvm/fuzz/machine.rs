//! What the targets here have in common: some memory, and somebody to talk to.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use ampoule_abi::ABI_VERSION;

use crate::backend::kvm::memory::Memory;
use crate::session::traffic::Traffic;
use crate::session::{Dialogue, Input, Output, Peek, Watch};

/// Memory of the guests here: small, so that any address has a chance to be in it.
pub(in crate::backend::kvm) const MEMORY_BYTES: u64 = 16 << 10;

/// Calls `body` with memory that is zero.
pub(in crate::backend::kvm) fn with_memory(body: impl FnOnce(&mut Memory)) {
    thread_local! {
        static MEMORY: RefCell<Memory> = RefCell::new(Memory::new(MEMORY_BYTES).expect("memory"));
    }
    MEMORY.with_borrow_mut(|memory| {
        memory.slice_mut(0, MEMORY_BYTES).expect("all of it").fill(0);
        body(memory);
    });
}

/// A sink that can be looked into.
#[derive(Clone, Debug, Default)]
pub(in crate::backend::kvm) struct Sink(Rc<RefCell<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A dialogue over memory.
pub(in crate::backend::kvm) struct Talk<'a> {
    pub(in crate::backend::kvm) dialogue: Dialogue<&'a [u8], Sink, Sink>,
    stdout: Sink,
    stderr: Sink,
}

impl<'a> Talk<'a> {
    pub(in crate::backend::kvm) fn new(stdin: &'a [u8]) -> Self {
        let traffic = Arc::new(Traffic::since(Instant::now()));
        let (stdout, stderr) = (Sink::default(), Sink::default());
        let dialogue = Dialogue {
            input: Input::new(stdin, Peek::default(), Arc::clone(&traffic)),
            output: Output::new(stdout.clone(), stderr.clone(), ABI_VERSION, traffic),
            watch: Watch::new(),
        };
        Self { dialogue, stdout, stderr }
    }

    pub(in crate::backend::kvm) fn stdout(&self) -> Vec<u8> {
        self.stdout.0.borrow().clone()
    }

    pub(in crate::backend::kvm) fn stderr(&self) -> Vec<u8> {
        self.stderr.0.borrow().clone()
    }
}
