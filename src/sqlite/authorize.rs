//! What SQL may do on a source connection: read, and change rows if the connection was opened for that. The authorizer
//! denies everything that is not named here.
//!
//! Four other settings make a reading connection read-only; the authorizer denies what these do not cover (ATTACH,
//! pragmas with side effects, functions that reach outside the file). It always denies schema changes.

use std::sync::atomic::{AtomicU8, Ordering};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization, TransactionOperation};

use super::modules::{has_shadow_suffix, is_made};

/// Pragmas that change nothing; their argument, if any, is an object's name or a count.
const TELLING_PRAGMAS: &[&str] = &[
    "collation_list",
    "compile_options",
    "data_version",
    "foreign_key_check",
    "foreign_key_list",
    "freelist_count",
    "function_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "module_list",
    "page_count",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
];

/// Pragmas that only read without an argument and set a value with one.
const HEADER_PRAGMAS: &[&str] = &[
    "application_id",
    "auto_vacuum",
    "encoding",
    "journal_mode",
    "page_size",
    "schema_version",
    "user_version",
];

/// Functions that load code, take pointers, or reach other files.
const DANGEROUS_FUNCTIONS: &[&str] =
    &["edit", "fts3_tokenizer", "load_extension", "readfile", "sqlite_attach", "sqlite_detach", "writefile"];

/// Functions whose value is another one each time.
const RANDOM_FUNCTIONS: &[&str] = &["random", "randomblob"];

/// What a connection was opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// What the current statement is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Purpose {
    /// Text made from a query, a schema or a plan.
    Asking,
    /// A pragma that lists: not even SELECT, see `Source::listing`.
    Listing,
    /// An expression that is evaluated several times, see `Source::repeatably`.
    Repeating,
    /// Transaction control by this module.
    TransactionControl,
}

/// What the authorizer needs to know in addition to the action.
pub(super) struct Authorizer {
    access: Access,
    purpose: AtomicU8,
}

impl Authorizer {
    pub(super) fn new(access: Access) -> Authorizer {
        Authorizer { access, purpose: AtomicU8::new(Purpose::Asking as u8) }
    }

    pub(super) fn during<T>(&self, purpose: Purpose, f: impl FnOnce() -> T) -> T {
        self.purpose.store(purpose as u8, Ordering::Relaxed);
        let answer = f();
        self.purpose.store(Purpose::Asking as u8, Ordering::Relaxed);
        answer
    }

    fn is(&self, purpose: Purpose) -> bool {
        self.purpose.load(Ordering::Relaxed) == purpose as u8
    }
}

pub(super) fn authorize(context: AuthContext<'_>, authorizer: &Authorizer) -> Authorization {
    let action = context.action;
    let allowed = match action {
        AuthAction::Select if authorizer.is(Purpose::Listing) => false,
        AuthAction::Function { function_name }
            if authorizer.is(Purpose::Repeating) && contains(RANDOM_FUNCTIONS, function_name) =>
        {
            false
        }
        _ if authorizer.is(Purpose::TransactionControl) && steers(action) => true,
        _ if authorizer.access == Access::Write && changes_rows(action) => true,
        _ => is_allowed(action),
    };
    if allowed { Authorization::Allow } else { Authorization::Deny }
}

/// Whose statement runs on a file that is being made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Statement {
    /// The plan's: a table, an index, a view, a trigger, rows.
    OfPlan,
    /// One that makes or fills a virtual table.
    OfModule,
    /// The writer's own.
    Own,
}

/// What SQL may do on a file that is being made: tables, indexes, views and triggers, rows, checks of its soundness.
pub(super) fn authorize_new(context: AuthContext<'_>, statement: Statement) -> Authorization {
    const CHECKS: &[&str] =
        &["foreign_key_check", "integrity_check", "quick_check", "index_list", "index_xinfo", "table_xinfo"];
    // Modules ask for them.
    const READ: &[&str] = &["data_version", "page_size"];
    let own = statement == Statement::Own;
    let allowed = match context.action {
        AuthAction::CreateVtable { module_name, .. } => {
            statement == Statement::OfModule && is_made(module_name)
        }
        // Modules remove rows of their own tables.
        AuthAction::Delete { table_name } => has_shadow_suffix(table_name),
        AuthAction::Pragma { pragma_name, pragma_value: None } if contains(READ, pragma_name) => true,
        AuthAction::CreateTable { .. } | AuthAction::CreateIndex { .. } | AuthAction::Reindex { .. } => true,
        AuthAction::CreateView { .. } | AuthAction::CreateTrigger { .. } => true,
        AuthAction::Insert { .. } | AuthAction::Update { .. } => true,
        AuthAction::Select | AuthAction::Read { .. } => true,
        AuthAction::Function { function_name } => !contains(DANGEROUS_FUNCTIONS, function_name),
        AuthAction::Pragma { pragma_name, .. } => own || contains(CHECKS, pragma_name),
        AuthAction::Transaction { .. } => own,
        _ => false,
    };
    if allowed { Authorization::Allow } else { Authorization::Deny }
}

/// What SQL may do in a schema that is only tried: the same, virtual tables too, and to drop what was made. Nothing but DDL
/// is run.
pub(super) fn authorize_trial(context: AuthContext<'_>) -> Authorization {
    const LISTS: &[&str] = &["table_info"];
    match context.action {
        AuthAction::DropView { .. } | AuthAction::DropTrigger { .. } | AuthAction::Delete { .. } => {
            Authorization::Allow
        }
        AuthAction::Recursive => Authorization::Allow,
        AuthAction::Pragma { pragma_name, .. } if contains(LISTS, pragma_name) => Authorization::Allow,
        _ => authorize_new(context, Statement::OfModule),
    }
}

/// What controls a transaction.
fn steers(action: AuthAction<'_>) -> bool {
    match action {
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => true,
        AuthAction::Pragma { pragma_name, .. } => {
            contains(&["ignore_check_constraints", "query_only", "user_version"], pragma_name)
        }
        _ => false,
    }
}

/// INSERT, UPDATE, DELETE, by a statement or by a trigger of the file, but not of SQLite's own tables; the counters
/// of AUTOINCREMENT are rows like others.
fn changes_rows(action: AuthAction<'_>) -> bool {
    match action {
        AuthAction::Insert { table_name }
        | AuthAction::Delete { table_name }
        | AuthAction::Update { table_name, .. } => {
            let is_own = table_name.get(..7).is_some_and(|p| p.eq_ignore_ascii_case("sqlite_"));
            !is_own || table_name.eq_ignore_ascii_case("sqlite_sequence")
        }
        _ => false,
    }
}

fn is_allowed(action: AuthAction<'_>) -> bool {
    match action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => true,
        AuthAction::Transaction { operation } => {
            matches!(operation, TransactionOperation::Begin | TransactionOperation::Rollback)
        }
        AuthAction::Function { function_name } => !contains(DANGEROUS_FUNCTIONS, function_name),
        AuthAction::Pragma { pragma_name, pragma_value } => {
            contains(TELLING_PRAGMAS, pragma_name)
                || (pragma_value.is_none() && contains(HEADER_PRAGMAS, pragma_name))
        }
        // When R*Tree opens a table, it prepares every statement that it might ever run. Running one that writes still
        // fails.
        AuthAction::Insert { table_name }
        | AuthAction::Delete { table_name }
        | AuthAction::Update { table_name, .. } => has_shadow_suffix(table_name),
        _ => false,
    }
}

fn contains(names: &[&str], name: &str) -> bool {
    names.iter().any(|n| n.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pragma<'a>(pragma_name: &'a str, pragma_value: Option<&'a str>) -> AuthAction<'a> {
        AuthAction::Pragma { pragma_name, pragma_value }
    }

    #[test]
    fn reading_is_allowed_and_nothing_else() {
        assert!(is_allowed(AuthAction::Select));
        assert!(is_allowed(pragma("TABLE_XINFO", Some("t"))));
        assert!(is_allowed(pragma("encoding", None)));
        assert!(is_allowed(AuthAction::Insert { table_name: "rtree_t_geom_node" }));
        assert!(is_allowed(AuthAction::Function { function_name: "lower" }));

        assert!(!is_allowed(pragma("encoding", Some("UTF-16"))));
        assert!(!is_allowed(pragma("writable_schema", None)));
        assert!(!is_allowed(AuthAction::Insert { table_name: "users" }));
        assert!(!is_allowed(AuthAction::Attach { filename: "/etc/passwd" }));
        assert!(!is_allowed(AuthAction::Function { function_name: "LOAD_EXTENSION" }));
        assert!(!is_allowed(AuthAction::CreateTempTable { table_name: "t" }));
    }
}
