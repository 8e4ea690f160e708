//! A table with what has been decided of it: its columns have types, and what is created after its load is listed.

use std::ops::{Deref, DerefMut, Range};

use super::collate::{self, Folding};
use super::columns::ColumnType;
use super::converted::KeyAsked;
use super::enums::Enumeration;
use super::generated::{self, Generated};
use super::object::{IndexKeys, Object};
use super::sizes::SizeAsked;
use crate::finding::{Finding, Kind};
use crate::plan::given::match_by::MatchBy;
use crate::plan::given::overrides::TableOverrides;
use crate::plan::model::{Conflict, Renumbering};
use crate::plan::question::Condition;
use crate::plan::resolve::names;
use crate::plan::resolve::table::{ResolvedColumn, ResolvedTable};
use crate::plan::target::ExistingKey;
use crate::plan::trial::Part;
use crate::reading::Reading;
use crate::search::helper;
use crate::translate;
use crate::translate::program::Search;
use crate::types::{ColumnProfile, Epochs};
use crate::value::batch::OnInvalid;
use crate::value::boolean::Words;
use crate::value::encoding::TextReading;
use crate::value::geometry::value::Srids;
use crate::value::{Decoder, Excess, Format, PgType, Timezone, ValueList};

/// A table of the source, while and after everything about it is decided.
pub struct DecidedTable<'a> {
    pub resolved: ResolvedTable<'a>,
    /// Those that are carried over, in the order of the source.
    pub columns: Vec<DecidedColumn<'a>>,
    /// Names of its constraints.
    pub constraints: names::Scope,
    /// Source columns of its keys that a foreign key may point to.
    pub unique: Vec<Vec<String>>,
    /// What becomes of a row whose key exists; `None` for an error.
    pub conflict: Option<Conflict>,
    /// Its keys that may become others.
    pub renumbering: Renumbering,
    /// Columns that a view over it computes, and that view.
    pub apart: Vec<DecidedColumn<'a>>,
    pub view: Option<generated::View>,
    /// What is created or checked after the load.
    pub objects: Vec<Object>,
    /// The extensions that these need.
    pub extensions: Vec<&'static str>,
    /// What is searched in it.
    pub searches: Vec<Search>,
    /// The functions that these call, in order.
    pub helpers: Vec<helper::Object>,
    /// For which part of the source each of them is, by their places.
    pub made_for: Vec<(Part, Range<usize>)>,
    /// What the server is asked about.
    pub tried: Vec<(Part, Tried)>,
    /// What may be too large.
    pub sizes: Vec<SizeAsked>,
    /// Keys that conversion may make equal.
    pub keys: Vec<KeyAsked>,
    /// Checks over values that are not loaded as they are stored.
    pub checks: Vec<(Part, Condition)>,
}

/// What the server is asked about: an expression or condition, or the keys and the predicate of an index.
#[derive(Debug, Clone)]
pub enum Tried {
    Expression(String),
    /// An expression of a virtual column.
    Virtual(String),
    /// An expression of a view.
    Selected(String),
    Index(IndexKeys),
}

/// A column that is carried over.
pub struct DecidedColumn<'a> {
    resolved: ResolvedColumn<'a>,
    pub target: String,
    pub pg_type: PgType,
    pub format: Option<Format>,
    pub reason: String,
    /// The type is explicit, or that of the existing column.
    pub pinned: bool,
    pub on_invalid: OnInvalid,
    pub null_values: ValueList,
    pub words: Words,
    pub epochs: Epochs,
    pub excess: Excess,
    /// Digits after the point that a numeric without limits has at least.
    pub scale: Option<u16>,
    /// The SRID of its geometries.
    pub srids: Option<Srids>,
    pub not_null: bool,
    /// The default of an existing NOT NULL column, which NULL becomes.
    pub null_default: Option<String>,
    pub default: Option<String>,
    pub generated: Option<Generated>,
    /// What makes its comparisons ignore case.
    pub folding: Option<Folding>,
    /// The enum that its type, which is text, becomes.
    pub enumeration: Option<Enumeration>,
}

impl<'a> Deref for DecidedTable<'a> {
    type Target = ResolvedTable<'a>;

    fn deref(&self) -> &ResolvedTable<'a> {
        &self.resolved
    }
}

impl DerefMut for DecidedTable<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.resolved
    }
}

impl<'a> Deref for DecidedColumn<'a> {
    type Target = ResolvedColumn<'a>;

    fn deref(&self) -> &ResolvedColumn<'a> {
        &self.resolved
    }
}

impl<'a> DecidedTable<'a> {
    /// With the types of its columns.
    pub fn new(resolved: ResolvedTable<'a>, columns: Vec<DecidedColumn<'a>>) -> DecidedTable<'a> {
        DecidedTable {
            resolved,
            columns,
            constraints: names::Scope::default(),
            unique: vec![],
            conflict: None,
            renumbering: Renumbering::default(),
            apart: vec![],
            view: None,
            objects: vec![],
            extensions: vec![],
            searches: vec![],
            helpers: vec![],
            made_for: vec![],
            tried: vec![],
            sizes: vec![],
            keys: vec![],
            checks: vec![],
        }
    }

    /// Decides about a part of the source, and remembers what is made for it.
    pub fn making(&mut self, part: Part, decide: impl FnOnce(&mut DecidedTable<'a>)) {
        let first = self.objects.len();
        decide(self);
        self.made_for.push((part, first..self.objects.len()));
    }

    /// What is made for a part of the source.
    pub fn made(&self, part: Part) -> impl Iterator<Item = &Object> {
        let places = self.made_for.iter().filter(move |(of, _)| *of == part);
        places.flat_map(|(_, places)| self.objects.get(places.clone()).unwrap_or_default())
    }

    /// The key by which rows are existing ones, if their other keys follow: none where there are no rows.
    pub fn matched_by(&self) -> Option<&ExistingKey> {
        let key = &self.conflict.as_ref()?.arbiter;
        let matched = self.settings.match_by != MatchBy::Key && !key.primary && !self.starts_empty();
        let existing = self.existing.filter(|_| matched)?;
        let primary = existing.keys.iter().find(|key| key.primary);
        // Without any other key there is nothing that could follow.
        let other = primary.is_some() || existing.keys.len() > 1;
        other.then_some(key)
    }

    /// A column that is carried over, by source name.
    pub fn column(&self, name: &str) -> Option<&DecidedColumn<'a>> {
        self.columns.iter().find(|c| c.source.name.eq_ignore_ascii_case(name))
    }

    /// What is stored in a column.
    pub fn stored(&self, column: &DecidedColumn<'_>) -> Option<&'a ColumnProfile> {
        self.profile.and_then(|p| p.columns.get(column.position))
    }

    pub fn column_at(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.source.name.eq_ignore_ascii_case(name))
    }

    /// Target names of source columns; `Err` is the first that is not carried over.
    pub fn targets<'n>(&self, names: &'n [String]) -> Result<Vec<String>, &'n str> {
        names.iter().map(|n| self.column(n).map(|c| c.target.clone()).ok_or(n.as_str())).collect()
    }

    /// Of times without an offset; the name was checked when the overrides were read.
    pub fn timezone(&self) -> Timezone {
        Timezone::parse(&self.settings.timezone).unwrap_or_default()
    }

    /// The rows and values that are imported.
    pub fn reading(&self) -> Reading {
        self.overrides.map(TableOverrides::reading).unwrap_or_default()
    }

    /// How the texts of a column are read. Of bytea the bytes are the value: some drivers store binary data as text.
    pub fn texts(&self, column: &DecidedColumn<'_>) -> TextReading {
        let decoded = matches!(column.format, Some(Format::Hex | Format::Base64))
            || column.format.is_some_and(Format::is_geometry);
        if *column.pg_type.base() == PgType::Bytea && !decoded {
            return TextReading::default();
        }
        let of_table = self.settings.texts;
        TextReading {
            encoding: column.overrides.and_then(|g| g.text_encoding).unwrap_or(of_table.encoding),
            nul: column.overrides.and_then(|g| g.nul).unwrap_or(of_table.nul),
            of_bytes: of_table.of_bytes,
        }
    }

    /// The columns that a translated expression may name.
    pub fn scope(&self, generated_too: bool) -> translate::Scope {
        let seen = self.columns.iter().filter(|c| generated_too || c.source.generated.is_none());
        let columns = seen.map(|c| translate::ScopeColumn {
            source: c.source.name.clone(),
            target: c.target.clone(),
            pg_type: c.pg_type.clone(),
            format: c.format,
            collation: collate::of(c),
            read_as_text: c.enumeration.is_some() || matches!(c.folding, Some(Folding::Citext(_))),
            size: self.size_of(c),
        });
        translate::Scope { columns: columns.collect(), timezone: self.timezone() }
    }

    /// Bounds of a column's numbers, if all that is stored was looked at.
    fn size_of(&self, column: &DecidedColumn<'_>) -> translate::Size {
        let complete = self.profile.filter(|p| !p.sampled).and_then(|p| p.columns.get(column.position));
        complete.map_or(translate::Size::UNKNOWN, translate::Size::of)
    }

    /// Reports that an index or constraint could not keep its name.
    pub fn renamed(&self, findings: &mut Vec<Finding>, what: &str, from: &str, to: &str) {
        if from != to {
            let message = format!("{what} becomes \"{to}\": its name is taken or longer than 63 bytes");
            findings.push(Kind::NameChanged.info(format!("{what} {from} of {}", self.source.name), message));
        }
    }
}

impl<'a> DecidedColumn<'a> {
    /// A column whose type is known; what else there is to decide is as for a plain column.
    pub fn new(
        resolved: ResolvedColumn<'a>,
        target: String,
        (on_invalid, null_values): (OnInvalid, ValueList),
        decided: ColumnType,
    ) -> DecidedColumn<'a> {
        let ColumnType { pg_type, format, reason, pinned, epochs, excess, scale, srids } = decided;
        DecidedColumn {
            not_null: resolved.source.not_null,
            words: resolved.overrides.map(|g| g.words.clone()).unwrap_or_default(),
            resolved,
            target,
            pg_type,
            format,
            reason,
            pinned,
            on_invalid,
            null_values,
            epochs,
            null_default: None,
            excess,
            scale,
            srids,
            default: None,
            generated: None,
            folding: None,
            enumeration: None,
        }
    }

    /// Its type in a definition.
    pub fn printed_type(&self) -> String {
        if let Some(enumeration) = &self.enumeration {
            return enumeration.printed();
        }
        match &self.folding {
            Some(Folding::Citext(name)) => name.clone(),
            Some(Folding::Collation) | None => self.pg_type.to_string(),
        }
    }

    /// Its COLLATE clause in a definition in `schema`, after a space.
    pub fn collation(&self, schema: &str) -> String {
        match &self.folding {
            Some(Folding::Collation) => collate::clause(schema),
            Some(Folding::Citext(_)) | None => String::new(),
        }
    }

    /// What becomes of its values in a load, by the plan's type.
    pub fn decoder(&self, timezone: &Timezone) -> Decoder {
        Decoder::new(self.pg_type.base(), self.format, timezone)
            .with_words(self.words.clone())
            .with_scale(self.scale)
            .with_srids(self.srids)
    }

    /// PostgreSQL computes its values.
    pub fn computed(&self) -> bool {
        self.generated.is_some()
    }
}
