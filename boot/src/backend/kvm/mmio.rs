//! The console's registers: virtio over memory-mapped I/O, version 2 (virtio 1.2, 4.2.2).
//!
//! No interrupt is ever raised: whoever waits halts, and is resumed when there is something.

use ampoule_abi::layout::{DEVICE_BLOCK_BYTES, DEVICE_PAGES};
use ampoule_abi::note::{MachineNote, QueueAddresses};
use virtio_queue::{Queue, QueueT};

use super::console::{Broken, Queues, RECEIVE, TRANSMIT};
use super::memory::Memory;

/// The last of the eight blocks, where QEMU's `microvm` has its first device.
pub(super) const PLACE: u64 = DEVICE_PAGES[0].physical + 7 * DEVICE_BLOCK_BYTES;

/// The interrupt that the guest is told of.
pub(super) const INTERRUPT: u32 = 12;

const MAGIC: u32 = u32::from_le_bytes(*b"virt");
const VERSION: u32 = 2;
const CONSOLE: u32 = 3;
const VENDOR: u32 = u32::from_le_bytes(*b"Ampl");

/// `VIRTIO_F_VERSION_1`, and nothing else.
const FEATURES: u64 = 1 << 32;
const LARGEST_QUEUE: u16 = 256;

const DRIVER_OK: u32 = 4;
const FEATURES_OK: u32 = 8;

/// All that a driver says when it has done its part.
const DRIVEN: u32 = 1 | 2 | FEATURES_OK | DRIVER_OK;

/// What the registers hold.
pub(super) struct Registers {
    status: u32,
    features_select: u32,
    driver_features_select: u32,
    driver_features: u64,
    queue_select: u32,
    setups: [Setup; 2],
    queues: Queues,
}

/// A queue that is being set up.
#[derive(Clone, Copy, Default)]
struct Setup {
    size: u32,
    addresses: [u64; 3],
}

/// What a write asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// Nothing more.
    Nothing,
    /// To look at the queue of this index.
    Notify(u32),
}

impl Registers {
    /// As after a reset.
    pub(super) fn new() -> Self {
        let queue = || Queue::new(LARGEST_QUEUE).expect("the size is a power of two");
        Self {
            status: 0,
            features_select: 0,
            driver_features_select: 0,
            driver_features: 0,
            queue_select: 0,
            setups: [Setup { size: LARGEST_QUEUE.into(), addresses: [0; 3] }; 2],
            queues: [queue(), queue()],
        }
    }

    /// As after a driver that knows `note` has set the device up.
    pub(super) fn driven(note: &MachineNote, memory: &Memory) -> Result<Self, Broken> {
        let mut registers = Self::new();
        for (index, queue) in [(RECEIVE, note.receive), (TRANSMIT, note.transmit)] {
            let QueueAddresses { descriptors, driver, device } = queue;
            let addresses = [descriptors, driver, device];
            registers.setups[index] = Setup { size: note.size.into(), addresses };
            registers.make_ready(index, memory)?;
        }
        registers.driver_features = FEATURES;
        registers.status = DRIVEN;
        Ok(registers)
    }

    /// The queues, as far as they are set up; `None` before the driver says that it is ready, until
    /// when the device is not to touch them (3.1.1).
    pub(super) fn queues(&mut self) -> Option<&mut Queues> {
        (self.status & DRIVER_OK != 0).then_some(&mut self.queues)
    }

    /// Reads the register at `offset`; what is none, or is not written, reads as 0.
    pub(super) fn read(&self, offset: u64) -> u32 {
        let queue = self.queues.get(self.queue_select as usize);
        match offset {
            0x00 => MAGIC,
            0x04 => VERSION,
            0x08 => CONSOLE,
            0x0c => VENDOR,
            0x10 => half(FEATURES, self.features_select),
            0x34 => queue.map_or(0, |queue| queue.max_size().into()),
            0x44 => queue.map_or(0, |queue| queue.ready().into()),
            0x70 => self.status,
            _ => 0,
        }
    }

    /// Writes the register at `offset`; what is none ignores it.
    pub(super) fn write(
        &mut self,
        offset: u64,
        value: u32,
        memory: &Memory,
    ) -> Result<Request, Broken> {
        match offset {
            0x14 => self.features_select = value,
            0x20 => set_half(&mut self.driver_features, self.driver_features_select, value),
            0x24 => self.driver_features_select = value,
            0x30 => self.queue_select = value,
            0x50 => return Ok(Request::Notify(value)),
            0x70 => self.set_status(value),
            0x38 | 0x44 | 0x80..0xa8 => self.set_queue(offset, value, memory)?,
            _ => {}
        }
        Ok(Request::Nothing)
    }

    fn set_status(&mut self, value: u32) {
        if value == 0 {
            *self = Self::new();
            return;
        }
        let agrees = self.driver_features == FEATURES;
        self.status = if agrees { value } else { value & !FEATURES_OK };
    }

    fn set_queue(&mut self, offset: u64, value: u32, memory: &Memory) -> Result<(), Broken> {
        let index = self.queue_select as usize;
        let Some(queue) = self.queues.get_mut(index) else { return Ok(()) };
        let Setup { size, addresses } = &mut self.setups[index];
        match offset {
            0x44 if value & 1 == 0 => queue.set_ready(false),
            // What is in use is not changed under it.
            _ if queue.ready() => {}
            0x44 => return self.make_ready(index, memory),
            0x38 => *size = value,
            0x80 | 0x84 => set_half(&mut addresses[0], (offset > 0x80).into(), value),
            0x90 | 0x94 => set_half(&mut addresses[1], (offset > 0x90).into(), value),
            0xa0 | 0xa4 => set_half(&mut addresses[2], (offset > 0xa0).into(), value),
            _ => {}
        }
        Ok(())
    }

    fn make_ready(&mut self, index: usize, memory: &Memory) -> Result<(), Broken> {
        let Setup { size, addresses } = self.setups[index];
        let broken = |why: String| Broken::Rings { queue: index, why };
        let bad_size = || broken(format!("has {size} entries, not a power of two up to 256"));
        let queue = &mut self.queues[index];
        let entries = u16::try_from(size).map_err(|_| bad_size())?;
        queue.reset();
        queue.try_set_size(entries).map_err(|_| bad_size())?;
        let [descriptors, driver, device] = addresses.map(vm_memory::GuestAddress);
        queue
            .try_set_desc_table_address(descriptors)
            .and_then(|()| queue.try_set_avail_ring_address(driver))
            .and_then(|()| queue.try_set_used_ring_address(device))
            .map_err(|_| broken(format!("has a part that is not aligned, of {addresses:#x?}")))?;
        let (entries, bytes) = (u64::from(entries), [16, 2, 8]);
        for (address, entry_bytes) in addresses.into_iter().zip(bytes) {
            let bytes = entries * entry_bytes + if entry_bytes == 16 { 0 } else { 6 };
            memory
                .slice(address, bytes)
                .map_err(|error| broken(format!("is not the guest's: {error}")))?;
        }
        queue.set_ready(true);
        if index == RECEIVE {
            // Buffers are looked for when the guest waits; to be told of each costs an exit.
            queue
                .disable_notification(memory.mapping())
                .map_err(|error| broken(format!("is broken: {error}")))?;
        }
        Ok(())
    }
}

/// The low or the high half of a value, or nothing.
fn half(value: u64, select: u32) -> u32 {
    match select {
        0 => value as u32,
        1 => (value >> 32) as u32,
        _ => 0,
    }
}

fn set_half(value: &mut u64, select: u32, half: u32) {
    match select {
        0 => *value = *value & !0xffff_ffff | u64::from(half),
        1 => *value = *value & 0xffff_ffff | u64::from(half) << 32,
        _ => {}
    }
}
