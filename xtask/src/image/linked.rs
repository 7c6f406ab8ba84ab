//! The crates that are linked into an image, and which of them depends on which.
//!
//! Cargo's metadata tells the dependencies, of all functions of a workspace and all their features
//! together; what cargo has compiled tells which of them are really there.

use std::collections::{BTreeSet, HashMap};

use cargo_metadata::{DependencyKind, Metadata, Node, Package, PackageId, TargetKind};

/// Crates, by name and version, with the function's own.
#[derive(Debug)]
pub struct Linked<'a> {
    /// The crates.
    pub crates: Vec<Crate<'a>>,
}

/// One of them.
#[derive(Debug)]
pub struct Crate<'a> {
    /// Its package.
    pub package: &'a Package,
    /// Which of the crates it depends on, by index, ascending.
    pub dependencies: Vec<usize>,
    /// Whether it is the function's own.
    pub is_root: bool,
}

impl<'a> Linked<'a> {
    /// What was linked into an image of the package `root`, of all that was compiled for it. `None` if
    /// the metadata does not tell its dependencies.
    pub fn new(
        metadata: &'a Metadata,
        root: &PackageId,
        compiled: &BTreeSet<PackageId>,
    ) -> Option<Self> {
        let nodes: HashMap<&PackageId, &Node> =
            metadata.resolve.as_ref()?.nodes.iter().map(|node| (&node.id, node)).collect();
        let mut found = BTreeSet::new();
        let mut waiting = vec![&nodes.get(root)?.id];
        while let Some(id) = waiting.pop() {
            if found.insert(id) {
                let linked = linked_by(metadata, nodes.get(id)?);
                waiting.extend(linked.filter(|id| compiled.contains(id)));
            }
        }
        let mut packages: Vec<&Package> = found.into_iter().map(|id| &metadata[id]).collect();
        packages.sort_by_key(|package| (&package.name, &package.version, &package.id));
        let places: HashMap<&PackageId, usize> =
            packages.iter().enumerate().map(|(place, package)| (&package.id, place)).collect();
        let dependencies = |id| {
            let linked = linked_by(metadata, nodes[id]).filter_map(|id| places.get(id).copied());
            linked.collect::<BTreeSet<_>>().into_iter().collect()
        };
        let one = |package: &'a Package| Crate {
            package,
            dependencies: dependencies(&package.id),
            is_root: package.id == *root,
        };
        Some(Self { crates: packages.into_iter().map(one).collect() })
    }
}

/// What the library of a package is linked with: neither what its build script or its tests need, nor
/// macros, which the compiler runs.
fn linked_by<'a>(metadata: &'a Metadata, node: &'a Node) -> impl Iterator<Item = &'a PackageId> {
    let is_normal = |dependency: &&cargo_metadata::NodeDep| {
        dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal)
    };
    let ids = node.deps.iter().filter(is_normal).map(|dependency| &dependency.pkg);
    ids.filter(|id| !is_macro(&metadata[*id]))
}

fn is_macro(package: &Package) -> bool {
    package.targets.iter().any(|target| target.kind.contains(&TargetKind::ProcMacro))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::Console;
    use crate::image::dependency;
    use crate::project::Project;

    fn names(linked: &Linked<'_>) -> Vec<String> {
        linked.crates.iter().map(|one| one.package.name.to_string()).collect()
    }

    #[test]
    fn what_was_compiled_and_is_needed_is_linked_and_macros_are_not() {
        let manifest = crate::launcher::checkout().join("Cargo.toml");
        let project = Project::load(Some(&manifest), Console::new(false)).expect("this project");
        let metadata = dependency::metadata(&project).expect("its dependencies");
        let again = dependency::metadata(&project).expect("the same");
        assert!(std::ptr::eq(metadata, again), "cargo is asked twice");
        let root = &project.function("echo").expect("an example").package;
        let all: BTreeSet<_> = metadata.packages.iter().map(|it| it.id.clone()).collect();
        let linked = Linked::new(metadata, root, &all).expect("known");
        let found = names(&linked);
        for name in ["echo", "ampoule", "ampoule-abi", "virtio-drivers"] {
            assert!(found.contains(&name.to_owned()), "no {name} in {found:?}");
        }
        for name in ["thiserror-impl", "xtask", "getrandom", "proptest"] {
            assert!(!found.contains(&name.to_owned()), "{name} in {found:?}");
        }
        assert!(found.is_sorted());
        let few = |name: &str| metadata.packages.iter().find(|it| *it.name == name);
        let few = few("ampoule").map(|package| package.id.clone()).into_iter().collect();
        let linked = Linked::new(metadata, root, &few).expect("known");
        assert_eq!(names(&linked), ["ampoule", "echo"]);
        let told = |one: &Crate<'_>| (one.is_root, one.dependencies.clone());
        assert_eq!(
            linked.crates.iter().map(told).collect::<Vec<_>>(),
            [(false, vec![]), (true, vec![0])]
        );
    }
}
