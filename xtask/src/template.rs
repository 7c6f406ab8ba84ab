//! New functions, made from the crates under `templates/`.
//!
//! `cargo new` makes the package, so that its name is checked, and it joins the workspace around it,
//! as for any other; then the template's source and settings are put in.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, InlineTable, Item, Table, TomlError, value};

use crate::launcher::checkout;
use crate::nearest::suggestion;
use crate::project::RUNTIME_PACKAGE;
use crate::publish::advice;

/// A template.
#[derive(Clone, Debug)]
pub struct Template {
    folder: PathBuf,
}

/// Why a template cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// There is none of that name.
    #[error("no template {name:?}{hint} (there are: {known})")]
    Unknown {
        /// The name.
        name: String,
        /// What it was probably meant to be.
        hint: String,
        /// What there is.
        known: String,
    },
    /// A file cannot be read or written.
    #[error("{path}: {why}{}", advice(why))]
    File {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        why: io::Error,
    },
    /// A manifest is not TOML.
    #[error("{path}: {why}")]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong.
        why: TomlError,
    },
}

impl Template {
    /// The template called `name`.
    pub fn find(name: &str) -> Result<Self, TemplateError> {
        let folder = checkout().join("templates");
        let mut known: Vec<String> = fs::read_dir(&folder)
            .map_err(at(&folder))?
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        known.sort();
        if known.iter().any(|template| template == name) {
            return Ok(Self { folder: folder.join(name) });
        }
        let hint = suggestion(name, known.iter().map(String::as_str));
        Err(TemplateError::Unknown { name: name.into(), hint, known: known.join(", ") })
    }

    /// Makes the fresh package in `package`, a member of the workspace in `workspace`, a function
    /// like the template.
    pub fn apply(&self, package: &Path, workspace: &Path) -> Result<(), TemplateError> {
        let source = self.folder.join("src/main.rs");
        let target = package.join("src/main.rs");
        fs::copy(&source, &target).map_err(at(&target))?;
        let path = package.join("Cargo.toml");
        let mut manifest = read(&path)?;
        let runtime = match inherits_runtime(&read(&workspace.join("Cargo.toml"))?) {
            true => Runtime::Inherited,
            false => Runtime::Path(checkout().join("runtime-lib")),
        };
        merge(&mut manifest, &read(&self.folder.join("Cargo.toml"))?, &runtime);
        fs::write(&path, manifest.to_string()).map_err(at(&path))
    }
}

/// How a function names the runtime.
enum Runtime {
    Inherited,
    Path(PathBuf),
}

fn inherits_runtime(workspace: &DocumentMut) -> bool {
    let dependencies = workspace.get("workspace").and_then(|table| table.get("dependencies"));
    dependencies.and_then(|table| table.get(RUNTIME_PACKAGE)).is_some()
}

/// Puts what a function needs into the manifest that `cargo new` wrote.
fn merge(manifest: &mut DocumentMut, template: &DocumentMut, runtime: &Runtime) {
    for key in ["description", "metadata"] {
        if let Some(item) = template["package"].get(key) {
            manifest["package"][key] = item.clone();
        }
    }
    let mut dependencies =
        template.get("dependencies").cloned().unwrap_or_else(|| Item::Table(Table::new()));
    let mut how = InlineTable::new();
    match runtime {
        Runtime::Inherited => how.insert("workspace", true.into()),
        Runtime::Path(path) => how.insert("path", path.display().to_string().into()),
    };
    // What the template takes of the runtime beyond its default.
    if let Some(features) = dependencies[RUNTIME_PACKAGE].get("features").and_then(Item::as_value) {
        how.insert("features", features.clone());
    }
    dependencies[RUNTIME_PACKAGE] = value(how);
    manifest["dependencies"] = dependencies;
    if let (None, Some(lints)) = (manifest.get("lints"), template.get("lints")) {
        manifest["lints"] = lints.clone();
    }
}

fn read(path: &Path) -> Result<DocumentMut, TemplateError> {
    let text = fs::read_to_string(path).map_err(at(path))?;
    text.parse().map_err(|why| TemplateError::Manifest { path: path.into(), why })
}

fn at(path: &Path) -> impl Fn(io::Error) -> TemplateError {
    move |why| TemplateError::File { path: path.into(), why }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> DocumentMut {
        text.parse().expect("TOML")
    }

    #[test]
    fn what_cargo_wrote_is_kept_and_the_template_is_added() {
        let mut manifest = parse(
            "[package]\nname = \"new\"\nversion.workspace = true\n\n[dependencies]\n\n[lints]\nworkspace = true\n",
        );
        let template = parse(
            "[package]\nname = \"template\"\nversion = \"0.1.0\"\ndescription = \"Does it\"\n\
             [package.metadata.fn]\nmemory = \"8MiB\"\n[dependencies]\nampoule = { path = \"x\", features = [\"f\"] }\n\
             serde = \"1\"\n[lints.rust]\nunused = \"deny\"\n",
        );
        merge(&mut manifest, &template, &Runtime::Inherited);
        let merged = parse(&manifest.to_string());
        assert_eq!(merged["package"]["name"].as_str(), Some("new"));
        assert_eq!(merged["package"]["version"]["workspace"].as_bool(), Some(true));
        assert_eq!(merged["package"]["description"].as_str(), Some("Does it"));
        assert_eq!(merged["package"]["metadata"]["fn"]["memory"].as_str(), Some("8MiB"));
        assert_eq!(merged["dependencies"]["ampoule"]["workspace"].as_bool(), Some(true));
        assert_eq!(merged["dependencies"]["ampoule"]["features"][0].as_str(), Some("f"));
        assert_eq!(merged["dependencies"]["serde"].as_str(), Some("1"));
        assert_eq!(merged["lints"]["workspace"].as_bool(), Some(true));
    }

    #[test]
    fn an_unknown_template_is_answered_with_the_known() {
        let error = Template::find("line").expect_err("not there").to_string();
        assert!(error.contains("did you mean \"lines\"?"), "{error}");
        assert!(error.contains("bytes, cloudevent, json, lines, protobuf"), "{error}");
    }
}
