//! Foreign keys and the search for orphans that goes before them.
//!
//! A key to something that is not there is left out with a warning whatever `keys` says: SQLite
//! itself refuses to write such rows once it checks keys, so nobody relies on it. Rows without a
//! parent are the data's fault, and `orphans` says what becomes of them.

use super::object::{self, Object};
use super::table::{DecidedColumn, DecidedTable};
use super::unique::{examples, usable};
use crate::catalog::{self, Catalog, ForeignKey};
use crate::catalog::{KeyFact, KeyFactKind};
use crate::finding::{Cause, Finding, counted};
use crate::plan::given::words::{Orphans, Word, orphan_policies};
use crate::plan::model::OrphanSpec;
use crate::plan::resolve::table::Disposition;
use crate::plan::target::ExistingForeignKey;
use crate::value::batch::OnInvalid;

/// What foreign keys are decided from, besides the tables.
pub struct Facts<'a> {
    pub catalog: &'a Catalog,
    pub key_facts: &'a [KeyFact],
}

/// Plans the foreign keys of table `i`.
pub fn foreign_keys(
    facts: &Facts<'_>,
    tables: &mut [DecidedTable<'_>],
    i: usize,
    findings: &mut Vec<Finding>,
) {
    let Some(table) = tables.get(i) else { return };
    if !table.settings.foreign_keys || !table.fresh() {
        return;
    }
    let source = table.source;
    for (position, key) in source.foreign_keys.iter().enumerate() {
        let made = make(facts, tables, i, key);
        let orphans = Counted::of(facts, &source.name, position);
        let Some(table) = tables.get_mut(i) else { return };
        let object = format!("foreign key {}({})", source.name, key.columns.join(", "));
        match made {
            Ok(made) => add(table, key, made, orphans, object, findings),
            Err(why) => table.left_out(findings, object, format!("is left out: {why}"), ""),
        }
    }
}

/// A key that can be made.
struct Made {
    key: object::ForeignKey,
    /// Rows without a parent may come about that the facts do not know of.
    unsure: bool,
    nullable: bool,
}

fn make(facts: &Facts<'_>, tables: &[DecidedTable<'_>], i: usize, key: &ForeignKey) -> Result<Made, String> {
    let child = tables.get(i).ok_or("no such table")?;
    let parent = parent(facts, tables, key)?;
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
        key: object::ForeignKey {
            columns,
            parent_schema: parent.settings.schema.clone(),
            parent: parent.target.clone(),
            parent_columns,
            on_update: key.on_update,
            on_delete: key.on_delete,
            deferrable: key.deferrable,
        },
        unsure: unsure(child) || unsure(parent),
        nullable: pairs().all(|(c, _)| !c.not_null && !c.computed()),
    })
}

fn parent<'d, 'a>(
    facts: &Facts<'_>,
    tables: &'d [DecidedTable<'a>],
    key: &ForeignKey,
) -> Result<&'d DecidedTable<'a>, String> {
    let named = tables.iter().find(|d| d.source.name.eq_ignore_ascii_case(&key.parent));
    let why = match named {
        Some(parent) if parent.existing.is_some_and(|e| e.relkind == 'v') => "goes into a view",
        Some(parent) if parent.disposition != Disposition::Absent => return Ok(parent),
        None if facts.catalog.table(&key.parent).is_none() => "does not exist",
        _ => "is not carried over",
    };
    Err(format!("table \"{}\" {why}", key.parent))
}

/// PostgreSQL wants a unique key over exactly these columns, in any order.
fn has_key(parent: &DecidedTable<'_>, columns: &[String]) -> bool {
    let sorted = |names: &[String]| {
        let mut names: Vec<String> = names.iter().map(|n| n.to_ascii_lowercase()).collect();
        names.sort();
        names
    };
    let wanted = sorted(columns);
    parent.unique.iter().any(|key| sorted(key) == wanted)
}

fn same_values(child: &DecidedColumn<'_>, parent: &DecidedColumn<'_>) -> Result<(), String> {
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
fn unsure(table: &DecidedTable<'_>) -> bool {
    let filtered = table.overrides.is_some_and(|g| g.filter.is_some());
    let drops = |c: &DecidedColumn<'_>| matches!(c.on_invalid, OnInvalid::Reject | OnInvalid::Null);
    filtered || !table.fresh() || table.columns.iter().any(drops)
}

fn add(
    table: &mut DecidedTable<'_>,
    key: &ForeignKey,
    made: Made,
    orphans: Option<Counted<'_>>,
    object: String,
    findings: &mut Vec<Finding>,
) {
    let policy = table.settings.orphans;
    say(table, key, &made, orphans, object, findings);
    let name = match key.name.as_deref().filter(|n| !n.is_empty()) {
        Some(own) => table.constraints.claim(own),
        None => table.constraints.object(&table.resolved.target, &made.key.columns, "fkey"),
    };
    if policy != Orphans::Error || made.unsure {
        let asked = if policy == Orphans::Null && !made.nullable { Orphans::Error } else { policy };
        let spec = orphan_spec(table, &existing_form(&made.key), asked, made.nullable);
        table.objects.push(Object::Orphans(spec));
    }
    let not_valid = policy == Orphans::Keep && (orphans.is_some() || made.unsure);
    table.objects.push(Object::ForeignKey { name, key: made.key, not_valid });
}

/// Which rows have no parent, and whether the policy can do with them what it says.
fn say(
    table: &mut DecidedTable<'_>,
    key: &ForeignKey,
    made: &Made,
    orphans: Option<Counted<'_>>,
    object: String,
    findings: &mut Vec<Finding>,
) {
    let policy = table.settings.orphans;
    if let Some(orphans) = orphans {
        let finding = orphan_finding(&object, orphans, key, policy, made.nullable).of(table.id);
        if policy == Orphans::Keep {
            table.detail.push(finding.message.clone());
        }
        findings.push(finding);
    }
    if policy == Orphans::Null && !made.nullable {
        let hint = "Set orphans to \"reject\" or \"keep\" for this table, or the column's nullable to true.";
        let message = "orphans cannot be set to NULL: a column of the key is NOT NULL";
        findings.push(if orphans.is_some() {
            Finding::blocking(object, message, hint).because(Cause::Orphans).of(table.id)
        } else {
            Finding::info(object, message, hint)
        });
    }
}

/// The key as an existing table would have it.
fn existing_form(key: &object::ForeignKey) -> ExistingForeignKey {
    ExistingForeignKey {
        columns: key.columns.clone(),
        parent_schema: key.parent_schema.clone(),
        parent: key.parent.clone(),
        parent_columns: key.parent_columns.clone(),
        ..ExistingForeignKey::default()
    }
}

/// The search for rows that have no parent by a key.
pub fn orphan_spec(
    table: &DecidedTable<'_>,
    key: &ExistingForeignKey,
    policy: Orphans,
    nullable: bool,
) -> OrphanSpec {
    OrphanSpec {
        policy,
        source: table.source.name.clone(),
        existing: table.existing.is_some(),
        nullable,
        ..OrphanSpec::of(&table.settings.schema, &table.target, key)
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

fn orphan_finding(
    object: &str,
    orphans: Counted<'_>,
    key: &ForeignKey,
    policy: Orphans,
    nullable: bool,
) -> Finding {
    let message = orphans.told(&key.parent);
    let becomes = match policy {
        Orphans::Error => {
            let hint = format!("Set orphans to {}, or correct the rows.", orphan_policies(false, nullable));
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
