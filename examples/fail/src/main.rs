//! Ends in every way that a function can, chosen by its argument: for trying what a caller sees.
#![cfg_attr(ampoule_guest, no_std, no_main)]

extern crate alloc;

mod exhaust;
mod fault;

use ampoule::env;
use ampoule::prelude::*;
use ampoule::process;

const USAGE: &str = "usage: fail status N | exit N | error | data | config | panic | overflow | \
    null | wild | write-code | execute-data | execute-heap | execute-stack | divide | undefined | \
    stack | memory | spin";

ampoule::main!(fail);

fn fail() -> Result<Status> {
    let arguments: Vec<_> = env::args().collect();
    match arguments[..] {
        ["status", status] => Ok(Status(number(status)?)),
        ["exit", status] => process::exit(number(status)?),
        ["error"] => Err(Error::msg("failing, as asked")),
        ["data"] => Err(Error::data("bad data, as asked")),
        ["config"] => Err(Error::config("bad configuration, as asked")),
        ["panic"] => panic!("panicking, as asked"),
        ["overflow"] => Ok(Status(past_the_end(&[1, 2, 3]))),
        ["null"] => fault::read_null(),
        ["wild"] => fault::write_wild(),
        ["write-code"] => fault::write_code(),
        ["execute-data"] => fault::execute_data(),
        ["execute-heap"] => fault::execute_heap(),
        ["execute-stack"] => fault::execute_stack(),
        ["divide"] => fault::divide_by_zero(),
        ["undefined"] => fault::undefined_instruction(),
        ["stack"] => exhaust::stack(),
        ["memory"] => exhaust::memory(),
        ["spin"] => exhaust::time(),
        _ => Err(Error::config(USAGE)),
    }
}

fn number(text: &str) -> Result<u8> {
    text.parse().map_err(|_| Error::config(format!("status {text}: it must be from 0 to 255")))
}

fn past_the_end(bytes: &[u8]) -> u8 {
    bytes[core::hint::black_box(bytes.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_a_byte() {
        assert_eq!(number("123").expect("a byte"), 123);
        assert_eq!(number("256").expect_err("too large").status(), 78);
    }
}
