//! Making the list of crates that an image carries.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use ampoule_boot::digest::Digest;
use auditable_serde::{DependencyKind, Package, Source, VersionInfo};
use cargo_metadata::PackageId;

use super::audit::pack;
use super::compile::GUEST_CFG;
use super::dependency::{self, MetadataError};
use super::linked::Linked;
use crate::project::{Function, Project};
use crate::publish::publish;

/// Of the format: macros and what only they need are known not to be linked.
const FORMAT: u32 = 1;

/// The section of an image that `compiled` was compiled for.
///
/// The list is kept under a digest of all that it depends on, so that cargo need not be asked each time.
pub fn section(
    project: &Project,
    function: &Function,
    compiled: &BTreeSet<PackageId>,
) -> Result<Vec<u8>, MetadataError> {
    let path = project.target.join("guest/crates").join(&function.name).with_extension("json");
    let key = key(project, compiled);
    if let (Some(key), Ok(kept)) = (&key, fs::read(&path))
        && let Some(text) = kept.strip_prefix(key.as_bytes())
    {
        return Ok(pack(text));
    }
    let metadata = dependency::metadata(project)?;
    let linked = Linked::new(metadata, &function.package, compiled);
    let list = list(&linked.ok_or(MetadataError::NoDependencies)?);
    let text = serde_json::to_vec(&list).expect("a list of texts and numbers");
    if let Some(key) = key {
        // Where it cannot be kept, it is made again.
        let _ = publish(&path, &[key.as_bytes(), &text].concat());
    }
    Ok(pack(&text))
}

/// A line that stands for all that a list depends on; `None` if that cannot be read.
fn key(project: &Project, compiled: &BTreeSet<PackageId>) -> Option<String> {
    let mut all = GUEST_CFG.concat().into_bytes();
    all.extend(fs::read(project.root.join("Cargo.lock")).ok()?);
    for id in compiled {
        all.extend(id.repr.as_bytes());
        all.push(0);
        if let Some(folder) = folder_of(id) {
            all.extend(fs::read(Path::new(folder).join("Cargo.toml")).ok()?);
        }
    }
    Some(Digest::of(&all).hexadecimal() + "\n")
}

/// The folder of a package that is no part of a registry or of a repository, in which it would not change.
fn folder_of(id: &PackageId) -> Option<&str> {
    let path = id.repr.strip_prefix("path+file://")?;
    path.split('#').next()
}

fn list(linked: &Linked<'_>) -> VersionInfo {
    let packages = linked.crates.iter().map(|one| Package {
        name: one.package.name.to_string(),
        version: one.package.version.clone(),
        source: source(one.package),
        kind: DependencyKind::Runtime,
        dependencies: one.dependencies.clone(),
        root: one.is_root,
    });
    VersionInfo { packages: packages.collect(), format: FORMAT }
}

fn source(package: &cargo_metadata::Package) -> Source {
    match &package.source {
        None => Source::Local,
        Some(source) if source.is_crates_io() => Source::CratesIo,
        Some(source) if source.repr.starts_with("git+") => Source::Git,
        Some(_) => Source::Registry,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_that_of_a_package_of_one_s_own() {
        let id = |repr: &str| PackageId { repr: repr.into() };
        assert_eq!(folder_of(&id("path+file:///p/wc#0.1.0")), Some("/p/wc"));
        assert_eq!(folder_of(&id("path+file:///p/x#wc@0.1.0")), Some("/p/x"));
        assert_eq!(folder_of(&id("registry+https://example.com/index#a@1.0.0")), None);
    }
}
