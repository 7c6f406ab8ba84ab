//! `ampoule verify`: whether artifacts are what they are said to be.

use std::path::PathBuf;

use ampoule_abi::status;
use ampoule_boot::artifact::dsse::Key;
use ampoule_boot::artifact::verify::{VerifyError, verify};
use anyhow::Context as _;
use clap::Args;

use ampoule_boot::program::standard;

/// Verifies a folder of artifacts, a function's folder in it, or an image.
#[derive(Debug, Args)]
#[command(after_help = "\
Checks every file by SHA256SUMS, by manifest.json and by the statement about it, in both directions: what
is listed and missing, and what is there and not listed, is refused. Images are checked as `run` does.

With --key all of that has to be signed, with the private key that belongs to it.

Exits with 0 if all is as it should be, with 126 at the first difference, which a message names with both
digests, with 127 if there is nothing at the path.

Examples:
  ampoule verify target/dist
  ampoule verify target/dist/wc --key release.pub
  ampoule verify wc.elf")]
pub(crate) struct Verify {
    /// Public key (Ed25519, PEM) with which it has to be signed
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,

    /// The folder, or the image
    #[arg(value_name = "PATH")]
    path: PathBuf,
}

impl Verify {
    pub(crate) fn run(self) -> anyhow::Result<u8> {
        let key = self.key.as_deref().map(|path| {
            let text = std::fs::read_to_string(path);
            let text = text.with_context(|| format!("cannot read the key {}", path.display()))?;
            Key::from_pem(&text).with_context(|| format!("cannot use the key {}", path.display()))
        });
        let key = key.transpose()?;
        let verified = verify(&self.path, key.as_ref())?;
        let plural = |count: usize, noun| match count {
            1 => format!("1 {noun}"),
            _ => format!("{count} {noun}s"),
        };
        let (functions, files) =
            (plural(verified.functions, "function"), plural(verified.files, "file"));
        let signed = if key.is_some() { ", signed" } else { "" };
        let line = format!("{}: {functions}, {files}{signed}\n", self.path.display());
        standard::print(line.as_bytes())?;
        Ok(0)
    }
}

/// The status for artifacts that cannot be believed, if that is what is wrong.
pub(crate) fn status_of(error: &anyhow::Error) -> Option<u8> {
    Some(match error.downcast_ref::<VerifyError>()? {
        VerifyError::NotFound { .. } => status::NOT_FOUND,
        _ => status::NOT_RUNNABLE,
    })
}
