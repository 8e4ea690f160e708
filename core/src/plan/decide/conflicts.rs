//! `on_conflict` for an existing table: the key that ON CONFLICT uses, and the columns that change.

use serde_json::Value;

use super::existing::own_match;
use super::renumbering::{self, Links};
use super::table::DecidedTable;
use crate::finding::{Finding, Fix, Kind};
use crate::plan::context::Context;
use crate::plan::given::keys::did_you_mean;
use crate::plan::given::match_by::MatchBy;
use crate::plan::given::words::{OnConflict, OnError, Word};
use crate::plan::model::{ByOther, Conflict, Skip};
use crate::plan::target::{ExistingForeignKey, ExistingKey, ExistingTable, Identity};

/// Decides what becomes of loaded rows whose key exists already.
pub fn decide(ctx: &Context<'_>, table: &mut DecidedTable<'_>, findings: &mut Vec<Finding>) {
    let Some(existing) = table.existing.filter(|_| table.settings.on_conflict != OnConflict::Error) else {
        return;
    };
    if own_match(table, &ctx.plan)
        && table.settings.match_by == MatchBy::Natural
        && other_keys(table, existing).is_empty()
    {
        let path = table.path("match");
        let message = format!("{path} has no effect: the table has no unique key besides its primary key");
        let removed = Fix::of_table(&table.source.name, "match", Value::Null);
        findings.push(Kind::NoEffect.warning(&table.source.name, message).fix(removed, ""));
    }
    match arbiter(ctx, table, existing) {
        Ok(Some(key)) => {
            let update = update(table, existing, key, findings);
            // Rows of some table refer to rows of this one, in the file or in the target.
            let mut keys = ctx.source.catalog.tables.iter().flat_map(|t| &t.foreign_keys);
            let here =
                |k: &ExistingForeignKey| k.parent_schema == existing.schema && k.parent == existing.name;
            let referenced = keys.any(|k| k.parent.eq_ignore_ascii_case(&table.source.name))
                || existing.foreign_keys.iter().any(here)
                || !existing.referenced_by.is_empty();
            let skip = (table.settings.on_conflict == OnConflict::Skip).then_some(Skip {
                by_primary: referenced,
                truncate: None,
                by_other: None,
            });
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

/// Fills in what would let the file's rows in, which depends on all tables.
pub fn remedies(ctx: &Context<'_>, tables: &mut [DecidedTable<'_>]) {
    let skips = |d: &DecidedTable<'_>| d.conflict.as_ref().is_some_and(|c| c.skip.is_some());
    if !tables.iter().any(skips) {
        return;
    }
    let ways = Matching::of(tables);
    let found = |(i, d): (usize, &DecidedTable<'_>)| {
        skips(d).then(|| (truncate(ctx, tables, i), by_other(tables, &ways, i)))
    };
    let found: Vec<_> = tables.iter().enumerate().map(found).collect();
    for (table, found) in tables.iter_mut().zip(found) {
        let skip = table.conflict.as_mut().and_then(|c| c.skip.as_mut());
        if let Some((skip, (truncate, by_other))) = skip.zip(found) {
            (skip.truncate, skip.by_other) = (truncate, by_other.map(Box::new));
        }
    }
}

/// What is the same for all tables whose rows could be matched by another key.
struct Matching {
    links: Links,
    /// `match: "natural"` works for every table that has only one other key.
    all: bool,
}

impl Matching {
    fn of(tables: &[DecidedTable<'_>]) -> Matching {
        let links = Links::of(tables);
        let keys: Vec<_> = tables.iter().map(|d| only_other(d).or_else(|| d.matched_by())).collect();
        let all = links.allow(tables, &keys);
        Matching { links, all }
    }
}

/// Truncates the table, and those with rows that refer to it: all of them are loaded again.
fn truncate(ctx: &Context<'_>, tables: &[DecidedTable<'_>], i: usize) -> Option<Fix> {
    let goes_on = ctx.overrides.on_error == Some(OnError::Continue);
    let (mut concerned, mut at) = (vec![i], 0);
    while let Some(existing) = concerned.get(at).map(|i| tables.get(*i)?.existing) {
        let existing = existing.filter(|e| matches!(e.relkind, 'r' | 'p'))?;
        if goes_on && !existing.referenced_by.is_empty() {
            return None;
        }
        for (schema, name) in &existing.referenced_by {
            let is =
                |d: &DecidedTable<'_>| d.existing.is_some_and(|e| (&e.schema, &e.name) == (schema, name));
            let child = tables.iter().position(is)?;
            if !concerned.contains(&child) {
                concerned.push(child);
            }
        }
        at += 1;
    }
    let truncated = concerned.iter().filter_map(|i| tables.get(*i).filter(|d| !d.holds_nothing()));
    truncated.map(|d| Fix::of_table(&d.source.name, "existing_rows", "truncate")).reduce(Fix::and)
}

/// Matches rows by another key than the primary one: in every table that has only one other, or else in this table.
fn by_other(tables: &[DecidedTable<'_>], ways: &Matching, i: usize) -> Option<ByOther> {
    let table = tables.get(i).filter(|d| d.matched_by().is_none())?;
    let existing = table.existing?;
    let others = other_keys(table, existing);
    let key = *others.first()?;
    let mut this: Vec<_> = tables.iter().map(DecidedTable::matched_by).collect();
    this.iter_mut().skip(i).take(1).for_each(|of_table| *of_table = Some(key));
    let own_word = |d: &DecidedTable<'_>| d.overrides.is_some_and(|g| g.common.match_by.is_some());
    let fix = match () {
        () if others.len() == 1 && ways.all => match tables.iter().any(own_word) {
            true => {
                let matched = tables.iter().filter(|d| only_other(d).is_some());
                matched.map(|d| Fix::of_table(&d.source.name, "match", "natural")).reduce(Fix::and)?
            }
            false => Fix::of_plan("match", "natural"),
        },
        () if ways.links.allow(tables, &this) => others_of(table, &others, "match"),
        () => return None,
    };
    let primary = existing.keys.iter().find(|key| key.primary);
    let numbered = primary.is_none_or(|primary| match primary.columns.as_slice() {
        [only] => existing.column(only).is_some_and(|c| c.numbers().is_some()),
        _ => false,
    });
    Some(ByOther { fix, key: key.name.clone(), numbered, plain: renumbering::is_plain(table, key) })
}

/// The key by which `match: "natural"` would match a table's rows.
fn only_other<'e>(table: &DecidedTable<'e>) -> Option<&'e ExistingKey> {
    let existing = table.existing.filter(|_| table.conflict.is_some() && !table.starts_empty())?;
    match other_keys(table, existing).as_slice() {
        [only] => Some(only),
        _ => None,
    }
}

/// Why there is no ON CONFLICT, and what helps.
type Refusal = (String, Fix);

/// The key; `None` for an empty table without keys, in which no row conflicts.
fn arbiter<'e>(
    ctx: &Context<'_>,
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
    if let Some(key) = matched_by(ctx, table, existing)? {
        return Ok(Some(key));
    }
    let asked = table.overrides.and_then(|g| g.conflict_target.as_deref());
    let key = match asked {
        Some(name) => named(table, existing, name, "conflict_target")?,
        None if existing.keys.is_empty() && table.starts_empty() => return Ok(None),
        None => by_default(table, existing)?,
    };
    unusable(table, key).map_or(Ok(Some(key)), |why| {
        let message = format!("on_conflict \"{word}\" cannot use \"{}\": {why}", key.name);
        Err((message, others(table, existing, "conflict_target")))
    })
}

/// The key that `match` says, or means; it decides before `conflict_target`. In an empty table no row is matched.
fn matched_by<'e>(
    ctx: &Context<'_>,
    table: &DecidedTable<'_>,
    existing: &'e ExistingTable,
) -> Result<Option<&'e ExistingKey>, Refusal> {
    let key = match &table.settings.match_by {
        MatchBy::Key => return Ok(None),
        MatchBy::Natural if table.starts_empty() => return Ok(None),
        MatchBy::Natural => return natural(ctx, table, existing),
        MatchBy::Named(name) => named(table, existing, name, "match")?,
    };
    match unusable(table, key) {
        Some(why) => {
            let message = format!("match cannot use \"{}\": {why}", key.name);
            Err((message, others(table, existing, "match")))
        }
        None => Ok(Some(key).filter(|_| !table.starts_empty())),
    }
}

/// The only usable unique key besides the primary key, or the one of these that `conflict_target` names. Where the plan as
/// a whole says so, rows of a table with several are still matched by the primary key.
fn natural<'e>(
    ctx: &Context<'_>,
    table: &DecidedTable<'_>,
    existing: &'e ExistingTable,
) -> Result<Option<&'e ExistingKey>, Refusal> {
    let others = other_keys(table, existing);
    let asked = table.overrides.and_then(|g| g.conflict_target.as_deref());
    let named = others.iter().find(|key| Some(key.name.as_str()) == asked);
    match (others.as_slice(), named) {
        ([], _) => Ok(None),
        ([key], _) | (_, Some(key)) => Ok(Some(key)),
        (several, None) if own_match(table, &ctx.plan) => {
            let names = list(several.iter().copied());
            let message = format!("table \"{}\" has several unique keys to match by: {names}", table.title());
            Err((message, others_of(table, several, "match")))
        }
        (_, None) => Ok(None),
    }
}

/// The usable unique keys besides the primary key. One that contains the primary key tells no rows apart that it does not.
fn other_keys<'e>(table: &DecidedTable<'_>, existing: &'e ExistingTable) -> Vec<&'e ExistingKey> {
    let primary = existing.keys.iter().find(|key| key.primary);
    let contains_primary = |key: &ExistingKey| {
        primary.is_some_and(|primary| primary.columns.iter().all(|column| key.columns.contains(column)))
    };
    let others = existing.keys.iter().filter(|key| !contains_primary(key) && unusable(table, key).is_none());
    others.collect()
}

fn named<'e>(
    table: &DecidedTable<'_>,
    existing: &'e ExistingTable,
    name: &str,
    asked_by: &'static str,
) -> Result<&'e ExistingKey, Refusal> {
    existing.keys.iter().find(|key| key.name == name).ok_or_else(|| {
        let guess = did_you_mean(name, existing.keys.iter().map(|key| key.name.as_str()));
        let message = format!("table \"{}\" has no unique key \"{name}\"{guess}", table.title());
        (message, others(table, existing, asked_by))
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
            Err((message, others(table, existing, "conflict_target")))
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

/// One of the keys that would do, if any; `asked_by` is the plan key that names it.
fn others(table: &DecidedTable<'_>, existing: &ExistingTable, asked_by: &'static str) -> Fix {
    let usable = existing.keys.iter().filter(|key| unusable(table, key).is_none());
    others_of(table, &usable.collect::<Vec<_>>(), asked_by)
}

fn others_of(table: &DecidedTable<'_>, usable: &[&ExistingKey], asked_by: &'static str) -> Fix {
    let names: Vec<&str> = usable.iter().map(|key| key.name.as_str()).collect();
    match names.as_slice() {
        [first, rest @ ..] => Fix::of_table(&table.source.name, asked_by, *first).or(rest),
        [] if asked_by == "match" => Fix::of_table(&table.source.name, "match", "key"),
        [] => give_up(table),
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
