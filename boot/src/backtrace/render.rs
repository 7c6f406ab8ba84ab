//! Frames as text: names from debug information and from the symbol table, paths shortened.

use std::borrow::Cow;
use std::fmt::Write;
use std::path::Path;

use addr2line::{Context, Frame};

use super::Slice;
use super::symbols::Symbols;
use crate::session::printable;

/// Greatest number of frames, since inlined functions can multiply what is shown.
pub(super) const MAX_FRAMES: usize = 128;

/// The frames of all `addresses`, numbered, with paths that begin `here`; repetitions, as of a
/// recursion, are counted.
pub(super) fn render(
    context: &Context<Slice<'_>>,
    symbols: &Symbols<'_>,
    here: Option<&Path>,
    addresses: &[u64],
) -> String {
    let frames: Vec<_> = addresses
        .iter()
        .flat_map(|&address| frames(context, symbols, here, address))
        .take(MAX_FRAMES)
        .collect();
    let (mut text, mut number) = (String::new(), 0);
    for run in frames.chunk_by(|one, other| one == other) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{number:>4}: {}", run[0]);
        if run.len() > 1 {
            let _ = writeln!(text, "             ({} more of the same)", run.len() - 1);
        }
        number += run.len();
    }
    text
}

/// The frames of one address: functions inlined there, innermost first, then the one they are in.
///
/// Each address lies inside an instruction (SPEC C6), calls included, and is looked up as it is.
fn frames(
    context: &Context<Slice<'_>>,
    symbols: &Symbols<'_>,
    here: Option<&Path>,
    address: u64,
) -> Vec<String> {
    let mut found = Vec::new();
    if let Ok(mut frames) = context.find_frames(address).skip_all_loads() {
        while let Ok(Some(frame)) = frames.next() {
            found.push((name(&frame), location(&frame, here)));
            if found.len() == MAX_FRAMES {
                break;
            }
        }
    }
    match found.last_mut() {
        // Symbols know functions with their whole path, debug information often without.
        Some((Some(name), _)) => {
            if let Some(symbol) = symbols.containing(address) {
                *name = symbol;
            }
        }
        // Of assembly, debug information knows at most the line.
        Some((name, _)) => *name = symbols.nearest(address),
        None => found.push((symbols.nearest(address), String::new())),
    }
    let text = |(name, location): (Option<String>, String)| {
        let name = name.unwrap_or_else(|| format!("{address:#x}"));
        format!("{}{location}", printable(without_hash(&name)))
    };
    found.into_iter().map(text).collect()
}

fn name(frame: &Frame<'_, Slice<'_>>) -> Option<String> {
    Some(frame.function.as_ref()?.demangle().ok()?.into_owned())
}

/// Where a frame is, as a line of its own.
fn location(frame: &Frame<'_, Slice<'_>>, here: Option<&Path>) -> String {
    let Some(location) = &frame.location else { return String::new() };
    let Some(file) = location.file else { return String::new() };
    let line = location.line.map_or(String::new(), |line| format!(":{line}"));
    format!("\n             at {}{line}", printable(&trimmed(file, here)))
}

/// A demangled name without the hash that tells builds apart.
fn without_hash(name: &str) -> &str {
    match name.rsplit_once("::h") {
        Some((path, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            path
        }
        _ => name,
    }
}

/// A path from where its reader would begin: the standard library's `library`, a dependency's
/// name, or `here`.
fn trimmed<'a>(file: &'a str, here: Option<&Path>) -> Cow<'a, str> {
    if let Some((_, rest)) = file.split_once("/library/")
        && (file.contains("/rustc/") || file.contains("/rustlib/"))
    {
        return Cow::Owned(format!("library/{rest}"));
    }
    if let Some((_, rest)) = file.split_once("/registry/src/")
        && let Some((_, rest)) = rest.split_once('/')
    {
        return Cow::Borrowed(rest);
    }
    let inside = here.and_then(|here| Path::new(file).strip_prefix(here).ok());
    inside.map_or(Cow::Borrowed(file.trim_start_matches("./")), Path::to_string_lossy)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use addr2line::gimli::{Dwarf, EndianSlice, RunTimeEndian};
    use object::{SymbolMap, SymbolMapName};

    use super::*;

    #[test]
    fn what_only_the_symbol_table_knows_has_its_name_at_the_very_address() {
        let nothing = EndianSlice::new(&[], RunTimeEndian::Little);
        let dwarf = Dwarf::load(|_| Ok::<_, Infallible>(nothing)).expect("infallible");
        let context = Context::from_dwarf(dwarf).expect("no debug information");
        let map = SymbolMap::new(vec![
            SymbolMapName::new(0x1000, 0, "memcpy"),
            SymbolMapName::new(0x1100, 0x10, "memset\x1b"),
        ]);
        #[expect(clippy::single_range_in_vec_init, reason = "one section")]
        let symbols = Symbols::new(map, vec![0x1000..0x2000]);
        let text = render(&context, &symbols, None, &[0x1010, 0x1100, 0x9000]);
        assert_eq!(text, "   0: memcpy\n   1: memset\n   2: 0x9000\n");
    }

    #[test]
    fn names_lose_their_hash() {
        assert_eq!(without_hash("a::b::h0123456789abcdef"), "a::b");
        assert_eq!(without_hash("a::height"), "a::height");
    }

    #[test]
    fn paths_begin_where_their_reader_would() {
        let library = "/rustc/4a4e/library/core/src/panicking.rs";
        assert_eq!(trimmed(library, None), "library/core/src/panicking.rs");
        let dependency = "/h/.cargo/registry/src/index-1/talc-5.0.0/src/lib.rs";
        assert_eq!(trimmed(dependency, None), "talc-5.0.0/src/lib.rs");
        assert_eq!(trimmed("/p/f/src/main.rs", Some(Path::new("/p/f"))), "src/main.rs");
        assert_eq!(trimmed("./src/main.rs", None), "src/main.rs");
    }
}
