//! What a function was made from: by cargo's own account the files of every package that has a path and
//! those that their build scripts name, and what else decides.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::link::SCRIPT;
use crate::project::{Function, Project};

/// The files that cargo made `executable` from, which it lists beside it as a rule for `make`, the linker
/// script, and the files that say which packages there are.
pub fn of(project: &Project, function: &Function, executable: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = parse(&fs::read_to_string(executable.with_extension("d"))?);
    files.push(function.manifest.clone());
    files.extend(["Cargo.toml", "Cargo.lock"].map(|name| project.root.join(name)));
    files.extend(project.runtime.as_ref().map(|runtime| runtime.join(SCRIPT)));
    Ok(files)
}

/// The files after the colon; a space in a name has a backslash before it.
fn parse(rule: &str) -> Vec<PathBuf> {
    let files = rule.split_once(": ").map_or("", |(_, files)| files);
    let joined = files.trim_end().replace("\\ ", "\0");
    joined.split_whitespace().map(|file| PathBuf::from(file.replace('\0', " "))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_follow_the_colon_and_may_have_spaces() {
        let files = parse("/t/fn/wc: /p/my\\ functions/src/main.rs /p/Cargo.toml\n");
        assert_eq!(files, ["/p/my functions/src/main.rs", "/p/Cargo.toml"].map(PathBuf::from));
        assert_eq!(parse("/t/fn/wc:"), Vec::<PathBuf>::new());
    }
}
