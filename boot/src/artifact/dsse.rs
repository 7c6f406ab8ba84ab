//! Signed bytes in an envelope (DSSE 1.0.2), with Ed25519.
//!
//! See <https://github.com/secure-systems-lab/dsse/blob/master/protocol.md>. What is signed are the bytes
//! together with their type, never a reading of them.

use base64ct::{Base64, Encoding};
use ed25519_dalek::pkcs8::{DecodePublicKey, EncodePublicKey};
use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::foreign::clip;

/// Most signatures of an envelope, each of which costs as much as its bytes are long.
const MAX_SIGNATURES: usize = 16;

/// Bytes with their type and signatures over both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The bytes, in Base64.
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<Signed>,
}

/// One signature.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Signed {
    /// Says which key may have made it; anybody can write anything here.
    #[serde(default)]
    keyid: String,
    /// In Base64.
    sig: String,
}

/// Why an envelope is not believed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// It is for something else.
    #[error("it holds {found:?}, not {expected:?}")]
    Type {
        /// What it holds.
        found: String,
        /// What is wanted.
        expected: &'static str,
    },
    /// Its bytes cannot be read.
    #[error("its payload is not Base64")]
    Payload,
    /// There are more signatures than are tried.
    #[error("it has {0} signatures, but no more than {MAX_SIGNATURES} are tried")]
    TooMany(usize),
    /// None of its signatures is good.
    #[error("none of its {count} signatures was made with the key {key}")]
    Signature {
        /// How many there are.
        count: usize,
        /// The key's digest.
        key: String,
    },
}

/// A public key cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("it is not an Ed25519 public key in PEM, such as `openssl pkey -in KEY -pubout` writes")]
pub struct KeyError;

/// A public key.
#[derive(Clone, Debug)]
pub struct Key(VerifyingKey);

impl Key {
    /// Reads one in PEM (SubjectPublicKeyInfo, RFC 8410).
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        VerifyingKey::from_public_key_pem(text.trim()).map(Self).map_err(|_| KeyError)
    }

    /// What it is called: the digest of its DER form, in hexadecimal.
    pub fn id(&self) -> String {
        let encoded = self.0.to_public_key_der();
        encoded.map_or_else(|_| String::new(), |der| Digest::of(der.as_bytes()).hexadecimal())
    }
}

impl From<VerifyingKey> for Key {
    fn from(key: VerifyingKey) -> Self {
        Self(key)
    }
}

impl Envelope {
    /// Has `sign` sign bytes of this type, with the private key that belongs to `key`.
    pub fn seal(
        payload_type: &str,
        payload: &[u8],
        key: &Key,
        sign: impl FnOnce(&[u8]) -> Signature,
    ) -> Self {
        let signature = sign(&encode(payload_type, payload)).to_bytes();
        Self {
            payload: Base64::encode_string(payload),
            payload_type: payload_type.to_owned(),
            signatures: vec![Signed { keyid: key.id(), sig: Base64::encode_string(&signature) }],
        }
    }

    /// The bytes, of the type that is wanted; with a key, only if they are signed with it.
    pub fn open(
        &self,
        payload_type: &'static str,
        key: Option<&Key>,
    ) -> Result<Vec<u8>, EnvelopeError> {
        if self.payload_type != payload_type {
            let found = clip(&self.payload_type);
            return Err(EnvelopeError::Type { found, expected: payload_type });
        }
        if self.signatures.len() > MAX_SIGNATURES {
            return Err(EnvelopeError::TooMany(self.signatures.len()));
        }
        let payload = Base64::decode_vec(&self.payload).map_err(|_| EnvelopeError::Payload)?;
        if let Some(key) = key {
            let signed = encode(payload_type, &payload);
            let is_good = |one: &Signed| {
                let bytes = Base64::decode_vec(&one.sig).ok();
                let signature = bytes.and_then(|bytes| Signature::from_slice(&bytes).ok());
                signature.is_some_and(|it| key.0.verify_strict(&signed, &it).is_ok())
            };
            if !self.signatures.iter().any(is_good) {
                let count = self.signatures.len();
                return Err(EnvelopeError::Signature { count, key: key.id() });
            }
        }
        Ok(payload)
    }
}

/// What is signed: type and bytes, each after its length ("PAE").
fn encode(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let (type_bytes, payload_bytes) = (payload_type.len(), payload.len());
    let head = format!("DSSEv1 {type_bytes} {payload_type} {payload_bytes} ");
    [head.as_bytes(), payload].concat()
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer, SigningKey};

    use super::*;

    const TYPE: &str = "text/plain";

    fn sealed(secret: u8) -> (Key, Envelope) {
        let secret = SigningKey::from_bytes(&[secret; 32]);
        let key = Key::from(secret.verifying_key());
        let envelope = Envelope::seal(TYPE, b"hello", &key, |bytes| secret.sign(bytes));
        (key, envelope)
    }

    #[test]
    fn what_is_signed_is_encoded_as_the_protocol_says() {
        let encoded = encode("http://example.com/HelloWorld", b"hello world");
        assert_eq!(encoded, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    }

    #[test]
    fn bytes_come_out_as_they_were_signed() {
        let (key, envelope) = sealed(1);
        assert_eq!(envelope.open(TYPE, Some(&key)), Ok(b"hello".to_vec()));
        let text = serde_json::to_string(&envelope).expect("JSON");
        assert_eq!(serde_json::from_str::<Envelope>(&text).expect("the same"), envelope);
    }

    #[test]
    fn what_was_not_signed_with_the_key_is_refused() {
        let (key, envelope) = sealed(1);
        let (other, _) = sealed(2);
        let refused = |envelope: &Envelope, key| {
            matches!(envelope.open(TYPE, Some(key)), Err(EnvelopeError::Signature { .. }))
        };
        assert!(refused(&envelope, &other));
        let changed = Envelope { payload: Base64::encode_string(b"hallo"), ..envelope.clone() };
        assert!(refused(&changed, &key));
        assert_eq!(changed.open(TYPE, None), Ok(b"hallo".to_vec()), "nobody has asked");
        assert!(refused(&Envelope { signatures: Vec::new(), ..envelope.clone() }, &key));
        let good = envelope.signatures[0].clone();
        let bad = Signed { sig: Base64::encode_string(&[0; 64]), ..good.clone() };
        let mut many = Envelope { signatures: vec![bad; MAX_SIGNATURES - 1], ..envelope.clone() };
        many.signatures.push(good.clone());
        assert_eq!(many.open(TYPE, Some(&key)), Ok(b"hello".to_vec()), "one of them is good");
        many.signatures.push(good);
        assert_eq!(many.open(TYPE, Some(&key)), Err(EnvelopeError::TooMany(MAX_SIGNATURES + 1)));
        let retyped = Envelope { payload_type: "text/html".into(), ..envelope };
        assert!(matches!(retyped.open(TYPE, Some(&key)), Err(EnvelopeError::Type { .. })));
        assert!(matches!(
            retyped.open("text/html", Some(&key)),
            Err(EnvelopeError::Signature { .. })
        ));
    }

    #[test]
    fn a_key_is_read_as_openssl_writes_it() {
        // RFC 8410, 10.1.
        let key = "-----BEGIN PUBLIC KEY-----\n\
            MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
            -----END PUBLIC KEY-----\n";
        assert_eq!(Key::from_pem(key).expect("a key").id().len(), 64);
        for other in ["", "key", &key.replace("MCow", "MCoX"), &key.replace("PUBLIC", "PRIVATE")] {
            assert!(Key::from_pem(other).is_err(), "{other}");
        }
    }
}
