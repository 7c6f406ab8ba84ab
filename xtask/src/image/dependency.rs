//! What cargo says of the crates that functions depend on, and how one comes to depend on another.

use std::collections::{HashMap, VecDeque};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Node, PackageId};

use super::compile::{GUEST_CFG, TARGET};
use crate::project::{Function, Project};

/// Why it is not known what an image depends on.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// Cargo does not say.
    #[error("cargo cannot tell what is linked into the image")]
    Cargo(#[from] cargo_metadata::Error),
    /// It says nothing of this package.
    #[error("cargo tells no dependencies of the function's package")]
    NoDependencies,
}

/// The packages from a direct dependency of `function` to the crate called `name`, by the shortest
/// way; `None` if cargo does not say.
pub fn path(project: &Project, function: &Function, name: &str) -> Option<Vec<String>> {
    shortest(metadata(project).ok()?, &function.package, name)
}

/// What cargo says of the packages that guests are made of. It is asked once, when it has written its lock
/// file for one of them.
pub fn metadata(project: &Project) -> Result<&Metadata, MetadataError> {
    if let Some(known) = project.guests.get() {
        return Ok(known);
    }
    let mut command = MetadataCommand::new();
    command.manifest_path(project.root.join("Cargo.toml"));
    command.other_options(["--filter-platform".into(), TARGET.into()]);
    // Dependencies may be asked for by what makes code a guest's.
    command.env("CARGO_ENCODED_RUSTFLAGS", GUEST_CFG.join("\x1f"));
    let metadata = command.exec()?;
    Ok(project.guests.get_or_init(|| metadata))
}

fn shortest(metadata: &Metadata, start: &PackageId, name: &str) -> Option<Vec<String>> {
    let nodes: HashMap<&PackageId, &Node> =
        metadata.resolve.as_ref()?.nodes.iter().map(|node| (&node.id, node)).collect();
    let mut came_from: HashMap<&PackageId, &PackageId> = HashMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(id) = queue.pop_front() {
        if id != start && is_crate(metadata, id, name) {
            return Some(names(metadata, &came_from, start, id));
        }
        for dependency in &nodes.get(id)?.deps {
            let linked =
                dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal);
            if linked && dependency.pkg != *start && !came_from.contains_key(&dependency.pkg) {
                came_from.insert(&dependency.pkg, id);
                queue.push_back(&dependency.pkg);
            }
        }
    }
    None
}

fn is_crate(metadata: &Metadata, id: &PackageId, name: &str) -> bool {
    let library =
        |target: &cargo_metadata::Target| !target.is_bin() && target.name.replace('-', "_") == name;
    metadata[id].targets.iter().any(library)
}

fn names(
    metadata: &Metadata,
    came_from: &HashMap<&PackageId, &PackageId>,
    start: &PackageId,
    end: &PackageId,
) -> Vec<String> {
    let mut path = vec![metadata[end].name.to_string()];
    let mut id = end;
    while let Some(&earlier) = came_from.get(id).filter(|earlier| **earlier != start) {
        path.push(metadata[earlier].name.to_string());
        id = earlier;
    }
    path.reverse();
    path
}
