//! `inspect`: shows what an image consists of.

use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ampoule_boot::image::{ImageError, MAX_IMAGE_BYTES, OpenError};
use ampoule_boot::session::printable;
use ampoule_boot::{Image, opening, units};
use anyhow::{Context, Result, bail};
use clap::Args;
use rustix::fs::OFlags;
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
/// Notes that are listed for people.
const SHOWN_NOTES: usize = 64;

/// Show what an image consists of
#[derive(Args, Debug)]
#[command(after_help = "\
A NAME is that of the optimised image, target/fn/NAME/NAME.elf. Sizes by crate need its twin
NAME.debug beside it. Of a bundle it is the image that is shown. One that the launcher refuses is
shown as far as it can be read, with a warning that says why.

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
        let (image, refused) = read_image(&path)?;
        let twin_path = path.with_extension("debug");
        let twin = read(&twin_path);
        let inspection = match (inspect(&image, twin.as_deref().ok()), &refused) {
            (Ok(inspection), _) => inspection,
            // The launcher knows better what is wrong.
            (Err(_), Some(why)) => bail!("{why}"),
            (Err(why), None) => return Err(why).with_context(|| path.display().to_string()),
        };
        if let Some(why) = refused {
            warning(why);
        }
        if self.json {
            let bytes = image.len();
            let report = Report { schema: SCHEMA, path: &path, bytes, inspection: &inspection };
            results::line(serde_json::to_string(&report)?);
            return Ok(ExitCode::SUCCESS);
        }
        print(&path, image.len() as u64, &inspection);
        if let Err(why) = twin {
            let twin = twin_path.display();
            warning(format_args!("no sizes by crate: {twin} cannot be read: {why}"));
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

/// The bytes of an image, and why it cannot be run, if that is so.
fn read_image(path: &Path) -> Result<(Vec<u8>, Option<OpenError>)> {
    let hint = || format!("{} cannot be read; `cargo xtask build-fn` makes it", path.display());
    match Image::open(path) {
        Ok(image) => Ok((image.read().with_context(hint)?.into_owned(), None)),
        // One that is damaged has something to show, and another file has not.
        Err(why @ OpenError::Refused { source: ImageError::NoNote, .. }) => Err(why.into()),
        Err(why) => Ok((read(path).with_context(hint)?, Some(why))),
    }
}

/// All bytes of a regular file that is no longer than an image.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = opening::open(path, OFlags::empty())?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(MAX_IMAGE_BYTES + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > MAX_IMAGE_BYTES {
        true => Err(ErrorKind::FileTooLarge.into()),
        false => Ok(bytes),
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
    for note in inspection.notes.iter().take(SHOWN_NOTES) {
        let owner = printable(&note.owner);
        results::line(format_args!("  {owner} type {}, {} bytes", note.kind, note.bytes));
    }
    if let more @ 1.. = inspection.notes.len().saturating_sub(SHOWN_NOTES) {
        results::line(format_args!("  {more} more"));
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_no_file_or_too_long_is_not_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("wc.debug");
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR).expect("a FIFO");
        assert!(read(&path).expect_err("a FIFO").to_string().contains("regular file"));
        fs::remove_file(&path).expect("removed");
        fs::write(&path, "twin").expect("written");
        assert_eq!(read(&path).expect("a file"), b"twin");
        let file = fs::File::options().write(true).open(&path).expect("it");
        file.set_len(MAX_IMAGE_BYTES + 1).expect("longer");
        assert_eq!(read(&path).expect_err("it is long").kind(), ErrorKind::FileTooLarge);
    }

    #[test]
    fn what_has_no_note_of_ours_is_no_image() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("kernel.elf");
        fs::write(&path, crate::bench::cold::bare_kernel::elf()).expect("written");
        let error = read_image(&path).expect_err("it is no image").to_string();
        assert!(error.contains("kernel.elf cannot be run: it has no Ampoule note"), "{error}");
        let error = read_image(&folder.path().join("no.elf")).expect_err("nothing").to_string();
        assert!(error.contains("cargo xtask build-fn"), "{error}");
    }
}
