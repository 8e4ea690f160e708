//! The statement of a row-by-row modification, run on the file for one row after the other.

use std::cell::{Cell as Flag, RefCell};
use std::fmt::Write;
use std::rc::Rc;

use pgrx::{PgMemoryContexts, PgSqlErrorCode as Code, pg_sys};

use super::column_writer::ColumnWriter;
use super::row::Row;
use crate::error::Error;
use crate::fdw::connection::{Affected, Connection, Handle, raised};
use crate::fdw::planner::row_key::{self, RowKey};
use crate::fdw::writable;
use crate::pg::datum::Reader;
use crate::pg::foreign::ForeignTable;
use crate::pg::{memory, xact_events};
use crate::sqlite::Session;
use crate::sqlite::session::{KeptRows, RowView};
use pg_sqlite_migrate_core::remote::deparse::{self, KeyForm, row_keys, row_modification};
use pg_sqlite_migrate_core::remote::{Operation, Output, Proof, RowModification, Tables, Var, canonical};
use pg_sqlite_migrate_core::value::buffer::{Buffer, OutOfMemory};
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
    /// Where a type of the key has no canonical form.
    search: Option<KeySearch>,
}

/// Looks through the whole table for the row whose key has the same values, in whatever spelling.
struct KeySearch {
    handle: Handle,
    row: RefCell<Row>,
    /// By position in the key: the attribute, and how its values are read.
    readers: Vec<(i16, Reader)>,
    attributes: usize,
}

/// A column of the key.
struct KeyColumn {
    writer: ColumnWriter,
    has_canonical: bool,
}

impl RowStatement {
    /// # Safety
    /// `desc` is the relation's descriptor; it is not used after the call. The current memory context lives as long as
    /// the statement.
    pub unsafe fn new(
        relation: &ForeignTable,
        change: &RowModification,
        desc: pg_sys::TupleDesc,
    ) -> Result<RowStatement, Error> {
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
        let changes = change.operation != Operation::Insert;
        let by_value = keys.iter().any(|k| k.has_canonical) && changes;
        let spelt = |attribute: &i16| {
            table.column(*attribute).is_some_and(|c| canonical::type_of(&c.pg_type).is_none() && !c.is_rowid)
        };
        let tables = Tables::from([(1, Rc::new(table.clone()))]);
        let search = (changes && change.key.iter().any(spelt)).then(|| KeySearch {
            handle: Handle::new(row_keys(&table, &change.key)),
            // SAFETY: the descriptor and the memory context are as this function's contract says.
            row: RefCell::new(unsafe { Row::new(desc, &outputs(&tables, &change.key)) }),
            readers: row_key::named(relation, &change.key)
                .map(|a| (a.number, Reader::new(a.type_oid)))
                .collect(),
            // SAFETY: the descriptor is valid.
            attributes: unsafe { (*desc).natts as usize },
        });
        let handle = |form| Handle::new(row_modification(&table, change, form));
        Ok(RowStatement {
            affected: connection.affected(&table.name)?,
            command: xact_events::command_id(),
            unproven: Flag::new(Some(change.proof)),
            writers: change.attributes.iter().map(writer).collect(),
            outputs: outputs(&tables, &change.returning),
            handle: handle(KeyForm::Stored),
            by_value: by_value.then(|| handle(KeyForm::Canonical)),
            search,
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
    /// for as it would be written, then by its value, and then among all keys of the table.
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
        if let Some(by_value) = &self.by_value {
            let canonical = self.keys.iter().zip(values).map(|(key, value)| {
                let cell = if key.has_canonical { canonical::encode(value) } else { None };
                cell.map_or_else(|| key.writer.storable(value), |cell| Ok(Some(cell))).transpose()
            });
            let canonical: Option<Result<Vec<CellBuf<'_>>, Error>> = canonical.collect();
            if let Some(canonical) = canonical.transpose()? {
                cells.extend(canonical);
                if self.is_one(self.run(by_value, &cells, returned)?)? {
                    return Ok(true);
                }
                cells.truncate(written);
            }
        }
        let Some(search) = &self.search else { return Ok(false) };
        let (found, stored) = self.find(search, values)?;
        let Some(stored) = stored.row(0).filter(|_| self.is_one(found).unwrap_or(true)) else {
            return self.is_one(found);
        };
        let no_memory = |OutOfMemory| memory::exhausted("keys of rows");
        let stored = (0..self.keys.len()).map(|at| stored.cell(at).unwrap_or_else(no_memory));
        let cells: Vec<Cell<'_>> = cells.iter().map(CellBuf::as_cell).chain(stored).collect();
        self.is_one(self.run_with(&self.handle, &cells, returned)?)
    }

    /// How many rows have a key of these values, and the keys as they are stored.
    fn find(&self, search: &KeySearch, values: &[Native<'_>]) -> Result<(u64, KeptRows), Error> {
        let session = self.session()?;
        let id = search.handle.on(&session)?;
        session.bind(id, &[]).map_err(raised)?;
        let (wanted, mut found, mut kept) = (printed(values), 0, KeptRows::default());
        let mut memory = PgMemoryContexts::new("pg_sqlite_migrate keys");
        let stepped = loop {
            let same = session.step(id, |row| {
                // SAFETY: nothing of the candidate before is used any more; an error goes up as a panic, which keeps nothing.
                let same = unsafe {
                    memory.reset();
                    memory.switch_to(|_| search.is_key(row, &wanted))?
                };
                if same {
                    kept.push(row).unwrap_or_else(|OutOfMemory| memory::exhausted("keys of rows"));
                }
                Ok(same)
            });
            match same {
                Ok(Some(Ok(same))) => found += u64::from(same),
                Ok(Some(Err(error))) => break Err(error),
                Ok(None) => break Ok(()),
                Err(error) => break Err(raised(error)),
            }
        };
        session.reset(id);
        stepped?;
        Ok((found, kept))
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
            hint: Some("Set option \"key\" to 'true' on columns that are unique together.".into()),
        })
    }

    /// Runs a statement to its end: only there have all constraints been checked.
    fn run(&self, handle: &Handle, cells: &[CellBuf<'_>], returned: &mut Row) -> Result<u64, Error> {
        let cells: Vec<Cell<'_>> = cells.iter().map(CellBuf::as_cell).collect();
        self.run_with(handle, &cells, returned)
    }

    fn run_with(&self, handle: &Handle, cells: &[Cell<'_>], returned: &mut Row) -> Result<u64, Error> {
        let session = self.session()?;
        let id = handle.on(&session)?;
        session.bind(id, cells).map_err(raised)?;
        let mut rows = 0u64;
        let stepped = loop {
            match session.step(id, |row| returned.read(row)) {
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
        self.search.iter().for_each(|search| search.handle.release());
    }
}

impl KeySearch {
    /// Whether a row's key has the values that print so.
    fn is_key(&self, row: RowView<'_>, wanted: &Buffer) -> Result<bool, Error> {
        let mut key = self.row.borrow_mut();
        key.clear();
        key.read(row)?;
        let (mut datums, mut nulls) =
            (vec![pg_sys::Datum::from(0usize); self.attributes], vec![true; self.attributes]);
        key.fill(&mut datums, &mut nulls);
        let values: Vec<Native<'_>> = (self.readers.iter())
            .map(|(number, reader)| {
                let at = *number as usize - 1;
                // SAFETY: the reader is of the attribute's type; what it borrows is in `key` or in the current context.
                unsafe { reader.read(datums[at], nulls[at]) }
            })
            .collect();
        Ok(printed(&values) == *wanted)
    }
}

fn printed(values: &[Native<'_>]) -> Buffer {
    let mut printed = Buffer::new();
    if write!(printed, "{values:?}").is_err() {
        memory::exhausted("keys of rows");
    }
    printed
}

fn outputs(tables: &Tables, attributes: &[i16]) -> Vec<Output> {
    let decode = |attribute| deparse::cell(Var { relation: 1, attribute }, tables);
    attributes.iter().map(|attribute| Output { attribute: *attribute, decode: decode(*attribute) }).collect()
}
