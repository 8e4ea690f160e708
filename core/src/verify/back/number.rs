//! Numbers as the digits that they consist of: two that are spelled differently are equal here, and nothing is rounded.

/// A decimal number, or one of the values of `numeric` that are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Number {
    NegativeInfinity,
    Finite(Decimal),
    Infinity,
    NaN,
}

/// `0.DIGITS × 10^exponent`; zero has no digits, no sign and the exponent 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    /// `0` to `9` as characters, neither the first nor the last is a zero.
    digits: Vec<u8>,
    exponent: i64,
}

impl Number {
    /// A decimal number with or without an exponent, or a name that PostgreSQL has for what is none.
    pub fn parse(text: &str) -> Option<Number> {
        Decimal::parse(text).map(Number::Finite).or_else(|| name(text))
    }

    /// The shortest digits that read back as the same real.
    pub fn of_real(real: f64) -> Number {
        match real {
            real if real.is_nan() => Number::NaN,
            f64::INFINITY => Number::Infinity,
            f64::NEG_INFINITY => Number::NegativeInfinity,
            real => Decimal::parse(&format!("{real:e}")).map_or(Number::NaN, Number::Finite),
        }
    }

    /// `numeric(precision, scale)` holds it without rounding.
    pub fn fits(&self, precision: i32, scale: i32) -> bool {
        match self {
            Number::Finite(number) => number.fits(precision, scale),
            Number::NaN => true,
            Number::Infinity | Number::NegativeInfinity => false,
        }
    }

    /// Bytes that sort as PostgreSQL sorts `numeric`.
    pub fn sortable(&self) -> Vec<u8> {
        match self {
            Number::NegativeInfinity => vec![0],
            Number::Finite(number) => number.sortable(),
            Number::Infinity => vec![4],
            Number::NaN => vec![5],
        }
    }
}

fn name(text: &str) -> Option<Number> {
    let (negative, word) = match text.as_bytes() {
        [b'-', ..] => (true, text.get(1..)?),
        [b'+', ..] => (false, text.get(1..)?),
        _ => (false, text),
    };
    if text.eq_ignore_ascii_case("nan") {
        return Some(Number::NaN);
    }
    let infinite = word.eq_ignore_ascii_case("inf") || word.eq_ignore_ascii_case("infinity");
    infinite.then_some(if negative { Number::NegativeInfinity } else { Number::Infinity })
}

impl Decimal {
    pub fn parse(text: &str) -> Option<Decimal> {
        let (negative, unsigned) = match text.as_bytes() {
            [b'-', ..] => (true, text.get(1..)?),
            [b'+', ..] => (false, text.get(1..)?),
            _ => (false, text),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
        digits.drain(..zeros);
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        if digits.is_empty() {
            return Some(Decimal { negative: false, digits, exponent: 0 });
        }
        let point = i64::try_from(whole.len()).ok()?.checked_sub(i64::try_from(zeros).ok()?)?;
        Some(Decimal { negative, digits, exponent: point.checked_add(exponent)? })
    }

    /// A real of this size is written with an exponent.
    pub fn is_large(&self) -> bool {
        self.exponent > 15
    }

    /// `other` is `self` with no more than `scale` digits after the point: rounded half away from zero, or cut off.
    pub fn is_shortened(&self, other: &Decimal, scale: i32, rounds: bool) -> bool {
        self.shortened(scale, rounds) == *other
    }

    /// The number with no more than `scale` digits after the point.
    pub fn shortened(&self, scale: i32, rounds: bool) -> Decimal {
        let place = usize::try_from(self.exponent.saturating_add(scale.into()));
        let mut short = self.clone();
        short.digits.truncate(place.unwrap_or(0));
        if rounds && place.is_ok_and(|place| self.digits.get(place).is_some_and(|digit| *digit >= b'5')) {
            while short.digits.last() == Some(&b'9') {
                short.digits.pop();
            }
            match short.digits.last_mut() {
                Some(last) => *last += 1,
                None => (short.digits, short.exponent) = (vec![b'1'], short.exponent + 1),
            }
        }
        while short.digits.last() == Some(&b'0') {
            short.digits.pop();
        }
        if short.digits.is_empty() {
            return Decimal { negative: false, digits: vec![], exponent: 0 };
        }
        short
    }

    /// Without an exponent and without zeros that say nothing, as `trim_scale` leaves a `numeric`; `None` for what is beyond
    /// its limits, 131072 digits before the point and 16383 after it.
    pub fn plain(&self) -> Option<String> {
        let digits = std::str::from_utf8(&self.digits).ok()?;
        if digits.is_empty() {
            return Some("0".into());
        }
        let after = i64::try_from(digits.len()).ok()?.saturating_sub(self.exponent);
        if self.exponent > 131_072 || after > 16_383 {
            return None;
        }
        let sign = if self.negative { "-" } else { "" };
        let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
        Some(match usize::try_from(self.exponent) {
            Ok(0) | Err(_) => format!("{sign}0.{}{digits}", zeros(-self.exponent)),
            Ok(whole) => match digits.split_at_checked(whole).filter(|(_, rest)| !rest.is_empty()) {
                Some((whole, rest)) => format!("{sign}{whole}.{rest}"),
                None => format!("{sign}{digits}{}", zeros(-after)),
            },
        })
    }

    fn fits(&self, precision: i32, scale: i32) -> bool {
        let length = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        self.digits.is_empty()
            || (self.exponent <= i64::from(precision) - i64::from(scale)
                && length.saturating_sub(self.exponent) <= i64::from(scale))
    }

    pub fn sortable(&self) -> Vec<u8> {
        if self.digits.is_empty() {
            return vec![2];
        }
        // 1 and 3 keep the signs apart; of negative numbers, the larger the digits the smaller the number.
        let size: Vec<u8> =
            (self.exponent ^ i64::MIN).to_be_bytes().into_iter().chain(self.digits.iter().copied()).collect();
        match self.negative {
            false => [&[3][..], &size, &[0]].concat(),
            true => [vec![1], size.into_iter().chain([0]).map(|byte| !byte).collect()].concat(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_its_digits() {
        let number = |text: &str| Number::parse(text).unwrap();
        for (a, b) in
            [("1", "1.00"), ("10", "1e1"), ("-0", "0"), ("0.50", "5e-1"), ("nan", "NaN"), ("inf", "Infinity")]
        {
            assert_eq!(number(a), number(b), "{a} {b}");
        }
        assert_eq!(Number::of_real(0.1), number("0.1"));
        assert_ne!(number("0.1"), number("0.10000000000000001"));
        for text in ["", ".", "1x", "0x1", "e1", "1e", "--1"] {
            assert_eq!(Number::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_plain_number_has_no_zeros_that_say_nothing() {
        for (text, plain) in [
            ("1.50", "1.5"),
            ("-0012.340e2", "-1234"),
            ("100", "100"),
            ("1e3", "1000"),
            ("5e-3", "0.005"),
            ("-0", "0"),
            ("0.10", "0.1"),
            ("12.5e1", "125"),
        ] {
            assert_eq!(Decimal::parse(text).unwrap().plain().as_deref(), Some(plain), "{text}");
        }
        assert_eq!(Decimal::parse("1e131072").unwrap().plain(), None);
        assert_eq!(Decimal::parse("1e-16384").unwrap().plain(), None);
    }

    #[test]
    fn bytes_sort_as_numbers_do() {
        let ascending = [
            "-inf", "-1e3", "-12", "-1.5", "-1.25", "-1", "-0.001", "0", "0.001", "0.01", "1", "1.01", "1.1",
            "9", "10", "1e20", "inf", "nan",
        ];
        let keys: Vec<Vec<u8>> =
            ascending.iter().map(|text| Number::parse(text).unwrap().sortable()).collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "{keys:?}");
    }

    #[test]
    fn a_limit_counts_digits_before_and_after_the_point() {
        let fits = |text: &str| Number::parse(text).unwrap().fits(4, 2);
        assert!(fits("12.34") && fits("0") && fits("-99.9") && fits("0.01"));
        assert!(!fits("123") && !fits("0.001") && !fits("inf"));
    }

    #[test]
    fn what_is_shortened_is_off_by_less_than_its_last_digit() {
        let shortened = |a: &str, b: &str, rounds| {
            Decimal::parse(a).unwrap().is_shortened(&Decimal::parse(b).unwrap(), 2, rounds)
        };
        assert!(
            shortened("1.255", "1.26", true)
                && shortened("-9.999", "-10", true)
                && shortened("0.004", "0", true)
        );
        let long = |end: &str| format!("1{}{end}", "0".repeat(60));
        assert!(
            shortened(&long(".005"), &long(".01"), true) && !shortened(&long(".005"), &long(".02"), true)
        );
        assert!(shortened("0.996", "1", true) && shortened("0.0009", "0", false));
        assert!(shortened("1.259", "1.25", false) && shortened("-1.259", "-1.25", false));
        assert!(
            !shortened("1.255", "1.25", true)
                && !shortened("1.255", "1.26", false)
                && !shortened("1.255", "1.27", true)
        );
    }
}
