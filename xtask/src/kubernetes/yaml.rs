//! The part of YAML 1.2 that manifests need: block maps and lists, with texts quoted as in JSON, so that
//! no text can be taken for anything else; and comments.

use std::fmt::{self, Display, Write};

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Yaml {
    Text(String),
    Number(u64),
    Flag(bool),
    /// Of no keys, `{}`.
    Map(Vec<Entry>),
    List(Vec<Yaml>),
}

/// A key and its value, below a comment if there is one.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    comment: &'static str,
    key: String,
    value: Yaml,
}

impl Entry {
    /// The same below a comment of one or more lines.
    pub(super) fn saying(self, comment: &'static str) -> Self {
        Self { comment, ..self }
    }
}

/// An entry of a map. A key is a plain word, such as `apiVersion` or `devices.kubevirt.io/kvm`.
pub(super) fn entry(key: impl Into<String>, value: impl Into<Yaml>) -> Entry {
    Entry { comment: "", key: key.into(), value: value.into() }
}

impl From<&str> for Yaml {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Yaml {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Yaml {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Yaml {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<Vec<Entry>> for Yaml {
    fn from(entries: Vec<Entry>) -> Self {
        Self::Map(entries)
    }
}

impl<const N: usize> From<[Entry; N]> for Yaml {
    fn from(entries: [Entry; N]) -> Self {
        Self::Map(entries.into())
    }
}

impl<T: Into<Yaml>> FromIterator<T> for Yaml {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

impl Display for Yaml {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(out, 0, true)
    }
}

impl Yaml {
    /// Writes it `depth` levels deep; the first line is indented already if it `follows` a dash.
    fn write(&self, out: &mut impl Write, depth: usize, follows: bool) -> fmt::Result {
        match self {
            Self::Text(text) => writeln!(out, "{}", quoted(text)),
            Self::Number(number) => writeln!(out, "{number}"),
            Self::Flag(flag) => writeln!(out, "{flag}"),
            Self::Map(entries) if entries.is_empty() => writeln!(out, "{{}}"),
            Self::List(values) if values.is_empty() => writeln!(out, "[]"),
            Self::Map(entries) => {
                let mut is_indented = follows;
                for entry in entries {
                    for line in entry.comment.lines() {
                        indent(out, depth, &mut is_indented)?;
                        writeln!(out, "# {line}")?;
                    }
                    indent(out, depth, &mut is_indented)?;
                    write!(out, "{}:", entry.key)?;
                    entry.value.write_below(out, depth + 1)?;
                }
                Ok(())
            }
            Self::List(values) => {
                let mut is_indented = follows;
                for value in values {
                    indent(out, depth, &mut is_indented)?;
                    write!(out, "- ")?;
                    value.write(out, depth + 1, true)?;
                }
                Ok(())
            }
        }
    }

    /// Writes it behind a key: on its line if it fits there.
    fn write_below(&self, out: &mut impl Write, depth: usize) -> fmt::Result {
        let is_block = match self {
            Self::Map(entries) => !entries.is_empty(),
            Self::List(values) => !values.is_empty(),
            _ => false,
        };
        out.write_char(if is_block { '\n' } else { ' ' })?;
        self.write(out, depth, false)
    }
}

fn indent(out: &mut impl Write, depth: usize, is_indented: &mut bool) -> fmt::Result {
    match std::mem::take(is_indented) {
        true => Ok(()),
        false => write!(out, "{:width$}", "", width = 2 * depth),
    }
}

/// A text as JSON has it, which YAML reads as the same text.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_and_lists_nest() {
        let yaml = Yaml::from([
            entry("kind", "Job").saying("one\ntwo"),
            entry("none", Vec::new()),
            entry("spec", [entry("words", ["a: b", "\"\n"].into_iter().collect::<Yaml>())]),
            entry(
                "list",
                Yaml::List(vec![
                    Yaml::from([entry("a", 1), entry("b", true).saying("c")]),
                    Yaml::from_iter(["x"]),
                ]),
            ),
        ]);
        let expected = "\
# one
# two
kind: \"Job\"
none: {}
spec:
  words:
    - \"a: b\"
    - \"\\\"\\n\"
list:
  - a: 1
    # c
    b: true
  - - \"x\"
";
        assert_eq!(yaml.to_string(), expected);
    }
}
