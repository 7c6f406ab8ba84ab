//! Arguments and environment (SPEC C2, C4): what the caller passed and what the contract defines,
//! nothing of the host's.

use crate::platform;

/// The function's name: its first argument.
pub fn name() -> &'static str {
    let name = platform::arguments().next().unwrap_or(b"function");
    core::str::from_utf8(name).unwrap_or("function")
}

/// The caller's arguments, without the function's name.
///
/// # Panics
///
/// The iterator panics at an argument that is not UTF-8; [`args_bytes`] takes any.
pub fn args() -> impl Iterator<Item = &'static str> + Clone {
    args_bytes().map(|argument| match core::str::from_utf8(argument) {
        Ok(text) => text,
        Err(error) => panic!("argument {argument:?} is not UTF-8: {error}"),
    })
}

/// The caller's arguments as bytes, without the function's name.
pub fn args_bytes() -> impl Iterator<Item = &'static [u8]> + Clone {
    platform::arguments().skip(1)
}

/// A variable of the environment, if it is set and UTF-8.
pub fn var(name: &str) -> Option<&'static str> {
    core::str::from_utf8(var_bytes(name.as_bytes())?).ok()
}

/// A variable of the environment as bytes, if it is set. Of several of one name, the last holds.
pub fn var_bytes(name: &[u8]) -> Option<&'static [u8]> {
    vars_bytes().filter(|&(candidate, _)| candidate == name).map(|(_, value)| value).last()
}

/// The whole environment, as names and values.
pub fn vars_bytes() -> impl Iterator<Item = (&'static [u8], &'static [u8])> + Clone {
    platform::variables()
}
