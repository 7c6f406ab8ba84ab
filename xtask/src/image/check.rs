//! The checks that an image passes before it gets its final name (SPEC C7).

use object::LittleEndian as LE;
use object::elf::PT_LOAD;
use object::read::elf::ProgramHeader as _;

use super::elf;

/// Why an image is not let through.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The file cannot be read.
    #[error("the image is not an ELF file of 64 bits: {0}")]
    NotElf(#[from] object::Error),
    /// A segment is to be loaded elsewhere than it is seen; the page tables map one to one.
    #[error(
        "the segment at {address:#x} would be loaded at {load_address:#x}; remove AT() from the \
         linker script"
    )]
    NotIdentity {
        /// Where code sees the segment.
        address: u64,
        /// Where it is loaded.
        load_address: u64,
    },
}

/// Checks the bytes of a finished image.
pub fn check(image: &[u8]) -> Result<(), CheckError> {
    let file = elf::parse(image)?;
    for program in file.elf_program_headers() {
        let (address, load_address) = (program.p_vaddr.get(LE), program.p_paddr.get(LE));
        if program.p_type(LE) == PT_LOAD && address != load_address {
            return Err(CheckError::NotIdentity { address, load_address });
        }
    }
    Ok(())
}
