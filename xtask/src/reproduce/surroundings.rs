//! What is other for the second build of a function, and what is not.

use std::fs;
use std::num::NonZeroUsize;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use toml_edit::DocumentMut;

use super::{ReproduceError, at};
use crate::image::Profile;
use crate::project::Function;

const LOCALE: &str = "tr_TR.UTF-8";
const TIME_ZONE: &str = "Pacific/Kiritimati";
const UMASK: &str = "077";
/// 1980-01-02, in seconds since 1970.
const SOURCE_DATE_EPOCH: &str = "315619200";

/// Settings of the user that say where crates come from and with what programs of this machine are
/// linked; an image must not depend on the others.
const KEPT_SETTINGS: [&str; 7] =
    ["source", "registries", "registry", "net", "http", "patch", "target"];

/// The surroundings of the second build.
pub struct Surroundings {
    folder: PathBuf,
    jobs: usize,
}

impl Surroundings {
    /// Makes what they need in `folder`.
    pub fn in_folder(folder: &Path) -> Result<Self, ReproduceError> {
        let home = folder.join("home");
        let cargo_home = folder.join("cargo-home");
        for path in [&home, &cargo_home] {
            fs::create_dir(path).map_err(at(path))?;
        }
        if let Some(own) = own_cargo_home() {
            // What was downloaded is not downloaded again.
            for name in ["registry", "git"].into_iter().filter(|name| own.join(name).is_dir()) {
                let link = cargo_home.join(name);
                symlink(own.join(name), &link).map_err(at(&link))?;
            }
            let settings = cargo_home.join("config.toml");
            if let Ok(text) = fs::read_to_string(own.join("config.toml")) {
                fs::write(&settings, kept_settings(&text)).map_err(at(&settings))?;
            }
        }
        let jobs = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let jobs = if jobs == 1 { 2 } else { 1 };
        Ok(Self { folder: folder.into(), jobs })
    }

    /// The second build, with its files in `out`.
    pub fn command(
        &self,
        function: &Function,
        profile: Profile,
        manifest: &Path,
        out: &Path,
    ) -> Result<Command, ReproduceError> {
        let own = std::env::current_exe().map_err(ReproduceError::Start)?;
        let mut command = Command::new("sh");
        command.args(["-c", &format!("umask {UMASK} && exec \"$@\""), "sh"]);
        command.arg(own).args(["build-fn", &function.name, "--manifest-path"]).arg(manifest);
        command.arg("--out").arg(out).args(["--message-format", "json"]);
        if profile == Profile::Debug {
            command.arg("--debug");
        }
        command.current_dir(&self.folder).stdout(std::process::Stdio::null());
        if let (None, Some(home)) = (std::env::var_os("RUSTUP_HOME"), std::env::home_dir()) {
            command.env("RUSTUP_HOME", home.join(".rustup"));
        }
        command.env("HOME", self.folder.join("home"));
        command.env("CARGO_HOME", self.folder.join("cargo-home"));
        command.env("CARGO_TARGET_DIR", self.folder.join("target"));
        command.env("CARGO_BUILD_JOBS", self.jobs.to_string());
        command.env("CARGO_NET_OFFLINE", "true");
        command.env("LC_ALL", LOCALE).env("TZ", TIME_ZONE).env("USER", "somebody");
        command.env("SOURCE_DATE_EPOCH", SOURCE_DATE_EPOCH);
        Ok(command)
    }

    /// What is other.
    pub fn varied(&self) -> String {
        format!(
            "source and target folders, HOME, CARGO_HOME without the user's settings, \
             CARGO_BUILD_JOBS={}, LC_ALL={LOCALE}, TZ={TIME_ZONE}, umask {UMASK}, \
             SOURCE_DATE_EPOCH={SOURCE_DATE_EPOCH}",
            self.jobs
        )
    }
}

/// What is not. The compiler hangs under `faketime`; the clock has gone on between the builds.
pub const UNVARIED: &str = "compiler, machine, user, what cargo has downloaded, the clock's year";

fn own_cargo_home() -> Option<PathBuf> {
    let default = || std::env::home_dir().map(|home| home.join(".cargo"));
    std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(default)
}

/// The user's settings without those that are left out. Cargo has read them before.
fn kept_settings(text: &str) -> String {
    let mut settings: DocumentMut = text.parse().unwrap_or_default();
    settings.as_table_mut().retain(|key, _| KEPT_SETTINGS.contains(&key));
    settings.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_is_kept_and_profiles_are_not() {
        let text = "[source.crates-io]\nreplace-with = \"mirror\"\n[profile.release]\nopt-level = 0\n\
                    [env]\nA = \"b\"\n";
        assert_eq!(kept_settings(text), "[source.crates-io]\nreplace-with = \"mirror\"\n");
    }
}
