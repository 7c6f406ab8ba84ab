//! Names from the symbol table, which knows assembly routines that debug information does not.

use std::borrow::Cow;
use std::ops::Range;

use addr2line::demangle_auto;
use object::{Object, ObjectSection, SectionKind, SymbolMap, SymbolMapName};

/// The functions of a file, by address.
#[derive(Debug)]
pub(super) struct Symbols<'data> {
    map: SymbolMap<SymbolMapName<'data>>,
    /// Addresses of the sections of code.
    code: Vec<Range<u64>>,
}

impl<'data> Symbols<'data> {
    /// Those of `file`.
    pub(super) fn of(file: &object::File<'data>) -> Self {
        let code = file.sections().filter(|section| section.kind() == SectionKind::Text);
        let range = |section: object::Section<'data, '_>| {
            section.address()..section.address().saturating_add(section.size())
        };
        Self::new(file.symbol_map(), code.map(range).collect())
    }

    pub(super) fn new(map: SymbolMap<SymbolMapName<'data>>, code: Vec<Range<u64>>) -> Self {
        Self { map, code }
    }

    /// The function at `address`, if its symbol says that it reaches that far.
    pub(super) fn containing(&self, address: u64) -> Option<String> {
        self.map.containing(address).map(name)
    }

    /// The function that begins last before `address` in the same section: an assembly routine
    /// often has a symbol without a size, or one that leaves out a part.
    pub(super) fn nearest(&self, address: u64) -> Option<String> {
        let section = self.code.iter().find(|section| section.contains(&address))?;
        self.map.before(address).filter(|symbol| section.contains(&symbol.address())).map(name)
    }
}

fn name(symbol: &SymbolMapName<'_>) -> String {
    demangle_auto(Cow::Borrowed(symbol.name()), None).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_function_is_one_of_the_same_section() {
        let map = SymbolMap::new(vec![
            SymbolMapName::new(0x1000, 0x10, "memcpy"),
            SymbolMapName::new(0x1100, 0x10, "memset"),
        ]);
        let symbols = Symbols::new(map, vec![0x1000..0x2000, 0x3000..0x4000]);
        assert_eq!(symbols.containing(0x100f).as_deref(), Some("memcpy"));
        assert_eq!(symbols.containing(0x1010), None);
        assert_eq!(symbols.nearest(0x1010).as_deref(), Some("memcpy"));
        assert_eq!(symbols.nearest(0x1100).as_deref(), Some("memset"));
        assert_eq!(symbols.nearest(0x3000), None, "of another section");
        assert_eq!(symbols.nearest(0x0fff), None, "outside all code");
    }
}
