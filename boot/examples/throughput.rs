//! Embedding the launcher: one process answers many requests, each in a fresh virtual machine.
//!
//! ```text
//! cargo run --release --package ampoule-boot --example throughput -- IMAGE CALLS THREADS
//! ```
//!
//! IMAGE is that of a function which copies STDIN to STDOUT, such as `target/fn/echo/echo.elf`. It
//! is opened and checked once. THREADS threads then make CALLS calls of it; every answer is
//! checked, and the first wrong one ends the program with status 1. STDOUT gets one JSON object:
//! calls a second, latencies, and by how much this process has grown meanwhile, which it should not
//! have.

use std::error::Error;
use std::io::{self, Cursor, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use ampoule_boot::{Call, Image, Outcome};

type Failure = Box<dyn Error + Send + Sync>;

/// No call takes this long, unless something is wrong with it.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How long what calls leave to their last threads may take to be gone.
const SETTLING: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let done = match &arguments[..] {
        [image, calls, threads] => run(image.as_ref(), calls, threads),
        _ => Err("usage: throughput IMAGE CALLS THREADS".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("throughput: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(image: &Path, calls: &str, threads: &str) -> Result<(), Failure> {
    let number = |text: &str| match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!("{text:?} is not a number of at least 1")),
    };
    let (calls, threads): (usize, usize) = (number(calls)?, number(threads)?);
    if calls < threads {
        return Err(format!("{calls} calls leave some of {threads} threads without any").into());
    }
    let image = Arc::new(Image::open(image)?);

    // The first calls allocate what later ones use again.
    let mut latencies = vec![Duration::MAX; calls];
    let first = calls.div_ceil(10).clamp(threads, calls.min(1000).max(threads));
    serve(&image, &mut latencies[..first], threads)?;
    let outcome = call(&image, request(0))?;
    let before = Footprint::settled(None)?;

    let began = Instant::now();
    serve(&image, &mut latencies, threads)?;
    let elapsed = began.elapsed();
    let after = Footprint::settled(Some(&before))?;

    latencies.sort_unstable();
    let latency_us = |percent: usize| {
        let rank = (calls * percent).div_ceil(100).max(1);
        latencies[rank - 1].as_micros() as u64
    };
    let result = serde_json::json!({
        "calls": calls,
        "threads": threads,
        "backend": outcome.backend,
        "accel": outcome.accel,
        "per_s": calls as f64 / elapsed.as_secs_f64(),
        "latency_us": { "p50": latency_us(50), "p90": latency_us(90), "p99": latency_us(99) },
        "rss_growth_bytes": after.rss_bytes - before.rss_bytes,
        "descriptor_growth": after.descriptors - before.descriptors,
        "thread_growth": after.threads - before.threads,
    });
    writeln!(io::stdout(), "{result}")?;
    Ok(())
}

/// Makes as many calls as there is room for `latencies`, from several threads at once.
fn serve(image: &Arc<Image>, latencies: &mut [Duration], threads: usize) -> Result<(), Failure> {
    let queue = Mutex::new(latencies.iter_mut().enumerate());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = || -> Result<(), Failure> {
        while let Some((number, latency)) = next() {
            let began = Instant::now();
            call(image, request(number))?;
            *latency = began.elapsed();
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("workers do not panic"))
    })
}

/// Sixteen bytes that no other call carries, so that nobody's answer passes for somebody else's.
fn request(number: usize) -> [u8; 16] {
    let mut bytes = *b"request ........";
    bytes[8..].copy_from_slice(&(number as u64).to_le_bytes());
    bytes
}

/// One request, one machine, one answer.
fn call(image: &Arc<Image>, request: [u8; 16]) -> Result<Outcome, Failure> {
    let (stdout, stderr) = (Collected::default(), Collected::default());
    let outcome = Call::new(Arc::clone(image)).timeout(TIMEOUT).run(
        Cursor::new(request),
        stdout.clone(),
        stderr.clone(),
    )?;
    if outcome.exit_code != 0 {
        let message = outcome.message.unwrap_or_default();
        let stderr = String::from_utf8_lossy(&stderr.take()).into_owned();
        return Err(format!("a call ended with {}: {message}{stderr}", outcome.exit_code).into());
    }
    let answer = stdout.take();
    if answer != request {
        return Err(format!("{request:?} was answered with {answer:?}").into());
    }
    Ok(outcome)
}

/// Takes what a function writes. A call may outlive its caller's interest, so both share it.
#[derive(Clone, Debug, Default)]
struct Collected(Arc<Mutex<Vec<u8>>>);

impl Collected {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Collected {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What this process occupies.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Footprint {
    rss_bytes: i64,
    descriptors: i64,
    threads: i64,
}

impl Footprint {
    fn now() -> io::Result<Self> {
        let count = |folder| Ok::<_, io::Error>(fs::read_dir(folder)?.count() as i64);
        let status = fs::read_to_string("/proc/self/status")?;
        let rss_kib = status.lines().find_map(|line| {
            line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<i64>().ok()
        });
        let rss_bytes =
            rss_kib.ok_or_else(|| io::Error::other("no VmRSS in /proc/self/status"))? << 10;
        let (descriptors, threads) = (count("/proc/self/fd")?, count("/proc/self/task")?);
        Ok(Self { rss_bytes, descriptors, threads })
    }

    /// The footprint when the last threads of calls have had time to go; at once if it is down to
    /// `before`.
    fn settled(before: Option<&Self>) -> io::Result<Self> {
        let began = Instant::now();
        loop {
            let now = Self::now()?;
            let is_down = before
                .is_some_and(|it| now.descriptors <= it.descriptors && now.threads <= it.threads);
            if is_down || began.elapsed() > SETTLING {
                return Ok(now);
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}
