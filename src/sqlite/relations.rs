//! Tables that a file has in another form: collections of ChromaDB's, sqlite-vec's tables. Each is read as a table by its
//! name, whose rows are those of a query over the file; so whatever reads tables reads them, and knows nothing of it.
//!
//! A query shows only the columns that are asked for. [`super::raw`] has the virtual table.

use std::path::Path;
use std::sync::Arc;

use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ffi};

use super::error::Error;
use super::open::Interrupted;
use super::{chroma, raw, vec0, vss0};
use pg_sqlite_migrate_core::sqltext::sqlite_ident;
use pg_sqlite_migrate_core::value::buffer;
use pg_sqlite_migrate_core::vectors::Vectors;

/// A table, and the query that its rows come from.
#[derive(Debug, Clone, Default)]
pub struct Relation {
    pub name: String,
    pub columns: Vec<Column>,
    /// An expression; NULL where there is none.
    pub rowid: String,
    /// The columns of its primary key.
    pub key: Vec<String>,
    /// The key is the rowid.
    pub rowid_alias: bool,
    /// FROM and WHERE. [`BY_ROWID`] and [`BY_KEY`] stand where another condition may stand.
    pub from: String,
    /// About as many.
    pub rows: i64,
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

/// Where the condition of a search by rowid stands in a query.
pub(super) const BY_ROWID: &str = "/*rowid*/";
/// Where that of a search by a key of one column stands.
pub(super) const BY_KEY: &str = "/*key*/";

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
    /// The search that a condition on a column (-1 for the rowid) allows.
    pub(super) fn asked_by(&self, column: i32) -> Asked {
        let name = usize::try_from(column).ok().and_then(|at| self.columns.get(at)).map(|c| &c.name);
        match (name, self.key.as_slice()) {
            (None, _) if column == -1 && self.from.contains(BY_ROWID) => Asked::Rowid,
            (Some(name), [key]) if name == key && self.from.contains(BY_KEY) => Asked::Key,
            _ => Asked::Everything,
        }
    }

    pub(super) fn declaration(&self) -> String {
        let hidden = |column: &Column| if column.hidden { " HIDDEN" } else { "" };
        let columns = self.columns.iter().map(|c| {
            let declared = format!("{}{}", c.declared, hidden(c));
            format!("{} {declared}", sqlite_ident(&c.name))
        });
        format!("CREATE TABLE x({})", columns.collect::<Vec<_>>().join(", "))
    }

    /// The query for the columns of the mask; its last bit means all that have no bit of their own.
    pub(super) fn select(&self, asked: Asked, used: u64) -> String {
        let mut columns = vec![self.rowid.as_str()];
        for (at, column) in self.columns.iter().enumerate() {
            let is_used = used & (1u64 << at.min(63)) != 0;
            columns.push(if is_used { &column.expression } else { "NULL" });
        }
        let marked = |from: &str, marker: &str, on: bool| {
            // The marker is followed by what is compared, in brackets.
            match (from.split_once(marker), on) {
                (Some((before, after)), true) => format!("{before} AND {after}"),
                (Some((before, after)), false) => {
                    let end = after.find(MARKED).map_or(after.len(), |at| at + MARKED.len());
                    format!("{before}{}", &after[end..])
                }
                (None, _) => from.to_owned(),
            }
        };
        let from = marked(&self.from, BY_ROWID, asked == Asked::Rowid);
        let from = marked(&from, BY_KEY, asked == Asked::Key);
        format!("SELECT {} FROM {from}", columns.join(", "))
    }
}

/// What follows a marker: the other side of the comparison.
pub(super) const MARKED: &str = " = ?1";

/// What a connection reads in this way.
#[derive(Default)]
pub struct Relations {
    /// Those that `sqlite_schema` does not have.
    pub own: Vec<Arc<Relation>>,
    pub chroma: Option<Arc<chroma::Chroma>>,
    pub(super) indexes: Arc<vss0::Indexes>,
}

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
        let recognised = match chroma::recognise(connection, path, interrupted) {
            Err(e) if is_of_file(&e) => None,
            recognised => recognised.map_err(failed)?,
        };
        let Some(chroma) = recognised else {
            return Ok(Relations { indexes, ..Relations::default() });
        };
        let own = chroma.relations();
        own.iter().try_for_each(|relation| raw::register_relation(connection, relation)).map_err(failed)?;
        chroma::register(connection, &chroma).map_err(failed)?;
        Ok(Relations { own, chroma: Some(chroma), indexes })
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

/// `vector_of(value, bytes)`: a vector of the size that its table says. Another one, and none, is a blob without a float,
/// which does not fit: what becomes of its row the plan says.
pub(super) fn register_vector_of(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function("vector_of", 2, flags, |context| {
        let bytes: i64 = context.get(1)?;
        let blob = match context.get_raw(0) {
            ValueRef::Blob(blob) if i64::try_from(blob.len()) == Ok(bytes) => blob,
            _ => &[],
        };
        let no_memory = |_| rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_NOMEM), None);
        buffer::bytes(blob).map_err(no_memory)
    })
}

/// The file is not what it seemed to be, and is read as any other.
fn is_of_file(error: &rusqlite::Error) -> bool {
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
        let relation = Relation {
            name: "x".into(),
            columns: vec![column("id", "e.a", false), column("b \"c", "f(e.a)", true)],
            rowid: "e.id".into(),
            key: vec!["id".into()],
            from: "e WHERE s = 'x'/*rowid*/e.id = ?1/*key*/e.a = ?1 ORDER BY 1".into(),
            ..Relation::default()
        };
        assert_eq!(relation.declaration(), "CREATE TABLE x(\"id\" TEXT, \"b \"\"c\" TEXT HIDDEN)");
        let select = |asked, used| relation.select(asked, used);
        assert_eq!(select(Asked::Everything, 1), "SELECT e.id, e.a, NULL FROM e WHERE s = 'x' ORDER BY 1");
        let by_key = "SELECT e.id, NULL, f(e.a) FROM e WHERE s = 'x' AND e.a = ?1 ORDER BY 1";
        assert_eq!(select(relation.asked_by(0), 2), by_key);
        let by_rowid = "SELECT e.id, NULL, NULL FROM e WHERE s = 'x' AND e.id = ?1 ORDER BY 1";
        assert_eq!(select(relation.asked_by(-1), 0), by_rowid);
        assert_eq!(relation.asked_by(1), Asked::Everything);
    }
}
