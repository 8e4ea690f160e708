//! The file and the state of a connection through SQLite's own handles: information that no SQL statement returns.
//!
//! Virtual tables whose rows are those of a query over the same file are here as well: [`super::relations`] says what they
//! are.
//!
//! Opening the file a second time, outside SQLite, and closing it again would drop every POSIX lock that this process
//! has on it. So this module uses SQLite's handle. Must not write, and must not be kept longer than the connection.

pub(super) mod scan;

use std::borrow::Cow;
use std::cell::Cell;
use std::ffi::{CStr, CString, c_int};
use std::marker::PhantomData;
use std::ptr;
use std::sync::Arc;

use rusqlite::functions::Context as FunctionContext;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::vtab::IndexConstraintOp::SQLITE_INDEX_CONSTRAINT_EQ;
use rusqlite::vtab::{
    Context, CreateVTab, Filters, IndexInfo, Module, VTab, VTabConnection, VTabCursor, VTabKind,
    sqlite3_vtab, sqlite3_vtab_cursor,
};
use rusqlite::{Connection, ffi};

use super::relations::{Asked, Relation};

/// SQLite's extended result code.
pub(super) type Code = c_int;

/// The main database file of a connection.
pub(super) struct File<'c> {
    file: *mut ffi::sqlite3_file,
    methods: &'c ffi::sqlite3_io_methods,
    connection: PhantomData<&'c Connection>,
}

impl<'c> File<'c> {
    pub(super) fn of(connection: &'c Connection) -> Result<File<'c>, Code> {
        let mut file: *mut ffi::sqlite3_file = ptr::null_mut();
        // SAFETY: the connection is open, and FILE_POINTER writes one pointer,
        // <https://www.sqlite.org/c3ref/c_fcntl_begin_atomic_write.html>. The handle lives as long as the connection,
        // its methods are static; both are borrowed no longer than that.
        unsafe {
            let asked = ffi::sqlite3_file_control(
                connection.handle(),
                c"main".as_ptr(),
                ffi::SQLITE_FCNTL_FILE_POINTER,
                (&raw mut file).cast(),
            );
            match file.as_ref().and_then(|file| file.pMethods.as_ref()) {
                Some(methods) if asked == ffi::SQLITE_OK => {
                    Ok(File { file, methods, connection: PhantomData })
                }
                _ => Err(if asked == ffi::SQLITE_OK { ffi::SQLITE_CANTOPEN } else { asked }),
            }
        }
    }

    /// Fills the buffer from `offset`; `false` if the file ends before, and the rest of the buffer is zeros.
    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> Result<bool, Code> {
        let Some(read) = self.methods.xRead else { return Err(ffi::SQLITE_IOERR_READ) };
        let (Ok(length), Ok(offset)) = (c_int::try_from(buffer.len()), i64::try_from(offset)) else {
            return Err(ffi::SQLITE_TOOBIG);
        };
        // SAFETY: the handle is open while the connection is, which only this thread uses; the buffer is as long as said.
        match unsafe { read(self.file, buffer.as_mut_ptr().cast(), length, offset) } {
            ffi::SQLITE_OK => Ok(true),
            ffi::SQLITE_IOERR_SHORT_READ => Ok(false),
            code => Err(code),
        }
    }

    /// In bytes.
    pub(super) fn size(&self) -> Result<u64, Code> {
        let Some(size) = self.methods.xFileSize else { return Err(ffi::SQLITE_IOERR_FSTAT) };
        let mut bytes = 0;
        // SAFETY: the handle is open while the connection is, which only this thread uses; one integer is written.
        match unsafe { size(self.file, &raw mut bytes) } {
            ffi::SQLITE_OK => Ok(bytes.try_into().unwrap_or(0)),
            code => Err(code),
        }
    }

    /// Takes a SHARED lock, which lasts until the connection is closed. Only for an immutable connection: the pager of
    /// any other takes and releases its own.
    pub(super) fn lock_shared(&self) -> Result<(), Code> {
        let Some(lock) = self.methods.xLock else { return Err(ffi::SQLITE_IOERR_LOCK) };
        // SAFETY: the handle is open while the connection is, which only this thread uses. SQLite releases the lock when it closes
        // the handle.
        match unsafe { lock(self.file, ffi::SQLITE_LOCK_SHARED) } {
            ffi::SQLITE_OK => Ok(()),
            code => Err(code),
        }
    }
}

/// Whether deferred foreign keys are broken, which the commit of the open transaction would report.
pub(super) fn breaks_foreign_keys(connection: &Connection) -> bool {
    let (mut broken, mut most) = (0, 0);
    // SAFETY: the connection is open; two integers are written, <https://www.sqlite.org/c3ref/c_dbstatus_options.html>.
    let asked = unsafe {
        let question = ffi::SQLITE_DBSTATUS_DEFERRED_FKS;
        ffi::sqlite3_db_status(connection.handle(), question, &raw mut broken, &raw mut most, 0)
    };
    asked == ffi::SQLITE_OK && broken != 0
}

/// Runs `ask` with the connection that a function is called on.
pub(super) fn with_connection<T>(
    context: &FunctionContext<'_>,
    ask: impl FnOnce(&Connection) -> T,
) -> rusqlite::Result<T> {
    // SAFETY: the connection is open while its function runs, and is only borrowed.
    Ok(ask(&*unsafe { context.get_connection() }?))
}

/// Makes a relation of the name and the arguments of a virtual table.
pub(super) type Define = Box<dyn Fn(&str, &[&str]) -> Result<Arc<Relation>, String> + Send + Sync>;

/// Registers a relation under its name: it is read as a table of that name which the file does not have.
pub(super) fn register_relation(connection: &Connection, relation: &Arc<Relation>) -> rusqlite::Result<()> {
    let (name, relation) = (relation.name.clone(), relation.clone());
    let define: Define = Box::new(move |_, _| Ok(relation.clone()));
    let module = const { &Module::<Queried>::eponymous_only_module() };
    connection.create_module(name.as_str(), module, Some(define))
}

/// Registers a module whose tables are in the file.
pub(super) fn register_module(connection: &Connection, name: &str, define: Define) -> rusqlite::Result<()> {
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

    fn bind(&self, value: ValueRef<'_>) -> Code {
        let bytes = |bytes: &[u8]| (bytes.as_ptr(), bytes.len() as u64);
        // SAFETY: the statement is prepared and has one parameter; SQLite copies what it is given.
        unsafe {
            match value {
                ValueRef::Null => ffi::sqlite3_bind_null(self.statement, 1),
                ValueRef::Integer(i) => ffi::sqlite3_bind_int64(self.statement, 1, i),
                ValueRef::Real(r) => ffi::sqlite3_bind_double(self.statement, 1, r),
                ValueRef::Text(text) => {
                    let (at, length) = bytes(text);
                    let (copy, utf8) = (ffi::SQLITE_TRANSIENT(), ffi::SQLITE_UTF8 as u8);
                    ffi::sqlite3_bind_text64(self.statement, 1, at.cast(), length, copy, utf8)
                }
                ValueRef::Blob(blob) => {
                    let (at, length) = bytes(blob);
                    ffi::sqlite3_bind_blob64(self.statement, 1, at.cast(), length, ffi::SQLITE_TRANSIENT())
                }
            }
        }
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
            let bound = self.bind(value);
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
        let no_memory = || rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_NOMEM), None);
        context.set_result(ToSqlOutput::Borrowed(self.value(at.saturating_add(1)).ok_or_else(no_memory)?))
    }

    fn rowid(&self) -> rusqlite::Result<i64> {
        // SAFETY: the statement is on a row.
        Ok(unsafe { ffi::sqlite3_column_int64(self.statement, 0) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::TempDir;
    use super::*;

    fn immutable(path: &std::path::Path) -> Connection {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_URI;
        Connection::open_with_flags(format!("file://{}?immutable=1", path.display()), flags).unwrap()
    }

    #[test]
    fn bytes_are_read_to_the_end_and_not_past_it() {
        let dir = TempDir::new();
        let path = dir.database("t.db", "CREATE TABLE t(a)");
        let connection = immutable(&path);
        let file = File::of(&connection).unwrap();
        let mut header = [0; 16];
        assert_eq!(file.read(&mut header, 0), Ok(true));
        assert_eq!(&header, b"SQLite format 3\0");
        let size = file.size().unwrap();
        assert_eq!(size, std::fs::metadata(&path).unwrap().len());
        assert_eq!(file.read(&mut header, size - 4), Ok(false));
    }

    #[test]
    fn a_shared_lock_keeps_a_writer_from_committing_until_the_connection_is_closed() {
        let dir = TempDir::new();
        let path = dir.database("t.db", "CREATE TABLE t(a)");
        let writer = Connection::open(&path).unwrap();
        writer.busy_timeout(std::time::Duration::ZERO).unwrap();
        let connection = immutable(&path);
        File::of(&connection).unwrap().lock_shared().unwrap();
        // Another connection of this process that comes and goes takes no lock away.
        drop(immutable(&path));
        assert!(writer.execute_batch("INSERT INTO t VALUES (1)").is_err());
        drop(connection);
        writer.execute_batch("INSERT INTO t VALUES (1)").unwrap();
        writer.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let connection = immutable(&path);
        assert_eq!(File::of(&connection).unwrap().lock_shared(), Err(ffi::SQLITE_BUSY));
    }
}
