//! `bundle`: an image and its launcher in one static executable.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;

use crate::bundle::Launcher;
use crate::console::{Console, short_size};
use crate::image::{self, Profile};
use crate::project::Project;
use crate::publish::publish_program;
use crate::verb::invoke::as_image;

/// Put an image and its launcher into one static executable
#[derive(Args, Debug)]
#[command(after_help = "\
The executable is the function: STDIN, STDOUT, STDERR, the status and all arguments are its own, but
for options that begin with --ampoule- (--ampoule-help names them). It boots the image in a fresh
machine for each call, needs nothing but /dev/kvm, and uses QEMU where there is no KVM.

Examples:
  cargo xtask bundle wc -o wc && ./wc -l < README.md
  cargo xtask bundle target/fn/jq/jq.elf -o /usr/local/bin/jq
  ./wc --ampoule-inspect | jq .function")]
pub struct Bundle {
    /// Function, which is built, or image
    #[arg(value_name = "NAME|IMAGE")]
    function: OsString,
    /// The executable [default: target/fn/NAME/NAME]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Manifest of another Cargo project
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
}

impl Bundle {
    pub fn run(self, console: Console) -> Result<ExitCode> {
        let image = match as_image(&self.function) {
            Some(image) => image.to_owned(),
            None => self.build(console)?,
        };
        let output = self.output.unwrap_or_else(|| image.with_extension(""));
        let bytes = fs::read(&image)
            .with_context(|| format!("the image {} cannot be read", image.display()))?;
        image::check::check(&bytes)
            .with_context(|| format!("{} cannot be run", image.display()))?;
        let bundle = Launcher::build(console)?.with(&bytes)?;
        let verb = if publish_program(&output, &bundle)? { "Bundled" } else { "Fresh" };
        let size = short_size(bundle.len() as u64);
        console.status(verb, format_args!("{} ({size})", output.display()));
        Ok(ExitCode::SUCCESS)
    }

    fn build(&self, console: Console) -> Result<PathBuf> {
        let project = Project::load(self.manifest_path.as_deref(), console)?;
        let name = self.function.to_string_lossy();
        let function = project.function(&name)?;
        let folder = project.output(&function.name, Profile::Optimised);
        Ok(image::build(&project, function, Profile::Optimised, &folder, console)?.path)
    }
}
