//! Tables that a file has in another form: collections of ChromaDB's, sqlite-vec's tables. Each is read as a table by its
//! name, whose rows are those of a query over the file; so whatever reads tables reads them, and knows nothing of it.
//!
//! A query shows only the columns that are asked for. [`super::raw::queried`] has the virtual table.

use std::cell::Cell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use rusqlite::functions::FunctionFlags;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, ffi};

use super::error::Error;
use super::open::Interrupted;
use super::raw::queried;
use super::{chroma, vec0, vss0};
use pg_sqlite_migrate_core::sqltext::sqlite_ident;
use pg_sqlite_migrate_core::value::buffer;
use pg_sqlite_migrate_core::vectors::Vectors;

/// A table, and the query that its rows come from.
#[derive(Debug, Clone, Default)]
pub struct Relation {
    pub name: String,
    pub columns: Vec<Column>,
    /// The columns after these, which other relations have as well.
    pub shared: Arc<[Column]>,
    /// An expression; NULL where there is none.
    pub rowid: String,
    /// The columns of its primary key.
    pub key: Vec<String>,
    /// The key is the rowid.
    pub rowid_alias: bool,
    pub query: Query,
    /// About as many.
    pub rows: i64,
}

/// The query without its columns. A search adds a condition to it.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// What stands after FROM. A subquery that it opens, `rest` closes.
    pub from: String,
    /// The condition that all rows meet.
    pub condition: String,
    /// What a search by rowid compares.
    pub by_rowid: Option<String>,
    /// What a search by a key of one column compares.
    pub by_key: Option<String>,
    /// What follows the conditions.
    pub rest: String,
}

#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    pub declared: &'static str,
    pub expression: String,
    /// Read only where it is asked for.
    pub hidden: bool,
    pub vectors: Option<Vectors>,
}

/// Which rows a search asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Everything = 0,
    Rowid = 1,
    Key = 2,
}

impl Asked {
    pub(super) fn of(number: i32) -> Asked {
        match number {
            1 => Asked::Rowid,
            2 => Asked::Key,
            _ => Asked::Everything,
        }
    }
}

impl Relation {
    /// All columns, in their order.
    pub fn columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().chain(self.shared.iter())
    }

    /// The search that a condition on a column (-1 for the rowid) allows.
    pub(super) fn asked_by(&self, column: i32) -> Asked {
        let name = usize::try_from(column).ok().and_then(|at| self.columns.get(at)).map(|c| &c.name);
        match (name, self.key.as_slice()) {
            (None, _) if column == -1 && self.query.by_rowid.is_some() => Asked::Rowid,
            (Some(name), [key]) if name == key && self.query.by_key.is_some() => Asked::Key,
            _ => Asked::Everything,
        }
    }

    pub(super) fn declaration(&self) -> String {
        let hidden = |column: &Column| if column.hidden { " HIDDEN" } else { "" };
        let columns = self.columns().map(|c| {
            let declared = format!("{}{}", c.declared, hidden(c));
            format!("{} {declared}", sqlite_ident(&c.name))
        });
        format!("CREATE TABLE x({})", columns.collect::<Vec<_>>().join(", "))
    }

    /// The query for the columns of the mask; its last bit means all that have no bit of their own.
    pub(super) fn select(&self, asked: Asked, used: u64) -> String {
        let mut columns = vec![self.rowid.as_str()];
        for (at, column) in self.columns().enumerate() {
            let is_used = used & (1u64 << at.min(63)) != 0;
            columns.push(if is_used { &column.expression } else { "NULL" });
        }
        let Query { from, condition, by_rowid, by_key, rest } = &self.query;
        let compared = match asked {
            Asked::Everything => None,
            Asked::Rowid => by_rowid.as_ref(),
            Asked::Key => by_key.as_ref(),
        };
        let search = compared.map(|compared| format!(" AND {compared} = ?1")).unwrap_or_default();
        format!("SELECT {} FROM {from} WHERE {condition}{search}{rest}", columns.join(", "))
    }
}

/// What a connection reads in this way.
#[derive(Default)]
pub struct Relations {
    /// Those that `sqlite_schema` does not have.
    pub own: Vec<Arc<Relation>>,
    pub chroma: Option<Arc<chroma::Chroma>>,
    /// Why a file with ChromaDB's tables is not read as ChromaDB's.
    pub unrecognised: Option<String>,
    pub(super) indexes: Arc<vss0::Indexes>,
    /// What the file had when it was looked at last, and what was recognised.
    seen: Cell<(Version, u64)>,
}

/// `PRAGMA data_version` and the changes of the connection itself: another one when the file has changed.
type Version = (i64, u64);

impl Relations {
    /// Recognises what the file has, and registers it.
    pub(super) fn register(
        connection: &Connection,
        path: &Path,
        interrupted: &Interrupted,
    ) -> Result<Relations, Error> {
        let failed = |e| Error::from_sqlite(path, e);
        let indexes = Arc::new(vss0::Indexes::default());
        register_vector_of(connection).map_err(failed)?;
        vec0::register(connection).map_err(failed)?;
        vss0::register(connection, &indexes).map_err(failed)?;
        let mut relations = Relations { indexes, ..Relations::default() };
        let listed = list(connection).map_err(failed)?;
        relations.seen.set((version(connection).map_err(failed)?, fingerprint(&listed)));
        match listed {
            Ok(None) => {}
            Err(why) => relations.unrecognised = Some(why),
            Ok(Some(listed)) => {
                let modules = chroma::modules(connection).map_err(failed)?;
                let chroma = Arc::new(chroma::Chroma::new(listed, modules, path, interrupted));
                relations.own = chroma.relations();
                let register = |relation| queried::register_relation(connection, relation);
                relations.own.iter().try_for_each(register).map_err(failed)?;
                chroma::register(connection, &chroma).map_err(failed)?;
                relations.chroma = Some(chroma);
            }
        }
        Ok(relations)
    }

    /// The file has what was recognised, in the snapshot that is open or in one of its own.
    pub(super) fn hold(&self, connection: &Connection) -> rusqlite::Result<bool> {
        let (seen, fingerprinted) = self.seen.get();
        let now = version(connection)?;
        if now == seen {
            return Ok(true);
        }
        let holds = fingerprint(&list(connection)?) == fingerprinted;
        if holds {
            self.seen.set((now, fingerprinted));
        }
        Ok(holds)
    }

    /// Gives collections columns for these keys of their metadata, where records have them: by table.
    pub(super) fn name_keys(
        &mut self,
        connection: &Connection,
        named: &[(String, Vec<String>)],
    ) -> rusqlite::Result<()> {
        let Some(chroma) = &self.chroma else { return Ok(()) };
        for relation in &mut self.own {
            let of_it = |(table, _): &&(String, Vec<String>)| table.eq_ignore_ascii_case(&relation.name);
            let Some((_, keys)) = named.iter().find(of_it) else { continue };
            let with_keys = Arc::new(chroma.with_keys(connection, relation, keys)?);
            queried::register_relation(connection, &with_keys)?;
            *relation = with_keys;
        }
        Ok(())
    }

    /// The file is one like any other.
    pub(super) fn leave_collections(&mut self) {
        (self.own, self.chroma, self.unrecognised) = (vec![], None, None);
    }

    /// The next snapshot may have other vectors.
    pub(super) fn forget(&self) {
        self.chroma.iter().for_each(|chroma| chroma.forget());
        self.indexes.forget();
    }

    pub(super) fn find(&self, name: &str) -> Option<&Arc<Relation>> {
        self.own.iter().find(|relation| relation.name.eq_ignore_ascii_case(name))
    }
}

/// What ChromaDB keeps in the file; within, why that cannot be told.
type Listed = Result<Option<chroma::Listing>, String>;

fn list(connection: &Connection) -> rusqlite::Result<Listed> {
    match chroma::list(connection) {
        Err(e) if is_of_file(&e) => Ok(Err(e.to_string())),
        listed => listed.map(Ok),
    }
}

fn fingerprint(listed: &Listed) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{listed:?}").hash(&mut hasher);
    hasher.finish()
}

fn version(connection: &Connection) -> rusqlite::Result<Version> {
    let data = connection.pragma_query_value(Some("main"), "data_version", |row| row.get(0))?;
    Ok((data, connection.total_changes()))
}

/// `vector_of(value, bytes)`: a vector of the size that its table says. None is a blob without a float, and one of another
/// size a text that shows it: neither fits, and what becomes of its row the plan says.
pub(super) fn register_vector_of(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function("vector_of", 2, flags, |context| {
        let size: i64 = context.get(1)?;
        let found = match context.get_raw(0) {
            ValueRef::Blob(blob) => blob,
            _ => &[],
        };
        if found.is_empty() || i64::try_from(found.len()) == Ok(size) {
            return buffer::bytes(found).map(Value::Blob).map_err(no_memory);
        }
        let mut shown = format!("a vector of {} bytes, not of {size}: x'", found.len());
        let whole = buffer::append_hex(&mut shown, found).and_then(|()| buffer::append(&mut shown, "'"));
        whole.map(|()| Value::Text(shown)).map_err(no_memory)
    })
}

/// The error of a query or a function that has no memory.
pub(super) fn no_memory<E>(_: E) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_NOMEM), None)
}

/// The error is about what the file has.
pub(super) fn is_of_file(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{OperationInterrupted, OutOfMemory};
    !matches!(error.sqlite_error_code(), Some(OperationInterrupted | OutOfMemory))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_what_is_asked_for() {
        let column = |name: &str, expression: &str, hidden| Column {
            name: name.into(),
            declared: "TEXT",
            expression: expression.into(),
            hidden,
            vectors: None,
        };
        // Names may be like anything that stands in a query.
        let odd = "\"a = ?1/*rowid*/ WHERE AND\"";
        let relation = Relation {
            name: "x".into(),
            columns: vec![column("id", "e.a", false)],
            shared: vec![column("b \"c", "f(e.a)", true)].into(),
            rowid: "e.id".into(),
            key: vec!["id".into()],
            query: Query {
                from: odd.into(),
                condition: "s = 'x = ?1'".into(),
                by_rowid: Some("e.id".into()),
                by_key: Some("e.a".into()),
                rest: " ORDER BY 1".into(),
            },
            ..Relation::default()
        };
        assert_eq!(relation.declaration(), "CREATE TABLE x(\"id\" TEXT, \"b \"\"c\" TEXT HIDDEN)");
        let select = |asked, used, columns: &str, search: &str| {
            let wanted = format!("SELECT {columns} FROM {odd} WHERE s = 'x = ?1'{search} ORDER BY 1");
            assert_eq!(relation.select(asked, used), wanted);
        };
        select(Asked::Everything, 1, "e.id, e.a, NULL", "");
        select(relation.asked_by(0), 2, "e.id, NULL, f(e.a)", " AND e.a = ?1");
        select(relation.asked_by(-1), 0, "e.id, NULL, NULL", " AND e.id = ?1");
        assert_eq!(relation.asked_by(1), Asked::Everything);
    }
}
