//! What a table has and the file does not declare.

use std::collections::HashSet;

use crate::plan::{Declared, DeclaredKind, DeclaredTable};

use super::found::FoundTable;

/// A constraint, index or trigger that the file does not declare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unclaimed {
    pub source: String,
    /// `unique`, `foreign key`, …
    pub kind: &'static str,
    pub name: String,
    pub definition: String,
    /// It may refuse rows.
    pub refuses: bool,
}

/// What no declared object has claimed by name.
pub fn unclaimed(declared: &DeclaredTable, found: &FoundTable, claimed: &HashSet<String>) -> Vec<Unclaimed> {
    use super::found::ConstraintKind::*;
    let source = &declared.source;
    let other = |kind, name: &String, definition: &String, refuses| Unclaimed {
        source: source.clone(),
        kind,
        name: name.clone(),
        definition: definition.clone(),
        refuses,
    };
    let free = |name: &String| !claimed.contains(name);
    let constraints = found.constraints.iter().filter(|c| free(&c.name)).map(|c| {
        let kind = match c.kind {
            PrimaryKey => "primary key",
            Unique => "unique constraint",
            Exclude => "exclusion constraint",
            ForeignKey => "foreign key",
            Check => "check",
        };
        other(kind, &c.name, &c.definition, true)
    });
    let indexes = found.indexes.iter().filter(|i| !i.constraint && free(&i.name));
    let indexes = indexes.map(|i| other("index", &i.name, &i.definition, i.unique));
    let named = |name: &String| {
        let is = |o: &&str| o.eq_ignore_ascii_case(name);
        let triggers = declared.objects.iter().filter(|o| o.kind == DeclaredKind::Trigger);
        triggers.filter_map(|o| o.name.as_deref()).any(|n| is(&n))
    };
    let triggers = found.triggers.iter().filter(|t| !named(&t.name) && free(&t.name));
    let triggers = triggers.map(|t| other("trigger", &t.name, &t.definition, false));
    // What keeps NULL out of a column in the file, whatever it is there.
    let keeps = |o: &&Declared| {
        matches!(o.kind, DeclaredKind::NotNull | DeclaredKind::PrimaryKey | DeclaredKind::Identity)
    };
    let declared_so = |name: &String| declared.objects.iter().filter(keeps).any(|o| o.columns.contains(name));
    let strict = found.columns.iter().filter(|c| c.not_null && !declared_so(&c.name));
    let strict = strict.map(|c| other("NOT NULL", &c.name, &"NOT NULL".to_owned(), true));
    constraints.chain(indexes).chain(triggers).chain(strict).collect()
}

impl Unclaimed {
    /// As findings call it.
    pub fn object(&self) -> String {
        match self.kind {
            "NOT NULL" => format!("{}.{}", self.source, self.name),
            kind => format!("{kind} {} of {}", self.name, self.source),
        }
    }
}
