//! Makes interpolation use our `@text`.
//!
//! `"\(…)"` is text by the interpreter's own means, which writes `10 / 5` as `2.0`. As `@text` is a
//! definition that can be given anew, each such string is made one with that format.

use alloc::string::String;
use alloc::vec::Vec;

use jaq_core::load::lex::{Lexer, StrPart, Tok, Token};
use jaq_core::load::span;

/// The filter with a format before every string that interpolates and has none. One that has
/// errors is left as it is: whoever compiles it reports them.
pub fn with_formats(filter: &str) -> String {
    let Ok(tokens) = Lexer::new(filter).lex() else { return String::from(filter) };
    let mut places = Vec::new();
    find(filter, &tokens, &mut places);
    let mut rewritten = String::new();
    let mut done = 0;
    for place in places {
        rewritten += &filter[done..place];
        rewritten += " @text ";
        done = place;
    }
    rewritten + &filter[done..]
}

fn find(filter: &str, tokens: &[Token<&str>], places: &mut Vec<usize>) {
    let mut formatted = false;
    for Token(text, token) in tokens {
        match token {
            Tok::Str(parts) => {
                let mut inner = parts.iter().filter_map(|part| match part {
                    StrPart::Term(token) => Some(token),
                    StrPart::Str(_) | StrPart::Char(_) => None,
                });
                let interpolates = inner.clone().next().is_some();
                if interpolates && !formatted {
                    places.push(span(filter, text).start);
                }
                inner.by_ref().for_each(|token| find(filter, core::slice::from_ref(token), places));
            }
            Tok::Block(tokens) => find(filter, tokens, places),
            _ => {}
        }
        formatted = matches!(token, Tok::Fmt);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_that_interpolate_get_a_format() {
        let filter = r#""a", [@csv "\(.)"] | "b\("c\(.d)")""#;
        let rewritten = r#""a", [@csv "\(.)"] |  @text "b\( @text "c\(.d)")""#;
        assert_eq!(with_formats(filter), rewritten);
        assert_eq!(with_formats(r#""\("#), r#""\("#);
    }
}
