//! A value on its way into one column of the file.

use pgrx::PgSqlErrorCode as Code;

use super::decode::no_memory;
use crate::error::Error;
use pg_sqlite_migrate_core::remote::{Column, Table};
use pg_sqlite_migrate_core::value::CellBuf;
use pg_sqlite_migrate_core::value::encode::{Encoder, Refusal};
use pg_sqlite_migrate_core::value::native::Native;

pub struct ColumnWriter {
    column: String,
    table: String,
    encoder: Encoder,
}

impl ColumnWriter {
    pub fn new(table: &Table, column: &Column) -> ColumnWriter {
        let zone = table.timezone.clone().unwrap_or_default();
        ColumnWriter {
            column: column.name.clone(),
            table: table.name.clone(),
            encoder: Encoder::new(&column.pg_type, column.format, column.affinity, &zone),
        }
    }

    pub fn encode<'a>(&self, value: &'a Native<'_>) -> Result<CellBuf<'a>, Error> {
        self.encoder.encode(value).map_err(|refusal| self.refused(&refusal))
    }

    /// `None` for a value that the column cannot store.
    pub fn storable<'a>(&self, value: &'a Native<'_>) -> Result<Option<CellBuf<'a>>, Error> {
        match self.encoder.encode(value) {
            Err(refusal @ Refusal::NoMemory(_)) => Err(self.refused(&refusal)),
            encoded => Ok(encoded.ok()),
        }
    }

    #[cold]
    fn refused(&self, refusal: &Refusal) -> Error {
        let sqlstate = match refusal {
            Refusal::NoMemory(_) => {
                return no_memory(&format!("column \"{}\" of table \"{}\"", self.column, self.table));
            }
            Refusal::NotANumber | Refusal::Changed(_) | Refusal::Unreadable(_) | Refusal::Geometry(_) => {
                Code::ERRCODE_FEATURE_NOT_SUPPORTED
            }
            Refusal::Inexact(_) | Refusal::Year => Code::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
        };
        Error::Foreign {
            sqlstate,
            message: format!(
                "value cannot be stored in column \"{}\" of table \"{}\"",
                self.column, self.table
            ),
            detail: Some(format!("{refusal}.")),
            hint: None,
        }
    }
}
