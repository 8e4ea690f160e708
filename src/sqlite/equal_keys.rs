//! Rows whose keys are equal once their values are converted: grouped by what PostgreSQL compares of them.

use rusqlite::Row;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::Value;

use super::absent;
use super::error::Error;
use super::functions::owned;
use super::keys::row_names;
use super::loaded;
use super::open::Source;
use super::rows::cell;
use pg_sqlite_migrate_core::catalog::Table;
use pg_sqlite_migrate_core::plan::{EqualKeys, KeyQuestion};
use pg_sqlite_migrate_core::sqltext::sqlite_ident;
use pg_sqlite_migrate_core::value::image::Image;

const EXAMPLES: usize = 5;
/// Groups whose rows are listed.
const LISTED: u64 = 100;
const IMAGE: &str = "pg_sqlite_image";

/// Groups the rows of a table by a key; `None` if all keys are different, or the table cannot be read so.
pub fn equal_keys(
    source: &Source,
    table: &Table,
    question: &KeyQuestion,
) -> Result<Option<EqualKeys>, Error> {
    match groups(source, table, question).map_err(|e| source.error(e)) {
        Ok(EqualKeys { groups: 0, .. }) => Ok(None),
        Ok(found) => Ok(Some(found)),
        Err(e) if e.is_local() => Ok(None),
        Err(e) => Err(e),
    }
}

fn groups(source: &Source, table: &Table, question: &KeyQuestion) -> rusqlite::Result<EqualKeys> {
    let connection = source.connection();
    let images: Vec<Image> = question.columns.iter().map(|(_, image)| image.clone()).collect();
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY;
    connection.create_scalar_function(IMAGE, 2, flags, move |context| image(context, &images))?;
    if let Some(predicate) = &question.predicate {
        loaded::register(source, &predicate.columns)?;
    }
    let by_rowid = table.rowid_name().is_some();
    let mut statement = connection.prepare(&sql(table, question))?;
    let mut rows = statement.query([])?;
    let mut found = EqualKeys { later: by_rowid.then(Vec::new), ..EqualKeys::default() };
    while let Some(row) = rows.next()? {
        found.groups += 1;
        if found.examples.len() < EXAMPLES {
            found.examples.push(example(row, by_rowid)?);
        }
        match &mut found.later {
            Some(later) if found.groups <= LISTED => later.extend(all_but_first(row)?),
            later => *later = None,
        }
    }
    Ok(found)
}

fn image(context: &Context<'_>, images: &[Image]) -> rusqlite::Result<Value> {
    let Some(image) = images.get(loaded::position(context, 0)?) else { return Ok(Value::Null) };
    let value = absent::looking(|| owned(image.of(cell(context.get_raw(1)))))?;
    value.map_err(|out_of_memory| rusqlite::Error::UserFunctionError(Box::new(out_of_memory)))
}

/// The first two rows of each group, and all of its rowids. NULLs are never equal. The table keeps its name, which the
/// plan's expressions and conditions may use.
fn sql(table: &Table, question: &KeyQuestion) -> String {
    const ROW: &str = "pg_sqlite_row";
    let keys: Vec<String> = (0..question.columns.len()).map(|i| format!("{IMAGE}_{i}")).collect();
    let images = (question.columns.iter().zip(&keys).enumerate())
        .map(|(i, ((term, _), key))| format!("{IMAGE}({i}, {term}) AS {key}"));
    let terms: Vec<String> = std::iter::once(format!("{} AS {ROW}", name(table))).chain(images).collect();
    let filter = question.filter.as_deref();
    let rows = match &question.predicate {
        Some(predicate) => {
            let rows = loaded::relation(table, &terms, predicate, filter);
            format!("(SELECT {ROW}, {} FROM {rows} WHERE ({}\n))", keys.join(", "), predicate.sql)
        }
        None => {
            let filter = filter.map(|filter| format!(" WHERE ({filter}\n)")).unwrap_or_default();
            format!(
                "(SELECT {} FROM main.{} NOT INDEXED{filter})",
                terms.join(", "),
                sqlite_ident(&table.name)
            )
        }
    };
    let present: Vec<String> = keys.iter().map(|key| format!("{key} IS NOT NULL")).collect();
    format!(
        "SELECT min({ROW}), max({ROW}), group_concat({ROW}) FROM {rows} \
         WHERE {} GROUP BY {} HAVING count(*) > 1 ORDER BY 1",
        present.join(" AND "),
        keys.join(", ")
    )
}

/// A row's rowid, or what else identifies it as a text.
fn name(table: &Table) -> String {
    let names = row_names(table, &sqlite_ident(&table.name));
    if table.rowid_name().is_some() {
        return names.join(", ");
    }
    let quoted: Vec<String> = names.iter().map(|name| format!("substr(quote({name}), 1, 80)")).collect();
    format!("'(' || {} || ')'", quoted.join(" || ', ' || "))
}

fn example(row: &Row<'_>, by_rowid: bool) -> rusqlite::Result<String> {
    if !by_rowid {
        return Ok(format!("{} and {}", row.get::<_, String>(0)?, row.get::<_, String>(1)?));
    }
    let (first, last) = (row.get::<_, i64>(0)?, row.get::<_, i64>(1)?);
    let second = all_but_first(row)?.first().copied().unwrap_or(last);
    Ok(format!("rowid {first} and rowid {second}"))
}

/// In order.
fn all_but_first(row: &Row<'_>) -> rusqlite::Result<Vec<i64>> {
    let listed: String = row.get(2)?;
    let mut rowids: Vec<i64> = listed.split(',').filter_map(|rowid| rowid.parse().ok()).collect();
    rowids.sort_unstable();
    Ok(rowids.split_off(1.min(rowids.len())))
}

#[cfg(test)]
mod tests {
    use super::super::catalog;
    use super::super::testing::*;
    use super::*;
    use pg_sqlite_migrate_core::plan::{Condition, Part};
    use pg_sqlite_migrate_core::value::encoding::TextReading;
    use pg_sqlite_migrate_core::value::image::Form;
    use pg_sqlite_migrate_core::value::{Decoder, Excess, PgType, Timezone, ValueList};

    fn found(
        script: &str,
        columns: &[(&str, &str)],
        (filter, predicate): (Option<&str>, Option<&str>),
    ) -> Option<EqualKeys> {
        let dir = TempDir::new();
        dir.database("t.db", script);
        let source = dir.open("t.db");
        let catalog = catalog(&source).unwrap();
        let image = |pg_type: &str| {
            let pg_type = PgType::parse(pg_type);
            let decoder = Decoder::new(&pg_type, None, &Timezone::UTC);
            let form = Form::of(&pg_type);
            let texts = TextReading::default();
            Image { texts, decoder, null_values: ValueList::default(), excess: Excess::Error, form }
        };
        let question = KeyQuestion {
            table: catalog.id(&catalog.tables[0].name).unwrap(),
            part: Part::PrimaryKey,
            source: catalog.tables[0].name.clone(),
            columns: columns.iter().map(|(name, pg_type)| (name.to_string(), image(pg_type))).collect(),
            filter: filter.map(str::to_owned),
            predicate: predicate.map(Condition::of_stored),
        };
        equal_keys(&source, &catalog.tables[0], &question).unwrap()
    }

    #[test]
    fn rows_are_grouped_by_the_converted_values_of_the_whole_key() {
        let script = "CREATE TABLE t(id INTEGER PRIMARY KEY, at TEXT, u TEXT);
             INSERT INTO t VALUES (3, '2024-01-01 00:00:00Z', 'a'), (5, '2024-01-01T00:00:00Z', 'a'),
                (7, '2024-01-01 01:00:00+01:00', 'a'), (9, '2024-01-01T00:00:00Z', 'b'), (11, NULL, 'c'), (12, NULL, 'c')";
        let key = [("at", "timestamptz"), ("u", "text")];
        let expected =
            EqualKeys { groups: 1, examples: vec!["rowid 3 and rowid 5".into()], later: Some(vec![5, 7]) };
        assert_eq!(found(script, &key, (None, None)), Some(expected));
        for (filter, predicate) in [(Some("u = 'b' -- one"), None), (None, Some("t.u = 'b' -- one"))] {
            assert_eq!(found(script, &key, (filter, predicate)), None);
        }
        assert_eq!(found(script, &[("at", "text"), ("u", "text")], (None, None)), None);
    }

    #[test]
    fn expressions_and_conditions_may_name_the_table() {
        let script = "CREATE TABLE visits(id INTEGER PRIMARY KEY, u TEXT);
             INSERT INTO visits VALUES (1, 'A'), (2, 'a')";
        let found = found(
            script,
            &[("lower(visits.u)", "text")],
            (Some("main.visits.id > 0"), Some("visits.u <> 'b'")),
        );
        assert_eq!(found.map(|f| f.later), Some(Some(vec![2])));
    }

    #[test]
    fn rows_without_a_rowid_are_named_by_their_keys() {
        let script = "CREATE TABLE t(u TEXT PRIMARY KEY) WITHOUT ROWID;
             INSERT INTO t VALUES ('3F2504E0-4F89-41D3-9A0C-0305E82C3301'), ('3f2504e0-4f89-41d3-9a0c-0305e82c3301')";
        let found = found(script, &[("u", "uuid")], (None, None)).unwrap();
        let pair = "('3F2504E0-4F89-41D3-9A0C-0305E82C3301') and ('3f2504e0-4f89-41d3-9a0c-0305e82c3301')";
        assert_eq!((found.groups, found.examples, found.later), (1, vec![pair.to_owned()], None));
    }
}
