//! NULL and defaults, once all types are known.

use super::generated;
use super::table::{DecidedColumn, DecidedTable, Tried};
use super::trial::accepted;
use crate::finding::{Finding, Fix, Kind, counted};
use crate::plan::context::Context;
use crate::plan::given::words::Keys;
use crate::plan::trial::Part;
use crate::types::ColumnProfile;
use crate::value::PgType;
use crate::value::batch::OnInvalid;

/// Decides NULL, default and generation of each column.
pub fn decide(ctx: &Context<'_>, table: &mut DecidedTable<'_>, findings: &mut Vec<Finding>) {
    for i in 0..table.columns.len() {
        let not_null = not_null(table, i, findings);
        let created = table.existing.is_none();
        let generated = if created { generated::decide(ctx, table, i, findings) } else { None };
        let default = if created && generated.is_none() { default(ctx, table, i, findings) } else { None };
        let null_default = table.columns.get(i).and_then(|c| table.null_default(c)).map(str::to_owned);
        if let Some(column) = table.columns.get_mut(i) {
            column.null_default = null_default;
            (column.not_null, column.generated, column.default) = (not_null, generated, default);
        }
    }
    generated::set_apart(table);
}

fn not_null(table: &DecidedTable<'_>, i: usize, findings: &mut Vec<Finding>) -> bool {
    let Some(column) = table.columns.get(i) else { return false };
    let profile = table.profile.and_then(|p| p.columns.get(column.position));
    let nulls = profile.map_or(0, |p| p.nulls + meant_null(table, column, p));
    if table.existing.is_some() {
        return existing_not_null(table, column, nulls, findings);
    }
    let explicit = column.overrides.and_then(|g| g.nullable).map(|nullable| !nullable);
    let wanted = explicit.unwrap_or(column.not_null) || column.rowid_alias;
    if !wanted || nulls == 0 || column.rowid_alias {
        return wanted;
    }
    let name = &table.source.name;
    let object = column.object(name);
    let message = format!("{} in a NOT NULL column", counted(nulls, "row has NULL", "rows have NULL"));
    let strict = table.settings.keys == Keys::Strict || explicit.is_some();
    let finding = if strict {
        let fix = Fix::of_column(name, &column.source.name, "nullable", true);
        let finding = Kind::NullKey.blocking(object, message).of(table.id);
        // A nullable of the plan's own is kept.
        finding.fix(fix, if explicit.is_none() { ", or keys to \"as_data_allows\"" } else { "" })
    } else {
        Kind::NullKey.warning(object, format!("{message}; the column becomes nullable"))
    };
    table.report(findings, finding);
    strict
}

/// Values of the plan's `null_values` that become NULL.
fn meant_null(table: &DecidedTable<'_>, column: &DecidedColumn<'_>, profile: &ColumnProfile) -> u64 {
    profile.aside.invalid_values(&column.decoder(&table.timezone()))
}

/// Whether the existing column takes NULL decides; and what becomes of the source's NULLs if it does not.
fn existing_not_null(
    table: &DecidedTable<'_>,
    column: &DecidedColumn<'_>,
    nulls: u64,
    findings: &mut Vec<Finding>,
) -> bool {
    let Some(existing) = table.existing_column(&column.target).filter(|c| c.not_null) else { return false };
    if nulls > 0 {
        let name = &table.source.name;
        let object = column.object(name);
        let rows = counted(nulls, "row has NULL", "rows have NULL");
        let why = existing.why_not_null();
        let message = format!("{rows}, and existing column \"{}\" is {why}", existing.name);
        findings.push(if table.null_default(column).is_some() {
            Kind::NullKey.info(object, format!("{message}: NULL becomes its default"))
        } else if column.on_invalid == OnInvalid::Reject {
            Kind::NullKey.warning(object, format!("{message}; such rows go to sqlite_migrate.reject"))
        } else {
            let finding = Kind::NullKey.blocking(object, message).of(table.id);
            match table.profile.is_some_and(|p| p.rows == nulls) {
                _ if existing.default.is_some() && !matches!(existing.pg_type, PgType::Domain { .. }) => {
                    let fix = Fix::of_column(name, &column.source.name, "null_to_default", true);
                    let rest = match table.profile.is_some_and(|p| p.rows == nulls) {
                        true => String::new(),
                        false => {
                            let cost = counted(nulls, "row", "rows");
                            let path = column.path(name, "on_invalid");
                            format!(", or {path} to \"reject\" to leave {cost} out")
                        }
                    };
                    finding.fix(fix, &format!(" to give NULL its default{rest}, or correct the rows"))
                }
                true => finding.hint("Correct the rows."),
                false => {
                    let fix = Fix::of_column(name, &column.source.name, "on_invalid", "reject");
                    let cost = counted(nulls, "row", "rows");
                    finding.fix(fix, &format!(" to leave {cost} out, or correct the rows"))
                }
            }
        });
    }
    true
}

fn default(
    ctx: &Context<'_>,
    table: &mut DecidedTable<'_>,
    i: usize,
    findings: &mut Vec<Finding>,
) -> Option<String> {
    let column = table.columns.get(i)?;
    let part = Part::Default(column.position);
    if let Some(said) = column.overrides.and_then(|g| g.default.clone()) {
        if let Some(sql) = &said {
            explicit(ctx, table, (i, "default"), part, Tried::Expression(sql.clone()), findings);
        }
        return said;
    }
    if column.rowid_alias {
        return None;
    }
    let Some(sql) = column.source.default.clone() else {
        let generates = ctx.source.orms.iter().any(|recognised| recognised.orm.conventions.generates_uuids);
        let key = table.source.primary_key.as_ref().map(|key| key.columns.as_slice());
        let alone =
            key.is_some_and(|key| matches!(key, [only] if only.eq_ignore_ascii_case(&column.source.name)));
        return (generates && alone && column.pg_type == PgType::Uuid)
            .then(|| "pg_catalog.gen_random_uuid()".to_owned());
    };
    let object = column.object(&table.source.name);
    let hint = format!("Set {} to a PostgreSQL expression.", column.path(&table.source.name, "default"));
    let pg_type = column.pg_type.clone();
    let translated = (ctx.rules.default)(&sql, &pg_type, column.format, &table.timezone());
    let tried = translated.map_err(|why| why.reason).and_then(|default| {
        // A constant fits its type already, and the current time is of it; anything else is tried.
        let is_computed = |sql: &&String| {
            sql.contains(['(', ':', '|', '+', '-', '*', '/', '%', '"']) && !is_clock(sql, &pg_type)
        };
        if let Some(computed) = default.as_ref().filter(is_computed) {
            accepted(ctx, table, part, Tried::Expression(computed.clone()))?;
        }
        Ok(default)
    });
    tried.unwrap_or_else(|why| {
        let message = format!("default is not carried over: {why}: {sql}");
        table.left_out(findings, Kind::LeftOut.warning(object, message).hint(hint));
        None
    })
}

/// What CURRENT_TIMESTAMP becomes, which many tables of a program have: no table has to be made to try it.
fn is_clock(default: &str, pg_type: &PgType) -> bool {
    match pg_type {
        PgType::TimestampTz(_) => default == "now()",
        PgType::Timestamp(_) => default == "(now() AT TIME ZONE 'UTC')",
        _ => false,
    }
}

/// An expression of the overrides is used unchanged. It is tried unless the plan has `before`: it may name what that
/// creates.
pub(super) fn explicit(
    ctx: &Context<'_>,
    table: &mut DecidedTable<'_>,
    (i, key): (usize, &str),
    part: Part,
    tried: Tried,
    findings: &mut Vec<Finding>,
) {
    if ctx.overrides.before.as_ref().is_some_and(|statements| !statements.is_empty()) {
        return;
    }
    let sql = match &tried {
        Tried::Expression(sql) | Tried::Virtual(sql) | Tried::Selected(sql) => sql.clone(),
        Tried::Index(_) => return,
    };
    let Err(why) = accepted(ctx, table, part, tried) else { return };
    let Some(column) = table.columns.get(i) else { return };
    let name = &table.source.name;
    let path = column.path(name, key);
    let message = format!("{path}: {why}: {sql}");
    let finding = Kind::ExpressionRefused.blocking(column.object(name), message);
    let finding = finding.hint(format!("Correct {path}."));
    table.report(findings, finding.of(table.id));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_clock_of_the_column_s_own_type_is_known() {
        for (default, pg_type, known) in [
            ("now()", PgType::TIMESTAMPTZ, true),
            ("(now() AT TIME ZONE 'UTC')", PgType::Timestamp(3), true),
            ("now()", PgType::TIMESTAMP, false),
            ("now()", PgType::Text, false),
            ("(now() AT TIME ZONE 'UTC')", PgType::TIMESTAMPTZ, false),
            ("own.now()", PgType::TIMESTAMPTZ, false),
        ] {
            assert_eq!(is_clock(default, &pg_type), known, "{default} of {pg_type}");
        }
    }
}
