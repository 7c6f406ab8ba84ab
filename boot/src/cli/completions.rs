//! `ampoule completions`: what a shell needs to complete this command line.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use ampoule_boot::program::standard;

/// Prints completions for a shell
///
/// For bash: `ampoule completions bash > ~/.local/share/bash-completion/completions/ampoule`
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run<C: CommandFactory>(self) -> anyhow::Result<u8> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut C::command(), "ampoule", &mut script);
        standard::print(&script)?;
        Ok(0)
    }
}
