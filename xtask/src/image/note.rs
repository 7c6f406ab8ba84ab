//! The note that makes an ELF file a function's image (SPEC C7), as an object file for the linker.

use ampoule_abi::messages::ImageNote;
use ampoule_abi::{ABI_VERSION, note};
use ampoule_boot::units;
use object::elf::{SHF_ALLOC, SHT_NOTE};
use object::write::Object;
use object::{Architecture, BinaryFormat, Endianness, SectionFlags, SectionKind};
use prost::Message;

use crate::project::Function;

/// ELF notes are padded to this, in bytes.
const ALIGNMENT: usize = 4;

/// What the image of `function` says about itself.
pub fn describe(function: &Function) -> ImageNote {
    let settings = &function.settings;
    ImageNote {
        abi_version: ABI_VERSION,
        name: function.name.clone(),
        version: function.version.clone(),
        memory_bytes: settings.memory_bytes,
        stack_bytes: settings.stack_bytes,
        timeout_ms: settings.timeout.map_or(0, units::milliseconds),
        capabilities: settings.capabilities.clone(),
        event_modes: settings.event_modes.clone(),
        sealed: true,
    }
}

/// A relocatable object that holds nothing but the note.
pub fn object_file(note: &ImageNote) -> Result<Vec<u8>, object::write::Error> {
    let mut object = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
    let section = object.add_section(Vec::new(), note::SECTION.into(), SectionKind::Note);
    object.section_mut(section).flags =
        SectionFlags::Elf { sh_type: SHT_NOTE, sh_flags: SHF_ALLOC };
    let note = elf_note(note::TYPE, &note.encode_to_vec());
    object.append_section_data(section, &note, ALIGNMENT as u64);
    object.write()
}

/// An ELF note of ours, padded.
pub fn elf_note(kind: u32, descriptor: &[u8]) -> Vec<u8> {
    padded([&*header(kind, descriptor.len()), descriptor].concat())
}

/// What stands before the descriptor of such a note: the lengths of owner and descriptor, the type, and
/// the owner.
pub fn header(kind: u32, descriptor_bytes: usize) -> Vec<u8> {
    let owner = [note::OWNER.as_bytes(), b"\0"].concat();
    let words = [owner.len() as u32, descriptor_bytes as u32, kind].map(u32::to_le_bytes);
    padded([words.as_flattened(), &owner].concat())
}

fn padded(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::read::elf::NoteIterator;
    use object::{LittleEndian, Object as _, ObjectSection};

    #[test]
    fn the_object_holds_a_note_that_reads_back() {
        let note = ImageNote { abi_version: 1, name: "wc".into(), ..Default::default() };
        let bytes = object_file(&note).expect("a small object");
        let file = object::File::parse(&bytes[..]).expect("an ELF object");
        let section = file.section_by_name(note::SECTION).expect("the note's section");
        let data = section.data().expect("the note's bytes");
        let mut notes = NoteIterator::<object::elf::FileHeader64<LittleEndian>>::new(
            LittleEndian,
            ALIGNMENT as u64,
            data,
        )
        .expect("notes");
        let read = notes.next().expect("well-formed").expect("one note");
        assert_eq!(read.name(), note::OWNER.as_bytes());
        assert_eq!(read.n_type(LittleEndian).0, note::TYPE);
        assert_eq!(ImageNote::decode(read.desc()), Ok(note));
    }
}
