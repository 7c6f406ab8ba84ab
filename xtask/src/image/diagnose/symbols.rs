//! Symbols that nothing defines: calls into a C library that is not there.

use std::collections::{BTreeMap, BTreeSet};

use crate::image::canonical::PACKAGES;
use crate::project::Function;

/// Symbols that are named before the rest is counted.
const SHOWN_SYMBOLS: usize = 5;

/// Explains undefined symbols, if the linker reports any.
pub fn explain(messages: &[String], function: &Function) -> Option<String> {
    let undefined: Vec<Undefined> =
        messages.iter().flat_map(|message| undefined_symbols(message)).collect();
    if undefined.is_empty() { None } else { Some(describe(&undefined, function)) }
}

/// A symbol that nothing defines, and the crate that wants it where that is known.
#[derive(Debug, PartialEq, Eq)]
struct Undefined {
    symbol: String,
    wanted_by: Option<String>,
}

/// Reads the linker's report:
///
/// ```text
/// rust-lld: error: undefined symbol: malloc
/// >>> referenced by c.c:3
/// >>>               9bb0-c.o:(cfun) in archive /…/libzstd_sys-025c7c40d3ba0703.rlib
/// ```
fn undefined_symbols(message: &str) -> Vec<Undefined> {
    let mut found: Vec<Undefined> = Vec::new();
    for line in message.lines() {
        if let Some((_, symbol)) = line.split_once("error: undefined symbol: ") {
            found.push(Undefined { symbol: symbol.trim().into(), wanted_by: None });
        } else if let Some(last) = found.last_mut().filter(|_| line.trim().starts_with(">>>")) {
            last.wanted_by = last
                .wanted_by
                .take()
                .or_else(|| crate_of_archive(line))
                .or_else(|| crate_of_source(line));
        }
    }
    found
}

/// `…/libzstd_sys-025c7c40d3ba0703.rlib` is of the crate `zstd_sys`.
fn crate_of_archive(line: &str) -> Option<String> {
    let file = line.trim().strip_suffix(".rlib")?.rsplit('/').next()?;
    let (name, _digest) = file.strip_prefix("lib")?.rsplit_once('-')?;
    Some(name.into())
}

/// `(/cargo/errno-0.3.10/src/unix.rs:12)` is of the crate `errno`.
fn crate_of_source(line: &str) -> Option<String> {
    let (_, path) = line.split_once(&format!("({PACKAGES}/"))?;
    let (package, _) = path.split_once('/')?;
    let version = package
        .match_indices('-')
        .find(|(at, _)| package[at + 1..].starts_with(|first: char| first.is_ascii_digit()))?
        .0;
    Some(package[..version].into())
}

fn describe(undefined: &[Undefined], function: &Function) -> String {
    let mut wanted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for Undefined { symbol, wanted_by } in undefined {
        wanted.entry(wanted_by.as_deref().unwrap_or(&function.name)).or_default().insert(symbol);
    }
    let crates: Vec<String> = wanted
        .iter()
        .map(|(name, symbols)| format!("crate `{name}` calls {}", listed(symbols)))
        .collect();
    format!(
        ": {}, which nothing in a function provides; there is no operating system and no C \
         library under it, so replace the crate by one in plain Rust, or switch off the feature \
         that needs it",
        crates.join("; ")
    )
}

fn listed(symbols: &BTreeSet<&str>) -> String {
    let shown: Vec<String> =
        symbols.iter().take(SHOWN_SYMBOLS).map(|symbol| format!("`{symbol}`")).collect();
    match symbols.len().saturating_sub(SHOWN_SYMBOLS) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_linkers_report_is_read() {
        let report = "rust-lld: error: undefined symbol: malloc\n\
            >>> referenced by c.c:3\n\
            >>>               9bb0a3195b9dd27a-c.o:(cfun) in archive /t/deps/rustcSP/libc_sys-025c7c40d3ba0703.rlib\n\
            \n\
            rust-lld: error: undefined symbol: getpid\n\
            >>> referenced by unix.rs:12 (/cargo/errno-0.3.10/src/unix.rs:12)\n\
            >>>               /t/deps/f-1.f.2-cgu.0.rcgu.o:(_start)\n\
            rust-lld: error: undefined symbol: puts\n\
            >>> referenced by main.rs:7 (src/main.rs:7)\n";
        let wanted = |symbol: &str, by: Option<&str>| Undefined {
            symbol: symbol.into(),
            wanted_by: by.map(Into::into),
        };
        assert_eq!(
            undefined_symbols(report),
            [
                wanted("malloc", Some("c_sys")),
                wanted("getpid", Some("errno")),
                wanted("puts", None)
            ]
        );
    }

    #[test]
    fn many_symbols_are_counted() {
        let symbols = BTreeSet::from(["a", "b", "c", "d", "e", "f", "g"]);
        assert_eq!(listed(&symbols), "`a`, `b`, `c`, `d`, `e` and 2 more");
    }
}
