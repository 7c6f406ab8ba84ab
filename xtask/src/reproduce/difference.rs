//! Where two files of one function part.

use std::fmt::{self, Display, Formatter};

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

/// The first difference, if there is any.
pub fn first(here: &[u8], elsewhere: &[u8]) -> Option<Difference> {
    let common = here.iter().zip(elsewhere).take_while(|(one, other)| one == other).count();
    if common == here.len() && common == elsewhere.len() {
        return None;
    }
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
    fn a_file_that_only_goes_on_differs_where_the_other_ends() {
        let difference = first(b"one", b"one more").expect("a difference").to_string();
        assert_eq!(difference, "offset 0x3, and is 3 bytes long here, 8 elsewhere");
    }
}
