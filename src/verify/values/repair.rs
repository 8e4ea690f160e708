//! The result of `verify_repair`: the statements that make a table equal to the file again.
//!
//! Values are converted as a load converts them, and written so that no setting of a session reads them otherwise.

use pgrx::pg_sys;

use super::found::{Begun, Found, Kind, Sink};
use super::tally::{ColumnTally, Tally};
use crate::pg::relation::Attribute;
use crate::pg::spool::{Field, Spool};
use crate::pg::{relation, spi, types};
use pg_sqlite_migrate_core::finding::counted;
use pg_sqlite_migrate_core::plan::{LoadColumn, LoadSpec, OrphanSpec};
use pg_sqlite_migrate_core::sqltext::{ident, qualified};
use pg_sqlite_migrate_core::value::batch::OnInvalid;
use pg_sqlite_migrate_core::value::native::Native;
use pg_sqlite_migrate_core::value::{Cell, Decoded, Decoder, InvalidValue, Timezone};
use pg_sqlite_migrate_core::verify::literal;

/// The statements for one table.
pub struct Repair {
    /// Foreign keys whose values became NULL where they had no parent.
    orphans: Vec<OrphanSpec>,
    columns: Vec<Column>,
    /// `"schema"."table"`
    table: String,
    /// Why no row of the table can be repaired.
    refused: Option<&'static str>,
    /// Rows that are missing may have been rejected.
    keeps_away: bool,
    /// Rows that the file does not have may have been there before.
    keeps: bool,
    /// In the order in which they are to run.
    deletes: Spool,
    changes: Spool,
}

/// A column of the load, and of the table.
struct Column {
    of: LoadColumn,
    attribute: Attribute,
    /// Its type, as every session names it.
    type_name: String,
    decoder: Decoder,
    /// GENERATED ALWAYS AS IDENTITY.
    always: bool,
    /// The table computes it.
    computed: bool,
    /// Texts of several spellings are equal: citext, or a collation that is not deterministic.
    folds: bool,
}

/// A row of the result: key, action, statement and why there is none.
pub type Step = [Field; 4];

/// Why there is no statement for a row.
pub type Reason = String;

impl Repair {
    pub fn new(orphans: Vec<OrphanSpec>) -> Repair {
        Repair {
            orphans,
            columns: vec![],
            table: String::new(),
            refused: None,
            keeps_away: false,
            keeps: false,
            deletes: Spool::new(4),
            changes: Spool::new(4),
        }
    }

    /// What is to be deleted, which goes first and in the reverse order of the tables, and then the rest.
    pub fn parts(self) -> [Box<dyn Iterator<Item = Step>>; 2] {
        [self.deletes, self.changes].map(|spool| -> Box<dyn Iterator<Item = Step>> {
            Box::new(spool.filter_map(|step| step.try_into().ok()))
        })
    }

    fn statement(&self, row: &Found<'_>) -> Result<(&'static str, String), Reason> {
        if let Some(reason) = self.refused {
            return Err(reason.into());
        }
        match row.kind {
            Kind::Different => Ok(("UPDATE", self.update(row)?)),
            Kind::MissingInTarget if self.keeps_away => {
                Err("the run has rejected rows of the table that only their number accounts for".into())
            }
            Kind::MissingInTarget => Ok(("INSERT", self.insert(row)?)),
            Kind::MissingInSource if row.doubled => Err("another row of the table has the same key".into()),
            Kind::MissingInSource if self.keeps => {
                Err("rows that were there before the run are in the table, and this may be one of them"
                    .into())
            }
            Kind::MissingInSource => {
                Ok(("DELETE", format!("DELETE FROM {} WHERE {}", self.table, self.by_key(row)?)))
            }
        }
    }

    fn update(&self, row: &Found<'_>) -> Result<String, Reason> {
        let assignment = |column: &usize| {
            let of = self.columns.get(*column).ok_or("the table has changed")?;
            if of.computed {
                return Err(format!("the table computes column \"{}\"", of.attribute.name));
            }
            if of.always {
                return Err(format!("column \"{}\" is GENERATED ALWAYS AS IDENTITY", of.attribute.name));
            }
            Ok(format!("{} = {}", ident(&of.attribute.name), self.value(row, *column)?))
        };
        let assignments: Vec<String> = row.columns.iter().map(assignment).collect::<Result<_, Reason>>()?;
        Ok(format!("UPDATE {} SET {} WHERE {}", self.table, assignments.join(", "), self.by_key(row)?))
    }

    fn insert(&self, row: &Found<'_>) -> Result<String, Reason> {
        let written = || self.columns.iter().enumerate().filter(|(_, column)| !column.computed);
        let names: Vec<String> = written().map(|(_, column)| ident(&column.attribute.name)).collect();
        let values: Vec<String> =
            written().map(|(column, _)| self.value(row, column)).collect::<Result<_, Reason>>()?;
        let always = self.columns.iter().any(|column| column.always);
        let overriding = if always { " OVERRIDING SYSTEM VALUE" } else { "" };
        Ok(format!(
            "INSERT INTO {} ({}){overriding} VALUES ({})",
            self.table,
            names.join(", "),
            values.join(", ")
        ))
    }

    /// The condition that only this row fulfils.
    fn by_key(&self, row: &Found<'_>) -> Result<String, Reason> {
        let part = |column: &usize| {
            let of = self.columns.get(*column).ok_or("the table has changed")?;
            let name = ident(&of.attribute.name);
            let value = match (row.source, row.target) {
                (Some((rows, at)), _) => of.native(rows.cell(at, *column))?,
                (None, Some(target)) => target.value(*column).into_owned(),
                (None, None) => return Err("neither side has it".into()),
            };
            Ok(match value {
                Native::Null => format!("{name} IS NULL"),
                // Values that are equal by the column's own rules may be others.
                value if of.folds => format!("{name}::text COLLATE \"C\" = {}::text", of.sql(&value)?),
                value => format!("{name} = {}", of.sql(&value)?),
            })
        };
        let parts: Vec<String> = row.order.columns.iter().map(part).collect::<Result<_, Reason>>()?;
        Ok(parts.join(" AND "))
    }

    /// What a load would make of the file's cell.
    fn value(&self, row: &Found<'_>, column: usize) -> Result<String, Reason> {
        let of = self.columns.get(column).ok_or("the table has changed")?;
        let (rows, at) = row.source.ok_or("the file does not have it")?;
        let value = of.native(rows.cell(at, column))?;
        if value.is_null() {
            return Ok(if of.of.default.is_some() { "DEFAULT" } else { "NULL" }.into());
        }
        let sql = of.sql(&value)?;
        let key = self.orphans.iter().find(|key| key.columns.contains(&of.attribute.name));
        key.map_or(Ok(sql.clone()), |key| self.if_parent(key, row, &sql))
    }

    /// A key without a parent became NULL.
    fn if_parent(&self, key: &OrphanSpec, row: &Found<'_>, sql: &str) -> Result<String, Reason> {
        let (rows, at) = row.source.ok_or("the file does not have it")?;
        let part = |(child, parent): (&String, &String)| {
            let found = self.columns.iter().enumerate().find(|(_, column)| column.attribute.name == *child);
            let (column, of) = found.ok_or_else(|| format!("column \"{child}\" is not loaded"))?;
            let value = of.native(rows.cell(at, column))?;
            Ok(format!("{} = {}", ident(parent), of.sql(&value)?))
        };
        let pairs = key.columns.iter().zip(&key.parent_columns);
        let parts: Vec<String> = pairs.map(part).collect::<Result<_, Reason>>()?;
        let parent = qualified(&key.parent_schema, &key.parent);
        Ok(format!("CASE WHEN EXISTS (SELECT FROM {parent} WHERE {}) THEN {sql} END", parts.join(" AND ")))
    }
}

impl Column {
    fn new(of: &LoadColumn, attribute: &Attribute, spec: &LoadSpec) -> Column {
        let base = attribute.pg_type.base();
        let timezone = Timezone::parse(&spec.timezone).unwrap_or(Timezone::UTC);
        Column {
            of: of.clone(),
            attribute: attribute.clone(),
            type_name: types::name_everywhere(attribute.type_oid, attribute.typmod),
            decoder: Decoder::new(base, of.format, &timezone)
                .with_words(of.words.clone())
                .with_scale(of.scale)
                .with_srids(of.srids)
                .with_texts(of.texts),
            always: false,
            computed: false,
            folds: base.is_citext(),
        }
    }

    /// The value that a load makes of a cell.
    fn native(&self, stored: Cell<'_>) -> Result<Native<'static>, Reason> {
        let text = self.of.texts.read(stored);
        let cell = text.as_deref().map_or(stored, Cell::Text);
        let decoded = match self.decoder.decode(cell) {
            Ok(decoded) => decoded,
            Err(InvalidValue::NoMemory(error)) => return Err(error.to_string()),
            Err(_) if self.of.null_values.holds(cell) => Decoded::Null,
            Err(invalid) => match self.decoder.decode_without(cell, self.of.excess) {
                Some(decoded) => decoded,
                None if self.of.on_invalid == OnInvalid::Null => Decoded::Null,
                None => {
                    return Err(format!("column \"{}\" cannot hold the value: {invalid}", self.of.target));
                }
            },
        };
        let native = literal::native(self.attribute.pg_type.base(), decoded);
        let native =
            native.ok_or_else(|| format!("the text in column \"{}\" is not UTF-8", self.of.target))?;
        Ok(native.into_owned())
    }

    fn sql(&self, value: &Native<'_>) -> Result<String, Reason> {
        literal::sql(value, self.attribute.pg_type.base(), &self.type_name).map_err(|error| error.to_string())
    }
}

/// The columns of the table that are GENERATED ALWAYS AS IDENTITY.
fn always(relation: pg_sys::Oid) -> Vec<String> {
    const ALWAYS: &str = "SELECT attname::text FROM pg_attribute WHERE attrelid = $1 AND attidentity = 'a' AND NOT attisdropped";
    spi::values(ALWAYS, &[relation.into()])
}

impl Sink for Repair {
    fn begin(&mut self, begun: &Begun<'_>) {
        self.deletes.clear();
        self.changes.clear();
        let spec = begun.spec;
        let relation = relation::find(&spec.schema, &spec.target);
        let names = |of: fn(pg_sys::Oid) -> Vec<String>| relation.map_or_else(Vec::new, of);
        let (always, computed, folded) = (names(always), names(relation::computed), names(relation::folded));
        self.table = qualified(&spec.schema, &spec.target);
        self.columns = (spec.columns.iter().zip(begun.attributes))
            .map(|(of, attribute)| {
                let mut column = Column::new(of, attribute, spec);
                column.always = always.contains(&attribute.name);
                column.computed = computed.contains(&attribute.name);
                column.folds |= folded.contains(&attribute.name);
                column
            })
            .collect();
        self.refused = (!begun.by_primary).then_some("no key tells the row from others");
        self.keeps_away = begun.unnamed > 0;
        self.keeps = begun.others > 0;
    }

    fn row(&mut self, row: &Found<'_>) {
        let name = row.name();
        match self.statement(row) {
            Ok(("DELETE", sql)) => self.deletes.push(&[Some(&name), Some("DELETE"), Some(&sql), None]),
            Ok((action, sql)) => self.changes.push(&[Some(&name), Some(action), Some(&sql), None]),
            Err(reason) => {
                let detail = format!("{}: {reason}", row.kind.as_str());
                self.changes.push(&[Some(&name), None, None, Some(&detail)]);
            }
        }
    }
}

/// What else of a table cannot be repaired.
pub fn unrepaired(found: &Result<Tally, String>) -> Vec<Reason> {
    match found {
        Err(reason) => vec![reason.clone()],
        Ok(tally) => {
            let column = |column: &ColumnTally| {
                Some(format!("column \"{}\": {}", column.name, column.refused.as_ref()?))
            };
            let (one, many) = (
                "row that was there before the run is missing",
                "rows that were there before the run are missing",
            );
            let lost = (tally.lost > 0)
                .then(|| format!("{}, and the file does not have them", counted(tally.lost, one, many)));
            tally.columns.iter().filter_map(column).chain(lost).collect()
        }
    }
}
