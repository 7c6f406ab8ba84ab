//! A copy of a project under another path, with the packages that it takes from other folders.
//!
//! Each folder keeps its place relative to the others, so that manifests hold as they are; absolute
//! paths in them are led to the copies.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::MetadataCommand;
use toml_edit::{DocumentMut, TableLike};

use crate::console::Console;
use crate::image::compile::TARGET;
use crate::project::{Function, Project};

/// Folder of the copies.
const COPIES: &str = "sources";
/// Marks folders that hold nothing but what can be made again, such as cargo's target folders.
const CACHE_MARK: &str = "CACHEDIR.TAG";

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum SourcesError {
    /// Cargo cannot say what the project consists of.
    #[error("cargo cannot read the project")]
    Metadata(#[from] cargo_metadata::Error),
    /// A file cannot be copied.
    #[error("{path} cannot be copied: {why}")]
    Copy {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        why: io::Error,
    },
}

/// Copies the sources into `folder`; the path of the function's manifest there.
pub fn copy(
    project: &Project,
    function: &Function,
    folder: &Path,
    console: Console,
) -> Result<PathBuf, SourcesError> {
    let copies = Copies { trees: trees(project, console)?, to: folder.join(COPIES) };
    for tree in &copies.trees {
        copies.copy_folder(tree, &project.target)?;
    }
    Ok(copies.place(&function.manifest))
}

/// The outermost folders that hold all packages that come from folders.
fn trees(project: &Project, console: Console) -> Result<Vec<PathBuf>, SourcesError> {
    let mut command = MetadataCommand::new();
    command.manifest_path(project.root.join("Cargo.toml")).current_dir(&project.root);
    command.other_options(["--filter-platform".into(), TARGET.into()]);
    console.command(&command.cargo_command());
    let metadata = command.exec()?;
    let local = metadata.packages.iter().filter(|package| package.source.is_none());
    let mut folders = vec![project.root.clone()];
    for package in local {
        let manifest = package.manifest_path.as_std_path();
        if !folders.iter().any(|folder| manifest.starts_with(folder)) {
            folders.push(workspace_of(manifest));
        }
    }
    let all = folders.clone();
    folders.retain(|folder| !all.iter().any(|it| it != folder && folder.starts_with(it)));
    Ok(folders)
}

/// The folder of the workspace that a package belongs to, from which it may inherit.
fn workspace_of(manifest: &Path) -> PathBuf {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["locate-project", "--workspace", "--message-format", "plain"]);
    let output = command.arg("--manifest-path").arg(manifest).output();
    let root = output.ok().and_then(|it| String::from_utf8(it.stdout).ok());
    let root = root.filter(|path| !path.is_empty()).map(|path| PathBuf::from(path.trim_end()));
    root.as_deref().unwrap_or(manifest).parent().map(PathBuf::from).unwrap_or_default()
}

struct Copies {
    trees: Vec<PathBuf>,
    to: PathBuf,
}

impl Copies {
    /// Where the copy of `path` lies.
    fn place(&self, path: &Path) -> PathBuf {
        self.to.join(path.strip_prefix("/").unwrap_or(path))
    }

    fn copy_folder(&self, folder: &Path, target: &Path) -> Result<(), SourcesError> {
        let place = self.place(folder);
        fs::create_dir_all(&place).map_err(at(&place))?;
        for entry in fs::read_dir(folder).map_err(at(folder))? {
            let path = entry.map_err(at(folder))?.path();
            // In a worktree it is a file, by which git would take the copy for the worktree.
            if path.ends_with(".git") {
                continue;
            }
            let kind = fs::symlink_metadata(&path).map_err(at(&path))?.file_type();
            if kind.is_dir() {
                let is_source = path != target
                    && !path.join(CACHE_MARK).exists()
                    && !self.to.starts_with(&path);
                if is_source {
                    self.copy_folder(&path, target)?;
                }
            } else if kind.is_symlink() {
                let aim = fs::read_link(&path).map_err(at(&path))?;
                let link = self.place(&path);
                std::os::unix::fs::symlink(aim, &link).map_err(at(&link))?;
            } else if kind.is_file() {
                self.copy_file(&path)?;
            }
        }
        Ok(())
    }

    fn copy_file(&self, path: &Path) -> Result<(), SourcesError> {
        let place = self.place(path);
        if path.ends_with("Cargo.toml") {
            let text = fs::read_to_string(path).map_err(at(path))?;
            return fs::write(&place, self.led(text)).map_err(at(&place));
        }
        fs::copy(path, &place).map(drop).map_err(at(path))
    }

    /// A manifest whose absolute paths into what is copied lead to the copies. What is not TOML is as it
    /// was; cargo has not needed it.
    fn led(&self, text: String) -> String {
        let Ok(mut manifest) = text.parse::<DocumentMut>() else { return text };
        match self.lead(manifest.as_table_mut()) {
            true => manifest.to_string(),
            false => text,
        }
    }

    /// Whether there was anything to lead.
    fn lead(&self, table: &mut dyn TableLike) -> bool {
        let mut led = false;
        for (key, item) in table.iter_mut() {
            if let Some(path) = item.as_str().map(PathBuf::from).filter(|_| key == "path") {
                if self.trees.iter().any(|tree| path.starts_with(tree)) {
                    *item = toml_edit::value(self.place(&path).display().to_string());
                    led = true;
                }
            } else if let Some(table) = item.as_table_like_mut() {
                led |= self.lead(table);
            }
        }
        led
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> SourcesError {
    move |why| SourcesError::Copy { path: path.into(), why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths_lead_to_the_copies_and_nothing_else_changes() {
        let copies = Copies { trees: vec!["/a/ampoule".into()], to: "/t/sources".into() };
        let text = "[dependencies]\nampoule = { path = \"/a/ampoule/runtime-lib\" } # why\n\
                    helper = { path = \"../helper\" }\nother = { path = \"/b/other\" }\n";
        let expected = text.replace("\"/a/ampoule", "\"/t/sources/a/ampoule");
        assert_eq!(copies.led(text.into()), expected);
        let relative = "[dependencies]\nhelper = {path='../helper'}\n";
        assert_eq!(copies.led(relative.into()), relative);
        assert_eq!(copies.led("not [ TOML".into()), "not [ TOML");
    }

    #[test]
    fn sources_are_copied_and_what_was_made_is_not() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let tree = folder.path().join("project");
        for name in [".git", "target", "cache", "src"] {
            fs::create_dir_all(tree.join(name)).expect("a folder");
            fs::write(tree.join(name).join("file"), name).expect("written");
        }
        fs::write(tree.join("cache").join(CACHE_MARK), "").expect("written");
        fs::write(tree.join("src/.git"), "gitdir: elsewhere").expect("written");
        let copies = Copies { trees: vec![tree.clone()], to: folder.path().join(COPIES) };
        copies.copy_folder(&tree, &tree.join("target")).expect("copied");
        let names = fs::read_dir(copies.place(&tree)).expect("the copy");
        let names: Vec<_> = names.map(|entry| entry.expect("an entry").file_name()).collect();
        assert_eq!(names, ["src"]);
        assert!(copies.place(&tree.join("src/file")).is_file());
        assert!(!copies.place(&tree.join("src/.git")).exists());
    }
}
