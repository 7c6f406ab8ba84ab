//! A guest's bytes in one go (SPEC C6).

use ampoule_abi::exit::Reason;
use ampoule_abi::messages::{Exit, Ready};
use prost::Message;

/// What came of a guest's bytes.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Heard {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) end: Option<End>,
}

/// How its bytes ended, if not with a wish for more.
#[derive(Debug, PartialEq)]
pub(crate) enum End {
    Exit(Exit, Reason),
    Broken,
}

/// What a guest's bytes mean, read in one go (SPEC C6).
pub(crate) fn model(mut stream: &[u8]) -> Heard {
    let mut heard = Heard::default();
    let mut is_ready = false;
    loop {
        match frame(stream) {
            Ok(None) => return heard,
            Ok(Some(Frame { kind, length, payload, rest })) => {
                let whole = rest.is_some();
                let kind = match (kind, is_ready) {
                    (1 | 4, _) if length > 32 << 10 => {
                        return Heard { end: Some(End::Broken), ..heard };
                    }
                    (1, false) | (2..=4, true) => kind,
                    _ => return Heard { end: Some(End::Broken), ..heard },
                };
                match kind {
                    2 => heard.stdout.extend_from_slice(payload),
                    3 => heard.stderr.extend_from_slice(payload),
                    1 if whole => {
                        is_ready = Ready::decode(payload).is_ok_and(|ready| ready.abi_version == 1);
                        if !is_ready {
                            return Heard { end: Some(End::Broken), ..heard };
                        }
                    }
                    4 if whole => return Heard { end: Some(exit(payload)), ..heard },
                    _ => {}
                }
                match rest {
                    Some(rest) => stream = rest,
                    None => return heard,
                }
            }
            Err(()) => return Heard { end: Some(End::Broken), ..heard },
        }
    }
}

fn exit(payload: &[u8]) -> End {
    let Ok(exit) = Exit::decode(payload) else { return End::Broken };
    let reason = match exit.reason {
        1 => Reason::Returned,
        2 => Reason::Panicked,
        3 => Reason::Faulted,
        4 => Reason::OutOfMemory,
        5 => Reason::Protocol,
        _ => return End::Broken,
    };
    End::Exit(exit, reason)
}

/// A frame whose header is whole.
pub(super) struct Frame<'a> {
    pub(super) kind: u64,
    /// Of the payload, in bytes.
    pub(super) length: usize,
    /// As far as it is there.
    pub(super) payload: &'a [u8],
    /// What follows, if the payload is whole.
    pub(super) rest: Option<&'a [u8]>,
}

/// The frame at the front of `stream`; `None` where its header has no end yet.
pub(super) fn frame(stream: &[u8]) -> Result<Option<Frame<'_>>, ()> {
    let Some((message, after_length)) = varint(stream)? else { return Ok(None) };
    if !(2..=1 << 20).contains(&message) {
        return Err(());
    }
    let Some((tag, after_tag)) = varint(after_length)? else { return Ok(None) };
    let kind = tag >> 3;
    if tag & 7 != 2 || kind == 0 || kind > u64::from(u32::MAX) {
        return Err(());
    }
    let Some((payload, body)) = varint(after_tag)? else { return Ok(None) };
    let header = (after_length.len() - body.len()) as u64;
    if u128::from(payload) + u128::from(header) != u128::from(message) {
        return Err(());
    }
    let length = payload as usize;
    let payload = &body[..length.min(body.len())];
    Ok(Some(Frame { kind, length, payload, rest: body.get(length..) }))
}

/// A number and what follows it; `None` where it has no end yet, an error where it is too long.
fn varint(bytes: &[u8]) -> Result<Option<(u64, &[u8])>, ()> {
    let mut value = 0u128;
    for (index, &byte) in bytes.iter().enumerate().take(10) {
        value |= u128::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 || index == 9 {
            let value = u64::try_from(value).map_err(|_| ())?;
            return if byte < 0x80 { Ok(Some((value, &bytes[index + 1..]))) } else { Err(()) };
        }
    }
    Ok(None)
}
