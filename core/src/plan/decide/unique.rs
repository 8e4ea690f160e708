//! Primary keys and UNIQUE constraints, as strong as the stored rows allow.

use super::collate::{self, Sense};
use super::draft::{Context, Draft};
use super::trial::{Part, accepted};
use crate::catalog::{Index, IndexColumn, IndexKey, Origin, Table};
use crate::finding::{Cause, Finding};
use crate::plan::given::words::{Keys, Nocase};
use crate::plan::resolve::names::Scope;
use crate::plan::{KeyFact, KeyFactKind, Phase};
use crate::sqltext::{ident, ident_list, qualified};

const TOO_LONG: &str = "Shorten the values, or make the table without the key and load into it.";

/// `INDEX_MAX_KEYS`.
pub const MAX_KEYS: usize = 32;

/// Plans the keys of a fresh table. `relations` are the names taken in its schema.
pub fn keys(ctx: &Context<'_>, draft: &mut Draft<'_>, relations: &mut Scope, notes: &mut Vec<Finding>) {
    primary_key(ctx, draft, relations, notes);
    let table = draft.table;
    for (i, index) in table.indexes.iter().enumerate().filter(|(_, i)| i.origin == Origin::Unique) {
        unique(ctx, draft, (i, index), relations, notes);
    }
}

/// A key of the source over columns, each with the collation by which the key compares it.
struct SourceKey {
    columns: Vec<(String, String)>,
}

impl SourceKey {
    /// `None` for a key over something else. A column that is there bytewise needs no second look.
    fn of(index: &Index) -> Option<SourceKey> {
        let column = |k: &IndexColumn| match &k.key {
            IndexKey::Column(name) => Some((name.clone(), k.collation.clone())),
            _ => None,
        };
        let all = index.columns.iter().map(column).collect::<Option<Vec<_>>>()?;
        let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
        let mut columns: Vec<(String, String)> = vec![];
        for (name, collation) in &all {
            let bytewise = all.iter().any(|(n, c)| same(n, name) && same(c, "BINARY"));
            let known = columns.iter().any(|(n, c)| same(n, name) && same(c, collation));
            if !known && (!bytewise || same(collation, "BINARY")) {
                columns.push((name.clone(), collation.clone()));
            }
        }
        Some(SourceKey { columns })
    }

    /// Without an index of its own (the rowid has none), by the columns' collations.
    fn primary(table: &Table, columns: &[String]) -> SourceKey {
        let own = table.indexes.iter().find(|i| i.origin == Origin::PrimaryKey).and_then(SourceKey::of);
        let declared = |name: &String| table.column(name).and_then(|c| c.collation.clone());
        let by_columns =
            || columns.iter().map(|n| (n.clone(), declared(n).unwrap_or_else(|| "BINARY".into()))).collect();
        own.unwrap_or_else(|| SourceKey { columns: by_columns() })
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = vec![];
        for (name, _) in &self.columns {
            if !names.iter().any(|n| n.eq_ignore_ascii_case(name)) {
                names.push(name.clone());
            }
        }
        names
    }

    /// It compares each column as the column is declared: then a foreign key of the source may point to it.
    fn as_declared(&self, draft: &Draft<'_>) -> bool {
        self.columns.iter().all(|(name, collation)| {
            let declared = draft.column(name).and_then(|c| c.source.collation.as_deref());
            declared.unwrap_or("BINARY").eq_ignore_ascii_case(collation)
        })
    }

    /// Its columns as an index of PostgreSQL's compares them.
    fn sql(&self, draft: &Draft<'_>) -> (String, Sense) {
        let found = self.columns.iter().filter_map(|(name, collation)| {
            draft.column(name).map(|column| collate::key_column(draft, column, collation))
        });
        let (sql, senses): (Vec<String>, Vec<Sense>) = found.unzip();
        let any = |sense| senses.contains(&sense);
        let sense = match () {
            () if any(Sense::Finer) => Sense::Finer,
            () if any(Sense::Coarser) => Sense::Coarser,
            () => Sense::Same,
        };
        (sql.join(", "), sense)
    }

    fn lost(&self, ctx: &Context<'_>, draft: &Draft<'_>, object: &str, notes: &mut Vec<Finding>) {
        let lost = self.columns.iter().filter_map(|(name, collation)| {
            draft.column(name).and_then(|column| collate::lost(ctx, draft, object, column, collation))
        });
        notes.extend(lost);
    }
}

const OTHER_COLLATION: &str = "becomes a unique index: its collation is not the one of its column";

fn primary_key(ctx: &Context<'_>, draft: &mut Draft<'_>, relations: &mut Scope, notes: &mut Vec<Finding>) {
    let table = draft.table;
    let Some(key) = table.primary_key.as_ref().filter(|k| !k.columns.is_empty()) else {
        let hint = "Logical replication of UPDATE and DELETE needs one.";
        notes.push(Finding::info(table.name.clone(), "table has no primary key", hint));
        return;
    };
    let object = format!("primary key of {}", table.name);
    let columns = match key_columns(ctx, draft, Part::PrimaryKey, &key.columns) {
        Ok(columns) => columns,
        Err(why) => return draft.left_out(notes, object, format!("is left out: {why}"), ""),
    };
    let source = SourceKey::primary(table, &key.columns);
    source.lost(ctx, draft, &object, notes);
    let index = table.indexes.iter().position(|i| i.origin == Origin::PrimaryKey);
    notes.extend(index.and_then(|index| folded(ctx, draft, index, &object)));
    too_long(draft, &key.columns, &object, TOO_LONG, notes);
    let fact = |kind: KeyFactKind| {
        ctx.source.key_facts.iter().find(|f| f.table.eq_ignore_ascii_case(&table.name) && f.kind == kind)
    };
    let nulls = fact(KeyFactKind::PrimaryKeyNull).filter(|f| f.count > 0);
    let duplicates = fact(KeyFactKind::PrimaryKeyDuplicate).filter(|f| f.count > 0);
    if nulls.is_some() || duplicates.is_some() {
        return broken_primary_key(draft, &source, columns, (nulls, duplicates), relations, notes);
    }
    must_not_be_null(draft, &key.columns, notes);
    let name = constraint_name(draft, relations, key.name.as_deref(), &[], notes);
    let (keys, sense) = source.sql(draft);
    if sense == Sense::Finer {
        create_index(draft, "UNIQUE INDEX", &name, &keys, "", Phase::Keys);
        let hint = format!("Set {} to \"lower\" for a primary key.", draft.path("nocase"));
        return draft.left_out(notes, object, OTHER_COLLATION.into(), &hint);
    }
    add_constraint(draft, &name, &format!("PRIMARY KEY ({})", ident_list(&columns)), Phase::Keys);
    draft.unique.push(key.columns.clone());
    if sense == Sense::Coarser {
        coarser(draft, &columns, &keys, relations);
    }
}

/// PostgreSQL's primary key implies NOT NULL, whatever the plan says of the column.
fn must_not_be_null(draft: &mut Draft<'_>, columns: &[String], notes: &mut Vec<Finding>) {
    for name in columns {
        let Some(i) = draft.column_at(name) else { continue };
        let Some(column) = draft.columns.get_mut(i) else { continue };
        column.not_null = true;
        if column.overrides.and_then(|g| g.nullable) == Some(true) {
            let object = column.object(&draft.table.name);
            notes.push(Finding::info(
                object,
                "a primary key column cannot be NULL, the plan's nullable has no effect",
                "",
            ));
        }
    }
}

fn broken_primary_key(
    draft: &mut Draft<'_>,
    source: &SourceKey,
    columns: Vec<String>,
    (nulls, duplicates): (Option<&KeyFact>, Option<&KeyFact>),
    relations: &mut Scope,
    notes: &mut Vec<Finding>,
) {
    let object = format!("primary key of {}", draft.table.name);
    let told = |f: &KeyFact, one: &str, many: &str| counted(f.count, one, many) + &examples(f);
    let mut said: Vec<String> =
        nulls.iter().map(|f| told(f, "row has a NULL in it", "rows have a NULL in it")).collect();
    let (one, many) = ("group of rows shares a value", "groups of rows share a value");
    said.extend(duplicates.iter().map(|f| told(f, one, many)));
    let said = said.join("; ");
    if draft.settings.keys == Keys::Strict {
        let hint =
            "Set keys to \"as_data_allows\" for the strongest key that the rows allow, or correct the rows.";
        let cause = if nulls.is_some() { Cause::NullKey } else { Cause::DuplicateKey };
        return notes.push(Finding::blocking(object, said, hint).because(cause).of(&draft.table.name));
    }
    let unique = duplicates.is_none();
    let kind = if unique { "UNIQUE INDEX" } else { "INDEX" };
    let weaker = if unique { "a unique index" } else { "an index" };
    let name = relations.object(&draft.target, &columns, if unique { "key" } else { "idx" });
    let (keys, sense) = if unique { source.sql(draft) } else { (ident_list(&columns), Sense::Same) };
    create_index(draft, kind, &name, &keys, "", Phase::Keys);
    if unique && sense == Sense::Same {
        draft.unique.push(source.names());
    }
    draft.left_out(notes, object, format!("becomes {weaker}: {said}"), "Correct the rows and add the key.");
}

/// ` (rowid 7, rowid 9)`
pub fn examples(fact: &KeyFact) -> String {
    if fact.examples.is_empty() { String::new() } else { format!(" ({})", fact.examples.join(", ")) }
}

/// `1 row is`, `2 rows are`.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn unique(
    ctx: &Context<'_>,
    draft: &mut Draft<'_>,
    (i, index): (usize, &Index),
    relations: &mut Scope,
    notes: &mut Vec<Finding>,
) {
    let Some(key) = SourceKey::of(index) else { return };
    let source = key.names();
    let object = format!("unique constraint on {}({})", draft.table.name, source.join(", "));
    let columns = match key_columns(ctx, draft, Part::Index(i), &source) {
        Ok(columns) => columns,
        Err(why) => return draft.left_out(notes, object, format!("is left out: {why}"), ""),
    };
    key.lost(ctx, draft, &object, notes);
    notes.extend(folded(ctx, draft, i, &object));
    too_long(draft, &source, &object, TOO_LONG, notes);
    let name = constraint_name(draft, relations, index.constraint_name.as_deref(), &columns, notes);
    let (keys, sense) = key.sql(draft);
    if sense == Sense::Finer || (sense == Sense::Coarser && !key.as_declared(draft)) {
        create_index(draft, "UNIQUE INDEX", &name, &keys, "", Phase::Keys);
        return notes.push(Finding::info(object, OTHER_COLLATION, ""));
    }
    add_constraint(draft, &name, &format!("UNIQUE ({})", ident_list(&columns)), Phase::Keys);
    if sense == Sense::Coarser {
        coarser(draft, &columns, &keys, relations);
    }
    draft.unique.push(source);
}

/// A constraint compares as its columns do: what the key takes for one besides, a second index refuses.
fn coarser(draft: &mut Draft<'_>, columns: &[String], keys: &str, relations: &mut Scope) {
    let label = if keys.contains("lower(") { "lower_key" } else { "key" };
    let name = relations.object(&draft.target, columns, label);
    create_index(draft, "UNIQUE INDEX", &name, keys, "", Phase::Keys);
}

/// Values that SQLite holds apart, and a collation that ignores case does not. `index` is the key's position.
pub fn folded(ctx: &Context<'_>, draft: &Draft<'_>, index: usize, object: &str) -> Option<Finding> {
    let table = &draft.table.name;
    let kind = KeyFactKind::Folded { index };
    let fact = ctx.source.key_facts.iter().find(|f| f.kind == kind && f.table.eq_ignore_ascii_case(table))?;
    let message = counted(fact.count, "group of values is", "groups of values are");
    let message = format!("{message} equal if the case of all letters is ignored{}", examples(fact));
    let hint = format!(
        "Set {} to \"lower\", which ignores the case of ASCII letters only, as SQLite does.",
        draft.path("nocase")
    );
    let stops = draft.settings.nocase == Nocase::Collation;
    stops.then(|| Finding::blocking(object, message, hint).because(Cause::DuplicateKey).of(table))
}

/// Target names of key columns, or why there can be no key over them.
pub fn usable(draft: &Draft<'_>, source: &[String]) -> Result<Vec<String>, String> {
    let columns = draft.targets(source).map_err(|name| format!("column \"{name}\" is not carried over"))?;
    if columns.len() > MAX_KEYS {
        return Err(format!("PostgreSQL allows at most {MAX_KEYS} columns"));
    }
    let unordered = source.iter().filter_map(|n| draft.column(n)).find(|c| c.pg_type.is_unordered());
    match unordered {
        Some(column) => Err(format!("type {} of column \"{}\" has no order", column.pg_type, column.target)),
        None => Ok(columns),
    }
}

/// The same of a key that is to be made, by a server that may not know an order of its types.
fn key_columns(
    ctx: &Context<'_>,
    draft: &mut Draft<'_>,
    part: Part,
    source: &[String],
) -> Result<Vec<String>, String> {
    let columns = usable(draft, source)?;
    let known = |name: &String| draft.column(name).is_some_and(|c| c.pg_type.is_ordered());
    if !source.iter().all(known) {
        accepted(ctx, draft, part, &format!("({})", ident_list(&columns)))?;
    }
    Ok(columns)
}

/// Warns of stored values that PostgreSQL's btree may not take; it takes some of them, compressed.
pub fn too_long(draft: &Draft<'_>, source: &[String], object: &str, hint: &str, notes: &mut Vec<Finding>) {
    const SAFE: u64 = 2700;
    let longest = |name: &String| -> Option<u64> {
        let i = draft.column_at(name)?;
        let stored = draft.profile?.columns.get(i)?;
        Some(stored.text.max_bytes.max(stored.blob.max_bytes))
    };
    let found = source.iter().find_map(|name| Some((name, longest(name).filter(|bytes| *bytes > SAFE)?)));
    if let Some((name, bytes)) = found {
        let message = format!(
            "column \"{name}\" holds a value of {bytes} bytes; a btree takes about 2704 bytes per entry, compressed"
        );
        notes.push(Finding::warning(object, message, hint));
    }
}

/// The constraint's own name where it is free, else PostgreSQL's convention; without columns, the primary key's.
fn constraint_name(
    draft: &mut Draft<'_>,
    relations: &mut Scope,
    own: Option<&str>,
    columns: &[String],
    notes: &mut Vec<Finding>,
) -> String {
    let label = if columns.is_empty() { "pkey" } else { "key" };
    let name = match own.filter(|n| !n.is_empty()) {
        Some(own) => {
            let name = relations.claim(own);
            draft.renamed(notes, "constraint", own, &name);
            name
        }
        None => relations.object(&draft.target, columns, label),
    };
    draft.constraints.reserve(&name);
    name
}

/// `ALTER TABLE … ADD CONSTRAINT …`
pub fn add_constraint(draft: &mut Draft<'_>, name: &str, definition: &str, phase: Phase) {
    let table = qualified(&draft.settings.schema, &draft.target);
    let title = format!("add constraint {name} to {}", draft.title());
    draft.sql(phase, title, format!("ALTER TABLE {table} ADD CONSTRAINT {} {definition}", ident(name)));
}

/// `CREATE INDEX …`; the index lands in its table's schema.
pub fn create_index(draft: &mut Draft<'_>, kind: &str, name: &str, keys: &str, rest: &str, phase: Phase) {
    let table = qualified(&draft.settings.schema, &draft.target);
    let title = format!("create index {name} on {}", draft.title());
    draft.sql(phase, title, format!("CREATE {kind} {} ON {table} ({keys}){rest}", ident(name)));
}
