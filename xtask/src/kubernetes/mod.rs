//! Manifests of Kubernetes that run a function's bundle: a Job, a JobSink of Knative, and a Service with
//! its Deployment, each for nodes that offer `/dev/kvm` and for those that do not.
//!
//! A function is a filter, so each kind says what its STDIN is: what is attached to a Job, the event of a
//! JobSink, a connection to a Service. There is no Service of Knative, which has to speak HTTP.

mod pod;
mod yaml;

use std::collections::BTreeMap;
use std::time::Duration;

use pod::{Machine, Stdin};
use yaml::{Entry, Yaml, entry};

/// A function, as manifests need it.
#[derive(Clone, Debug)]
pub struct Function<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its version.
    pub version: &'a str,
    /// Guest memory wanted, in bytes.
    pub memory_bytes: u64,
    /// Deadline when the caller names none.
    pub timeout: Option<Duration>,
    /// Where images are kept, such as `registry.example/functions`.
    pub repository: &'a str,
    /// The digest of its image's manifest, `sha256:…`.
    pub digest: &'a str,
}

/// Longest name of an object, in bytes: a DNS label (RFC 1123). A label's value is no longer either.
const MAX_NAME_BYTES: usize = 63;

/// Functions cannot be called in Kubernetes what they are called here.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// One name is no name of an object.
    #[error(
        "{name:?} would be {object:?} in Kubernetes, but a name there is a letter, then letters, digits \
         and `-`, not `-` at the end, at most {MAX_NAME_BYTES} in all: give the function another one"
    )]
    NoLabel {
        /// The function.
        name: String,
        /// What it would be called.
        object: String,
    },
    /// Two names are one.
    #[error(
        "{first:?} and {second:?} would both be {object:?} in Kubernetes, which knows no capitals and no \
         underscores: give one of the functions another name, or make their manifests apart"
    )]
    Same {
        /// A function.
        first: String,
        /// Another one.
        second: String,
        /// What both would be called.
        object: String,
    },
}

/// A version that no label of an object can have for its value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name:?} has the version {version:?}, which is to be a label in Kubernetes, but one is at most \
     {MAX_NAME_BYTES} characters long and ends with a letter or a digit: give the package another `version`"
)]
pub struct VersionError {
    /// The function.
    name: String,
    /// Its version.
    version: String,
}

/// Checks that a function's version can be a label, and so the tag of an image too, which may be longer.
pub fn check_version(name: &str, version: &str) -> Result<(), VersionError> {
    let tag = tag(version);
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let is_end = |end: Option<u8>| end.is_some_and(|byte| byte.is_ascii_alphanumeric());
    let is_label = tag.len() <= MAX_NAME_BYTES
        && tag.bytes().all(is_plain)
        && is_end(tag.bytes().next())
        && is_end(tag.bytes().last());
    match is_label {
        true => Ok(()),
        false => Err(VersionError { name: name.into(), version: version.into() }),
    }
}

/// A version in the characters that tags and labels have.
fn tag(version: &str) -> String {
    version.replace('+', "_")
}

/// Checks that each of these functions can be called something of its own.
pub fn check_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<(), NameError> {
    let mut taken = BTreeMap::new();
    for name in names {
        let object = object(name);
        if !is_label(&object) {
            return Err(NameError::NoLabel { name: name.into(), object });
        }
        if let Some(first) = taken.insert(object.clone(), name) {
            return Err(NameError::Same { first: first.into(), second: name.into(), object });
        }
    }
    Ok(())
}

/// What is no place for container images.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no place for container images: write a host, perhaps with a port, and names of lower-case \
     letters and digits, such as registry.example:5000/functions"
)]
pub struct RepositoryError(String);

/// Checks that references to images may begin with `repository` (the grammar of references that
/// container runtimes share, which the OCI distribution specification's names are a part of).
pub fn check_repository(repository: &str) -> Result<(), RepositoryError> {
    let is_name = |name: &str| {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let ends = [name.bytes().next(), name.bytes().last()];
        ends.iter().all(|end| end.is_some_and(is_plain))
            && name.bytes().all(|byte| is_plain(byte) || matches!(byte, b'.' | b'_' | b'-'))
    };
    let mut names = repository.trim_end_matches('/').split('/');
    let host = names.next().unwrap_or_default();
    let (host, port) = host.split_once(':').unwrap_or((host, "0"));
    let is_port = port.parse::<u16>().is_ok() && port.bytes().all(|byte| byte.is_ascii_digit());
    match is_name(host) && is_port && names.all(is_name) {
        true => Ok(()),
        false => Err(RepositoryError(repository.to_owned())),
    }
}

/// A function's name as that of an object (RFC 1123), which knows no underscores and no capitals.
fn object(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

/// Whether it can name a Service, too, which has to begin with a letter (RFC 1035).
fn is_label(object: &str) -> bool {
    let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    object.len() <= MAX_NAME_BYTES
        && object.bytes().all(is_plain)
        && object.starts_with(|first: char| first.is_ascii_lowercase())
        && !object.ends_with('-')
}

/// The manifests of a function by the ends of their files' names.
pub fn manifests(function: &Function<'_>) -> Vec<(&'static str, String)> {
    let with =
        |machine| [job(function, machine), job_sink(function, machine), service(function, machine)];
    let [job, job_sink, service] = with(Machine::Kvm);
    let [job_tcg, job_sink_tcg, service_tcg] = with(Machine::Tcg);
    vec![
        (".job.yaml", job),
        (".jobsink.yaml", job_sink),
        (".service.yaml", service),
        (".job.tcg.yaml", job_tcg),
        (".jobsink.tcg.yaml", job_sink_tcg),
        (".service.tcg.yaml", service_tcg),
    ]
}

impl Function<'_> {
    fn object(&self) -> String {
        object(self.name)
    }

    /// Its image, by a tag for people and the digest that counts.
    fn image(&self) -> String {
        let Self { repository, digest, .. } = self;
        format!("{repository}/{}:{}@{digest}", self.object(), tag(self.version))
    }

    fn labels(&self) -> [Entry; 2] {
        [
            entry("app.kubernetes.io/name", self.object()),
            entry("app.kubernetes.io/version", tag(self.version)),
        ]
    }

    fn metadata(&self) -> Entry {
        entry("metadata", [entry("name", self.object()), entry("labels", self.labels())])
    }

    /// How long a pod may take in all, images and waiting for a node included.
    fn deadline_seconds(&self) -> u64 {
        const BEFORE: Duration = Duration::from_secs(300);
        const UNLIMITED: Duration = Duration::from_secs(3600);
        // Of a pod it may say no more.
        const MOST: Duration = Duration::from_secs(i32::MAX as u64);
        let deadline = self.timeout.map_or(UNLIMITED, |timeout| timeout.saturating_add(BEFORE));
        deadline.min(MOST).as_secs()
    }
}

/// One run, which begins once somebody attaches to its STDIN.
fn job(function: &Function<'_>, machine: Machine) -> String {
    let spec = [
        // A second pod would wait for another STDIN.
        entry("backoffLimit", 0),
        entry("activeDeadlineSeconds", function.deadline_seconds()),
        entry("template", pod::template(function, machine, Stdin::Attached)),
    ];
    let job = [
        entry("apiVersion", "batch/v1").saying("kubectl attach -i job/NAME < input"),
        entry("kind", "Job"),
        function.metadata(),
        entry("spec", spec),
    ];
    Yaml::from(job).to_string()
}

/// One run for each event that is sent there.
fn job_sink(function: &Function<'_>, machine: Machine) -> String {
    // Upstream unavailable, try again, and what is no fault of the function's or the event's.
    let passing = [69, 75, 125, 137, 143].map(Yaml::Number);
    let codes = [
        entry("containerName", "function"),
        entry("operator", "NotIn"),
        entry("values", Yaml::List(passing.into())),
    ];
    let rule = Yaml::from([entry("action", "FailJob"), entry("onExitCodes", codes)]);
    let spec = [
        entry("backoffLimit", 3),
        entry("podFailurePolicy", [entry("rules", Yaml::List(vec![rule]))])
            .saying(
                "Again only if that may help: 69 something was unavailable, 75 the function asks for it,\n\
                 125 the launcher failed, 137 and 143 the pod was killed or told to end.",
            ),
        entry("activeDeadlineSeconds", function.deadline_seconds()),
        entry("ttlSecondsAfterFinished", 3600),
        entry("template", pod::template(function, machine, Stdin::Event)),
    ];
    let sink = [
        entry("apiVersion", "sinks.knative.dev/v1alpha1"),
        entry("kind", "JobSink"),
        function.metadata(),
        entry("spec", [entry("job", [entry("spec", spec)])]),
    ];
    Yaml::from(sink).to_string()
}

/// One run for each connection.
fn service(function: &Function<'_>, machine: Machine) -> String {
    // Pods of Jobs have the name too, but not this component.
    let selector = || {
        let name = entry("app.kubernetes.io/name", function.object());
        vec![name, entry(pod::COMPONENT, Stdin::Connection.component())]
    };
    let port = Yaml::from([
        entry("name", "function"),
        entry("port", u64::from(pod::PORT)),
        entry("targetPort", "function"),
    ]);
    let service = [
        entry("apiVersion", "v1").saying(
            "What a client sends until it closes its side is STDIN, what it gets is STDOUT:\n\
             nc -N NAME 8080 < input",
        ),
        entry("kind", "Service"),
        function.metadata(),
        entry("spec", [entry("selector", selector()), entry("ports", Yaml::List(vec![port]))]),
    ];
    let spec = [
        entry("replicas", 1),
        entry("selector", [entry("matchLabels", selector())]),
        entry("template", pod::template(function, machine, Stdin::Connection)),
    ];
    let deployment = [
        entry("apiVersion", "apps/v1"),
        entry("kind", "Deployment"),
        function.metadata(),
        entry("spec", spec),
    ];
    format!("{}---\n{}", Yaml::from(service), Yaml::from(deployment))
}

#[cfg(test)]
mod tests;
