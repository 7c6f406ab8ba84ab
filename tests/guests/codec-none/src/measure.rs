//! How the codecs are timed: all by the same loop, over the same reading.

use core::hint::black_box;

use ampoule::env;
use ampoule::prelude::*;
use ampoule::time::{Duration, Instant};

/// What a sensor has measured, of which the bytes are made.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub sensor: &'static str,
    /// Nanoseconds since the UNIX epoch.
    pub time: u64,
    pub value: f64,
}

pub const SAMPLE: Sample =
    Sample { sensor: "attic", time: 1_764_000_000_123_456_789, value: 21.25 };

/// Encodes the sample and decodes it again, as often as the first argument says, and prints what
/// each took, in nanoseconds, and how many bytes there were.
pub fn measure<T>(
    encode: impl Fn(&Sample) -> Result<Vec<u8>>,
    decode: impl Fn(&[u8]) -> Result<T>,
) -> Result {
    let rounds =
        env::args().next().and_then(|rounds| rounds.parse::<u32>().ok()).unwrap_or(1).max(1);
    let bytes = encode(&SAMPLE)?;
    let start = Instant::now();
    for _ in 0..rounds {
        black_box(encode(black_box(&SAMPLE))?);
    }
    let encoding = start.elapsed();
    let start = Instant::now();
    for _ in 0..rounds {
        black_box(decode(black_box(&bytes))?);
    }
    let decoding = start.elapsed();
    let each_ns = |time: Duration| time.as_nanos() as f64 / f64::from(rounds);
    println!("{:.1} {:.1} {}", each_ns(encoding), each_ns(decoding), bytes.len());
    Ok(())
}
