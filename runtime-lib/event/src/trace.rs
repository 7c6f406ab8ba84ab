//! W3C Trace Context, level 1: what `traceparent` and `tracestate` hold, in the environment and as
//! extensions of an event (CloudEvents, Distributed Tracing extension).

use core::fmt;
use core::str::FromStr;

use crate::error::Invalid;

const SECTION: &str = "W3C Trace Context, 3.2";

/// `00`, `-`, 32 digits, `-`, 16 digits, `-`, 2 digits.
const LENGTH: usize = 55;
/// What is kept of the flags: `sampled`, and of level 2 that the trace's number is random.
const KNOWN_FLAGS: u8 = 0b11;
/// Most members of a `tracestate`.
const MAX_MEMBERS: usize = 32;

/// A place in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceParent {
    trace_id: [u8; 16],
    span_id: [u8; 8],
    flags: u8,
}

impl TraceParent {
    /// The trace, not all zeros.
    pub fn trace_id(self) -> [u8; 16] {
        self.trace_id
    }

    /// The span, called parent-id by the specification; not all zeros.
    pub fn span_id(self) -> [u8; 8] {
        self.span_id
    }

    /// Whether the caller may have recorded the trace.
    pub fn is_sampled(self) -> bool {
        self.flags & 1 != 0
    }

    /// A span below this one, by 8 random bytes.
    pub fn child(self, random: [u8; 8]) -> Self {
        // All zeros is no span.
        let span_id = if random == [0; 8] { [0, 0, 0, 0, 0, 0, 0, 1] } else { random };
        Self { span_id, ..self }
    }
}

impl FromStr for TraceParent {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        parse(text.as_bytes()).ok_or_else(|| {
            let expected =
                "a traceparent like 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
            Invalid::new(text, expected, SECTION)
        })
    }
}

fn parse(text: &[u8]) -> Option<TraceParent> {
    let (known, rest) = text.split_at_checked(LENGTH)?;
    let [version] = hexadecimal(&known[..2])?;
    // Versions to come may go on behind another dash.
    let is_whole = rest.is_empty() || (version != 0 && rest[0] == b'-');
    if version == 0xff || !is_whole || [known[2], known[35], known[52]] != *b"---" {
        return None;
    }
    let parent = TraceParent {
        trace_id: hexadecimal(&known[3..35])?,
        span_id: hexadecimal(&known[36..52])?,
        flags: hexadecimal::<1>(&known[53..])?[0] & KNOWN_FLAGS,
    };
    (parent.trace_id != [0; 16] && parent.span_id != [0; 8]).then_some(parent)
}

/// Lower-case hexadecimal digits, two for each byte.
fn hexadecimal<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("00-")?;
        self.trace_id.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("-")?;
        self.span_id.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        write!(f, "-{:02x}", self.flags)
    }
}

/// Whether `text` is a `tracestate`; one that is not is to be dropped, not passed on (3.3.1).
pub fn is_tracestate(text: &str) -> bool {
    let mut keys = alloc::collections::BTreeSet::new();
    let mut members = text.split(',').map(|member| member.trim_matches([' ', '\t']));
    members.all(|member| {
        member.is_empty()
            || member.split_once('=').is_some_and(|(key, value)| {
                keys.insert(key) && keys.len() <= MAX_MEMBERS && is_key(key) && is_value(value)
            })
    })
}

/// `simple-key` or `multi-tenant-key`.
fn is_key(key: &str) -> bool {
    let is_part = |part: &str, longest: usize, starts_with_digit: bool| {
        let is_start =
            |byte: u8| byte.is_ascii_lowercase() || (starts_with_digit && byte.is_ascii_digit());
        let is_inner = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-*/".contains(&byte)
        };
        part.len() <= longest
            && part.bytes().next().is_some_and(is_start)
            && part.bytes().all(is_inner)
    };
    match key.split_once('@') {
        Some((tenant, system)) => is_part(tenant, 241, true) && is_part(system, 14, false),
        None => is_part(key, 256, false),
    }
}

fn is_value(value: &str) -> bool {
    let is_inner = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'=';
    // Space at its end has been taken for space around the member.
    (1..=256).contains(&value.len()) && value.bytes().all(is_inner)
}
