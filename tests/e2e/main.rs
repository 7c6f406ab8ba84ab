//! The end-to-end tests: what a caller sees of Ampoule, on every backend of the machine.
//!
//! A topic is a module; a test's name is a rule, `topic::rule`, followed by `[backend]` where it boots
//! a machine. `SPEC.md` cites these names. The rest is for the tests' use:
//!
//! ```text
//! matrix   which backends there are, and why not the others
//! tools    what is tested: launcher, xtask, images, built once
//! harness  the suite, and calls of functions
//! process  processes that are fed, read and never waited for without end
//! procfs   what /proc tells of them
//! assembly images of a few instructions, assembled for a test
//! data     bytes: random ones, long ones, digests
//! ```
//!
//! Environment:
//!
//! - `AMPOULE_TEST_BACKENDS=kvm,qemu-kvm,qemu-tcg`: backends that must be there. Without it, those are
//!   tested that are found, and a line says why another is not.
//! - `AMPOULE_TEST_BYTES=1GiB`: length of the long streams.
//! - `AMPOULE_TEST_REPRODUCIBLE=all`, or names: functions that are built in eight surroundings.
//! - `AMPOULE_TEST_LAUNCHER`, `AMPOULE_TEST_XTASK`, `AMPOULE_TEST_FUNCTIONS`: what is tested, instead of
//!   what this program builds: two executables, and a folder with `NAME/NAME.elf`.

mod assembly;
mod data;
mod harness;
mod matrix;
mod process;
mod procfs;
mod tools;

mod agreement;
mod backend;
mod bench;
mod broken;
mod build;
mod bundle;
mod context;
mod disks;
mod dist;
mod echo;
mod embed;
mod events;
mod examples;
mod fault;
mod foreign;
mod hints;
mod hostile;
mod hosts;
mod image;
mod independent;
mod jail;
mod kvm;
mod oci;
mod orphan;
mod pipe;
mod ports;
mod readme;
mod report;
mod reproducible;
mod spec;
mod status;
mod streams;

use std::process::ExitCode;

use harness::Suite;
use libtest_mimic::Arguments;

/// The last one looks at the names of all others.
const TOPICS: &[fn(&mut Suite)] = &[
    echo::add,
    streams::add,
    broken::add,
    ports::add,
    foreign::add,
    backend::add,
    context::add,
    status::add,
    fault::add,
    report::add,
    image::add,
    oci::add,
    orphan::add,
    hostile::add,
    hosts::add,
    disks::add,
    dist::add,
    kvm::add,
    jail::add,
    pipe::add,
    examples::add,
    events::add,
    agreement::add,
    independent::add,
    build::add,
    bundle::add,
    reproducible::add,
    embed::add,
    bench::add,
    hints::add,
    readme::add,
    spec::add,
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let backends = match matrix::backends() {
        Ok(backends) => backends,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    if !arguments.list {
        tools::build();
    }
    let mut suite = Suite::new(backends);
    for topic in TOPICS {
        topic(&mut suite);
    }
    libtest_mimic::run(&arguments, suite.into_trials()).exit_code()
}
