//! Decompresses Zstandard (RFC 8878) from STDIN to STDOUT, as `zstd -d` does.
#![cfg_attr(ampoule_guest, no_std, no_main)]

extern crate alloc;

mod decode;

use ampoule::env;
use ampoule::io::{stdin, stdout};
use ampoule::prelude::*;
use getargs::Arg;

ampoule::main!(zstd);

fn zstd() -> Result {
    parse(env::args())?;
    decode::decompress(stdin(), &mut stdout())
}

/// Checks the arguments: there is only one thing to do, and it has to be asked for.
fn parse<'a>(arguments: impl Iterator<Item = &'a str>) -> Result {
    let mut decompress = false;
    let mut arguments = getargs::Options::new(arguments);
    while let Some(argument) = arguments.next_arg().map_err(usage)? {
        match argument {
            Arg::Short('d') | Arg::Long("decompress" | "uncompress") => decompress = true,
            Arg::Short('c' | 'q') | Arg::Long("stdout" | "quiet") => {}
            unknown => return Err(usage(format_args!("unknown argument {unknown}"))),
        }
    }
    if decompress { Ok(()) } else { Err(usage("compression is not offered, only -d")) }
}

fn usage(problem: impl core::fmt::Display) -> Error {
    Error::config(format_args!("{problem}; usage: zstd -d [-c] [-q] < INPUT"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decompression_has_to_be_asked_for() {
        assert!(parse(["-dc"].into_iter()).is_ok());
        for bad in [&[][..], &["-19"], &["-d", "file"]] {
            assert_eq!(parse(bad.iter().copied()).expect_err("bad").status(), 78);
        }
    }
}
