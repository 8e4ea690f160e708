//! Chooses the type of one column: the first candidate, in the order of the column's family, that holds every stored
//! value.

use super::excess::{coarse, fit_without};
use super::fit::{Fit, lossless};
use super::invalid::invalid_values;
use super::rules::{Declared, Family};
use super::textform::TextFormat;
use super::unread::kept_as_bytes;
use super::{ColumnProfile, Epochs, Question, conventions, reasons, times, words};
use crate::catalog::Affinity;
use crate::orm::Orm;
use crate::value::{Format, PgType};

/// A type, and how its numbers are read.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    pub pg_type: PgType,
    pub format: Option<Format>,
}

impl Candidate {
    fn plain(pg_type: PgType) -> Candidate {
        Candidate { pg_type, format: None }
    }
}

/// The types that the declaration and the name ask for, best first, given what is stored.
pub fn candidates(q: &Question<'_>, declared: &Declared, p: &ColumnProfile) -> Vec<Candidate> {
    if q.rowid_alias {
        return vec![Candidate::plain(PgType::Int8)];
    }
    if q.json_checked || declared.family == Family::Json {
        return json(p);
    }
    match declared.family {
        Family::Integer if is_boolean(q) => {
            vec![Candidate::plain(PgType::Bool), Candidate::plain(PgType::Int8)]
        }
        Family::Integer => by_name(q, p, PgType::Int8),
        Family::Real => by_name(q, p, PgType::Float8),
        Family::Decimal => {
            let limited = declared.precision().map(|limits| Candidate::plain(PgType::Numeric(Some(limits))));
            let named = by_name(q, p, PgType::Numeric(None));
            let (at, plain) = named.split_at(named.len() - 1);
            at.iter().cloned().chain(limited).chain(plain.iter().cloned()).collect()
        }
        Family::Boolean => vec![Candidate::plain(PgType::Bool)],
        Family::DateTime | Family::DateTimeTz | Family::Date | Family::Time => moments(q, declared.family, p),
        Family::Varchar => limited(declared).into_iter().chain([Candidate::plain(PgType::Text)]).collect(),
        Family::Char => {
            let uuid = is_uuid(declared, p).then(|| Candidate::plain(PgType::Uuid));
            uuid.into_iter().chain(limited(declared)).chain([Candidate::plain(PgType::Text)]).collect()
        }
        Family::Text => vec![Candidate::plain(PgType::Text)],
        Family::Json => json(p),
        Family::Uuid => vec![Candidate::plain(PgType::Uuid)],
        Family::Blob => vec![Candidate::plain(PgType::Bytea)],
        Family::Unknown => {
            let stored = lossless(p).map(|(pg_type, format)| Candidate { pg_type, format });
            named_epoch(q, p).into_iter().chain(stored).collect()
        }
    }
}

/// `TINYINT(1)`, as in MySQL, or a default of true or false.
pub fn is_boolean(q: &Question<'_>) -> bool {
    let declared = q.column.declared.split_whitespace().collect::<String>();
    let default = q.column.default.as_deref().map(|sql| sql.trim_matches(['(', ')', ' ']));
    let word = |sql: &str| sql.eq_ignore_ascii_case("true") || sql.eq_ignore_ascii_case("false");
    declared.eq_ignore_ascii_case("TINYINT(1)") || default.is_some_and(word)
}

fn limited(declared: &Declared) -> Option<Candidate> {
    declared.length().map(|n| Candidate::plain(PgType::Varchar(Some(n))))
}

/// An epoch if the column's name suggests times and the numbers are one; otherwise the declared type.
fn by_name(q: &Question<'_>, p: &ColumnProfile, otherwise: PgType) -> Vec<Candidate> {
    named_epoch(q, p).into_iter().chain([Candidate::plain(otherwise)]).collect()
}

fn named_epoch(q: &Question<'_>, p: &ColumnProfile) -> Option<Candidate> {
    let unit = if q.epochs == Epochs::Named { epoch_by_name(q, p) } else { None };
    unit.map(|unit| Candidate { pg_type: PgType::TIMESTAMPTZ, format: Some(unit) })
}

/// The epoch that every number has in a column with a name that suggests times.
pub fn epoch_by_name(q: &Question<'_>, p: &ColumnProfile) -> Option<Format> {
    let named = p.numbers() > 0 && times::name_says_time(&q.column.name);
    if named { every_epoch(p) } else { None }
}

/// The epoch that every number has.
pub fn every_epoch(p: &ColumnProfile) -> Option<Format> {
    times::unit(p, false)
}

/// The epoch of the numbers in a column that holds times: by most of its numbers, else by its default, else by the file's
/// other times.
pub fn epoch(q: &Question<'_>, p: &ColumnProfile) -> Option<Format> {
    let core_data = times::is_core_data(q.table, &q.column.name, &q.column.declared);
    let by_default = || q.column.default.as_deref().and_then(times::unit_of_default);
    let by_orm = || q.orms.iter().find_map(|recognised| recognised.orm.conventions.epoch);
    let own = q.format.filter(|format| format.is_epoch()).or_else(by_default).or_else(by_orm);
    let others = if core_data { &[] } else { q.file_epochs };
    times::unit_of_most(p, core_data, own.filter(|_| !core_data), others)
}

/// The epoch of the numbers in a column that only its name says to hold times, in a file where that is usual.
pub fn by_file(q: &Question<'_>, p: &ColumnProfile) -> Option<Format> {
    (p.numbers() == p.values()).then(|| epoch(q, p)).flatten()
}

fn moments(q: &Question<'_>, family: Family, p: &ColumnProfile) -> Vec<Candidate> {
    let p = &coarse(p, q.excess);
    let narrow = match family {
        Family::Date => Some(Candidate::plain(PgType::Date)),
        Family::Time => Some(Candidate::plain(PgType::TIME)),
        _ => None,
    };
    let offsets = p.text.sum(&[TextFormat::DateTimeUtc, TextFormat::DateTimeOffset]);
    let numbers = p.numbers() + super::fit::number_texts(p) > 0;
    let moment = if numbers && q.epochs == Epochs::Never {
        None
    } else if numbers {
        epoch(q, p).map(|unit| Candidate { pg_type: PgType::TIMESTAMPTZ, format: Some(unit) })
    } else if offsets > 0 || family == Family::DateTimeTz {
        Some(Candidate::plain(PgType::TIMESTAMPTZ))
    } else {
        Some(Candidate::plain(PgType::TIMESTAMP))
    };
    narrow.into_iter().chain(moment).collect()
}

/// CHAR(36) or CHAR(32) that holds nothing but UUIDs.
pub fn is_uuid(declared: &Declared, p: &ColumnProfile) -> bool {
    match declared.length().filter(|_| declared.family == Family::Char && p.values() > 0) {
        Some(36) => p.text.count(TextFormat::Uuid) == p.values(),
        Some(32) => p.text.count(TextFormat::UuidHex) == p.values(),
        _ => false,
    }
}

fn json(p: &ColumnProfile) -> Vec<Candidate> {
    let unfit = p.text.json.unfit + p.blob.json.unfit > 0;
    let json = (!unfit).then(|| Candidate::plain(PgType::Json));
    [Candidate::plain(PgType::Jsonb)]
        .into_iter()
        .chain(json)
        .chain([Candidate::plain(PgType::Text)])
        .collect()
}

/// The type of a column of which only the declaration is known.
pub fn by_declaration(q: &Question<'_>, declared: &Declared) -> PgType {
    let limited = || limited(declared).map(|c| c.pg_type);
    match declared.family {
        _ if q.rowid_alias => PgType::Int8,
        Family::Json => PgType::Jsonb,
        _ if q.json_checked => PgType::Jsonb,
        Family::Integer if is_boolean(q) => PgType::Bool,
        Family::Integer => PgType::Int8,
        Family::Real => PgType::Float8,
        Family::Decimal => PgType::Numeric(declared.precision()),
        Family::Boolean => PgType::Bool,
        // As the file's other times, which are instants.
        Family::DateTime if !q.file_epochs.is_empty() => PgType::TIMESTAMPTZ,
        Family::DateTime => PgType::TIMESTAMP,
        Family::DateTimeTz => PgType::TIMESTAMPTZ,
        Family::Date => PgType::Date,
        Family::Time => PgType::TIME,
        Family::Varchar | Family::Char => limited().unwrap_or(PgType::Text),
        Family::Uuid => PgType::Uuid,
        Family::Blob => PgType::Bytea,
        Family::Text | Family::Unknown => PgType::Text,
    }
}

/// The choice for a column with values, and what its findings are made from.
pub struct Decision {
    pub chosen: Candidate,
    /// The declaration's first type, if it does not hold every value.
    pub missed: Option<Candidate>,
    /// The plan's type, if it does not hold every value.
    pub refused: Option<PgType>,
    pub by_plan: bool,
    /// The chosen type does not hold every value: the rest becomes NULL.
    pub partial: bool,
    /// Whose convention it is.
    pub orm: Option<&'static Orm>,
}

pub fn decide(q: &Question<'_>, declared: &Declared, p: &ColumnProfile) -> Decision {
    let mut refused = None;
    let nulls_invalid = q.nulls_invalid && !kept_as_bytes(p);
    if let Some(wanted) = q.wanted {
        let candidate = Candidate { pg_type: wanted.clone(), format: format_for(q, p, wanted) };
        if fit_without(p, &candidate.pg_type, candidate.format, q.excess) != Fit::No {
            return Decision {
                chosen: candidate,
                missed: None,
                refused,
                by_plan: true,
                partial: false,
                orm: None,
            };
        }
        if nulls_invalid && some_fit(p, &candidate) {
            let missed = Some(candidate.clone());
            return Decision { chosen: candidate, missed, refused, by_plan: true, partial: true, orm: None };
        }
        refused = Some(candidate.pg_type);
    }
    if refused.is_none()
        && let Some((chosen, orm)) = conventions::choose(q, declared, p)
    {
        return Decision { chosen, missed: None, refused, by_plan: false, partial: false, orm };
    }
    let candidates = candidates(q, declared, p);
    let fits = |c: &&Candidate| fit_without(p, &c.pg_type, c.format, q.excess) == Fit::Yes;
    let first = candidates.first().cloned();
    let chosen = candidates.iter().find(fits).cloned();
    let chosen = chosen.or_else(|| lossless(p).map(|(pg_type, format)| Candidate { pg_type, format }));
    let chosen = chosen.unwrap_or_else(|| Candidate::plain(PgType::Text));
    let expected = first.or_else(|| Some(Candidate::plain(by_declaration(q, declared))));
    let missed = expected.filter(|expected| *expected != chosen);
    let is_wide = |candidate: &Candidate| matches!(candidate.pg_type, PgType::Text | PgType::Bytea);
    if nulls_invalid && is_wide(&chosen) && !declared.is_text() {
        let narrow = candidates.iter().chain(&missed).filter(|c| !is_wide(c) && some_fit(p, c));
        let cost = |c: &&Candidate| invalid_values(p, &c.pg_type, c.format).unwrap_or(u64::MAX);
        if let Some(best) = narrow.min_by_key(cost).cloned() {
            let missed = Some(best.clone());
            return Decision { chosen: best, missed, refused, by_plan: false, partial: true, orm: None };
        }
    }
    Decision { chosen, missed, refused, by_plan: false, partial: false, orm: None }
}

/// Some values fit, as far as is counted.
fn some_fit(p: &ColumnProfile, candidate: &Candidate) -> bool {
    invalid_values(p, &candidate.pg_type, candidate.format).is_none_or(|invalid| invalid < p.values())
}

/// How the numbers of a column would be read as `pg_type`.
pub fn format_for(q: &Question<'_>, p: &ColumnProfile, pg_type: &PgType) -> Option<Format> {
    let numbers = p.numbers() + super::fit::number_texts(p) > 0;
    let bigint = q.column.declared.trim().eq_ignore_ascii_case("bigint");
    match pg_type.base() {
        base if base.is_postgis() => q.column.geometries.as_ref().map(|of| of.container.format()),
        PgType::Date | PgType::Timestamp(_) | PgType::TimestampTz(_) if numbers => epoch(q, p),
        // Django's DurationField.
        PgType::Interval(_) if p.integers > 0 && bigint => Some(Format::Microseconds),
        PgType::Interval(_) if times::counted_since_1970(p) => Some(Format::Since1970),
        PgType::Interval(_) if numbers => durations(q),
        PgType::Time(_) if p.integers > 0 && p.numbers() == p.integers => clock(q, p),
        PgType::Int2 | PgType::Int4 | PgType::Int8 | PgType::Numeric(_) if p.blobs > 0 => digits(q, p),
        // The form of JSON and of literals begins with a bracket.
        PgType::Array(_) if p.texts > 0 && p.blobs == 0 && p.text.brackets == 0 => Some(Format::Comma),
        _ => None,
    }
}

/// How the file's programs write durations.
fn durations(q: &Question<'_>) -> Option<Format> {
    let by_orm = || q.orms.iter().find_map(|recognised| recognised.orm.conventions.durations);
    q.format.filter(|format| format.is_duration()).or_else(by_orm)
}

/// Integers that are milliseconds of the day.
fn clock(q: &Question<'_>, p: &ColumnProfile) -> Option<Format> {
    const DAY: i64 = 86_400_000;
    let by_orm = q.orms.iter().any(|recognised| recognised.orm.conventions.clock_in_milliseconds);
    let within = p.integer.min >= 0 && p.integer.max < DAY;
    let named = q.format.filter(|format| format.is_duration());
    named.or((by_orm && within).then_some(Format::Milliseconds))
}

/// Blobs that are the texts of numbers.
fn digits(q: &Question<'_>, p: &ColumnProfile) -> Option<Format> {
    let by_orm = q.orms.iter().any(|recognised| recognised.orm.conventions.texts_in_blobs);
    (by_orm && p.blob.digits == p.values()).then_some(Format::Text)
}

/// Why the type was chosen, with counts.
pub fn reason(q: &Question<'_>, declared: &Declared, p: &ColumnProfile, d: &Decision) -> String {
    let forms = !matches!(d.chosen.pg_type, PgType::Text | PgType::Varchar(_) | PgType::Bytea)
        || times::is_time(declared.family);
    let stored = words::stored(p, d.chosen.format, forms && p.texts > 0);
    let note = reasons::reason_note(q, declared, p, d);
    let reason = if note.is_empty() { stored } else { format!("{stored}; {note}") };
    match d.orm {
        Some(orm) => as_written_by(reason, orm),
        None => reason,
    }
}

pub fn as_written_by(reason: String, orm: &Orm) -> String {
    format!("{reason}; as written by {}", orm.title)
}

/// Why an empty or unread column has its type.
pub fn reason_by_declaration(q: &Question<'_>, declared: &Declared, profiled: bool) -> String {
    let what = if profiled { "no value is stored" } else { "what is stored was not read" };
    match (q.column.declared.trim(), declared.affinity) {
        ("", _) => format!("{what}; no type is declared"),
        (_, Affinity::Text) if declared.family == Family::Text => format!("{what}; text affinity"),
        (name, _) => format!("{what}; declared {name}"),
    }
}
