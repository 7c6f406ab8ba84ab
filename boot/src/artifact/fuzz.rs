//! What a folder of artifacts is checked with: checksums, manifests, statements, envelopes, keys.

use std::path::{Component, Path};

use serde::de::IgnoredAny;

use super::dsse::{Envelope, Key};
use super::manifest::Manifest;
use super::statement::{PAYLOAD_TYPE, Statement};
use super::sums;

/// A key that has signed nothing (RFC 8410, 10.1).
const KEY: &str = "-----BEGIN PUBLIC KEY-----\n\
    MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
    -----END PUBLIC KEY-----\n";

/// One of these files, as somebody wrote it.
pub fn artifacts(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        list(text);
        if let Ok(key) = Key::from_pem(text) {
            assert_eq!(key.id().len(), 64);
        }
    }
    if let Ok(manifest) = serde_json::from_slice::<Manifest>(bytes) {
        let text = serde_json::to_vec(&manifest).expect("there is nothing that JSON has not");
        assert_eq!(serde_json::from_slice::<Manifest>(&text).expect("the same"), manifest);
    }
    if let Ok(statement) = serde_json::from_slice::<Statement<IgnoredAny>>(bytes) {
        let mut names: Vec<_> = statement.subject.iter().map(|it| &it.name).collect();
        names.sort();
        let is_double = names.windows(2).any(|pair| pair[0] == pair[1]);
        assert_eq!(statement.sums().is_none(), is_double, "a file is named twice, or is not");
    }
    if let Ok(envelope) = serde_json::from_slice::<Envelope>(bytes) {
        let _ = envelope.open(PAYLOAD_TYPE, None);
        let key = Key::from_pem(KEY).expect("a key");
        assert!(envelope.open(PAYLOAD_TYPE, Some(&key)).is_err(), "nobody has signed it");
    }
}

fn list(text: &str) {
    let Ok(sums) = sums::read(text) else { return };
    assert_eq!(sums::read(&sums::write(&sums)), Ok(sums.clone()));
    for path in sums.keys() {
        let mut parts = Path::new(path).components();
        assert!(parts.all(|part| matches!(part, Component::Normal(_))), "{path:?} leads elsewhere");
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn artifacts() {
        crate::fuzz::replay::replay("artifacts", super::artifacts, 5000);
    }
}
