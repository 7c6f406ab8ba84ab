//! `new`: makes a function from a template.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use cargo_metadata::{Metadata, MetadataCommand};
use clap::Args;

use crate::console::Console;
use crate::template::Template;
use crate::undo::Before;

/// Make a new function
#[derive(Args, Debug)]
#[command(after_help = "\
Templates: `bytes` changes bytes as they pass, `lines` lines, `json` answers one document with
another, `cloudevent` one event with another, `protobuf` one message with another. Inside a workspace
the function joins it, as with `cargo new`.

Examples:
  cargo xtask new shout
  cargo xtask new greet --template json --path examples/greet
  cargo xtask new alarm --template cloudevent")]
pub struct New {
    /// Name of the function
    name: String,
    /// What to start from: bytes, lines, json, cloudevent or protobuf
    #[arg(long, default_value = "bytes")]
    template: String,
    /// Folder of the new function [default: ./NAME]
    #[arg(long, value_name = "DIR")]
    path: Option<PathBuf>,
}

impl New {
    pub fn run(self, console: Console) -> Result<ExitCode> {
        let template = Template::find(&self.template)?;
        let path = self.path.clone().unwrap_or_else(|| PathBuf::from(&self.name));
        let before = Before::of(&path).context("the current folder cannot be found")?;
        let metadata = match self.make(&template, &path, console) {
            Ok(metadata) => metadata,
            Err(error) => {
                let left = || format!("nor can what was made in {} be removed", path.display());
                before.restore().with_context(left).with_context(|| format!("{error:#}"))?;
                return Err(error.context("nothing was made"));
            }
        };
        let manifest = path.join("Cargo.toml");
        console.status("Created", format_args!("{}", path.join("src/main.rs").display()));
        let at = match self.manifest_needed(&metadata) {
            true => format!(" --manifest-path {}", shell_words::quote(&manifest.to_string_lossy())),
            false => String::new(),
        };
        console.status("Next", format_args!("cargo xtask invoke{at} {} < FILE", self.name));
        Ok(ExitCode::SUCCESS)
    }

    /// Makes the package, then the function of it; the project that it belongs to.
    fn make(&self, template: &Template, path: &Path, console: Console) -> Result<Metadata> {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.args(["new", "--quiet", "--bin", "--name", &self.name]).arg(path);
        console.command(&command);
        if !command.status().context("cargo cannot be run")?.success() {
            bail!("cargo could not make the package {:?} in {}", self.name, path.display());
        }
        let mut metadata = MetadataCommand::new();
        let metadata = metadata.manifest_path(path.join("Cargo.toml")).no_deps().exec()?;
        template.apply(path, metadata.workspace_root.as_std_path())?;
        Ok(metadata)
    }

    /// Whether the function is outside of the project around the current folder.
    fn manifest_needed(&self, its: &Metadata) -> bool {
        let here = MetadataCommand::new().no_deps().exec();
        !here.is_ok_and(|here| here.workspace_root == its.workspace_root)
    }
}
