//! `SPEC.md`, `SECURITY.md` and the tests: each rule names those that hold it, `*Held by: …*`, and
//! they exist, as do those that hold a layer of the guest's.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::Suite;
use crate::tools;

pub fn add(suite: &mut Suite) {
    let mut tests: BTreeSet<String> = suite.rules().iter().cloned().collect();
    tests.insert("spec::every_rule_names_tests_that_exist".to_owned());
    let known = tests.clone();
    suite.once("spec::every_rule_names_tests_that_exist", move || every_rule(&tests));
    suite.once("spec::security_md_names_tests_that_exist", move || layers(&known));
}

/// A numbered rule: `C1.4`, and the names after `Held by:`.
#[derive(Debug)]
struct Rule {
    number: String,
    tests: Vec<String>,
}

fn every_rule(tests: &BTreeSet<String>) {
    let text = fs::read_to_string(tools::root().join("SPEC.md")).expect("SPEC.md");
    let rules = rules(&text);
    assert!(rules.len() > 25, "only {} rules were found", rules.len());
    let mut problems = Vec::new();
    for Rule { number, tests: held_by } in &rules {
        if held_by.is_empty() {
            problems.push(format!("{number} names no test"));
        }
        for name in held_by.iter().filter(|name| !tests.contains(*name) && !is_unit_test(name)) {
            problems.push(format!("{number} names `{name}`, which does not exist"));
        }
    }
    assert!(problems.is_empty(), "SPEC.md:\n  {}", problems.join("\n  "));
}

/// The last column of the table of the guest's layers names tests, or else tells a reason.
fn layers(tests: &BTreeSet<String>) {
    let text = fs::read_to_string(tools::root().join("SECURITY.md")).expect("SECURITY.md");
    let (_, table) = text.split_once("| layer | what it stops | held by |\n").expect("the table");
    let names: Vec<_> = table
        .lines()
        .take_while(|line| line.starts_with('|'))
        .filter_map(|line| line.rsplit('|').nth(1))
        .flat_map(|holders| holders.split('`').skip(1).step_by(2))
        .collect();
    assert!(names.len() > 4, "{names:?}");
    for name in names {
        assert!(tests.contains(name), "SECURITY.md names `{name}`, which does not exist");
    }
}

fn rules(text: &str) -> Vec<Rule> {
    let (mut rules, mut chapter, mut is_code) = (Vec::<Rule>::new(), "", false);
    let mut held_by = String::new();
    for line in text.lines() {
        let words = line.trim_start();
        if words.starts_with("```") {
            is_code = !is_code;
        } else if is_code {
            continue;
        } else if let Some(title) = line.strip_prefix("## ") {
            chapter = title.split(' ').next().unwrap_or_default();
        } else if let Some((number, _)) = line.split_once(". ")
            && number.parse::<u32>().is_ok()
        {
            rules.push(Rule { number: format!("{chapter}.{number}"), tests: Vec::new() });
        }
        // The line may be folded: it goes on until its closing asterisk.
        if words.starts_with("*Held by:") || !held_by.is_empty() {
            held_by.push_str(words);
            if words.ends_with('*') {
                let names = std::mem::take(&mut held_by);
                let rule = rules.last_mut().expect("a rule comes before its tests");
                rule.tests.extend(names.split('`').skip(1).step_by(2).map(str::to_owned));
            } else {
                held_by.push(' ');
            }
        }
    }
    rules
}

/// Whether a name such as `ampoule_boot::session::tests::an_end_is_final` is that of a function
/// under `#[test]` in a source file of its crate.
fn is_unit_test(name: &str) -> bool {
    let Some((krate, path)) = name.split_once("::") else { return false };
    let folder = match krate {
        "ampoule" => "runtime-lib/src",
        "ampoule_abi" => "runtime-lib/abi",
        "ampoule_boot" => "boot",
        "xtask" => "xtask",
        _ => return false,
    };
    let test = path.rsplit("::").next().unwrap_or(path);
    let module = path.split("::").next().unwrap_or(path);
    let declaration = format!("fn {test}(");
    sources(&tools::root().join(folder)).iter().any(|source| {
        let is_there =
            source.iter().any(|part| part.to_string_lossy().trim_end_matches(".rs") == module);
        is_there && fs::read_to_string(source).is_ok_and(|text| text.contains(&declaration))
    })
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of sources");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut sources = Vec::new();
    for path in paths {
        if path.is_dir() {
            sources.extend(self::sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(path);
        }
    }
    sources
}
