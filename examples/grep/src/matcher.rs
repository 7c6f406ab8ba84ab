//! Matching one line.

use alloc::string::String;

use ampoule::Result;
use regex_automata::hybrid::dfa;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind, Span, meta, nfa};

use crate::options::{Bounds, Options, trouble};
use crate::syntax::translate;

/// Memory that a compiled pattern may take, in bytes.
const PATTERN_BYTES: usize = 8 << 20;

/// The compiled patterns.
pub struct Matcher {
    regex: meta::Regex,
    cache: meta::Cache,
    /// Where matches themselves are wanted.
    longest: Option<Longest>,
}

/// Finds the longest of the matches that begin at one place: which one `regex` itself finds
/// depends on the order of alternatives, while POSIX wants the longest.
struct Longest {
    automaton: dfa::DFA,
    cache: dfa::Cache,
}

impl Matcher {
    /// Compiles the patterns.
    pub fn new(options: &Options<'_>) -> Result<Self> {
        let pattern = assemble(options)?;
        // The C locale: bytes, not UTF-8.
        let syntax = syntax::Config::new()
            .unicode(false)
            .utf8(false)
            .case_insensitive(options.ignore_case)
            .nest_limit(1000);
        let config = meta::Config::new().utf8_empty(false).nfa_size_limit(Some(PATTERN_BYTES));
        let regex = meta::Builder::new()
            .configure(config)
            .syntax(syntax)
            .build(&pattern)
            .map_err(|_| trouble("Regular expression too big"))?;
        let longest = match options.report {
            crate::options::Report::Matches => Some(Longest::new(&pattern, syntax)?),
            _ => None,
        };
        Ok(Self { cache: regex.create_cache(), regex, longest })
    }

    /// Whether there is a match in a line.
    pub fn is_match(&mut self, line: &[u8]) -> bool {
        let input = Input::new(line).earliest(true);
        self.regex.search_half_with(&mut self.cache, &input).is_some()
    }

    /// The leftmost and then longest match at or after `at`.
    pub fn find(&mut self, line: &[u8], at: usize) -> Option<Span> {
        let input = Input::new(line).range(at..);
        let found = self.regex.search_with(&mut self.cache, &input)?.span();
        let longest = self.longest.as_mut().and_then(|longest| longest.end(line, found.start));
        Some(Span { end: longest.unwrap_or(found.end), ..found })
    }
}

impl Longest {
    fn new(pattern: &str, syntax: syntax::Config) -> Result<Self> {
        let config = dfa::Config::new().match_kind(MatchKind::All).skip_cache_capacity_check(true);
        let nfa = nfa::thompson::Config::new().utf8(false).nfa_size_limit(Some(PATTERN_BYTES));
        let automaton = dfa::Builder::new()
            .configure(config)
            .thompson(nfa)
            .syntax(syntax)
            .build(pattern)
            .map_err(|_| trouble("Regular expression too big"))?;
        Ok(Self { cache: automaton.create_cache(), automaton })
    }

    fn end(&mut self, line: &[u8], start: usize) -> Option<usize> {
        let input = Input::new(line).range(start..).anchored(Anchored::Yes);
        // It cannot fail: no byte makes this automaton quit, and its cache may always be cleared.
        let end = self.automaton.try_search_fwd(&mut self.cache, &input).ok()??;
        Some(end.offset())
    }
}

/// All patterns as one.
fn assemble(options: &Options<'_>) -> Result<String> {
    let mut alternatives = String::new();
    for pattern in &options.patterns {
        let translated = translate(pattern, options.dialect).map_err(|error| trouble(error.0))?;
        if !alternatives.is_empty() {
            alternatives.push('|');
        }
        alternatives += &alloc::format!("(?:{translated})");
    }
    Ok(match options.bounds {
        Bounds::None => alternatives,
        Bounds::Word => alloc::format!(r"\b{{start-half}}(?:{alternatives})\b{{end-half}}"),
        Bounds::Line => alloc::format!(r"\A(?:{alternatives})\z"),
    })
}
