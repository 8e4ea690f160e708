//! A database against a manifest. A table that the caller may not read, or whose rows policies hide, is a row that says so.

use std::convert::Infallible;

use pgrx::{PgSqlErrorCode, pg_sys};
use serde_json::Value;

use crate::error::Error;
use crate::pg::relation::{self, Attribute};
use crate::pg::{cursor, memory, reading, xact};
use pg_sqlite_migrate_core::manifest::canonical;
use pg_sqlite_migrate_core::manifest::check::{Check, Checks, Place, worst_first};
use pg_sqlite_migrate_core::manifest::document::{Column, Table};
use pg_sqlite_migrate_core::manifest::form::Form;
use pg_sqlite_migrate_core::manifest::given;
use pg_sqlite_migrate_core::manifest::sums::Sums;
use pg_sqlite_migrate_core::sqltext::ident;
use pg_sqlite_migrate_core::value::buffer;
use pg_sqlite_migrate_core::value::native::Native;

pub fn verify(manifest: &Value, schema: Option<&str>) -> Result<Vec<Check>, Error> {
    let mut out = vec![];
    for table in &given::parse(manifest)?.tables {
        out.extend(of_table(schema.unwrap_or(&table.schema), table)?);
    }
    worst_first(&mut out);
    Ok(out)
}

fn of_table(schema: &str, table: &Table) -> Result<Vec<Check>, Error> {
    let mut checks = Checks::new(schema, table);
    let Some(relation) = relation::find(schema, &table.target) else {
        return Ok(checks.unreadable(true, "there is no such table".into()));
    };
    let from = match reading::from(relation) {
        Ok(from) => from,
        Err(reason) => return Ok(checks.unreadable(false, reason)),
    };
    let attributes = relation::attributes(relation);
    let mut read = vec![];
    for column in &table.columns {
        let attribute = attributes.iter().find(|attribute| attribute.name == column.target);
        let place = attribute.map(|attribute| Place {
            pg_type: attribute.pg_type.to_string(),
            form: Form::of(&attribute.pg_type),
        });
        if checks.place(column, place.as_ref()) {
            read.extend(attribute.map(|attribute| (column, attribute)));
        }
    }
    match sums(&from, &read)? {
        Ok(sums) => Ok(checks.sums(&read.iter().map(|(column, _)| *column).collect::<Vec<_>>(), &sums)),
        Err(reason) => Ok(checks.unreadable(false, reason)),
    }
}

/// Raises an error where there is no memory to read a value into its parts.
fn hold_room(form: Form, value: &Native<'_>) {
    let (Native::Printed(text) | Native::Text(text)) = value else { return };
    if buffer::afford(canonical::room(form, text.len())).is_err() {
        memory::exhausted("a value");
    }
}

/// The rows, or why the caller may not read them.
fn sums(from: &str, columns: &[(&Column, &Attribute)]) -> Result<Result<Sums, String>, Error> {
    let list: Vec<String> = columns.iter().map(|(_, attribute)| ident(&attribute.name)).collect();
    let types: Vec<pg_sys::Oid> = columns.iter().map(|(_, attribute)| attribute.type_oid).collect();
    let forms: Vec<Form> = columns.iter().map(|(column, _)| column.form).collect();
    let read = || -> Result<Sums, Infallible> {
        let _settings = reading::guarded();
        Ok(cursor::with(&format!("SELECT {} FROM {from}", list.join(", ")), &types, |cursor| {
            let mut sums = Sums::new(forms.iter().copied());
            while cursor.advance() {
                for (at, form) in forms.iter().enumerate() {
                    let value = cursor.value(at);
                    hold_room(*form, &value);
                    sums.add(canonical::of_native(*form, &value));
                }
                sums.end_row();
            }
            sums
        }))
    };
    match xact::attempt(read) {
        Ok(Ok(sums)) => Ok(Ok(sums)),
        Ok(Err(never)) => match never {},
        Err(caught) if caught.sqlstate == PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE => {
            Ok(Err(caught.message))
        }
        Err(caught) => Err(Error::Server(Box::new(caught))),
    }
}
