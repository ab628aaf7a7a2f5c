//! A quick hash for tables that are built once from the rules and only read afterwards: no visitor's words are ever
//! put into them, so nobody can choose what collides.

use std::hash::{BuildHasherDefault, Hasher};

/// Builds `Quick`.
pub type BuildQuick = BuildHasherDefault<Quick>;

/// Multiplies and rotates, eight bytes at a time.
#[derive(Debug, Default, Clone, Copy)]
pub struct Quick(u64);

const FACTOR: u64 = 0x517c_c1b7_2722_0a95;

impl Quick {
    fn mix(&mut self, part: u64) {
        self.0 = (self.0.rotate_left(5) ^ part).wrapping_mul(FACTOR);
    }
}

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            let mut part = [0; 8];
            part.copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(part));
        }
        let mut last = [0; 8];
        let rest = chunks.remainder();
        last[..rest.len()].copy_from_slice(rest);
        self.mix(u64::from_le_bytes(last) ^ (rest.len() as u64) << 56);
    }

    fn write_u8(&mut self, part: u8) {
        self.mix(u64::from(part));
    }

    fn write_usize(&mut self, part: usize) {
        self.mix(part as u64);
    }

    fn finish(&self) -> u64 {
        // The table takes the upper bits for its tags and the lower for its places: both must depend on every byte.
        self.0 ^ (self.0 >> 29)
    }
}
