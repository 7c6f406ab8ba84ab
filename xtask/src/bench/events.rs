//! Codecs of events inside a guest: the code they take, and the time.

use std::io;
use std::process::Command;

use serde::Serialize;

use super::machine::Machine;
use super::statistics::median;
use crate::console::short_size;
use crate::results;

/// A function that times a codec, and what that is. The first is the measure of size, the second that of
/// time.
pub const CODECS: [(&str, &str); 5] = [
    ("codec-none", "none"),
    ("codec-protobuf", "Protobuf in a Protobuf event"),
    ("codec-json", "JSON in a JSON event"),
    ("codec-capnp-event", "Cap'n Proto in a Protobuf event"),
    ("codec-capnp", "Cap'n Proto, no event"),
];

/// What was measured, and under which conditions.
#[derive(Debug, Serialize)]
pub struct Results {
    /// Name and version of this form.
    pub schema: &'static str,
    /// Where and when.
    #[serde(flatten)]
    pub machine: Machine,
    /// Times each codec was used in each call.
    pub rounds: u32,
    /// One for each codec.
    pub codecs: Vec<Codec>,
}

/// What a codec takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Codec {
    /// What it is.
    pub name: &'static str,
    /// The image's size.
    pub image_bytes: u64,
    /// By how much that is more than without any codec.
    pub code_bytes: u64,
    /// What a message takes.
    pub message_bytes: u64,
    /// What it takes to make a message, in nanoseconds.
    pub encode_ns: f64,
    /// What it takes to read one.
    pub decode_ns: f64,
    /// Both, as many times what Protobuf takes in the same turn.
    pub ratio: f64,
}

/// What a call found: nanoseconds to encode and to decode, and bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// To encode.
    pub encode_ns: f64,
    /// To decode.
    pub decode_ns: f64,
    /// In a message.
    pub message_bytes: u64,
}

/// Why there is nothing to tell.
#[derive(Debug, thiserror::Error)]
pub enum TimeError {
    /// The call could not be made.
    #[error("{0} cannot be run: {1}")]
    Start(String, io::Error),
    /// It failed, or printed something else.
    #[error("{call} gave no times but {status} and {printed:?}")]
    Result {
        /// The call.
        call: String,
        /// How it ended.
        status: std::process::ExitStatus,
        /// What it printed.
        printed: String,
    },
}

/// Makes a call, and reads what it prints.
pub fn time(mut call: Command) -> Result<Found, TimeError> {
    let shown = format!("{call:?}");
    let output = call.output().map_err(|why| TimeError::Start(shown.clone(), why))?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    match found(&printed).filter(|_| output.status.success()) {
        Some(found) => Ok(found),
        None => Err(TimeError::Result { call: shown, status: output.status, printed }),
    }
}

fn found(printed: &str) -> Option<Found> {
    let words: Vec<&str> = printed.split_whitespace().collect();
    let [encode_ns, decode_ns, message_bytes] = words[..] else { return None };
    Some(Found {
        encode_ns: encode_ns.parse().ok()?,
        decode_ns: decode_ns.parse().ok()?,
        message_bytes: message_bytes.parse().ok()?,
    })
}

/// Sums up the calls of each codec, of which there is one at least, in the order of [`CODECS`].
pub fn sum_up(images: &[u64], calls: &[Vec<Found>]) -> Option<Vec<Codec>> {
    let middle = |calls: &[Found], figure: fn(&Found) -> f64| median(calls.iter().map(figure));
    let total = |found: &Found| found.encode_ns + found.decode_ns;
    let (least_bytes, protobuf) = (*images.first()?, calls.get(1)?);
    // Of calls that took turns: how fast the machine is changes between them.
    let ratio = |calls: &[Found]| {
        median(calls.iter().zip(protobuf).map(|(found, protobuf)| total(found) / total(protobuf)))
    };
    let codecs = CODECS.iter().zip(images).zip(calls);
    codecs
        .map(|((&(_, name), &image_bytes), calls)| {
            Some(Codec {
                name,
                image_bytes,
                code_bytes: image_bytes.saturating_sub(least_bytes),
                message_bytes: calls.first()?.message_bytes,
                encode_ns: middle(calls, |found| found.encode_ns)?,
                decode_ns: middle(calls, |found| found.decode_ns)?,
                ratio: ratio(calls)?,
            })
        })
        .collect()
}

impl Results {
    /// Prints a table.
    pub fn print(&self) {
        results::line(format_args!(
            "{}\none reading of a sensor, {} times; medians, inside the guest\n",
            self.machine, self.rounds
        ));
        results::line(format_args!(
            "{:33}  {:>9}  {:>9}  {:>8}  {:>9}  {:>9}  {:>11}",
            "", "image", "code", "bytes", "encode ns", "decode ns", "of Protobuf"
        ));
        for codec in &self.codecs {
            results::line(format_args!(
                "{:33}  {:>9}  {:>9}  {:8}  {:9.0}  {:9.0}  {:11.2}",
                codec.name,
                short_size(codec.image_bytes),
                short_size(codec.code_bytes),
                codec.message_bytes,
                codec.encode_ns,
                codec.decode_ns,
                codec.ratio
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_times_is_no_result() {
        assert_eq!(
            found("12.5 7.0 300\n"),
            Some(Found { encode_ns: 12.5, decode_ns: 7.0, message_bytes: 300 })
        );
        assert_eq!(found("12 7\n"), None);
        assert_eq!(found("12 7 300 panicked"), None);
        assert_eq!(found("panicked"), None);
        let error = time(Command::new("/bin/false")).expect_err("no times").to_string();
        assert!(error.contains("exit status: 1"), "{error}");
    }

    #[test]
    fn codecs_are_compared_by_their_medians() {
        let of = |encode_ns| Found { encode_ns, decode_ns: 10.0, message_bytes: 50 };
        let protobuf = vec![of(90.0), of(10.0), of(20.0)];
        let calls = [vec![of(0.0); 3], protobuf, vec![of(190.0), of(30.0), of(80.0)]];
        let codecs = sum_up(&[100, 160, 190], &calls).expect("calls");
        assert_eq!((codecs[1].encode_ns, codecs[1].ratio), (20.0, 1.0));
        assert_eq!((codecs[2].code_bytes, codecs[2].encode_ns), (90, 80.0));
        // 200 of 100, 40 of 20, 90 of 30.
        assert_eq!(codecs[2].ratio, 2.0);
    }
}
