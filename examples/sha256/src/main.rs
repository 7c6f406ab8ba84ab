//! Prints the SHA-256 digest of STDIN (FIPS 180-4), as GNU `sha256sum` does.
#![cfg_attr(ampoule_guest, no_std, no_main)]

extern crate alloc;

use ampoule::env;
use ampoule::io::stdin;
use ampoule::prelude::*;
use sha2::{Digest, Sha256};

ampoule::main!(sha256);

fn sha256() -> Result {
    let tagged = match env::args().collect::<Vec<_>>()[..] {
        [] => false,
        ["--tag"] => true,
        _ => return Err(Error::msg("usage: sha256 [--tag] < INPUT")),
    };
    let mut hasher = Sha256::new();
    let mut input = stdin();
    loop {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            break;
        }
        hasher.update(bytes);
        let length = bytes.len();
        input.consume(length);
    }
    let digest = hexadecimal(&hasher.finalize());
    if tagged {
        println!("SHA256 (-) = {digest}");
    } else {
        println!("{digest}  -");
    }
    Ok(())
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|&byte| [byte >> 4, byte & 0xf])
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_abc_is_that_of_the_standard() {
        assert_eq!(
            hexadecimal(&Sha256::digest(b"abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
