//! What the standard library's `main` would have seen to, as far as it matters here.
#![allow(unsafe_code)]

use std::ffi::{CStr, OsStr, OsString, c_char, c_int};
use std::fs::File;
use std::os::unix::ffi::OsStrExt;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::stdio::{stderr, stdin, stdout};

/// Gets the process ready, and returns the words of its command line, the program's name first.
///
/// # Safety
///
/// `count` and `words` are the arguments of C's `main`.
pub unsafe fn begin(count: c_int, words: *const *const c_char) -> Vec<OsString> {
    open_what_is_closed();
    // A reader that is gone is told as an error (EPIPE), and so is a file that may grow no more
    // (EFBIG), and not by a signal that ends the process.
    for signal in [libc::SIGPIPE, libc::SIGXFSZ] {
        // SAFETY: no thread is there yet that could have a handler for the signal.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
    // SAFETY: the caller has them from C's `main`: so many pointers, which nobody changes.
    let words = unsafe { std::slice::from_raw_parts(words, usize::try_from(count).unwrap_or(0)) };
    // SAFETY: each is a string that ends with a NUL, for as long as the process lives.
    let word = |&word: &*const c_char| unsafe { CStr::from_ptr(word) };
    words.iter().map(word).map(|word| OsStr::from_bytes(word.to_bytes()).to_owned()).collect()
}

/// Opens /dev/null in place of standard streams that the caller has closed: else the first files
/// that are opened would be taken for them. To be read only, so that a function's output that nobody
/// can have is an error, as it would be without it.
fn open_what_is_closed() {
    let streams = [stdin(), stdout(), stderr()];
    let mut found = streams.each_ref().map(|stream| PollFd::new(stream, PollFlags::empty()));
    if poll(&mut found, Some(&Timespec::default())).is_ok_and(|closed| closed > 0) {
        for _ in found.iter().filter(|stream| stream.revents().contains(PollFlags::NVAL)) {
            let null = File::open("/dev/null");
            // It gets the lowest number that is free, and keeps it.
            null.map(std::mem::forget).unwrap_or_else(|_| std::process::abort());
        }
    }
}
