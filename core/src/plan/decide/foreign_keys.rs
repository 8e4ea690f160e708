//! Foreign keys and the search for orphans that goes before them.
//!
//! A key to something that does not exist is left out with a warning whatever `keys` says: SQLite
//! itself refuses to write such rows once it checks keys, so nobody relies on it. Rows without a
//! parent are the data's fault, and `orphans` says what becomes of them.

use super::collate::{self, Folding};
use super::object::{self, Object};
use super::table::{DecidedColumn, DecidedTable};
use super::unique::{examples, usable};
use crate::catalog::{self, Catalog, ForeignKey};
use crate::catalog::{KeyFact, KeyFactKind};
use crate::finding::{Finding, Fix, Kind, Severity, counted};
use crate::orm::names::Names;
use crate::plan::given::words::{Orphans, Word, orphan_policies};
use crate::plan::model::OrphanSpec;
use crate::plan::resolve::exclusions::foreign_key_name;
use crate::plan::resolve::table::Disposition;
use crate::plan::target::ExistingForeignKey;
use crate::plan::trial::Part;
use crate::reading::Reading;
use crate::types::ColumnProfile;
use crate::types::textform::TextFormat;
use crate::value::PgType;
use crate::value::batch::OnInvalid;

/// What foreign keys are decided from, besides the tables.
pub struct Facts<'a> {
    pub catalog: &'a Catalog,
    pub key_facts: &'a [KeyFact],
    pub names: Names,
}

/// Plans the foreign keys of table `i`.
pub fn foreign_keys(
    facts: &Facts<'_>,
    tables: &mut [DecidedTable<'_>],
    i: usize,
    findings: &mut Vec<Finding>,
) {
    let Some(table) = tables.get(i) else { return };
    if !table.fresh() {
        return;
    }
    let source = table.source;
    let taken = table.settings.foreign_keys.clone();
    for (position, key) in source.foreign_keys.iter().enumerate() {
        if !taken.take(&foreign_key_name(source, key)) {
            continue;
        }
        let made = make(facts, tables, i, key);
        let orphans = Counted::of(facts, &source.name, position);
        let Some(table) = tables.get_mut(i) else { return };
        let object = format!("foreign key {}({})", source.name, key.columns.join(", "));
        match made {
            Ok(made) => table.making(Part::ForeignKey(position), |table| {
                add(facts.names, table, (key, made), orphans, object, findings);
            }),
            Err(why) => {
                table.left_out(findings, Kind::LeftOut.warning(object, format!("is left out: {why}")))
            }
        }
    }
}

/// A key that can be made.
struct Made {
    key: object::ForeignKey,
    /// There may be more rows without a parent than were counted.
    unsure: bool,
    /// Rows that were counted may find a parent, or point to none, once their values are converted.
    healing: bool,
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
        unsure: unsure(child) || unsure(parent) || pairs().any(|(_, p)| tells_case(p)),
        healing: pairs().any(|(c, p)| heals((child, c), (parent, p))),
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
    let citext = |c: &DecidedColumn<'_>| matches!(c.folding, Some(Folding::Citext(_)));
    // No operator compares citext with an explicit varchar, which a column that points to citext keeps.
    let comparable = child.pg_type.compares_with(&parent.pg_type) && citext(child) == citext(parent);
    if !comparable || child.format != parent.format {
        return Err(format!(
            "\"{}\" is {}, \"{}\" is {}, and no common type holds the values of both",
            child.source.name,
            child.printed_type(),
            parent.source.name,
            parent.printed_type()
        ));
    }
    Ok(())
}

fn writes(action: catalog::Action) -> bool {
    !matches!(action, catalog::Action::NoAction | catalog::Action::Restrict)
}

/// Values of a key that differ in the file may be one UUID, or mean NULL.
pub fn heals(
    (child, of_child): (&DecidedTable<'_>, &DecidedColumn<'_>),
    (parent, of_parent): (&DecidedTable<'_>, &DecidedColumn<'_>),
) -> bool {
    let (of_child, of_parent) = (child.stored(of_child).zip(Some(of_child)), parent.stored(of_parent));
    let Some((stored, column)) = of_child else { return false };
    let respelled = *column.pg_type.base() == PgType::Uuid && {
        let spellings = |p: &ColumnProfile, forms: &[TextFormat]| p.text.sum(forms) > 0;
        let exact = [TextFormat::Uuid, TextFormat::UuidHex];
        let both = [Some(stored), of_parent];
        let any = |forms: &[TextFormat]| both.iter().flatten().any(|p| spellings(p, forms));
        let blobs = both.iter().flatten().any(|p| p.blobs > 0);
        let kinds = exact.iter().filter(|form| any(&[**form])).count() + usize::from(blobs);
        kinds > 1 || any(&[TextFormat::UuidUpper, TextFormat::Hex32, TextFormat::UuidOther])
    };
    let converted = [Some(stored), of_parent].iter().flatten().any(|p| p.converted > 0);
    respelled || converted || stored.aside.invalid_values(&column.decoder(&child.timezone())) > 0
}

/// SQLite finds a parent whatever the case, PostgreSQL only the same one.
fn tells_case(parent: &DecidedColumn<'_>) -> bool {
    collate::is_nocase(parent) && parent.folding.is_none()
}

/// Rows of this table may be missing, be there already, or have values that SQLite has not compared as PostgreSQL will.
fn unsure(table: &DecidedTable<'_>) -> bool {
    let reading = table.reading();
    let filtered = reading != Reading::default();
    let drops = |c: &DecidedColumn<'_>| matches!(c.on_invalid, OnInvalid::Reject | OnInvalid::Null);
    filtered || !table.fresh() || table.columns.iter().any(drops)
}

fn add(
    names: Names,
    table: &mut DecidedTable<'_>,
    (key, made): (&ForeignKey, Made),
    orphans: Option<Counted<'_>>,
    object: String,
    findings: &mut Vec<Finding>,
) {
    let policy = table.settings.orphans;
    report(table, key, &made, orphans, object, findings);
    let (own, columns) = (key.name.as_deref().filter(|n| !n.is_empty()), &made.key.columns);
    let of_program =
        || names.foreign_key(&table.resolved.target, columns, &made.key.parent, &made.key.parent_columns);
    let name = match own.map(str::to_owned).or_else(of_program) {
        Some(own) => table.constraints.claim(&own),
        None => table.constraints.object(&table.resolved.target, &made.key.columns, "fkey"),
    };
    if policy != Orphans::Error || made.unsure || made.healing {
        let asked = if policy == Orphans::Null && !made.nullable { Orphans::Error } else { policy };
        let as_existing = ExistingForeignKey {
            columns: made.key.columns.clone(),
            parent_schema: made.key.parent_schema.clone(),
            parent: made.key.parent.clone(),
            parent_columns: made.key.parent_columns.clone(),
            ..ExistingForeignKey::default()
        };
        let spec = orphan_spec(table, &as_existing, asked, made.nullable);
        table.objects.push(Object::Orphans(spec));
    }
    let not_valid = policy == Orphans::Keep && (orphans.is_some() || made.unsure);
    table.objects.push(Object::ForeignKey { name, key: made.key, not_valid });
}

/// Reports the orphans, and a policy that cannot be applied to them.
fn report(
    table: &mut DecidedTable<'_>,
    key: &ForeignKey,
    made: &Made,
    orphans: Option<Counted<'_>>,
    object: String,
    findings: &mut Vec<Finding>,
) {
    let policy = table.settings.orphans;
    if let Some(orphans) = orphans.filter(|_| made.healing) {
        findings.push(maybe_orphans(&object, orphans.described(&key.parent)));
    } else if let Some(orphans) = orphans {
        let finding = orphan_finding(table, &object, orphans, (key, made.nullable)).of(table.id);
        if policy == Orphans::Keep {
            table.detail.push(finding.message.clone());
        }
        findings.push(finding);
    }
    if policy == Orphans::Null && !made.nullable {
        let message = "orphans cannot be set to NULL: a column of the key is NOT NULL";
        let certain = orphans.is_some() && !made.healing;
        let severity = if certain { Severity::Blocking } else { Severity::Info };
        let fix = Fix::of_table(&table.source.name, "orphans", "keep").or(&["reject"]);
        let rest = orphans.map(|o| cost(o.count())).unwrap_or_default();
        let rest = format!("{rest}, or the column's nullable to true");
        findings.push(Kind::Orphans.finding(severity, object, message).fix(fix, &rest).of(table.id));
    }
}

/// Orphans of the file that may not be any in PostgreSQL.
pub fn maybe_orphans(object: &str, told: String) -> Finding {
    let message = format!("{told} as the values are spelled: the import looks again at what they become");
    Kind::Orphans.info(object, message)
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
    /// Cascaded orphans: their parents are orphans themselves, and are rejected.
    cascaded: u64,
}

impl<'f> Counted<'f> {
    /// Of the key at a position of the table's foreign keys; `None` where there are no such rows.
    pub fn of(facts: &Facts<'f>, table: &str, position: usize) -> Option<Counted<'f>> {
        let find = |kind: KeyFactKind| {
            let of_key = |f: &&KeyFact| f.table.eq_ignore_ascii_case(table) && f.kind == kind && f.count > 0;
            facts.key_facts.iter().find(of_key)
        };
        let now = find(KeyFactKind::Orphan { foreign_key: position });
        let cascaded =
            find(KeyFactKind::CascadedOrphan { foreign_key: position }).map_or(0, |fact| fact.count);
        (now.is_some() || cascaded > 0).then_some(Counted { now, cascaded })
    }

    /// How many there are, those that a rejected parent makes included.
    pub fn count(&self) -> u64 {
        self.now.map_or(0, |fact| fact.count) + self.cascaded
    }

    /// `2 rows point to no row of "users" (rowid 7)`
    pub fn described(&self, parent: &str) -> String {
        let at_once = self.now.map_or(0, |fact| fact.count);
        let rows = counted(at_once + self.cascaded, "row points", "rows point");
        let examples = self.now.map(|fact| examples(&fact.examples)).unwrap_or_default();
        let cascaded = self.cascaded;
        match at_once {
            _ if cascaded == 0 => format!("{rows} to no row of \"{parent}\"{examples}"),
            0 => format!("{rows} to no row of \"{parent}\" once their parents are rejected"),
            _ => format!(
                "{rows} to no row of \"{parent}\": {at_once} now{examples}, {cascaded} once their parents are \
                 rejected"
            ),
        }
    }
}

/// What `orphans: "null"` or `"reject"` costs.
pub fn cost(rows: u64) -> String {
    format!(", which changes {}", counted(rows, "row", "rows"))
}

/// The values of the key follow its parents' keys.
fn follows(table: &DecidedTable<'_>, key: &ForeignKey) -> bool {
    let columns = table.targets(&key.columns);
    columns.is_ok_and(|columns| table.renumbering.references.iter().any(|r| r.spec.columns == columns))
}

fn orphan_finding(
    table: &DecidedTable<'_>,
    object: &str,
    orphans: Counted<'_>,
    (key, nullable): (&ForeignKey, bool),
) -> Finding {
    let message = orphans.described(&key.parent);
    let becomes = match table.settings.orphans {
        // Such a row could find another parent by the file's value.
        Orphans::Keep if follows(table, key) => {
            let (first, others) = orphan_policies(true, nullable);
            let message =
                format!("{message}; they cannot be kept, because rows of \"{}\" are matched", key.parent);
            let fix = Fix::of_table(&table.source.name, "orphans", first).or(others);
            return Kind::Orphans.blocking(object, message).fix(fix, &cost(orphans.count()));
        }
        Orphans::Error => {
            let (first, others) = orphan_policies(false, nullable);
            let fix = |policy: &str| Fix::of_table(&table.source.name, "orphans", policy);
            let other = match others {
                [other, rest @ ..] if table.profile.is_none_or(|p| p.rows != orphans.count()) => {
                    format!(", {}{}", fix(other).or(rest), cost(orphans.count()))
                }
                _ => String::new(),
            };
            let rest = format!(" to leave the constraint NOT VALID{other}, or correct the rows");
            return Kind::Orphans.blocking(object, message).fix(fix(first), &rest);
        }
        Orphans::Reject => "they go to sqlite_migrate.reject",
        Orphans::Null => "their key becomes NULL",
        Orphans::Keep => "they stay, and the constraint stays NOT VALID",
    };
    let hint = format!("The plan says orphans: \"{}\".", table.settings.orphans.word());
    Kind::Orphans.warning(object, format!("{message}; {becomes}")).hint(hint)
}
