//! The note that makes an ELF file a function's image (SPEC C7).
//!
//! An ELF note with the owner [`OWNER`] and the type [`TYPE`], whose descriptor is the Protobuf
//! message `ImageNote` ([`field`]; owned: `messages::ImageNote`).

/// Owner of the note, without the terminating NUL that ELF counts.
pub const OWNER: &str = "Ampoule";

/// Type of the note.
pub const TYPE: u32 = 1;

/// Section in which the note travels to the linker.
pub const SECTION: &str = ".note.ampoule";

/// Owner of the note that holds the entry point for PVH boot (`xen/include/public/elfnote.h`).
pub const PVH_OWNER: &str = "Xen";

/// Type of that note, `XEN_ELFNOTE_PHYS32_ENTRY`.
pub const PVH_TYPE: u32 = 18;

/// Field numbers of the message.
pub mod field {
    /// varint: the image's ABI version.
    pub const ABI_VERSION: u32 = 1;
    /// string: the function's name.
    pub const NAME: u32 = 2;
    /// string: the function's version.
    pub const VERSION: u32 = 3;
    /// varint: guest memory wanted, in bytes.
    pub const MEMORY_BYTES: u32 = 4;
    /// varint: stack, in bytes.
    pub const STACK_BYTES: u32 = 5;
    /// varint: deadline when the caller names none, in milliseconds; 0 for none.
    pub const TIMEOUT_MS: u32 = 6;
    /// string, repeated: capabilities asked for.
    pub const CAPABILITIES: u32 = 7;
    /// string, repeated: event modes taken.
    pub const EVENT_MODES: u32 = 8;
}
