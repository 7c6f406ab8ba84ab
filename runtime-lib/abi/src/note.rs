//! The note that makes an ELF file a function's image (SPEC C7).
//!
//! An ELF note with the owner [`OWNER`] and the type [`TYPE`], whose descriptor is the Protobuf
//! message `messages::ImageNote`.

/// Owner of the note, without the terminating NUL that ELF counts.
pub const OWNER: &str = "Ampoule";

/// Type of the note.
pub const TYPE: u32 = 1;

/// Section in which the note travels to the linker.
pub const SECTION: &str = ".note.ampoule";

/// Type of the note, likewise of [`OWNER`], that spares a launcher what an image does not need: a
/// [`MachineNote`].
pub const MACHINE_TYPE: u32 = 2;

/// What an image says of the machine that it needs. Each number takes 64 bits, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MachineNote {
    /// Whether its code may ask the processor what it can do (`cpuid`), which has to be found out
    /// then: bit 0 of the first number, whose other bits are 0.
    pub asks_processor: bool,
    /// Entries of each of its console's queues (virtio 1.2, 2.7), a power of two.
    pub size: u16,
    /// The queue that the launcher fills.
    pub receive: QueueAddresses,
    /// The queue that the launcher drains.
    pub transmit: QueueAddresses,
}

/// The three parts of a virtqueue, guest-physical addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueAddresses {
    /// The descriptor table.
    pub descriptors: u64,
    /// The driver's area, or available ring.
    pub driver: u64,
    /// The device's area, or used ring.
    pub device: u64,
}

impl QueueAddresses {
    /// Of each part of a queue with `size` entries: its address, its length and its alignment, in
    /// bytes (virtio 1.2, 2.7).
    pub fn parts(self, size: u16) -> [(u64, u64, u64); 3] {
        let size = u64::from(size);
        [
            (self.descriptors, 16 * size, 16),
            (self.driver, 2 * size + 6, 2),
            (self.device, 8 * size + 6, 4),
        ]
    }
}

impl MachineNote {
    /// Length of the note's descriptor, in bytes.
    pub const BYTES: usize = 64;

    /// Most entries of a queue.
    pub const MAX_SIZE: u16 = 256;

    /// Reads the note's descriptor; `None` if that is not what it holds.
    pub fn read(descriptor: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::BYTES] = descriptor.try_into().ok()?;
        let (words, _) = bytes.as_chunks::<8>();
        let word = |index: usize| u64::from_le_bytes(words[index]);
        let queue = |first| QueueAddresses {
            descriptors: word(first),
            driver: word(first + 1),
            device: word(first + 2),
        };
        let asks_processor = match word(0) {
            flags @ 0..=1 => flags == 1,
            _ => return None,
        };
        let size = u16::try_from(word(1)).ok().filter(|size| size.is_power_of_two())?;
        if size > Self::MAX_SIZE {
            return None;
        }
        Some(Self { asks_processor, size, receive: queue(2), transmit: queue(5) })
    }
}

/// Type of the note, likewise of [`OWNER`], that says where the image's boot code would end up: an
/// [`EntryNote`].
pub const ENTRY_TYPE: u32 = 3;

/// The state in which the image's boot code leaves the processor, which a launcher may set instead of
/// having that code run: 64-bit mode with paging, ring 3, interrupts off, the physical address of the
/// start information in RDI. Each number takes 64 bits, little-endian; addresses are virtual and
/// guest-physical alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryNote {
    /// The instruction to begin at.
    pub instruction: u64,
    /// The stack pointer.
    pub stack: u64,
    /// The table at the root of the page tables, for CR3.
    pub root: u64,
    /// The global descriptor table.
    pub descriptors: Table,
    /// The interrupt descriptor table.
    pub interrupts: Table,
    /// The task state segment, of 64 bits.
    pub task: u64,
    /// Selectors of ring 3's code and data and of the task, whose descriptors are those of a flat
    /// 64-bit program.
    pub selectors: [u16; 3],
    /// Numbers in memory, likewise left by that code; those at address 0 are none.
    pub stores: [Store; Self::STORES],
}

/// A number of 64 bits in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Store {
    /// Its address, a multiple of its length.
    pub address: u64,
    /// The number.
    pub value: u64,
}

/// A descriptor table (Intel SDM 3A, 2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its address.
    pub address: u64,
    /// Offset of its last byte.
    pub limit: u16,
}

impl EntryNote {
    /// Length of the note's descriptor, in bytes.
    pub const BYTES: usize = 88 + 16 * Self::STORES;

    /// Numbers in memory at most.
    pub const STORES: usize = 4;

    /// Length of the task state segment, in bytes (Intel SDM 3A, 9.7).
    pub const TASK_BYTES: u64 = 104;

    /// Reads the note's descriptor; `None` if that is not what it holds.
    pub fn read(descriptor: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::BYTES] = descriptor.try_into().ok()?;
        let (words, _) = bytes.as_chunks::<8>();
        let word = |index: usize| u64::from_le_bytes(words[index]);
        let half = |index| u16::try_from(word(index)).ok();
        let table = |index| Some(Table { address: word(index), limit: half(index + 1)? });
        Some(Self {
            instruction: word(0),
            stack: word(1),
            root: word(2),
            descriptors: table(3)?,
            interrupts: table(5)?,
            task: word(7),
            selectors: [half(8)?, half(9)?, half(10)?],
            stores: core::array::from_fn(|index| Store {
                address: word(11 + 2 * index),
                value: word(12 + 2 * index),
            }),
        })
    }
}

/// Owner of the note that holds the entry point for PVH boot (`xen/include/public/elfnote.h`).
pub const PVH_OWNER: &str = "Xen";

/// Type of that note, `XEN_ELFNOTE_PHYS32_ENTRY`.
pub const PVH_TYPE: u32 = 18;
