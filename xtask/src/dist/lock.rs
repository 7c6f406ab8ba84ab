//! What `Cargo.lock` knows of packages and cargo's metadata does not: the checksums of their archives.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ampoule_boot::digest::Digest;
use cargo_metadata::Package;
use serde::Deserialize;

/// Checksums of packages, by name, version and source.
#[derive(Debug, Default)]
pub struct Lock(HashMap<[String; 3], Digest>);

/// The lock file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Not at all.
    #[error("{path} cannot be read: {why}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        why: io::Error,
    },
    /// It is not what cargo writes.
    #[error("Cargo.lock is not as cargo writes it: {0}")]
    Toml(#[from] toml::de::Error),
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
}

impl Lock {
    /// Reads the lock file of a workspace.
    pub fn read(root: &Path) -> Result<Self, LockError> {
        let path = root.join("Cargo.lock");
        let text = fs::read_to_string(&path).map_err(|why| LockError::Read { path, why })?;
        Ok(Self::parse(&text)?)
    }

    fn parse(text: &str) -> Result<Self, toml::de::Error> {
        let file: File = toml::from_str(text)?;
        let entry = |it: Locked| {
            let checksum = Digest::from_hexadecimal(&it.checksum?)?;
            Some(([it.name, it.version, it.source?], checksum))
        };
        Ok(Self(file.package.into_iter().filter_map(entry).collect()))
    }

    /// The checksum of a package's archive, if it came in one.
    pub fn checksum(&self, package: &Package) -> Option<Digest> {
        let source = package.source.as_ref()?.repr.clone();
        let name = package.name.to_string();
        self.0.get(&[name, package.version.to_string(), source]).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_from_a_registry_has_a_checksum() {
        let digest = Digest::of(b"archive");
        let text = format!(
            "version = 4\n[[package]]\nname = \"own\"\nversion = \"0.1.0\"\n\
             [[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+x\"\n\
             checksum = \"{}\"\n",
            digest.hexadecimal()
        );
        let lock = Lock::parse(&text).expect("a lock file");
        let key = ["a", "1.0.0", "registry+x"].map(str::to_owned);
        assert_eq!(lock.0, HashMap::from([(key, digest)]));
        assert!(Lock::parse("package = 1").is_err());
    }
}
