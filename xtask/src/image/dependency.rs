//! How a function comes to depend on a crate.

use std::collections::{HashMap, VecDeque};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Node, PackageId};

use super::compile::TARGET;
use crate::project::{Function, Project};

/// The packages from a direct dependency of `function` to the crate called `name`, by the shortest
/// way; `None` if cargo does not say.
pub fn path(project: &Project, function: &Function, name: &str) -> Option<Vec<String>> {
    let metadata = MetadataCommand::new()
        .manifest_path(project.root.join("Cargo.toml"))
        .other_options(["--filter-platform".into(), TARGET.into()])
        .exec()
        .ok()?;
    shortest(&metadata, &function.package, name)
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
