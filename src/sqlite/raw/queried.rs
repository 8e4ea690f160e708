//! Virtual tables whose rows are those of a query over the same file: `super::super::relations` says what they are.
//!
//! Must not outlive the connection: SQLite disconnects a table before it closes the connection.

use std::borrow::Cow;
use std::cell::Cell;
use std::ffi::{CStr, CString, c_int};
use std::ptr;
use std::sync::Arc;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::vtab::IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_EQ;
use rusqlite::vtab::{
    Context, CreateVTab, Filters, IndexInfo, Module, VTab, VTabConnection, VTabCursor, VTabKind,
    sqlite3_vtab, sqlite3_vtab_cursor,
};
use rusqlite::{Connection, ffi};

use super::super::relations::{Asked, Relation, no_memory};
use super::super::rows::cell;
use super::{Code, scan};

/// Makes a relation of the name and the arguments of a virtual table.
pub(in crate::sqlite) type Define = Box<dyn Fn(&str, &[&str]) -> Result<Arc<Relation>, String> + Send + Sync>;

/// Registers a relation under its name: it is read as a table of that name which the file does not have.
pub(in crate::sqlite) fn register_relation(
    connection: &Connection,
    relation: &Arc<Relation>,
) -> rusqlite::Result<()> {
    let (name, relation) = (relation.name.clone(), relation.clone());
    let define: Define = Box::new(move |_, _| Ok(relation.clone()));
    let module = const { &Module::<Queried>::eponymous_only_module() };
    connection.create_module(name.as_str(), module, Some(define))
}

/// Registers a module whose tables are in the file.
pub(in crate::sqlite) fn register_module(
    connection: &Connection,
    name: &str,
    define: Define,
) -> rusqlite::Result<()> {
    let module = const { &Module::<Queried>::read_only_module() };
    connection.create_module(name, module, Some(define))
}

/// A virtual table whose rows are those of a query over the same file.
#[repr(C)]
struct Queried {
    base: sqlite3_vtab,
    connection: *mut ffi::sqlite3,
    relation: Arc<Relation>,
}

// SAFETY: `#[repr(C)]`, and the base comes first.
unsafe impl<'vtab> VTab<'vtab> for Queried {
    type Aux = Define;
    type Cursor = Cursor;

    fn connect(
        connection: &mut VTabConnection,
        define: Option<&Define>,
        _: &[u8],
        _: &[u8],
        table: &[u8],
        arguments: &[&[u8]],
    ) -> rusqlite::Result<(Cow<'static, CStr>, Queried)> {
        let failed = |reason: String| rusqlite::Error::ModuleError(reason);
        let text = |bytes| std::str::from_utf8(bytes).map_err(|e| failed(e.to_string()));
        let arguments = arguments.iter().map(|bytes| text(bytes)).collect::<Result<Vec<_>, _>>()?;
        let define = define.ok_or_else(|| failed("nothing defines it".into()))?;
        let relation = define(text(table)?, &arguments).map_err(failed)?;
        let declaration = CString::new(relation.declaration()).map_err(|e| failed(e.to_string()))?;
        // SAFETY: the handle outlives the table, which is disconnected before its connection is closed.
        let connection = unsafe { connection.handle() };
        Ok((Cow::Owned(declaration), Queried { base: sqlite3_vtab::default(), connection, relation }))
    }

    fn best_index(&self, info: &mut IndexInfo) -> rusqlite::Result<bool> {
        let found = info.constraints().enumerate().find_map(|(at, constraint)| {
            let asked = self.relation.asked_by(constraint.column());
            let usable = constraint.is_usable() && constraint.operator() == SQLITE_INDEX_CONSTRAINT_EQ;
            // A comparison that takes several texts for one finds more than the query would.
            let exact = asked != Asked::Key || info.collation(at).is_ok_and(|name| name == "BINARY");
            (usable && exact && asked != Asked::Everything).then_some((at, asked))
        });
        let asked = found.map_or(Asked::Everything, |(_, asked)| asked);
        if let Some((at, _)) = found {
            info.constraint_usage(at).set_argv_index(1);
        }
        info.set_idx_num(asked as c_int);
        info.set_idx_str(&info.col_used().to_string());
        let rows = if asked == Asked::Everything { self.relation.rows.max(1) } else { 1 };
        info.set_estimated_rows(rows);
        info.set_estimated_cost(rows as f64 * 10.0);
        Ok(true)
    }

    fn open(&'vtab mut self) -> rusqlite::Result<Cursor> {
        Ok(Cursor {
            base: sqlite3_vtab_cursor::default(),
            connection: self.connection,
            relation: self.relation.clone(),
            statement: ptr::null_mut(),
            on_row: false,
        })
    }
}

impl CreateVTab<'_> for Queried {
    const KIND: VTabKind = VTabKind::Default;
}

#[repr(C)]
struct Cursor {
    base: sqlite3_vtab_cursor,
    connection: *mut ffi::sqlite3,
    relation: Arc<Relation>,
    /// Null before the first search.
    statement: *mut ffi::sqlite3_stmt,
    on_row: bool,
}

/// How deep tables of this kind may read each other, which only a file that was made for it does.
const DEEPEST: u32 = 8;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Counts the cursors that are at work on this thread, one within another.
struct Deeper;

impl Deeper {
    fn enter() -> rusqlite::Result<Deeper> {
        if DEPTH.get() >= DEEPEST {
            let message = "virtual tables read each other".to_owned();
            return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_ERROR), Some(message)));
        }
        DEPTH.set(DEPTH.get() + 1);
        Ok(Deeper)
    }
}

impl Drop for Deeper {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get().saturating_sub(1));
    }
}

impl Cursor {
    fn finalize(&mut self) {
        // SAFETY: a statement of this cursor's, or null, which is allowed; it is not used afterwards.
        unsafe { ffi::sqlite3_finalize(self.statement) };
        self.statement = ptr::null_mut();
    }

    fn error(&self, code: Code) -> rusqlite::Error {
        // SAFETY: the connection is open; the message is valid until its next call.
        let message = unsafe {
            let message = ffi::sqlite3_errmsg(self.connection);
            (!message.is_null()).then(|| CStr::from_ptr(message).to_string_lossy().into_owned())
        };
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), message)
    }

    /// A value of the row; `None` if SQLite has no memory for it.
    fn value(&self, at: c_int) -> Option<ValueRef<'_>> {
        // SAFETY: the statement is on a row; the bytes are valid until it moves, which needs the cursor mutably.
        unsafe {
            let bytes = |pointer: *const u8| {
                let length = usize::try_from(ffi::sqlite3_column_bytes(self.statement, at)).ok()?;
                match length {
                    0 => Some(&[][..]),
                    _ if pointer.is_null() => None,
                    length => Some(std::slice::from_raw_parts(pointer, length)),
                }
            };
            match ffi::sqlite3_column_type(self.statement, at) {
                ffi::SQLITE_INTEGER => Some(ValueRef::Integer(ffi::sqlite3_column_int64(self.statement, at))),
                ffi::SQLITE_FLOAT => Some(ValueRef::Real(ffi::sqlite3_column_double(self.statement, at))),
                ffi::SQLITE_TEXT => bytes(ffi::sqlite3_column_text(self.statement, at)).map(ValueRef::Text),
                ffi::SQLITE_BLOB => {
                    bytes(ffi::sqlite3_column_blob(self.statement, at).cast()).map(ValueRef::Blob)
                }
                _ => Some(ValueRef::Null),
            }
        }
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        self.finalize();
    }
}

// SAFETY: `#[repr(C)]`, and the base comes first.
unsafe impl VTabCursor for Cursor {
    fn filter(&mut self, asked: c_int, used: Option<&str>, values: &Filters<'_>) -> rusqlite::Result<()> {
        self.finalize();
        let used = used.and_then(|mask| mask.parse().ok()).unwrap_or(u64::MAX);
        let sql = self.relation.select(Asked::of(asked), used);
        let length = c_int::try_from(sql.len()).map_err(|_| self.error(ffi::SQLITE_TOOBIG))?;
        // SAFETY: the connection is open; the text is as long as said, and one pointer is written.
        let prepared = unsafe {
            let sql = sql.as_ptr().cast();
            ffi::sqlite3_prepare_v2(self.connection, sql, length, &raw mut self.statement, ptr::null_mut())
        };
        if prepared != ffi::SQLITE_OK {
            return Err(self.error(prepared));
        }
        if let Some(value) = values.iter().next() {
            // SAFETY: the statement was just prepared.
            let bound = unsafe { scan::bind(self.statement, 1, cell(value)) };
            if bound != ffi::SQLITE_OK {
                return Err(self.error(bound));
            }
        }
        self.next()
    }

    fn next(&mut self) -> rusqlite::Result<()> {
        let _deeper = Deeper::enter()?;
        // SAFETY: the statement is prepared: SQLite calls this after a search only.
        let stepped = unsafe { ffi::sqlite3_step(self.statement) };
        self.on_row = stepped == ffi::SQLITE_ROW;
        match stepped {
            ffi::SQLITE_ROW | ffi::SQLITE_DONE => Ok(()),
            code => Err(self.error(code)),
        }
    }

    fn eof(&self) -> bool {
        !self.on_row
    }

    fn column(&self, context: &mut Context, at: c_int) -> rusqlite::Result<()> {
        // The rowid comes first.
        let value = self.value(at.saturating_add(1)).ok_or_else(|| no_memory(()))?;
        context.set_result(ToSqlOutput::Borrowed(value))
    }

    fn rowid(&self) -> rusqlite::Result<i64> {
        // SAFETY: the statement is on a row.
        Ok(unsafe { ffi::sqlite3_column_int64(self.statement, 0) })
    }
}
