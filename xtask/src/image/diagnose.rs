//! What the compiler's and the linker's errors mean for a function, and what to do.
//!
//! Two kinds of crate cannot be part of a function: those that use `std`, which the compiler
//! reports as a second panic handler, and those that call into a C library, which the linker
//! reports as an undefined symbol. Both reports leave the reader to guess which crate it is.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::diagnostic::Diagnostic;

use super::dependency;
use crate::project::{Function, Project};

/// Symbols that are named before the rest is counted.
const SHOWN_SYMBOLS: usize = 5;

/// Explains the errors that are understood; the text is to follow "does not compile".
pub fn explain(errors: &[Diagnostic], project: &Project, function: &Function) -> Option<String> {
    let messages: Vec<String> = errors.iter().flat_map(all_messages).collect();
    if let Some(name) = messages.iter().find_map(|message| user_of_std(message)) {
        return Some(explain_std(name, project, function));
    }
    let undefined: Vec<Undefined> =
        messages.iter().flat_map(|message| undefined_symbols(message)).collect();
    if undefined.is_empty() { None } else { Some(explain_symbols(&undefined, function)) }
}

fn all_messages(diagnostic: &Diagnostic) -> Vec<String> {
    let mut messages = vec![diagnostic.message.clone()];
    messages.extend(diagnostic.children.iter().flat_map(all_messages));
    messages
}

/// The crate through which `std` is reached, from a message such as "the lang item is first defined
/// in crate `std` (which `regex` depends on)".
fn user_of_std(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("crate `std` (which `")?;
    rest.split_once("` depends on)").map(|(name, _)| name)
}

fn explain_std(name: &str, project: &Project, function: &Function) -> String {
    if name == function.name.replace('-', "_") {
        return format!(
            ": its own code uses the standard library, which a function does not have; put \
             #![cfg_attr(ampoule_guest, no_std, no_main)] first in {}'s main.rs and take what you \
             need from `core`, `alloc` and `ampoule`",
            function.name
        );
    }
    let (package, through) = match dependency::path(project, function, name) {
        Some(path) => {
            let package = path.last().cloned().unwrap_or_else(|| name.into());
            (package, format!(" ({} -> {})", function.name, path.join(" -> ")))
        }
        None => (name.into(), String::new()),
    };
    format!(
        ": crate `{package}`{through} uses the standard library, which a function does not have; \
         ask for it with `default-features = false`, or replace it by one that is `no_std`"
    )
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

/// `/cargo/registry/src/index.crates.io-6f17d22bba15001f/errno-0.3.10/src/unix.rs:12` is of the
/// crate `errno`.
fn crate_of_source(line: &str) -> Option<String> {
    let (_, path) = line.split_once("/registry/src/")?;
    let package = path.split('/').nth(1)?;
    let version = package
        .match_indices('-')
        .find(|(at, _)| package[at + 1..].starts_with(|first: char| first.is_ascii_digit()))?
        .0;
    Some(package[..version].into())
}

fn explain_symbols(undefined: &[Undefined], function: &Function) -> String {
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
    fn the_crate_that_uses_std_is_named_whichever_came_first() {
        for message in [
            "the lang item is first defined in crate `std` (which `uses_std` depends on)",
            "duplicate lang item in crate `std` (which `uses_std` depends on): `panic_impl`",
        ] {
            assert_eq!(user_of_std(message), Some("uses_std"));
        }
        let runtime =
            "duplicate lang item in crate `ampoule` (which `wc` depends on): `panic_impl`";
        assert_eq!(user_of_std(runtime), None);
    }

    #[test]
    fn the_linkers_report_is_read() {
        let report = "rust-lld: error: undefined symbol: malloc\n\
            >>> referenced by c.c:3\n\
            >>>               9bb0a3195b9dd27a-c.o:(cfun) in archive /t/deps/rustcSP/libc_sys-025c7c40d3ba0703.rlib\n\
            \n\
            rust-lld: error: undefined symbol: getpid\n\
            >>> referenced by unix.rs:12 (/cargo/registry/src/index.crates.io-6f17/errno-0.3.10/src/unix.rs:12)\n\
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
