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

/// Owner of the note that holds the entry point for PVH boot (`xen/include/public/elfnote.h`).
pub const PVH_OWNER: &str = "Xen";

/// Type of that note, `XEN_ELFNOTE_PHYS32_ENTRY`.
pub const PVH_TYPE: u32 = 18;
