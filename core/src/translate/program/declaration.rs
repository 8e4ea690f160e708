//! CREATE VIEW and CREATE TRIGGER as statements of an application: what they create.

use sqlite3_parser::Bump;
use sqlite3_parser::ast::{Cmd, Stmt};

use super::guard;
use crate::sqltext::sqlite_unquote;

/// A view or a trigger that a statement creates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    pub kind: Declares,
    pub name: String,
    /// TEMP: only its session sees it.
    pub temporary: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Declares {
    View,
    Trigger,
}

/// What a statement creates; none of any other statement, or of one that cannot be read.
pub fn declaration(sql: &str) -> Option<Declaration> {
    let bump = Bump::new();
    let (kind, name, temporary) = match guard::command(sql, &bump).ok()? {
        Cmd::Stmt(Stmt::CreateView { view_name, temporary, .. }) => (Declares::View, view_name, temporary),
        Cmd::Stmt(Stmt::CreateTrigger { trigger_name, temporary, .. }) => {
            (Declares::Trigger, trigger_name, temporary)
        }
        _ => return None,
    };
    let schema = name.db_name.as_ref().map(|schema| sqlite_unquote(schema.0));
    let temporary = temporary || schema.is_some_and(|schema| schema.eq_ignore_ascii_case("temp"));
    Some(Declaration { kind, name: sqlite_unquote(name.name.0), temporary })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_that_create_are_told_apart() {
        let of = |sql: &str| declaration(sql).map(|of| (of.kind, of.name, of.temporary));
        let view = |temporary| Some((Declares::View, "a b".to_owned(), temporary));
        assert_eq!(of("CREATE VIEW IF NOT EXISTS [a b] AS SELECT 1 -- it"), view(false));
        assert_eq!(of("CREATE TEMP VIEW main.\"a b\" AS SELECT 1"), view(true));
        assert_eq!(of("CREATE VIEW temp.\"a b\" AS SELECT 1"), view(true));
        let trigger = "CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM u; END;";
        assert_eq!(of(trigger), Some((Declares::Trigger, "g".to_owned(), false)));
        assert_eq!(of("SELECT 1"), None);
        assert_eq!(of("CREATE VIEW v AS"), None);
    }
}
