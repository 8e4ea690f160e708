//! A cell of a remote query's answer, decoded, and the errors of cells that cannot be.

use std::borrow::Cow;
use std::fmt::Display;

use pgrx::PgSqlErrorCode as Code;

use crate::error::{Error, FOREIGN_CELL_HINT};
use crate::pg::report::Place;
use crate::pg::xact::Caught;
use crate::sqlite::rows::{display, storage_class};
use pg_sqlite_migrate_core::remote::{Decode, Type, canonical};
use pg_sqlite_migrate_core::value::batch::OnInvalid;
use pg_sqlite_migrate_core::value::buffer::OutOfMemory;
use pg_sqlite_migrate_core::value::{Cell, Decoded, Decoder, InvalidValue};

/// Decodes one result column.
pub enum CellDecoder {
    /// As it is stored.
    Column(ColumnDecoder),
    Canonical(Type),
    /// Text for the input function: a numeric, or what one is computed from.
    Number,
    Rowid,
}

pub struct ColumnDecoder {
    decoder: Decoder,
    table: String,
    column: String,
    type_name: String,
    /// An invalid value is NULL.
    lenient: bool,
}

impl CellDecoder {
    pub fn new(decode: &Decode) -> CellDecoder {
        match decode {
            Decode::Rowid => CellDecoder::Rowid,
            Decode::Canonical(type_) => CellDecoder::Canonical(*type_),
            Decode::Decimal | Decode::Quotient => CellDecoder::Number,
            Decode::Cell { table, column, pg_type, type_name, format, on_invalid, timezone, not_null } => {
                CellDecoder::Column(ColumnDecoder {
                    decoder: Decoder::new(pg_type, *format, timezone),
                    table: table.clone(),
                    column: column.clone(),
                    type_name: type_name.clone(),
                    lenient: *on_invalid == OnInvalid::Null && !not_null,
                })
            }
        }
    }

    #[inline]
    pub fn decode<'a>(&self, cell: Cell<'a>) -> Result<Decoded<'a>, InvalidValue> {
        match self {
            CellDecoder::Column(column) => match column.decoder.decode(cell) {
                Err(invalid) if column.lenient && !matches!(invalid, InvalidValue::NoMemory(_)) => {
                    Ok(Decoded::Null)
                }
                decoded => decoded,
            },
            CellDecoder::Canonical(type_) => canonical::decode(*type_, cell),
            CellDecoder::Number => match cell {
                Cell::Null => Ok(Decoded::Null),
                Cell::Integer(i) => Ok(Decoded::Input(Cow::Owned(i.to_string()))),
                Cell::Text(text) => {
                    let text = std::str::from_utf8(text).map_err(|_| InvalidValue::InvalidUtf8)?;
                    Ok(Decoded::Input(Cow::Borrowed(text)))
                }
                _ => Err(InvalidValue::Unreadable("a number's text was expected")),
            },
            CellDecoder::Rowid => match cell {
                Cell::Integer(rowid) => Ok(Decoded::Word(rowid as u64)),
                _ => Err(InvalidValue::Unreadable("a rowid is an integer")),
            },
        }
    }

    /// An invalid value is NULL.
    pub fn is_lenient(&self) -> bool {
        matches!(self, CellDecoder::Column(column) if column.lenient)
    }

    /// The error of a cell that the server does not take, with the server's SQLSTATE and message.
    #[cold]
    pub fn refuse_for(&self, caught: Caught, cell: Cell<'_>, rowid: Option<i64>) -> Error {
        let CellDecoder::Column(column) = self else { return Error::Server(Box::new(caught)) };
        Error::Server(Box::new(Caught {
            message: column.message(),
            detail: Some(column.detail(cell, &caught.message, rowid)),
            hint: Some(FOREIGN_CELL_HINT.into()),
            place: Box::new(Place::here()),
            ..caught
        }))
    }

    /// The error of a cell that cannot be decoded, or has no room in memory.
    #[cold]
    pub fn refuse(&self, cell: Cell<'_>, invalid: &InvalidValue, rowid: Option<i64>) -> Error {
        match (self, invalid) {
            (CellDecoder::Column(column), _) => column.refuse(cell, invalid, rowid),
            (CellDecoder::Canonical(_), InvalidValue::NoMemory(_)) => {
                no_memory("a value that SQLite has computed")
            }
            (_, InvalidValue::NoMemory(_)) => no_memory("a number that SQLite has computed"),
            // The remote query was printed wrongly: a bug, but no reason to go down.
            _ => Error::Foreign {
                sqlstate: Code::ERRCODE_INTERNAL_ERROR,
                message: format!(
                    "a remote query computed the {} value {}",
                    storage_class(cell),
                    display(cell)
                ),
                detail: Some(format!("{invalid}.")),
                hint: None,
            },
        }
    }
}

impl ColumnDecoder {
    fn refuse(&self, cell: Cell<'_>, invalid: &InvalidValue, rowid: Option<i64>) -> Error {
        if let InvalidValue::NoMemory(_) = invalid {
            let row = rowid.map(|rowid| format!(", row with rowid {rowid}")).unwrap_or_default();
            return no_memory(&format!("column \"{}\" of table \"{}\"{row}", self.column, self.table));
        }
        Error::Foreign {
            sqlstate: Code::ERRCODE_INVALID_TEXT_REPRESENTATION,
            message: self.message(),
            detail: Some(self.detail(cell, invalid, rowid)),
            hint: Some(FOREIGN_CELL_HINT.into()),
        }
    }

    fn message(&self) -> String {
        format!("value does not fit column \"{}\" of table \"{}\"", self.column, self.table)
    }

    fn detail(&self, cell: Cell<'_>, reason: impl Display, rowid: Option<i64>) -> String {
        let row = rowid.map_or("The ".to_owned(), |rowid| format!("Row with rowid {rowid}: the "));
        let (class, value) = (storage_class(cell), display(cell));
        format!("{row}{class} value {value} cannot become {}: {reason}.", self.type_name)
    }
}

/// 53200: memory for `what`.
#[cold]
pub fn no_memory(what: &str) -> Error {
    Error::Foreign {
        sqlstate: Code::ERRCODE_OUT_OF_MEMORY,
        message: OutOfMemory.to_string(),
        detail: Some(format!("The memory was requested for {what}.")),
        hint: None,
    }
}
