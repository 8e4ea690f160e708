//! Cells as single and double precision hold them.

use super::number::{Decimal, Number};
use super::{Meaning, Normalisation, Value};
use crate::value::Cell;

/// Every NaN is one.
pub(super) fn bits(real: f64) -> u64 {
    if real.is_nan() { f64::NAN.to_bits() } else { real.to_bits() }
}

pub(super) fn double(cell: Cell<'_>) -> Option<Meaning<'_>> {
    let other = Some(Normalisation::StorageClass);
    match cell {
        Cell::Real(real) => Some((Value::Double(bits(real)), None)),
        Cell::Integer(integer) => {
            let real = integer as f64;
            (real as i128 == i128::from(integer)).then(|| (Value::Double(bits(real)), other))
        }
        Cell::Text(text) => {
            let (number, real) = real_of(text)?;
            is_exactly(&number, real).then(|| (Value::Double(bits(real)), other))
        }
        _ => None,
    }
}

/// A number that four bytes hold, or print with the same digits.
pub(super) fn single(cell: Cell<'_>) -> Option<Meaning<'_>> {
    let (number, real, form) = match cell {
        Cell::Real(real) => (Number::of_real(real), real, None),
        Cell::Integer(integer) => {
            (Number::parse(&integer.to_string())?, integer as f64, Some(Normalisation::StorageClass))
        }
        Cell::Text(text) => {
            let (number, real) = real_of(text)?;
            (number, real, Some(Normalisation::StorageClass))
        }
        _ => return None,
    };
    let held = match cell {
        // Not by way of eight bytes, which would round twice.
        Cell::Text(text) => std::str::from_utf8(text).ok()?.parse().ok()?,
        _ => real as f32,
    };
    let wide = f64::from(held);
    let has_digits = !matches!(cell, Cell::Integer(_));
    let printed = has_digits && Number::parse(&format!("{held:e}")).is_some_and(|printed| printed == number);
    let exact = bits(wide) == bits(real) && is_exactly(&number, wide);
    let value = Value::Double(bits(wide));
    match (exact, printed) {
        (true, _) => Some((value, form)),
        (false, true) => Some((value, form.or(Some(Normalisation::SingleDigits)))),
        (false, false) => None,
    }
}

/// The number that a text is, and the nearest double.
fn real_of(text: &[u8]) -> Option<(Number, f64)> {
    let text = std::str::from_utf8(text).ok()?;
    let number = Number::parse(text)?;
    let real = match number {
        Number::NaN => f64::NAN,
        Number::Infinity => f64::INFINITY,
        Number::NegativeInfinity => f64::NEG_INFINITY,
        Number::Finite(_) => text.parse().ok().filter(|real: &f64| real.is_finite())?,
    };
    Some((number, real))
}

/// The double prints with these digits, or is this number to the last digit that it has.
fn is_exactly(number: &Number, real: f64) -> bool {
    // A double has no more than 767 significant digits.
    Number::of_real(real) == *number
        || matches!(number, Number::Finite(number) if Decimal::parse(&format!("{real:.780e}")).as_ref() == Some(number))
}
