//! Changes bytes as they pass: a filter for input of any kind and any length.
#![cfg_attr(ampoule_guest, no_std, no_main)]

use ampoule::io::{stdin, stdout};
use ampoule::prelude::*;

ampoule::main!(run);

fn run() -> Result {
    let (mut input, mut output) = (stdin(), stdout());
    let mut bytes = vec![0; 64 << 10];
    loop {
        let length = input.read(&mut bytes)?;
        if length == 0 {
            return Ok(());
        }
        change(&mut bytes[..length]);
        output.write_all(&bytes[..length])?;
    }
}

/// Turns ASCII letters to upper case.
fn change(bytes: &mut [u8]) {
    bytes.make_ascii_uppercase();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_change_and_other_bytes_do_not() {
        let mut bytes = *b"a1\xff";
        change(&mut bytes);
        assert_eq!(bytes, *b"A1\xff");
    }
}
