//! `on_conflict` for a table that is there: the key that ON CONFLICT goes by, and the columns that change.

use super::draft::{Context, Draft};
use crate::finding::Finding;
use crate::plan::given::keys::did_you_mean;
use crate::plan::given::words::{OnConflict, OnError, Word};
use crate::plan::{Conflict, ExistingKey, ExistingTable, Identity, Skip};

/// Decides what becomes of loaded rows whose key is there already.
pub fn decide(ctx: &Context<'_>, draft: &mut Draft<'_>, notes: &mut Vec<Finding>) {
    let Some(existing) = draft.existing.filter(|_| draft.settings.on_conflict != OnConflict::Error) else {
        return;
    };
    match arbiter(draft, existing) {
        Ok(Some(key)) => {
            let update = update(draft, existing, key, notes);
            let skip = (draft.settings.on_conflict == OnConflict::Skip)
                .then(|| Skip { by_primary: referenced(ctx, draft, existing), truncate: None });
            draft.conflict = Some(Conflict { arbiter: key.clone(), update, skip });
        }
        Ok(None) => {
            let message = "has no unique key by which rows could conflict: every row is inserted";
            notes.push(Finding::info(draft.table.name.clone(), message, ""));
        }
        Err((message, hint)) => {
            let finding = Finding::blocking(draft.table.name.clone(), message, hint);
            notes.push(finding.of(&draft.table.name));
        }
    }
}

/// Rows of any table name rows of this one, in the file or where it goes.
fn referenced(ctx: &Context<'_>, draft: &Draft<'_>, existing: &ExistingTable) -> bool {
    let there = (existing.schema.as_str(), existing.name.as_str());
    let own = existing.foreign_keys.iter().any(|k| (k.parent_schema.as_str(), k.parent.as_str()) == there);
    let mut keys = ctx.source.catalog.tables.iter().flat_map(|t| &t.foreign_keys);
    own || !existing.referenced_by.is_empty()
        || keys.any(|k| k.parent.eq_ignore_ascii_case(&draft.table.name))
}

/// How the rows that are there could make room for those that come, where only all tables together tell.
pub fn remedies(ctx: &Context<'_>, drafts: &mut [Draft<'_>]) {
    let truncate: Vec<Option<String>> = drafts.iter().map(|draft| truncate(ctx, drafts, draft)).collect();
    for (draft, truncate) in drafts.iter_mut().zip(truncate) {
        if let Some(skip) = draft.conflict.as_mut().and_then(|c| c.skip.as_mut()) {
            skip.truncate = truncate;
        }
    }
}

/// The table's own key where nothing points to it; the plan's where all that do are cleared with it.
fn truncate(ctx: &Context<'_>, drafts: &[Draft<'_>], draft: &Draft<'_>) -> Option<String> {
    let existing = draft.existing?;
    if existing.referenced_by.is_empty() {
        return Some(draft.path("existing_rows"));
    }
    let kept: Vec<&ExistingTable> = drafts.iter().filter_map(|d| d.existing).collect();
    let together = ctx.overrides.on_error != Some(OnError::Continue)
        && drafts
            .iter()
            .all(|d| follows_the_plan(d) && d.existing.is_none_or(|e| matches!(e.relkind, 'r' | 'p')));
    let cleared =
        |(schema, name): &(String, String)| kept.iter().any(|e| (&e.schema, &e.name) == (schema, name));
    let all = kept.iter().flat_map(|e| &e.referenced_by).all(cleared);
    (together && all).then(|| "plan.existing_rows".into())
}

/// The plan's word on rows that are there is the table's.
fn follows_the_plan(draft: &Draft<'_>) -> bool {
    !draft.overrides.is_some_and(|g| g.common.existing_rows.is_some() || g.common.on_conflict.is_some())
}

/// Why there is no ON CONFLICT, and what helps.
type Refusal = (String, String);

/// The key; `None` for an empty table without any, where nothing can be in the way.
fn arbiter<'e>(draft: &Draft<'_>, existing: &'e ExistingTable) -> Result<Option<&'e ExistingKey>, Refusal> {
    let word = draft.settings.on_conflict.word();
    let refused = |why: &str| (format!("on_conflict \"{word}\" does not work {why}"), give_up(draft));
    if existing.relkind == 'v' {
        return Err(refused("for a view"));
    }
    if existing.insert_rules {
        return Err(refused("for a table with rules for INSERT"));
    }
    let asked = draft.overrides.and_then(|g| g.conflict_target.as_deref());
    let key = match asked {
        Some(name) => named(draft, existing, name)?,
        None if existing.keys.is_empty() && draft.starts_empty() => return Ok(None),
        None => by_default(draft, existing)?,
    };
    unusable(draft, key).map_or(Ok(Some(key)), |why| {
        let message = format!("on_conflict \"{word}\" cannot use \"{}\": {why}", key.name);
        Err((message, others(draft, existing)))
    })
}

fn named<'e>(draft: &Draft<'_>, existing: &'e ExistingTable, name: &str) -> Result<&'e ExistingKey, Refusal> {
    existing.keys.iter().find(|key| key.name == name).ok_or_else(|| {
        let guess = did_you_mean(name, existing.keys.iter().map(|key| key.name.as_str()));
        let message = format!("table \"{}\" has no unique key \"{name}\"{guess}", draft.title());
        (message, others(draft, existing))
    })
}

fn by_default<'e>(draft: &Draft<'_>, existing: &'e ExistingTable) -> Result<&'e ExistingKey, Refusal> {
    if let Some(primary) = existing.keys.iter().find(|key| key.primary) {
        return Ok(primary);
    }
    match existing.keys.as_slice() {
        [only] => Ok(only),
        [] => Err((format!("table \"{}\" has no unique key for on_conflict", draft.title()), give_up(draft))),
        several => {
            let names = list(several.iter());
            let message = format!("table \"{}\" has several unique keys: {names}", draft.title());
            Err((message, format!("Set {} to one of them.", draft.path("conflict_target"))))
        }
    }
}

/// Why rows cannot be told apart by this key.
fn unusable(draft: &Draft<'_>, key: &ExistingKey) -> Option<String> {
    if key.deferrable {
        return Some("it is deferrable".into());
    }
    if let Some(twin) = deferrable_twin(draft, key) {
        return Some(format!("\"{}\" has the same columns and is deferrable", twin.name));
    }
    let loaded = |name: &&String| draft.columns.iter().any(|c| !c.skip && c.target == **name);
    let missing = key.columns.iter().find(|name| !loaded(name))?;
    Some(format!("no value is loaded into its column \"{missing}\""))
}

/// An index is not named in ON CONFLICT but found by its columns, and with it every other key that has them.
fn deferrable_twin<'e>(draft: &Draft<'e>, key: &ExistingKey) -> Option<&'e ExistingKey> {
    let same = |other: &&ExistingKey| {
        other.columns.len() == key.columns.len()
            && other.columns.iter().all(|name| key.columns.contains(name))
    };
    let keys = draft.existing.filter(|_| !key.constraint)?.keys.iter();
    keys.filter(|other| other.deferrable).find(same)
}

/// A hint that names the keys that would do.
fn others(draft: &Draft<'_>, existing: &ExistingTable) -> String {
    let usable: Vec<&ExistingKey> =
        existing.keys.iter().filter(|key| unusable(draft, key).is_none()).collect();
    match usable.is_empty() {
        true => give_up(draft),
        false => format!("Set {} to {}.", draft.path("conflict_target"), list(usable.into_iter())),
    }
}

fn give_up(draft: &Draft<'_>) -> String {
    format!("Set {} to \"error\".", draft.path("on_conflict"))
}

fn list<'e>(keys: impl Iterator<Item = &'e ExistingKey>) -> String {
    keys.map(|key| format!("\"{}\"", key.name)).collect::<Vec<_>>().join(" or ")
}

/// The columns that take the loaded values; none where rows that are there are left alone.
fn update(
    draft: &Draft<'_>,
    existing: &ExistingTable,
    key: &ExistingKey,
    notes: &mut Vec<Finding>,
) -> Vec<String> {
    if draft.settings.on_conflict != OnConflict::Update {
        return vec![];
    }
    let changing = draft.columns.iter().filter(|c| !c.skip && !key.columns.contains(&c.target));
    let always = |name: &str| existing.column(name).is_some_and(|c| c.identity == Some(Identity::Always));
    let (fixed, update): (Vec<_>, Vec<_>) = changing.partition(|c| always(&c.target));
    for column in fixed {
        let message = "is GENERATED ALWAYS AS IDENTITY: existing rows keep its value";
        notes.push(Finding::info(column.object(&draft.table.name), message, ""));
    }
    if update.is_empty() {
        let message = "has no column to update besides its key: existing rows stay as they are";
        notes.push(Finding::info(draft.table.name.clone(), message, ""));
    }
    update.into_iter().map(|c| c.target.clone()).collect()
}
