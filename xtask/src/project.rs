//! A Cargo project and the functions in it.
//!
//! A function is a binary target of a workspace member that depends on the runtime. Nothing else
//! marks one, so that a function stays an ordinary crate.

use std::cell::OnceCell;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand, Package, PackageId};

use crate::console::Console;
use crate::image::Profile;
use crate::image::spec::{Settings, SettingsError};
use crate::manifest::Misplaced;
use crate::nearest::suggestion;

/// Name of the package that a function depends on.
pub const RUNTIME_PACKAGE: &str = "ampoule";

/// A Cargo project.
#[derive(Clone, Debug)]
pub struct Project {
    /// Its workspace's folder.
    pub root: PathBuf,
    /// Where cargo puts what it makes.
    pub target: PathBuf,
    /// The folder of the runtime that the functions depend on; absent if there are none.
    pub runtime: Option<PathBuf>,
    /// The functions, by name.
    pub functions: Vec<Function>,
    /// What cargo says of the packages that guests are made of, once it was asked.
    pub guests: OnceCell<Metadata>,
}

/// One function.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its name: that of the binary target.
    pub name: String,
    /// Its package, as cargo identifies it.
    pub package: PackageId,
    /// Its package's version.
    pub version: String,
    /// What its manifest says it does.
    pub description: Option<String>,
    /// Its licence, as an expression of SPDX.
    pub licence: Option<String>,
    /// Where its source is.
    pub repository: Option<String>,
    /// Its package's manifest.
    pub manifest: PathBuf,
    /// Its settings.
    pub settings: Settings,
}

/// Why a project cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// Cargo cannot read it.
    #[error("cargo cannot read the project")]
    Unreadable(#[from] cargo_metadata::Error),
    /// A function's settings are wrong.
    #[error("{manifest}:{why}")]
    Settings {
        /// The manifest.
        manifest: PathBuf,
        /// What is wrong, and where.
        why: Box<Misplaced<SettingsError>>,
    },
    /// A function's manifest cannot be read.
    #[error("{manifest} cannot be read: {why}")]
    Manifest {
        /// The manifest.
        manifest: PathBuf,
        /// What went wrong.
        why: io::Error,
    },
    /// The runtime is not among the project's dependencies, as cargo resolves them.
    #[error("cargo does not find the package `{RUNTIME_PACKAGE}` that functions depend on")]
    NoRuntime,
}

/// There is no function of that name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("no function {name:?} in {root}{hint}")]
pub struct NoSuchFunction {
    /// The name.
    pub name: String,
    /// The project's folder.
    pub root: String,
    /// What to do.
    pub hint: String,
}

/// There is no function at all.
#[derive(Debug, thiserror::Error)]
#[error("there is no function in {0}; `cargo xtask new NAME` makes one")]
pub struct NoFunction(String);

impl Project {
    /// Reads the project that `manifest` belongs to, or else the one around the current folder.
    pub fn load(manifest: Option<&Path>, console: Console) -> Result<Self, ProjectError> {
        let mut command = MetadataCommand::new();
        if let Some(manifest) = manifest {
            command.manifest_path(manifest);
        }
        // Without dependencies cargo answers at once; they are only asked for when the runtime
        // does not lie in a folder that the manifest names.
        let metadata = run(command.clone().no_deps(), console)?;
        let members = metadata.workspace_packages();
        let mut functions = Vec::new();
        for package in members.iter().filter(|package| depends_on_runtime(package)) {
            functions.extend(functions_of(package)?);
        }
        functions.sort_by(|one, other| one.name.cmp(&other.name));
        let runtime = match (functions.is_empty(), path_to_runtime(&members)) {
            (true, _) => None,
            (false, Some(path)) => Some(path),
            (false, None) => Some(resolved_runtime(&run(&command, console)?)?),
        };
        Ok(Self {
            root: metadata.workspace_root.clone().into(),
            target: metadata.target_directory.clone().into(),
            runtime,
            functions,
            guests: OnceCell::new(),
        })
    }

    /// The function called `name`.
    pub fn function(&self, name: &str) -> Result<&Function, NoSuchFunction> {
        self.functions.iter().find(|function| function.name == name).ok_or_else(|| {
            let names = self.functions.iter().map(|function| function.name.as_str());
            let hint = match suggestion(name, names) {
                _ if self.functions.is_empty() => {
                    "; there is none yet: `cargo xtask new NAME` makes one".into()
                }
                near if !near.is_empty() => near,
                _ => format!("; `cargo xtask list{}` shows those that there are", self.option()),
            };
            NoSuchFunction { name: name.into(), root: self.root.display().to_string(), hint }
        })
    }

    /// The functions of these names.
    pub fn some(&self, names: &[String]) -> Result<Vec<&Function>, NoSuchFunction> {
        names.iter().map(|name| self.function(name)).collect()
    }

    /// Every function; there has to be one.
    pub fn all(&self) -> Result<Vec<&Function>, NoFunction> {
        match self.functions.is_empty() {
            true => Err(NoFunction(self.root.display().to_string())),
            false => Ok(self.functions.iter().collect()),
        }
    }

    /// The option that names this project, if it is not the one around the current folder.
    fn option(&self) -> String {
        let around = std::env::current_dir().is_ok_and(|here| here.starts_with(&self.root));
        let manifest = self.root.join("Cargo.toml").display().to_string();
        if around {
            String::new()
        } else {
            format!(" --manifest-path {}", shell_words::quote(&manifest))
        }
    }

    /// Where the images of a function are put unless the caller says otherwise; those for debugging
    /// lie apart, so that neither replaces the other.
    pub fn output(&self, function: &str, profile: Profile) -> PathBuf {
        self.target.join(profile.name()).join(function)
    }
}

fn run(command: &MetadataCommand, console: Console) -> Result<Metadata, ProjectError> {
    console.command(&command.cargo_command());
    Ok(command.exec()?)
}

fn depends_on_runtime(package: &Package) -> bool {
    package.dependencies.iter().any(|dependency| dependency.name == RUNTIME_PACKAGE)
}

fn path_to_runtime(members: &[&Package]) -> Option<PathBuf> {
    members
        .iter()
        .flat_map(|package| &package.dependencies)
        .find(|dependency| dependency.name == RUNTIME_PACKAGE)
        .and_then(|dependency| dependency.path.clone())
        .map(PathBuf::from)
}

fn resolved_runtime(metadata: &Metadata) -> Result<PathBuf, ProjectError> {
    let runtime = metadata.packages.iter().find(|package| *package.name == RUNTIME_PACKAGE);
    let folder = runtime.and_then(|package| package.manifest_path.parent());
    folder.map(PathBuf::from).ok_or(ProjectError::NoRuntime)
}

fn functions_of(package: &Package) -> Result<Vec<Function>, ProjectError> {
    let settings = settings_of(package)?;
    let binaries = package.targets.iter().filter(|target| target.is_bin());
    let function = |target: &cargo_metadata::Target| Function {
        name: target.name.clone(),
        package: package.id.clone(),
        version: package.version.to_string(),
        description: package.description.clone(),
        licence: package.license.clone(),
        repository: package.repository.clone(),
        manifest: package.manifest_path.clone().into(),
        settings: settings.clone(),
    };
    Ok(binaries.map(function).collect())
}

fn settings_of(package: &Package) -> Result<Settings, ProjectError> {
    let manifest = || shown(package.manifest_path.as_std_path());
    let text = fs::read_to_string(&package.manifest_path)
        .map_err(|why| ProjectError::Manifest { manifest: manifest(), why })?;
    Settings::from_manifest(&text)
        .map_err(|why| ProjectError::Settings { manifest: manifest(), why: why.into() })
}

/// A path as people write it: from the current folder if it lies there.
fn shown(path: &Path) -> PathBuf {
    let here = std::env::current_dir().ok();
    here.and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(functions: Vec<Function>) -> Project {
        let guests = OnceCell::new();
        Project { root: "/p".into(), target: "/p/target".into(), runtime: None, functions, guests }
    }

    #[test]
    fn images_for_debugging_lie_apart() {
        let output = |profile| project(Vec::new()).output("wc", profile);
        assert_eq!(output(Profile::Optimised), Path::new("/p/target/fn/wc"));
        assert_eq!(output(Profile::Debug), Path::new("/p/target/fn-debug/wc"));
    }

    #[test]
    fn an_unknown_function_leads_to_those_that_there_are() {
        let hint = |project: Project, name| {
            project.function(name).err().map(|error| error.hint).unwrap_or_default()
        };
        let function = || Function {
            name: "wc".into(),
            package: PackageId { repr: "wc".into() },
            version: "0.1.0".into(),
            description: None,
            licence: None,
            repository: None,
            manifest: "/p/Cargo.toml".into(),
            settings: Settings::default(),
        };
        assert!(hint(project(Vec::new()), "wc").contains("`cargo xtask new NAME`"));
        assert_eq!(hint(project(vec![function()]), "wcc"), "; did you mean \"wc\"?");
        let expected = "`cargo xtask list --manifest-path /p/Cargo.toml` shows";
        assert!(hint(project(vec![function()]), "zzz").contains(expected));
    }
}
