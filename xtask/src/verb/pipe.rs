//! `pipe`: several functions at once, connected like a shell's pipeline.

use std::path::PathBuf;
use std::process::{Command, ExitCode, ExitStatus};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::console::Console;
use crate::image::{self, Profile};
use crate::launcher;
use crate::pipeline;
use crate::project::Project;
use crate::verb::invoke::as_image;

/// Run functions as a pipeline, each in a virtual machine of its own
#[derive(Args, Debug)]
#[command(
    override_usage = "cargo xtask pipe [--manifest-path PATH] STAGE… [-- OPTIONS]",
    after_help = "\
A stage is a function or image and its arguments, quoted as in a shell. OPTIONS are those of
`ampoule run` and hold for every stage. The status is that of the last stage that failed, or 0.

Examples:
  cargo xtask pipe csv2json \"jq -r .name\" < tests/data/airports.csv
  cargo xtask pipe \"grep -i field\" \"wc -l\" -- --timeout 10s < tests/data/airports.csv"
)]
pub struct Pipe {
    /// Manifest of another Cargo project
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
    /// Functions with their arguments, in the order in which data flows
    #[arg(value_name = "STAGE", required = true)]
    stages: Vec<String>,
    /// The launcher's options
    #[arg(last = true, allow_hyphen_values = true, value_name = "OPTIONS")]
    options: Vec<String>,
}

impl Pipe {
    pub fn run(self, console: Console) -> Result<ExitCode> {
        let console = console.quieter();
        let stages: Vec<Vec<String>> =
            self.stages.iter().map(|stage| words(stage)).collect::<Result<_>>()?;
        let images = self.images(&stages, console)?;
        let launcher = launcher::build(console)?;
        let commands = stages.iter().zip(images).map(|(stage, image)| {
            let mut command = Command::new(&launcher);
            command.arg("run").arg(image).args(&self.options).arg("--").args(&stage[1..]);
            console.command(&command);
            command
        });
        let statuses = pipeline::run(commands.collect())?;
        Ok(pipefail(&statuses))
    }

    /// The image of each stage, built if it is a function.
    fn images(&self, stages: &[Vec<String>], console: Console) -> Result<Vec<PathBuf>> {
        let mut project = None;
        let mut images = Vec::new();
        for stage in stages {
            if let Some(path) = as_image(stage[0].as_ref()) {
                images.push(path.to_owned());
                continue;
            }
            let project = match &mut project {
                Some(project) => project,
                none => none.insert(Project::load(self.manifest_path.as_deref(), console)?),
            };
            let function = project.function(&stage[0])?;
            let folder = project.output(&function.name, Profile::Optimised);
            let built = image::build(project, function, Profile::Optimised, &folder, console)?;
            images.push(built.path);
        }
        Ok(images)
    }
}

fn words(stage: &str) -> Result<Vec<String>> {
    let words =
        shell_words::split(stage).with_context(|| format!("stage {stage:?} cannot be split"))?;
    ensure!(!words.is_empty(), "a stage is empty; name a function in it");
    Ok(words)
}

/// The rightmost status that is not 0, as `set -o pipefail` has it.
fn pipefail(statuses: &[ExitStatus]) -> ExitCode {
    let failed = statuses.iter().rev().map(pipeline::exit_code).find(|&code| code != 0);
    ExitCode::from(failed.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn stages_are_split_like_a_shell_does() {
        assert_eq!(words("grep -i 'a b'").expect("sound"), ["grep", "-i", "a b"]);
        assert!(words("grep 'a").is_err());
        assert!(words("  ").is_err());
    }

    #[test]
    fn the_rightmost_failure_counts() {
        let statuses = |codes: &[i32]| -> Vec<ExitStatus> {
            codes.iter().map(|&raw| ExitStatus::from_raw(raw)).collect()
        };
        assert_eq!(pipefail(&statuses(&[0, 0])), ExitCode::from(0));
        assert_eq!(pipefail(&statuses(&[3 << 8, 65 << 8, 0])), ExitCode::from(65));
        assert_eq!(pipefail(&statuses(&[0, 9])), ExitCode::from(137));
    }
}
