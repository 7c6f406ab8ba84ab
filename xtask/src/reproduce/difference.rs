//! Where two files of one function part.

use std::fmt::{self, Display, Formatter};

use ampoule_abi::seal;

use crate::image::elf;

/// The first difference of two files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The place, in bytes from the start of both.
    offset: usize,
    /// The section of the first that it lies in, and how far; headers lie in none.
    section: Option<(String, u64)>,
    /// The lengths of both, in bytes.
    lengths: [usize; 2],
}

/// The first difference, if there is any, and before all others one that is not the seal's, which
/// follows from it.
pub fn first(here: &[u8], elsewhere: &[u8]) -> Option<Difference> {
    if here == elsewhere {
        return None;
    }
    let seal = seal::FIRST - seal::BYTES..seal::FIRST;
    let pairs = || here.iter().zip(elsewhere).enumerate();
    let mut differing = pairs().filter(|(_, (one, other))| one != other).map(|(at, _)| at);
    let outside = differing.clone().find(|at| !seal.contains(at));
    let common = outside.or_else(|| differing.next()).unwrap_or(here.len().min(elsewhere.len()));
    let file = elf::parse(here).ok();
    let section = file.and_then(|file| elf::section_of(&file, common as u64));
    Some(Difference { offset: common, section, lengths: [here.len(), elsewhere.len()] })
}

impl Display for Difference {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "offset {:#x}", self.offset)?;
        if let Some((name, within)) = &self.section {
            write!(f, " ({name} + {within:#x})")?;
        }
        match self.lengths {
            [here, elsewhere] if here != elsewhere => {
                write!(f, ", and is {here} bytes long here, {elsewhere} elsewhere")
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::sample;

    #[test]
    fn the_first_difference_is_told_with_its_section() {
        let (image, offset) = sample();
        let mut other = image.clone();
        other[offset + 3] ^= 1;
        let difference = first(&image, &other).expect("a difference").to_string();
        assert_eq!(difference, format!("offset {:#x} (.note.ampoule + 0x3)", offset + 3));
        assert_eq!(first(&image, &image), None);
    }

    #[test]
    fn a_seal_differs_because_something_else_does() {
        let mut image = vec![7; 2 * seal::FIRST];
        assert!(seal::seal(&mut image));
        let mut other = image.clone();
        other[seal::FIRST + 5] = 8;
        assert!(seal::seal(&mut other));
        let difference = first(&image, &other).expect("a difference").to_string();
        assert_eq!(difference, format!("offset {:#x}", seal::FIRST + 5));
        let mut other = image.clone();
        other[seal::FIRST - 1] = 8;
        let difference = first(&image, &other).expect("a difference").to_string();
        assert_eq!(difference, format!("offset {:#x}", seal::FIRST - 1));
    }

    #[test]
    fn a_file_that_only_goes_on_differs_where_the_other_ends() {
        let difference = first(b"one", b"one more").expect("a difference").to_string();
        assert_eq!(difference, "offset 0x3, and is 3 bytes long here, 8 elsewhere");
    }
}
