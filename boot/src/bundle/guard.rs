//! The guard: compares a bundle with its seal before anything else of it runs.
//!
//! Damage may be anywhere, so this uses nothing that lies elsewhere: all of it is in one section, which
//! `cargo xtask bundle` copies beside the file's headers, and which has no address in it. It calls
//! nothing but the kernel.
#![allow(unsafe_code)]

use std::arch::{asm, global_asm};
use std::slice;

use ampoule_abi::checksum::Xxh64;
use ampoule_abi::layout::PAGE_BYTES;
use ampoule_abi::seal;
use ampoule_boot::bundle::PLACES_OFFSET;

// Literals, since they are to lie between instructions.
macro_rules! name {
    () => {
        "ampoule: "
    };
}
macro_rules! altered {
    () => {
        " was altered after it was built: its checksum is xxh64:"
    };
}
macro_rules! sealed {
    () => {
        ", and it was sealed with xxh64:"
    };
}
macro_rules! cut {
    () => {
        " was cut short after it was built: it was sealed with xxh64:"
    };
}
macro_rules! advice {
    () => {
        "; copy or build it again"
    };
}

/// The texts in their order, as lengths in bytes.
const TEXTS: [usize; 5] =
    [name!().len(), altered!().len(), sealed!().len(), cut!().len(), advice!().len() + 1];

// The kernel enters here, with a stack that holds the number of the arguments and then those.
global_asm!(
    ".pushsection .ampoule.guard, \"axR\", @progbits",
    ".ascii \"AmpGuard\"",
    "mov rdi, rsp",
    "lea rsi, [rip]",
    "and rsi, -4096",
    "lea rdx, [rip + 2f]",
    "call {check}",
    "xor edx, edx",
    "jmp rax",
    "2:",
    concat!(".ascii \"", name!(), altered!(), sealed!(), cut!(), advice!(), "\\n\""),
    ".popsection",
    check = sym check,
);

type Page = [u8; PAGE_BYTES as usize];

/// Compares this program with its seal, and returns where it is to go on; or ends it.
///
/// # Safety
///
/// To be called by the code above: `stack` is as the kernel leaves it, `page` the first one of a
/// bundle, and `texts` are those of [`TEXTS`], one after the other.
#[unsafe(link_section = ".ampoule.guard")]
#[inline(never)]
unsafe extern "C" fn check(stack: &[*const u8; 2], page: &Page, texts: *const u8) -> u64 {
    let (mut checksum, mut is_cut) = (Xxh64::new(), false);
    // Fields of the file's header and of a program's (ELF-64, figures 3 and 6).
    let (first, count) = (number(page, 32) as usize, number(page, 56) as u16);
    for index in 0..usize::from(count) {
        let program = first.wrapping_add(PROGRAM_BYTES * index);
        let (kind, address, bytes) =
            (number(page, program) as u32, number(page, program + 16), number(page, program + 32));
        if kind != LOAD {
            continue;
        }
        // SAFETY: takes numbers; memory that the file does not reach is told by an error.
        is_cut = unsafe { system_call(MADVISE, address, bytes, POPULATE_READ) } == FAULT;
        if is_cut {
            break;
        }
        let start = std::ptr::with_exposed_provenance(address as usize);
        // SAFETY: the kernel has mapped that much of the file there, in whole pages, and so far
        // nobody has written to it.
        let mapped = unsafe { slice::from_raw_parts(start, bytes as usize) };
        let rest = match mapped.split_first_chunk() {
            Some((first, rest)) if std::ptr::eq(first, page) => {
                update_first(&mut checksum, first);
                rest
            }
            _ => mapped,
        };
        checksum.update(rest);
    }
    let (claimed, found) = (number(page, CHECKSUM_OFFSET), checksum.finish(&[]));
    if found == claimed && !is_cut {
        return number(page, PLACES_OFFSET as usize);
    }
    let [_count, name] = *stack;
    // SAFETY: the kernel has put the name there, and the texts are what the caller gave.
    unsafe { refuse(name, texts, claimed, (!is_cut).then_some(found)) }
}

/// The number of 64 bits at an offset.
#[inline(always)]
fn number(page: &Page, offset: usize) -> u64 {
    match page.get(offset..).and_then(<[u8]>::first_chunk) {
        Some(bytes) => u64::from_le_bytes(*bytes),
        None => 0,
    }
}

/// Adds the first page, in which the seal's checksum counts as 0.
#[inline(always)]
fn update_first(checksum: &mut Xxh64, page: &Page) {
    let (before, seal) = page.split_at(PAGE_BYTES as usize - seal::BYTES);
    checksum.update(before);
    let (words, _) = seal.as_chunks::<8>();
    if let [mark, _, zeros, more] = words {
        checksum.update([*mark, [0; 8], *zeros, *more].as_flattened());
    }
}

/// Says what is wrong, and ends the process.
///
/// # Safety
///
/// `name` is a string that ends with a NUL, or null, and `texts` are those of [`TEXTS`].
#[inline(always)]
unsafe fn refuse(name: *const u8, texts: *const u8, claimed: u64, found: Option<u64>) -> ! {
    let mut length = 0;
    // SAFETY: up to its end the string is there to be read. (Volatile, or it becomes a call.)
    while !name.is_null() && unsafe { name.wrapping_add(length).read_volatile() } != 0 {
        length += 1;
    }
    let (claimed, mut digits) = (digits(claimed), [0; DIGITS]);
    let [start, altered, sealed, cut, advice] = TEXTS;
    let mut at = texts;
    let mut text = |bytes: usize| {
        let piece = Piece { start: at, bytes };
        at = at.wrapping_add(bytes);
        piece
    };
    let (start, altered, sealed) = (text(start), text(altered), text(sealed));
    let (cut, advice) = (text(cut), text(advice));
    let nothing = Piece { start: texts, bytes: 0 };
    let (what, then) = match found {
        Some(found) => {
            digits = self::digits(found);
            (altered, sealed)
        }
        None => (cut, nothing),
    };
    let shown = Piece { start: digits.as_ptr(), bytes: found.map_or(0, |_| DIGITS) };
    let name = Piece { start: name, bytes: length };
    let claimed = Piece { start: claimed.as_ptr(), bytes: DIGITS };
    let pieces = [start, name, what, shown, then, claimed, advice];
    // SAFETY: each piece is there to be read.
    let _ = unsafe { system_call(WRITEV, STDERR, pieces.as_ptr() as u64, pieces.len() as u64) };
    loop {
        // SAFETY: takes a number, and ends the process.
        unsafe { system_call(EXIT_GROUP, NOT_RUNNABLE, 0, 0) };
    }
}

/// A part of what is written, as `writev` takes it.
#[repr(C)]
struct Piece {
    start: *const u8,
    bytes: usize,
}

/// Hexadecimal digits of 64 bits.
const DIGITS: usize = 16;

#[inline(always)]
fn digits(number: u64) -> [u8; DIGITS] {
    let mut digits = [0; DIGITS];
    let mut rest = number;
    for place in &mut digits {
        rest = rest.rotate_left(4);
        let digit = (rest & 0xf) as u8;
        // Not a table, which would lie elsewhere; nor instructions with constants that do.
        *place = std::hint::black_box(if digit < 10 { b'0' + digit } else { b'a' - 10 + digit });
    }
    digits
}

const WRITEV: u64 = libc::SYS_writev as u64;
const MADVISE: u64 = libc::SYS_madvise as u64;
const EXIT_GROUP: u64 = libc::SYS_exit_group as u64;
/// Since Linux 5.14; before that, what is cut short is told by a signal.
const POPULATE_READ: u64 = 22;
const FAULT: i64 = -(libc::EFAULT as i64);
const STDERR: u64 = 2;
const NOT_RUNNABLE: u64 = ampoule_abi::status::NOT_RUNNABLE as u64;
/// `PT_LOAD`.
const LOAD: u32 = 1;
const PROGRAM_BYTES: usize = 56;
const CHECKSUM_OFFSET: usize = PAGE_BYTES as usize - seal::BYTES + seal::MARK.len();

/// # Safety
///
/// Whatever the system call asks for.
#[inline(always)]
unsafe fn system_call(number: u64, first: u64, second: u64, third: u64) -> i64 {
    let result;
    // SAFETY: the kernel changes no register but these (System V ABI, AMD64, A.2.1).
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as i64 => result,
            in("rdi") first,
            in("rsi") second,
            in("rdx") third,
            out("rcx") _,
            out("r11") _,
            options(nostack),
        );
    }
    result
}
