//! How a column of the file is read inside a remote query: in which form it is canonical, and when an index serves.
//! Pure.
//!
//! SQLite columns hold what they were given. A value that does not fit its PostgreSQL type must raise the error
//! that reading it raises, so nearly every column is tested before it takes part in anything. Where every cell of it is
//! known to fit, the same query is printed without the tests ([`Table::untested`]).

use super::compute::{PG_VALUE, Rule};
use super::fit::Fit;
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
    /// Where it fits the cell is the value, after the arithmetic of `value`; else `pg_value` decides.
    Tested { fit: Fit, value: String },
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
            // The sign keeps the column's affinity from what the value is compared with, as CASE does.
            Form::Tested { value, .. } if self.table.untested => format!("(+{value})"),
            Form::Tested { fit, value } => {
                format!("CASE WHEN {} THEN {value} ELSE {} END", fit.sql(&self.cell()), self.decoded())
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
            Form::Tested { .. } if self.table.untested => None,
            Form::Tested { fit, .. } => {
                Some(format!("CASE WHEN {} THEN 1 ELSE {decoded} IS NOT NULL END", fit.sql(&self.cell())))
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
            (Type::Float8, _) => self.tested(Fit::Real),
            // NULL in place of a text that is broken: only the decoder sees which. Texts in UTF-16 may have a half of a
            // character where the decoder sees a whole one.
            (Type::Text, _) if column.on_invalid == OnInvalid::Null || self.table.utf16 => Form::Decoded,
            (Type::Text, _) => {
                let limit = if let PgType::Varchar(limit) = column.pg_type { limit } else { None };
                self.tested(Fit::Text { limit })
            }
            (Type::Bytea, Affinity::Blob) if column.strict => Form::Bare,
            (Type::Bytea, _) => self.tested(Fit::Blob),
            (Type::Timestamp | Type::TimestampTz, _) => self.instant().unwrap_or(Form::Decoded),
            _ => Form::Decoded,
        }
    }

    fn integer(&self) -> Form {
        let affinity = self.column.affinity;
        match self.column.type_ {
            Type::Int8 if self.column.strict && affinity == Affinity::Integer => Form::Bare,
            // Numbers are texts there.
            _ if affinity == Affinity::Text => Form::Decoded,
            Type::Int8 => self.tested(Fit::Integer),
            Type::Bool => self.tested(Fit::Between(0, 1)),
            Type::Int2 => self.tested(Fit::Between(i16::MIN.into(), i16::MAX.into())),
            _ => self.tested(Fit::Between(i32::MIN.into(), i32::MAX.into())),
        }
    }

    fn tested(&self, fit: Fit) -> Form {
        Form::Tested { fit, value: self.bare() }
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
        let fit = Fit::Between(-limit, limit);
        Some(Form::Tested { fit, value: format!("{cell} * {micros} - 946684800000000") })
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
