//! Statements that neither read nor write rows: what there is of them in PostgreSQL.

use sqlite3_parser::ast::Stmt;

use crate::sqltext::sqlite_unquote;

/// Why a statement is not translated, and what takes its place.
pub(super) fn reason(stmt: &Stmt<'_>) -> String {
    let text = match stmt {
        Stmt::Pragma(name, _) => return pragma(&sqlite_unquote(name.name.0)),
        Stmt::Begin(..) => "BEGIN is the same in PostgreSQL, without DEFERRED, IMMEDIATE or EXCLUSIVE",
        Stmt::Commit(_) => "COMMIT and END are the same in PostgreSQL",
        Stmt::Rollback { .. } => "ROLLBACK and ROLLBACK TO are the same in PostgreSQL",
        Stmt::Savepoint(_) | Stmt::Release(_) => {
            "SAVEPOINT and RELEASE are the same in PostgreSQL, within a transaction block"
        }
        Stmt::Attach { .. } | Stmt::Detach(_) => {
            "ATTACH and DETACH have no equivalent: another file becomes a schema by an import, or foreign tables by IMPORT FOREIGN SCHEMA"
        }
        Stmt::Vacuum(_, Some(_)) => "VACUUM INTO has no equivalent: foreign tables write to a SQLite file",
        Stmt::Vacuum(..) => {
            "VACUUM is the same in PostgreSQL, of one table or of all, and autovacuum does it"
        }
        Stmt::Analyze(_) => "ANALYZE is the same in PostgreSQL, and autovacuum does it",
        Stmt::Reindex { .. } => "REINDEX needs TABLE, INDEX or DATABASE in PostgreSQL",
        Stmt::CreateTable { .. } | Stmt::CreateIndex { .. } => {
            "a table or an index is translated by an import, whose statements sqlite_ddl() prints"
        }
        Stmt::CreateView { .. } | Stmt::CreateTrigger { .. } => "it stands within another statement",
        Stmt::CreateVirtualTable { .. } => "a virtual table has no equivalent as a statement",
        Stmt::AlterTable(..) => "ALTER TABLE is written by hand: names and types are those of the plan",
        Stmt::DropIndex { .. }
        | Stmt::DropTable { .. }
        | Stmt::DropTrigger { .. }
        | Stmt::DropView { .. } => "DROP is written by hand: names are those of the plan",
        Stmt::Select(_) | Stmt::Insert { .. } | Stmt::Update { .. } | Stmt::Delete { .. } => {
            "it is no single statement"
        }
    };
    text.to_owned()
}

/// What takes the place of a setting or a question of SQLite.
fn pragma(name: &str) -> String {
    const KNOWN: &[(&str, &str)] = &[
        ("foreign_keys", "foreign keys are always checked"),
        ("defer_foreign_keys", "SET CONSTRAINTS ALL DEFERRED defers those that are DEFERRABLE"),
        ("foreign_key_check", "constraints that are validated have no such rows"),
        ("foreign_key_list", "pg_constraint lists them"),
        ("table_info", "information_schema.columns lists them"),
        ("table_xinfo", "information_schema.columns lists them"),
        ("table_list", "information_schema.tables lists them"),
        ("index_list", "pg_indexes lists them"),
        ("index_info", "pg_indexes lists them"),
        ("index_xinfo", "pg_indexes lists them"),
        ("database_list", "pg_namespace lists the schemas"),
        ("collation_list", "pg_collation lists them"),
        ("function_list", "pg_proc lists them"),
        ("journal_mode", "write-ahead logging is always on"),
        ("wal_checkpoint", "CHECKPOINT does it"),
        ("synchronous", "synchronous_commit is PostgreSQL's setting"),
        ("busy_timeout", "lock_timeout is PostgreSQL's setting"),
        ("cache_size", "shared_buffers is PostgreSQL's setting"),
        ("temp_store", "temp_buffers is PostgreSQL's setting"),
        ("mmap_size", "shared_buffers is PostgreSQL's setting"),
        ("integrity_check", "amcheck checks tables and indexes"),
        ("quick_check", "amcheck checks tables and indexes"),
        ("optimize", "ANALYZE does it, and autovacuum"),
        ("auto_vacuum", "autovacuum does it"),
        ("incremental_vacuum", "autovacuum does it"),
        ("case_sensitive_like", "ILIKE ignores case, and LIKE does not"),
        ("recursive_triggers", "triggers fire others in PostgreSQL, and themselves"),
        ("user_version", "a table of the application's own keeps it"),
        ("application_id", "a table of the application's own keeps it"),
        ("encoding", "SHOW server_encoding tells it"),
        ("query_only", "default_transaction_read_only is PostgreSQL's setting"),
        ("read_uncommitted", "PostgreSQL reads what is committed"),
        ("locking_mode", "PostgreSQL's locks are of rows and tables"),
        ("page_size", "PostgreSQL's pages have their size from its build"),
        ("page_count", "pg_relation_size() tells it"),
        ("secure_delete", "there is no such setting"),
    ];
    let known = KNOWN.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    match known {
        Some((_, instead)) => format!("PRAGMA {} has no equivalent: {instead}", name.to_ascii_lowercase()),
        None => format!("PRAGMA {} has no equivalent", name.to_ascii_lowercase()),
    }
}
