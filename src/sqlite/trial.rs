//! Asks SQLite which statements of a schema it takes: they are run in a database in memory that has no rows, and each view
//! and trigger is compiled. What an application registers, SQLite does not have here.

use rusqlite::functions::FunctionFlags;
use rusqlite::hooks::AuthContext;
use rusqlite::limits::Limit;
use rusqlite::{Connection, Error as Failure};

use super::Error;
use super::authorize::authorize_trial;
use super::create::Interrupted;
use pg_sqlite_migrate_core::sqltext::sqlite_ident;

/// A statement that makes an object.
#[derive(Debug, Clone, Copy)]
pub struct Tried<'s> {
    sql: &'s str,
    object: Object<'s>,
}

#[derive(Debug, Clone, Copy)]
enum Object<'s> {
    /// A table, a virtual one too, or an index.
    Other,
    View {
        name: &'s str,
    },
    Trigger {
        name: &'s str,
        table: &'s str,
    },
}

impl<'s> Tried<'s> {
    pub fn table(sql: &'s str) -> Tried<'s> {
        Tried { sql, object: Object::Other }
    }

    pub fn index(sql: &'s str) -> Tried<'s> {
        Tried { sql, object: Object::Other }
    }

    pub fn view(sql: &'s str, name: &'s str) -> Tried<'s> {
        Tried { sql, object: Object::View { name } }
    }

    pub fn trigger(sql: &'s str, name: &'s str, table: &'s str) -> Tried<'s> {
        Tried { sql, object: Object::Trigger { name, table } }
    }
}

/// The statements that SQLite does not take, in this order, and why. `stop` is asked from time to time: views over views may
/// take long to compile.
pub fn refused(statements: &[Tried<'_>], stop: Interrupted) -> Result<Vec<(String, String)>, Error> {
    let failed = |e| Error::from_sqlite("memory".as_ref(), e);
    let connection = opened(stop.clone()).map_err(failed)?;
    let mut out = vec![];
    // A view may read one that stands after it.
    for tried in statements {
        if let Err(error) = connection.execute_batch(tried.sql) {
            out.push((tried.sql.to_owned(), message(&error)));
        } else if let Object::Trigger { name, table } = tried.object
            && let Some(reason) = unfit_trigger(&connection, table)
        {
            let _ = connection.execute_batch(&format!("DROP TRIGGER {}", sqlite_ident(name)));
            out.push((tried.sql.to_owned(), reason));
        }
    }
    for tried in statements {
        if let Object::View { name } = tried.object
            && let Some(reason) = unfit(&connection, &format!("SELECT * FROM {}", sqlite_ident(name)))
            && !out.iter().any(|(sql, _)| sql == tried.sql)
        {
            out.push((tried.sql.to_owned(), reason));
        }
    }
    match stop() {
        true => Err(failed(Failure::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_INTERRUPT),
            None,
        ))),
        false => Ok(out),
    }
}

fn opened(stop: Interrupted) -> rusqlite::Result<Connection> {
    const OPERATIONS_BETWEEN_LOOKS: i32 = 2000;
    let mut connection = Connection::open_in_memory()?;
    connection.progress_handler(OPERATIONS_BETWEEN_LOOKS, Some(move || stop()))?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.authorizer(Some(|context: AuthContext<'_>| authorize_trial(context)))?;
    Ok(connection)
}

/// Why a statement cannot be compiled, if that is no matter of what only the application has.
fn unfit(connection: &Connection, sql: &str) -> Option<String> {
    /// So many functions and collations may be an application's.
    const MOST: usize = 1_000;
    for _ in 0..MOST {
        let reason = message(&connection.prepare(sql).err()?);
        let stood_in = match (
            reason.strip_prefix("no such function: "),
            reason.strip_prefix("no such collation sequence: "),
        ) {
            (Some(name), _) => connection.create_scalar_function(name, -1, stand_in(), |_| Ok(0)),
            (_, Some(name)) => connection.create_collation(name, str::cmp),
            _ => return Some(reason),
        };
        stood_in.ok()?;
    }
    None
}

/// Of a function that is only named, and never called.
fn stand_in() -> FunctionFlags {
    FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC
}

/// Why the triggers of a table or view cannot run.
fn unfit_trigger(connection: &Connection, table: &str) -> Option<String> {
    let on = sqlite_ident(table);
    let columns: Vec<String> = columns(connection, table).unwrap_or_default();
    let sets: Vec<String> = columns.iter().map(|c| format!("{0} = {0}", sqlite_ident(c))).collect();
    let nulls = vec!["NULL"; columns.len()].join(", ");
    let names: Vec<String> = columns.iter().map(|c| sqlite_ident(c)).collect();
    [
        format!("INSERT INTO {on} ({}) VALUES ({nulls})", names.join(", ")),
        format!("UPDATE {on} SET {}", sets.join(", ")),
        format!("DELETE FROM {on}"),
    ]
    .iter()
    .filter_map(|sql| unfit(connection, sql))
    // A view takes what its triggers take.
    .find(|reason| !reason.starts_with("cannot modify"))
}

/// The columns that can be written.
fn columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(&format!("PRAGMA table_info({})", sqlite_ident(table)))?;
    statement.query_map((), |row| row.get(1))?.collect()
}

fn message(error: &Failure) -> String {
    match error {
        Failure::SqliteFailure(_, Some(message)) => message.clone(),
        Failure::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sqlite_does_not_take_is_told() {
        let statements = [
            Tried::table("CREATE TABLE t (a, b AS (a + 1))"),
            Tried::table("CREATE TABLE u (a CHECK (application(a)))"),
            Tried::index("CREATE INDEX i ON t (application(a))"),
            Tried::index("CREATE INDEX j ON t (a)"),
            Tried::table("CREATE VIRTUAL TABLE f USING fts5(a, content='t')"),
            Tried::table("CREATE VIRTUAL TABLE g USING rtree(id, x)"),
            Tried::table("CREATE VIRTUAL TABLE d USING dbstat"),
            Tried::view(
                "CREATE VIEW y AS SELECT bm25(f), highlight(f, 0, '', '') FROM f WHERE f MATCH 'a'",
                "y",
            ),
            Tried::view("CREATE VIEW z AS SELECT * FROM d", "z"),
            Tried::trigger(
                "CREATE TRIGGER k AFTER INSERT ON t BEGIN INSERT INTO f(rowid, a) VALUES (new.rowid, new.a); END",
                "k",
                "t",
            ),
            Tried::view("CREATE VIEW v AS SELECT * FROM w WHERE application(a)", "v"),
            Tried::view("CREATE VIEW w AS SELECT a, b FROM t", "w"),
            Tried::view("CREATE VIEW x AS SELECT * FROM gone", "x"),
            Tried::trigger("CREATE TRIGGER r AFTER UPDATE OF a ON t BEGIN DELETE FROM gone; END", "r", "t"),
            Tried::trigger(
                "CREATE TRIGGER s AFTER UPDATE OF a ON t BEGIN SELECT application(1); END",
                "s",
                "t",
            ),
            Tried::trigger(
                "CREATE TRIGGER o AFTER UPDATE ON t WHEN application(new.a) BEGIN DELETE FROM gone; END",
                "o",
                "t",
            ),
            Tried::trigger("CREATE TRIGGER q INSTEAD OF INSERT ON w BEGIN DELETE FROM t; END", "q", "w"),
            Tried::trigger("CREATE TRIGGER p AFTER INSERT ON x BEGIN SELECT 1; END", "p", "x"),
        ];
        let found = refused(&statements, std::sync::Arc::new(|| false)).unwrap();
        let found: Vec<(&str, &str)> =
            found.iter().map(|(sql, why)| (sql.split(' ').nth(2).unwrap(), why.as_str())).collect();
        assert_eq!(
            found,
            [
                ("u", "no such function: application"),
                ("i", "no such function: application"),
                ("TABLE", "Too few columns for an rtree table"),
                ("TABLE", "not authorized"),
                ("r", "no such table: main.gone"),
                ("o", "no such table: main.gone"),
                ("p", "cannot create AFTER trigger on view: x"),
                ("z", "no such table: main.d"),
                ("x", "no such table: main.gone"),
            ]
        );
    }
}
