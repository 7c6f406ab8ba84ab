//! Mustache templates (mustache.github.io/mustache.5): variables, sections and comments.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Sections within each other that a template may have.
const MAX_DEPTH: usize = 64;

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    Text(&'a str),
    /// `{{name}}`, or `{{{name}}}` and `{{&name}}`, which are not escaped.
    Variable {
        name: Name<'a>,
        escaped: bool,
    },
    /// `{{#name}}…{{/name}}`, or `{{^name}}…{{/name}}`, which is shown where the other is not.
    Section {
        name: Name<'a>,
        inverted: bool,
        parts: Vec<Part<'a>>,
    },
}

/// A name with its parts between dots; no parts mean the context itself, `.`.
pub type Name<'a> = Vec<&'a str>;

/// Reads a template.
pub fn template(text: &str) -> Result<Vec<Part<'_>>, String> {
    let mut parser = Parser { text, at: 0 };
    let parts = parser.parts(None, 0)?;
    Ok(parts)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

/// A tag: what kind it is and what it says.
struct Tag<'a> {
    kind: char,
    content: &'a str,
    /// Whether it is one of those that take their line away if they are alone on it.
    may_stand_alone: bool,
}

impl<'a> Parser<'a> {
    /// The parts up to the end of the section `open`, or of the template.
    fn parts(&mut self, open: Option<&str>, depth: usize) -> Result<Vec<Part<'a>>, String> {
        if depth > MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} sections within each other"));
        }
        let mut parts = Vec::new();
        loop {
            let rest = &self.text[self.at..];
            let Some(start) = rest.find("{{").map(|offset| self.at + offset) else {
                parts.push(Part::Text(rest));
                self.at = self.text.len();
                return match open {
                    None => Ok(parts),
                    Some(name) => Err(format!("the section `{name}` is not closed")),
                };
            };
            let text_start = self.at;
            let (tag, end) = self.tag(start)?;
            let (text_end, next) = match self.alone(start, end) {
                Some(line) if tag.may_stand_alone => line,
                _ => (start, end),
            };
            parts.push(Part::Text(&self.text[text_start..text_end.max(text_start)]));
            self.at = next;
            match tag.kind {
                '!' => {}
                '#' | '^' => {
                    let inner = self.parts(Some(tag.content), depth + 1)?;
                    let (name, inverted) = (name(tag.content)?, tag.kind == '^');
                    parts.push(Part::Section { name, inverted, parts: inner });
                }
                '/' if open == Some(tag.content) => return Ok(parts),
                '/' => return Err(format!("`{}` is closed where it is not open", tag.content)),
                kind => {
                    let escaped = kind == ' ';
                    parts.push(Part::Variable { name: name(tag.content)?, escaped });
                }
            }
        }
    }

    /// The tag at `start`, and where it ends.
    fn tag(&self, start: usize) -> Result<(Tag<'a>, usize), String> {
        let inner = &self.text[start + 2..];
        let (close, is_triple) = if inner.starts_with('{') { ("}}}", true) } else { ("}}", false) };
        let length = inner.find(close).ok_or_else(|| {
            let shown: String = inner.chars().take(20).collect();
            format!("`{{{{{shown}` has no end")
        })?;
        let end = start + 2 + length + close.len();
        let inner = &inner[..length];
        let kind = inner.chars().next().filter(|kind| "#^/!&{>=".contains(*kind));
        let kind = if is_triple { Some('&') } else { kind };
        let content = if kind.is_some() { inner[1..].trim() } else { inner.trim() };
        if let Some(kind @ ('>' | '=')) = kind {
            return Err(format!("`{{{{{kind}`: partials and other delimiters are not supported"));
        }
        let may_stand_alone = kind.is_some_and(|kind| "#^/!".contains(kind));
        Ok((Tag { kind: kind.unwrap_or(' '), content, may_stand_alone }, end))
    }

    /// The whole line of a tag that is alone on it.
    fn alone(&self, start: usize, end: usize) -> Option<(usize, usize)> {
        let is_blank = |text: &str| text.chars().all(|character| matches!(character, ' ' | '\t'));
        let line_start = self.text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let after = &self.text[end..];
        let (rest, line_end) = match after.find('\n') {
            Some(newline) => (&after[..newline], end + newline + 1),
            None => (after, self.text.len()),
        };
        let rest = rest.strip_suffix('\r').unwrap_or(rest);
        let is_alone = is_blank(&self.text[line_start..start]) && is_blank(rest);
        is_alone.then_some((line_start, line_end))
    }
}

fn name(content: &str) -> Result<Name<'_>, String> {
    if content == "." {
        return Ok(Vec::new());
    }
    let parts: Vec<_> = content.split('.').collect();
    if parts.iter().any(|part| part.is_empty() || part.contains(char::is_whitespace)) {
        return Err(format!("`{content}` is not a name"));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_every_kind() {
        let parts = template("a{{ b.c }}{{{d}}}{{!no}}{{^e}}{{.}}{{/e}}").expect("good");
        let shown: Vec<_> = parts.iter().filter(|part| **part != Part::Text("")).collect();
        assert_eq!(shown.len(), 4);
        assert_eq!(*shown[1], Part::Variable { name: vec!["b", "c"], escaped: true });
        assert_eq!(*shown[2], Part::Variable { name: vec!["d"], escaped: false });
        assert!(matches!(shown[3], Part::Section { inverted: true, .. }));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, problem) in [
            ("{{#a}}", "the section `a` is not closed"),
            ("{{#a}}{{/b}}", "`b` is closed where it is not open"),
            ("{{a", "`{{a` has no end"),
            ("{{>a}}", "`{{>`: partials and other delimiters are not supported"),
            ("{{a b}}", "`a b` is not a name"),
            ("{{}}", "`` is not a name"),
        ] {
            assert_eq!(template(text), Err(problem.to_string()));
        }
        assert!(template(&"{{#a}}".repeat(10_000)).is_err());
    }
}
