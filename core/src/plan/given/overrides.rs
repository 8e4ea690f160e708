//! The overrides: jsonb read into types, every mistake named by its JSON path.
//!
//! `shapes` checks them first; names of tables and columns are checked against the catalog in `select`. Nothing is
//! decided here.

use serde_json::{Map, Value};

use super::carried::Carried;
use super::chroma::{self, Chroma};
use super::fts::Fts;
use super::generated::GeneratedOverride;
use super::geopackage::Geopackage;
use super::index_build::IndexBuild;
use super::keys::Level;
use super::match_by::MatchBy;
use super::naming::NameRules;
use super::objects::Objects;
use super::orms::Orms;
use super::settings;
use super::shapes::{check_object, readers, wrong};
use super::verify::Verify;
use super::words::*;
use crate::catalog::Catalog;
use crate::chroma::Collection;
use crate::contents::collections;
use crate::damage::Integrity;
use crate::path::join;
use crate::reading::Reading;
use crate::types::Epochs;
use crate::value::batch::OnInvalid;
use crate::value::boolean::Words;
use crate::value::encoding::{Nul, TextEncoding, TextReading};
use crate::value::{Excess, Format, PgType, ValueList};

/// What is wrong with a plan that a user gave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// `plan.tables.users.columns.age.typ: unknown key, did you mean "type"?`
    #[error("{path}: {message}")]
    Invalid { path: String, message: String, hint: String },
    /// A key of the design that does not work yet.
    #[error("{path}: not supported yet")]
    Unsupported { path: String, hint: String },
}

/// What the user says of a plan: every absent key is `None`.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    pub common: Common,
    pub include: Option<Vec<String>>,
    pub exclude: Option<Vec<String>>,
    pub names: Option<NameRules>,
    pub orm: Option<Orms>,
    pub on_error: Option<OnError>,
    pub profile: Option<ProfileMode>,
    /// How many connections read the file at once.
    pub readers: Option<usize>,
    pub integrity: Option<Integrity>,
    pub notices: Option<Notices>,
    pub before: Option<Vec<String>>,
    pub after: Option<Vec<String>>,
    pub immutable: Option<bool>,
    pub wal: Option<Wal>,
    pub backup: Option<String>,
    pub undo: Option<bool>,
    pub refresh: Option<bool>,
    pub views: Option<Carried>,
    pub triggers: Option<Carried>,
    /// Nothing is carried over that rests on an assumption.
    pub strict: Option<bool>,
    pub helpers: Option<bool>,
    pub geopackage: Option<Geopackage>,
    pub index_build: Option<IndexBuild>,
    pub chroma: Option<Chroma>,
    pub tables: Vec<(String, TableOverrides)>,
}

/// Keys that stand both in the plan and in a table.
#[derive(Debug, Clone, Default)]
pub struct Common {
    pub schema: Option<String>,
    pub create: Option<Create>,
    pub existing_rows: Option<ExistingRows>,
    pub on_conflict: Option<OnConflict>,
    pub match_by: Option<MatchBy>,
    pub constraints: Option<Constraints>,
    pub loader: Option<Loader>,
    pub compression: Option<Compression>,
    pub freeze: Option<bool>,
    pub fire_triggers: Option<bool>,
    pub on_invalid: Option<OnInvalid>,
    pub null_values: Option<ValueList>,
    pub epochs: Option<Epochs>,
    pub excess: Option<Excess>,
    /// `Some(None)`: explicitly none.
    pub text_encoding: Option<Option<TextEncoding>>,
    pub nul: Option<Nul>,
    pub orphans: Option<Orphans>,
    pub keys: Option<Keys>,
    pub nocase: Option<Nocase>,
    pub types: Vec<(String, PgType)>,
    /// `None` undoes an entry of the plan.
    pub formats: Vec<(String, Option<Format>)>,
    pub identity: Option<Identity>,
    pub enums: Option<Objects>,
    pub generated: Option<Generation>,
    pub timezone: Option<String>,
    pub indexes: Option<Objects>,
    pub foreign_keys: Option<Objects>,
    pub checks: Option<Objects>,
    pub fts: Option<Fts>,
    pub verify: Option<Verify>,
    pub reset_sequences: Option<bool>,
    pub analyze: Option<bool>,
}

#[derive(Debug, Clone, Default)]
pub struct TableOverrides {
    pub common: Common,
    pub target: Option<String>,
    pub conflict_target: Option<String>,
    pub null_to_default: Option<bool>,
    pub skip: Option<bool>,
    pub filter: Option<String>,
    pub columns: Vec<(String, ColumnOverrides)>,
}

#[derive(Debug, Clone, Default)]
pub struct ColumnOverrides {
    pub name: Option<String>,
    pub pg_type: Option<PgType>,
    /// The SQLite expression that is read instead of the column.
    pub using: Option<String>,
    pub format: Option<Format>,
    /// `Some(None)`: explicitly none.
    pub scale: Option<Option<u16>>,
    pub nullable: Option<bool>,
    /// `Some(None)`: explicitly no default.
    pub default: Option<Option<String>>,
    pub generated: Option<GeneratedOverride>,
    pub skip: Option<bool>,
    pub on_invalid: Option<OnInvalid>,
    pub null_values: Option<ValueList>,
    pub words: Words,
    pub epochs: Option<Epochs>,
    pub null_to_default: Option<bool>,
    pub excess: Option<Excess>,
    /// `Some(None)`: explicitly none.
    pub text_encoding: Option<Option<TextEncoding>>,
    pub nul: Option<Nul>,
    pub reason: Option<String>,
}

impl Overrides {
    /// The entry of a source table.
    pub fn table(&self, name: &str) -> Option<&TableOverrides> {
        self.tables.iter().find(|(table, _)| table.eq_ignore_ascii_case(name)).map(|(_, entry)| entry)
    }

    /// The values of a column that mean NULL where they do not fit, and its words for true and false.
    pub fn listed(&self, table: &str, column: &str) -> (ValueList, Words) {
        let table = self.table(table);
        let column = table.and_then(|t| t.column(column));
        let nulls = column.and_then(|c| c.null_values.as_ref());
        let nulls = nulls.or_else(|| table.and_then(|t| t.common.null_values.as_ref()));
        let nulls = nulls.or(self.common.null_values.as_ref());
        (nulls.cloned().unwrap_or_default(), column.map(|c| c.words.clone()).unwrap_or_default())
    }

    /// How the texts of a column are read, in a database that has an encoding.
    pub fn texts(&self, table: &str, column: &str) -> TextReading {
        let table = self.table(table);
        let column = table.and_then(|t| t.column(column));
        let common = [table.map(|t| &t.common), Some(&self.common)];
        let common = || common.iter().flatten();
        let encoding = column.and_then(|c| c.text_encoding);
        let nul = column.and_then(|c| c.nul);
        TextReading {
            encoding: encoding.or_else(|| common().find_map(|c| c.text_encoding)).flatten(),
            nul: nul.or_else(|| common().find_map(|c| c.nul)).unwrap_or_default(),
            of_bytes: false,
        }
    }

    /// How the rows of a source table are read.
    pub fn reading(&self, table: &str) -> Reading {
        self.table(table).map(TableOverrides::reading).unwrap_or_default()
    }

    /// Collections of ChromaDB's are tables.
    pub fn takes_collections(&self) -> bool {
        self.chroma.as_ref().is_none_or(|chroma| chroma.on)
    }

    /// Says of the tables of collections what the plan says of the collections.
    pub fn name_collections(&mut self, listed: &[Collection]) -> Result<(), PlanError> {
        chroma::apply(self, listed)
    }

    /// The keys of metadata that the plan names, by table.
    pub fn keys_of_metadata(&self) -> Vec<(String, Vec<String>)> {
        let keys = |table: &TableOverrides| -> Vec<String> {
            let names = table.columns.iter().filter_map(|(name, _)| chroma::key(name));
            names.map(str::to_owned).collect()
        };
        let named = self.tables.iter().map(|(name, table)| (name.clone(), keys(table)));
        named.filter(|(_, keys)| !keys.is_empty()).collect()
    }

    /// Leaves those tables of a file of ChromaDB's that the plan wants.
    pub fn take_collections(&self, catalog: &mut Catalog) {
        let chroma = self.chroma.as_ref();
        collections::take(
            catalog,
            &collections::Wanted {
                single: chroma.is_some_and(|chroma| chroma.single),
                table: &|name| self.table(name).is_some_and(|table| table.skip == Some(false)),
                column: &|table, column| self.table(table).is_some_and(|t| t.column(column).is_some()),
            },
        );
    }

    /// Sets `skip` of a source table, whatever it was before.
    pub fn set_skip(&mut self, name: &str, skip: bool) {
        let at = self.tables.iter().position(|(table, _)| table.eq_ignore_ascii_case(name));
        let at = at.unwrap_or_else(|| {
            self.tables.push((name.to_owned(), TableOverrides::default()));
            self.tables.len() - 1
        });
        self.tables[at].1.skip = Some(skip);
    }

    /// Spells the names of a source table and one of its columns as the plan does, where it names them.
    pub fn spell(&self, table: &mut String, column: Option<&mut String>) {
        let entry = self.tables.iter().find(|(name, _)| name.eq_ignore_ascii_case(table));
        let Some((name, entry)) = entry else { return };
        name.clone_into(table);
        let Some(column) = column else { return };
        if let Some((name, _)) = entry.columns.iter().find(|(name, _)| name.eq_ignore_ascii_case(column)) {
            name.clone_into(column);
        }
    }

    /// The tables in which a file describes itself are taken.
    pub fn load_description(&mut self) {
        self.geopackage = Some(Geopackage { metadata: true, geometries: false });
    }

    /// A type of PostGIS is named.
    pub fn names_postgis(&self) -> bool {
        let of_columns = |table: &TableOverrides| {
            table.columns.iter().any(|(_, column)| column.pg_type.as_ref().is_some_and(PgType::is_postgis))
        };
        let of_types = |common: &Common| common.types.iter().any(|(_, pg_type)| pg_type.is_postgis());
        let mut tables = self.tables.iter();
        of_types(&self.common) || tables.any(|(_, table)| of_types(&table.common) || of_columns(table))
    }

    /// A column is to be one of pgvector's types.
    pub fn wants_vectors(&self) -> bool {
        let columns = self.tables.iter().flat_map(|(_, table)| &table.columns);
        let of_columns = columns.filter_map(|(_, column)| column.pg_type.as_ref());
        let common = std::iter::once(&self.common).chain(self.tables.iter().map(|(_, table)| &table.common));
        let of_declared = common.flat_map(|common| common.types.iter().map(|(_, pg_type)| pg_type));
        of_columns.chain(of_declared).any(PgType::is_named_as_vector)
    }

    /// Every type that is named, with its path.
    pub fn types_mut(&mut self) -> impl Iterator<Item = (String, &mut PgType)> {
        fn of_map<'o>(base: &str, types: &'o mut [(String, PgType)]) -> Vec<(String, &'o mut PgType)> {
            let base = join(base, "types");
            types.iter_mut().map(|(name, pg_type)| (join(&base, name), pg_type)).collect()
        }
        let of_tables = self.tables.iter_mut().flat_map(|(name, table)| {
            let path = join("plan.tables", name);
            let columns = join(&path, "columns");
            let of_columns = table.columns.iter_mut().filter_map(move |(name, column)| {
                Some((join(&join(&columns, name), "type"), column.pg_type.as_mut()?))
            });
            of_map(&path, &mut table.common.types).into_iter().chain(of_columns)
        });
        of_map("plan", &mut self.common.types).into_iter().chain(of_tables)
    }
}

impl TableOverrides {
    /// How the table's rows are read.
    pub fn reading(&self) -> Reading {
        let using = self.columns.iter().filter_map(|(name, c)| Some((name.clone(), c.using.clone()?)));
        Reading { filter: self.filter.clone(), using: using.collect() }
    }

    /// The entry of a source column.
    pub fn column(&self, name: &str) -> Option<&ColumnOverrides> {
        self.columns.iter().find(|(column, _)| column.eq_ignore_ascii_case(name)).map(|(_, entry)| entry)
    }
}

/// Reads a plan. JSON null is the empty plan.
pub fn parse(json: &Value) -> Result<Overrides, PlanError> {
    let empty = Map::new();
    let map = match json {
        Value::Null => &empty,
        Value::Object(map) => map,
        other => return Err(wrong("plan", "an object", other)),
    };
    check_object(Level::Plan, map, "plan")?;
    let overrides = read_plan(map);
    settings::check(&overrides)?;
    Ok(overrides)
}

/// An `Invalid` with its path.
pub fn invalid(path: impl Into<String>, message: impl Into<String>, hint: impl Into<String>) -> PlanError {
    PlanError::Invalid { path: path.into(), message: message.into(), hint: hint.into() }
}

// From here on the shapes are known to be right.

type Object = Map<String, Value>;

fn text(map: &Object, key: &str) -> Option<String> {
    map.get(key)?.as_str().map(str::to_owned)
}

fn flag(map: &Object, key: &str) -> Option<bool> {
    map.get(key)?.as_bool()
}

fn word<W: Word>(map: &Object, key: &str) -> Option<W> {
    W::parse(map.get(key)?.as_str()?)
}

fn list(map: &Object, key: &str) -> Option<Vec<String>> {
    Some(match map.get(key)? {
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        other => vec![other.as_str()?.to_owned()],
    })
}

/// A null means that there is none.
fn encoding(map: &Object) -> Option<Option<TextEncoding>> {
    Some(map.get("text_encoding")?.as_str().and_then(TextEncoding::parse))
}

fn values(map: &Object, key: &str) -> Option<ValueList> {
    let text = |item: &Value| item.as_str().map_or_else(|| item.to_string(), str::to_owned);
    Some(ValueList::new(map.get(key)?.as_array()?.iter().map(text)))
}

fn entries<T>(map: &Object, key: &str, read: impl Fn(&Object) -> T) -> Vec<(String, T)> {
    let Some(Value::Object(inner)) = map.get(key) else { return vec![] };
    inner.iter().filter_map(|(name, value)| Some((name.clone(), read(value.as_object()?)))).collect()
}

fn read_plan(map: &Object) -> Overrides {
    Overrides {
        common: read_common(map),
        include: list(map, "include"),
        exclude: list(map, "exclude"),
        names: map.get("names").map(NameRules::read),
        orm: map.get("orm").map(Orms::read),
        on_error: word(map, "on_error"),
        profile: word(map, "profile"),
        readers: map.get("readers").and_then(readers),
        integrity: word(map, "integrity"),
        notices: word(map, "notices"),
        before: list(map, "before"),
        after: list(map, "after"),
        immutable: flag(map, "immutable"),
        wal: word(map, "wal"),
        backup: text(map, "backup"),
        undo: flag(map, "undo"),
        refresh: flag(map, "refresh"),
        views: Carried::read(map, "views"),
        triggers: Carried::read(map, "triggers"),
        strict: flag(map, "strict"),
        helpers: flag(map, "helpers"),
        geopackage: Geopackage::read(map),
        index_build: IndexBuild::read(map),
        chroma: map.get("chroma").map(Chroma::read),
        tables: entries(map, "tables", read_table),
    }
}

fn read_common(map: &Object) -> Common {
    let of_types = |key: &str| map.get(key).and_then(Value::as_object).into_iter().flatten();
    let format = |value: &Value| value.as_str().and_then(Format::parse);
    Common {
        schema: text(map, "schema"),
        create: word(map, "create"),
        existing_rows: word(map, "existing_rows"),
        on_conflict: word(map, "on_conflict"),
        match_by: text(map, "match").map(|text| MatchBy::read(&text)),
        constraints: word(map, "constraints"),
        loader: word(map, "loader"),
        compression: word(map, "compression"),
        freeze: flag(map, "freeze"),
        fire_triggers: flag(map, "fire_triggers"),
        on_invalid: word(map, "on_invalid"),
        null_values: values(map, "null_values"),
        epochs: word(map, "epochs"),
        excess: word(map, "excess"),
        text_encoding: encoding(map),
        nul: word(map, "nul"),
        orphans: word(map, "orphans"),
        keys: word(map, "keys"),
        nocase: word(map, "nocase"),
        types: of_types("types").filter_map(|(k, v)| Some((k.clone(), PgType::parse(v.as_str()?)))).collect(),
        formats: of_types("formats").map(|(k, v)| (k.clone(), format(v))).collect(),
        identity: word(map, "identity"),
        enums: Objects::read(map, "enums"),
        generated: word(map, "generated"),
        timezone: text(map, "timezone"),
        indexes: Objects::read(map, "indexes"),
        foreign_keys: Objects::read(map, "foreign_keys"),
        checks: Objects::read(map, "checks"),
        fts: Fts::read(map),
        verify: Verify::read(map),
        reset_sequences: flag(map, "reset_sequences"),
        analyze: flag(map, "analyze"),
    }
}

fn read_table(map: &Object) -> TableOverrides {
    TableOverrides {
        common: read_common(map),
        target: text(map, "target"),
        conflict_target: text(map, "conflict_target"),
        null_to_default: flag(map, "null_to_default"),
        skip: flag(map, "skip"),
        filter: text(map, "where"),
        columns: entries(map, "columns", read_column),
    }
}

fn read_column(map: &Object) -> ColumnOverrides {
    ColumnOverrides {
        name: text(map, "name"),
        pg_type: text(map, "type").map(|name| PgType::parse(&name)),
        using: text(map, "using"),
        format: text(map, "format").and_then(|name| Format::parse(&name)),
        scale: map.get("scale").map(|v| v.as_u64().and_then(|digits| u16::try_from(digits).ok())),
        nullable: flag(map, "nullable"),
        default: map.get("default").map(|v| v.as_str().map(str::to_owned)),
        generated: map.get("generated").and_then(GeneratedOverride::read),
        skip: flag(map, "skip"),
        on_invalid: word(map, "on_invalid"),
        null_values: values(map, "null_values"),
        words: Words {
            truths: values(map, "true_values").unwrap_or_default(),
            falsehoods: values(map, "false_values").unwrap_or_default(),
        },
        epochs: word(map, "epochs"),
        null_to_default: flag(map, "null_to_default"),
        excess: word(map, "excess"),
        text_encoding: encoding(map),
        nul: word(map, "nul"),
        reason: text(map, "reason"),
    }
}

#[cfg(test)]
mod tests;
