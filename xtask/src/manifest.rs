//! A package's manifest as its author wrote it: what stands in it, and where.
//!
//! Cargo gives its own reading of a manifest, which has forgotten lines and columns.

use std::fmt::{self, Display, Formatter};
use std::ops::Range;

use serde::de::{DeserializeOwned, IntoDeserializer};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A place in a text, counted from 1 as editors do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character in it.
    pub column: usize,
}

/// Something wrong in a manifest, and its place.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {why}")]
pub struct Misplaced<E> {
    /// Where it stands.
    pub place: Place,
    /// What is wrong.
    pub why: E,
}

/// A manifest.
pub struct Manifest<'a> {
    text: &'a str,
    root: DeTable<'a>,
}

/// A value, and what it is called.
pub struct Setting<'a> {
    text: &'a str,
    name: &'a str,
    value: &'a Spanned<DeValue<'a>>,
}

/// Values by name.
pub struct Table<'a> {
    text: &'a str,
    entries: &'a DeTable<'a>,
}

/// The name of a value in a table.
pub struct Key<'a> {
    text: &'a str,
    name: &'a str,
    span: Range<usize>,
}

impl Place {
    /// The place of the byte at `offset`.
    fn of(offset: usize, text: &str) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self { line: before.matches('\n').count() + 1, column: line.chars().count() + 1 }
    }
}

impl Display for Place {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.line, self.column)
    }
}

impl<E> Misplaced<E> {
    /// The same place, said otherwise.
    pub fn map<F>(self, change: impl FnOnce(E) -> F) -> Misplaced<F> {
        Misplaced { place: self.place, why: change(self.why) }
    }
}

impl<'a> Manifest<'a> {
    /// Reads a manifest's text.
    pub fn parse(text: &'a str) -> Result<Self, Misplaced<String>> {
        let root = DeTable::parse(text).map_err(|error| Misplaced {
            place: Place::of(error.span().map_or(0, |span| span.start), text),
            why: error.message().to_owned(),
        })?;
        Ok(Self { text, root: root.into_inner() })
    }

    /// The value at the end of `path`, if there is one.
    pub fn value(&'a self, path: &[&'a str]) -> Option<Setting<'a>> {
        let (last, tables) = path.split_last()?;
        let mut table = Table { text: self.text, entries: &self.root };
        for name in tables {
            table = table.get(name)?.table()?;
        }
        table.get(last)
    }
}

impl<'a> Table<'a> {
    /// The names, in the order in which they were written.
    pub fn keys(&self) -> impl Iterator<Item = Key<'a>> {
        let text = self.text;
        let mut keys: Vec<Key<'a>> = self
            .entries
            .keys()
            .map(|key| Key { text, name: key.get_ref(), span: key.span() })
            .collect();
        keys.sort_by_key(|key| key.span.start);
        keys.into_iter()
    }

    /// The value called `name`.
    pub fn get(&self, name: &'a str) -> Option<Setting<'a>> {
        let value = self.entries.get(name)?;
        Some(Setting { text: self.text, name, value })
    }
}

impl<'a> Key<'a> {
    /// The name itself.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Says what is wrong with it.
    pub fn wrong<E>(&self, why: E) -> Misplaced<E> {
        Misplaced { place: Place::of(self.span.start, self.text), why }
    }
}

impl<'a> Setting<'a> {
    /// What it is called.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The value as a table, if it is one.
    pub fn table(&self) -> Option<Table<'a>> {
        match self.value.get_ref() {
            DeValue::Table(entries) => Some(Table { text: self.text, entries }),
            _ => None,
        }
    }

    /// The value as a `T`, if it is one.
    pub fn read<T: DeserializeOwned>(&self) -> Option<T> {
        T::deserialize(self.value.clone().into_deserializer()).ok()
    }

    /// The value as it was written, on one line.
    pub fn written(&self) -> String {
        let text = self.text.get(self.value.span()).unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Says what is wrong with the value.
    pub fn wrong<E>(&self, why: E) -> Misplaced<E> {
        self.wrong_at(self.value.span(), why)
    }

    /// Says what is wrong with the part of the value that takes up `span`.
    pub fn wrong_at<E>(&self, span: Range<usize>, why: E) -> Misplaced<E> {
        Misplaced { place: Place::of(span.start, self.text), why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_characters_from_one() {
        let text = "'é' = 1\r\n'ü'.'ö' = 2\n";
        let manifest = Manifest::parse(text).expect("TOML");
        let value = manifest.value(&["ü", "ö"]).expect("a value");
        assert_eq!(value.wrong(()).place, Place { line: 2, column: 11 });
        assert_eq!(value.read::<u8>(), Some(2));
        assert_eq!(value.read::<String>(), None);
        assert!(manifest.value(&["é", "ö"]).is_none());
    }

    #[test]
    fn a_text_that_is_not_toml_is_refused_with_its_place() {
        let error = Manifest::parse("a = 1\nb 2\n").err().expect("refused");
        assert_eq!(error.place.line, 2);
        assert!(!error.why.is_empty());
    }
}
