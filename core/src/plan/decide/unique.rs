//! Primary keys and UNIQUE constraints, as strong as the stored rows allow.

use super::collate::{self, KeyEquality};
use super::converted;
use super::object::{IndexKeys, Object};
use super::oversized::{self, TooLong};
use super::sizes;
use super::table::{DecidedTable, Tried};
use super::trial::accepted;
use crate::catalog::{Index, IndexColumn, IndexKey, KeyFact, KeyFactKind, Letters, Origin, Table};
use serde_json::Value;

use crate::finding::{Finding, Fix, Kind, counted};
use crate::plan::context::Context;
use crate::plan::given::words::{Keys, Nocase};
use crate::plan::model::Phase;
use crate::plan::resolve::names::Scope;
use crate::plan::trial::{EqualKeys, Part};

/// `INDEX_MAX_KEYS`.
pub const MAX_KEYS: usize = 32;

/// Plans the keys of a fresh table. `relations` are the names taken in its schema.
pub fn keys(
    ctx: &Context<'_>,
    table: &mut DecidedTable<'_>,
    relations: &mut Scope,
    findings: &mut Vec<Finding>,
) {
    table.making(Part::PrimaryKey, |table| primary_key(ctx, table, relations, findings));
    let source = table.source;
    for (i, index) in source.indexes.iter().enumerate().filter(|(_, i)| i.origin == Origin::Unique) {
        table.making(Part::Index(i), |table| unique(ctx, table, (i, index), relations, findings));
    }
}

/// A key of the source over columns, each with the collation by which the key compares it.
struct SourceKey {
    columns: Vec<(String, String)>,
}

impl SourceKey {
    /// `None` for a key over something else. A column that the key compares bytewise tells rows apart by itself, so
    /// its other collations are dropped.
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
    fn as_declared(&self, table: &DecidedTable<'_>) -> bool {
        self.columns.iter().all(|(name, collation)| {
            let declared = table.column(name).and_then(|c| c.source.collation.as_deref());
            declared.unwrap_or("BINARY").eq_ignore_ascii_case(collation)
        })
    }

    /// Its columns as an index of PostgreSQL's compares them.
    fn index_keys(&self, table: &DecidedTable<'_>) -> (IndexKeys, KeyEquality) {
        let found = self.columns.iter().filter_map(|(name, collation)| {
            table.column(name).map(|column| collate::key_column(table, column, collation))
        });
        let (keys, equalities): (Vec<_>, Vec<KeyEquality>) = found.unzip();
        let any = |equality| equalities.contains(&equality);
        let equality = match () {
            () if any(KeyEquality::Finer) => KeyEquality::Finer,
            () if any(KeyEquality::Coarser) => KeyEquality::Coarser,
            () => KeyEquality::Same,
        };
        (IndexKeys { keys, ..IndexKeys::default() }, equality)
    }

    fn lost(&self, ctx: &Context<'_>, table: &DecidedTable<'_>, object: &str, findings: &mut Vec<Finding>) {
        let lost = self.columns.iter().filter_map(|(name, collation)| {
            table.column(name).and_then(|column| collate::lost(ctx, table, object, column, collation))
        });
        findings.extend(lost);
    }
}

const OTHER_COLLATION: &str = "becomes a unique index: its collation is not the one of its column";

fn primary_key(
    ctx: &Context<'_>,
    table: &mut DecidedTable<'_>,
    relations: &mut Scope,
    findings: &mut Vec<Finding>,
) {
    let source = table.source;
    let Some(declared) = source.primary_key.as_ref().filter(|k| !k.columns.is_empty()) else {
        let hint = "Logical replication of UPDATE and DELETE needs one.";
        findings.push(Kind::NoPrimaryKey.info(&source.name, "table has no primary key").hint(hint));
        return;
    };
    let object = format!("primary key of {}", source.name);
    let columns = match key_columns(ctx, table, Part::PrimaryKey, &declared.columns) {
        Ok(columns) => columns,
        Err(why) => {
            let finding = Kind::LeftOut.warning(object, format!("is left out: {why}"));
            return table.left_out(findings, finding);
        }
    };
    let key = SourceKey::primary(source, &declared.columns);
    key.lost(ctx, table, &object, findings);
    let index = source.indexes.iter().position(|i| i.origin == Origin::PrimaryKey);
    findings.extend(index.and_then(|index| folded(ctx, table, index, &object)));
    let equal = converted::equal_keys(ctx, table, Part::PrimaryKey, &declared.columns, None);
    let fact = |kind: KeyFactKind| {
        ctx.source.key_facts.iter().find(|f| f.table.eq_ignore_ascii_case(&source.name) && f.kind == kind)
    };
    let nulls = fact(KeyFactKind::PrimaryKeyNull).filter(|f| f.count > 0);
    let duplicates = fact(KeyFactKind::PrimaryKeyDuplicate).filter(|f| f.count > 0);
    if nulls.is_some() || duplicates.is_some() || equal.is_some() {
        let told = |f: &KeyFact, one: &str, many: &str| counted(f.count, one, many) + &examples(&f.examples);
        let nulls = nulls.map(|f| told(f, "row has a NULL in it", "rows have a NULL in it"));
        let (one, many) = ("group of rows shares a value", "groups of rows share a value");
        // What is equal without a conversion is equal with one.
        let duplicates = duplicates.map(|f| told(f, one, many)).filter(|_| equal.is_none());
        let duplicates = duplicates.or(equal.map(|found| as_one_value(table, &declared.columns, found)));
        return broken_primary_key(table, &key, columns, (nulls, duplicates), relations, findings);
    }
    let (keys, equality) = key.index_keys(table);
    let too_long = sizes::entries(ctx, table, Part::PrimaryKey, &keys);
    must_not_be_null(table, &declared.columns, findings);
    let of_program = || ctx.key_names().primary_key(&table.target, &columns);
    let own = declared.name.clone().filter(|name| !name.is_empty()).or_else(of_program);
    let name = constraint_name(table, relations, own.as_deref(), &[], findings);
    if let Some(found) = too_long.filter(|found| !found.rows.is_empty()) {
        let index = TooLong { object: &object, name, keys, unique: true, phase: Phase::Keys };
        return oversized::entries(table, index, found, findings);
    }
    findings.extend(too_long.and_then(|found| oversized::untried(&object, found)));
    if equality == KeyEquality::Finer {
        table.objects.push(Object::Index { name, unique: true, keys, phase: Phase::Keys });
        let fix = Fix::of_table(&source.name, "nocase", "lower");
        let finding = Kind::Collation.warning(object, OTHER_COLLATION);
        return table.left_out(findings, finding.fix(fix, " for a primary key"));
    }
    table.objects.push(Object::PrimaryKey { name, columns: columns.clone() });
    table.unique.push(declared.columns.clone());
    if equality == KeyEquality::Coarser {
        coarser(table, &key, &columns, keys, relations);
    }
}

/// PostgreSQL's primary key implies NOT NULL, whatever the plan says of the column.
fn must_not_be_null(table: &mut DecidedTable<'_>, columns: &[String], findings: &mut Vec<Finding>) {
    for name in columns {
        let Some(i) = table.column_at(name) else { continue };
        let Some(column) = table.columns.get_mut(i) else { continue };
        column.not_null = true;
        if column.overrides.and_then(|g| g.nullable) == Some(true) {
            let object = column.object(&table.resolved.source.name);
            let message = "a primary key column cannot be NULL, the plan's nullable has no effect";
            let fix =
                Fix::of_column(&table.resolved.source.name, &column.source.name, "nullable", Value::Null);
            findings.push(Kind::NoEffect.info(object, message).fix(fix, ""));
        }
    }
}

fn broken_primary_key(
    table: &mut DecidedTable<'_>,
    source: &SourceKey,
    columns: Vec<String>,
    (nulls, duplicates): (Option<String>, Option<String>),
    relations: &mut Scope,
    findings: &mut Vec<Finding>,
) {
    let object = format!("primary key of {}", table.source.name);
    let (has_nulls, unique) = (nulls.is_some(), duplicates.is_none());
    let said = nulls.into_iter().chain(duplicates).collect::<Vec<_>>().join("; ");
    if table.settings.keys == Keys::Strict {
        let fix = Fix::of_table(&table.source.name, "keys", "as_data_allows");
        let rest = " for the strongest key that the rows allow, or correct the rows";
        let kind = if has_nulls { Kind::NullKey } else { Kind::DuplicateKey };
        return findings.push(kind.blocking(object, said).fix(fix, rest).of(table.id));
    }
    let weaker = if unique { "a unique index" } else { "an index" };
    let name = relations.object(&table.target, &columns, if unique { "key" } else { "idx" });
    let (keys, equality) = match unique {
        true => source.index_keys(table),
        false => (IndexKeys::plain(&columns), KeyEquality::Same),
    };
    table.objects.push(Object::Index { name, unique, keys, phase: Phase::Keys });
    if unique && equality == KeyEquality::Same {
        table.unique.push(source.names());
    }
    let finding = Kind::DuplicateKey.warning(object, format!("becomes {weaker}: {said}"));
    table.left_out(findings, finding.hint("Correct the rows and add the key."));
}

/// ` (rowid 7, rowid 9)`
pub fn examples(examples: &[String]) -> String {
    if examples.is_empty() { String::new() } else { format!(" ({})", examples.join(", ")) }
}

/// `1 group of rows has one value as uuid (rowid 1 and rowid 2)`
pub fn as_one_value(table: &DecidedTable<'_>, columns: &[String], found: &EqualKeys) -> String {
    let types = columns.iter().filter_map(|name| table.column(name)).map(|c| c.printed_type());
    let groups = counted(found.groups, "group of rows has one value", "groups of rows have one value each");
    format!("{groups} as {}{}", types.collect::<Vec<_>>().join(", "), examples(&found.examples))
}

/// What becomes of a unique key that rows break once they are converted: it is none, or stops the import.
pub fn broken_unique(
    table: &mut DecidedTable<'_>,
    (object, said): (&str, String),
    index: Object,
    findings: &mut Vec<Finding>,
) {
    if table.settings.keys == Keys::Strict {
        let fix = Fix::of_table(&table.source.name, "keys", "as_data_allows");
        let rest = " for an index that is not unique, or correct the rows";
        return findings.push(Kind::DuplicateKey.blocking(object, said).fix(fix, rest).of(table.id));
    }
    table.objects.push(index);
    let finding = Kind::DuplicateKey.warning(object, format!("becomes an index that is not unique: {said}"));
    table.left_out(findings, finding.hint("Correct the rows and add the key."));
}

fn unique(
    ctx: &Context<'_>,
    table: &mut DecidedTable<'_>,
    (i, index): (usize, &Index),
    relations: &mut Scope,
    findings: &mut Vec<Finding>,
) {
    let Some(key) = SourceKey::of(index) else { return };
    let source = key.names();
    let object = format!("unique constraint on {}({})", table.source.name, source.join(", "));
    let columns = match key_columns(ctx, table, Part::Index(i), &source) {
        Ok(columns) => columns,
        Err(why) => {
            let finding = Kind::LeftOut.warning(object, format!("is left out: {why}"));
            return table.left_out(findings, finding);
        }
    };
    key.lost(ctx, table, &object, findings);
    findings.extend(folded(ctx, table, i, &object));
    if repeated(ctx, table, i, &object, findings) {
        let name = relations.object(&table.target, &columns, "idx");
        let keys = IndexKeys::plain(&columns);
        return table.objects.push(Object::Index { name, unique: false, keys, phase: Phase::Keys });
    }
    if let Some(found) = converted::equal_keys(ctx, table, Part::Index(i), &source, None) {
        let name = relations.object(&table.target, &columns, "idx");
        let (keys, phase) = (IndexKeys::plain(&columns), Phase::Keys);
        let index = Object::Index { name, unique: false, keys, phase };
        let said = as_one_value(table, &source, found);
        return broken_unique(table, (&object, said), index, findings);
    }
    let (keys, equality) = key.index_keys(table);
    let too_long = sizes::entries(ctx, table, Part::Index(i), &keys);
    let name = constraint_name(table, relations, index.constraint_name.as_deref(), &columns, findings);
    if let Some(found) = too_long.filter(|found| !found.rows.is_empty()) {
        let index = TooLong { object: &object, name, keys, unique: true, phase: Phase::Keys };
        return oversized::entries(table, index, found, findings);
    }
    findings.extend(too_long.and_then(|found| oversized::untried(&object, found)));
    if equality == KeyEquality::Finer || (equality == KeyEquality::Coarser && !key.as_declared(table)) {
        table.objects.push(Object::Index { name, unique: true, keys, phase: Phase::Keys });
        return findings.push(Kind::Collation.info(object, OTHER_COLLATION));
    }
    table.objects.push(Object::Unique { name, columns: columns.clone() });
    if equality == KeyEquality::Coarser {
        coarser(table, &key, &columns, keys, relations);
    }
    table.unique.push(source);
}

/// A constraint compares as its columns do. What only the key takes for equal, a second index refuses.
fn coarser(
    table: &mut DecidedTable<'_>,
    key: &SourceKey,
    columns: &[String],
    keys: IndexKeys,
    relations: &mut Scope,
) {
    let folds = key.columns.iter().any(|(_, collation)| collation.eq_ignore_ascii_case("NOCASE"));
    let lowered = folds && table.settings.nocase != Nocase::Collation;
    let name = relations.object(&table.target, columns, if lowered { "lower_key" } else { "key" });
    table.objects.push(Object::Index { name, unique: true, keys, phase: Phase::Keys });
}

/// Values that differ in SQLite and are equal under a collation that ignores case. `index` is the key's position.
pub fn folded(ctx: &Context<'_>, table: &DecidedTable<'_>, index: usize, object: &str) -> Option<Finding> {
    let name = &table.source.name;
    let letters = match table.settings.nocase {
        Nocase::Collation => Letters::Equal,
        Nocase::Citext if !ctx.target.lowers_ascii_only && over_citext(table, index) => Letters::Lowered,
        Nocase::Citext | Nocase::Lower | Nocase::None => return None,
    };
    let kind = KeyFactKind::Folded { index, letters };
    let fact = ctx.source.key_facts.iter().find(|f| f.kind == kind && f.table.eq_ignore_ascii_case(name))?;
    let message = counted(fact.count, "group of values is", "groups of values are");
    let message =
        format!("{message} equal if the case of all letters is ignored{}", examples(&fact.examples));
    let fix = Fix::of_table(name, "nocase", "lower");
    let rest = ", which ignores the case of ASCII letters only, as SQLite does";
    Some(Kind::DuplicateKey.blocking(object, message).fix(fix, rest).of(table.id))
}

/// A column of the index is citext. Of another, `lower()` folds ASCII alone.
fn over_citext(table: &DecidedTable<'_>, index: usize) -> bool {
    let columns = table.source.indexes.get(index).into_iter().flat_map(|index| &index.columns);
    let decided = columns.filter_map(|c| match &c.key {
        IndexKey::Column(name) => table.column(name),
        IndexKey::Rowid | IndexKey::Expression(_) => None,
    });
    decided.into_iter().any(|c| c.folding.is_some())
}

/// Rows share a unique key over the values of `using`: the index is to be a plain one, or the import stops.
pub fn repeated(
    ctx: &Context<'_>,
    table: &mut DecidedTable<'_>,
    index: usize,
    object: &str,
    findings: &mut Vec<Finding>,
) -> bool {
    let name = table.source.name.as_str();
    let kind = KeyFactKind::Duplicate { index };
    let fact = ctx.source.key_facts.iter().find(|f| f.kind == kind && f.table.eq_ignore_ascii_case(name));
    let Some(fact) = fact else { return false };
    let said = counted(fact.count, "group of rows shares a value", "groups of rows share a value");
    let said = format!("{said} by the plan's using{}", examples(&fact.examples));
    if table.settings.keys == Keys::Strict {
        let fix = Fix::of_table(name, "keys", "as_data_allows");
        let rest = " for an index that is not unique, or correct using";
        findings.push(Kind::DuplicateKey.blocking(object, said).fix(fix, rest).of(table.id));
        return false;
    }
    let finding = Kind::DuplicateKey.warning(object, format!("becomes an index: {said}"));
    table.left_out(findings, finding.hint("Correct the rows and add the key."));
    true
}

/// Target names of key columns, or why there can be no key over them.
pub fn usable(table: &DecidedTable<'_>, source: &[String]) -> Result<Vec<String>, String> {
    let columns = table.targets(source).map_err(|name| format!("column \"{name}\" is not carried over"))?;
    if columns.len() > MAX_KEYS {
        return Err(format!("PostgreSQL allows at most {MAX_KEYS} columns"));
    }
    let unordered = source.iter().filter_map(|n| table.column(n)).find(|c| c.pg_type.is_unordered());
    match unordered {
        Some(column) => Err(format!("type {} of column \"{}\" has no order", column.pg_type, column.target)),
        None => Ok(columns),
    }
}

/// The same of a key that is to be created; where a type may have no order, the server is asked.
fn key_columns(
    ctx: &Context<'_>,
    table: &mut DecidedTable<'_>,
    part: Part,
    source: &[String],
) -> Result<Vec<String>, String> {
    let columns = usable(table, source)?;
    let known = |name: &String| table.column(name).is_some_and(|c| c.pg_type.is_ordered());
    if !source.iter().all(known) {
        accepted(ctx, table, part, Tried::Index(IndexKeys::plain(&columns)))?;
    }
    Ok(columns)
}

/// The constraint's own name where it is free, else PostgreSQL's convention; without columns, the primary key's.
fn constraint_name(
    table: &mut DecidedTable<'_>,
    relations: &mut Scope,
    own: Option<&str>,
    columns: &[String],
    findings: &mut Vec<Finding>,
) -> String {
    let label = if columns.is_empty() { "pkey" } else { "key" };
    let name = match own.filter(|n| !n.is_empty()) {
        Some(own) => {
            let name = relations.claim(own);
            table.renamed(findings, "constraint", own, &name);
            name
        }
        None => relations.object(&table.target, columns, label),
    };
    table.constraints.reserve(&name);
    name
}
