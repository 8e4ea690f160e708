//! The types that the conventions of a file's programs propose for a column ([`crate::orm`]).

use super::decide::{Candidate, by_file, format_for, is_boolean, is_uuid};
use super::excess::{coarse, fit_without};
use super::fit::{Fit, fit, number_texts};
use super::rules::{Declared, Family};
use super::textform::TextFormat;
use super::{ColumnProfile, Question, times};
use crate::catalog::Column;
use crate::orm::signs::Recognised;
use crate::orm::{Integers, Meaning, Orm};
use crate::value::pgtype::split;
use crate::value::{Format, PgType};

/// The largest number that leaves an INTEGER key room to grow.
pub const ROOM: f64 = (i32::MAX / 2) as f64;

/// The first type of a convention that holds every stored value, and whose convention it is.
pub fn choose(
    q: &Question<'_>,
    declared: &Declared,
    p: &ColumnProfile,
) -> Option<(Candidate, Option<&'static Orm>)> {
    if q.json_checked || is_uuid(declared, p) {
        return None;
    }
    let p = &*coarse(p, q.excess);
    let plain = p.decoded().filter(|held| literal(q.column).as_ref() == Some(held));
    if let Some(pg_type) = plain.cloned() {
        return Some((Candidate { pg_type, format: None }, None));
    }
    q.orms.iter().find_map(|recognised| {
        let orm = recognised.orm;
        let proposed = proposed(q, orm, declared, p).into_iter();
        let mut holding = proposed.filter(|c| holds(q, p, &c.pg_type, c.format));
        holding.next().map(|candidate| (candidate, Some(orm)))
    })
}

/// The type of a column of which only the declaration is known.
pub fn by_declaration(q: &Question<'_>, declared: &Declared) -> Option<(PgType, Option<&'static Orm>)> {
    if q.json_checked {
        return None;
    }
    if let Some(pg_type) = literal(q.column) {
        return Some((pg_type, None));
    }
    q.orms.iter().find_map(|recognised| {
        let orm = recognised.orm;
        let boolean = (declared.family == Family::Integer && is_boolean(q)).then_some(PgType::Bool);
        let declared_types = declared_types(orm, &q.column.declared, declared);
        let first = boolean.or_else(|| declared_types.into_iter().find(|pg_type| may_be(q, pg_type)));
        let time = || (orm.conventions.named_times && times_by_name(q)).then_some(PgType::TIMESTAMPTZ);
        let pg_type = first.or_else(time).or_else(|| integer(q, orm).filter(|pg_type| may_be(q, pg_type)))?;
        Some((pg_type, Some(orm)))
    })
}

/// A column without values, or of which none were read, may have the type: what is narrower than its declaration only if
/// it is known to be empty, and what a word of SQLite's may mean besides only by its default.
fn may_be(q: &Question<'_>, pg_type: &PgType) -> bool {
    match pg_type {
        PgType::Bool => {
            q.column.default.as_deref().is_some_and(|sql| matches!(sql.trim_matches(['(', ')']), "0" | "1"))
        }
        pg_type => !is_narrow(pg_type) || q.complete,
    }
}

/// Some values of the declaration do not fit.
fn is_narrow(pg_type: &PgType) -> bool {
    matches!(pg_type, PgType::Int2 | PgType::Int4 | PgType::Float4 | PgType::Bpchar(_))
}

/// Whether the texts of a column are parsed as JSON, though its declaration does not say so.
pub fn reads_json(orms: &[Recognised], column: &Column) -> bool {
    let declared = Declared::parse(&column.declared);
    orms.iter().map(|recognised| recognised.orm).any(|orm| {
        // They are at home in every program, as texts if it has no type for them.
        let texts = declared.family == Family::Text;
        let blobs = declared.family == Family::Blob && orm.conventions.texts_in_blobs;
        let typed = declared_types(orm, &column.declared, &declared).contains(&PgType::Jsonb);
        texts || blobs || typed
    })
}

/// A type of which only its decoder knows what it holds: the profile asks it.
pub fn decoded_type(orms: &[Recognised], column: &Column) -> Option<PgType> {
    let declared = Declared::parse(&column.declared);
    let mut types =
        orms.iter().flat_map(|recognised| declared_types(recognised.orm, &column.declared, &declared));
    types.find(|pg_type| matches!(pg_type, PgType::Other(_))).or_else(|| literal(column))
}

/// PostgreSQL's own spelling of an interval or an array, which SQLite takes for some number or text.
fn literal(column: &Column) -> Option<PgType> {
    let declared = column.declared.trim();
    // A default would not be carried over.
    let named = declared.eq_ignore_ascii_case("INTERVAL") || declared.ends_with("[]");
    let pg_type = (named && column.default.is_none()).then(|| PgType::parse(declared))?;
    match &pg_type {
        PgType::Interval(_) => Some(pg_type),
        PgType::Array(element) if !matches!(**element, PgType::Other(_)) => Some(pg_type),
        _ => None,
    }
}

fn proposed(q: &Question<'_>, orm: &'static Orm, declared: &Declared, p: &ColumnProfile) -> Vec<Candidate> {
    let conventions = &orm.conventions;
    let mut types: Vec<PgType> = Vec::new();
    if p.texts == p.values() && matches!(declared.family, Family::Text | Family::Varchar) {
        types.extend(conventions.texts.iter().filter_map(|meaning| of_texts(q, *meaning, p)));
        let canonical = p.text.sum(&[TextFormat::Integer, TextFormat::Decimal]) == p.texts;
        let fractions = p.text.count(TextFormat::Decimal) > 0;
        if conventions.decimal_texts.is_some_and(|d| is_declared(q.column, d)) && canonical && fractions {
            types.push(PgType::Numeric(None));
        }
    }
    if conventions.texts_in_blobs && declared.family == Family::Blob && p.blobs == p.values() {
        // Digits are a document, too.
        types.extend((p.blob.digits == p.blobs).then_some(PgType::Numeric(None)));
        types.extend((p.blob.json.valid == p.blobs).then_some(PgType::Jsonb));
    }
    types.extend(declared_types(orm, &q.column.declared, declared));
    if conventions.durations.is_some() && is_declared(q.column, "INTERVAL") {
        types.push(PgType::INTERVAL);
    }
    let of_type = |pg_type: PgType| Candidate { format: format_for(q, p, &pg_type), pg_type };
    let boolean = is_boolean(q).then_some(PgType::Bool);
    let mut out: Vec<Candidate> = boolean.into_iter().chain(types).map(of_type).collect();
    if conventions.named_times && times_by_name(q) {
        out.extend(by_file(q, p).map(|unit| Candidate { pg_type: PgType::TIMESTAMPTZ, format: Some(unit) }));
    }
    out.extend(integer(q, orm).map(|pg_type| Candidate { pg_type, format: None }));
    out
}

/// The convention's types for a declared type: for the whole of it, else without its length.
fn declared_types(orm: &Orm, written: &str, declared: &Declared) -> Vec<PgType> {
    let (name, _) = split(&written.to_ascii_uppercase());
    let types = orm.conventions.types;
    let entry = |name: &str| types.iter().find(|(from, _)| *from == name).map(|(_, types)| *types);
    let types = entry(&squeezed(written)).or_else(|| entry(&name)).unwrap_or_default();
    let whole = entry(&squeezed(written)).is_some();
    let with_length = |name: &&str| match (name.contains("(n)"), declared.length()) {
        (true, Some(n)) => Some(PgType::parse(&name.replace("(n)", &format!("({n})")))),
        (true, None) => None,
        // A declaration with a length is another one.
        (false, _) if !whole && !declared.modifiers.is_empty() => None,
        (false, _) => Some(PgType::parse(name)),
    };
    types.iter().filter_map(with_length).collect()
}

fn squeezed(declared: &str) -> String {
    declared.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_uppercase()
}

fn is_declared(column: &Column, declared: &str) -> bool {
    squeezed(&column.declared) == declared
}

/// What the convention leaves open of a declared type.
pub fn left_open(orm: &Orm, column: &Column) -> Option<&'static str> {
    let (name, _) = split(&column.declared.to_ascii_uppercase());
    orm.conventions.open.iter().find(|(declared, _)| *declared == name).map(|(_, what)| *what)
}

/// An integer of 32 bits.
fn integer(q: &Question<'_>, orm: &Orm) -> Option<PgType> {
    const NARROW: [&str; 5] = ["INTEGER", "INT", "INT4", "MEDIUMINT", "INTEGER UNSIGNED"];
    let (name, _) = split(&q.column.declared.to_ascii_uppercase());
    let narrow = match orm.conventions.integers {
        Integers::Wide => false,
        Integers::Narrow => true,
        Integers::WideKeys => !q.key,
    };
    // Numbers that were given and deleted are not given again.
    let counted = q.rowid_alias && q.sequence.is_some_and(|last| last as f64 > ROOM);
    (narrow && !counted && NARROW.contains(&name.as_str())).then_some(PgType::Int4)
}

/// An INTEGER column whose name suggests times.
fn times_by_name(q: &Question<'_>) -> bool {
    Declared::parse(&q.column.declared).family == Family::Integer
        && times::name_says_time(&q.column.name)
        && !q.rowid_alias
}

/// The type of texts that all mean this.
fn of_texts(q: &Question<'_>, meaning: Meaning, p: &ColumnProfile) -> Option<PgType> {
    let all = |forms: &[TextFormat]| p.text.sum(forms) == p.texts;
    let (pg_type, means) = match meaning {
        Meaning::Uuid => (PgType::Uuid, all(&[TextFormat::Uuid])),
        Meaning::UuidUpper => (PgType::Uuid, all(&[TextFormat::UuidUpper])),
        Meaning::UuidHex => (PgType::Uuid, all(&[TextFormat::UuidHex, TextFormat::Hex32])),
        Meaning::UuidKey => (PgType::Uuid, q.key && all(&[TextFormat::Uuid])),
        Meaning::Date => (PgType::Date, all(&[TextFormat::Date])),
        // With seconds, as PostgreSQL prints it.
        Meaning::Time => {
            (PgType::TIME, all(&[TextFormat::Time]) && p.text.min_chars.is_some_and(|min| min >= 8))
        }
        Meaning::Timestamp if all(&[TextFormat::DateTime]) => (PgType::TIMESTAMP, true),
        Meaning::Timestamp => {
            (PgType::TIMESTAMPTZ, all(&[TextFormat::DateTimeUtc, TextFormat::DateTimeOffset]))
        }
        Meaning::Json => (PgType::Jsonb, p.json_measured() && p.text.count(TextFormat::JsonLike) > 0),
    };
    (means && p.texts > 0).then_some(pg_type)
}

/// Every stored value fits, and the application reads back what it wrote.
fn holds(q: &Question<'_>, p: &ColumnProfile, pg_type: &PgType, format: Option<Format>) -> bool {
    match pg_type {
        pg_type if is_narrow(pg_type) && !q.complete => false,
        // PostgreSQL pads, SQLite does not.
        PgType::Bpchar(Some(n)) => {
            let n = u64::from(*n);
            p.text.min_chars == Some(n) && p.text.max_chars == n && fit(p, pg_type, format) == Fit::Yes
        }
        PgType::Int4 if q.key => fit(p, pg_type, format) == Fit::Yes && p.number.within(ROOM),
        PgType::Numeric(None) if format == Some(Format::Text) => true,
        PgType::Interval(_) => {
            fit(p, pg_type, format) != Fit::No && p.numbers() + number_texts(p) == p.values()
        }
        PgType::Other(_) => p.decoded() == Some(pg_type),
        _ => fit_without(p, pg_type, format, q.excess) == Fit::Yes,
    }
}
