//! What is built upon comes from cargo's own registry, under licences that `.cargo/deny.toml` allows.

use std::path::{Path, PathBuf};

use cargo_metadata::{MetadataCommand, Package};
use toml::Table;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A table of `.cargo/deny.toml`.
fn rules(table: &str) -> Table {
    let text = std::fs::read_to_string(root().join(".cargo/deny.toml")).expect("a file");
    let rules: Table = text.parse().expect("TOML");
    rules[table].as_table().expect("a table").clone()
}

/// Every package of the lock file that is somebody else's.
fn packages() -> Vec<Package> {
    let mut command = MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml")).other_options(vec!["--locked".to_owned()]);
    let packages = command.exec().expect("the project's metadata").packages;
    let theirs: Vec<_> = packages.into_iter().filter(|package| package.source.is_some()).collect();
    assert!(theirs.len() > 50, "only {} packages were found", theirs.len());
    theirs
}

#[test]
fn every_package_comes_from_cargo_s_own_registry() {
    for package in packages() {
        let source = package.source.as_ref().expect("it is somebody else's");
        assert!(source.is_crates_io(), "{} {} comes from {source}", package.name, package.version);
    }
}

/// No registry is allowed besides the one that `cargo deny` allows by itself, which is the same.
#[test]
fn other_sources_are_denied() {
    let sources = rules("sources");
    for unknown in ["unknown-registry", "unknown-git"] {
        assert_eq!(sources[unknown].as_str(), Some("deny"), "{unknown}");
    }
    assert_eq!(sources.len(), 2, "{sources:?} allows more");
}

#[test]
fn every_package_has_an_allowed_licence() {
    let licences: Vec<String> =
        rules("licenses")["allow"].clone().try_into().expect("a list of strings");
    for package in packages() {
        let expression = package.license.as_deref().unwrap_or("no licence");
        assert!(
            is_granted(expression, &licences),
            "{} {} is under {expression:?}, of which `.cargo/deny.toml` does not allow enough",
            package.name,
            package.version
        );
    }
}

/// Whether the allowed licences are enough for a licence expression (SPDX, annex D).
fn is_granted(expression: &str, allowed: &[String]) -> bool {
    // Old manifests write a slash for OR.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = &words[..];
    let granted = alternatives(&mut rest, allowed);
    assert!(rest.is_empty(), "{expression:?} is not a licence expression");
    granted
}

/// Terms joined by OR, which binds less than AND.
fn alternatives(words: &mut &[&str], allowed: &[String]) -> bool {
    let mut granted = conjunction(words, allowed);
    while let Some(rest) = words.strip_prefix(&["OR"]) {
        *words = rest;
        granted |= conjunction(words, allowed);
    }
    granted
}

fn conjunction(words: &mut &[&str], allowed: &[String]) -> bool {
    let mut granted = term(words, allowed);
    while let Some(rest) = words.strip_prefix(&["AND"]) {
        *words = rest;
        granted &= term(words, allowed);
    }
    granted
}

fn term(words: &mut &[&str], allowed: &[String]) -> bool {
    let (first, rest) = words.split_first().expect("an operator stands between two terms");
    *words = rest;
    if *first == "(" {
        let granted = alternatives(words, allowed);
        *words = words.strip_prefix(&[")"]).expect("a parenthesis is closed");
        return granted;
    }
    // An exception grants more, never less.
    if let ["WITH", _, rest @ ..] = words {
        *words = rest;
    }
    allowed.iter().any(|licence| licence == first)
}

#[test]
fn expressions_are_read_as_they_are_meant() {
    let allowed = ["MIT".to_owned(), "Zlib".to_owned()];
    for (expression, expected) in [
        ("MIT", true),
        ("GPL-3.0-only", false),
        ("GPL-3.0-only OR MIT", true),
        ("Unlicense/MIT", true),
        ("MIT AND GPL-3.0-only", false),
        ("MIT OR GPL-3.0-only AND Zlib", true),
        ("(MIT OR GPL-3.0-only) AND Zlib", true),
        ("(MIT OR Zlib) AND (GPL-3.0-only)", false),
        ("GPL-3.0-only WITH Classpath-exception-2.0 OR Zlib", true),
        ("MIT WITH Classpath-exception-2.0", true),
    ] {
        assert_eq!(is_granted(expression, &allowed), expected, "{expression}");
    }
}
