//! Frames as text: names from debug information and from the symbol table, paths shortened.

use std::borrow::Cow;
use std::fmt::Write;
use std::path::Path;

use addr2line::{Context, Frame, demangle_auto};
use object::{SymbolMap, SymbolMapName};

use super::Slice;
use crate::session::printable;

/// Greatest number of frames, since inlined functions can multiply what is shown.
const MAX_FRAMES: usize = 128;

/// The frames of all `addresses`, numbered; repetitions, as of a recursion, are counted.
pub(super) fn render(
    context: &Context<Slice<'_>>,
    symbols: &SymbolMap<SymbolMapName<'_>>,
    addresses: &[u64],
) -> String {
    let frames: Vec<_> = addresses
        .iter()
        .enumerate()
        .flat_map(|(index, &address)| frames(context, symbols, index == 0, address))
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
fn frames(
    context: &Context<Slice<'_>>,
    symbols: &SymbolMap<SymbolMapName<'_>>,
    is_innermost: bool,
    address: u64,
) -> Vec<String> {
    // All but the innermost address are where a call returns to, one past the call.
    let probe = if is_innermost { address } else { address.saturating_sub(1) };
    let mut found = Vec::new();
    if let Ok(mut frames) = context.find_frames(probe).skip_all_loads() {
        while let Ok(Some(frame)) = frames.next() {
            found.push((name(&frame), location(&frame)));
            if found.len() == MAX_FRAMES {
                break;
            }
        }
    }
    if found.is_empty() {
        return vec![format!("{address:#x}")];
    }
    // Symbols know functions with their whole path, debug information often without.
    if let (Some(outermost), Some(symbol)) = (found.last_mut(), symbols.containing(probe)) {
        outermost.0 = Some(demangle_auto(Cow::Borrowed(symbol.name()), None).into_owned());
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
fn location(frame: &Frame<'_, Slice<'_>>) -> String {
    let Some(location) = &frame.location else { return String::new() };
    let Some(file) = location.file else { return String::new() };
    let line = location.line.map_or(String::new(), |line| format!(":{line}"));
    format!("\n             at {}{line}", printable(&trimmed(file)))
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
/// name, or the current directory.
fn trimmed(file: &str) -> Cow<'_, str> {
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
    let here = std::env::current_dir().ok();
    let inside = here.as_deref().and_then(|here| Path::new(file).strip_prefix(here).ok());
    inside.map_or(Cow::Borrowed(file.trim_start_matches("./")), Path::to_string_lossy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_hash() {
        assert_eq!(without_hash("a::b::h0123456789abcdef"), "a::b");
        assert_eq!(without_hash("a::height"), "a::height");
    }

    #[test]
    fn paths_begin_where_their_reader_would() {
        let library = "/rustc/4a4e/library/core/src/panicking.rs";
        assert_eq!(trimmed(library), "library/core/src/panicking.rs");
        let dependency = "/h/.cargo/registry/src/index-1/talc-5.0.0/src/lib.rs";
        assert_eq!(trimmed(dependency), "talc-5.0.0/src/lib.rs");
        let here = std::env::current_dir().expect("a directory").join("src/main.rs");
        assert_eq!(trimmed(here.to_str().expect("text")), "src/main.rs");
        assert_eq!(trimmed("./src/main.rs"), "src/main.rs");
    }
}
