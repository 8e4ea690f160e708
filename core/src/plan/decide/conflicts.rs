//! `on_conflict` for an existing table: the key that ON CONFLICT uses, and the columns that change.

use super::table::DecidedTable;
use crate::finding::{Finding, Fix, Kind};
use crate::plan::context::Context;
use crate::plan::given::keys::did_you_mean;
use crate::plan::given::overrides::TableOverrides;
use crate::plan::given::words::{OnConflict, OnError, Word};
use crate::plan::model::{Conflict, Skip};
use crate::plan::target::{ExistingForeignKey, ExistingKey, ExistingTable, Identity};

/// Decides what becomes of loaded rows whose key exists already.
pub fn decide(ctx: &Context<'_>, table: &mut DecidedTable<'_>, findings: &mut Vec<Finding>) {
    let Some(existing) = table.existing.filter(|_| table.settings.on_conflict != OnConflict::Error) else {
        return;
    };
    match arbiter(table, existing) {
        Ok(Some(key)) => {
            let update = update(table, existing, key, findings);
            // Rows of some table refer to rows of this one, in the file or in the target.
            let mut keys = ctx.source.catalog.tables.iter().flat_map(|t| &t.foreign_keys);
            let here =
                |k: &ExistingForeignKey| k.parent_schema == existing.schema && k.parent == existing.name;
            let referenced = keys.any(|k| k.parent.eq_ignore_ascii_case(&table.source.name))
                || existing.foreign_keys.iter().any(here)
                || !existing.referenced_by.is_empty();
            let skip = (table.settings.on_conflict == OnConflict::Skip)
                .then_some(Skip { by_primary: referenced, truncate: None });
            table.conflict = Some(Conflict { arbiter: key.clone(), update, skip });
        }
        Ok(None) => {
            let message = "has no unique key by which rows could conflict: every row is inserted";
            findings.push(Kind::ConflictKey.info(&table.source.name, message));
        }
        Err((message, fix)) => {
            let finding = Kind::ConflictKey.blocking(&table.source.name, message);
            findings.push(finding.fix(fix, "").of(table.id));
        }
    }
}

/// Fills in the plan key that would truncate the existing rows first: which one it is depends on all tables.
pub fn remedies(ctx: &Context<'_>, tables: &mut [DecidedTable<'_>]) {
    let truncate: Vec<Option<String>> = tables.iter().map(|table| truncate(ctx, tables, table)).collect();
    for (table, truncate) in tables.iter_mut().zip(truncate) {
        if let Some(skip) = table.conflict.as_mut().and_then(|c| c.skip.as_mut()) {
            skip.truncate = truncate;
        }
    }
}

/// The table's own key where no table references it; the plan's where every table that does is truncated with it.
fn truncate(ctx: &Context<'_>, tables: &[DecidedTable<'_>], table: &DecidedTable<'_>) -> Option<String> {
    let existing = table.existing?;
    if existing.referenced_by.is_empty() {
        return Some(table.path("existing_rows"));
    }
    let kept: Vec<&ExistingTable> = tables.iter().filter_map(|d| d.existing).collect();
    let together = ctx.overrides.on_error != Some(OnError::Continue)
        && tables.iter().all(|d| {
            let own_word =
                |g: &TableOverrides| g.common.existing_rows.is_some() || g.common.on_conflict.is_some();
            !d.overrides.is_some_and(own_word) && d.existing.is_none_or(|e| matches!(e.relkind, 'r' | 'p'))
        });
    let cleared =
        |(schema, name): &(String, String)| kept.iter().any(|e| (&e.schema, &e.name) == (schema, name));
    let all = kept.iter().flat_map(|e| &e.referenced_by).all(cleared);
    (together && all).then(|| "plan.existing_rows".into())
}

/// Why there is no ON CONFLICT, and what helps.
type Refusal = (String, Fix);

/// The key; `None` for an empty table without keys, in which no row conflicts.
fn arbiter<'e>(
    table: &DecidedTable<'_>,
    existing: &'e ExistingTable,
) -> Result<Option<&'e ExistingKey>, Refusal> {
    let word = table.settings.on_conflict.word();
    let refused = |why: &str| (format!("on_conflict \"{word}\" does not work {why}"), give_up(table));
    if existing.relkind == 'v' {
        return Err(refused("for a view"));
    }
    if existing.insert_rules {
        return Err(refused("for a table with rules for INSERT"));
    }
    let asked = table.overrides.and_then(|g| g.conflict_target.as_deref());
    let key = match asked {
        Some(name) => named(table, existing, name)?,
        None if existing.keys.is_empty() && table.starts_empty() => return Ok(None),
        None => by_default(table, existing)?,
    };
    unusable(table, key).map_or(Ok(Some(key)), |why| {
        let message = format!("on_conflict \"{word}\" cannot use \"{}\": {why}", key.name);
        Err((message, others(table, existing)))
    })
}

fn named<'e>(
    table: &DecidedTable<'_>,
    existing: &'e ExistingTable,
    name: &str,
) -> Result<&'e ExistingKey, Refusal> {
    existing.keys.iter().find(|key| key.name == name).ok_or_else(|| {
        let guess = did_you_mean(name, existing.keys.iter().map(|key| key.name.as_str()));
        let message = format!("table \"{}\" has no unique key \"{name}\"{guess}", table.title());
        (message, others(table, existing))
    })
}

fn by_default<'e>(table: &DecidedTable<'_>, existing: &'e ExistingTable) -> Result<&'e ExistingKey, Refusal> {
    if let Some(primary) = existing.keys.iter().find(|key| key.primary) {
        return Ok(primary);
    }
    match existing.keys.as_slice() {
        [only] => Ok(only),
        [] => Err((format!("table \"{}\" has no unique key for on_conflict", table.title()), give_up(table))),
        several => {
            let names = list(several.iter());
            let message = format!("table \"{}\" has several unique keys: {names}", table.title());
            Err((message, others(table, existing)))
        }
    }
}

/// Why this key cannot be the arbiter.
fn unusable(table: &DecidedTable<'_>, key: &ExistingKey) -> Option<String> {
    if key.deferrable {
        return Some("it is deferrable".into());
    }
    // ON CONFLICT names an index by its columns, and so every other key over the same columns as well.
    let duplicates =
        table.existing.filter(|_| !key.constraint).into_iter().flat_map(|existing| &existing.keys);
    let same_columns = |other: &&ExistingKey| {
        other.columns.len() == key.columns.len()
            && other.columns.iter().all(|name| key.columns.contains(name))
    };
    if let Some(duplicate) = duplicates.filter(|other| other.deferrable).find(same_columns) {
        return Some(format!("\"{}\" has the same columns and is deferrable", duplicate.name));
    }
    let loaded = |name: &&String| table.columns.iter().any(|c| c.target == **name);
    let missing = key.columns.iter().find(|name| !loaded(name))?;
    Some(format!("no value is loaded into its column \"{missing}\""))
}

/// One of the keys that would do, if any.
fn others(table: &DecidedTable<'_>, existing: &ExistingTable) -> Fix {
    let usable = existing.keys.iter().filter(|key| unusable(table, key).is_none());
    let usable: Vec<&str> = usable.map(|key| key.name.as_str()).collect();
    match usable.as_slice() {
        [] => give_up(table),
        [first, rest @ ..] => Fix::of_table(&table.source.name, "conflict_target", *first).or(rest),
    }
}

fn give_up(table: &DecidedTable<'_>) -> Fix {
    Fix::of_table(&table.source.name, "on_conflict", "error")
}

fn list<'e>(keys: impl Iterator<Item = &'e ExistingKey>) -> String {
    keys.map(|key| format!("\"{}\"", key.name)).collect::<Vec<_>>().join(" or ")
}

/// The columns that take the loaded values; none where existing rows are left alone.
fn update(
    table: &DecidedTable<'_>,
    existing: &ExistingTable,
    key: &ExistingKey,
    findings: &mut Vec<Finding>,
) -> Vec<String> {
    if table.settings.on_conflict != OnConflict::Update {
        return vec![];
    }
    let changing = table.columns.iter().filter(|c| !key.columns.contains(&c.target));
    let always = |name: &str| existing.column(name).is_some_and(|c| c.identity == Some(Identity::Always));
    let (fixed, update): (Vec<_>, Vec<_>) = changing.partition(|c| always(&c.target));
    for column in fixed {
        let message = "is GENERATED ALWAYS AS IDENTITY: existing rows keep its value";
        findings.push(Kind::NotUpdated.info(column.object(&table.source.name), message));
    }
    for column in table.columns.iter().filter(|c| key.columns.contains(&c.target) && c.pg_type.is_citext()) {
        let message = "is compared without regard to case: an updated row keeps its existing spelling";
        findings.push(Kind::NotUpdated.info(column.object(&table.source.name), message));
    }
    if update.is_empty() {
        let message = "has no column to update besides its key: existing rows stay as they are";
        findings.push(Kind::NotUpdated.info(&table.source.name, message));
    }
    update.into_iter().map(|c| c.target.clone()).collect()
}
