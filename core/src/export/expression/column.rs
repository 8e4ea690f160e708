//! Columns: what their values are in the file, as far as comparing them goes.

use super::{Class, Node, Of, plain};
use crate::export::columns::OutColumn;
use crate::export::convert::OnInvalid;
use crate::export::types::Family;
use crate::sqltext::sqlite_ident;
use crate::value::PgType;
use crate::value::affinity::Affinity;

/// A column of the file. Texts and numbers that SQLite would compare otherwise can still be asked for NULL.
pub(super) fn column_node(column: &OutColumn<'_>) -> Node {
    let family = match column.source.pg_type.base() {
        // A single is stored as the double that prints alike, and compared as another one.
        PgType::Float4 => Family::Other,
        // A run's own declared type may keep its values otherwise.
        _ if !keeps_class(column) => Family::Other,
        _ => column.rule.family,
    };
    let class = match family {
        Family::Boolean => Class::Boolean,
        Family::SmallInt | Family::Integer | Family::BigInt | Family::Float | Family::ShortNumeric => {
            Class::Number
        }
        Family::Text | Family::Varchar | Family::Char if column.nocase => {
            let why = format!("column \"{}\" has a collation of its own", column.source.name);
            return other(column, why);
        }
        Family::Text | Family::Varchar | Family::Char if column.by_bytes => Class::Bytes,
        Family::Text | Family::Varchar | Family::Char => Class::Text,
        Family::Date if column.format.is_none() => Class::Date,
        Family::Timestamp if column.format.is_none() && column.spelling.is_none() => Class::Timestamp,
        Family::Other if column.source.labels.is_some() => Class::Named,
        _ => {
            let (name, of) = (&column.source.name, &column.source.type_name);
            return other(column, format!("column \"{name}\" of type {of} compares otherwise in SQLite"));
        }
    };
    if column.on_invalid == OnInvalid::Text && !matches!(class, Class::Text | Class::Bytes | Class::Named) {
        return other(
            column,
            format!("column \"{}\" may hold texts in place of its values", column.source.name),
        );
    }
    let of = match family {
        // Its integers are stored as reals, and divided as such.
        Family::SmallInt | Family::Integer | Family::BigInt if column.affinity == Affinity::Real => {
            Of::Double
        }
        Family::SmallInt => Of::SmallInt,
        Family::Integer => Of::Integer,
        Family::BigInt => Of::BigInt,
        Family::ShortNumeric => Of::Numeric,
        Family::Float => Of::Double,
        Family::Char => Of::Padded,
        _ => Of::Other,
    };
    Node { of, ..plain(sqlite_ident(&column.name), class) }
}

fn other(column: &OutColumn<'_>, why: String) -> Node {
    Node { why: Some(why), ..plain(sqlite_ident(&column.name), Class::Other) }
}

/// The column's affinity leaves its values in the storage class that comparisons count on.
pub(super) fn keeps_class(column: &OutColumn<'_>) -> bool {
    match column.rule.family {
        Family::Text | Family::Varchar | Family::Char => {
            matches!(column.affinity, Affinity::Text | Affinity::Blob)
        }
        Family::Boolean
        | Family::SmallInt
        | Family::Integer
        | Family::BigInt
        | Family::Float
        | Family::ShortNumeric => column.affinity != Affinity::Text,
        _ => true,
    }
}
