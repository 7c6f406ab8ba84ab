//! Randomness: a generator seeded by the launcher with bytes that no other call gets (SPEC C4).

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};

use crate::platform;

/// Fills `bytes` from the call's generator, ChaCha20 (RFC 8439) keyed with the call's seed.
pub fn fill(bytes: &mut [u8]) {
    platform::with_generator(|generator| generator.fill_bytes(bytes));
}

/// Eight random bytes as a number.
pub fn u64() -> u64 {
    platform::with_generator(|generator| generator.next_u64())
}

pub(crate) fn seeded(seed: [u8; 32]) -> ChaCha20Rng {
    ChaCha20Rng::from_seed(seed)
}
