//! Reads a ZIP archive and lists what is in it: length and name, a line each.
//!
//! It trusts the archive's numbers, as parsers do that were written for archives of friends: where these
//! lie, an index is out of bounds, and that is the end of this machine, and of nothing else.
#![cfg_attr(ampoule_guest, no_std, no_main)]

extern crate alloc;

use ampoule::io::{BufWriter, stdin, stdout};
use ampoule::prelude::*;

/// How the record at an archive's end begins, which tells where its directory is.
const END: &[u8] = b"PK\x05\x06";
const END_BYTES: usize = 22;
/// How each entry of the directory begins.
const ENTRY: &[u8] = b"PK\x01\x02";
const ENTRY_BYTES: usize = 46;

ampoule::main!(list);

fn list() -> Result {
    let archive = stdin().read_all()?;
    let end = find_end(&archive).ok_or_else(|| Error::data("it is not a ZIP archive"))?;
    let entries = number(&archive, end + 10, 2);
    let mut at = number(&archive, end + 16, 4);
    let mut out = BufWriter::new(stdout());
    for _ in 0..entries {
        if &archive[at..at + ENTRY.len()] != ENTRY {
            return Err(Error::data("its directory is damaged"));
        }
        let length = number(&archive, at + 24, 4);
        let [name, extra, comment] = [28, 30, 32].map(|field| number(&archive, at + field, 2));
        let shown = String::from_utf8_lossy(&archive[at + ENTRY_BYTES..][..name]);
        // A name may hold what a terminal obeys.
        writeln!(out, "{length:>10}  {}", shown.escape_debug())?;
        at += ENTRY_BYTES + name + extra + comment;
    }
    Ok(out.flush()?)
}

fn find_end(archive: &[u8]) -> Option<usize> {
    let last = archive.len().checked_sub(END_BYTES)?;
    (0..=last).rev().find(|&at| archive[at..].starts_with(END))
}

/// A number of so many bytes, little-endian.
fn number(archive: &[u8], at: usize, bytes: usize) -> usize {
    archive[at..at + bytes].iter().rev().fold(0, |number, &byte| number << 8 | usize::from(byte))
}
