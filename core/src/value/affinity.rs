//! How SQLite converts a value that is stored in a column: <https://www.sqlite.org/datatype3.html>. Pure.

use super::{Cell, CellBuf, number};

/// <https://www.sqlite.org/datatype3.html#determination_of_column_affinity>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Affinity {
    Integer,
    Real,
    Numeric,
    Text,
    /// Values stay as they are written.
    #[default]
    Blob,
}

impl Affinity {
    /// The affinity that a declared type gives to its column.
    pub fn of(declared: &str) -> Affinity {
        let t = declared.to_ascii_uppercase();
        let has = |needle: &str| t.contains(needle);
        if has("INT") {
            Affinity::Integer
        } else if has("CHAR") || has("CLOB") || has("TEXT") {
            Affinity::Text
        } else if t.trim().is_empty() || has("BLOB") {
            Affinity::Blob
        } else if has("REAL") || has("FLOA") || has("DOUB") {
            Affinity::Real
        } else {
            Affinity::Numeric
        }
    }

    /// The value as it is read after it was stored. `None` if that depends on how SQLite parses or prints the digits of
    /// a real, which is not always exact to the last bit.
    pub fn stored<'a>(self, cell: Cell<'a>) -> Option<CellBuf<'a>> {
        match (self, cell) {
            (_, Cell::Null) => Some(CellBuf::Null),
            (_, Cell::Blob(bytes)) => Some(CellBuf::Blob(bytes.into())),
            (Affinity::Text, Cell::Integer(i)) => Some(CellBuf::text(i.to_string())),
            (Affinity::Text, Cell::Real(_)) => None,
            // `sqlite3VdbeIntegerAffinity`: the ends of the range stay reals.
            (Affinity::Integer | Affinity::Numeric, Cell::Real(r)) => Some(match number::integral(r) {
                Some(i) if i != i64::MIN && i != i64::MAX => CellBuf::Integer(i),
                _ => CellBuf::Real(r),
            }),
            (Affinity::Real, Cell::Integer(i)) => Some(CellBuf::Real(i as f64)),
            (Affinity::Integer | Affinity::Numeric | Affinity::Real, Cell::Text(text)) if is_number(text) => {
                let integer = number::canonical_integer(text)?;
                Some(if self == Affinity::Real {
                    CellBuf::Real(integer as f64)
                } else {
                    CellBuf::Integer(integer)
                })
            }
            (_, Cell::Integer(i)) => Some(CellBuf::Integer(i)),
            (_, Cell::Real(r)) => Some(CellBuf::Real(r)),
            (_, Cell::Text(text)) => std::str::from_utf8(text).ok().map(|t| CellBuf::Text(t.into())),
        }
    }
}

/// Whether a text is a numeric literal, with spaces around it, to a column of numeric affinity.
fn is_number(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let numeric = |b: &u8| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E');
    // Its exponent may be beyond those of a decimal. A date or a UUID has a sign between digits.
    let signed = |pair: &[u8]| pair[0].is_ascii_digit() && matches!(pair[1], b'-' | b'+');
    number::Decimal::parse(text).is_some()
        || text.iter().all(numeric) && text.iter().any(u8::is_ascii_digit) && !text.windows(2).any(signed)
}
