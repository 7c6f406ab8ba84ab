//! The list of crates in an image, where and as programs for audits look for it: compressed JSON in a
//! section of its own, by the format of `cargo auditable`.

use auditable_serde::VersionInfo;
use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;
use object::LittleEndian as LE;
use object::read::elf::SectionHeader as _;

use super::elf::File;

/// The section's name.
pub const SECTION: &str = ".dep-v0";

/// As small as it gets.
const LEVEL: u8 = 10;
/// Longest list that is read, in bytes.
const MAX_LIST_BYTES: usize = 8 << 20;

/// The section with a list.
pub fn pack(list: &[u8]) -> Vec<u8> {
    compress_to_vec_zlib(list, LEVEL)
}

/// The list in an image; `None` if there is none that can be read.
pub fn read(file: &File<'_>, image: &[u8]) -> Option<VersionInfo> {
    let (_, section) = file.elf_section_table().section_by_name(LE, SECTION.as_bytes())?;
    let list = decompress_to_vec_zlib_with_limit(section.data(LE, image).ok()?, MAX_LIST_BYTES);
    serde_json::from_slice(&list.ok()?).ok()
}
