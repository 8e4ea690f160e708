//! pgvector's `vector` and `halfvec` as they are printed -> their numbers as 32-bit reals, little-endian: the form of
//! sqlite-vec and of NumPy.

use super::{Result, refuse};

/// `[1,2.5]` -> 8 bytes
pub fn blob(printed: &str) -> Result<Vec<u8>> {
    let Some(numbers) = printed.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
        return refuse("it is no list of numbers");
    };
    let mut out = Vec::new();
    for number in numbers.split(',') {
        let Ok(number) = number.trim().parse::<f32>() else {
            return refuse("it is no list of numbers");
        };
        out.try_reserve(4)?;
        out.extend_from_slice(&number.to_le_bytes());
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_bytes() {
        assert_eq!(blob("[1,-2.5,3e-45]").unwrap(), [0, 0, 128, 63, 0, 0, 32, 192, 2, 0, 0, 0]);
        assert_eq!(blob("[3.4028235e+38]").unwrap(), f32::MAX.to_le_bytes());
        for text in ["{1}", "[]", "[1,]", "[a]", "{1:1}/3"] {
            assert!(blob(text).is_err(), "{text}");
        }
    }
}
