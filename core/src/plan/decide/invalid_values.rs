//! What the plan can do about values that do not fit their column.

use crate::finding::{Finding, Fix};
use crate::plan::given::words::Word;
use crate::plan::model::LoadSpec;
use crate::types::unread::{UNREAD_REST, unread_text};
use crate::types::words::{becomes, values};
use crate::value::encoding::TextReading;
use crate::value::{Excess, Format, PgType};

pub struct InvalidValues<'a> {
    pub table: &'a str,
    pub column: &'a str,
    pub pg_type: &'a PgType,
    /// A type that holds every value, where the column does not exist yet.
    pub fits: Option<&'a PgType>,
    /// What is to become of digits or characters that are too many, where these are all that is wrong.
    pub excess: Option<Excess>,
    /// How the plan says that values are read.
    pub format: Option<Format>,
    /// Some of the values are numbers.
    pub numbers: bool,
    pub not_null: bool,
    /// How many values do not fit, of how many; `None` where that is not known.
    pub invalid: Option<(u64, u64)>,
    /// What makes texts of bytes that are none.
    pub texts: Option<Fix>,
    /// An expression that reads the column's values, and what these are.
    pub using: Option<(String, &'static str)>,
    /// The texts may be elements between commas: none is in brackets.
    pub commas: bool,
    /// Every value that does not fit is one of these.
    pub blanks: Option<Blanks>,
    /// The plan makes NULL of what does not fit.
    pub nulls_invalid: bool,
}

/// Values that probably mean NULL.
pub struct Blanks {
    /// The list for `null_values`.
    pub listed: Vec<String>,
    pub count: u64,
}

impl InvalidValues<'_> {
    pub fn advise(&self, finding: Finding) -> Finding {
        if let Some(fix) = &self.texts {
            return finding.fix(fix.clone(), UNREAD_REST);
        }
        if let Some((expression, what)) = &self.using {
            let fix = Fix::of_column(self.table, self.column, "using", expression.as_str());
            return finding.fix(fix, &format!(" to read {what}"));
        }
        if self.commas {
            let fix = Fix::of_column(self.table, self.column, "format", Format::Comma.as_str());
            return finding.fix(fix, " if the texts are elements between commas, or correct the values");
        }
        // What costs every value is no advice.
        if self.fits.is_none() && self.excess.is_none() && self.invalid.is_some_and(|(n, of)| n == of) {
            return finding.hint(format!("Correct the values{}.", self.other_format()));
        }
        let (fix, rest) = self.fix();
        finding.fix(fix, &rest)
    }

    /// What loses least, and the rest of the sentence.
    fn fix(&self) -> (Fix, String) {
        let of = |key, value: &str| Fix::of_column(self.table, self.column, key, value);
        let nullable = || Fix::of_column(self.table, self.column, "nullable", true);
        if let Some(blanks) = &self.blanks {
            let fix = Fix::of_column(self.table, self.column, "null_values", blanks.listed.clone());
            let fix = if self.not_null { fix.and(nullable()) } else { fix };
            return (fix, format!(": {} NULL", becomes(blanks.count)));
        }
        if self.nulls_invalid && self.not_null && self.fits.is_some() {
            return (nullable(), String::new());
        }
        let policies: &[&str] = if self.not_null { &["reject"] } else { &["null", "reject"] };
        let policy = |policies: &[&str]| match policies {
            [first, others @ ..] => of("on_invalid", first).or(others),
            [] => of("on_invalid", "reject"),
        };
        if let Some(excess) = self.excess {
            let rest = format!(", or {}, or correct the values", policy(policies));
            return (of("excess", excess.word()), rest);
        }
        if let Some(fits) = self.fits {
            let others = of("on_invalid", "text").or(policies);
            return (of("type", &fits.to_string()), format!(", or {others}"));
        }
        let cost = self.invalid.map_or(String::new(), |(n, _)| format!(", which costs {}", values(n)));
        (policy(policies), format!("{cost}{}, or correct the values", self.other_format()))
    }

    /// A format by which the values may fit, which only a person can know.
    fn other_format(&self) -> String {
        use PgType::*;
        let path = crate::path::of_column(self.table, self.column, "format");
        match self.pg_type.base() {
            _ if self.format.is_some() => String::new(),
            Date | Time(_) | Timestamp(_) | TimestampTz(_) | Interval(_) if self.numbers => {
                format!(", or set {path} to say how numbers are read")
            }
            Array(_) if !self.numbers => {
                format!(", or set {path} to \"comma\" where texts are elements between commas")
            }
            _ => String::new(),
        }
    }
}

/// One cell that stopped a load.
pub struct InvalidCell<'a> {
    pub column: &'a str,
    pub storage_class: &'a str,
    /// What is too much of the value could be left away so.
    pub excess: Option<Excess>,
    /// The text would be read so.
    pub texts: Option<TextReading>,
    /// No type holds so much.
    pub too_large: bool,
}

/// What to do about it, as a hint.
pub fn of_cell(spec: &LoadSpec, cell: &InvalidCell<'_>) -> String {
    let &InvalidCell { column, storage_class, excess, texts, too_large } = cell;
    let table = spec.source.as_str();
    let known = spec.columns.iter().find(|c| c.source == column);
    let not_null = known.is_some_and(|c| c.not_null);
    let policies: &[&str] = if not_null { &["reject"] } else { &["null", "reject"] };
    let policy = || match policies {
        [first, others @ ..] => Fix::of_column(table, column, "on_invalid", *first).or(others),
        [] => Fix::of_column(table, column, "on_invalid", "reject"),
    };
    if too_large {
        return policy().hint(", or shorten the values");
    }
    let unread = known.zip(texts).and_then(|(c, other)| unread_text(c.texts, other, table, column));
    if let Some(fix) = unread {
        let bytes = match spec.existing {
            Some(_) => String::new(),
            None => format!(", or {}", Fix::of_column(table, column, "type", "bytea")),
        };
        return fix.hint(&format!("{UNREAD_REST}{bytes}, or {}", policy()));
    }
    if let Some(there) = known.filter(|_| spec.existing.is_some() || excess.is_some()) {
        let (pg_type, format, not_null) = (&there.pg_type, there.format, there.not_null);
        let numbers = matches!(storage_class, "integer" | "real");
        let (fix, rest) = InvalidValues {
            table,
            column,
            pg_type,
            fits: None,
            excess,
            format,
            numbers,
            not_null,
            invalid: None,
            blanks: None,
            commas: false,
            texts: None,
            using: None,
            nulls_invalid: false,
        }
        .fix();
        return fix.hint(&rest);
    }
    // A text column holds every text that the database can hold, and bytea holds every other.
    match known.is_some_and(|c| c.pg_type == PgType::Text) {
        true => Fix::of_column(table, column, "type", "bytea")
            .hint(&format!(", or {}, or correct the values", policy())),
        false => {
            let fix = Fix::of_column(table, column, "on_invalid", "text").or(policies);
            fix.hint(", or its type to one that holds the value")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Kind;

    fn hint(pg_type: &str, fits: Option<&str>, numbers: bool, not_null: bool) -> String {
        let (pg_type, fits) = (&PgType::parse(pg_type), fits.map(PgType::parse));
        let fits = fits.as_ref();
        let (format, invalid) = (None, None);
        let advice = InvalidValues {
            table: "t",
            column: "c",
            pg_type,
            fits,
            excess: None,
            format,
            numbers,
            not_null,
            invalid,
            blanks: None,
            commas: false,
            texts: None,
            using: None,
            nulls_invalid: false,
        };
        advice.advise(Kind::InvalidValue.blocking("t.c", "")).hint
    }

    #[test]
    fn the_way_that_loses_least_comes_first() {
        let path = "plan.tables.t.columns.c";
        for (pg_type, fits, numbers, not_null, expected) in [
            ("integer", None, true, false, "on_invalid to \"null\" or \"reject\", or correct the values."),
            ("integer", None, true, true, "on_invalid to \"reject\", or correct the values."),
            (
                "integer",
                Some("text"),
                false,
                true,
                "type to \"text\", or plan.tables.t.columns.c.on_invalid to \"text\" or \"reject\".",
            ),
            (
                "interval",
                None,
                true,
                true,
                "on_invalid to \"reject\", or set plan.tables.t.columns.c.format to say how numbers are read, or correct the values.",
            ),
            ("date", None, false, true, "on_invalid to \"reject\", or correct the values."),
            (
                "text[]",
                None,
                false,
                true,
                "on_invalid to \"reject\", or set plan.tables.t.columns.c.format to \"comma\" where texts are elements between commas, \
                 or correct the values.",
            ),
        ] {
            assert_eq!(hint(pg_type, fits, numbers, not_null), format!("Set {path}.{expected}"));
        }
    }
}
