//! `inspect`: shows what an image consists of.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ampoule_boot::session::printable;
use ampoule_boot::units;
use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;

use crate::console::{Console, short_size, warning};
use crate::image::Profile;
use crate::inspect::{Inspection, Part, inspect};
use crate::project::Project;
use crate::results;
use crate::verb::invoke::as_image;

const SCHEMA: &str = "ampoule/inspect/1";
/// Crates that are listed for people before the rest is added up.
const SHOWN_CRATES: usize = 15;

/// Show what an image consists of
#[derive(Args, Debug)]
#[command(after_help = "\
A NAME is that of the optimised image, target/fn/NAME/NAME.elf. Sizes by crate need its twin
NAME.debug beside it.

Examples:
  cargo xtask inspect wc
  cargo xtask inspect target/fn/wc/wc.elf --json | jq .crates")]
pub struct Inspect {
    /// Image, or function that has been built
    #[arg(value_name = "IMAGE|NAME")]
    image: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Manifest of another Cargo project
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report<'a> {
    schema: &'static str,
    path: &'a Path,
    bytes: usize,
    #[serde(flatten)]
    inspection: &'a Inspection,
}

impl Inspect {
    pub fn run(self, console: Console) -> Result<ExitCode> {
        let path = self.path(console)?;
        let hint = || format!("{} cannot be read; `cargo xtask build-fn` makes it", path.display());
        let image = fs::read(&path).with_context(hint)?;
        let twin_path = path.with_extension("debug");
        let twin = fs::read(&twin_path).ok();
        let inspection = inspect(&image, twin.as_deref())
            .with_context(|| format!("{} is not an image, or a damaged one", path.display()))?;
        if self.json {
            let bytes = image.len();
            let report = Report { schema: SCHEMA, path: &path, bytes, inspection: &inspection };
            results::line(serde_json::to_string(&report)?);
            return Ok(ExitCode::SUCCESS);
        }
        print(&path, image.len() as u64, &inspection);
        if twin.is_none() {
            warning(format_args!("no sizes by crate: {} is not there", twin_path.display()));
        }
        Ok(ExitCode::SUCCESS)
    }

    fn path(&self, console: Console) -> Result<PathBuf> {
        if as_image(self.image.as_os_str()).is_some() || self.image.is_file() {
            return Ok(self.image.clone());
        }
        let project = Project::load(self.manifest_path.as_deref(), console)?;
        let name = &project.function(&self.image.to_string_lossy())?.name;
        Ok(project.output(name, Profile::Optimised).join(name).with_extension("elf"))
    }
}

fn print(path: &Path, bytes: u64, inspection: &Inspection) {
    results::line(format_args!("{} ({bytes} bytes)", path.display()));
    if let Some(note) = &inspection.function {
        results::line(format_args!(
            "\nFunction    {} {}, ABI {}",
            printable(&note.name),
            printable(&note.version),
            note.abi_version
        ));
        let timeout =
            note.timeout_ms.map_or("none".into(), |timeout_ms| format!("{timeout_ms} ms"));
        results::line(format_args!("Timeout     {timeout}"));
        results::line(format_args!("Events      {}", printable(&note.event_modes.join(", "))));
        let capabilities = match note.capabilities.join(", ") {
            none if none.is_empty() => "none".into(),
            some => some,
        };
        results::line(format_args!("Asks for    {}", printable(&capabilities)));
        let least = units::bytes(inspection.least_memory_bytes);
        results::line(format_args!(
            "Memory      {}, at least {least}",
            units::bytes(note.memory_bytes)
        ));
        results::line(format_args!("Stack       {}", units::bytes(note.stack_bytes)));
    }
    if let Some(linked) = &inspection.linked {
        results::line(format_args!("Lists       {} crates", linked.len()));
    }
    results::line(format_args!("\nNotes"));
    for note in &inspection.notes {
        let owner = printable(&note.owner);
        results::line(format_args!("  {owner} type {}, {} bytes", note.kind, note.bytes));
    }
    results::line(format_args!("\nSegments        address    in memory      in file"));
    for segment in &inspection.segments {
        let write = if segment.writable { 'w' } else { '-' };
        let execute = if segment.executable { 'x' } else { '-' };
        results::line(format_args!(
            "  r{write}{execute}        {:#12x} {:>12} {:>12}",
            segment.address, segment.memory_bytes, segment.file_bytes
        ));
    }
    print_parts("Sections", &inspection.sections);
    if !inspection.crates.is_empty() {
        let (shown, rest) = inspection.crates.split_at(inspection.crates.len().min(SHOWN_CRATES));
        print_parts("Crates", shown);
        if !rest.is_empty() {
            let bytes = rest.iter().fold(0, |sum, part| part.bytes.saturating_add(sum));
            results::line(format_args!("  {:>10}  {} more", short_size(bytes), rest.len()));
        }
    }
}

fn print_parts(heading: &str, parts: &[Part]) {
    results::line(format_args!("\n{heading}"));
    for part in parts {
        results::line(format_args!("  {:>10}  {}", short_size(part.bytes), printable(&part.name)));
    }
}
