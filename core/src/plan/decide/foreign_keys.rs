//! Foreign keys and the search for orphans that goes before them.
//!
//! A key to something that is not there is left out with a warning whatever `keys` says: SQLite
//! itself refuses to write such rows once it checks keys, so nobody relies on it. Rows without a
//! parent are the data's fault, and `orphans` says what becomes of them.

use super::draft::{Draft, DraftColumn, Fate};
use super::unique::{add_constraint, counted, examples, usable};
use crate::catalog::{self, Catalog, Deferrable, ForeignKey};
use crate::finding::{Cause, Finding};
use crate::plan::given::words::Word;
use crate::plan::{Action, ExistingForeignKey, KeyFact, KeyFactKind, OnInvalid, OrphanSpec, Orphans, Phase};
use crate::sqltext::{ident_list, qualified};

/// What foreign keys are decided from, besides the drafts.
pub struct Facts<'a> {
    pub catalog: &'a Catalog,
    pub key_facts: &'a [KeyFact],
}

/// Plans the foreign keys of draft `i`.
pub fn foreign_keys(facts: &Facts<'_>, drafts: &mut [Draft<'_>], i: usize, notes: &mut Vec<Finding>) {
    let Some(draft) = drafts.get(i) else { return };
    if !draft.settings.foreign_keys || !draft.fresh() {
        return;
    }
    let table = draft.table;
    for (position, key) in table.foreign_keys.iter().enumerate() {
        let made = make(facts, drafts, i, key);
        let orphans = Counted::of(facts, &table.name, position);
        let Some(draft) = drafts.get_mut(i) else { return };
        let object = format!("foreign key {}({})", table.name, key.columns.join(", "));
        match made {
            Ok(made) => add(draft, key, made, orphans, object, notes),
            Err(why) => draft.left_out(notes, object, format!("is left out: {why}"), ""),
        }
    }
}

/// A key that can be made.
struct Made {
    columns: Vec<String>,
    parent_schema: String,
    parent: String,
    parent_columns: Vec<String>,
    /// Rows without a parent may come about that the facts do not know of.
    unsure: bool,
    nullable: bool,
}

fn make(facts: &Facts<'_>, drafts: &[Draft<'_>], i: usize, key: &ForeignKey) -> Result<Made, String> {
    let child = drafts.get(i).ok_or("no such table")?;
    let parent = parent(facts, drafts, key)?;
    if key.parent_columns.len() != key.columns.len() || key.columns.is_empty() {
        return Err(format!("the columns it points to in \"{}\" are not known", key.parent));
    }
    let columns = usable(child, &key.columns)?;
    let parent_columns = usable(parent, &key.parent_columns)?;
    if parent.fresh() && !has_key(parent, &key.parent_columns) {
        return Err(format!("\"{}\" has no unique key over ({})", key.parent, key.parent_columns.join(", ")));
    }
    let pairs = || {
        key.columns
            .iter()
            .zip(&key.parent_columns)
            .filter_map(|(c, p)| Some((child.column(c)?, parent.column(p)?)))
    };
    pairs().try_for_each(|(c, p)| same_values(c, p))?;
    let computed = pairs().any(|(c, _)| c.computed());
    if computed && (writes(key.on_delete) || writes(key.on_update)) {
        return Err("a generated column cannot be changed by ON UPDATE or ON DELETE".into());
    }
    Ok(Made {
        columns,
        parent_schema: parent.settings.schema.clone(),
        parent: parent.target.clone(),
        parent_columns,
        unsure: unsure(child) || unsure(parent),
        nullable: pairs().all(|(c, _)| !c.not_null && !c.computed()),
    })
}

fn parent<'d, 'a>(
    facts: &Facts<'_>,
    drafts: &'d [Draft<'a>],
    key: &ForeignKey,
) -> Result<&'d Draft<'a>, String> {
    let named = drafts.iter().find(|d| d.table.name.eq_ignore_ascii_case(&key.parent));
    let why = match named {
        Some(parent) if parent.existing.is_some_and(|e| e.relkind == 'v') => "goes into a view",
        Some(parent) if parent.fate != Fate::Absent => return Ok(parent),
        None if facts.catalog.table(&key.parent).is_none() => "does not exist",
        _ => "is not carried over",
    };
    Err(format!("table \"{}\" {why}", key.parent))
}

/// PostgreSQL wants a unique key over exactly these columns, in any order.
fn has_key(parent: &Draft<'_>, columns: &[String]) -> bool {
    let sorted = |names: &[String]| {
        let mut names: Vec<String> = names.iter().map(|n| n.to_ascii_lowercase()).collect();
        names.sort();
        names
    };
    let wanted = sorted(columns);
    parent.unique.iter().any(|key| sorted(key) == wanted)
}

fn same_values(child: &DraftColumn<'_>, parent: &DraftColumn<'_>) -> Result<(), String> {
    if !child.pg_type.compares_with(&parent.pg_type) || child.format != parent.format {
        return Err(format!(
            "\"{}\" is {}, \"{}\" is {}, and no common type holds the values of both",
            child.source.name, child.pg_type, parent.source.name, parent.pg_type
        ));
    }
    Ok(())
}

fn writes(action: catalog::Action) -> bool {
    !matches!(action, catalog::Action::NoAction | catalog::Action::Restrict)
}

/// Rows of this table may be missing, or be there already.
fn unsure(draft: &Draft<'_>) -> bool {
    let filtered = draft.overrides.is_some_and(|g| g.filter.is_some());
    let drops = |c: &DraftColumn<'_>| !c.skip && matches!(c.on_invalid, OnInvalid::Reject | OnInvalid::Null);
    filtered || !draft.fresh() || draft.columns.iter().any(drops)
}

fn add(
    draft: &mut Draft<'_>,
    key: &ForeignKey,
    made: Made,
    orphans: Option<Counted<'_>>,
    object: String,
    notes: &mut Vec<Finding>,
) {
    let policy = draft.settings.orphans;
    say(draft, key, &made, orphans, object, notes);
    let name = match key.name.as_deref().filter(|n| !n.is_empty()) {
        Some(own) => draft.constraints.claim(own),
        None => draft.constraints.object(&draft.target, &made.columns, "fkey"),
    };
    let definition = definition(key, &made, policy == Orphans::Keep && (orphans.is_some() || made.unsure));
    if policy != Orphans::Error || made.unsure {
        let title = format!("look for orphans in {}({})", draft.title(), made.columns.join(", "));
        let asked = if policy == Orphans::Null && !made.nullable { Orphans::Error } else { policy };
        let spec = orphan_spec(draft, &made.into(), asked);
        draft.after.push((Phase::ForeignKeys, title, Action::Orphans(spec)));
    }
    add_constraint(draft, &name, &definition, Phase::ForeignKeys);
}

/// Which rows have no parent, and whether the policy can do with them what it says.
fn say(
    draft: &mut Draft<'_>,
    key: &ForeignKey,
    made: &Made,
    orphans: Option<Counted<'_>>,
    object: String,
    notes: &mut Vec<Finding>,
) {
    let policy = draft.settings.orphans;
    if let Some(orphans) = orphans {
        let finding = orphan_finding(&object, orphans, key, policy).of(&draft.table.name);
        if policy == Orphans::Keep {
            draft.detail.push(finding.message.clone());
        }
        notes.push(finding);
    }
    if policy == Orphans::Null && !made.nullable {
        let hint = "Set orphans to \"reject\" or \"keep\" for this table, or the column's nullable to true.";
        let message = "orphans cannot be set to NULL: a column of the key is NOT NULL";
        notes.push(if orphans.is_some() {
            Finding::blocking(object, message, hint).because(Cause::Orphans).of(&draft.table.name)
        } else {
            Finding::info(object, message, hint)
        });
    }
}

impl From<Made> for ExistingForeignKey {
    fn from(made: Made) -> ExistingForeignKey {
        ExistingForeignKey {
            columns: made.columns,
            parent_schema: made.parent_schema,
            parent: made.parent,
            parent_columns: made.parent_columns,
            ..ExistingForeignKey::default()
        }
    }
}

/// The question for rows that have no parent by a key.
pub fn orphan_spec(draft: &Draft<'_>, key: &ExistingForeignKey, policy: Orphans) -> OrphanSpec {
    OrphanSpec {
        policy,
        source: draft.table.name.clone(),
        existing: draft.existing.is_some(),
        ..OrphanSpec::of(&draft.settings.schema, &draft.target, key)
    }
}

/// Rows of the source that a foreign key forbids.
#[derive(Debug, Clone, Copy)]
pub struct Counted<'f> {
    /// Those that point to no row.
    now: Option<&'f KeyFact>,
    /// Those that point to a row which does not come, because it is such a row.
    in_turn: u64,
}

impl<'f> Counted<'f> {
    /// Of the key at a position of the table's foreign keys; `None` where there are no such rows.
    pub fn of(facts: &Facts<'f>, table: &str, position: usize) -> Option<Counted<'f>> {
        let find = |kind: KeyFactKind| {
            let of_key = |f: &&KeyFact| f.table.eq_ignore_ascii_case(table) && f.kind == kind && f.count > 0;
            facts.key_facts.iter().find(of_key)
        };
        let now = find(KeyFactKind::Orphan { foreign_key: position });
        let in_turn = find(KeyFactKind::OrphanInTurn { foreign_key: position }).map_or(0, |fact| fact.count);
        (now.is_some() || in_turn > 0).then_some(Counted { now, in_turn })
    }

    /// `2 rows point to no row of "users" (rowid 7)`
    pub fn told(&self, parent: &str) -> String {
        let at_once = self.now.map_or(0, |fact| fact.count);
        let rows = counted(at_once + self.in_turn, "row points", "rows point");
        let examples = self.now.map(examples).unwrap_or_default();
        let in_turn = self.in_turn;
        match at_once {
            _ if in_turn == 0 => format!("{rows} to no row of \"{parent}\"{examples}"),
            0 => format!("{rows} to no row of \"{parent}\" once their parents are rejected"),
            _ => format!(
                "{rows} to no row of \"{parent}\": {at_once} now{examples}, {in_turn} once their parents are \
                 rejected"
            ),
        }
    }
}

fn orphan_finding(object: &str, orphans: Counted<'_>, key: &ForeignKey, policy: Orphans) -> Finding {
    let message = orphans.told(&key.parent);
    let becomes = match policy {
        Orphans::Error => {
            let hint = "Set orphans to \"reject\", \"null\" or \"keep\", or correct the rows.";
            return Finding::blocking(object, message, hint).because(Cause::Orphans);
        }
        Orphans::Reject => "they go to sqlite_migrate.reject",
        Orphans::Null => "their key becomes NULL",
        Orphans::Keep => "they stay, and the constraint stays NOT VALID",
    };
    Finding::warning(
        object,
        format!("{message}; {becomes}"),
        format!("The plan says orphans: \"{}\".", policy.word()),
    )
}

fn definition(key: &ForeignKey, made: &Made, not_valid: bool) -> String {
    let mut sql = format!(
        "FOREIGN KEY ({}) REFERENCES {} ({})",
        ident_list(&made.columns),
        qualified(&made.parent_schema, &made.parent),
        ident_list(&made.parent_columns)
    );
    if let Some(action) = action_sql(key.on_update) {
        sql.push_str(&format!(" ON UPDATE {action}"));
    }
    if let Some(action) = action_sql(key.on_delete) {
        sql.push_str(&format!(" ON DELETE {action}"));
    }
    sql.push_str(match key.deferrable {
        Deferrable::No => "",
        Deferrable::InitiallyImmediate => " DEFERRABLE",
        Deferrable::InitiallyDeferred => " DEFERRABLE INITIALLY DEFERRED",
    });
    if not_valid {
        sql.push_str(" NOT VALID");
    }
    sql
}

fn action_sql(action: catalog::Action) -> Option<&'static str> {
    match action {
        catalog::Action::NoAction => None,
        catalog::Action::Restrict => Some("RESTRICT"),
        catalog::Action::Cascade => Some("CASCADE"),
        catalog::Action::SetNull => Some("SET NULL"),
        catalog::Action::SetDefault => Some("SET DEFAULT"),
    }
}
