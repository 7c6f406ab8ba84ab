//! A statement about files: who made them of what (in-toto Statement v1).
//!
//! See <https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>.

use serde::{Deserialize, Serialize};

use super::sums::Sums;
use crate::digest::Digest;

/// What makes a JSON object a statement.
pub const TYPE: &str = "https://in-toto.io/Statement/v1";
/// What is stated here: how the files came about (SLSA provenance v1).
pub const PREDICATE_TYPE: &str = "https://slsa.dev/provenance/v1";
/// What a signed statement is, for [`dsse`](super::dsse).
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// A statement, with what it states.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement<P> {
    /// [`TYPE`].
    #[serde(rename = "_type")]
    pub kind: String,
    /// The files that it is about.
    pub subject: Vec<Subject>,
    /// [`PREDICATE_TYPE`].
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    /// What is stated.
    pub predicate: P,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Its path from the folder.
    pub name: String,
    /// Its digests.
    pub digest: Digests,
}

/// The digest of a file, under the name of its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digests {
    /// SHA-256.
    pub sha256: Digest,
}

impl<P> Statement<P> {
    /// About these files.
    pub fn about(sums: Sums, predicate: P) -> Self {
        let subject = |(name, sha256)| Subject { name, digest: Digests { sha256 } };
        Self {
            kind: TYPE.into(),
            subject: sums.into_iter().map(subject).collect(),
            predicate_type: PREDICATE_TYPE.into(),
            predicate,
        }
    }

    /// The digests of the files; `None` if one is named twice.
    pub fn sums(&self) -> Option<Sums> {
        let entry = |subject: &Subject| (subject.name.clone(), subject.digest.sha256);
        let sums: Sums = self.subject.iter().map(entry).collect();
        (sums.len() == self.subject.len()).then_some(sums)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_about_each_file_once() {
        let sums: Sums = [("a".to_owned(), Digest::of(b"a"))].into();
        let mut statement = Statement::about(sums.clone(), ());
        assert_eq!(statement.sums(), Some(sums));
        let text = serde_json::to_string(&statement).expect("JSON");
        assert!(text.starts_with(r#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"#));
        assert_eq!(serde_json::from_str::<Statement<()>>(&text).expect("the same"), statement);
        statement.subject.extend(statement.subject.clone());
        assert_eq!(statement.sums(), None);
    }
}
