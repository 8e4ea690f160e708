//! The complete plan as jsonb: every key that works, with the value decided.

use serde_json::{Map, Value, json};

use crate::plan::context::Context;
use crate::plan::decide::table::{DecidedColumn, DecidedTable};
use crate::plan::given::carried::Carried;
use crate::plan::given::chroma::Chroma;
use crate::plan::given::generated;
use crate::plan::given::keys;
use crate::plan::given::orms;
use crate::plan::given::overrides::Common;
use crate::plan::given::settings::Settings;
use crate::plan::given::words::*;
use crate::plan::resolve::table::Place;
use crate::value::encoding::TextEncoding;
use crate::value::{Format, PgType};

/// Prints the plan. Tables and columns stand in the file's order, those left out as `"skip": true`.
pub fn plan(ctx: &Context<'_>, decided: &[DecidedTable<'_>]) -> Value {
    let given = ctx.overrides;
    let mut out = common(&ctx.plan, &given.common);
    let statements = |list: &Option<Vec<String>>| json!(list.as_deref().unwrap_or_default());
    put(&mut out, "include", json!(given.include.clone().unwrap_or_else(|| vec!["*".into()])));
    put(&mut out, "exclude", json!(given.exclude.clone().unwrap_or_default()));
    put(&mut out, "names", ctx.name_rules.json());
    put(&mut out, "orm", orms::json(ctx.source.orms));
    put(&mut out, "on_error", given.on_error.unwrap_or_default().word().into());
    put(&mut out, "profile", given.profile.unwrap_or_default().word().into());
    put(&mut out, "readers", json!(given.readers));
    put(&mut out, "integrity", given.integrity.unwrap_or_default().word().into());
    put(&mut out, "notices", given.notices.unwrap_or_default().word().into());
    put(&mut out, "before", statements(&given.before));
    put(&mut out, "after", statements(&given.after));
    put(&mut out, "refresh", given.refresh.unwrap_or(false).into());
    put(&mut out, "views", given.views.as_ref().map_or(true.into(), Carried::json));
    put(&mut out, "triggers", given.triggers.as_ref().map_or(true.into(), Carried::json));
    put(&mut out, "strict", given.strict.unwrap_or(false).into());
    put(&mut out, "helpers", given.helpers.unwrap_or(true).into());
    put(&mut out, "geopackage", given.geopackage.unwrap_or_default().json());
    put(&mut out, "index_build", given.index_build.clone().unwrap_or_default().json());
    put(&mut out, "chroma", given.chroma.as_ref().map_or(true.into(), Chroma::json));
    put(&mut out, "immutable", given.immutable.unwrap_or(false).into());
    put(&mut out, "wal", given.wal.unwrap_or_default().word().into());
    put(&mut out, "backup", json!(given.backup));
    put(&mut out, "undo", given.undo.unwrap_or(false).into());
    put(&mut out, "tables", tables(ctx, decided));
    in_order(out, keys::Level::Plan)
}

fn put(map: &mut Map<String, Value>, key: &str, value: Value) {
    map.insert(key.to_string(), value);
}

/// Keys are printed in the registry's order.
fn in_order(mut map: Map<String, Value>, level: keys::Level) -> Value {
    let ordered = keys::names_at(level).filter_map(|name| Some((name.to_string(), map.remove(name)?)));
    Value::Object(ordered.collect())
}

/// The settings of the plan or of a table, with its own types and formats.
fn common(settings: &Settings, own: &Common) -> Map<String, Value> {
    let mut out = Map::new();
    let types = own.types.iter().map(|(k, v)| (k.clone(), v.to_string().into())).collect();
    let formats = own.formats.iter().map(|(k, v)| (k.clone(), v.map(Format::as_str).into())).collect();
    put(&mut out, "schema", settings.schema.as_str().into());
    put(&mut out, "create", settings.create.word().into());
    put(&mut out, "existing_rows", settings.existing_rows.word().into());
    put(&mut out, "on_conflict", settings.on_conflict.word().into());
    put(&mut out, "match", settings.match_by.text().into());
    put(&mut out, "constraints", settings.constraints.word().into());
    put(&mut out, "loader", settings.loader.word().into());
    put(&mut out, "compression", settings.compression.word().into());
    put(&mut out, "freeze", settings.freeze.into());
    put(&mut out, "fire_triggers", settings.fire_triggers.into());
    put(&mut out, "on_invalid", settings.on_invalid.word().into());
    put(&mut out, "null_values", settings.null_values.texts().collect());
    put(&mut out, "epochs", settings.epochs.word().into());
    put(&mut out, "excess", settings.excess.word().into());
    put(&mut out, "text_encoding", settings.texts.encoding.map(TextEncoding::name).into());
    put(&mut out, "nul", settings.texts.nul.word().into());
    put(&mut out, "orphans", settings.orphans.word().into());
    put(&mut out, "keys", settings.keys.word().into());
    put(&mut out, "nocase", settings.nocase.word().into());
    put(&mut out, "types", Value::Object(types));
    put(&mut out, "formats", Value::Object(formats));
    put(&mut out, "identity", settings.identity.word().into());
    put(&mut out, "enums", settings.enums.json());
    put(&mut out, "generated", settings.generated.word().into());
    put(&mut out, "timezone", settings.timezone.as_str().into());
    put(&mut out, "indexes", settings.indexes.json());
    put(&mut out, "foreign_keys", settings.foreign_keys.json());
    put(&mut out, "checks", settings.checks.json());
    put(&mut out, "fts", settings.fts.json());
    put(&mut out, "verify", settings.verify.json());
    put(&mut out, "reset_sequences", settings.reset_sequences.into());
    put(&mut out, "analyze", settings.analyze.into());
    out
}

fn tables(ctx: &Context<'_>, decided: &[DecidedTable<'_>]) -> Value {
    let mut decided = decided.iter().peekable();
    let mut out = Map::new();
    for source in &ctx.source.catalog.tables {
        let value = match decided.next_if(|d| std::ptr::eq(d.source, source)) {
            Some(decided) => table(decided),
            None => json!({"skip": true}),
        };
        out.insert(source.name.clone(), value);
    }
    Value::Object(out)
}

fn table(table: &DecidedTable<'_>) -> Value {
    let none = Common::default();
    let mut out = common(&table.settings, table.overrides.map_or(&none, |g| &g.common));
    put(&mut out, "target", (!table.ambiguous).then_some(table.target.as_str()).into());
    put(&mut out, "conflict_target", conflict_target(table).into());
    let null_to_default = table.overrides.and_then(|g| g.null_to_default).unwrap_or(false);
    put(&mut out, "null_to_default", null_to_default.into());
    put(&mut out, "skip", false.into());
    put(&mut out, "where", table.overrides.and_then(|g| g.filter.clone()).into());
    let mut decided = table.columns.iter().peekable();
    let apart = |position: usize| table.apart.iter().find(|c| c.position == position);
    let columns = table.resolved.columns.iter().map(|resolved| {
        let value = match (decided.next_if(|c| c.position == resolved.position), &resolved.place) {
            (Some(decided), _) => column(decided),
            (None, _) if apart(resolved.position).is_some() => {
                apart(resolved.position).map_or(Value::Null, column)
            }
            // Not skipped: another file may hold values for it.
            (None, Place::LeftOut { name, reason }) => {
                json!({"skip": false, "name": name, "reason": reason})
            }
            (None, Place::Skipped | Place::Ambiguous(_) | Place::Column(_)) => json!({"skip": true}),
        };
        (resolved.source.name.clone(), value)
    });
    put(&mut out, "columns", Value::Object(columns.collect()));
    in_order(out, keys::Level::Table)
}

fn conflict_target(table: &DecidedTable<'_>) -> Option<String> {
    let explicit =
        || table.overrides.and_then(|g| g.conflict_target.clone()).filter(|_| table.existing.is_some());
    table.conflict.as_ref().map(|c| c.arbiter.name.clone()).or_else(explicit)
}

fn column(column: &DecidedColumn<'_>) -> Value {
    let mut out = Map::new();
    put(&mut out, "name", column.target.as_str().into());
    put(&mut out, "type", column.pg_type.to_string().into());
    if let Some(using) = column.overrides.and_then(|g| g.using.as_deref()) {
        put(&mut out, "using", using.into());
    }
    put(&mut out, "format", column.format.map(|f| f.as_str()).into());
    if *column.pg_type.base() == PgType::Numeric(None) {
        put(&mut out, "scale", column.scale.into());
    }
    put(&mut out, "nullable", (!column.not_null).into());
    put(&mut out, "default", column.default.clone().into());
    let own = column.overrides.and_then(|g| g.generated.as_ref());
    let printed = column.generated.as_ref().map(|g| generated::json(g.generation, &g.expression, own));
    put(&mut out, "generated", printed.unwrap_or(false.into()));
    put(&mut out, "skip", false.into());
    put(&mut out, "on_invalid", column.on_invalid.word().into());
    put(&mut out, "null_values", column.null_values.texts().collect());
    if let Some(own) = column.overrides.and_then(|g| g.null_to_default) {
        put(&mut out, "null_to_default", own.into());
    }
    for (key, list) in [("true_values", &column.words.truths), ("false_values", &column.words.falsehoods)] {
        if !list.is_empty() {
            put(&mut out, key, list.texts().collect());
        }
    }
    put(&mut out, "epochs", column.epochs.word().into());
    put(&mut out, "excess", column.excess.word().into());
    if let Some(encoding) = column.overrides.and_then(|g| g.text_encoding) {
        put(&mut out, "text_encoding", encoding.map(TextEncoding::name).into());
    }
    if let Some(nul) = column.overrides.and_then(|g| g.nul) {
        put(&mut out, "nul", nul.word().into());
    }
    if !column.reason.trim().is_empty() {
        put(&mut out, "reason", column.reason.as_str().into());
    }
    in_order(out, keys::Level::Column)
}
