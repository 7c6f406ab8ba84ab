//! From the first instruction in ring 3 to the function and to its end.

use core::cell::OnceCell;

use ampoule_abi::ABI_VERSION;
use ampoule_abi::command_line::{self, Context};
use ampoule_abi::exit::Reason;
use ampoule_abi::layout::IMAGE_BASE;
use ampoule_abi::start::{RANDOMNESS_BYTES, Start};
use ampoule_abi::wire::Fields;

use super::arch::{self, abandon};
use super::boot_info::BootInfo;
use super::raw::Raw;
use super::virtio::{Console, Device};
use super::{clock, memory, stream};

/// Bytes of a note before its descriptor: three lengths and `Ampoule` with a NUL.
const NOTE_HEADER_BYTES: usize = 20;

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

/// The console that a foreign launcher means.
fn console_named(boot: &BootInfo<'_>) -> Option<command_line::Console> {
    command_line::console(boot.command_line()?)
}

/// Opens the console of a foreign launcher, and makes of its command line what others say.
#[cold]
#[inline(never)]
fn raw_start(boot: &BootInfo<'_>, device: Option<Device>, memory_end: u64) -> &'static [u8] {
    let line = boot.command_line().unwrap_or_default();
    let mut randomness = [0; RANDOMNESS_BYTES];
    for bytes in randomness.as_chunks_mut::<8>().0 {
        *bytes = arch::randomness().to_le_bytes();
    }
    let context = Context { name: function_name(), memory_mib: memory_end >> 20, randomness };
    let buffer = alloc::vec![0; command_line::MESSAGE_BYTES].leak();
    let told = command_line::start_message(line, &context, buffer);
    let input_bytes = told.ok().and_then(|told| told.input_bytes).unwrap_or(u64::MAX);
    let Some(raw) = Raw::open(command_line::console(line), device, input_bytes) else { abandon() };
    stream::open_raw(raw);
    match told {
        Ok(told) => told.message,
        Err(why) => stream::protocol_error(why),
    }
}

/// The function's name, from its note.
fn function_name() -> &'static [u8] {
    const NAME: u32 = 2;
    let descriptor = memory::function_note().get(NOTE_HEADER_BYTES..).unwrap_or_default();
    let mut fields = Fields::new(descriptor).map_while(Result::ok);
    let name = fields.find(|&(number, _)| number == NAME);
    name.and_then(|(_, name)| name.bytes().ok()).unwrap_or_default()
}

/// Sets everything up, calls the function, reports its status. Before the stream is up there is
/// nobody to tell of a failure; the launcher sees the machine end.
pub fn start(start_information: u64) -> ! {
    let areas = memory::boot_information();
    let Some(boot) = BootInfo::at(start_information, areas) else { abandon() };
    let Some(memory_end) = boot.memory_end(IMAGE_BASE) else { abandon() };
    // SAFETY: the memory map says that the RAM goes that far.
    unsafe { memory::give(memory_end) };
    let start = match boot.devices().find_map(Device::at) {
        // One that is driven already comes from a launcher that knows the contract.
        Some(device) if device.is_driven() || console_named(&boot).is_none() => {
            let Some(console) = Console::open(device) else { abandon() };
            stream::open(console);
            boot.module().unwrap_or_else(stream::start_message)
        }
        device => raw_start(&boot, device, memory_end),
    };
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
