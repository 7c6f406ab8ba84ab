//! From a function to a program.

use crate::{Error, env, eprintln, status};

/// Makes a function the program: `ampoule::main!(run);` where `run` takes nothing and returns
/// what [`Termination`] accepts: `()`, a [`Status`], or a `Result` of them with any error.
#[cfg(ampoule_guest)]
#[macro_export]
macro_rules! main {
    ($function:path) => {
        #[allow(unsafe_code)]
        const _: () = {
            #[unsafe(no_mangle)]
            extern "Rust" fn ampoule_function() -> u8 {
                $crate::entry::call($function)
            }
        };
    };
}

/// Makes a function the program: `ampoule::main!(run);` where `run` takes nothing and returns
/// what [`Termination`] accepts: `()`, a [`Status`], or a `Result` of them with any error.
#[cfg(not(ampoule_guest))]
#[macro_export]
macro_rules! main {
    ($function:path) => {
        fn main() -> ::std::process::ExitCode {
            $crate::entry::call($function).into()
        }
    };
}

/// A status of its own, 0 to [`status::MAX_FUNCTION`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status(pub u8);

/// What a function may return.
pub trait Termination {
    /// The status to exit with, after having told STDERR of an error.
    fn report(self) -> u8;
}

impl Termination for () {
    fn report(self) -> u8 {
        status::SUCCESS
    }
}

impl Termination for Status {
    fn report(self) -> u8 {
        self.0
    }
}

impl<T: Termination, E: Into<Error>> Termination for Result<T, E> {
    fn report(self) -> u8 {
        match self {
            Ok(value) => value.report(),
            Err(error) => tell(error.into()),
        }
    }
}

/// Tells STDERR of an error; its status. Not a part of each function that may fail.
#[cold]
#[inline(never)]
fn tell(error: Error) -> u8 {
    eprintln!("{}: {error}", env::name());
    error.status()
}

/// Calls the function; its status.
#[doc(hidden)]
pub fn call<T: Termination>(function: fn() -> T) -> u8 {
    function().report()
}
