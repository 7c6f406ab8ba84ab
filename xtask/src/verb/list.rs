//! `list`: the functions of a project.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use ampoule_boot::units;
use anyhow::Result;
use clap::Args;
use serde::Serialize;

use crate::console::{Console, short_size};
use crate::image::Profile;
use crate::project::{Function, Project};
use crate::results;

const SCHEMA: &str = "ampoule/list/1";

/// List the functions of the project
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  cargo xtask list
  cargo xtask list --json | jq -r '.functions[].name'")]
pub struct List {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Manifest of another Cargo project
    #[arg(long, value_name = "PATH")]
    manifest_path: Option<PathBuf>,
}

#[derive(Serialize)]
struct Listing<'a> {
    schema: &'static str,
    functions: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    version: &'a str,
    description: Option<&'a str>,
    memory_bytes: u64,
    image: Option<PathBuf>,
    image_bytes: Option<u64>,
}

impl List {
    pub fn run(self, console: Console) -> Result<ExitCode> {
        let project = Project::load(self.manifest_path.as_deref(), console)?;
        let functions = project.functions.iter().map(|function| entry(&project, function));
        let listing = Listing { schema: SCHEMA, functions: functions.collect() };
        if self.json {
            results::line(serde_json::to_string(&listing)?);
        } else {
            print(&listing);
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn entry<'a>(project: &Project, function: &'a Function) -> Entry<'a> {
    let image = project
        .output(&function.name, Profile::Optimised)
        .join(&function.name)
        .with_extension("elf");
    let image_bytes = fs::metadata(&image).ok().map(|found| found.len());
    Entry {
        name: &function.name,
        version: &function.version,
        description: function.description.as_deref(),
        memory_bytes: function.settings.memory_bytes,
        image: image_bytes.map(|_| image),
        image_bytes,
    }
}

fn print(listing: &Listing<'_>) {
    let rows: Vec<[String; 5]> = listing.functions.iter().map(row).collect();
    let headings = ["NAME", "VERSION", "MEMORY", "IMAGE", "DESCRIPTION"].map(str::to_owned);
    let width = |column: usize| {
        let cells = std::iter::once(&headings).chain(&rows);
        cells.map(|row| row[column].chars().count()).max().unwrap_or(0)
    };
    let [name, version, memory, image] = [0, 1, 2, 3].map(width);
    for [a, b, c, d, e] in std::iter::once(&headings).chain(&rows) {
        let line = format!("{a:name$}  {b:version$}  {c:>memory$}  {d:>image$}  {e}");
        results::line(line.trim_end());
    }
}

fn row(entry: &Entry<'_>) -> [String; 5] {
    [
        entry.name.into(),
        entry.version.into(),
        units::bytes(entry.memory_bytes),
        entry.image_bytes.map_or_else(|| "not built".into(), short_size),
        entry.description.unwrap_or_default().into(),
    ]
}
