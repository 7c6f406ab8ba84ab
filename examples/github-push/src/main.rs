//! Sums up what was pushed to a repository on GitHub: a webhook's payload in, a few lines of JSON
//! out. Events that are no pushes get no answer.
#![cfg_attr(ampoule_guest, no_std, no_main)]

extern crate alloc;

use alloc::collections::BTreeSet;

use ampoule::event::{Event, EventExt, FromEvent, Json, JsonText};
use ampoule::prelude::*;
use serde::{Deserialize, Serialize};

ampoule::handler!(summarise);

/// What is of interest here of a payload.
#[derive(Debug, Deserialize)]
struct Push {
    #[serde(rename = "ref")]
    reference: String,
    created: bool,
    deleted: bool,
    forced: bool,
    compare: String,
    commits: Vec<Commit>,
    repository: Repository,
    pusher: Pusher,
}

#[derive(Debug, Deserialize)]
struct Commit {
    message: String,
    added: Vec<String>,
    removed: Vec<String>,
    modified: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Repository {
    full_name: String,
}

#[derive(Debug, Deserialize)]
struct Pusher {
    name: String,
}

#[derive(Debug, PartialEq, Serialize)]
struct Summary<'a> {
    repository: &'a str,
    reference: &'a str,
    pusher: &'a str,
    what: &'static str,
    commits: usize,
    files: usize,
    /// The first line of the last commit's message.
    last: Option<&'a str>,
    compare: &'a str,
}

fn summarise(event: Event) -> Result<Option<Event>> {
    if event.event_type() != "com.github.push" {
        return Ok(None);
    }
    let answer = event.answer("com.github.push.summary")?;
    let Json(push) = Json::<Push>::from_event(event)?;
    let answer = answer.with_subject(&push.reference).map_err(Error::data)?;
    Ok(Some(answer.with_data(JsonText::of(&Summary::of(&push))?)))
}

impl<'a> Summary<'a> {
    fn of(push: &'a Push) -> Self {
        let files: BTreeSet<&str> = push
            .commits
            .iter()
            .flat_map(|commit| [&commit.added, &commit.removed, &commit.modified])
            .flatten()
            .map(String::as_str)
            .collect();
        Self {
            repository: &push.repository.full_name,
            reference: &push.reference,
            pusher: &push.pusher.name,
            what: match push {
                Push { deleted: true, .. } => "deleted",
                Push { created: true, .. } => "created",
                Push { forced: true, .. } => "rewritten",
                _ => "updated",
            },
            commits: push.commits.len(),
            files: files.len(),
            last: push.commits.last().and_then(|commit| commit.message.lines().next()),
            compare: &push.compare,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(message: &str, modified: &[&str]) -> Commit {
        let modified = modified.iter().map(ToString::to_string).collect();
        Commit { message: message.into(), added: vec![], removed: vec![], modified }
    }

    #[test]
    fn a_file_that_is_changed_twice_counts_once() {
        let push = Push {
            reference: "refs/heads/main".into(),
            created: false,
            deleted: false,
            forced: true,
            compare: "https://example.com".into(),
            commits: vec![commit("one", &["a", "b"]), commit("two\n\nmore", &["b"])],
            repository: Repository { full_name: "us/it".into() },
            pusher: Pusher { name: "Ada".into() },
        };
        let summary = Summary::of(&push);
        assert_eq!((summary.commits, summary.files, summary.last), (2, 2, Some("two")));
        assert_eq!(summary.what, "rewritten");
    }
}
