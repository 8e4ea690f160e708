//! Whether a type holds every counted value once its excess is rounded or cut off (`value::excess`).

use std::borrow::Cow;

use super::fit::{Fit, fit};
use super::profile::ColumnProfile;
use crate::value::{Excess, Format, PgType};

/// As [`fit`], of values without their excess.
pub fn fit_without(p: &ColumnProfile, pg_type: &PgType, format: Option<Format>, excess: Excess) -> Fit {
    let p = &coarse(p, excess);
    match (pg_type.base().clone(), excess) {
        (_, Excess::Error) => fit(p, pg_type, format),
        // Every digit beyond the precision goes.
        (PgType::Time(_), _) => fit(&in_micros(p), &PgType::TIME, format),
        (PgType::Timestamp(_), _) => fit(&in_micros(p), &PgType::TIMESTAMP, format),
        (PgType::TimestampTz(_), _) => fit(&in_micros(p), &PgType::TIMESTAMPTZ, format),
        (PgType::Numeric(Some((precision, scale))), _) => {
            fit(&to_scale(p, precision, scale, excess), pg_type, format)
        }
        (PgType::Varchar(Some(limit)), Excess::Truncate) => cut_text(p, limit, PgType::Text, format),
        (PgType::Bpchar(Some(limit)), Excess::Truncate) => cut_text(p, limit, PgType::Bpchar(None), format),
        _ => fit(p, pg_type, format),
    }
}

/// Only texts are cut, not numbers.
fn cut_text(p: &ColumnProfile, limit: u32, unlimited: PgType, format: Option<Format>) -> Fit {
    let mut numbers = p.clone();
    numbers.texts = 0;
    (numbers.text.max_chars, numbers.text.max_bytes) = (0, 0);
    match fit(&numbers, &PgType::Varchar(Some(limit)), format) {
        Fit::Yes => fit(p, &unlimited, format),
        other => other,
    }
}

/// Texts more precise than microseconds count as those of their form.
pub fn coarse(p: &ColumnProfile, excess: Excess) -> Cow<'_, ColumnProfile> {
    if excess == Excess::Error {
        return Cow::Borrowed(p);
    }
    let mut coarse = p.clone();
    coarse.text.make_coarse();
    Cow::Owned(coarse)
}

/// Numbers that count time have no digits beyond microseconds.
fn in_micros(p: &ColumnProfile) -> ColumnProfile {
    // With more digits a text is not read as a number that counts time.
    const READ: i32 = 9;
    let mut p = p.clone();
    p.integer.sub_micro = 0;
    if p.text.decimal.scale <= READ {
        p.text.decimal.scale = 0;
    }
    p
}

/// The digits after the point that are left; before it may be one more.
fn to_scale(p: &ColumnProfile, precision: i32, scale: i32, excess: Excess) -> ColumnProfile {
    let mut p = p.clone();
    let limit = 10f64.powi(precision.saturating_sub(scale)) - 0.5 * 10f64.powi(-scale);
    let most = if p.number.low > p.number.high { 0.0 } else { p.number.low.abs().max(p.number.high.abs()) };
    let more = i32::from(excess == Excess::Round && most >= limit);
    for digits in [&mut p.real.decimal, &mut p.text.decimal] {
        if digits.scale > scale {
            digits.scale = scale;
            digits.integer_digits =
                digits.integer_digits.max((precision - scale).min(digits.integer_digits) + more);
        }
    }
    p
}
