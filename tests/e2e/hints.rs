//! What messages advise exists: the verbs of `cargo xtask` and the options that they name.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::OnceLock;

use crate::harness::{Suite, launcher, xtask};
use crate::process::{Done, Invocation};
use crate::tools;

pub fn add(suite: &mut Suite) {
    suite.once("hints::a_missing_image_leads_to_the_verb_that_makes_it", missing_image);
    suite.once("hints::help_names_only_verbs_and_options_that_exist", help);
}

/// Options of other programs, which our messages name too: the linker and its caller, bubblewrap, and
/// whatever runs containers.
const FOREIGN: [&str; 5] = ["--target", "--emit-relocs", "--unshare-all", "--ro-bind", "--device"];

struct Known {
    verbs: BTreeSet<String>,
    options: BTreeSet<String>,
}

/// Everything that the two command lines offer, by their own help.
fn known() -> &'static Known {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let verbs = verbs(xtask(&["--help"]).run().expect(0).text());
        let mut options = options(launcher(&["run", "--help"]).run().expect(0).text());
        let mut bundle = Command::new(tools::bundle("echo"));
        bundle.arg("--ampoule-help");
        options.extend(self::options(Invocation::new(bundle).run().expect(0).text()));
        options.extend(["--help", "--version"].iter().chain(&FOREIGN).map(|&o| o.to_owned()));
        for words in command_lines(&verbs) {
            options.extend(self::options(help_of(&words).text()));
        }
        Known { verbs, options }
    })
}

/// Each verb, and each of those that have some with each of its own.
fn command_lines(verbs: &BTreeSet<String>) -> Vec<Vec<String>> {
    let mut lines = Vec::new();
    for verb in verbs {
        let own = self::verbs(help_of(std::slice::from_ref(verb)).text());
        lines.extend(own.into_iter().map(|own| vec![verb.clone(), own]));
        lines.push(vec![verb.clone()]);
    }
    lines
}

fn help_of(words: &[String]) -> Done {
    let words: Vec<_> = words.iter().map(String::as_str).chain(["--help"]).collect();
    xtask(&words).run().expect(0)
}

/// The first words of the lines between `Commands:` and `Options:`.
fn verbs(help: &str) -> BTreeSet<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| !line.is_empty());
    let verbs = lines.filter_map(|line| line.split_whitespace().next());
    verbs.filter(|&verb| verb != "help").map(str::to_owned).collect()
}

/// What is listed under `Options:`.
fn options(help: &str) -> BTreeSet<String> {
    let lines = help.lines().skip_while(|line| *line != "Options:").skip(1);
    let lines = lines.filter(|line| line.trim_start().starts_with('-'));
    let words = lines.flat_map(|line| line.split_whitespace().take(3));
    words.filter(|word| word.starts_with("--")).map(bare).collect()
}

fn bare(word: &str) -> String {
    let end = word.find(|c: char| c != '-' && !c.is_ascii_lowercase());
    word[..end.unwrap_or(word.len())].to_owned()
}

/// Checks every verb after `cargo xtask` and every long option in a message.
#[track_caller]
pub fn check(message: &str) {
    let known = known();
    for rest in message.split("cargo xtask ").skip(1) {
        let verb = bare(rest);
        assert!(known.verbs.contains(&verb), "no verb {verb:?}, which is named in: {message}");
    }
    for word in message.split([' ', '`', '\n', '(', ')', '[', ']', '|', '"']) {
        if word.starts_with("--") && word.len() > 2 {
            let option = bare(word);
            assert!(
                known.options.contains(&option),
                "no option {option}, which is named in: {message}"
            );
        }
    }
}

fn missing_image() {
    let done = launcher(&["run", "/nowhere/x.elf"]).run().expect(127);
    let done = done.says(&["/nowhere/x.elf", "cargo xtask build-fn"]);
    check(&done.stderr);
}

fn help() {
    check(launcher(&["run", "--help"]).run().expect(0).text());
    let known = known();
    assert!(known.verbs.contains("build-fn") && known.options.contains("--timeout"));
    for words in command_lines(&known.verbs) {
        check(help_of(&words).text());
    }
}
