//! Signing what is stated, with a key that `openssl` has made.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ampoule_boot::artifact::dsse::{Envelope, Key};
use ed25519_dalek::pkcs8::DecodePrivateKey;
use ed25519_dalek::{Signer as _, SigningKey};

use super::{Artifact, json};

/// A private key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// Its file cannot be read.
    #[error("the key {path} cannot be read: {why}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        why: io::Error,
    },
    /// It is another kind of file.
    #[error(
        "the key {path} is not an Ed25519 private key in PEM (PKCS#8) without a password: `openssl \
         genpkey -algorithm ed25519 -out KEY` makes one"
    )]
    NoKey {
        /// The file.
        path: PathBuf,
    },
}

/// A private key.
pub struct Secret(SigningKey);

impl Secret {
    /// Reads one.
    pub fn read(path: &Path) -> Result<Self, SignError> {
        let text = fs::read_to_string(path)
            .map_err(|why| SignError::Read { path: path.to_owned(), why })?;
        let key = SigningKey::from_pkcs8_pem(text.trim());
        key.map(Self).map_err(|_| SignError::NoKey { path: path.to_owned() })
    }

    /// Bytes of this type in an envelope.
    pub fn seal(&self, payload_type: &str, payload: &[u8]) -> Artifact {
        let key = Key::from(self.0.verifying_key());
        json(&Envelope::seal(payload_type, payload, &key, |bytes| self.0.sign(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `openssl genpkey`; RFC 8410, 10.3, has the same.
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
        -----END PRIVATE KEY-----\n";

    fn read(text: &str) -> Result<Secret, SignError> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), text).expect("written");
        Secret::read(file.path())
    }

    #[test]
    fn what_is_sealed_opens_with_the_public_key() {
        let secret = read(KEY).expect("a key");
        let sealed = secret.seal("text/plain", b"hello");
        let envelope: Envelope = serde_json::from_slice(&sealed.bytes).expect("an envelope");
        let key = Key::from(secret.0.verifying_key());
        assert_eq!(envelope.open("text/plain", Some(&key)), Ok(b"hello".to_vec()));
        assert_eq!(secret.seal("text/plain", b"hello"), sealed, "the same again");
    }

    #[test]
    fn another_file_is_told_with_what_makes_a_key() {
        for text in ["", "key", &KEY.replace("MC4C", "MC4D"), &KEY.replace("PRIVATE", "PUBLIC")] {
            let error = read(text).err().expect("no key").to_string();
            assert!(error.contains("openssl genpkey"), "{error}");
        }
        let error = Secret::read("/nowhere/key".as_ref()).err().expect("no file").to_string();
        assert!(error.contains("/nowhere/key"), "{error}");
    }
}
