//! From the first instruction in ring 3 to the function and to its end.

use core::cell::OnceCell;

use ampoule_abi::ABI_VERSION;
use ampoule_abi::exit::Reason;
use ampoule_abi::layout::IMAGE_BASE;
use ampoule_abi::start::Start;

use super::arch::abandon;
use super::boot_info::BootInfo;
use super::virtio::Console;
use super::{clock, memory, stream};

unsafe extern "Rust" {
    /// What [`main!`](crate::main) makes.
    safe fn ampoule_function() -> u8;
}

struct Once(OnceCell<Start<'static>>);

// SAFETY: there is one thread.
unsafe impl Sync for Once {}

static MESSAGE: Once = Once(OnceCell::new());

/// What the launcher said at the start.
pub fn message() -> Start<'static> {
    match MESSAGE.0.get() {
        Some(start) => *start,
        None => abandon(),
    }
}

/// Sets everything up, calls the function, reports its status. Before the stream is up there is
/// nobody to tell of a failure; the launcher sees the machine end.
pub fn start(start_information: u64) -> ! {
    let areas = memory::boot_information();
    let Some(boot) = BootInfo::at(start_information, areas) else { abandon() };
    let Some(memory_end) = boot.memory_end(IMAGE_BASE) else { abandon() };
    // SAFETY: the memory map says that the RAM goes that far.
    unsafe { memory::give(memory_end) };
    let Some(console) = boot.console().and_then(Console::open) else { abandon() };
    stream::open(console);
    let start = boot.module().unwrap_or_else(stream::start_message);
    let Ok(start) = Start::parse(start) else {
        stream::protocol_error("the Start message is malformed")
    };
    if start.abi_version < ABI_VERSION {
        stream::protocol_error("the launcher's ABI version is too old for this image")
    }
    clock::set(&start);
    if MESSAGE.0.set(start).is_err() {
        abandon();
    }
    let status = ampoule_function();
    stream::exit(Reason::Returned, status, "", &[])
}
