//! Randomness of the processor's, for machines whose launcher gives none.

use core::arch::asm;

use super::time_stamp;

/// Attempts to draw a number; a processor that has randomness has some at once (Intel, "DRNG
/// Software Implementation Guide", 5.2.1).
const ATTEMPTS: usize = 10;

/// An odd number whose bits look random, to spread a small one over 64 bits: 2^64 by the golden
/// ratio.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// 64 random bits; of a processor that has none, bits of the time, which are no secret.
pub fn randomness() -> u64 {
    let drawn = (0..ATTEMPTS).find_map(|_| draw());
    drawn.unwrap_or_else(|| time_stamp().wrapping_mul(SPREAD))
}

fn draw() -> Option<u64> {
    let (number, is_drawn): (u64, u8);
    // SAFETY: it sets one register and flags, or traps into ring 0, which clears the carry flag and
    // goes on behind the instruction. The call leaves the red zone alone, since the stack is told of.
    unsafe {
        asm!(
            "call draw_randomness",
            "setc {is_drawn}",
            is_drawn = out(reg_byte) is_drawn,
            out("rax") number,
        );
    }
    (is_drawn != 0).then_some(number)
}
