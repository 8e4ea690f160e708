//! SHA-256 of bytes that come piece by piece.

use sha2::{Digest as _, Sha256};

/// The sum so far.
#[derive(Debug, Clone, Default)]
pub struct Digest(Sha256);

impl Digest {
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// 64 hexadecimal digits, as `sha256sum` prints them.
    pub fn hex(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_have_the_sum_of_the_whole() {
        let mut digest = Digest::default();
        digest.add(b"a");
        digest.add(b"bc");
        // FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest.hex(), abc);
    }
}
