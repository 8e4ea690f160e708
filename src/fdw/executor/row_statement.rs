//! The statement of a row-by-row modification, run on the file for one row after the other.

use std::cell::Cell as Flag;
use std::rc::Rc;

use pgrx::PgSqlErrorCode as Code;

use super::column_writer::ColumnWriter;
use super::row::Row;
use crate::error::Error;
use crate::fdw::connection::{Affected, Connection, Handle, raised};
use crate::fdw::planner::row_key::RowKey;
use crate::fdw::writable;
use crate::pg::foreign::ForeignTable;
use crate::pg::xact_events;
use crate::sqlite::Session;
use crate::sqlite::session::RowView;
use pg_sqlite_migrate_core::remote::deparse::{self, KeyForm, row_modification};
use pg_sqlite_migrate_core::remote::{Operation, Output, Proof, RowModification, Tables, Var, canonical};
use pg_sqlite_migrate_core::value::native::Native;
use pg_sqlite_migrate_core::value::{Cell, CellBuf};

pub struct RowStatement {
    connection: Rc<Connection>,
    affected: Rc<Affected>,
    command: u32,
    /// What still has to be proven in the transaction that writes.
    unproven: Flag<Option<Proof>>,
    table: String,
    /// By position in `RowModification::attributes`; `None` where SQLite computes the column.
    writers: Vec<Option<ColumnWriter>>,
    keys: Vec<KeyColumn>,
    /// RETURNING's values.
    outputs: Vec<Output>,
    handle: Handle,
    /// Compares the key in canonical form: the file may hold it in another form than is written.
    by_value: Option<Handle>,
}

/// A column of the key.
struct KeyColumn {
    writer: ColumnWriter,
    has_canonical: bool,
}

impl RowStatement {
    pub fn new(relation: &ForeignTable, change: &RowModification) -> Result<RowStatement, Error> {
        let (connection, table) = writable::connect_planned(relation, &[change.proof])?;
        let writer = |attribute: &i16| {
            let column = table.column(*attribute).filter(|column| !column.generated);
            column.map(|column| ColumnWriter::new(&table, column))
        };
        let keys: Vec<KeyColumn> = (change.key.iter())
            .filter_map(|attribute| table.column(*attribute))
            .map(|column| KeyColumn {
                writer: ColumnWriter::new(&table, column),
                has_canonical: canonical::type_of(&column.pg_type).is_some() && !column.is_rowid,
            })
            .collect();
        let by_value = keys.iter().any(|k| k.has_canonical) && change.operation != Operation::Insert;
        let tables = Tables::from([(1, Rc::new(table.clone()))]);
        let output = |attribute: &i16| Output {
            attribute: *attribute,
            decode: deparse::cell(Var { relation: 1, attribute: *attribute }, &tables),
        };
        let handle = |form| Handle::new(row_modification(&table, change, form));
        Ok(RowStatement {
            affected: connection.affected(&table.name)?,
            command: xact_events::command_id(),
            unproven: Flag::new(Some(change.proof)),
            writers: change.attributes.iter().map(writer).collect(),
            outputs: change.returning.iter().map(output).collect(),
            handle: handle(KeyForm::Stored),
            by_value: by_value.then(|| handle(KeyForm::Canonical)),
            keys,
            table: table.name,
            connection,
        })
    }

    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// Inserts one row; `false` when a conflict left it out. RETURNING's values go to `returned`. Hot: nothing is
    /// allocated for a row.
    pub fn insert(&self, row: &[Native<'_>], returned: &mut Row) -> Result<bool, Error> {
        if !self.outputs.is_empty() {
            let cells: Vec<CellBuf<'_>> = self.cells(row).collect::<Result<_, _>>()?;
            return Ok(self.run(&self.handle, &cells, returned)? > 0);
        }
        let session = self.session()?;
        let id = self.handle.on(&session)?;
        match session.execute(id, self.cells(row)) {
            Err(Error::Sqlite(error)) => Err(raised(error)),
            changed => Ok(changed? > 0),
        }
    }

    /// Updates the row with this key, or deletes it, where `row` is empty; `false` when it is gone. The key is looked
    /// for as it would be written, and then by its value.
    pub fn change(&self, key: &RowKey<'_>, row: &[Native<'_>], returned: &mut Row) -> Result<bool, Error> {
        let mut cells: Vec<CellBuf<'_>> = self.cells(row).collect::<Result<_, _>>()?;
        let values = match key {
            RowKey::Rowid(rowid) => {
                cells.push(CellBuf::Integer(*rowid));
                return Ok(self.run(&self.handle, &cells, returned)? > 0);
            }
            RowKey::Values(values) => values,
        };
        let written = cells.len();
        let stored = self.keys.iter().zip(values).map(|(k, value)| k.writer.storable(value).transpose());
        let stored: Option<Result<Vec<CellBuf<'_>>, Error>> = stored.collect();
        // What cannot be written may still be there in another form.
        if let Some(stored) = stored.transpose()? {
            cells.extend(stored);
            if self.is_one(self.run(&self.handle, &cells, returned)?)? {
                return Ok(true);
            }
            cells.truncate(written);
        }
        let Some(by_value) = &self.by_value else { return Ok(false) };
        for (key, value) in self.keys.iter().zip(values) {
            let cell = if key.has_canonical { canonical::encode(value) } else { None };
            cells.push(match cell {
                Some(cell) => cell,
                None => key.writer.encode(value)?,
            });
        }
        self.is_one(self.run(by_value, &cells, returned)?)
    }

    /// The cells of a row, in the order of the statement's parameters.
    fn cells<'a>(&'a self, row: &'a [Native<'_>]) -> impl Iterator<Item = Result<CellBuf<'a>, Error>> {
        let written = self.writers.iter().zip(row).filter_map(|(w, value)| Some((w.as_ref()?, value)));
        written.map(|(writer, value)| writer.encode(value))
    }

    /// The session, ready for a change. Its write transaction may have begun only now, in a newer state of the file.
    fn session(&self) -> Result<Rc<Session>, Error> {
        let session = self.connection.change(&self.affected, Some(self.command))?;
        if let Some(proof) = self.unproven.take() {
            self.connection.prove(&session, &[proof])?;
        }
        Ok(session)
    }

    fn is_one(&self, changed: u64) -> Result<bool, Error> {
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
    fn run(&self, handle: &Handle, cells: &[CellBuf<'_>], returned: &mut Row) -> Result<u64, Error> {
        let session = self.session()?;
        let id = handle.on(&session)?;
        let cells: Vec<Cell<'_>> = cells.iter().map(CellBuf::as_cell).collect();
        session.bind(id, &cells).map_err(raised)?;
        let mut rows = 0u64;
        let stepped = loop {
            match session.step(id, |row| returned.read(RowView::Live(row))) {
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

    pub fn end(&self) {
        self.handle.release();
        self.by_value.iter().for_each(Handle::release);
    }
}
