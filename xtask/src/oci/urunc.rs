//! What `urunc`, the OCI runtime for unikernels, is told of an image: as annotations, and as a file in
//! the layer with the values in base64, because not every engine passes annotations on.
//!
//! There is no type for plain PVH images. Under `linux`, QEMU gets `-kernel`, a serial line, and a command
//! line with arguments and environment, by which a function runs in raw mode (SPEC C9).

use std::collections::BTreeMap;

const PREFIX: &str = "com.urunc.unikernel.";

/// The annotations for the function of that name.
pub(super) fn annotations(name: &str) -> BTreeMap<String, String> {
    let all = [
        ("binary", format!("/{name}.elf")),
        ("cmdline", name.to_owned()),
        ("hypervisor", "qemu".to_owned()),
        ("unikernelType", "linux".to_owned()),
        ("useDMBlock", "false".to_owned()),
    ];
    all.map(|(key, value)| (format!("{PREFIX}{key}"), value)).into()
}

/// The content of `/urunc.json`.
pub(super) fn file(name: &str) -> Vec<u8> {
    let all = annotations(name).into_iter().map(|(key, value)| (key, base64(value.as_bytes())));
    super::documents::bytes(&all.collect::<BTreeMap<_, _>>())
}

/// RFC 4648, 4: with padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = (0..3).fold(0, |word: usize, at| {
            word << 8 | usize::from(chunk.get(at).copied().unwrap_or(0))
        });
        for at in 0..4 {
            let digit = ALPHABET[word >> (18 - 6 * at) & 63];
            text.push(if at <= chunk.len() { digit.into() } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_specification() {
        let vectors = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        for (length, vector) in vectors.into_iter().enumerate() {
            assert_eq!(base64(&b"foobar"[..length]), vector);
        }
    }
}
