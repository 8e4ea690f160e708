//! What an export does, decided: the tables of each file with their columns, virtual tables, views and triggers.

use serde_json::Value;

use super::catalog::Table;
use super::columns::OutColumn;
use super::geopackage::Layer;
use super::plan::{FileSettings, RunDeclaration};
use super::types::Family;
use super::views::OutView;
use super::virtual_tables::Derived;
use crate::finding::Finding;
use crate::value::Timezone;

/// A table of the file.
#[derive(Debug, Clone)]
pub struct OutTable<'a> {
    pub source: &'a Table,
    pub name: String,
    pub columns: Vec<OutColumn<'a>>,
    pub strict: bool,
    /// How the file of a run has declared it.
    pub declaration: Option<RunDeclaration>,
    pub create: String,
    pub indexes: Vec<String>,
    /// The columns that SQLite computes, which are not written.
    pub computed: Vec<OutColumn<'a>>,
    /// The table of a run's file that it is.
    pub origin: Option<String>,
    /// It is declared in the file's own words, which may say more than PostgreSQL has proven of its rows.
    pub original: bool,
    /// What `sqlite_sequence` says at least.
    pub sequence: Option<i64>,
    /// A foreign key was never proven, so that its rows may have no parents.
    pub unproven: bool,
    /// Its module keeps its rows.
    pub is_virtual: bool,
}

impl<'a> OutTable<'a> {
    /// Of columns alone.
    pub fn plain(source: &'a Table, name: String, columns: Vec<OutColumn<'a>>) -> OutTable<'a> {
        OutTable {
            source,
            name,
            columns,
            computed: vec![],
            origin: None,
            original: false,
            strict: false,
            declaration: None,
            create: String::new(),
            indexes: vec![],
            sequence: None,
            unproven: false,
            is_virtual: false,
        }
    }

    /// The table with the columns that SQLite computes among the others, but for those of [`OutTable::rounded`].
    pub fn with_computed(&self) -> OutTable<'a> {
        let exact = self.computed.iter().filter(|column| !is_rounded(column));
        OutTable {
            columns: self.columns.iter().chain(exact).cloned().collect(),
            computed: vec![],
            ..self.clone()
        }
    }

    /// The columns whose values PostgreSQL computes as decimals, or rounds otherwise, and SQLite as doubles.
    pub fn rounded(&self) -> impl Iterator<Item = &OutColumn<'a>> {
        self.computed.iter().filter(|column| is_rounded(column))
    }

    /// It is this table of the file, under its name.
    pub fn is_of_file(&self, name: &str) -> bool {
        self.origin.as_ref().is_some_and(|origin| *origin == self.name)
            && self.name.eq_ignore_ascii_case(name)
    }
}

fn is_rounded(column: &OutColumn<'_>) -> bool {
    matches!(
        column.rule.family,
        Family::ShortNumeric | Family::LongNumeric | Family::RealNumeric | Family::Float | Family::Money
    )
}

/// A trigger of the file.
#[derive(Debug, Clone)]
pub struct OutTrigger {
    pub name: String,
    /// The schema of PostgreSQL's by which its file is known, where each has one.
    pub schema: String,
    /// The table or view that it is on.
    pub table: String,
    pub create: String,
}

/// What an export does.
pub struct Planned<'a> {
    pub tables: Vec<OutTable<'a>>,
    /// Made when the tables are filled.
    pub virtual_tables: Vec<Derived>,
    pub views: Vec<OutView<'a>>,
    /// Created when all rows are there, so that none of them fires.
    pub triggers: Vec<OutTrigger>,
    /// The tables of a GeoPackage; none of another file.
    pub layers: Vec<Layer>,
    pub findings: Vec<Finding>,
    pub plan: Value,
    pub file: FileSettings,
    pub timezone: Timezone,
    /// Each schema has a file of its own.
    pub by_schema: bool,
}

impl<'a> Planned<'a> {
    /// What goes into each file: of each schema that has tables if each has one, else all into one.
    pub fn by_files(self) -> Vec<Planned<'a>> {
        if !self.by_schema {
            return vec![self];
        }
        let mut out: Vec<Planned<'a>> = vec![];
        for table in self.tables {
            let schema = &table.source.schema;
            let last = out.last().and_then(|last| last.tables.first());
            if last.is_none_or(|last| last.source.schema != *schema) {
                let views = self.views.iter().filter(|v| v.source.is_some_and(|of| of.schema == *schema));
                out.push(Planned {
                    tables: vec![],
                    virtual_tables: of_schema(&self.virtual_tables, |table| &table.schema, schema),
                    views: views.cloned().collect(),
                    triggers: of_schema(&self.triggers, |trigger| &trigger.schema, schema),
                    layers: of_schema(&self.layers, |layer| &layer.schema, schema),
                    findings: vec![],
                    plan: Value::Null,
                    file: self.file.clone(),
                    timezone: self.timezone.clone(),
                    by_schema: true,
                });
            }
            if let Some(last) = out.last_mut() {
                last.tables.push(table);
            }
        }
        out
    }
}

fn of_schema<T: Clone>(all: &[T], schema_of: impl Fn(&T) -> &String, schema: &str) -> Vec<T> {
    all.iter().filter(|one| schema_of(one) == schema).cloned().collect()
}
