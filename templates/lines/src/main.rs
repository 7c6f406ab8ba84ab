//! Changes lines as they pass: a filter for text.
#![cfg_attr(ampoule_guest, no_std, no_main)]

use ampoule::io::{BufWriter, stdin, stdout};
use ampoule::prelude::*;

ampoule::main!(run);

fn run() -> Result {
    let separator = ampoule::env::args().nth(1).unwrap_or("\t");
    let mut output = BufWriter::new(stdout());
    for (index, line) in stdin().lines().enumerate() {
        output.write_all(change(index + 1, separator, &line?).as_bytes())?;
    }
    output.flush()?;
    Ok(())
}

/// Puts the line's number before it.
fn change(number: usize, separator: &str, line: &str) -> String {
    format!("{number}{separator}{line}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_gets_its_number() {
        assert_eq!(change(7, ": ", "seven"), "7: seven\n");
    }
}
