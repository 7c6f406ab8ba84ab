//! The notes an image carries: where PVH boot enters it, what the function says of itself, and
//! what of a machine it needs.

use ampoule_abi::ABI_VERSION;
use ampoule_abi::messages::ImageNote;
use ampoule_abi::note::{self, EntryNote, MachineNote};
use object::elf::ProgramHeader64;
use object::read::elf::ProgramHeader;
use object::{LittleEndian, ReadRef};
use prost::Message;

use super::ImageError;

/// The event modes that SPEC C7 names.
pub const EVENT_MODES: [&str; 4] = ["raw", "binary", "structured", "batched"];

/// The notes of an image, each as it was found first.
#[derive(Debug, Default)]
pub(super) struct Notes<'data> {
    pvh: Option<&'data [u8]>,
    ours: Option<&'data [u8]>,
    machine: Option<&'data [u8]>,
    entry: Option<&'data [u8]>,
}

impl<'data> Notes<'data> {
    /// Gathers the notes of one PT_NOTE segment.
    pub(super) fn gather(
        &mut self,
        header: &ProgramHeader64<LittleEndian>,
        bytes: impl ReadRef<'data>,
    ) -> Result<(), ImageError> {
        let damaged = |_| ImageError::Damaged("a note segment");
        let notes = header.notes(LittleEndian, bytes).map_err(damaged)?;
        let Some(mut notes) = notes else { return Ok(()) };
        while let Some(found) = notes.next().map_err(damaged)? {
            let slot = match (found.name(), found.n_type(LittleEndian).0) {
                (name, note::PVH_TYPE) if name == note::PVH_OWNER.as_bytes() => &mut self.pvh,
                (name, note::TYPE) if name == note::OWNER.as_bytes() => &mut self.ours,
                (name, note::MACHINE_TYPE) if name == note::OWNER.as_bytes() => &mut self.machine,
                (name, note::ENTRY_TYPE) if name == note::OWNER.as_bytes() => &mut self.entry,
                _ => continue,
            };
            slot.get_or_insert(found.desc());
        }
        Ok(())
    }

    /// The address at which PVH boot enters (`XEN_ELFNOTE_PHYS32_ENTRY`: 32 bits, or 64 of which
    /// the upper half is zero).
    pub(super) fn pvh_entry(&self) -> Result<u64, ImageError> {
        let descriptor = self.pvh.ok_or(ImageError::NoPvhNote)?;
        let entry = match *descriptor {
            [a, b, c, d] | [a, b, c, d, 0, 0, 0, 0] => u32::from_le_bytes([a, b, c, d]),
            _ => return Err(ImageError::BadNote("PVH")),
        };
        Ok(entry.into())
    }

    /// What the image says of its machine, if it does.
    pub(super) fn machine(&self) -> Result<Option<MachineNote>, ImageError> {
        let Some(descriptor) = self.machine else { return Ok(None) };
        MachineNote::read(descriptor).map(Some).ok_or(ImageError::BadNote("machine"))
    }

    /// Where the image's boot code would end up, if it says so.
    pub(super) fn entry(&self) -> Result<Option<EntryNote>, ImageError> {
        let Some(descriptor) = self.entry else { return Ok(None) };
        EntryNote::read(descriptor).map(Some).ok_or(ImageError::BadNote("entry"))
    }

    /// What the function says of itself, all of it checked but the memory.
    pub(super) fn image_note(&self) -> Result<ImageNote, ImageError> {
        let descriptor = self.ours.ok_or(ImageError::NoNote)?;
        let note = ImageNote::decode(descriptor).map_err(|_| ImageError::BadNote("Ampoule"))?;
        let known = ABI_VERSION.saturating_sub(1).max(1)..=ABI_VERSION;
        if !known.contains(&note.abi_version) {
            return Err(ImageError::UnknownAbi { found: note.abi_version });
        }
        let printable = |c: char| !c.is_control() && !c.is_whitespace();
        if !(1..=255).contains(&note.name.len()) || !note.name.chars().all(printable) {
            return Err(ImageError::BadName(note.name));
        }
        if note.version.is_empty() {
            return Err(ImageError::NoVersion);
        }
        if note.stack_bytes == 0 {
            return Err(ImageError::NoStack);
        }
        let unknown = |mode: &&String| !EVENT_MODES.contains(&mode.as_str());
        if let Some(mode) = note.event_modes.iter().find(unknown) {
            return Err(ImageError::UnknownEventMode(mode.clone()));
        }
        // None is known yet, so whatever is asked for cannot have been granted.
        match note.capabilities.first() {
            Some(capability) => Err(ImageError::UnknownCapability(capability.clone())),
            None => Ok(note),
        }
    }
}
