//! Rows without a parent: looked for after the load, before the constraint is made, or by the constraint's own
//! operators where it is there already.
//!
//! The questions are `RI_Initial_Check`'s: children by inheritance have no part in a foreign key, and what collates
//! is compared by the parent's collation. The children are those of an ordinary table.

use super::log::Rejects;
use crate::error::{Error, OrphanRows};
use crate::pg::settings::{LocalSettings, Reads};
use crate::pg::spi::{self, TextRow};
use crate::pg::{erase, latest, relation};
use crate::plan::{KeyOperator, OrphanSpec, Orphans};
use crate::sqltext::{ident, ident_list, qualified};
use crate::verify::counts;

/// The key columns `$2` of the referenced table `$1` in order: what a query says before the table's name, so as to see
/// the rows that may be parents, and after the value that it compares with the column.
const PARENT: &str = "
    SELECT CASE c.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END,
           COALESCE(' COLLATE ' || quote_ident(n.nspname) || '.' || quote_ident(l.collname), '')
    FROM unnest($2::text[]) WITH ORDINALITY AS key (name, place)
    JOIN pg_attribute a ON a.attrelid = $1::regclass AND a.attname = key.name
    JOIN pg_class c ON c.oid = a.attrelid
    LEFT JOIN pg_collation l ON l.oid = a.attcollation
    LEFT JOIN pg_namespace n ON n.oid = l.collnamespace
    ORDER BY key.place";

/// Rows that are read and logged together.
const LOGGED_AT_ONCE: usize = 1000;

/// Rows that one settlement removed, by child table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    pub schema: String,
    pub table: String,
    pub rows: u64,
}

/// The rows that one foreign key is asked about.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    spec: &'a OrphanSpec,
    /// The table that holds the children, as SQL names it.
    child: String,
    /// The same, as FROM names it.
    children: String,
    /// What may hold their parents, as FROM names it.
    parents: Vec<String>,
    /// The COLLATE clause of each comparison, if it has one.
    collations: Vec<String>,
}

impl<'a> Question<'a> {
    /// The rows of the table itself.
    pub fn of_table(spec: &'a OrphanSpec) -> Question<'a> {
        let child = qualified(&spec.schema, &spec.table);
        let _path = LocalSettings::safe_search_path();
        let children = counts::own_rows(&spec.schema, &spec.table).unwrap_or_else(|| child.clone());
        Question::new(spec, child, children)
    }

    /// Rows on a stage, from which they go into the table all at once.
    pub fn of_stage(spec: &'a OrphanSpec, stage: &str) -> Question<'a> {
        let mut question = Question::new(spec, stage.to_string(), stage.to_string());
        if (&spec.schema, &spec.table) == (&spec.parent_schema, &spec.parent) {
            question.parents.push(stage.to_string());
        }
        question
    }

    fn new(spec: &'a OrphanSpec, child: String, children: String) -> Question<'a> {
        let _path = LocalSettings::safe_search_path();
        let parent = qualified(&spec.parent_schema, &spec.parent);
        let columns = spi::rows(PARENT, &[Some(&parent), Some(&spi::array(&spec.parent_columns))]);
        let field = |row: &TextRow, i: usize| row.get(i).cloned().flatten().unwrap_or_default();
        let only = columns.first().map(|row| field(row, 0)).unwrap_or_default();
        let collations = columns.iter().map(|row| field(row, 1)).collect();
        Question { spec, child, children, parents: vec![format!("{only}{parent}")], collations }
    }

    /// Keeps the parents where they are until the transaction ends: other sessions do not see the children yet.
    pub fn hold_parents(&self) {
        let parent = qualified(&self.spec.parent_schema, &self.spec.parent);
        relation::lock(spi::oid(&parent));
    }

    pub fn policy(&self) -> Orphans {
        self.spec.policy
    }

    /// What to say of rows that were removed.
    pub fn rejected(rows: u64) -> String {
        match rows {
            1 => "1 row without a parent was rejected".into(),
            rows => format!("{rows} rows without a parent were rejected"),
        }
    }

    /// What to say of rows that lost their key.
    pub fn nulled(&self, rows: u64) -> Option<String> {
        let columns = self.spec.columns.join(", ");
        (rows > 0).then(|| format!("{columns} became NULL in {rows} rows without a parent"))
    }
}

/// Removes rows without a parent for every key whose policy is `reject`. Removing a row may leave its own
/// children without a parent, so this is repeated until nothing is left to remove.
pub fn settle_rejects(questions: &[Question<'_>], rejects: Rejects) -> Vec<Removed> {
    let _path = LocalSettings::safe_search_path();
    let mut removed = Vec::new();
    loop {
        let before = removed.len();
        for question in questions.iter().filter(|q| q.policy() == Orphans::Reject) {
            let rows = reject(question, rejects);
            if rows > 0 {
                let (schema, table) = (question.spec.schema.clone(), question.spec.table.clone());
                removed.push(Removed { schema, table, rows });
            }
        }
        if removed.len() == before {
            return removed;
        }
    }
}

/// Settles one key of another policy, once no more rows are removed; gives the rows that lost their key.
pub fn settle(question: &Question<'_>) -> Result<u64, Error> {
    let _path = LocalSettings::safe_search_path();
    match question.spec.policy {
        Orphans::Null => Ok(nullify(question)),
        Orphans::Error => refuse(question).map(|()| 0),
        Orphans::Reject | Orphans::Keep => Ok(0),
    }
}

fn reject(question: &Question<'_>, rejects: Rejects) -> u64 {
    let Question { spec, child, .. } = question;
    let found = question.found();
    if found.is_empty() {
        return 0;
    }
    // Read with the caller's rights: output functions of types are code.
    let rows = format!("SELECT to_jsonb(c.*)::text FROM ONLY {child} AS c WHERE c.ctid = ANY ($1::tid[])");
    for part in found.chunks(LOGGED_AT_ONCE) {
        let _styles = LocalSettings::printing(Reads::Styles);
        let rows = spi::rows(&rows, &[Some(&spi::array(part))]);
        rejects.write_orphans(spec, &rows.into_iter().flatten().flatten().collect::<Vec<_>>());
    }
    let addresses: Vec<_> = found.iter().filter_map(|ctid| erase::parse(ctid)).collect();
    erase::erase(spi::oid(child), &addresses);
    found.len() as u64
}

fn nullify(question: &Question<'_>) -> u64 {
    let found = question.found();
    if found.is_empty() {
        return 0;
    }
    let nulls: Vec<String> = question.spec.columns.iter().map(|c| format!("{} = NULL", ident(c))).collect();
    let update = format!(
        "UPDATE ONLY {} AS c SET {} WHERE c.ctid = ANY ($1::tid[])",
        question.child,
        nulls.join(", ")
    );
    spi::execute_with(&update, &[Some(&spi::array(&found))])
}

/// An error if there is a row without a parent.
pub fn refuse(question: &Question<'_>) -> Result<(), Error> {
    let spec = question.spec;
    let count = question.ask("count(*)", "");
    let count = count.first().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
    if count == 0 {
        return Ok(());
    }
    let keys = ident_list(spec.columns.iter());
    let _styles = LocalSettings::printing(Reads::Styles);
    let examples = question.ask(&format!("(ROW({keys}))::text"), &format!(" ORDER BY {keys} LIMIT 5"));
    let examples: Vec<String> =
        examples.iter().map(|row| format!("({}) = {row}", spec.columns.join(", "))).collect();
    Err(Error::Orphans(Box::new(OrphanRows {
        source: spec.source.clone(),
        table: format!("{}.{}", spec.schema, spec.table),
        parent: format!("{}.{}", spec.parent_schema, spec.parent),
        count,
        examples: examples.join(", "),
        existing: spec.existing,
    })))
}

impl Question<'_> {
    /// The addresses of rows without a parent.
    fn found(&self) -> Vec<String> {
        self.ask("c.ctid::text", "")
    }

    /// One expression over the rows without a parent. A parent that a policy hides would be none: that is an error.
    fn ask(&self, expression: &str, tail: &str) -> Vec<String> {
        let settings = LocalSettings::safe_search_path();
        settings.set("row_security", "off");
        let (children, orphaned) = (&self.children, self.orphaned());
        let answers =
            latest::rows(&format!("SELECT {expression} FROM {children} AS c WHERE {orphaned}{tail}"));
        answers.into_iter().flatten().flatten().collect()
    }

    /// MATCH SIMPLE: a row with a NULL among its columns has no parent to look for. MATCH FULL: only one with
    /// nothing but NULL.
    fn orphaned(&self) -> String {
        let set = self.spec.columns.iter().map(|c| format!("c.{} IS NOT NULL", ident(c)));
        let set: Vec<String> = set.collect();
        let set = if self.spec.full { format!("({})", set.join(" OR ")) } else { set.join(" AND ") };
        let same = self.same();
        let missing = self.parents.iter();
        let missing = missing.map(|parent| format!("NOT EXISTS (SELECT FROM {parent} AS p WHERE {same})"));
        format!("{set} AND {}", missing.collect::<Vec<_>>().join(" AND "))
    }

    fn same(&self) -> String {
        let pairs = self.spec.columns.iter().zip(&self.spec.parent_columns).enumerate();
        let same = pairs.map(|(i, (child, parent))| {
            let (parent, child) = (ident(parent), ident(child));
            let collation = self.collations.get(i).map_or("", String::as_str);
            match self.spec.operators.get(i) {
                None => format!("p.{parent} = c.{child}{collation}"),
                Some(KeyOperator { name, parent_type, child_type }) => {
                    format!("p.{parent}::{parent_type} OPERATOR({name}) c.{child}::{child_type}{collation}")
                }
            }
        });
        same.collect::<Vec<_>>().join(" AND ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> OrphanSpec {
        OrphanSpec {
            schema: "app".into(),
            table: "chat".into(),
            columns: vec!["user".into(), "b".into()],
            parent_schema: "app".into(),
            parent: "users".into(),
            parent_columns: vec!["id".into(), "c".into()],
            operators: vec![],
            full: false,
            policy: Orphans::Error,
            source: "Chat".into(),
            existing: false,
        }
    }

    fn question(spec: &OrphanSpec) -> Question<'_> {
        let (child, children, parents) = ("chat".into(), "ONLY chat".into(), vec!["ONLY app.users".into()]);
        Question { spec, child, children, parents, collations: vec![" COLLATE x".into(), String::new()] }
    }

    #[test]
    fn the_condition_is_match_simple() {
        assert_eq!(
            question(&spec()).orphaned(),
            "c.\"user\" IS NOT NULL AND c.\"b\" IS NOT NULL AND NOT EXISTS (SELECT FROM ONLY app.users AS p \
             WHERE p.\"id\" = c.\"user\" COLLATE x AND p.\"c\" = c.\"b\")"
        );
    }

    #[test]
    fn a_constraint_s_own_operators_and_match_full_are_used() {
        let operator = |name: &str| KeyOperator {
            name: name.into(),
            parent_type: "text".into(),
            child_type: "bpchar".into(),
        };
        let operators = vec![operator("pg_catalog.="), operator("public.=")];
        let spec = OrphanSpec { operators, full: true, ..spec() };
        let mut question = question(&spec);
        question.parents.push("s".into());
        let same = "WHERE p.\"id\"::text OPERATOR(pg_catalog.=) c.\"user\"::bpchar COLLATE x \
                    AND p.\"c\"::text OPERATOR(public.=) c.\"b\"::bpchar)";
        assert_eq!(
            question.orphaned(),
            format!(
                "(c.\"user\" IS NOT NULL OR c.\"b\" IS NOT NULL) AND NOT EXISTS (SELECT FROM ONLY app.users AS p \
                 {same} AND NOT EXISTS (SELECT FROM s AS p {same}"
            )
        );
    }
}
