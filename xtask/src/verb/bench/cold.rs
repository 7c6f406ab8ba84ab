//! `bench cold`: from nothing to the first byte, and to the exit.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ampoule_boot::host::{Accel, probe_kvm};
use anyhow::{Context, Result, ensure};
use clap::Args;

use super::{Echo, console_for, show};
use crate::bench::cold;
use crate::bench::cold::bare_kernel;
use crate::bench::cold::peer;
use crate::bench::cold::plot;
use crate::bench::cold::report::{LeftOut, Results};
use crate::bench::cold::subject::{Monitor, PROCESS, Subject};
use crate::bench::machine::{Machine, qemu, qemu_version};
use crate::bundle::Launcher;
use crate::console::Console;
use crate::launcher;
use crate::publish::{publish, publish_program};
use crate::rustc;
use crate::static_program::{GNU, MUSL};

const SCHEMA: &str = "ampoule/bench-cold/1";

const NOTHING_RUNS: &str =
    "there is neither KVM nor QEMU here to run a function; `cargo xtask doctor` tells more";

/// Measure cold starts: the time to the first byte and to the exit
#[derive(Args, Debug)]
#[command(after_help = "\
Each subject is started afresh for every measurement, in turns, with 16 bytes on its STDIN: a call
under each monitor, and of a bundle; a kernel that does nothing but end the machine, which is QEMU's
own cost; the same function as a static process of this machine, by whose medians the others are
divided; and what there is of bwrap, crun, runc and wasmtime.

Examples:
  cargo xtask bench cold
  cargo xtask bench cold --runs 200 --against 'bwrap --unshare-all --ro-bind / / cat'
  cargo xtask bench cold --only qemu-kvm --json > cold.json")]
pub struct Cold {
    /// Starts of each subject
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Measure this command in the same run; it must copy STDIN to STDOUT
    #[arg(long, value_name = "CMD")]
    against: Vec<String>,
    /// Measure only subjects with this in their name, and the static process
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// Where to put a plot, as SVG [default: target/bench/cold.svg]
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Cold {
    pub fn run(self, console: Console) -> Result<ExitCode> {
        let console = console_for(self.json, console);
        let echo = Echo::build(console)?;
        let folder = tempfile::tempdir().context("a temporary folder cannot be made")?;
        let mut left_out = Vec::new();
        let mut subjects = self.subjects(&echo, folder.path(), &mut left_out, console)?;
        subjects.retain(|subject| subject.name == PROCESS || self.is_wanted(&subject.name));
        left_out.retain(|subject| self.is_wanted(&subject.name));
        ensure!(subjects.len() > 1, "nothing here has {} in its name", self.only.join(" or "));
        let machine = Machine::read();
        let what = format_args!("{} subjects, {} starts each", subjects.len(), self.runs);
        console.status("Measuring", what);
        let results = Results {
            schema: SCHEMA,
            machine,
            runs: self.runs,
            image_bytes: echo.image_bytes,
            memory_bytes: echo.memory_bytes,
            subjects: cold::measure(subjects, self.runs, &mut left_out)?,
            left_out,
            plot: self.plot.unwrap_or_else(|| plot_beside(&echo.image)),
        };
        draw(&results)?;
        console.status("Plotted", results.plot.display());
        show(&results, self.json, Results::print)
    }

    fn is_wanted(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|text| name.contains(text.as_str()))
    }

    /// What can be measured here; `folder` is for what that takes.
    fn subjects(
        &self,
        echo: &Echo,
        folder: &Path,
        left_out: &mut Vec<LeftOut>,
        console: Console,
    ) -> Result<Vec<Subject>> {
        let process = Echo::for_host(GNU, console)?;
        let mut subjects = vec![Subject::process(PROCESS, &process)];
        let mut leave_out = |name: &str, why: String| {
            left_out.push(LeftOut { name: name.into(), why });
        };
        if rustc::has_target(MUSL) {
            let process = Echo::for_host(MUSL, console)?;
            subjects.push(Subject::process("static process, musl", &process));
        } else {
            leave_out("static process, musl", format!("rustc has no {MUSL}; `cargo xtask setup`"));
        }
        let launcher = launcher::build(console)?;
        let call = |monitor| Subject::call(&launcher, &echo.image, monitor);
        let mut accels = Vec::new();
        match probe_kvm().problem {
            None => {
                subjects.push(call(Monitor::Builtin));
                subjects.push(Subject::bundle(&bundle(&echo.image, console)?));
                accels.push(Accel::Kvm);
            }
            Some(problem) => leave_out("builtin and qemu-kvm", problem.to_string()),
        }
        accels.push(Accel::Tcg);
        let kernel = folder.join("kernel.elf");
        fs::write(&kernel, bare_kernel::elf()).context("the bare kernel cannot be written")?;
        if qemu_version().is_empty() {
            ensure!(accels.contains(&Accel::Kvm), NOTHING_RUNS);
            leave_out("qemu-kvm and qemu-tcg", "QEMU is missing; `cargo xtask setup`".into());
        } else {
            for accel in accels {
                subjects.push(call(Monitor::Qemu(accel)));
                subjects.push(Subject::bare_kernel(&qemu(), &kernel, accel, echo.memory_bytes));
            }
        }
        let peers = peer::find(&process, folder).context("bundles cannot be written")?;
        subjects.extend(peers.subjects);
        left_out.extend(peers.left_out);
        subjects.extend(self.against.iter().map(|line| Subject::peer(line)));
        Ok(subjects)
    }
}

/// A bundle of an image, where the plot is.
fn bundle(image: &Path, console: Console) -> Result<PathBuf> {
    let bytes = fs::read(image).context("the image cannot be read")?;
    let bundle = plot_beside(image).with_file_name("echo");
    publish_program(&bundle, &Launcher::build(console)?.with(&bytes)?)?;
    Ok(bundle)
}

/// `target/bench/cold.svg`, the image being `target/fn/echo/echo.elf`.
fn plot_beside(image: &Path) -> PathBuf {
    let target = image.ancestors().nth(3).unwrap_or(Path::new("."));
    target.join("bench/cold.svg")
}

fn draw(results: &Results) -> Result<()> {
    let place = &results.plot;
    publish(place, plot::svg(results).as_bytes()).context("there is no plot")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plot_lies_under_the_target_folder() {
        let plot = plot_beside("/p/target/fn/echo/echo.elf".as_ref());
        assert_eq!(plot, Path::new("/p/target/bench/cold.svg"));
    }
}
