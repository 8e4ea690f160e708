//! Four-byte floats as PostgreSQL prints them: the shortest decimal that is nearer to the float than to its neighbours, and of those
//! the one next to the float; of two that are as near, the even one. Rust's own shortest decimal is another one in both ties.

/// Digits that tell every single from every other.
const MOST_DIGITS: usize = 9;

/// `d.ddde±x`: what `float4out` prints, in Rust's notation.
pub(super) fn digits(single: f32) -> String {
    let shortest = format!("{single:e}");
    if !single.is_finite() || single == 0.0 {
        return shortest;
    }
    let exact = f64::from(single);
    let (below, above) = bounds(single);
    let is_inside = |text: &str| {
        let value: f64 = text.parse().unwrap_or(exact);
        below < value && value < above
            || (value == below || value == above) && !is_exactly(text, value) && is_nearest(text, single)
    };
    let length = shortest.bytes().take_while(|b| *b != b'e').filter(u8::is_ascii_digit).count();
    // Rust takes a decimal halfway between two floats for the even one, and has one digit less for it.
    (length..=MOST_DIGITS)
        .find_map(|length| {
            let nearest = format!("{exact:.*e}", length - 1);
            if is_inside(&nearest) {
                return Some(nearest);
            }
            // Below a power of two the floats are denser: the nearest decimal may be outside, and the next one inside.
            Some(&shortest).filter(|text| is_inside(text)).cloned()
        })
        .unwrap_or(shortest)
}

/// Halfway to the neighbours; doubles hold both exactly.
fn bounds(single: f32) -> (f64, f64) {
    let half = |one: f32, other: f64| f64::midpoint(f64::from(one), other);
    let exact = f64::from(single);
    let beyond =
        |of: f32, next: f32| if next.is_finite() { f64::from(next) } else { 2.0 * exact - f64::from(of) };
    let (down, up) = (single.next_down(), single.next_up());
    (half(single, beyond(up, down)), half(single, beyond(down, up)))
}

/// The decimal is the double, and not only next to it.
fn is_exactly(text: &str, double: f64) -> bool {
    // A double halfway between two singles has no more digits.
    const ALL: usize = 160;
    let all = format!("{double:.ALL$e}");
    let parts = |text: &str| {
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let trimmed = if mantissa.contains('.') {
            mantissa.trim_end_matches('0').trim_end_matches('.')
        } else {
            mantissa
        };
        (trimmed.to_owned(), exponent.to_owned())
    };
    parts(&all) == parts(text)
}

fn is_nearest(text: &str, single: f32) -> bool {
    text.parse() == Ok(single)
}

#[cfg(test)]
mod tests {
    use super::digits;

    #[test]
    fn ties_are_broken_as_postgresql_does() {
        // As PostgreSQL 15 and 18 print them.
        for (single, printed) in [
            // Halfway between two decimals: -320228.125, 320228.375.
            (-2_561_825.0 / 8.0, "-3.2022812e5"),
            (2_561_827.0 / 8.0, "3.2022838e5"),
            // A decimal halfway to the next float.
            (1_073_752_064.0, "1.0737521e9"),
            (1_073_751_936.0, "1.0737519e9"),
            (0.1, "1e-1"),
            (16_777_216.0, "1.6777216e7"),
            (f32::MAX, "3.4028235e38"),
            (f32::MIN_POSITIVE, "1.1754944e-38"),
            (1e-45, "1e-45"),
            (1.0, "1e0"),
        ] {
            assert_eq!(digits(single), printed);
        }
    }

    #[test]
    fn every_decimal_reads_back() {
        for bits in (0..0x7f80_0000_u32).step_by(104_729) {
            let single = f32::from_bits(bits);
            assert_eq!(digits(single).parse(), Ok(single));
        }
    }
}
