//! Where a virtio device on the PCI bus says that its registers are (virtio 1.2, 4.1.4): in the list
//! of capabilities in its configuration space.
//!
//! What is there is foreign. Whatever it is, the walk ends, and no access leaves the 192 bytes that
//! are the list's: before them is the function's header, and behind them another function.

/// Register of the first capability's offset (PCI 3.0, 6.7).
const LIST: u32 = 0x34;

/// Where capabilities are.
const FIRST: u32 = 0x40;
const END: u32 = 0x100;

/// A list has no more than fit; a longer one goes in circles.
const MOST: u32 = (END - FIRST) / 4;

const VENDOR_SPECIFIC: u32 = 0x09;

// Kinds.
const COMMON: u32 = 1;
const NOTIFY: u32 = 2;
const INTERRUPTS: u32 = 3;
const WINDOW: u32 = 5;
const NEEDED: u32 = 1 << COMMON | 1 << NOTIFY | 1 << INTERRUPTS | 1 << WINDOW;

/// Offset of the BAR in a capability; those above the last are reserved.
pub const BAR: u32 = 4;
const LAST_BAR: u32 = 5;
/// Offset of the registers' offset.
pub const OFFSET: u32 = 8;
/// Offset of what only two kinds have: the multiplier of notifications, the data of the window.
pub const EXTRA: u32 = 16;

/// Registers of a device: the BAR in which they are, and where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Number of the BAR, 0 to 5.
    pub bar: u32,
    /// Offset in what the BAR describes, in bytes.
    pub offset: u32,
}

/// The capabilities that are needed, each the first of its kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// The common configuration.
    pub common: Place,
    /// Notifications.
    pub notify: Place,
    /// What a queue's number there is multiplied by, in bytes.
    pub multiplier: u32,
    /// The interrupt status.
    pub interrupts: Place,
    /// Offset in configuration space of the capability that is a window to the BARs.
    pub window: u32,
}

impl Capabilities {
    /// Looks for them with `read`, which reads 32 bits at an offset; `None` if one is not there.
    pub fn find(read: impl Fn(u32) -> u32) -> Option<Self> {
        let (mut capabilities, mut found) = (Self::default(), 0);
        let mut at = read(LIST) & 0xfc;
        for _ in 0..MOST {
            if at < FIRST {
                break;
            }
            let head = read(at);
            let kind = head >> 24;
            // Reserved kinds are ignored, as is a second one of a kind.
            if head & 0xff == VENDOR_SPECIFIC && kind <= WINDOW && found >> kind & 1 == 0 {
                found |= capabilities.take(at, kind, &read);
            }
            at = head >> 8 & 0xfc;
        }
        (found == NEEDED).then_some(capabilities)
    }

    /// Takes note of a capability; a bit for its kind, unless it is none to follow.
    fn take(&mut self, at: u32, kind: u32, read: impl Fn(u32) -> u32) -> u32 {
        let has_extra = matches!(kind, NOTIFY | WINDOW);
        if at + if has_extra { EXTRA + 4 } else { EXTRA } > END {
            return 0;
        }
        let place = Place { bar: read(at + BAR) & 0xff, offset: read(at + OFFSET) };
        if place.bar > LAST_BAR {
            return 0;
        }
        match kind {
            COMMON => self.common = place,
            NOTIFY => (self.notify, self.multiplier) = (place, read(at + EXTRA)),
            INTERRUPTS => self.interrupts = place,
            WINDOW => self.window = at,
            _ => return 0,
        }
        1 << kind
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use proptest::prelude::*;

    type Space = [u32; 64];

    /// Walks; each read must be of the list, and there are not many.
    fn find(space: &Space) -> Option<Capabilities> {
        let reads = RefCell::new(Vec::new());
        let found = Capabilities::find(|offset| {
            reads.borrow_mut().push(offset);
            *space.get(offset as usize / 4).expect("inside this function's configuration space")
        });
        let reads = reads.into_inner();
        assert_eq!(reads[0], LIST);
        for offset in &reads[1..] {
            assert!((FIRST..END).contains(offset) && offset % 4 == 0, "read at {offset:#x}");
        }
        assert!(reads.len() <= 1 + 4 * MOST as usize, "{} reads", reads.len());
        found
    }

    /// Puts a capability; where, what it is and which is the next.
    fn put(space: &mut Space, at: u32, kind: u32, bar: u32, offset: u32, next: u32) {
        let start = at as usize / 4;
        let words = [kind << 24 | 16 << 16 | next << 8 | VENDOR_SPECIFIC, bar, offset, 0x1000];
        space[start..].iter_mut().zip(words).for_each(|(place, word)| *place = word);
    }

    /// What QEMU's `virtio-serial-pci` has, but for offsets.
    fn sound() -> Space {
        let mut space = [0; 64];
        space[LIST as usize / 4] = 0x98;
        space[0x98 / 4] = 0x8001_8411;
        put(&mut space, 0x84, WINDOW, 0, 0, 0x70);
        put(&mut space, 0x70, NOTIFY, 4, 0x3000, 0x60);
        space[(0x70 + EXTRA as usize) / 4] = 4;
        put(&mut space, 0x60, 4, 4, 0x2000, 0x50);
        put(&mut space, 0x50, INTERRUPTS, 4, 0x1000, 0x40);
        put(&mut space, 0x40, COMMON, 4, 0x500, 0);
        space
    }

    fn expected() -> Capabilities {
        Capabilities {
            common: Place { bar: 4, offset: 0x500 },
            notify: Place { bar: 4, offset: 0x3000 },
            multiplier: 4,
            interrupts: Place { bar: 4, offset: 0x1000 },
            window: 0x84,
        }
    }

    #[test]
    fn a_device_is_found() {
        let mut space = sound();
        // The two lowest bits of a pointer are reserved.
        space[LIST as usize / 4] |= 3;
        assert_eq!(find(&space), Some(expected()));
        for at in [0x84, 0x70, 0x50, 0x40] {
            let mut space = sound();
            space[at / 4] ^= 1;
            assert_eq!(find(&space), None, "without {at:#x}");
        }
    }

    #[test]
    fn the_first_of_a_kind_is_taken_unless_its_bar_is_reserved() {
        for (bar, expected_bar) in [(0, 0), (5, 5), (6, 4), (255, 4)] {
            let mut space = sound();
            put(&mut space, 0xa4, COMMON, bar, 0x500, 0x98);
            space[LIST as usize / 4] = 0xa4;
            let common = Place { bar: expected_bar, offset: 0x500 };
            assert_eq!(find(&space), Some(Capabilities { common, ..expected() }), "{bar}");
        }
    }

    #[test]
    fn no_capability_reaches_out_of_the_function() {
        for kind in [COMMON, NOTIFY, INTERRUPTS, WINDOW] {
            for at in (0xc0..END).step_by(4) {
                let mut space = sound();
                let replaced = match kind {
                    COMMON => 0x40,
                    NOTIFY => 0x70,
                    INTERRUPTS => 0x50,
                    _ => 0x84,
                };
                space[replaced / 4] ^= 1;
                put(&mut space, at, kind, 4, 0x4000, 0x98);
                space[LIST as usize / 4] = at;
                let last = if matches!(kind, NOTIFY | WINDOW) { 0xec } else { 0xf0 };
                assert_eq!(find(&space).is_some(), at <= last, "{kind} at {at:#x}");
            }
        }
    }

    #[test]
    fn no_list_leads_into_the_header_or_in_circles() {
        for next in 0..=255 {
            let mut space = sound();
            // In the header are capabilities that would do.
            space.copy_within(0x40 / 4.., 0);
            space[LIST as usize / 4] = next;
            if next & 0xfc < FIRST {
                assert_eq!(find(&space), None, "{next:#x}");
            }
            let mut space = sound();
            put(&mut space, 0x60, 4, 4, 0, next);
            find(&space);
        }
    }

    fn word() -> impl Strategy<Value = u32> {
        let head = (0u32..8, 0u32..256).prop_map(|(kind, next)| kind << 24 | next << 8 | 9);
        prop_oneof![any::<u32>(), head, 0u32..8]
    }

    proptest! {
        #[test]
        fn any_configuration_space_is_walked_to_an_end(
            words in prop::collection::vec(word(), 64),
        ) {
            let space = words.try_into().expect("64 words");
            if let Some(found) = find(&space) {
                prop_assert!(found.window >= FIRST && found.window + EXTRA < END);
                for place in [found.common, found.notify, found.interrupts] {
                    prop_assert!(place.bar <= LAST_BAR);
                }
            }
        }
    }
}
