//! A foreign table joined with what the file declares of it: the `Table` that queries are decided by.

use pgrx::PgSqlErrorCode as Code;

use super::connection::{self, Described};
use super::options::{ColumnOptions, ServerOptions, TableOptions};
use crate::error::Error;
use crate::pg::datum::type_of;
use crate::pg::foreign::{Attribute, ForeignTable};
use crate::pg::settings::LocalSettings;
use crate::pg::types;
use crate::sqlite::Estimate;
use pg_sqlite_migrate_core::catalog;
use pg_sqlite_migrate_core::remote::{Affinity, Column, Index, Sorting, Table};
use pg_sqlite_migrate_core::value::batch::OnInvalid;
use pg_sqlite_migrate_core::value::{PgType, Timezone};

/// Opens the file where that has not been done.
pub fn table(relation: &ForeignTable) -> Result<Table, Error> {
    let server = ServerOptions::of(&relation.server)?;
    let options = TableOptions::of(relation);
    let described = connection::describe(&relation.server, &options)?;
    let described = described.ok_or_else(|| no_such_table(relation, &server, &options))?;
    let source = &described.table;
    let on_invalid = options.on_invalid.unwrap_or(server.on_invalid);
    let mut table = Table {
        oid: relation.oid.to_u32(),
        relation: relation.name.clone(),
        name: source.name.clone(),
        is_view: described.is_view,
        stored: described.keeps_promises(),
        rowid: if described.is_view { None } else { source.rowid_name().map(str::to_string) },
        columns: vec![],
        key: vec![],
        indexes: vec![],
        rows: described.estimate.rows,
        pages: described.estimate.pages,
        utf16: described.utf16,
        timezone: Timezone::parse(&server.timezone).ok(),
        untested: false,
    };
    for attribute in &relation.attributes {
        let at = usize::try_from(attribute.number).unwrap_or_default();
        table.columns.resize_with(at.max(table.columns.len()), || None);
        let column = column(attribute, &described, on_invalid)
            .ok_or_else(|| no_such_column(relation, attribute, &options))?;
        if let Some(slot) = at.checked_sub(1).and_then(|at| table.columns.get_mut(at)) {
            *slot = Some(column);
        }
    }
    table.key = key(&table, relation, source);
    if described.keeps_promises() {
        table.indexes = indexes(&table, source, &described.estimate);
    }
    Ok(table)
}

impl Described {
    /// Its cells are stored, as the declarations say.
    fn keeps_promises(&self) -> bool {
        !self.is_view && !matches!(self.table.kind, catalog::TableKind::Virtual { .. })
    }
}

fn column(attribute: &Attribute, described: &Described, on_invalid: OnInvalid) -> Option<Column> {
    let options = ColumnOptions::of(&attribute.options);
    let wanted = options.column_name.as_deref().unwrap_or(&attribute.name);
    let table = &described.table;
    let source = table.column(wanted)?;
    let is_rowid = table.primary_key.as_ref().is_some_and(|key| {
        key.rowid_alias && key.columns.iter().any(|c| c.eq_ignore_ascii_case(&source.name))
    });
    let type_ = type_of(attribute.type_oid);
    let promises = described.keeps_promises();
    Some(Column {
        name: source.name.clone(),
        type_,
        pg_type: decoded_as(attribute),
        type_name: attribute.type_name.clone(),
        format: options.format,
        on_invalid: options.on_invalid.unwrap_or(on_invalid),
        not_null: attribute.not_null,
        affinity: affinity(source, described),
        // A view's column sorts as the column that it came from, which SQLite does not report.
        sorting: if promises { sorting(source.collation.as_deref()) } else { Sorting::Unknown },
        strict: is_rowid || (table.strict && !is_any(source)),
        is_rowid,
        generated: source.generated.is_some(),
    })
}

/// A domain's values are passed as text: the server then checks its constraints.
fn decoded_as(attribute: &Attribute) -> PgType {
    if attribute.type_oid.to_u32() < pgrx::pg_sys::FirstNormalObjectId {
        return PgType::parse(&attribute.type_name);
    }
    let _path = LocalSettings::safe_search_path();
    let decoded_as = types::decoded_as(attribute.type_oid, attribute.typmod);
    let decoded_as = PgType::parse(&decoded_as);
    match types::is_domain(attribute.type_oid) {
        true => PgType::Domain { name: attribute.type_name.clone(), base: Box::new(decoded_as) },
        false => decoded_as,
    }
}

/// STRICT takes anything in such a column, and leaves it as it is.
fn is_any(column: &catalog::Column) -> bool {
    column.declared.eq_ignore_ascii_case("any")
}

/// What a view computes and a virtual table answers has the form that it has, whatever is declared.
fn affinity(column: &catalog::Column, described: &Described) -> Affinity {
    let any = described.table.strict && is_any(column);
    if any || !described.keeps_promises() { Affinity::Blob } else { column.affinity() }
}

fn sorting(collation: Option<&str>) -> Sorting {
    match collation.map(str::to_ascii_uppercase).as_deref() {
        None | Some("BINARY") => Sorting::Binary,
        Some("NOCASE") => Sorting::Nocase,
        Some("RTRIM") => Sorting::Rtrim,
        Some(_) => Sorting::Unknown,
    }
}

/// What names a row: the rowid's alias where PostgreSQL has that column, nothing where the rowid itself will do, else
/// the primary key, else the columns with option `key`.
fn key(table: &Table, relation: &ForeignTable, source: &catalog::Table) -> Vec<i16> {
    let numbered = || table.columns.iter().zip(1i16..).filter_map(|(c, n)| Some((c.as_ref()?, n)));
    if let Some((_, alias)) = numbered().find(|(c, _)| c.is_rowid) {
        return vec![alias];
    }
    if table.rowid.is_some() {
        return vec![];
    }
    let named = |name: &String| numbered().find(|(c, _)| c.name.eq_ignore_ascii_case(name)).map(|(_, n)| n);
    let primary: Option<Vec<i16>> =
        source.primary_key.as_ref().and_then(|k| k.columns.iter().map(named).collect());
    primary.filter(|key| !key.is_empty()).unwrap_or_else(|| {
        let marked = |a: &&Attribute| ColumnOptions::of(&a.options).key;
        relation.attributes.iter().filter(marked).map(|a| a.number).collect()
    })
}

/// Indexes over columns that PostgreSQL knows, the rowid first. Partial ones help only queries that repeat their
/// condition; SQLite finds out, no path counts on it.
fn indexes(table: &Table, source: &catalog::Table, estimate: &Estimate) -> Vec<Index> {
    let attribute = |name: &str| {
        let at =
            table.columns.iter().position(|c| c.as_ref().is_some_and(|c| c.name.eq_ignore_ascii_case(name)));
        at.and_then(|at| i16::try_from(at + 1).ok())
    };
    let rowid = table.columns.iter().zip(1i16..).find(|(c, _)| c.as_ref().is_some_and(|c| c.is_rowid));
    let rowid =
        rowid.map(|(_, n)| Index { columns: vec![n], binary: true, unique: true, rows_per_key: vec![1.0] });
    let of_file = source.indexes.iter().filter(|i| i.predicate.is_none()).filter_map(|index| {
        let columns: Vec<i16> = (index.columns.iter())
            .map_while(|c| match &c.key {
                catalog::IndexKey::Column(name) => attribute(name),
                _ => None,
            })
            .collect();
        let known = estimate.rows_per_key.get(&index.name.to_ascii_lowercase());
        (!columns.is_empty()).then(|| Index {
            binary: index
                .columns
                .iter()
                .take(columns.len())
                .all(|c| c.collation.eq_ignore_ascii_case("BINARY")),
            unique: index.unique && columns.len() == index.columns.len(),
            rows_per_key: known.cloned().unwrap_or_else(|| guess(index, estimate.rows)),
            columns,
        })
    });
    rowid.into_iter().chain(of_file).collect()
}

/// SQLite's own guess without statistics: ten rows share the first column's value, nine the second's, ….
fn guess(index: &catalog::Index, rows: f64) -> Vec<f64> {
    let count = index.columns.len();
    let shared = |at: usize| if index.unique && at + 1 == count { 1.0 } else { (10.0 - at as f64).max(5.0) };
    (0..count).map(|at| shared(at).min(rows.max(1.0))).collect()
}

fn no_such_table(relation: &ForeignTable, server: &ServerOptions, options: &TableOptions) -> Error {
    Error::Foreign {
        sqlstate: Code::ERRCODE_FDW_TABLE_NOT_FOUND,
        message: format!("table \"{}\" does not exist in the SQLite file", options.table),
        detail: Some(format!(
            "The file of server \"{}\" is {}.",
            relation.server.name,
            server.database.display()
        )),
        hint: Some(format!("Set option \"table\" of the foreign table \"{}\".", relation.name)),
    }
}

fn no_such_column(relation: &ForeignTable, attribute: &Attribute, options: &TableOptions) -> Error {
    let name = ColumnOptions::of(&attribute.options).column_name.unwrap_or_else(|| attribute.name.clone());
    Error::Foreign {
        sqlstate: Code::ERRCODE_FDW_COLUMN_NAME_NOT_FOUND,
        message: format!(
            "column \"{name}\" of table \"{}\" does not exist in the SQLite file",
            options.table
        ),
        detail: None,
        hint: Some(format!(
            "Set option \"column_name\" of column \"{}\" of the foreign table \"{}\", or import the table again.",
            attribute.name, relation.name
        )),
    }
}
