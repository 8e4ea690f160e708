//! What would fail or get lost, and what was decided and should be known: reported as data, never as a panic.
//!
//! `kind` is the registry of what a finding can be about; `fix` is the part of a plan that resolves one.

mod fix;
mod kind;

use std::collections::HashSet;

use serde::Serialize;
use serde_json::Value;

use crate::catalog::TableId;
use crate::shorten;

pub use fix::Fix;
pub use kind::Kind;

/// One thing that a person should know before (or after) an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub kind: Kind,
    pub severity: Severity,
    /// The source object: `users`, `users.created_at`, `index users_email`, ….
    pub object: String,
    /// What is the case: lower case, no full stop.
    pub message: String,
    /// What to do about it, a sentence made from `fix` where there is one; empty when there is nothing to do.
    pub hint: String,
    /// What resolves it; of several ways, the one that loses least.
    pub fix: Option<Fix>,
    /// The source table that a blocking finding is about, so that a run may go on without it.
    pub table: Option<TableId>,
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
    /// What to do, where no plan does it.
    pub fn hint(mut self, hint: impl AsRef<str>) -> Finding {
        self.hint = shorten::text(hint.as_ref()).into_owned();
        self
    }

    /// What resolves it. The hint is `Set PATH to VALUE`, or `Remove PATH`, then `rest`, then a full stop.
    pub fn fix(self, fix: Fix, rest: &str) -> Finding {
        let hint = fix.sentence(rest);
        Finding { fix: Some(fix), ..self.hint(hint) }
    }

    /// As `fix`, with sentences before and after.
    pub fn fix_amid(self, before: &str, fix: Fix, rest: &str, after: &str) -> Finding {
        let fixed = self.fix(fix, rest);
        let said = [before, fixed.hint.as_str(), after].map(str::trim);
        let hint = said.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        fixed.hint(hint)
    }

    /// The same finding, with its table.
    pub fn of(mut self, table: TableId) -> Finding {
        self.table = Some(table);
        self
    }

    /// The merge patch of a plan that resolves it.
    pub fn patch(&self) -> Option<Value> {
        self.fix.as_ref().map(Fix::patch)
    }
}

impl Kind {
    pub fn info(self, object: impl AsRef<str>, message: impl AsRef<str>) -> Finding {
        self.finding(Severity::Info, object, message)
    }

    pub fn warning(self, object: impl AsRef<str>, message: impl AsRef<str>) -> Finding {
        self.finding(Severity::Warning, object, message)
    }

    pub fn blocking(self, object: impl AsRef<str>, message: impl AsRef<str>) -> Finding {
        self.finding(Severity::Blocking, object, message)
    }

    pub fn finding(self, severity: Severity, object: impl AsRef<str>, message: impl AsRef<str>) -> Finding {
        Finding {
            kind: self,
            severity,
            object: shorten::text(object.as_ref()).into_owned(),
            message: shorten::text(message.as_ref()).into_owned(),
            hint: String::new(),
            fix: None,
            table: None,
        }
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
