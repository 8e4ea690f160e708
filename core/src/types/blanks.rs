//! Texts and numbers by which applications often mean "nothing": the empty text, dates of zeros, 0 for a time.
//!
//! They are counted apart, so that it can be said whether a column's other values have one type.

use super::profile::ColumnProfile;
use super::textform::TextFormat;
use crate::value::{Cell, Decoder, Format, PgType, Timezone};

/// The texts, with the form that each has.
pub const TEXTS: [(&str, TextFormat); 3] = [
    ("", TextFormat::Empty),
    ("0000-00-00", TextFormat::ImpossibleDate),
    ("0000-00-00 00:00:00", TextFormat::ImpossibleDate),
];
const ZERO: &str = "0";

/// The blanks of a column that do not fit the type of its other values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blanks {
    /// As `null_values` lists them.
    pub values: Vec<&'static str>,
    /// How many cells hold one.
    pub count: u64,
}

/// A profile without its blank texts, or without its zeros too.
pub fn without(p: &ColumnProfile, zeros: bool) -> ColumnProfile {
    let mut rest = p.clone();
    rest.text.forget_blanks();
    rest.texts -= p.text.blank.iter().sum::<u64>();
    if zeros {
        rest.integers -= p.integer.zeros;
        rest.reals -= p.real.zeros;
        rest.real.integral -= p.real.zeros;
        (rest.integer.zeros, rest.real.zeros) = (0, 0);
        rest.number.zeros = p.number.zeros.saturating_sub(p.integer.zeros + p.real.zeros);
    }
    rest
}

/// The blanks that keep a column from a type: that of the other values, which `chosen` gives, if there are any.
pub fn blanks(
    p: &ColumnProfile,
    mut chosen: impl FnMut(&ColumnProfile) -> Option<(PgType, Option<Format>)>,
) -> Option<Blanks> {
    [false, true].into_iter().find_map(|zeros| {
        let rest = without(p, zeros);
        let (pg_type, format) = chosen(&rest).filter(|_| rest.values() > 0)?;
        let decoder = Decoder::new(pg_type.base(), format, &Timezone::UTC);
        let invalid = |cell: Cell<'_>| decoder.decode(cell).is_err();
        let mut found = Blanks { values: vec![], count: 0 };
        let texts = TEXTS.iter().zip(p.text.blank).map(|((text, _), count)| (*text, count));
        for (text, count) in texts.filter(|(text, count)| *count > 0 && invalid(Cell::Text(text.as_bytes())))
        {
            found.values.push(text);
            found.count += count;
        }
        let numbers = p.integer.zeros + p.real.zeros;
        if zeros && numbers > 0 && invalid(Cell::Integer(0)) {
            found.values.push(ZERO);
            found.count += numbers;
        }
        (found.count > 0).then_some(found)
    })
}
