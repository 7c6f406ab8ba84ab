//! `bundle`: an image and its launcher in one static executable.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ampoule_boot::Image;
use anyhow::{Context, Result, ensure};
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
for the options that --ampoule-help names. It boots the image in a fresh machine for each call, needs
nothing but /dev/kvm, and uses QEMU where there is no KVM.

Examples:
  cargo xtask bundle wc -o wc && ./wc -l < README.md
  cargo xtask bundle target/fn/jq/jq.elf -o /usr/local/bin/jq
  ./wc --ampoule-inspect | jq .function")]
pub struct Bundle {
    /// Function, which is built, or image
    #[arg(value_name = "NAME|IMAGE")]
    function: OsString,
    /// The executable [default: that of the image without .elf, such as target/fn/NAME/NAME]
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
        let opened = Image::open(&image)?;
        let bytes = opened
            .read()
            .with_context(|| format!("the image {} cannot be read", image.display()))?;
        let output = output(self.output, &image)?;
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

/// Where the bundle goes, which is not where the image is.
fn output(given: Option<PathBuf>, image: &Path) -> Result<PathBuf> {
    let output = match given {
        Some(output) => output,
        None => {
            let is_elf = image.extension().is_some_and(|extension| extension == "elf");
            ensure!(is_elf, "{} does not end in .elf: name the bundle with -o", image.display());
            image.with_extension("")
        }
    };
    let is_image = |path: &Path| path.canonicalize().ok().zip(image.canonicalize().ok());
    ensure!(
        is_image(&output).is_none_or(|(one, other)| one != other),
        "{} is the image itself: name the bundle otherwise with -o",
        output.display()
    );
    Ok(output)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_bundle_never_takes_its_image_s_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let (image, plain) = (folder.path().join("wc.elf"), folder.path().join("foo-1.2"));
        fs::write(&image, "x").expect("written");
        assert_eq!(output(None, &image).expect("a place"), folder.path().join("wc"));
        assert!(output(None, &plain).expect_err("no .elf").to_string().contains("with -o"));
        let same = folder.path().join("./wc.elf");
        assert!(output(Some(same), &image).expect_err("the image").to_string().contains("itself"));
    }
}
