//! `ampoule verify`: whether artifacts are what they are said to be.

use std::path::PathBuf;

use ampoule_abi::status;
use ampoule_boot::artifact::dsse::Key;
use ampoule_boot::artifact::verify::{Checks, Verified, VerifyError, verify};
use anyhow::Context as _;
use clap::Args;

use ampoule_boot::program::standard;

/// Verifies a folder of artifacts, a function's folder in it, or an image.
#[derive(Debug, Args)]
#[command(after_help = "\
Checks every file by SHA256SUMS, by manifest.json and by the statement about it, in both
directions: what is listed and missing, and what is there and not listed, is refused. Images are
checked as `run` does. The answer names the function, if it is one.

An image alone is checked by what lies beside it and around it, which the answer names. If that is
nothing, its seal tells damage, but not whether it is the image that was meant.

With --key all of that has to be signed, with the private key that belongs to it; beside an image,
what is not counts for nothing.

Exits with 0 if all is as it should be, with 126 at the first difference, which a message names
with both digests, with 127 if there is nothing at the path.

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
        let said = said(&verified, key.is_some());
        standard::print(format!("{}: {said}\n", self.path.display()).as_bytes())?;
        Ok(0)
    }
}

/// What was verified, and of an image alone by what: one that nothing is said of is told as that.
fn said(verified: &Verified, is_signed: bool) -> String {
    let plural = |count: usize, noun| match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    };
    let signed = if is_signed { ", signed" } else { "" };
    let functions = match &verified.functions[..] {
        [function] => format!("function {function}"),
        several => plural(several.len(), "function"),
    };
    let files = plural(verified.files, "file");
    match &verified.alone {
        None => format!("{functions}, {files}{signed}"),
        Some(Checks { by, .. }) if !by.is_empty() => {
            format!("{functions}, {files}{signed}, by {}", by.join(" and "))
        }
        Some(Checks { is_bundle, is_sealed, .. }) => {
            let kind = if *is_bundle { "a bundle" } else { "an image" };
            let seal = if *is_sealed { "by its seal" } else { "without a seal" };
            format!("{functions}, {kind} {seal}; nothing beside it says what it should be")
        }
    }
}

/// The status for artifacts that cannot be believed, if that is what is wrong.
pub(crate) fn status_of(error: &anyhow::Error) -> Option<u8> {
    Some(match error.downcast_ref::<VerifyError>()? {
        VerifyError::NotFound { .. } => status::NOT_FOUND,
        _ => status::NOT_RUNNABLE,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_nothing_is_said_of_does_not_look_like_a_release() {
        let said = |is_bundle, is_sealed, by: &[&'static str]| {
            let alone = Some(Checks { is_bundle, is_sealed, by: by.to_vec() });
            said(&Verified { functions: vec!["wc 1.2.3".to_owned()], files: 1, alone }, false)
        };
        let name = "function wc 1.2.3";
        let nothing = "nothing beside it says what it should be";
        assert_eq!(said(false, true, &[]), format!("{name}, an image by its seal; {nothing}"));
        assert_eq!(said(true, true, &[]), format!("{name}, a bundle by its seal; {nothing}"));
        assert_eq!(said(false, false, &[]), format!("{name}, an image without a seal; {nothing}"));
        let by = ["manifest.json", "SHA256SUMS"];
        let told = format!("{name}, 1 file, by manifest.json and SHA256SUMS");
        assert_eq!(said(false, true, &by), told);
    }
}
