//! Filling in a template.

use alloc::string::ToString;
use alloc::vec::Vec;

use ampoule::io::{Error, Write};

use crate::parse::Part;
use crate::value::Value;

/// Writes what a template makes of data.
pub fn render(
    template: &[Part<'_>],
    data: &Value,
    output: &mut impl Write<Error = Error>,
) -> Result<(), Error> {
    parts(template, &mut Vec::from([data]), output)
}

/// The contexts are those of the sections around, innermost last.
fn parts(
    template: &[Part<'_>],
    contexts: &mut Vec<&Value>,
    output: &mut impl Write<Error = Error>,
) -> Result<(), Error> {
    for part in template {
        match part {
            Part::Text(text) => output.write_all(text.as_bytes())?,
            Part::Variable { name, escaped } => {
                let Some(value) = find(name, contexts) else { continue };
                let text = value.to_string();
                match escaped {
                    true => escape(&text, output)?,
                    false => output.write_all(text.as_bytes())?,
                }
            }
            Part::Section { name, inverted, parts: inner } => {
                let value = find(name, contexts).filter(|value| value.is_shown());
                match (value, inverted) {
                    (None, true) => parts(inner, contexts, output)?,
                    (None, false) | (Some(_), true) => {}
                    (Some(Value::Array(items)), false) => {
                        for item in items {
                            within(item, inner, contexts, output)?;
                        }
                    }
                    (Some(value), false) => within(value, inner, contexts, output)?,
                }
            }
        }
    }
    Ok(())
}

fn within<'a>(
    context: &'a Value,
    template: &[Part<'_>],
    contexts: &mut Vec<&'a Value>,
    output: &mut impl Write<Error = Error>,
) -> Result<(), Error> {
    contexts.push(context);
    let rendered = parts(template, contexts, output);
    contexts.pop();
    rendered
}

/// The first part of a name is looked for from the innermost context outwards, the others within
/// what was found.
fn find<'a>(name: &[&str], contexts: &[&'a Value]) -> Option<&'a Value> {
    let Some((first, rest)) = name.split_first() else { return contexts.last().copied() };
    let found = contexts.iter().rev().find_map(|context| context.field(first))?;
    rest.iter().try_fold(found, |value, part| value.field(part))
}

/// Safe in HTML text and in quoted attributes.
fn escape(text: &str, output: &mut impl Write<Error = Error>) -> Result<(), Error> {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        let entity = match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            _ => "&#39;",
        };
        output.write_all(&rest.as_bytes()[..at])?;
        output.write_all(entity.as_bytes())?;
        rest = &rest[at + 1..];
    }
    output.write_all(rest.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{parse, value};
    use ampoule::io::ErrorType;

    struct Rendered(Vec<u8>);

    impl ErrorType for Rendered {
        type Error = Error;
    }

    impl Write for Rendered {
        fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
            self.0.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> Result<(), Error> {
            Ok(())
        }
    }

    fn rendered(template: &str, json: &str) -> String {
        let template = parse::template(template).expect("a good template");
        let data = value::read(json.as_bytes()).expect("JSON");
        let mut output = Rendered(Vec::new());
        render(&template, &data, &mut output).expect("it cannot fail");
        String::from_utf8(output.0).expect("text")
    }

    #[test]
    fn the_examples_of_the_specification() {
        for (template, json, expected) in [
            ("Hello, {{subject}}!\n", r#"{"subject":"world"}"#, "Hello, world!\n"),
            ("{{forbidden}}", r#"{"forbidden":"& \" < > '"}"#, "&amp; &quot; &lt; &gt; &#39;"),
            ("{{{a}}}{{&a}}", r#"{"a":"<"}"#, "<<"),
            (
                "\"{{a.b.c.name}}\" == \"Phil\"",
                r#"{"a":{"b":{}},"c":{"name":"Jim"}}"#,
                "\"\" == \"Phil\"",
            ),
            ("\"{{power}} jiggawatts!\"", r#"{"power":1.21}"#, "\"1.21 jiggawatts!\""),
            ("({{cannot}})", r#"{"cannot":null}"#, "()"),
            ("{{#list}}{{item}}{{/list}}", r#"{"list":[{"item":1},{"item":2}]}"#, "12"),
            ("{{#list}}({{.}}){{/list}}", r#"{"list":[1,"a"]}"#, "(1)(a)"),
            ("{{#.}}({{value}}){{/.}}", r#"[{"value":"a"},{"value":"b"}]"#, "(a)(b)"),
            ("{{^list}}none{{/list}}", r#"{"list":[]}"#, "none"),
            ("{{#a}}{{b}}{{c}}{{/a}}", r#"{"a":{"b":1},"c":2}"#, "12"),
            (
                "| This Is\n{{#boolean}}\n|\n{{/boolean}}\n| A Line\n",
                r#"{"boolean":true}"#,
                "| This Is\n|\n| A Line\n",
            ),
            ("|\r\n{{#boolean}}\r\n{{/boolean}}\r\n|", r#"{"boolean":true}"#, "|\r\n|"),
            ("  {{#boolean}}\n#{{/boolean}}\n/", r#"{"boolean":true}"#, "#\n/"),
            ("#{{#boolean}}\n/\n  {{/boolean}}", r#"{"boolean":true}"#, "#\n/\n"),
            ("Begin.\n  {{! Indented Comment }}\nEnd.\n", "{}", "Begin.\nEnd.\n"),
            (
                " {{#boolean}}YES{{/boolean}}\n {{#boolean}}GOOD{{/boolean}}\n",
                r#"{"boolean":true}"#,
                " YES\n GOOD\n",
            ),
        ] {
            assert_eq!(rendered(template, json), expected, "{template}");
        }
    }
}
