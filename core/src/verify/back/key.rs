//! Bytes by which rows of both sides are put in one order.

use super::{Kind, Value, Way};
use crate::value::native::Native;
use crate::value::{Cell, Excess};

impl Way {
    /// Bytes by which PostgreSQL would sort the cell among the column's values, if there is such an order.
    /// `Some(None)` for NULL.
    pub fn key(&self, cell: Cell<'_>) -> Option<Option<Vec<u8>>> {
        let recoded = self.recoded(cell);
        match recoded.as_ref().map_or(cell, |(text, _)| Cell::Text(text)) {
            Cell::Null => Some(None),
            cell => match self.meaning(cell) {
                Some((meaning, _)) => sortable(meaning).map(Some),
                // What cannot be read has become NULL, where the plan says so.
                None => {
                    (self.nullable && (self.becomes_null || self.null_values.holds(cell))).then_some(None)
                }
            },
        }
    }

    /// The same of a value.
    pub fn key_of(&self, value: &Native<'_>) -> Option<Option<Vec<u8>>> {
        match value {
            Native::Null => Some(None),
            value => sortable(self.found(value)?).map(Some),
        }
    }

    /// Cells and values of the column sort by the same keys. Values that may have been shortened do not, nor those in
    /// place of which there is NULL for a reason that the cell does not tell.
    pub fn has_order(&self) -> bool {
        let ordered = match self.kind {
            Kind::Bool | Kind::Integer { .. } | Kind::Float4 | Kind::Float8 | Kind::Numeric(_) => true,
            Kind::Text(_) | Kind::Bpchar(_) | Kind::Bytea | Kind::Uuid => true,
            Kind::Date | Kind::Time(_) | Kind::Timestamp(_) | Kind::TimestampTz(_) => true,
            Kind::Money | Kind::TimeTz(_) | Kind::Interval(_) | Kind::Json | Kind::Jsonb => false,
            Kind::Geometry(_) | Kind::Printed => false,
        };
        ordered && self.keeps_cells()
    }

    /// The cell tells what it has become.
    pub(super) fn keeps_cells(&self) -> bool {
        let shortened = match self.kind {
            Kind::Numeric(limit) => limit.is_some(),
            Kind::Text(limit) | Kind::Bpchar(limit) => limit.is_some(),
            Kind::Time(_) | Kind::Timestamp(_) | Kind::TimestampTz(_) => true,
            Kind::TimeTz(_) | Kind::Interval(_) => true,
            _ => false,
        } && self.excess != Excess::Error;
        let lost = self.facts.orphans || self.becomes_null && self.facts.domain;
        !shortened && !lost && !self.defaulted
    }

    /// A cell that is an integer becomes the same integer.
    pub fn is_integer(&self) -> bool {
        matches!(self.kind, Kind::Integer { .. }) && self.format.is_none()
    }

    /// Values sort as texts do, by their bytes.
    pub fn is_text(&self) -> bool {
        matches!(self.kind, Kind::Text(_) | Kind::Bpchar(_))
    }
}

fn sortable(value: Value<'_>) -> Option<Vec<u8>> {
    Some(match value {
        Value::Bool(truth) => vec![truth.into()],
        Value::Integer(integer) => (integer ^ i64::MIN).to_be_bytes().to_vec(),
        Value::Number(number) => number.sortable(),
        Value::Double(bits) => {
            // -0.0 sorts as 0.0 does.
            let bits = if f64::from_bits(bits) == 0.0 { 0 } else { bits };
            let sign = 1 << 63;
            (if bits & sign == 0 { bits | sign } else { !bits }).to_be_bytes().to_vec()
        }
        Value::Text(text) => text.into_owned().into_bytes(),
        Value::Bytes(bytes) => bytes.into_owned(),
        Value::Time(time) => (time ^ i128::MIN).to_be_bytes().to_vec(),
        Value::Uuid(bytes) => bytes.to_vec(),
        Value::TimeTz(..) | Value::Span(_) => return None,
    })
}
