//! May a foreign table be changed? Its options, the owner's rights and the file's schema decide.

use std::rc::Rc;

use pgrx::PgSqlErrorCode as Code;

use super::connection::Connection;
use super::options::{ServerOptions, TableOptions};
use super::relation;
use crate::error::Error;
use crate::pg::foreign::ForeignTable;
use crate::pg::rights;
use pg_sqlite_migrate_core::remote::{Proof, Table};

/// Commands that a foreign table takes, as IsForeignRelUpdatable wants them: bits of `1 << CmdType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commands(pub i32);

impl Commands {
    pub const NONE: Commands = Commands(0);
    const INSERT: Commands = Commands(1 << 3);
    const ALL: Commands = Commands(1 << 2 | 1 << 3 | 1 << 4);

    /// Only because rows have no name.
    pub fn only_inserts(self) -> bool {
        self == Commands::INSERT
    }
}

/// What may be done to a foreign table. A row without a name can be inserted only.
pub fn commands(relation: &ForeignTable) -> Result<Commands, Error> {
    if why_read_only(relation, &ServerOptions::of(&relation.server)?).is_some() {
        return Ok(Commands::NONE);
    }
    let table = relation::table(relation)?;
    let named = table.rowid.is_some() || !table.key.is_empty();
    Ok(match (table.is_view, named) {
        (true, _) => Commands::NONE,
        (false, true) => Commands::ALL,
        (false, false) => Commands::INSERT,
    })
}

/// Options and the owner's rights let the table be changed.
pub fn check(relation: &ForeignTable) -> Result<(), Error> {
    why_read_only(relation, &ServerOptions::of(&relation.server)?).map_or(Ok(()), Err)
}

fn why_read_only(relation: &ForeignTable, server: &ServerOptions) -> Option<Error> {
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

/// A view's rows are other tables' rows. Raised early: the executor would blame the foreign table.
pub fn refuse_view(table: &Table) -> Result<(), Error> {
    if !table.is_view {
        return Ok(());
    }
    Err(Error::Foreign {
        sqlstate: Code::ERRCODE_WRONG_OBJECT_TYPE,
        message: format!("cannot change foreign table \"{}\"", table.relation),
        detail: Some(format!("\"{}\" is a view in the SQLite file.", table.name)),
        hint: None,
    })
}

/// The connection, with the file open for writing, when the table may be changed.
pub fn connect(relation: &ForeignTable) -> Result<Rc<Connection>, Error> {
    check(relation)?;
    let connection = Connection::of(&relation.server)?;
    connection.make_writable(&relation.server, &ServerOptions::of(&relation.server)?)?;
    let table = TableOptions::of(relation).table;
    match connection.application_order(&table)? {
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

/// The same for a change that was planned: the table is still what the plan was proven from.
pub fn connect_planned(relation: &ForeignTable, proofs: &[Proof]) -> Result<(Rc<Connection>, Table), Error> {
    let connection = connect(relation)?;
    connection.briefly(|connection, session| connection.prove(session, proofs))?;
    let table = relation::table(relation)?;
    Ok((connection, table))
}

pub fn batch_size(relation: &ForeignTable) -> Result<i32, Error> {
    let server = ServerOptions::of(&relation.server)?;
    Ok(TableOptions::of(relation).batch_size.unwrap_or(server.batch_size))
}
