//! A guest's memory: one flat range of this process's, with the image in it.
//!
//! References into it are made here alone, and only while the guest's processor stands still:
//! whoever runs that holds the memory exclusively.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::ops::Range;
use std::slice;

use ampoule_abi::layout::PAGE_BYTES;
use kvm_bindings::kvm_userspace_memory_region;
use kvm_ioctls::VmFd;
use rustix::mm::{MapFlags, ProtFlags, mmap, mmap_anonymous};
use vm_memory::{GuestAddress, GuestMemoryBackend, GuestMemoryMmap};

use crate::Image;
use crate::backend::LaunchError;
use crate::image::Segment;

/// A guest's memory, from guest-physical address 0 on.
#[derive(Debug)]
pub(super) struct Memory {
    mapping: GuestMemoryMmap<()>,
    host: *mut u8,
    bytes: u64,
    /// What is a file's. Not for devices: where somebody makes the file shorter, to touch it kills.
    files: Vec<Range<u64>>,
}

/// A range of a file and the guest-physical address where it goes.
#[derive(Clone, Copy, Debug)]
struct Piece {
    address: u64,
    offset: usize,
    bytes: usize,
}

impl Piece {
    fn of(segment: &Segment) -> Self {
        let (offset, bytes) = (segment.file.start, segment.file.len());
        Self { address: segment.address, offset, bytes }
    }

    /// The whole pages that can be mapped, and the rest.
    fn split(self, may_map: bool) -> (Self, Self) {
        let page = PAGE_BYTES as usize;
        let whole = if may_map && self.offset.is_multiple_of(page) {
            self.bytes - self.bytes % page
        } else {
            0
        };
        let rest = Self {
            address: self.address + whole as u64,
            offset: self.offset + whole,
            bytes: self.bytes - whole,
        };
        (Self { bytes: whole, ..self }, rest)
    }

    fn goes_on_with(&self, next: &Self) -> bool {
        self.address + self.bytes as u64 == next.address && self.offset + self.bytes == next.offset
    }
}

// SAFETY: the pointer is to memory that the mapping owns, and references are made from it only
// through a reference to this.
unsafe impl Send for Memory {}

/// A guest named memory that it does not have.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{bytes} bytes at {address:#x} do not lie in its memory")]
pub(super) struct NoMemory {
    address: u64,
    bytes: u64,
}

impl Memory {
    /// So many zero bytes, none of which takes memory of the host's before it is touched.
    pub(super) fn new(bytes: u64) -> Result<Self, LaunchError> {
        let what = "map the guest's memory";
        let refused = |error: String| LaunchError::system(what)(std::io::Error::other(error));
        let whole = usize::try_from(bytes).map_err(|error| refused(error.to_string()))?;
        let mapping = GuestMemoryMmap::from_ranges(&[(GuestAddress(0), whole)])
            .map_err(|error| refused(error.to_string()))?;
        let host = mapping
            .get_host_address(GuestAddress(0))
            .map_err(|error| refused(error.to_string()))?;
        Ok(Self { mapping, host, bytes, files: Vec::new() })
    }

    /// What queues read and write their rings through.
    pub(super) fn mapping(&self) -> &GuestMemoryMmap<()> {
        &self.mapping
    }

    /// Makes all of it a machine's memory.
    pub(super) fn lend_to(&self, machine: &VmFd) -> Result<(), kvm_ioctls::Error> {
        let region = kvm_userspace_memory_region {
            slot: 0,
            flags: 0,
            guest_phys_addr: 0,
            memory_size: self.bytes,
            userspace_addr: self.host.expose_provenance() as u64,
        };
        // SAFETY: the range is mapped as long as this value lives, which `machine::Machine` keeps
        // until after the machine is gone, and nothing else is in it.
        unsafe { machine.set_user_memory_region(region) }
    }

    /// Memory that was ever touched, in bytes, in whole pages; of the image what the host has in
    /// memory, whoever touched it.
    pub(super) fn touched_bytes(&self) -> Option<u64> {
        // The host's pages are the guest's. To ask is not allowed everywhere.
        let page = PAGE_BYTES as usize;
        let mut pages = vec![0u8; (self.bytes as usize).div_ceil(page)];
        let (length, place) = (self.bytes as usize, pages.as_mut_ptr());
        // SAFETY: the range is mapped, and there is a byte for each of its pages.
        match unsafe { libc::mincore(self.host.cast(), length, place) } {
            0 => Some((pages.iter().filter(|&&page| page & 1 != 0).count() * page) as u64),
            _ => None,
        }
    }

    /// Puts the segments of `image` into their places: its file's pages where it is one, so that
    /// no more of it is read than is used, and nothing is copied that is only read.
    pub(super) fn load(&mut self, image: &Image) -> Result<(), LaunchError> {
        let mut whole_pages: Vec<Piece> = Vec::new();
        for segment in &image.facts().segments {
            let (piece, rest) = Piece::of(segment).split(image.file().is_some());
            match whole_pages.last_mut() {
                Some(last) if last.goes_on_with(&piece) => last.bytes += piece.bytes,
                _ => whole_pages.push(piece),
            }
            self.fill(image, rest)?;
        }
        for piece in whole_pages.into_iter().filter(|piece| piece.bytes > 0) {
            match image.file().is_some_and(|file| self.map(Some(file), piece).is_ok()) {
                true => self.files.push(piece.address..piece.address + piece.bytes as u64),
                false => {
                    // A file that cannot be mapped may have left a hole.
                    let refused = LaunchError::system("map the guest's memory");
                    self.map(None, piece).map_err(refused)?;
                    self.fill(image, piece)?;
                }
            }
        }
        Ok(())
    }

    fn fill(&mut self, image: &Image, piece: Piece) -> Result<(), LaunchError> {
        let room = self.slice_mut(piece.address, piece.bytes as u64)?;
        image.read_at(piece.offset, room).map_err(LaunchError::system("read the image"))
    }

    /// Puts a part of a file, or zeros, in place of what is there.
    fn map(&mut self, file: Option<&File>, piece: Piece) -> io::Result<()> {
        let start = self.check(piece.address, piece.bytes as u64).map_err(io::Error::other)?;
        let place = self.host.wrapping_add(start).cast();
        let access = ProtFlags::READ | ProtFlags::WRITE;
        let flags = MapFlags::PRIVATE | MapFlags::FIXED | MapFlags::NORESERVE;
        let (bytes, offset) = (piece.bytes, piece.offset as u64);
        match file {
            // SAFETY: what is replaced lies in this memory, to which nobody else has references.
            Some(file) => unsafe { mmap(place, bytes, access, flags, file, offset) }?,
            // SAFETY: as above.
            None => unsafe { mmap_anonymous(place, bytes, access, flags) }?,
        };
        Ok(())
    }

    /// Bytes of the memory, while nobody changes them.
    pub(super) fn slice(&self, address: u64, bytes: u64) -> Result<&[u8], NoMemory> {
        let start = self.check(address, bytes)?;
        // SAFETY: the range lies in the mapping, all of which is readable and initialised, and the
        // guest's processor does not run while there is a reference to this memory.
        Ok(unsafe { slice::from_raw_parts(self.host.wrapping_add(start), bytes as usize) })
    }

    /// Bytes of the memory, to be changed.
    pub(super) fn slice_mut(&mut self, address: u64, bytes: u64) -> Result<&mut [u8], NoMemory> {
        let start = self.check(address, bytes)?;
        // SAFETY: as above, and nobody else has a reference, since this one is exclusive.
        Ok(unsafe { slice::from_raw_parts_mut(self.host.wrapping_add(start), bytes as usize) })
    }

    /// The offset of a range that lies in the memory.
    fn check(&self, address: u64, bytes: u64) -> Result<usize, NoMemory> {
        let end = address.checked_add(bytes).filter(|&end| end <= self.bytes);
        let is_ours = |end| !self.files.iter().any(|file| address < file.end && file.start < end);
        match end.filter(|&end| is_ours(end)) {
            Some(_) => Ok(address as usize),
            None => Err(NoMemory { address, bytes }),
        }
    }
}
