//! What will hurt, or what was decided and should be known: said as data, never as a panic.

use std::collections::HashSet;

use serde::Serialize;

use crate::brief;
use crate::catalog::TableId;

/// One thing that a person should know before (or after) an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub severity: Severity,
    /// The source object: `users`, `users.created_at`, `index users_email`, ….
    pub object: String,
    /// What is the case: lower case, no full stop.
    pub message: String,
    /// What to do about it: a sentence, naming the plan key that helps; empty when there is nothing to do.
    pub hint: String,
    /// What a blocking finding is about, for the SQLSTATE of the error.
    #[serde(skip)]
    pub cause: Cause,
    /// The source table that a blocking finding is about, so that a run may go on without it.
    #[serde(skip)]
    pub table: Option<TableId>,
}

/// Kinds of blocking findings that a script would tell apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Cause {
    /// The target table exists (and holds rows) and the plan does not say what to do.
    DuplicateTable,
    Orphans,
    /// NULL in a declared primary key.
    NullKey,
    DuplicateKey,
    /// Stored rows that a CHECK does not allow.
    BrokenCheck,
    /// A stored value does not fit its column's type.
    Misfit,
    /// An object of the file cannot be read.
    Corrupt,
    /// The database's encoding lacks a character of a name or a default.
    Untranslatable,
    #[default]
    Other,
}

/// How much a finding matters, ascending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A decision worth knowing.
    Info,
    /// Something is not carried over, or not as declared; no value is lost.
    Warning,
    /// An import would stop here, before anything is written.
    Blocking,
}

impl Cause {
    /// The rows are sound; a key or a check over them is not.
    pub fn costs_only_the_key(self) -> bool {
        matches!(self, Cause::Orphans | Cause::NullKey | Cause::DuplicateKey | Cause::BrokenCheck)
    }
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Blocking => "blocking",
        }
    }
}

impl Finding {
    pub fn new(
        severity: Severity,
        object: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Finding {
        Finding {
            severity,
            object: brief::text(&object.into()).into_owned(),
            message: brief::text(&message.into()).into_owned(),
            hint: brief::text(&hint.into()).into_owned(),
            cause: Cause::Other,
            table: None,
        }
    }
    /// The same finding, with its cause.
    pub fn because(mut self, cause: Cause) -> Finding {
        self.cause = cause;
        self
    }
    /// The same finding, with its table.
    pub fn of(mut self, table: TableId) -> Finding {
        self.table = Some(table);
        self
    }
    pub fn info(o: impl Into<String>, m: impl Into<String>, h: impl Into<String>) -> Finding {
        Finding::new(Severity::Info, o, m, h)
    }
    pub fn warning(o: impl Into<String>, m: impl Into<String>, h: impl Into<String>) -> Finding {
        Finding::new(Severity::Warning, o, m, h)
    }
    pub fn blocking(o: impl Into<String>, m: impl Into<String>, h: impl Into<String>) -> Finding {
        Finding::new(Severity::Blocking, o, m, h)
    }
}

/// `1 row is`, `2 rows are`.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Of findings with the same object and message, only the first stays.
pub fn say_once(findings: &mut Vec<Finding>) {
    let mut said = HashSet::new();
    findings.retain(|f| said.insert((f.object.clone(), f.message.clone())));
}
