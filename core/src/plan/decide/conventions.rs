//! What following a program's convention would cost: a default, check, index or unique key that the plain type keeps.

use crate::catalog::{IndexKey, Table};
use crate::ddl::words;
use crate::plan::context::Context;
use crate::plan::resolve::table::{ResolvedColumn, ResolvedTable};
use crate::types::{Choice, TypeClass};
use crate::value::{PgType, Timezone};

/// The type by the convention loses what the plain one keeps.
pub fn costs(
    ctx: &Context<'_>,
    table: &ResolvedTable<'_>,
    column: &ResolvedColumn<'_>,
    plain: &Choice,
    followed: &Choice,
) -> bool {
    let name = &column.source.name;
    let other_class = TypeClass::of(&plain.pg_type) != TypeClass::of(&followed.pg_type);
    let was_text = matches!(TypeClass::of(&plain.pg_type), TypeClass::Text | TypeClass::Bytea);
    let single = followed.pg_type == PgType::Float4;
    // The default is translated for the plain type only.
    let timezone = Timezone::parse(&table.settings.timezone).unwrap_or_default();
    let default = column.source.default.as_deref().filter(|_| !column.rowid_alias);
    let loses_default = default.is_some_and(|sql| {
        let kept = |c: &Choice| (ctx.rules.default)(sql, &c.pg_type, c.format, &timezone).is_ok();
        kept(plain) && !kept(followed)
    });
    loses_default
        || (other_class && was_text || single) && in_expression(table.source, name)
        || followed.pg_type == PgType::Jsonb && in_unique_key(table.source, name)
}

/// An expression of the table names the column: its text would be another one.
fn in_expression(table: &Table, name: &str) -> bool {
    let of_indexes = table.indexes.iter().flat_map(|index| {
        let keys = index.columns.iter().filter_map(|key| match &key.key {
            IndexKey::Expression(sql) => Some(sql),
            _ => None,
        });
        keys.chain(&index.predicate)
    });
    let of_columns = table.columns.iter().filter_map(|c| c.generated.as_ref()).map(|g| &g.expression);
    let mut all = table.checks.iter().map(|check| &check.expression).chain(of_indexes).chain(of_columns);
    all.any(|sql| words(sql).is_none_or(|words| words.iter().any(|word| word.eq_ignore_ascii_case(name))))
}

/// Documents that are spelled otherwise are equal as jsonb.
fn in_unique_key(table: &Table, name: &str) -> bool {
    let among = |columns: &[String]| columns.iter().any(|column| column.eq_ignore_ascii_case(name));
    let of_index =
        |key: &IndexKey| matches!(key, IndexKey::Column(column) if column.eq_ignore_ascii_case(name));
    table.primary_key.as_ref().is_some_and(|key| among(&key.columns))
        || table.indexes.iter().any(|i| i.unique && i.columns.iter().any(|key| of_index(&key.key)))
}
