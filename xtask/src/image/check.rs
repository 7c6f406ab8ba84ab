//! The checks that an image passes before it gets its final name (SPEC C7): the launcher's own, so
//! that what is built can be run, and those that only matter to the runtime it carries.

use ampoule_boot::image::{self, Facts, ImageError};
use object::LittleEndian as LE;
use object::elf::PT_TLS;
use object::read::elf::ProgramHeader as _;

use super::elf;

/// Why an image is not let through.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The launcher would refuse it.
    #[error(transparent)]
    Refused(#[from] ImageError),
    /// The file cannot be read.
    #[error("it is not an ELF file of 64 bits: {0}")]
    NotElf(object::Error),
    /// There are thread-local variables, and nothing sets them up.
    #[error("it has thread-local variables (PT_TLS); a function has one thread: use a static")]
    ThreadLocal,
}

/// Checks the bytes of a finished image.
pub fn check(image: &[u8]) -> Result<Facts, CheckError> {
    let facts = image::check(image)?;
    let file = elf::parse(image).map_err(CheckError::NotElf)?;
    for program in file.elf_program_headers() {
        if program.p_type(LE) == PT_TLS {
            return Err(CheckError::ThreadLocal);
        }
    }
    Ok(facts)
}
