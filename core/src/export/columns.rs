//! What becomes of the columns of one table: names, declared types, forms, formats.

use super::catalog::{Collation, Column, Table};
use super::convert::OnInvalid;
use super::decide::Context;
use super::declared;
use super::geopackage;
use super::names::Names;
use super::plan::{RunColumn, TableOverrides};
use super::spelling::Spelling;
use super::types::{self, Family, Form, Numeric, Rule};
use crate::finding::{Finding, Kind};
use crate::plan::PlanError;
use crate::plan::given::overrides::invalid;
use crate::value::affinity::Affinity;
use crate::value::{Format, PgType};

/// A column of the file.
#[derive(Debug, Clone)]
pub struct OutColumn<'a> {
    pub source: &'a Column,
    pub rule: &'static Rule,
    pub form: Form,
    pub name: String,
    pub declared: String,
    pub affinity: Affinity,
    pub format: Option<Format>,
    /// The example, and what it means.
    pub spelling: Option<(String, Spelling)>,
    pub on_invalid: OnInvalid,
    /// Compares without regard to ASCII case.
    pub nocase: bool,
    /// PostgreSQL and the file sort its texts alike.
    pub by_bytes: bool,
}

/// The columns that go into the file, in their order.
pub fn columns<'a>(
    ctx: &Context<'_>,
    table: &'a Table,
    given: Option<TableOverrides<'_>>,
    run_table: Option<&str>,
    strict: bool,
    findings: &mut Vec<Finding>,
) -> Result<Vec<OutColumn<'a>>, PlanError> {
    let path = |column: &str, key: &str| ctx.path_of_column(table, column, key);
    let mut named = given.into_iter().flat_map(TableOverrides::columns);
    if let Some((name, _)) = named.find(|(name, _)| !table.columns.iter().any(|c| c.name == *name)) {
        let hint = "Names are told apart by case here.";
        return Err(invalid(path(name, ""), format!("table \"{}\" has no such column", table.name), hint));
    }
    let mut names = Names::default();
    let mut out = vec![];
    for column in &table.columns {
        let own = given.and_then(|given| given.column(&column.name));
        if own.is_some_and(|own| own.skip()) {
            continue;
        }
        let object = format!("{}.{}", ctx.key_of(table), column.name);
        let rule = ctx.rule(column);
        // What becomes of it is said where full-text tables are.
        if rule.form == Form::LeftOut {
            continue;
        }
        let of_run = run_table.zip(ctx.run).and_then(|(source, run)| run.column(source, &column.name));
        let format = match own.and_then(|own| own.format()) {
            Some(format) if !rule.takes(format) => {
                let message = format!("a column of type {} is not written by this format", column.type_name);
                let hint = "Remove the key, or see docs/export.md for the formats of a type.";
                return Err(invalid(path(&column.name, "format"), message, hint));
            }
            Some(format) => Some(format),
            None => format_of_run(of_run.as_ref(), rule, &object, findings),
        };
        let wanted = own.and_then(|own| own.name());
        let wanted = wanted.or(of_run.as_ref().map(|c| c.source.as_str())).unwrap_or(&column.name);
        let spelling = match own.and_then(|own| own.spelling()) {
            Some(example) => {
                let meant = Spelling::parse(example).filter(|meant| spells(rule, format, meant));
                let Some(meant) = meant else {
                    let message = format!("a column of type {} has no such spelling", column.type_name);
                    return Err(invalid(path(&column.name, "spelling"), message, "Remove the key."));
                };
                Some((example.to_owned(), meant))
            }
            None => of_run.as_ref().and_then(|of| {
                let (example, meant) = (of.spelling.clone()?, Spelling::parse(of.spelling.as_deref()?)?);
                // "interval" of the plan says how all are spelled.
                let is_asked = rule.family == Family::IsoInterval;
                (!is_asked && spells(rule, format, &meant)).then_some((example, meant))
            }),
        };
        let on_invalid = own.and_then(|own| own.on_invalid()).unwrap_or(ctx.overrides.on_invalid());
        out.push(OutColumn {
            source: column,
            rule,
            name: names.take_and_tell(wanted, &object, findings),
            format,
            spelling,
            on_invalid,
            nocase: nocase(column, &object, findings),
            ..stored(ctx, column, rule, &Stored { format, on_invalid, strict, of_run: of_run.as_ref() })
        });
    }
    Ok(out)
}

/// A column whose values are computed by a query, and have no affinity.
pub fn computed<'a>(ctx: &Context<'_>, column: &'a Column) -> OutColumn<'a> {
    let rule = ctx.rule(column);
    let by = Stored { format: None, on_invalid: OnInvalid::Error, strict: false, of_run: None };
    OutColumn { name: column.name.clone(), affinity: Affinity::Blob, ..stored(ctx, column, rule, &by) }
}

/// What decides, with its type, how a column is stored.
struct Stored<'s> {
    format: Option<Format>,
    on_invalid: OnInvalid,
    strict: bool,
    of_run: Option<&'s RunColumn>,
}

/// The column as far as that goes.
fn stored<'a>(ctx: &Context<'_>, column: &'a Column, rule: &'static Rule, by: &Stored<'_>) -> OutColumn<'a> {
    let mut declared = rule.declared(&column.pg_type, by.format, by.strict);
    // A STRICT table takes a text in place of a number only where it takes anything.
    if by.strict && by.on_invalid == OnInvalid::Text && matches!(declared.as_str(), "REAL" | "INTEGER") {
        declared = "ANY".into();
    }
    if rule.family == Family::GeoPackage && !by.strict {
        declared = geopackage::modifiers(&column.pg_type).kind;
    }
    let of_run = by.of_run.and_then(|column| column.declared.clone());
    // A double would become a text of fewer digits in some columns.
    let of_run = of_run.filter(|_| rule.form != Form::NearestReal);
    // What the log says is printed as it is.
    let of_run = of_run.filter(|declared| match by.strict {
        true => declared::is_strict(declared),
        false => declared::is_type(declared),
    });
    let affinity_of = |declared: &str| match (by.strict, declared) {
        (true, declared) if declared.eq_ignore_ascii_case("ANY") => Affinity::Blob,
        (_, declared) => Affinity::of(declared),
    };
    let keeps_texts = |declared: &str| matches!(affinity_of(declared), Affinity::Text | Affinity::Blob);
    // What was a number may be a text of any digits since.
    let became_text = is_text(&column.pg_type) && by.of_run.is_some_and(RunColumn::was_no_text);
    let of_run = of_run.filter(|declared| !became_text || keeps_texts(declared));
    let mut form = rule.form;
    if let Some(of_run) = of_run {
        // The column is what it was, and each value is read back as it would be by the run.
        let number = rule.family == Family::LongNumeric && ctx.types.numeric == Numeric::Exact;
        if number || form == Form::Printed && !keeps_texts(&of_run) {
            form = Form::Value;
        }
        declared = of_run;
    }
    let was = by.of_run.and_then(|column| column.stored.as_deref());
    form = match (was, rule.family) {
        (Some("blob"), Family::Uuid) => Form::UuidBlob,
        (Some("blob"), Family::Vector) => Form::Floats,
        (_, Family::Interval | Family::IsoInterval) if types::counts(by.format) => Form::Units,
        (_, Family::Interval | Family::IsoInterval) if by.format == Some(Format::Since1970) => {
            Form::Since1970
        }
        (Some("text"), Family::Bytea) if by.format.is_none() => Form::TextOfBytes,
        _ => form,
    };
    let affinity = affinity_of(&declared);
    // SQLite compares the bytes of the encoding that the file has.
    let by_bytes = column.collation == Collation::Bytes && ctx.file.encoding == "UTF-8";
    let (format, on_invalid, name) = (by.format, by.on_invalid, String::new());
    OutColumn {
        source: column,
        rule,
        form,
        name,
        declared,
        affinity,
        format,
        on_invalid,
        spelling: None,
        nocase: false,
        by_bytes,
    }
}

/// Values of the family are spelled so.
fn spells(rule: &Rule, format: Option<Format>, spelling: &Spelling) -> bool {
    let family = match spelling {
        Spelling::Moment(_) if format == Some(Format::Since1970) => return true,
        Spelling::Moment(_) => matches!(rule.family, Family::Timestamp | Family::TimestampTz),
        Spelling::Interval(_) => matches!(rule.family, Family::Interval | Family::IsoInterval),
        Spelling::BareUuid => rule.family == Family::Uuid,
    };
    family && format.is_none_or(|format| format == Format::Iso8601)
}

/// A format of the run's that values are not written in is said, and the default taken.
fn format_of_run(
    column: Option<&RunColumn>,
    rule: &Rule,
    object: &str,
    findings: &mut Vec<Finding>,
) -> Option<Format> {
    let format = column?.format?;
    if rule.takes(format) {
        return Some(format);
    }
    let message = format!(
        "the run has read the column by the format \"{}\", in which it is not written: it is {}",
        format.as_str(),
        if types::counts(Some(format)) { "text" } else { "written as its type is" }
    );
    findings.push(Kind::LeftOut.warning(object, message));
    None
}

fn nocase(column: &Column, object: &str, findings: &mut Vec<Finding>) -> bool {
    let citext = column.pg_type.base().is_citext();
    let folding = match &column.collation {
        Collation::Folding(name) => Some(format!("collation \"{name}\"")),
        _ if citext => Some("citext".into()),
        _ => None,
    };
    let Some(folding) = folding else { return false };
    let message = format!(
        "{folding} takes more texts for equal than NOCASE of SQLite, which knows the case of ASCII letters only"
    );
    findings.push(Kind::Collation.warning(object, message));
    is_text(&column.pg_type) || citext
}

/// `text`, `varchar`, `char`, and domains over them.
pub fn is_text(pg_type: &PgType) -> bool {
    matches!(pg_type.base(), PgType::Text | PgType::Varchar(_) | PgType::Bpchar(_))
}
