//! Embedding the launcher in a program that confines itself: one call under the built-in monitor, and
//! then the end.
//!
//! ```text
//! cargo run --release --package ampoule-boot --example confined -- IMAGE REPORT [WITHOUT [ARGS…]]
//! ```
//!
//! STDIN, STDOUT, STDERR and the exit status are the function's; a report goes to the file REPORT. With
//! `CONFINED_LEAVES` in the environment, the program ends before its machine is gone.
//! The system call WITHOUT, if that is one, is forbidden too: a call that needs it is killed
//! (SIGSYS), which is how the tests find out what needs which.

use std::error::Error;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::Duration;

use ampoule_boot::backend::Backend;
use ampoule_boot::backtrace::Twin;
use ampoule_boot::jail::{self, Clerk, Jail};
use ampoule_boot::report::{self, Report};
use ampoule_boot::{Call, Image};

/// Another allocator may want system calls that are not allowed.
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

/// No call takes this long, unless it is to be ended.
const TIMEOUT: Duration = Duration::from_secs(2);

fn main() {
    let status = run().unwrap_or_else(|error| {
        eprintln!("confined: {error}");
        125
    });
    // A jailed process does not return from `main`.
    jail::exit(status)
}

fn run() -> Result<u8, Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let usage = "usage: confined IMAGE REPORT [WITHOUT [ARGS…]]";
    let image = PathBuf::from(arguments.next().ok_or(usage)?);
    let place = PathBuf::from(arguments.next().ok_or(usage)?);
    let without = arguments.next().unwrap_or_default();
    let leaves = std::env::var_os("CONFINED_LEAVES").is_some();
    // All that is opened is opened before, and what writes the report is started.
    let clerk = Clerk::hire(report::patience(&place), |json| report::put(&place, json))?;
    let image = std::sync::Arc::new(Image::open(&image)?);
    let twin = Twin::open(&image)?;
    let copy = |stream: &dyn AsFd| stream.as_fd().try_clone_to_owned().map(File::from);
    let (stdin, stdout, stderr) = (copy(&io::stdin())?, copy(&io::stdout())?, copy(&io::stderr())?);
    let streams = [&stdin, &stdout, &stderr];
    let jail = streams.into_iter().fold(Jail::whole(), Jail::keeping);
    let jail = jail.keeping(&twin).with_clerk(&clerk).without(&without.to_string_lossy());
    let call = Call::new(std::sync::Arc::clone(&image)).backend(Backend::BuiltIn).args(arguments);
    let call = call.timeout(TIMEOUT).measured().jail(jail);
    let peeked = io::stdin();
    let call = call.peek(move || is_ready(&peeked));
    let (outcome, remains) = call.run_leaving(stdin, stdout, stderr)?;
    if !outcome.backtrace.is_empty() {
        eprint!("{}", twin.symbolise(&image, &outcome.backtrace)?);
    }
    clerk.write(&Report::of_outcome(&outcome, &image).json()?)?;
    let exit_code = outcome.exit_code;
    match leaves {
        // SAFETY: all that is left to be done is to end with the status.
        true => unsafe { remains.leave() },
        false => remains.destroy(),
    }
    Ok(exit_code)
}

fn is_ready(stdin: impl AsFd) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let now = Timespec::default();
    poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&now)).is_ok_and(|ready| ready > 0)
}
