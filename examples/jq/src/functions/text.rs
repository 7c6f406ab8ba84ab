//! Formats that are easier in Rust than in jq.

use alloc::boxed::Box;
use alloc::vec::Vec;

use jaq_core::native::{bome, v};
use jaq_core::{Error, ValR};
use jaq_json::Val;
use jaq_std::ValT as _;

use super::Native;

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

pub fn natives() -> Box<[Native]> {
    Box::new([
        ("encode_base64", v(0), |cv| bome(with_bytes(&cv.1, |bytes| Ok(encode_base64(bytes))))),
        ("decode_base64", v(0), |cv| {
            bome(with_bytes(&cv.1, |bytes| decode_base64(bytes).ok_or("is not valid base64 data")))
        }),
        ("encode_uri", v(0), |cv| bome(with_bytes(&cv.1, |bytes| Ok(encode_uri(bytes))))),
    ])
}

fn with_bytes(
    value: &Val,
    change: impl FnOnce(&[u8]) -> Result<Vec<u8>, &'static str>,
) -> ValR<Val> {
    let bytes = value.try_as_bytes()?;
    let changed = change(bytes);
    changed.map(Val::utf8_str).map_err(|problem| Error::str(alloc::format!("{value} {problem}")))
}

/// RFC 4648, 4.
fn encode_base64(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for group in bytes.chunks(3) {
        let byte = |index| u32::from(*group.get(index).unwrap_or(&0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for index in 0..4 {
            let digit = BASE64[(bits >> (18 - 6 * index) & 0x3f) as usize];
            text.push(if index > group.len() { b'=' } else { digit });
        }
    }
    text
}

fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let end = text.iter().rposition(|&byte| byte != b'=').map_or(0, |last| last + 1);
    let mut bytes = Vec::new();
    for group in text[..end].chunks(4) {
        let mut bits = 0;
        for &byte in group {
            bits = bits << 6 | BASE64.iter().position(|&digit| digit == byte)? as u32;
        }
        bits <<= 6 * (4 - group.len());
        if group.len() == 1 {
            return None;
        }
        bytes.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    Some(bytes)
}

/// RFC 3986, 2.3: everything but unreserved characters is encoded.
fn encode_uri(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            text.push(byte);
        } else {
            let digit = |value: u8| DIGITS[usize::from(value)];
            text.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 0xf)]);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_in_the_rfc() {
        let pairs =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")];
        for (bytes, text) in pairs {
            assert_eq!(encode_base64(bytes.as_bytes()), text.as_bytes());
            assert_eq!(decode_base64(text.as_bytes()).as_deref(), Some(bytes.as_bytes()));
        }
        assert_eq!(decode_base64(b"Z"), None);
        assert_eq!(decode_base64(b"Z*=="), None);
    }

    #[test]
    fn uris() {
        assert_eq!(encode_uri("ü a/~".as_bytes()), b"%C3%BC%20a%2F~");
    }
}
