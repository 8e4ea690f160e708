//! How a column of the file is read inside a remote query: in which form it is canonical, and when an index serves.
//! Pure.
//!
//! SQLite columns hold what they were given. A value that does not fit its PostgreSQL type must raise the error
//! that reading it raises, so nearly every column is tested before it takes part in anything.

use super::compute::{PG_VALUE, Rule};
use super::{Affinity, Column, Sorting, Table, Type};
use crate::sqltext::{sqlite_ident, sqlite_literal};
use crate::value::batch::OnInvalid;
use crate::value::{Format, PgType};

use super::vocabulary::is_int;

/// How a column becomes canonical.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// The cell is the value.
    Bare,
    /// Where the test holds the cell is the value, after the arithmetic of `value`; else `pg_value` decides.
    Tested { test: String, value: String },
    /// `pg_value` decides always.
    Decoded,
    /// There is no canonical form: the column is carried only.
    None,
}

/// How a comparison with the bare column selects the rows, or more, so that an index serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexAccess {
    /// The same rows.
    Direct,
    /// Instants counted from 1970; a text in between says ISO-8601, and reals are read to the microsecond.
    Unit(Unit),
    /// ISO-8601 texts, which begin with the date but for their offset from UTC.
    Day,
    /// UUIDs, as bytes or as text: digits in either case, with dashes or without.
    Spelt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Seconds,
    Milliseconds,
    Microseconds,
}

impl Unit {
    fn of(format: Option<Format>) -> Option<Unit> {
        match format? {
            Format::UnixEpoch => Some(Unit::Seconds),
            Format::UnixEpochMs => Some(Unit::Milliseconds),
            Format::UnixEpochUs => Some(Unit::Microseconds),
            _ => None,
        }
    }

    pub fn micros(self) -> i64 {
        match self {
            Unit::Seconds => 1_000_000,
            Unit::Milliseconds => 1000,
            Unit::Microseconds => 1,
        }
    }

    /// Digits after the second that a type must keep.
    fn digits(self) -> u32 {
        match self {
            Unit::Seconds => 0,
            Unit::Milliseconds => 3,
            Unit::Microseconds => 6,
        }
    }
}

/// One column of one relation of the query.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub relation: u32,
    pub attribute: i16,
    pub table: &'a Table,
    pub column: &'a Column,
}

impl Place<'_> {
    /// `r1."c"`, as it is stored.
    pub fn cell(&self) -> String {
        format!("r{}.{}", self.relation, sqlite_ident(&self.column.name))
    }

    /// The cell, compared by BINARY.
    pub fn bare(&self) -> String {
        let cell = self.cell();
        match (self.column.type_, self.column.sorting) {
            (Type::Text, Sorting::Nocase | Sorting::Rtrim | Sorting::Unknown) => {
                format!("({cell} COLLATE BINARY)")
            }
            _ => cell,
        }
    }

    /// The bare column on a side of `=` or IN. SQLite puts a constant that a column equals in the place of that column
    /// everywhere in WHERE, in the guard too, which would judge the constant instead of the cell; a column with a
    /// collation written out it leaves alone, and finds by its index all the same.
    pub fn equated(&self) -> String {
        match self.form() {
            Form::Bare => self.bare(),
            _ => format!("({} COLLATE BINARY)", self.cell()),
        }
    }

    /// The column in canonical form. A column without one prints as a function that does not exist.
    pub fn canonical(&self) -> String {
        match self.form() {
            Form::Bare => self.bare(),
            Form::Tested { test, value } => {
                format!("CASE WHEN {test} THEN {value} ELSE {} END", self.decoded())
            }
            Form::Decoded => self.decoded(),
            Form::None => format!("pg_unshippable({})", self.cell()),
        }
    }

    /// True where a row that an index found holds a value; the error of the invalid value where it holds none.
    pub fn guard(&self) -> Option<String> {
        let decoded = self.decoded();
        match self.form() {
            Form::Bare | Form::None => None,
            Form::Tested { test, .. } => {
                Some(format!("CASE WHEN {test} THEN 1 ELSE {decoded} IS NOT NULL END"))
            }
            Form::Decoded => Some(format!("{decoded} IS NOT NULL")),
        }
    }

    fn decoded(&self) -> String {
        self.read(&self.cell())
    }

    /// A cell of this column, wherever it comes from, in canonical form.
    pub fn read(&self, cell: &str) -> String {
        let rule = self.rule().map(|rule| rule.to_string()).unwrap_or_default();
        let name = format!("{}.{}", self.table.name, self.column.name);
        format!("{PG_VALUE}({cell}, {}, {})", sqlite_literal(&rule), sqlite_literal(&name))
    }

    /// Its cells, but for invalid values, are sorted and distinguished as its values are.
    pub fn is_sorted(&self) -> bool {
        let column = self.column;
        if self.form() == Form::None || column.on_invalid == OnInvalid::Null {
            return false;
        }
        match column.affinity {
            _ if is_int(column.type_) && column.is_rowid => true,
            Affinity::Integer | Affinity::Numeric => is_int(column.type_),
            Affinity::Text => column.type_ == Type::Text && !self.table.utf16,
            _ => false,
        }
    }

    /// An index leads to its epochs, which are sorted as its values are unless one of them is a text.
    pub fn epoch(&self) -> bool {
        self.column.on_invalid != OnInvalid::Null && matches!(self.access(), Some(IndexAccess::Unit(_)))
    }

    fn rule(&self) -> Option<Rule> {
        Rule::of(self.column, self.table.timezone.as_ref())
    }

    pub fn form(&self) -> Form {
        let column = self.column;
        if self.rule().is_none_or(|rule| rule.type_() != column.type_) {
            return Form::None;
        }
        match (column.type_, column.affinity) {
            (Type::Int2 | Type::Int4 | Type::Int8 | Type::Bool, _) => self.integer(),
            (Type::Float8, Affinity::Real) if column.strict => Form::Bare,
            (Type::Float8, _) => self.of_class("real", None),
            // NULL in place of a text that is broken: only the decoder sees which. Texts in UTF-16 may have a half of a
            // character where the decoder sees a whole one.
            (Type::Text, _) if column.on_invalid == OnInvalid::Null || self.table.utf16 => Form::Decoded,
            (Type::Text, _) => self.text(),
            (Type::Bytea, Affinity::Blob) if column.strict => Form::Bare,
            (Type::Bytea, _) => self.of_class("blob", None),
            (Type::Timestamp | Type::TimestampTz, _) => self.instant().unwrap_or(Form::Decoded),
            _ => Form::Decoded,
        }
    }

    fn integer(&self) -> Form {
        let range = match self.column.type_ {
            Type::Int8 if self.column.strict && self.column.affinity == Affinity::Integer => {
                return Form::Bare;
            }
            // Numbers are texts there.
            _ if self.column.affinity == Affinity::Text => return Form::Decoded,
            Type::Int8 => None,
            Type::Bool => Some("IN (0, 1)"),
            Type::Int2 => Some("BETWEEN -32768 AND 32767"),
            _ => Some("BETWEEN -2147483648 AND 2147483647"),
        };
        self.of_class("integer", range.map(|range| format!("{} {range}", self.cell())))
    }

    /// Texts that PostgreSQL can hold: SQLite takes any bytes for one.
    fn text(&self) -> Form {
        let cell = self.cell();
        let limit = match self.column.pg_type {
            PgType::Varchar(Some(limit)) => format!(" AND length({cell}) <= {limit}"),
            _ => String::new(),
        };
        Form::Tested { test: format!("{cell} IS NULL OR pg_is_text({cell}){limit}"), value: self.bare() }
    }

    /// Cells of a storage class under a condition; NULL is NULL in every type.
    fn of_class(&self, class: &str, condition: Option<String>) -> Form {
        let cell = self.cell();
        let test = match condition {
            None => format!("typeof({cell}) IN ('{class}', 'null')"),
            Some(condition) => format!("typeof({cell}) = '{class}' AND {condition} OR {cell} IS NULL"),
        };
        Form::Tested { test, value: self.bare() }
    }

    /// Integers that count from 1970, within about three thousand years of it.
    fn instant(&self) -> Option<Form> {
        let unit = Unit::of(self.column.format)?;
        let (PgType::Timestamp(digits) | PgType::TimestampTz(digits)) = self.column.pg_type else {
            return None;
        };
        if self.is_shifted() || digits < unit.digits() || self.column.affinity == Affinity::Text {
            return None;
        }
        let (cell, micros) = (self.cell(), unit.micros());
        let limit = 100_000_000_000_000_000 / micros;
        let test =
            format!("typeof({cell}) = 'integer' AND {cell} BETWEEN -{limit} AND {limit} OR {cell} IS NULL");
        Some(Form::Tested { test, value: format!("{cell} * {micros} - 946684800000000") })
    }

    /// How an index that begins with the column serves a comparison, if there is one.
    pub fn access(&self) -> Option<IndexAccess> {
        let column = self.column;
        if self.form() == Form::None {
            return None;
        }
        let numeric = matches!(column.affinity, Affinity::Integer | Affinity::Numeric);
        if is_int(column.type_) && (column.is_rowid || numeric && self.leads(false)) {
            return Some(IndexAccess::Direct);
        }
        match column.type_ {
            Type::Text if column.affinity == Affinity::Text && self.leads(true) => {
                (!self.table.utf16).then_some(IndexAccess::Direct)
            }
            Type::Timestamp | Type::TimestampTz if numeric && column.format.is_some_and(Format::is_epoch) => {
                Unit::of(column.format)
                    .filter(|_| self.leads(false) && !self.is_shifted())
                    .map(IndexAccess::Unit)
            }
            Type::Date | Type::Timestamp | Type::TimestampTz
                if column.affinity != Affinity::Real
                    && matches!(column.format, None | Some(Format::Iso8601))
                    && self.leads(true) =>
            {
                Some(IndexAccess::Day)
            }
            Type::Uuid if self.leads(true) => Some(IndexAccess::Spelt),
            _ => None,
        }
    }

    /// The column's instants are read as another zone's clock.
    fn is_shifted(&self) -> bool {
        self.column.type_ == Type::Timestamp
            && self.table.timezone.as_ref().is_some_and(|zone| !zone.is_utc())
    }

    fn leads(&self, binary: bool) -> bool {
        self.table.indexes.iter().any(|i| i.columns.first() == Some(&self.attribute) && (i.binary || !binary))
    }
}
