//! Coordinates of an R*Tree: 32-bit reals, of which a lower one is rounded down and an upper one up, or 32-bit integers
//! (<https://www.sqlite.org/rtree.html#roundoff_error>).

use super::{Result, refuse};
use crate::export::types::Rounding;
use crate::value::CellBuf;
use crate::value::native::Native;

/// The coordinate as the tree keeps it, and whether it is another number.
pub fn coordinate(value: &Native<'_>, rounding: Rounding) -> Result<(CellBuf<'static>, bool)> {
    match (value, rounding) {
        (Native::Null, _) => refuse("an R*Tree has no NULL"),
        (Native::Integer(i), Rounding::None) if i32::try_from(*i).is_ok() => {
            Ok((CellBuf::Integer(*i), false))
        }
        (Native::Integer(_), Rounding::None) => refuse("an R*Tree keeps integers of 32 bits"),
        (Native::Float(f), _) if f.is_nan() => refuse("an R*Tree has no NaN"),
        (Native::Float(f), _) => {
            let kept = f64::from(rounded(*f, rounding));
            Ok((CellBuf::Real(kept), kept != *f))
        }
        _ => refuse("it is no coordinate"),
    }
}

/// As `rtreeValueDown` and `rtreeValueUp` have it.
fn rounded(value: f64, rounding: Rounding) -> f32 {
    const TOWARDS: f64 = 1.0 - 1.0 / 8_388_608.0;
    const AWAY: f64 = 1.0 + 1.0 / 8_388_608.0;
    let (near, negative) = (value as f32, value < 0.0);
    match rounding {
        Rounding::Down if f64::from(near) > value => (value * if negative { AWAY } else { TOWARDS }) as f32,
        Rounding::Up if f64::from(near) < value => (value * if negative { TOWARDS } else { AWAY }) as f32,
        _ => near,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_rounded_outwards() {
        for (value, down, up) in [
            (0.5, 0.5, 0.5),
            // As SQLite itself makes them: not always the next number.
            (0.1, 0.099_999_986_588_954_93, 0.100_000_001_490_116_12),
            (-0.1, -0.100_000_001_490_116_12, -0.099_999_986_588_954_93),
            (16_777_217.0, 16_777_216.0, 16_777_220.0),
            (f64::INFINITY, f64::INFINITY, f64::INFINITY),
        ] {
            let of = |rounding| coordinate(&Native::Float(value), rounding).unwrap();
            assert_eq!(of(Rounding::Down), (CellBuf::Real(down), down != value), "{value}");
            assert_eq!(of(Rounding::Up), (CellBuf::Real(up), up != value), "{value}");
        }
        assert!(coordinate(&Native::Null, Rounding::Up).is_err());
        assert!(coordinate(&Native::Integer(1 << 31), Rounding::None).is_err());
    }
}
