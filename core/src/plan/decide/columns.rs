//! Columns: type, format, NULL, default and generation, from the declaration, the stored values and the plan.

use super::draft::{Context, Draft, DraftColumn};
use super::trial::{Part, accepted};
use super::unique::counted;
use crate::finding::{Cause, Finding};
use crate::plan::decide::remedy::Remedy;
use crate::plan::given::overrides::GeneratedOverride;
use crate::plan::given::words::Keys;
use crate::plan::resolve::counterparts;
use crate::plan::rules::type_of_format;
use crate::plan::{ExistingColumn, OnInvalid};
use crate::types::fit::number_texts;
use crate::types::notes::obstacle;
use crate::types::{Choice, ColumnProfile, Fit, Question, TypeClass};
use crate::value::{Format, PgType};

/// Decides the types of a draft's columns. Foreign keys come later, in `links`.
pub fn types(ctx: &Context<'_>, draft: &mut Draft<'_>, notes: &mut Vec<Finding>) {
    if draft.columns.iter().all(|c| c.skip) {
        let hint = format!("Set {} to true.", draft.path("skip"));
        let finding = Finding::blocking(draft.table.name.clone(), "no column is left", hint);
        notes.push(finding.of(&draft.table.name));
    }
    if draft.columns.iter().filter(|c| !c.skip).count() > 1600 {
        let hint = format!("Leave some out with skip in {}.", draft.path("columns"));
        let message = "PostgreSQL allows at most 1600 columns";
        notes.push(Finding::blocking(draft.table.name.clone(), message, hint).of(&draft.table.name));
    }
    for i in 0..draft.columns.len() {
        if draft.columns.get(i).is_some_and(|c| !c.skip) {
            decide_type(ctx, draft, i, notes);
        }
    }
}

fn decide_type(ctx: &Context<'_>, draft: &mut Draft<'_>, i: usize, notes: &mut Vec<Finding>) {
    let Some(column) = draft.columns.get(i) else { return };
    let natural = ask(ctx, draft, i, draft.settings.wanted(&column.source.declared));
    let given_format = column.overrides.and_then(|g| g.format);
    let explicit = column.overrides.and_then(|g| g.pg_type.as_ref());
    let existing = there(draft, column).map(|there| &there.pg_type);
    notes.extend(contradiction(draft, column, existing, explicit));
    let required = existing.or(explicit);
    let mut choice = match required {
        Some(required) if !required.base().is_named_as(&natural.pg_type) => {
            fitted(ctx, draft, i, required, notes)
        }
        Some(required) => Choice { pg_type: required.clone(), ..natural },
        None => natural,
    };
    let pinned = required.is_some();
    if let Some(format) = given_format {
        if !pinned && !choice.pg_type.is_temporal() && choice.format != Some(format) {
            choice.pg_type = type_of_format(format);
        }
        choice.format = Some(format);
    }
    let mut choice = widened(ctx, draft, i, choice, notes);
    notes.append(&mut choice.findings);
    let Some(column) = draft.columns.get_mut(i) else { return };
    column.pg_type = choice.pg_type;
    column.format = choice.format;
    column.pinned = pinned || given_format.is_some();
    column.reason = column.overrides.and_then(|g| g.reason.clone()).unwrap_or(choice.reason);
}

/// The plan names another type than the existing column has.
fn contradiction(
    draft: &Draft<'_>,
    column: &DraftColumn<'_>,
    existing: Option<&PgType>,
    explicit: Option<&PgType>,
) -> Option<Finding> {
    let (existing, explicit) =
        existing.zip(explicit).filter(|(existing, explicit)| !explicit.is_named_as(existing))?;
    let message = format!("the existing column is {existing}, the plan says {explicit}");
    let hint = "Remove the column's type from the plan.";
    Some(Finding::blocking(column.object(&draft.table.name), message, hint).of(&draft.table.name))
}

fn there<'a>(draft: &Draft<'a>, column: &DraftColumn<'_>) -> Option<&'a ExistingColumn> {
    draft.existing?.column(&column.target)
}

/// The choice for column `i`, with a wish.
pub fn ask(ctx: &Context<'_>, draft: &Draft<'_>, i: usize, wanted: Option<&PgType>) -> Choice {
    let empty = || Choice { pg_type: PgType::Text, format: None, reason: String::new(), findings: vec![] };
    question(draft, i, wanted).map_or_else(empty, |q| (ctx.rules.choose)(&q))
}

fn question<'d>(draft: &'d Draft<'_>, i: usize, wanted: Option<&'d PgType>) -> Option<Question<'d>> {
    let column = draft.columns.get(i)?;
    Some(Question {
        table: &draft.table.name,
        column: column.source,
        profile: profile(draft, i),
        rowid_alias: column.rowid_alias,
        json_checked: draft.table.json_checked(&column.source.name),
        wanted,
        existing: there(draft, column).is_some(),
    })
}

fn profile<'d>(draft: &'d Draft<'_>, i: usize) -> Option<&'d ColumnProfile> {
    draft.profile.and_then(|p| p.columns.get(i))
}

/// The type that was said, when it is not what the values ask for.
fn fitted(
    ctx: &Context<'_>,
    draft: &Draft<'_>,
    i: usize,
    required: &PgType,
    notes: &mut Vec<Finding>,
) -> Choice {
    let wanted = required.base();
    let (Some(column), Some(asked)) = (draft.columns.get(i), question(draft, i, Some(wanted))) else {
        return ask(ctx, draft, i, Some(wanted));
    };
    let tried = (ctx.rules.choose)(&asked);
    let own_format = (ctx.rules.format_for)(&asked, wanted);
    let said =
        |format, reason: String, findings| Choice { pg_type: required.clone(), format, reason, findings };
    // Under a format that the user brought along, only the load can tell.
    let other_format = column.overrides.and_then(|g| g.format).is_some_and(|f| Some(f) != own_format);
    if tried.pg_type.is_named_as(wanted) || other_format || asked.profile.is_none() {
        let findings = if asked.existing { tried.findings } else { vec![] };
        return said(tried.format, format!("{required} as {}", origin(draft)), findings);
    }
    if policy(draft, column) != OnInvalid::Text {
        notes
            .push(misfit(draft, column, required, &tried, (asked.profile, own_format)).of(&draft.table.name));
    }
    said(own_format, tried.reason, vec![])
}

/// An existing column keeps its type, and may not take NULL.
fn policy(draft: &Draft<'_>, column: &DraftColumn<'_>) -> OnInvalid {
    match (column.on_invalid, there(draft, column)) {
        (OnInvalid::Text, Some(_)) => OnInvalid::Error,
        (OnInvalid::Null, Some(there)) if there.not_null => OnInvalid::Error,
        (policy, _) => policy,
    }
}

/// `on_invalid: "text"`: a type that may not hold everything gives way before the load, which cannot change it.
fn widened(
    ctx: &Context<'_>,
    draft: &Draft<'_>,
    i: usize,
    choice: Choice,
    notes: &mut Vec<Finding>,
) -> Choice {
    let (Some(column), Some(asked)) = (draft.columns.get(i), question(draft, i, None)) else { return choice };
    let stored = asked.profile.filter(|p| p.values() > 0 && policy(draft, column) == OnInvalid::Text);
    let why = match stored.map(|p| (ctx.rules.fit)(p, &choice.pg_type, choice.format)) {
        None | Some(Fit::Yes) => return choice,
        Some(Fit::No) => "not every stored value fits",
        Some(Fit::Unknown) => "only the load could check whether every stored value fits",
    };
    let wide = (ctx.rules.widest)(&asked);
    let message = format!("{why} {}; the column becomes {}", choice.pg_type, wide.pg_type);
    let hint =
        format!("Set {} to another value to keep the type.", column.path(&draft.table.name, "on_invalid"));
    notes.push(Finding::warning(column.object(&draft.table.name), message, hint));
    wide
}

fn misfit(
    draft: &Draft<'_>,
    column: &DraftColumn<'_>,
    required: &PgType,
    tried: &Choice,
    (stored, format): (Option<&ColumnProfile>, Option<Format>),
) -> Finding {
    let object = column.object(&draft.table.name);
    let there = there(draft, column);
    let why = match stored.filter(|_| there.is_some()) {
        Some(p) => obstacle(p, required, &tried.pg_type),
        None => tried.reason.clone(),
    };
    let message = format!("not every stored value fits {required}: {why}");
    match policy(draft, column) {
        OnInvalid::Null => Finding::warning(object, format!("{message}; such values become NULL"), ""),
        OnInvalid::Reject => {
            Finding::warning(object, format!("{message}; their rows go to sqlite_migrate.reject"), "")
        }
        OnInvalid::Error | OnInvalid::Text => {
            let hint = match there {
                None => {
                    format!("Use {}, or set on_invalid to \"null\", \"reject\" or \"text\".", tried.pg_type)
                }
                Some(there) => Remedy {
                    table: &draft.table.name,
                    column: &column.source.name,
                    pg_type: required,
                    format: column.overrides.and_then(|g| g.format).or(format),
                    numbers: stored.is_some_and(|p| p.numbers() + number_texts(p) > 0),
                    not_null: there.not_null,
                }
                .hint(),
            };
            Finding::blocking(object, message, hint).because(Cause::Misfit)
        }
    }
}

fn origin(draft: &Draft<'_>) -> &'static str {
    if draft.existing.is_some() { "in the existing table" } else { "given in the plan" }
}

/// NULL, defaults and generated columns, once all types are known.
pub fn details(ctx: &Context<'_>, draft: &mut Draft<'_>, notes: &mut Vec<Finding>) {
    for i in 0..draft.columns.len() {
        if draft.columns.get(i).is_none_or(|c| c.skip) {
            continue;
        }
        let not_null = match draft.existing {
            Some(existing) => counterparts::not_null(draft, existing, i, notes),
            None => not_null(draft, i, notes),
        };
        let made = draft.existing.is_none();
        let generated = if made { generated(ctx, draft, i, notes) } else { None };
        let default = if made && generated.is_none() { default(ctx, draft, i, notes) } else { None };
        if let Some(column) = draft.columns.get_mut(i) {
            (column.not_null, column.generated, column.default) = (not_null, generated, default);
        }
    }
}

fn not_null(draft: &Draft<'_>, i: usize, notes: &mut Vec<Finding>) -> bool {
    let Some(column) = draft.columns.get(i) else { return false };
    let said = column.overrides.and_then(|g| g.nullable).map(|nullable| !nullable);
    let nulls = profile(draft, i).map_or(0, |p| p.nulls);
    let wanted = said.unwrap_or(column.not_null) || column.rowid_alias;
    if !wanted || nulls == 0 || column.rowid_alias {
        return wanted;
    }
    let object = column.object(&draft.table.name);
    let message = format!("{} in a NOT NULL column", counted(nulls, "row has NULL", "rows have NULL"));
    let strict = draft.settings.keys == Keys::Strict || said.is_some();
    notes.push(if strict {
        Finding::blocking(
            object,
            message,
            format!(
                "Set {} to true, or keys to \"as_data_allows\".",
                column.path(&draft.table.name, "nullable")
            ),
        )
        .because(Cause::NullKey)
        .of(&draft.table.name)
    } else {
        Finding::warning(object, format!("{message}; the column becomes nullable"), "")
    });
    strict
}

fn generated(ctx: &Context<'_>, draft: &mut Draft<'_>, i: usize, notes: &mut Vec<Finding>) -> Option<String> {
    let column = draft.columns.get(i)?;
    let object = column.object(&draft.table.name);
    let hint = format!("Set {} to a PostgreSQL expression.", column.path(&draft.table.name, "generated"));
    let declared = match column.overrides.and_then(|g| g.generated.as_ref()) {
        Some(GeneratedOverride::As(sql)) => {
            let sql = sql.clone();
            given(ctx, draft, (i, "generated"), Part::Generated(i), &sql, notes);
            return Some(sql);
        }
        Some(GeneratedOverride::Plain) => return None,
        Some(GeneratedOverride::Translated) | None => column.source.generated.as_ref()?,
    };
    // PostgreSQL computes generated columns from ordinary ones only.
    let translated =
        (ctx.rules.generated)(&declared.expression, &draft.scope(false), &column.pg_type, column.format);
    let tried = translated.map_err(|why| why.to_string()).and_then(|sql| {
        accepted(ctx, draft, Part::Generated(i), &sql)?;
        Ok(sql)
    });
    match tried {
        Ok(sql) => {
            notes.extend(draft.columns.get(i).and_then(|column| in_decimals(draft, column)));
            Some(sql)
        }
        Err(why) => {
            let message = format!(
                "generated column becomes a plain one with the stored values: {why}: {}",
                declared.expression
            );
            draft.left_out(notes, object, message, &hint);
            None
        }
    }
}

fn in_decimals(draft: &Draft<'_>, column: &DraftColumn<'_>) -> Option<Finding> {
    if TypeClass::of(&column.pg_type) != TypeClass::Numeric {
        return None;
    }
    let message = "PostgreSQL computes the generated column with decimal numbers, SQLite with binary ones";
    let path = column.path(&draft.table.name, "generated");
    let hint = format!("The last digits may differ; set {path} to false to keep SQLite's values.");
    Some(Finding::info(column.object(&draft.table.name), message, hint))
}

fn default(ctx: &Context<'_>, draft: &mut Draft<'_>, i: usize, notes: &mut Vec<Finding>) -> Option<String> {
    let column = draft.columns.get(i)?;
    if let Some(said) = column.overrides.and_then(|g| g.default.clone()) {
        if let Some(sql) = &said {
            given(ctx, draft, (i, "default"), Part::Default(i), sql, notes);
        }
        return said;
    }
    if column.rowid_alias {
        return None;
    }
    let sql = column.source.default.clone()?;
    let object = column.object(&draft.table.name);
    let hint = format!("Set {} to a PostgreSQL expression.", column.path(&draft.table.name, "default"));
    let translated = (ctx.rules.default)(&sql, &column.pg_type, column.format);
    let tried = translated.map_err(|why| why.reason).and_then(|default| {
        if let Some(computed) = default.as_deref().filter(|sql| is_computed(sql)) {
            accepted(ctx, draft, Part::Default(i), computed)?;
        }
        Ok(default)
    });
    match tried {
        Ok(default) => default,
        Err(why) => {
            let message = format!("default is not carried over: {why}: {sql}");
            draft.left_out(notes, object, message, &hint);
            None
        }
    }
}

/// More than a constant, which fits its type.
fn is_computed(sql: &str) -> bool {
    sql.contains(['(', ':', '|', '+', '-', '*', '/', '%', '"'])
}

/// The plan's own words are not changed. Those that count on what `before` makes cannot be tried without it.
fn given(
    ctx: &Context<'_>,
    draft: &mut Draft<'_>,
    (i, key): (usize, &str),
    part: Part,
    sql: &str,
    notes: &mut Vec<Finding>,
) {
    if ctx.overrides.before.as_ref().is_some_and(|statements| !statements.is_empty()) {
        return;
    }
    let Err(why) = accepted(ctx, draft, part, sql) else { return };
    let Some(column) = draft.columns.get(i) else { return };
    let path = column.path(&draft.table.name, key);
    let hint = format!("Correct {path}.");
    let finding = Finding::blocking(column.object(&draft.table.name), format!("{path}: {why}: {sql}"), hint);
    notes.push(finding.of(&draft.table.name));
}

/// `types` entries that match no declared type of a selected table.
pub fn unused_types(ctx: &Context<'_>, drafts: &[Draft<'_>], notes: &mut Vec<Finding>) {
    for (from, _) in &ctx.overrides.common.types {
        let only = crate::plan::given::settings::Settings {
            types: vec![(from.clone(), PgType::Text)],
            ..ctx.plan.clone()
        };
        let used = drafts.iter().flat_map(|d| &d.columns).any(|c| only.wanted(&c.source.declared).is_some());
        if !used {
            let message = format!("no column is declared \"{from}\"");
            notes.push(Finding::warning(
                format!("types.{from}"),
                message,
                "Check the spelling of the plan's types.",
            ));
        }
    }
}
