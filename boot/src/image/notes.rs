//! The notes an image carries: where PVH boot enters it, what the function says of itself, and
//! what of a machine it needs.

use ampoule_abi::ABI_VERSION;
use ampoule_abi::messages::ImageNote;
use ampoule_abi::note::{self, EntryNote, MachineNote};
use object::elf::{self, ProgramHeader64};
use object::read::elf::ProgramHeader;
use object::{LittleEndian, ReadRef};
use prost::Message;

use super::ImageError;
use crate::foreign::{clip, is_plain};

/// Most bytes of all notes together: what is held of a file before anything of it is believed.
pub const MAX_NOTE_BYTES: u64 = 64 << 10;

/// The event modes that SPEC C7 names.
pub const EVENT_MODES: [&str; 4] = ["raw", "binary", "structured", "batched"];

/// The notes of an image, of each kind one.
#[derive(Debug, Default)]
pub(super) struct Notes<'data> {
    pvh: Option<&'data [u8]>,
    /// Whether there is one of the same type and another owner, at which QEMU does not look.
    pvh_of_others: bool,
    ours: Option<&'data [u8]>,
    machine: Option<&'data [u8]>,
    entry: Option<&'data [u8]>,
}

impl<'data> Notes<'data> {
    /// Gathers the notes of all PT_NOTE segments.
    pub(super) fn of(
        programs: &[ProgramHeader64<LittleEndian>],
        bytes: impl ReadRef<'data>,
    ) -> Result<Self, ImageError> {
        let with_notes = programs.iter().filter(|it| it.p_type(LittleEndian) == elf::PT_NOTE);
        let lengths = with_notes.clone().map(|program| program.p_filesz(LittleEndian));
        if lengths.fold(0, u64::saturating_add) > MAX_NOTE_BYTES {
            return Err(ImageError::Damaged("more than 64 KiB of notes"));
        }
        let mut notes = Self::default();
        for program in with_notes {
            notes.gather(program, bytes)?;
        }
        Ok(notes)
    }

    fn gather(
        &mut self,
        header: &ProgramHeader64<LittleEndian>,
        bytes: impl ReadRef<'data>,
    ) -> Result<(), ImageError> {
        let damaged = |_| ImageError::Damaged("a note segment");
        let notes = header.notes(LittleEndian, bytes).map_err(damaged)?;
        let Some(mut notes) = notes else { return Ok(()) };
        while let Some(found) = notes.next().map_err(damaged)? {
            let is_ours = found.name() == note::OWNER.as_bytes();
            let (slot, kind) = match found.n_type(LittleEndian).0 {
                note::PVH_TYPE if found.name() == note::PVH_OWNER.as_bytes() => {
                    (&mut self.pvh, "PVH")
                }
                note::PVH_TYPE => {
                    self.pvh_of_others = true;
                    continue;
                }
                note::TYPE if is_ours => (&mut self.ours, "Ampoule"),
                note::MACHINE_TYPE if is_ours => (&mut self.machine, "machine"),
                note::ENTRY_TYPE if is_ours => (&mut self.entry, "entry"),
                _ => continue,
            };
            if slot.replace(found.desc()).is_some() {
                return Err(ImageError::NoteTwice(kind));
            }
        }
        Ok(())
    }

    /// The address at which PVH boot enters (`XEN_ELFNOTE_PHYS32_ENTRY`: 32 bits, or 64 of which
    /// the upper half is zero).
    pub(super) fn pvh_entry(&self) -> Result<u64, ImageError> {
        let descriptor = self.pvh.ok_or(ImageError::NoPvhNote)?;
        if self.pvh_of_others {
            return Err(ImageError::NoteTwice("PVH"));
        }
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
        if !is_name(&note.name) {
            return Err(ImageError::BadName(clip(&note.name)));
        }
        if !is_name(&note.version) {
            return Err(ImageError::BadVersion(clip(&note.version)));
        }
        if note.stack_bytes == 0 {
            return Err(ImageError::NoStack);
        }
        let unknown = |mode: &&String| !EVENT_MODES.contains(&mode.as_str());
        if let Some(mode) = note.event_modes.iter().find(unknown) {
            return Err(ImageError::UnknownEventMode(clip(mode)));
        }
        let twice = |(index, mode): &(usize, &String)| note.event_modes[..*index].contains(mode);
        if let Some((_, mode)) = note.event_modes.iter().enumerate().find(twice) {
            return Err(ImageError::EventModeTwice(mode.clone()));
        }
        // None is known yet, so whatever is asked for cannot have been granted.
        match note.capabilities.first() {
            Some(capability) => Err(ImageError::UnknownCapability(clip(capability))),
            None => Ok(note),
        }
    }
}

/// Whether a text can be an argument, and be told from others where it is printed.
fn is_name(text: &str) -> bool {
    (1..=255).contains(&text.len()) && is_plain(text) && !text.contains(char::is_whitespace)
}
