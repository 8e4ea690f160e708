//! What becomes of rows that no page holds, and of keys and indexes over values that are too long for a btree.

use super::collate::Folding;
use super::object::{IndexKey, IndexKeys, Method, Object};
use super::sizes;
use super::table::{DecidedColumn, DecidedTable};
use crate::finding::{Finding, Fix, Kind, counted};
use crate::plan::context::Context;
use crate::plan::given::words::Keys;
use crate::plan::model::Phase;
use crate::plan::trial::{NAMED, Oversized, OversizedRow};
use crate::sqltext::ident;
use crate::types::words::grouped;
use crate::types::{Fit, fit};
use crate::value::PgType;

/// Reports rows that are wider than a page.
pub fn rows(ctx: &Context<'_>, table: &mut DecidedTable<'_>, findings: &mut Vec<Finding>) {
    let Some(found) = sizes::rows(ctx, table) else { return };
    let name = table.source.name.clone();
    if let Some(why) = &found.untried {
        let message = format!("rows may be wider than a page, which could not be tried: {why}");
        return findings.push(Kind::RowTooWide.warning(&name, message).hint(TRIAL));
    }
    let Some(first) = found.rows.first() else { return };
    let message = format!(
        "{} would take {} bytes of the {} in a page{}",
        first.name,
        grouped(first.bytes),
        grouped(found.limit),
        and_others(found)
    );
    let finding = Kind::RowTooWide.blocking(&name, message).of(table.id);
    let skip = "or skip columns that are not needed";
    findings.push(if let Some(fix) = narrower(table, ctx.target.page.row) {
        finding.fix(fix, &format!(", which hold every value in fewer bytes, {skip}"))
    } else if let Some(fix) = without(table, found) {
        let rows = counted(found.rows.len() as u64, "row", "rows");
        finding.fix(fix, &format!(" to leave {rows} out, {skip}"))
    } else {
        finding.fix(Fix::of_table(&name, "skip", true), &format!(" to leave the table out, {skip}"))
    });
}

/// `, and 3 other rows take too many as well`
fn and_others(found: &Oversized) -> String {
    match found.rows.len() as u64 {
        0 | 1 => String::new(),
        rows if found.listed_all => {
            format!(", and {} too many as well", counted(rows - 1, "other row takes", "other rows take"))
        }
        rows => format!(", and {} other rows or more take too many as well", rows - 1),
    }
}

/// Smaller types for numbers, where they hold every value and are enough; keys keep their types, which others refer to.
fn narrower(table: &DecidedTable<'_>, page: u64) -> Option<Fix> {
    if !table.fresh() {
        return None;
    }
    let width =
        sizes::widest(table, |column| smaller(table, column).unwrap_or_else(|| column.pg_type.clone()))?;
    let fixes = table.columns.iter().filter_map(|column| {
        let pg_type = smaller(table, column)?.to_string();
        Some(Fix::of_column(&table.source.name, &column.source.name, "type", pg_type))
    });
    fixes.reduce(Fix::and).filter(|_| width + sizes::header(table) <= page)
}

fn smaller(table: &DecidedTable<'_>, column: &DecidedColumn<'_>) -> Option<PgType> {
    let source = table.source;
    let in_key = |columns: &[String]| columns.iter().any(|c| c.eq_ignore_ascii_case(&column.source.name));
    let is_key = source.primary_key.as_ref().is_some_and(|k| in_key(&k.columns))
        || source.foreign_keys.iter().any(|k| in_key(&k.columns));
    let candidates: &[PgType] = match column.pg_type {
        _ if is_key || column.computed() || column.default.is_some() => return None,
        PgType::Int8 => &[PgType::Int2, PgType::Int4],
        PgType::Int4 => &[PgType::Int2],
        PgType::Float8 => &[PgType::Float4],
        _ => return None,
    };
    let stored = table.stored(column)?;
    candidates.iter().find(|pg_type| fit(stored, pg_type, None) == Fit::Yes).cloned()
}

/// A `where` that leaves the rows out; `None` where they cannot be named.
fn without(table: &DecidedTable<'_>, found: &Oversized) -> Option<Fix> {
    let rowids: Vec<i64> =
        found.rows.iter().map(|row| row.rowid).collect::<Option<_>>().filter(|_| found.listed_all)?;
    without_rows(table, &rowids)
}

/// The same of any rows, if others are left.
pub fn without_rows(table: &DecidedTable<'_>, rowids: &[i64]) -> Option<Fix> {
    let alias = table.source.rowid_name()?;
    if rowids.is_empty() || rowids.len() > NAMED || table.profile?.rows <= rowids.len() as u64 {
        return None;
    }
    let filter = table.overrides.and_then(|g| g.filter.as_deref());
    Some(Fix::without_rows(&table.source.name, filter, alias, rowids))
}

/// A key or index, some of whose entries a btree does not take.
pub struct TooLong<'k> {
    /// What findings call it.
    pub object: &'k str,
    pub name: String,
    pub keys: IndexKeys,
    pub unique: bool,
    pub phase: Phase,
}

/// Says what a btree refuses. With `keys: "as_data_allows"` a hash of the values takes their place.
pub fn entries(
    table: &mut DecidedTable<'_>,
    index: TooLong<'_>,
    found: &Oversized,
    findings: &mut Vec<Finding>,
) {
    let object = index.object;
    let Some(first) = found.rows.first() else { return };
    let message = entry_message(first, found);
    let hashed = hashed(table, &index);
    if table.settings.keys == Keys::Strict {
        let fix = Fix::of_table(&table.source.name, "keys", "as_data_allows");
        let rest =
            if hashed.is_some() { " for an index on a hash of the values" } else { " to leave it out" };
        let finding = Kind::KeyTooLong.blocking(object, message).of(table.id);
        return findings.push(finding.fix(fix, &format!("{rest}, or shorten them")));
    }
    let becomes = match &hashed {
        Some(Object::Exclude { .. }) => {
            "becomes an exclusion constraint with a hash index, which refuses the same duplicates"
        }
        Some(Object::Index { keys, .. }) if keys.method == Method::Hash => "becomes a hash index",
        Some(_) => "becomes an index on a hash of the values",
        None => "is left out",
    };
    table.objects.extend(hashed);
    table.left_out(findings, Kind::KeyTooLong.warning(object, format!("{becomes}: {message}")));
}

fn entry_message(first: &OversizedRow, found: &Oversized) -> String {
    format!(
        "the entry of {} would take {} bytes of the {} that a btree allows{}",
        first.name,
        grouped(first.bytes),
        grouped(found.limit),
        and_others(found)
    )
}

/// Reports that an entry may be too large where that could not be tried; otherwise nothing is to be said.
pub fn untried(object: &str, found: &Oversized) -> Option<Finding> {
    let why = found.untried.as_ref()?;
    let message = format!("values may be too long for a btree, which could not be tried: {why}");
    Some(Kind::KeyTooLong.warning(object, message).hint(TRIAL))
}

/// What a trial needs.
const TRIAL: &str = "Such rows are tried in a table that is rolled back: that takes the right TEMPORARY in the database, or \
                     CREATE in the schema, and a transaction that may write.";

/// An existing index stays as it is: rows that it does not take are left out, or it is.
pub fn existing_entries(table: &DecidedTable<'_>, index: &str, found: &Oversized) -> Option<Finding> {
    let object = format!("index {index} of {}", table.title());
    let Some(first) = found.rows.first() else { return untried(&object, found) };
    let finding = Kind::KeyTooLong.blocking(object, entry_message(first, found)).of(table.id);
    let drop = "drop the index in before";
    Some(match without(table, found) {
        Some(fix) => {
            let rows = counted(found.rows.len() as u64, "row", "rows");
            finding.fix(fix, &format!(" to leave {rows} out, or {drop}"))
        }
        None => finding.hint(format!("Leave the rows out with {}, or {drop}.", table.path("where"))),
    })
}

/// What takes the place of a btree: a hash index for one key, a btree over hashes for several. `None` where the values
/// have no hash that PostgreSQL computes alike on every server.
fn hashed(table: &DecidedTable<'_>, index: &TooLong<'_>) -> Option<Object> {
    let TooLong { name, keys, unique, phase, .. } = index;
    let (name, phase) = (name.clone(), *phase);
    if let [key] = keys.keys.as_slice() {
        has_hash(table, key)?;
        // The operator of citext is not in the search path of the run.
        let equal = column_of(table, key).and_then(|column| match &column.folding {
            Some(Folding::Citext(name)) => {
                name.rsplit_once('.').map(|(schema, _)| format!("OPERATOR({schema}.=)"))
            }
            _ => None,
        });
        let key = IndexKey { descending: false, equal, ..key.clone() };
        let keys = IndexKeys {
            keys: vec![key],
            predicate: keys.predicate.clone(),
            method: Method::Hash,
            ..IndexKeys::default()
        };
        return Some(match unique {
            true => Object::Exclude { name, keys, phase },
            false => Object::Index { name, unique: false, keys, phase },
        });
    }
    let keys = IndexKeys {
        keys: keys.keys.iter().map(|key| short(table, key)).collect::<Option<_>>()?,
        ..keys.clone()
    };
    Some(Object::Index { name, unique: *unique, keys, phase })
}

/// The column that a key is, not an expression over it.
fn column_of<'t, 'a>(table: &'t DecidedTable<'a>, key: &IndexKey) -> Option<&'t DecidedColumn<'a>> {
    table.columns.iter().find(|c| key.sql == ident(&c.target))
}

/// Text and bytes, and expressions over them, are hashed by a hash index.
fn has_hash(table: &DecidedTable<'_>, key: &IndexKey) -> Option<()> {
    let hashable = |c: &DecidedColumn<'_>| {
        matches!(
            c.pg_type,
            PgType::Text | PgType::Varchar(_) | PgType::Bpchar(_) | PgType::Bytea | PgType::Jsonb
        )
    };
    let mut read = table.columns.iter().filter(|c| key.sql.contains(&ident(&c.target)));
    read.all(hashable).then_some(())
}

/// A key that is short: what is fixed in size as it is, text and bytes by their MD5. citext compares what `lower()` makes of
/// its values.
fn short(table: &DecidedTable<'_>, key: &IndexKey) -> Option<IndexKey> {
    let column = column_of(table, key)?;
    if key.nocase {
        return None;
    }
    match column.pg_type {
        _ if matches!(column.folding, Some(Folding::Citext(_))) => {
            let sql = format!("pg_catalog.md5(pg_catalog.lower({}::text))", key.sql);
            Some(IndexKey { sql, ..key.clone() })
        }
        _ if column.folding.is_some() => None,
        PgType::Text | PgType::Varchar(_) | PgType::Bytea => {
            Some(IndexKey { sql: format!("pg_catalog.md5({})", key.sql), ..key.clone() })
        }
        _ if sizes::is_short(&column.pg_type) => Some(key.clone()),
        _ => None,
    }
}
