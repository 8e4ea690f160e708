//! Copies the rows of one table: the backend reads them through a cursor and converts them, a helper thread writes them.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use pgrx::{PgSqlErrorCode as Code, pg_sys};

use crate::error::Error;
use crate::newfile::refused;
use crate::pg::cursor::{self, Cursor};
use crate::pg::progress::{Command, Progress, Work};
use crate::pg::rights::Acting;
use crate::pg::settings::{LocalSettings, Reads};
use crate::pg::{encoding, reading, relation, spi, thread};
use crate::sqlite;
use crate::sqlite::create::{NewFile, Rows};
use pg_sqlite_migrate_core::export::catalog::TableKind;
use pg_sqlite_migrate_core::export::columns::{OutColumn, is_text};
use pg_sqlite_migrate_core::export::convert::{Changed, Converter, Refused, Shape, spelled};
use pg_sqlite_migrate_core::export::planned::OutTable;
use pg_sqlite_migrate_core::export::sums::Sums;
use pg_sqlite_migrate_core::export::types::{Family, Form};
use pg_sqlite_migrate_core::finding::counted;
use pg_sqlite_migrate_core::shorten;
use pg_sqlite_migrate_core::sqltext::ident;
use pg_sqlite_migrate_core::value::native::Native;
use pg_sqlite_migrate_core::value::{Cell, CellBuf, Timezone};

/// What is handed over at once.
const ROWS: usize = 500;
const BYTES: usize = 1 << 20;

/// Rows that were written, to be filled again.
struct Wanted(Rows);

/// Copies a table, as `command` shows to other sessions; gives the number of its rows, and what is to be said of its values.
pub fn copy(
    file: &mut NewFile,
    table: &OutTable<'_>,
    timezone: &Timezone,
    command: Command,
) -> Result<(u64, Option<String>), Error> {
    let names: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    let shown = Progress::start(of_table(table, command));
    let (copied, told) = read(table, timezone, |source, cursor| {
        let (mut bytes, mut tuples) = (0, 0);
        let (batches, inbox) = channel();
        let target = table.name.clone();
        let write = move |mut outbox: thread::Outbox<'_, Wanted>| {
            // Rows are read while others are written.
            outbox.send(Wanted(Rows::default()));
            file.insert(&target, &names, |written| {
                outbox.send(Wanted(written));
                received(&inbox)
            })
        };
        thread::run_with(write, |Wanted(written)| {
            bytes += written.size() as u64;
            tuples += written.count(table.columns.len()) as u64;
            shown.update(bytes, tuples, 0);
            let _ = batches.send(source.next(cursor, written));
        })
    })?;
    Ok((copied.map_err(|e| Error::Sqlite(e.within(&table.name)))?, told))
}

/// The sums over the cells that the rows become.
pub fn sums(table: &OutTable<'_>, timezone: &Timezone) -> Result<Sums, Error> {
    let compared = Command { work: Work::Verify, ..Command::default() };
    let shown = Progress::start(of_table(table, compared));
    let (sums, _) = read(table, timezone, |source, cursor| {
        let (mut sums, mut rows) = (Sums::new(table.columns.len()), Rows::default());
        while let Some(found) = source.next(cursor, rows) {
            for row in found.rows(table.columns.len()) {
                // A cell whose stored form nobody can tell is taken as it is written.
                let stored =
                    row.zip(&table.columns).map(|(cell, column)| (cell, column.affinity.stored(cell)));
                let stored: Vec<(Cell<'_>, Option<CellBuf<'_>>)> = stored.collect();
                sums.add(stored.iter().map(|(cell, stored)| stored.as_ref().map_or(*cell, CellBuf::as_cell)));
            }
            shown.update(0, sums.rows, 0);
            rows = found;
        }
        sums
    })?;
    Ok(sums)
}

/// The command, about this table.
fn of_table(table: &OutTable<'_>, command: Command) -> Command {
    const EXPECTED: &str = "SELECT coalesce((SELECT sum(greatest(c.reltuples, 0)) FROM pg_partition_tree($1) AS t
                                             JOIN pg_class AS c ON c.oid = t.relid WHERE t.isleaf),
                                            (SELECT greatest(reltuples, 0) FROM pg_class WHERE oid = $1), 0)::bigint";
    let relation = pg_sys::Oid::from(table.source.id);
    let tuples_total = spi::value(EXPECTED, &[relation.into()]).unwrap_or(0);
    Command { relation, tuples_total, ..command }
}

/// Opens the table for `consume`; gives what comes of it, and what is to be said of the values.
fn read<T>(
    table: &OutTable<'_>,
    timezone: &Timezone,
    consume: impl FnOnce(&mut Source<'_>, &mut Cursor) -> T,
) -> Result<(T, Option<String>), Error> {
    let relation = pg_sys::Oid::from(table.source.id);
    let _acting = acting(table, relation)?;
    // The last that is set is the first that is undone.
    let _settings = match table.source.kind {
        TableKind::View => reading::guarded_with_views(),
        _ => reading::guarded(),
    };
    let _printing = LocalSettings::printing(Reads::Everything);
    let reading = Reading::of(table, relation, timezone);
    let changed = vec![[0; 4]; table.columns.len()];
    let mut source = Source { table, reading: &reading, changed, error: None, done: false };
    let outcome =
        cursor::with_statements_snapshot(&reading.sql, &reading.types, |cursor| consume(&mut source, cursor));
    let told = source.told();
    match source.error {
        Some(error) => Err(error),
        None => Ok((outcome, told)),
    }
}

/// The next rows; none at the end, or where the backend has stopped.
fn received(inbox: &Receiver<Option<Rows>>) -> Option<Rows> {
    loop {
        match inbox.recv_timeout(Duration::from_millis(20)) {
            Ok(rows) => return rows,
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) if thread::stopping() => return None,
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// A query on a table of an untrusted role's may run its code, in expressions of indexes and statistics that the planner
/// looks at: it is run with that role's rights. That the caller may read the table was checked before.
fn acting(table: &OutTable<'_>, relation: pg_sys::Oid) -> Result<Option<Acting>, Error> {
    match reading::outsider(relation) {
        Ok(owner) => Ok(owner.map(Acting::restricted_as)),
        // A partition has come since.
        Err(reason) => {
            let message = format!("{}: the table cannot be read: {reason}", table.name);
            Err(refused(Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, message, None, None))
        }
    }
}

/// How the rows are read.
struct Reading {
    sql: String,
    types: Vec<pg_sys::Oid>,
    converters: Vec<Converter>,
    /// The bytes of the column's texts are read: the database has no encoding.
    as_bytes: Vec<bool>,
}

impl Reading {
    fn of(table: &OutTable<'_>, relation: pg_sys::Oid, timezone: &Timezone) -> Reading {
        let attributes = relation::attributes(relation);
        let type_of = |name: &str| attributes.iter().find(|a| a.name == name).map(|a| a.type_oid);
        let ascii = encoding::server_is_sql_ascii();
        let mut reading = Reading { sql: String::new(), types: vec![], converters: vec![], as_bytes: vec![] };
        let mut list = vec![];
        for column in &table.columns {
            let as_bytes = ascii && holds_text(column);
            let name = ident(&column.source.name);
            list.push(match as_bytes {
                true if is_text(&column.source.pg_type) => {
                    format!("pg_catalog.convert_to({name}::pg_catalog.text, 'SQL_ASCII')")
                }
                // A cast of another type may be anyone's function; `%s` is the type's output.
                true => format!(
                    "CASE WHEN {name} IS DISTINCT FROM NULL
                          THEN pg_catalog.convert_to(pg_catalog.format('%s', {name}), 'SQL_ASCII') END"
                ),
                false => name,
            });
            let of = if as_bytes { None } else { type_of(&column.source.name) };
            reading.types.push(of.unwrap_or(pg_sys::BYTEAOID));
            reading.as_bytes.push(as_bytes);
            reading.converters.push(Converter::new(&Shape {
                pg_type: &column.source.pg_type,
                form: column.form,
                format: column.format,
                affinity: column.affinity,
                timezone,
                spelling: column.spelling.as_ref().map(|(_, spelling)| spelling),
                on_invalid: column.on_invalid,
            }));
        }
        // Tables that inherit from it are tables of their own, partitions are not.
        let only = if relation::kind(relation) == Some('r') { "ONLY " } else { "" };
        let from = format!("{only}{}.{}", ident(&table.source.schema), ident(&table.source.name));
        reading.sql = format!("SELECT {} FROM {from}", list.join(", "));
        reading
    }
}

fn holds_text(column: &OutColumn<'_>) -> bool {
    match column.rule.family {
        Family::LongNumeric | Family::Money => false,
        Family::Text | Family::Varchar | Family::Char => true,
        _ => matches!(column.form, Form::Printed | Form::Array | Form::Pairs | Form::JsonB),
    }
}

/// The table as it is read.
struct Source<'s> {
    table: &'s OutTable<'s>,
    reading: &'s Reading,
    /// How many values of each column have become NULL, text, another number.
    changed: Vec<[u64; 4]>,
    error: Option<Error>,
    done: bool,
}

impl Source<'_> {
    /// The next rows, in the memory of others. `None` at the end, and at an error, which is kept.
    fn next(&mut self, cursor: &mut Cursor, mut rows: Rows) -> Option<Rows> {
        rows.clear();
        let mut count = 0;
        while !self.done && count < ROWS && rows.size() < BYTES {
            if !cursor.advance() {
                self.done = true;
                break;
            }
            for at in 0..self.table.columns.len() {
                if let Err(error) = self.cell(cursor, at, &mut rows) {
                    self.done = true;
                    self.error = Some(error);
                    return None;
                }
            }
            count += 1;
        }
        (count > 0).then_some(rows)
    }

    /// Adds what a value becomes.
    fn cell(&mut self, cursor: &Cursor, at: usize, rows: &mut Rows) -> Result<(), Error> {
        let (Some(converter), Some(as_bytes)) =
            (self.reading.converters.get(at), self.reading.as_bytes.get(at))
        else {
            return Ok(());
        };
        let value = cursor.value(at);
        let value = match (&value, as_bytes) {
            (Native::Bytes(bytes), true) => match (std::str::from_utf8(bytes), self.table.columns[at].form) {
                (Ok(text), Form::Value) => Native::Text(text.trim_end_matches('\0').into()),
                (Ok(text), _) => Native::Printed(text.into()),
                (Err(_), _) => return Err(self.not_utf8(cursor, at)),
            },
            _ => value,
        };
        let (cell, changed) = match converter.convert(&value) {
            Ok(converted) => converted,
            Err(Refused::NoMemory) => return Err(self.no_memory()),
            Err(Refused::Value(reason)) => return Err(self.invalid(cursor, at, &value, &reason)),
        };
        if let Some(counts) = changed.and_then(|changed| self.changed.get_mut(at)?.get_mut(changed as usize))
        {
            *counts += 1;
        }
        rows.push(cell.as_cell()).map_err(|_| self.no_memory())
    }

    fn no_memory(&self) -> Error {
        Error::Sqlite(sqlite::Error::NoMemory { path: "".into(), object: Some(self.table.name.clone()) })
    }

    fn not_utf8(&self, cursor: &Cursor, at: usize) -> Error {
        let message = self.message(at);
        let detail = format!("{}: the text is not valid UTF-8.", self.row(cursor));
        let hint = "Correct the text, or leave the column out.".into();
        refused(Code::ERRCODE_UNTRANSLATABLE_CHARACTER, message, Some(detail), Some(hint))
    }

    fn invalid(&self, cursor: &Cursor, at: usize, value: &Native<'_>, reason: &str) -> Error {
        let shown = spelled(value).map(|text| shorten::text(&text).into_owned()).unwrap_or_default();
        let detail = format!("{}: {shown} cannot be stored exactly: {reason}.", self.row(cursor));
        let hint = match self.table.columns[at].form {
            Form::Coordinate(_) => "Correct the row, or leave the table out by its \"skip\".",
            _ => {
                "Set \"on_invalid\" of the column or of the plan to \"null\" or \"text\", or choose another format."
            }
        };
        let hint = hint.into();
        refused(Code::ERRCODE_DATA_EXCEPTION, self.message(at), Some(detail), Some(hint))
    }

    fn message(&self, at: usize) -> String {
        let (table, column) = (&self.table.source, &self.table.columns[at].source.name);
        format!(
            "value of column \"{column}\" of table \"{}.{}\" does not fit into SQLite",
            table.schema, table.name
        )
    }

    /// By its primary key, or by its first column.
    fn row(&self, cursor: &Cursor) -> String {
        let key = self.table.source.keys.iter().find(|key| key.primary);
        let is_part = |name: &String| key.is_none_or(|key| key.columns.contains(name));
        let columns =
            self.table.columns.iter().enumerate().filter(|(_, column)| is_part(&column.source.name));
        let part = |(at, column): (usize, &OutColumn<'_>)| {
            let value = cursor.value(at);
            let text = spelled(&value).map_or("NULL".into(), |text| shorten::text(&text).into_owned());
            format!("{} = {text}", column.source.name)
        };
        let parts: Vec<String> = columns.take(if key.is_some() { 10 } else { 1 }).map(part).collect();
        format!("Row with {}", parts.join(", "))
    }

    /// How many values are not what they were.
    fn told(&self) -> Option<String> {
        const WORDS: [(Changed, &str); 4] = [
            (Changed::Null, "NULL"),
            (Changed::Text, "text"),
            (Changed::Rounded, "the nearest double"),
            (Changed::Respelled, "another spelling"),
        ];
        let mut parts = vec![];
        for (column, counts) in self.table.columns.iter().zip(&self.changed) {
            for (kind, became) in WORDS {
                let count = counts[kind as usize];
                let became = match (kind, column.form) {
                    (Changed::Rounded, Form::Coordinate(_)) => "a number of 32 bits",
                    _ => became,
                };
                if count > 0 {
                    parts.push(format!(
                        "{}: {} {became}",
                        column.source.name,
                        counted(count, "value became", "values became")
                    ));
                }
            }
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}
