//! How the text of a time or a UUID is spelled, as far as two spellings may be one value. Hot while profiling.
//!
//! Texts of one spelling are different values: their digits stand in the same places.

use super::textform::TextFormat;

/// What is equal in all texts that are spelled alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spelling {
    length: u32,
    /// Of a time, the separator and the offset; of a UUID, the cases of its letters.
    marks: u64,
}

const LOWER: u64 = 1;
const UPPER: u64 = 2;

impl Spelling {
    #[inline]
    pub fn of_time(text: &[u8]) -> Spelling {
        // After the date, and `+02:00` at most.
        let separator = text.get(10).copied().unwrap_or(0);
        let (_, end) = text.split_at(text.len().saturating_sub(6).max(11).min(text.len()));
        let sign = end.iter().position(|b| matches!(b, b'+' | b'-'));
        let offset = match (sign.and_then(|at| end.get(at..)), text.last()) {
            (Some(offset), _) => offset.iter().fold(0, |key, byte| key << 8 | u64::from(*byte)),
            (None, Some(last)) if !last.is_ascii_digit() => u64::from(*last),
            _ => 0,
        };
        Spelling { length: text.len() as u32, marks: offset << 8 | u64::from(separator) }
    }

    #[inline]
    pub fn of_uuid(form: TextFormat, text: &[u8]) -> Spelling {
        let marks = match form {
            TextFormat::Uuid | TextFormat::UuidHex => LOWER,
            _ => {
                let case = |mark, of: fn(&u8) -> bool| if text.iter().any(of) { mark } else { 0 };
                case(LOWER, u8::is_ascii_lowercase) | case(UPPER, u8::is_ascii_uppercase)
            }
        };
        // The dashes of other spellings stand anywhere.
        let marks = if form == TextFormat::UuidOther { LOWER | UPPER } else { marks };
        Spelling { length: text.len() as u32, marks }
    }

    /// Texts that are spelled so may be one value.
    pub fn is_mixed(self) -> bool {
        self.marks == LOWER | UPPER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_one_spelling_have_their_digits_in_the_same_places() {
        let same = |a: &str, b: &str| Spelling::of_time(a.as_bytes()) == Spelling::of_time(b.as_bytes());
        for (a, b) in [
            ("2024-01-01 10:00:00", "1999-12-31 23:59:59"),
            ("2024-01-01T10:00:00Z", "1999-12-31T23:59:59Z"),
            ("2024-01-01 10:00:00.123+02:00", "1999-12-31 23:59:59.000+02:00"),
            ("2024-01-01", "1999-12-31"),
            ("10:00", "23:59"),
        ] {
            assert!(same(a, b), "{a} {b}");
        }
        for (a, b) in [
            ("2024-01-01 10:00:00", "2024-01-01T10:00:00"),
            ("2024-01-01T10:00:00Z", "2024-01-01T10:00:00z"),
            ("2024-01-01 10:00:00+02:00", "2024-01-01 10:00:00+01:00"),
            ("2024-01-01 10:00:00+0200", "2024-01-01 10:00:00-0200"),
            ("2024-01-01 10:00:00+02", "2024-01-01 10:00:00+03"),
            ("2024-01-01 10:00", "2024-01-01 10:00:00"),
        ] {
            assert!(!same(a, b), "{a} {b}");
        }
    }

    #[test]
    fn a_uuid_in_both_cases_is_mixed() {
        let of = |form, text: &str| Spelling::of_uuid(form, text.as_bytes());
        let upper = of(TextFormat::UuidUpper, "3F2504E0-4F89-41D3-9A0C-0305E82C3301");
        assert_ne!(of(TextFormat::Uuid, "3f2504e0-4f89-41d3-9a0c-0305e82c3301"), upper);
        assert!(!upper.is_mixed());
        assert!(of(TextFormat::UuidUpper, "3f2504E0-4F89-41D3-9A0C-0305E82C3301").is_mixed());
        assert!(of(TextFormat::UuidOther, "{3f2504e0-4f89-41d3-9a0c-0305e82c3301}").is_mixed());
    }
}
