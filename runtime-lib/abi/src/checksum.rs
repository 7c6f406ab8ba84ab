//! XXH64 with a seed of 0 (the xxHash specification, "XXH64 Algorithm Description"): a checksum that
//! costs less than to read the bytes, and needs no instruction that not every processor has.
//!
//! All of it is expanded where it is used, so that code that may call nothing can use it.

const PRIMES: [u64; 5] = [
    0x9e37_79b1_85eb_ca87,
    0xc2b2_ae3d_27d4_eb4f,
    0x1656_67b1_9e37_79f9,
    0x85eb_ca77_c2b2_ae63,
    0x27d4_eb2f_1656_67c5,
];

/// Bytes that are taken at once.
pub const STRIPE: usize = 32;

/// The checksum of bytes that come in pieces.
#[derive(Clone, Debug)]
pub struct Xxh64 {
    lanes: [u64; 4],
    bytes: u64,
}

impl Default for Xxh64 {
    fn default() -> Self {
        Self::new()
    }
}

impl Xxh64 {
    /// Of no bytes yet.
    #[inline(always)]
    pub const fn new() -> Self {
        let [first, second, ..] = PRIMES;
        let lanes = [first.wrapping_add(second), second, 0, first.wrapping_neg()];
        Self { lanes, bytes: 0 }
    }

    /// Adds all whole stripes. What is left is for [`Xxh64::finish`], or belongs before what comes
    /// next.
    #[inline(always)]
    pub fn update<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (stripes, rest) = bytes.as_chunks::<STRIPE>();
        // Not a loop, which would keep the lanes in memory where code is to be small.
        let [mut a, mut b, mut c, mut d] = self.lanes;
        for stripe in stripes {
            if let ([first, second, third, fourth], _) = stripe.as_chunks::<8>() {
                a = round(a, u64::from_le_bytes(*first));
                b = round(b, u64::from_le_bytes(*second));
                c = round(c, u64::from_le_bytes(*third));
                d = round(d, u64::from_le_bytes(*fourth));
            }
        }
        self.lanes = [a, b, c, d];
        self.bytes = self.bytes.wrapping_add((stripes.len() * STRIPE) as u64);
        rest
    }

    /// The checksum, `rest` included, which is less than a stripe.
    #[inline(always)]
    pub fn finish(self, rest: &[u8]) -> u64 {
        let [first, second, third, fourth, fifth] = PRIMES;
        let mut sum = if self.bytes == 0 { fifth } else { self.converge() };
        sum = sum.wrapping_add(self.bytes).wrapping_add(rest.len() as u64);
        let (words, rest) = rest.as_chunks::<8>();
        for word in words {
            sum ^= round(0, u64::from_le_bytes(*word));
            sum = sum.rotate_left(27).wrapping_mul(first).wrapping_add(fourth);
        }
        let (halves, rest) = rest.as_chunks::<4>();
        for half in halves {
            sum ^= u64::from(u32::from_le_bytes(*half)).wrapping_mul(first);
            sum = sum.rotate_left(23).wrapping_mul(second).wrapping_add(third);
        }
        for byte in rest {
            sum ^= u64::from(*byte).wrapping_mul(fifth);
            sum = sum.rotate_left(11).wrapping_mul(first);
        }
        sum = (sum ^ (sum >> 33)).wrapping_mul(second);
        sum = (sum ^ (sum >> 29)).wrapping_mul(third);
        sum ^ (sum >> 32)
    }

    #[inline(always)]
    fn converge(&self) -> u64 {
        let [a, b, c, d] = self.lanes;
        let mut sum = a.rotate_left(1).wrapping_add(b.rotate_left(7));
        sum = sum.wrapping_add(c.rotate_left(12)).wrapping_add(d.rotate_left(18));
        for lane in self.lanes {
            sum = (sum ^ round(0, lane)).wrapping_mul(PRIMES[0]).wrapping_add(PRIMES[3]);
        }
        sum
    }
}

#[inline(always)]
fn round(lane: u64, word: u64) -> u64 {
    lane.wrapping_add(word.wrapping_mul(PRIMES[1])).rotate_left(31).wrapping_mul(PRIMES[0])
}

/// The checksum of bytes that are all there.
pub fn xxh64(bytes: &[u8]) -> u64 {
    let mut checksum = Xxh64::new();
    let rest = checksum.update(bytes);
    checksum.finish(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use twox_hash::XxHash64;

    proptest! {
        #[test]
        fn it_is_what_others_compute(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 0usize..300) {
            let expected = XxHash64::oneshot(0, &bytes);
            prop_assert_eq!(xxh64(&bytes), expected);
            let cut = cut.min(bytes.len()) / STRIPE * STRIPE;
            let mut checksum = Xxh64::new();
            prop_assert!(checksum.update(&bytes[..cut]).is_empty());
            let rest = checksum.update(&bytes[cut..]);
            prop_assert_eq!(checksum.finish(rest), expected);
        }
    }

    #[test]
    fn it_is_what_the_specification_s_tools_print() {
        // `printf '' | xxh64sum`, `printf abc | xxh64sum`
        assert_eq!(xxh64(b""), 0xef46_db37_51d8_e999);
        assert_eq!(xxh64(b"abc"), 0x44bc_2cf5_ad77_0999);
    }
}
