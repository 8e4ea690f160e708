//! Columns of the file that an existing table computes by itself: a load leaves them to it, and what it has computed may be
//! another value than the file's. So they are compared with what was not loaded.
//!
//! A column that the file computes as well is not, unless its values were loaded: `verify_constraints` compares what both
//! compute it from.

use crate::import::survey::Survey;
use crate::pg::relation::{self, Attribute};
use crate::verify::values::Tally;
use pg_sqlite_migrate_core::catalog::Column;
use pg_sqlite_migrate_core::plan::{LoadColumn, LoadSpec, Planned};
use pg_sqlite_migrate_core::value::batch::OnInvalid;
use pg_sqlite_migrate_core::value::encoding::TextReading;
use pg_sqlite_migrate_core::value::{Excess, PgType};

/// Why such a column is not compared.
const UNREAD: &str = "the table computes it, and the plan does not say which times its numbers are";

/// The load with the columns that it leaves to the table; and the names of those that cannot be compared.
pub(super) fn with_computed(
    survey: &Survey,
    planned: &Planned,
    spec: &LoadSpec,
) -> (LoadSpec, Vec<LoadColumn>) {
    let is_read = |column: &LoadColumn| column.format.is_some() || !is_time(column.pg_type.base());
    let (read, unread) = computed(survey, planned, spec).into_iter().partition(is_read);
    let mut spec = spec.clone();
    spec.columns.extend::<Vec<LoadColumn>>(read);
    (spec, unread)
}

fn is_time(base: &PgType) -> bool {
    use PgType::*;
    matches!(base, Date | Time(_) | TimeTz(_) | Timestamp(_) | TimestampTz(_) | Interval(_))
}

/// Lists those.
pub(super) fn refuse(tally: &mut Tally, unread: &[LoadColumn]) {
    unread.iter().for_each(|column| tally.refuse(&column.target, UNREAD));
}

fn computed(survey: &Survey, planned: &Planned, spec: &LoadSpec) -> Vec<LoadColumn> {
    let relation = spec.existing.as_ref().and_then(|_| relation::find(&spec.schema, &spec.target));
    let Some((relation, table)) = relation.zip(survey.catalog.table(&spec.source)) else { return vec![] };
    let names: Vec<String> = relation::computed(relation);
    if names.is_empty() {
        return vec![];
    }
    let attributes = relation::attributes(relation);
    let left_out = &planned.plan["tables"][&spec.source]["columns"];
    let own = |name: &str| survey.overrides.table(&spec.source).and_then(|table| table.column(name));
    // The plan of a run says what it has loaded.
    let loaded = |column: &Column| {
        own(&column.name)
            .is_some_and(|own| own.pg_type.is_some() && own.generated.as_ref().is_some_and(|g| g.is_plain()))
    };
    let stored = table.columns.iter().filter(|column| column.generated.is_none() || loaded(column));
    let column = |column: &Column| {
        // A column that is left out has a name and a reason, and no type.
        let keys = left_out[&column.name].as_object().filter(|keys| !keys.contains_key("type"))?;
        let target = keys.get("name")?.as_str().filter(|name| names.iter().any(|other| other == name))?;
        let attribute = attributes.iter().find(|attribute| attribute.name == target)?;
        Some(as_loaded(survey, &spec.source, &column.name, attribute))
    };
    stored.filter_map(column).collect()
}

/// What the plan says of how its cells are read.
fn as_loaded(survey: &Survey, table: &str, column: &str, attribute: &Attribute) -> LoadColumn {
    let overrides = &survey.overrides;
    let (null_values, words) = overrides.listed(table, column);
    let texts = TextReading { of_bytes: survey.needs.texts_of_bytes, ..overrides.texts(table, column) };
    let own = overrides.table(table).and_then(|table| table.column(column));
    LoadColumn {
        source: column.to_owned(),
        target: attribute.name.clone(),
        pg_type: attribute.pg_type.clone(),
        format: own.and_then(|own| own.format),
        not_null: false,
        on_invalid: OnInvalid::Error,
        null_values,
        words,
        texts,
        default: None,
        excess: Excess::Error,
        scale: None,
        srids: None,
    }
}
