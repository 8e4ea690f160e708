//! The statement that drops an object, by what PostgreSQL calls it (`pg_identify_object`), and in which order that is tried.

/// What becomes of an object that others use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// It is what the run was made for: others that depend on it stand against the rollback.
    Refuses,
    /// It is there for other objects: it stays as long as there are any.
    Stays,
}

/// A kind of object that can be dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// As `pg_identify_object` and DROP call it.
    pub name: &'static str,
    pub in_use: Use,
    /// The object has rows of its own.
    pub holds_rows: bool,
    command: Command,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Command {
    Drop,
    /// Its identity is `name on table`.
    DropConstraint,
}

const fn kind(name: &'static str, in_use: Use, holds_rows: bool) -> Kind {
    Kind { name, in_use, holds_rows, command: Command::Drop }
}

/// Every kind that a run may make, those that use others first.
pub const KINDS: &[Kind] = &[
    kind("trigger", Use::Refuses, false),
    kind("rule", Use::Refuses, false),
    kind("policy", Use::Refuses, false),
    kind("materialized view", Use::Refuses, false),
    kind("view", Use::Refuses, false),
    Kind { command: Command::DropConstraint, ..kind("table constraint", Use::Refuses, false) },
    kind("index", Use::Refuses, false),
    kind("statistics object", Use::Refuses, false),
    kind("foreign table", Use::Refuses, false),
    kind("table", Use::Refuses, true),
    kind("sequence", Use::Refuses, false),
    kind("aggregate", Use::Stays, false),
    kind("operator", Use::Stays, false),
    kind("function", Use::Stays, false),
    kind("procedure", Use::Stays, false),
    kind("text search configuration", Use::Stays, false),
    kind("text search dictionary", Use::Stays, false),
    kind("type", Use::Stays, false),
    kind("collation", Use::Stays, false),
    kind("extension", Use::Stays, false),
    kind("schema", Use::Stays, false),
];

/// The kind of that name, with its place in the order.
pub fn find(name: &str) -> Option<(usize, &'static Kind)> {
    KINDS.iter().enumerate().find(|(_, kind)| kind.name == name)
}

impl Kind {
    /// The statement. `identity` is the object's name as `pg_identify_object` prints it, quoted and with its schema.
    pub fn statement(&self, identity: &str, cascade: bool) -> Option<String> {
        let behaviour = if cascade { "CASCADE" } else { "RESTRICT" };
        Some(match self.command {
            Command::Drop => format!("DROP {} {identity} {behaviour}", self.name.to_uppercase()),
            Command::DropConstraint => {
                let (name, table) = parted(identity)?;
                format!("ALTER TABLE {table} DROP CONSTRAINT {name} {behaviour}")
            }
        })
    }
}

/// `name on table`: a name in quotes may hold " on " itself.
fn parted(identity: &str) -> Option<(&str, &str)> {
    let end = match identity.strip_prefix('"') {
        None => identity.find(' ')?,
        Some(rest) => {
            let mut quotes = rest.char_indices().filter(|(_, c)| *c == '"').map(|(at, _)| at).peekable();
            loop {
                let at = quotes.next()?;
                // A doubled quote is one of the name's.
                if quotes.next_if_eq(&(at + 1)).is_none() {
                    break at + 2;
                }
            }
        }
    };
    let (name, rest) = identity.split_at_checked(end)?;
    Some((name, rest.strip_prefix(" on ")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_dropped_by_its_kind() {
        let said = |name: &str, identity: &str, cascade| {
            find(name).and_then(|(_, k)| k.statement(identity, cascade))
        };
        assert_eq!(said("table", "public.t", false).as_deref(), Some("DROP TABLE public.t RESTRICT"));
        assert_eq!(
            said("trigger", "a on public.t", true).as_deref(),
            Some("DROP TRIGGER a on public.t CASCADE")
        );
        let constraint = |identity| said("table constraint", identity, false);
        assert_eq!(constraint("c on s.t").as_deref(), Some("ALTER TABLE s.t DROP CONSTRAINT c RESTRICT"));
        let odd = constraint("\"a \"\" on b\" on s.\"t on u\"");
        assert_eq!(odd.as_deref(), Some("ALTER TABLE s.\"t on u\" DROP CONSTRAINT \"a \"\" on b\" RESTRICT"));
        for broken in ["c", "\"c on t", "\"c\"", ""] {
            assert_eq!(constraint(broken), None, "{broken}");
        }
        assert_eq!(said("role", "postgres", false), None);
    }
}
