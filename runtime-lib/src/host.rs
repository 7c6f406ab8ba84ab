//! The platform when a function is an ordinary program: `std`.

use std::io::{BufRead, Write};
use std::os::unix::ffi::OsStringExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chacha20::ChaCha20Rng;

use crate::io::{Error, Stream};
use crate::{random, status};

static STDIN_TAKEN: AtomicBool = AtomicBool::new(false);
static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);
static GENERATOR: LazyLock<Mutex<ChaCha20Rng>> = LazyLock::new(|| {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).expect("the host has randomness");
    Mutex::new(random::seeded(seed))
});
static ARGUMENTS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut arguments: Vec<_> = std::env::args_os().map(OsStringExt::into_vec).collect();
    if let Some(name) = arguments.first_mut() {
        let start = name.iter().rposition(|&byte| byte == b'/').map_or(0, |at| at + 1);
        name.drain(..start);
    }
    arguments
});
static VARIABLES: LazyLock<Vec<(Vec<u8>, Vec<u8>)>> = LazyLock::new(|| {
    std::env::vars_os().map(|(name, value)| (name.into_vec(), value.into_vec())).collect()
});

#[derive(Debug)]
pub struct Stdin(std::io::StdinLock<'static>);

impl Stdin {
    pub fn take() -> Option<Self> {
        let taken = STDIN_TAKEN.swap(true, Ordering::Relaxed);
        (!taken).then(|| Self(std::io::stdin().lock()))
    }

    pub fn fill_buf(&mut self) -> Result<&[u8], Error> {
        Ok(self.0.fill_buf()?)
    }

    pub fn consume(&mut self, amount: usize) {
        self.0.consume(amount);
    }
}

impl Drop for Stdin {
    fn drop(&mut self) {
        STDIN_TAKEN.store(false, Ordering::Relaxed);
    }
}

pub fn write(stream: Stream, bytes: &[u8]) -> Result<(), Error> {
    let written = match stream {
        Stream::Stdout => {
            let mut stdout = std::io::stdout().lock();
            stdout.write_all(bytes).and_then(|()| stdout.flush())
        }
        Stream::Stderr => std::io::stderr().write_all(bytes),
    };
    match written {
        // A filter whose reader has gone ends quietly, as it does in an image.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => exit(status::BROKEN_PIPE),
        written => Ok(written?),
    }
}

pub fn arguments() -> impl Iterator<Item = &'static [u8]> + Clone {
    ARGUMENTS.iter().map(Vec::as_slice)
}

pub fn variables() -> impl Iterator<Item = (&'static [u8], &'static [u8])> + Clone {
    VARIABLES.iter().map(|(name, value)| (name.as_slice(), value.as_slice()))
}

pub fn exit(status: u8) -> ! {
    std::process::exit(status.into())
}

pub fn monotonic() -> Duration {
    STARTED.elapsed()
}

pub fn wall_clock() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

pub fn with_generator<T>(use_it: impl FnOnce(&mut ChaCha20Rng) -> T) -> T {
    use_it(&mut GENERATOR.lock().unwrap_or_else(PoisonError::into_inner))
}
