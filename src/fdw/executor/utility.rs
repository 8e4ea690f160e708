//! Utility commands: IMPORT FOREIGN SCHEMA and TRUNCATE.

use std::ffi::CString;

use pgrx::pg_sys::ImportForeignSchemaType::{FDW_IMPORT_SCHEMA_EXCEPT, FDW_IMPORT_SCHEMA_LIMIT_TO};
use pgrx::{PgLogLevel, PgSqlErrorCode as Code, pg_guard, pg_sys};

use crate::error::Error;
use crate::fdw::connection::raised;
use crate::fdw::import_schema::{self, Listed, Statement};
use crate::fdw::options::{ServerOptions, TableOptions};
use crate::fdw::planner::modify::unsupported;
use crate::fdw::{OrRaise, relation, writable};
use crate::pg::foreign::{self, ForeignTable};
use crate::pg::{encoding, interrupts, nodes, spi, xact};
use pg_sqlite_migrate_core::sqltext::sqlite_ident;

/// Gives back the commands to run. The server itself leaves out tables that the statement does not ask for.
#[pg_guard]
pub unsafe extern "C-unwind" fn import_foreign_schema(
    statement: *mut pg_sys::ImportForeignSchemaStmt,
    server: pg_sys::Oid,
) -> *mut pg_sys::List {
    // SAFETY: the server's own statement.
    let request = unsafe { request(&*statement) };
    let commands = import_schema::commands(&foreign::server(server), &request).or_raise();
    commands.left_out.iter().for_each(|(name, reason)| leave_out(name, reason));
    commands.first.iter().for_each(|sql| {
        spi::execute(sql);
    });
    let mut list = std::ptr::null_mut();
    for (name, command) in &commands.tables {
        match command_text(command) {
            // SAFETY: pstrdup copies a NUL-terminated string; the list is ours.
            Ok(text) => unsafe { nodes::append(&mut list, pg_sys::pstrdup(text.as_ptr())) },
            Err(reason) => leave_out(name, &reason),
        }
    }
    list
}

fn leave_out(name: &str, reason: &str) {
    interrupts::tell(
        PgLogLevel::WARNING,
        &format!("table \"{name}\" of the SQLite file is left out: {reason}"),
    );
}

/// The command in the server's encoding, which may lack one of its characters.
fn command_text(command: &str) -> Result<CString, String> {
    let converted = if command.is_ascii() || encoding::server_is_utf8() {
        Ok(encoding::to_server(command))
    } else {
        xact::attempt(|| encoding::to_server(command))
    };
    match converted {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(_)) => Err("its definition contains a NUL character".into()),
        Err(caught) => Err(caught.message),
    }
}

/// # Safety
/// The statement's strings are NUL-terminated, its lists are of `RangeVar`s and `DefElem`s.
unsafe fn request(statement: &pg_sys::ImportForeignSchemaStmt) -> Statement {
    // SAFETY: the grammar makes the statement so; `text` and `options` copy.
    unsafe {
        Statement {
            remote_schema: foreign::text(statement.remote_schema),
            local_schema: foreign::text(statement.local_schema),
            listed: match statement.list_type {
                FDW_IMPORT_SCHEMA_LIMIT_TO => Listed::LimitTo,
                FDW_IMPORT_SCHEMA_EXCEPT => Listed::Except,
                _ => Listed::All,
            },
            names: nodes::items::<pg_sys::RangeVar>(statement.table_list)
                .map(|table| foreign::text((*table).relname))
                .collect(),
            options: foreign::options(statement.options),
        }
    }
}

/// The tables of one server that one statement names. CASCADE is for foreign keys of PostgreSQL's own; those of the file
/// decide by themselves.
#[pg_guard]
pub unsafe extern "C-unwind" fn exec_foreign_truncate(
    relations: *mut pg_sys::List,
    _behavior: pg_sys::DropBehavior::Type,
    restarts: bool,
) {
    if restarts {
        Err(unsupported("foreign tables support TRUNCATE with CONTINUE IDENTITY only")).or_raise()
    }
    // SAFETY: TRUNCATE hands us a list of open relations, and keeps them open while it is walked.
    unsafe {
        for relation in nodes::items::<pg_sys::RelationData>(relations) {
            truncate(&foreign::table((*relation).rd_id)).or_raise();
        }
    }
}

fn truncate(relation: &ForeignTable) -> Result<(), Error> {
    writable::refuse_view(&relation::table(relation)?)?;
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
    let connection = writable::connect(relation)?;
    let table = relation::table(relation)?;
    let affected = connection.affected(&table.name)?;
    // A utility command: what follows it in the transaction may have the same number.
    let session = connection.change(&affected, None)?;
    session.run(&format!("DELETE FROM main.{}", sqlite_ident(&table.name)), &[]).map(drop).map_err(raised)
}
