//! Changes of single rows, and what has to hold before anything is changed.

// The server's errors are as large as they are, and rare.
#![allow(clippy::result_large_err)]

mod statement;

use std::cell::Cell as Flag;
use std::rc::Rc;

use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::panic::ErrorReport;

use super::connection::{Connection, Handle, Reach, raised};
use super::executor::transaction;
use super::options::{ServerOptions, TableOptions};
use super::relation;
use super::scan::{Binding, Reader, Scan, emit, no_memory};
use super::seam;
use super::seam::{Change, Direct, Operation, Relation, RowKey, Sink};
use crate::error::Error;
use crate::pg::rights;
use crate::sqlite::Session;
use crate::sqlite::session::RowView;
use pg_sqlite_migrate_core::remote::compute::Rule;
use pg_sqlite_migrate_core::remote::deparse;
use pg_sqlite_migrate_core::remote::{Column, ParameterForm, Proof, Table, Tables, Var, canonical};
use pg_sqlite_migrate_core::sqltext::sqlite_ident;
use pg_sqlite_migrate_core::value::encode::{Encoder, Refusal};
use pg_sqlite_migrate_core::value::native::Native;
use pg_sqlite_migrate_core::value::{Cell, CellBuf, PgType};

/// Commands by `1 << CmdType`.
const UPDATE: i32 = 1 << 2;
const INSERT: i32 = 1 << 3;
const DELETE: i32 = 1 << 4;

/// What may be done to a foreign table, as its options and the owner's rights say.
pub fn updatable(relation: &Relation) -> Result<i32, Error> {
    let server = ServerOptions::of(&relation.server)?;
    if why_read_only(relation, &server).is_some() {
        return Ok(0);
    }
    let table = relation::table(relation)?;
    let named = table.rowid.is_some() || !table.key.is_empty();
    Ok(match (table.is_view, named) {
        (true, _) => 0,
        (false, true) => INSERT | UPDATE | DELETE,
        (false, false) => INSERT,
    })
}

/// Options and the owner's rights let the table be changed.
pub fn check_writable(relation: &Relation) -> Result<(), Error> {
    why_read_only(relation, &ServerOptions::of(&relation.server)?).map_or(Ok(()), Err)
}

pub fn batch_size(relation: &Relation) -> Result<i32, Error> {
    let server = ServerOptions::of(&relation.server)?;
    Ok(TableOptions::of(relation).batch_size.unwrap_or(server.batch_size))
}

fn why_read_only(relation: &Relation, server: &ServerOptions) -> Option<Error> {
    let name = &relation.server.name;
    let (sqlstate, detail, hint) = if server.force_readonly {
        let hint = format!(
            "Option \"force_readonly\", \"immutable\" or \"wal\" of server \"{name}\" forbids changes."
        );
        (Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, None, hint)
    } else if !TableOptions::of(relation).updatable.unwrap_or(server.updatable) {
        let hint =
            format!("Set option \"updatable\" of the foreign table, or of server \"{name}\", to 'true'.");
        (Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, None, hint)
    } else if !rights::may_write_server_files(relation.server.owner) {
        let detail = format!("The owner of server \"{name}\" is not a member of \"pg_write_server_files\".");
        let hint = "A superuser can run: GRANT pg_write_server_files TO the owner.".to_string();
        (Code::ERRCODE_INSUFFICIENT_PRIVILEGE, Some(detail), hint)
    } else {
        return None;
    };
    let message = format!("foreign table \"{}\" is read-only", relation.name);
    Some(Error::Foreign { sqlstate, message, detail, hint: Some(hint) })
}

/// The connection, open for writing, when the table may be changed.
fn writable(relation: &Relation) -> Result<Rc<Connection>, Error> {
    check_writable(relation)?;
    let connection = Connection::of(&relation.server)?;
    connection.make_writable(&relation.server, &ServerOptions::of(&relation.server)?)?;
    let table = TableOptions::of(relation).table;
    match connection.strange_order(&table)? {
        Some((index, collation)) => Err(Error::Foreign {
            sqlstate: Code::ERRCODE_FEATURE_NOT_SUPPORTED,
            message: format!("foreign table \"{}\" cannot be changed", relation.name),
            detail: Some(format!(
                "Index \"{index}\" of the file uses collation \"{collation}\", which only the file's application defines."
            )),
            hint: Some("Change the rows with the application.".into()),
        }),
        None => Ok(connection),
    }
}

/// `cascade` is the server's word for foreign keys of its own; the file's decide by themselves.
pub fn truncate(relation: &Relation, _cascade: bool) -> Result<(), Error> {
    let server = ServerOptions::of(&relation.server)?;
    if !TableOptions::of(relation).truncatable.unwrap_or(server.truncatable) {
        return Err(Error::Foreign {
            sqlstate: Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            message: format!("foreign table \"{}\" does not allow truncates", relation.name),
            detail: None,
            hint: Some(
                "Set option \"truncatable\" of the foreign table, or of its server, to 'true'.".into(),
            ),
        });
    }
    let connection = writable(relation)?;
    let table = relation::table(relation)?;
    let reach = connection.reach(&table.name)?;
    // A utility command: what follows it in the transaction may have the same number.
    let session = connection.change(&reach, None)?;
    session.run(&format!("DELETE FROM main.{}", sqlite_ident(&table.name)), &[]).map(drop).map_err(raised)
}

/// Runs a shipped UPDATE or DELETE.
pub fn begin_direct(relation: &Relation, direct: &Direct) -> Result<Scan, Error> {
    let connection = writable(relation)?;
    let table = planned(relation, &connection, &direct.remote.proofs)?;
    let bindings = direct.remote.parameters.iter().enumerate().map(|(at, parameter)| {
        let stored = direct.stored.iter().find(|(position, _)| *position == at);
        match stored.and_then(|(_, attribute)| table.column(*attribute)) {
            Some(column) if parameter.form == ParameterForm::Refused => {
                Binding::Refused(Box::new(Writer::new(&table, column)))
            }
            Some(column) => Binding::Stored(Box::new(Writer::new(&table, column))),
            None => Binding::Query(parameter.clone()),
        }
    });
    let reach = connection.reach(&table.name)?;
    Scan::direct(&connection, &direct.remote, bindings.collect(), reach)
}

/// The table that a change was planned for, as it was then.
fn planned(relation: &Relation, connection: &Rc<Connection>, proofs: &[Proof]) -> Result<Table, Error> {
    connection.briefly(|connection, session| connection.prove(session, proofs))?;
    relation::table(relation)
}

/// The statement that a change runs per row.
pub fn change_sql(relation: &Relation, change: &Change) -> Result<Option<String>, Error> {
    let table = relation::table(relation)?;
    Ok(Some(statement::change(&table, change, statement::KeyForm::Stored)))
}

/// Writes the values of one column.
pub struct Writer {
    column: String,
    table: String,
    encoder: Encoder,
}

impl Writer {
    fn new(table: &Table, column: &Column) -> Writer {
        let zone = table.timezone.clone().unwrap_or_default();
        Writer {
            column: column.name.clone(),
            table: table.name.clone(),
            encoder: Encoder::new(&PgType::parse(&column.pg_type), column.format, column.affinity, &zone),
        }
    }

    pub fn encode<'a>(&self, value: &'a Native<'_>) -> Result<CellBuf<'a>, Error> {
        self.encoder.encode(value).map_err(|refusal| self.refused(&refusal))
    }

    /// `None` for a value that the column cannot keep.
    pub fn kept<'a>(&self, value: &'a Native<'_>) -> Result<Option<CellBuf<'a>>, Error> {
        match self.encoder.encode(value) {
            Err(refusal @ Refusal::NoMemory(_)) => Err(self.refused(&refusal)),
            encoded => Ok(encoded.ok()),
        }
    }

    #[cold]
    fn refused(&self, refusal: &Refusal) -> Error {
        if let Refusal::NoMemory(_) = refusal {
            return no_memory(&format!("column \"{}\" of table \"{}\"", self.column, self.table));
        }
        Error::Foreign {
            sqlstate: match refusal {
                Refusal::NotANumber | Refusal::Changed(_) | Refusal::Unreadable(_) | Refusal::NoMemory(_) => {
                    Code::ERRCODE_FEATURE_NOT_SUPPORTED
                }
                Refusal::Inexact(_) | Refusal::Year => Code::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
            },
            message: format!(
                "value cannot be stored in column \"{}\" of table \"{}\"",
                self.column, self.table
            ),
            detail: Some(format!("{refusal}.")),
            hint: None,
        }
    }
}

/// A column that names rows.
struct Key {
    writer: Writer,
    has_canonical: bool,
}

pub struct Modify {
    connection: Rc<Connection>,
    reach: Rc<Reach>,
    command: u32,
    /// What still has to be proven in the transaction that writes.
    unproven: Flag<Option<Proof>>,
    table: String,
    /// By position in `Change::attributes`; `None` where SQLite computes the column.
    writers: Vec<Option<Writer>>,
    keys: Vec<Key>,
    returning: Vec<Reader>,
    handle: Handle,
    /// Compares the key in canonical form: the file may hold it in another form than is written.
    by_value: Option<Handle>,
}

impl Modify {
    pub fn begin(relation: &Relation, change: &Change) -> Result<Modify, Error> {
        let connection = writable(relation)?;
        let table = planned(relation, &connection, &[change.proof])?;
        let writer = |attribute: &i16| {
            table.column(*attribute).filter(|c| !c.generated).map(|column| Writer::new(&table, column))
        };
        let keys: Vec<Key> = (change.key.iter())
            .filter_map(|attribute| table.column(*attribute))
            .map(|column| Key {
                writer: Writer::new(&table, column),
                has_canonical: canonical::type_of(&column.pg_type).is_some() && !column.is_rowid,
            })
            .collect();
        let by_value = keys.iter().any(|k| k.has_canonical) && change.operation != Operation::Insert;
        let sql = |form| statement::change(&table, change, form);
        Ok(Modify {
            reach: connection.reach(&table.name)?,
            command: transaction::command_id(),
            unproven: Flag::new(Some(change.proof)),
            writers: change.attributes.iter().map(writer).collect(),
            returning: change.returning.iter().filter_map(|a| reader(&table, *a)).collect(),
            handle: Handle::new(sql(statement::KeyForm::Stored)),
            by_value: by_value.then(|| Handle::new(sql(statement::KeyForm::Canonical))),
            keys,
            table: table.name,
            connection,
        })
    }

    /// The cells of a row, in the order of the statement's parameters.
    fn cells<'a>(&'a self, row: &'a [Native<'_>]) -> impl Iterator<Item = Result<CellBuf<'a>, Error>> {
        let written = self.writers.iter().zip(row).filter_map(|(w, value)| Some((w.as_ref()?, value)));
        written.map(|(writer, value)| writer.encode(value))
    }

    /// The session, ready for a change. It may have begun to write only now, in a newer state of the file.
    fn session(&self) -> Result<Rc<Session>, Error> {
        let session = self.connection.change(&self.reach, Some(self.command))?;
        if let Some(proof) = self.unproven.take() {
            self.connection.prove(&session, &[proof])?;
        }
        Ok(session)
    }

    /// Hot: nothing is allocated for a row.
    fn insert_row(&self, row: &[Native<'_>], sink: &mut impl Sink) -> Result<bool, Error> {
        if !self.returning.is_empty() {
            let cells: Vec<CellBuf<'_>> = self.cells(row).collect::<Result<_, _>>()?;
            return Ok(self.run(&self.handle, &cells, sink)? > 0);
        }
        let session = self.session()?;
        let id = self.handle.on(&session)?;
        match session.execute(id, self.cells(row)) {
            Err(Error::Sqlite(error)) => Err(raised(error)),
            changed => Ok(changed? > 0),
        }
    }

    /// Changes the row with this key: as it would be written, or else by what it means.
    fn change(&self, key: &RowKey<'_>, row: &[Native<'_>], sink: &mut impl Sink) -> Result<bool, Error> {
        let mut cells: Vec<CellBuf<'_>> = self.cells(row).collect::<Result<_, _>>()?;
        let fixed = cells.len();
        let values = match key {
            RowKey::Rowid(rowid) => {
                cells.push(CellBuf::Integer(*rowid));
                return Ok(self.run(&self.handle, &cells, sink)? > 0);
            }
            RowKey::Values(values) => values,
        };
        let stored = self.keys.iter().zip(values).map(|(k, value)| k.writer.kept(value).transpose());
        let stored: Option<Result<Vec<CellBuf<'_>>, Error>> = stored.collect();
        // What cannot be written may still be there in another form.
        if let Some(stored) = stored.transpose()? {
            cells.extend(stored);
            if self.one(self.run(&self.handle, &cells, sink)?)? {
                return Ok(true);
            }
            cells.truncate(fixed);
        }
        let Some(by_value) = &self.by_value else { return Ok(false) };
        for (key, value) in self.keys.iter().zip(values) {
            let cell = if key.has_canonical { canonical::encode(value) } else { None };
            cells.push(match cell {
                Some(cell) => cell,
                None => key.writer.encode(value)?,
            });
        }
        self.one(self.run(by_value, &cells, sink)?)
    }

    fn one(&self, changed: u64) -> Result<bool, Error> {
        if changed <= 1 {
            return Ok(changed == 1);
        }
        Err(Error::Foreign {
            sqlstate: Code::ERRCODE_CARDINALITY_VIOLATION,
            message: format!("the key of table \"{}\" identifies {changed} rows", self.table),
            detail: None,
            hint: Some("Set option \"key\" on columns that are unique together.".into()),
        })
    }

    /// Runs a statement to its end: only there have all constraints been checked.
    fn run(&self, handle: &Handle, cells: &[CellBuf<'_>], sink: &mut impl Sink) -> Result<u64, Error> {
        let session = self.session()?;
        let id = handle.on(&session)?;
        let cells: Vec<Cell<'_>> = cells.iter().map(CellBuf::as_cell).collect();
        session.bind(id, &cells).map_err(raised)?;
        let mut rows = 0u64;
        let stepped = loop {
            match session.step(id, |row| emit(RowView::Live(row), &self.returning, sink)) {
                Ok(Some(Ok(()))) => rows += 1,
                Ok(Some(Err(error))) => break Err(error),
                Ok(None) => break Ok(()),
                Err(error) => break Err(raised(error)),
            }
        };
        // While it runs, SQLite takes and releases no savepoint.
        session.reset(id);
        stepped?;
        Ok(rows.max(session.changes()))
    }
}

fn reader(table: &Table, attribute: i16) -> Option<Reader> {
    let var = Var { relation: 1, attribute };
    Some(Reader::new(&deparse::cell(var, &Tables::from([(1, Rc::new(table.clone()))]))))
}

fn rule(table: &Table, column: &Column) -> Option<String> {
    Rule::of(column, table.timezone.as_ref()).map(|rule| rule.to_string())
}

impl seam::Modify for Modify {
    fn insert(&mut self, row: &[Native<'_>], sink: &mut impl Sink) -> Result<bool, ErrorReport> {
        Ok(self.insert_row(row, sink)?)
    }

    fn update(
        &mut self,
        key: &RowKey<'_>,
        row: &[Native<'_>],
        sink: &mut impl Sink,
    ) -> Result<bool, ErrorReport> {
        Ok(self.change(key, row, sink)?)
    }

    fn delete(&mut self, key: &RowKey<'_>, sink: &mut impl Sink) -> Result<bool, ErrorReport> {
        Ok(self.change(key, &[], sink)?)
    }

    fn end(&mut self) {
        self.handle.release();
        self.by_value.iter().for_each(Handle::release);
    }
}
