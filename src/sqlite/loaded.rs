//! Rows and values as a load will have them, inside queries of SQLite's: functions that convert a value as the plan says,
//! and a table's rows with such values for a condition to read.

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::Value;

use super::absent;
use super::error::Error;
use super::functions::owned;
use super::open::Source;
use super::rows::cell;
use pg_sqlite_migrate_core::catalog::Table;
use pg_sqlite_migrate_core::plan::{CheckQuestion, Condition, LOADS, LoadedColumn, Rejecting};
use pg_sqlite_migrate_core::sqltext::sqlite_ident;
use pg_sqlite_migrate_core::value::CellBuf;
use pg_sqlite_migrate_core::value::image::Image;

const LOADED: &str = "pg_sqlite_loaded";

const FLAGS: FunctionFlags = FunctionFlags::SQLITE_UTF8
    .union(FunctionFlags::SQLITE_DETERMINISTIC)
    .union(FunctionFlags::SQLITE_DIRECTONLY);

/// Makes the conditions of these tables known to the connection; others that were known are forgotten.
pub fn register_rejecting(source: &Source, rejecting: &[Rejecting]) -> Result<(), Error> {
    let tables = rejecting.to_vec();
    let loads = move |context: &Context<'_>| {
        let (table, column) = (position(context, 0)?, position(context, 1)?);
        let found = tables.iter().find(|rejecting| rejecting.table.index() == table);
        let Some(column) = found.and_then(|rejecting| rejecting.columns.get(column)) else { return Ok(true) };
        absent::looking(|| match column.image.loaded(cell(context.get_raw(2))) {
            Some(value) => value != CellBuf::Null || !column.not_null,
            None => false,
        })
    };
    let made = source.connection().create_scalar_function(LOADS, 3, FLAGS, loads);
    made.map_err(|e| source.error(e))
}

/// Counts the rows that break a CHECK as SQLite itself checks: NULL counts as fulfilled. `None` where SQLite cannot tell.
pub fn broken_check(source: &Source, table: &Table, question: &CheckQuestion) -> Result<Option<u64>, Error> {
    let count = || -> rusqlite::Result<f64> {
        register(source, &question.check.columns)?;
        let rows = relation(table, &[], &question.check, question.filter.as_deref());
        // The line break ends a comment.
        let sql = format!("SELECT total(NOT ({}\n)) FROM {rows}", question.check.sql);
        source.connection().query_row(&sql, [], |row| row.get(0))
    };
    match count().map_err(|e| source.error(e)) {
        Ok(rows) => Ok(Some(rows as u64)),
        Err(e) if e.is_local() => Ok(None),
        Err(e) => Err(e),
    }
}

/// Makes the values of these columns known to the connection, for [`relation`].
pub(super) fn register(source: &Source, columns: &[LoadedColumn]) -> rusqlite::Result<()> {
    let images: Vec<(Image, bool)> = columns.iter().map(|c| (c.image.clone(), c.converted)).collect();
    let loaded = move |context: &Context<'_>| {
        let Some((image, converted)) = images.get(position(context, 0)?) else { return Ok(Value::Null) };
        let stored = context.get_raw(1);
        let value = absent::looking(|| {
            let cell = cell(stored);
            owned(if *converted { image.of(cell) } else { image.read(cell) })
        })?;
        value.map_err(|out_of_memory| rusqlite::Error::UserFunctionError(Box::new(out_of_memory)))
    };
    source.connection().create_scalar_function(LOADED, 2, FLAGS, loaded)
}

pub(super) fn position(context: &Context<'_>, argument: usize) -> rusqlite::Result<usize> {
    Ok(usize::try_from(context.get::<i64>(argument)?).unwrap_or_default())
}

/// The table for a FROM clause, under its own name, with its columns as the condition is to read them, and these terms as
/// well, which are over what is stored.
pub(super) fn relation(
    table: &Table,
    terms: &[String],
    condition: &Condition,
    filter: Option<&str>,
) -> String {
    let loaded = |name: &str| {
        let found = condition.columns.iter().enumerate();
        found.into_iter().find(|(_, column)| column.name.eq_ignore_ascii_case(name))
    };
    let columns = table.columns.iter().filter(|column| !column.hidden).map(|column| {
        let name = sqlite_ident(&column.name);
        let Some((i, loaded)) = loaded(&column.name) else { return name };
        let value = format!("{LOADED}({i}, {})", loaded.term);
        let value = loaded.cast.map_or(value.clone(), |cast| format!("CAST({value} AS {cast})"));
        let collate = loaded.collation.iter().map(|name| format!(" COLLATE {name}")).collect::<String>();
        format!("{value}{collate} AS {name}")
    });
    let rowid = table.rowid_name().filter(|rowid| table.column(rowid).is_none());
    let rowid = rowid.map(|rowid| format!("{rowid} AS {rowid}"));
    let list: Vec<String> = terms.iter().cloned().chain(rowid).chain(columns).collect();
    let name = sqlite_ident(&table.name);
    let filter = filter.map(|filter| format!(" WHERE ({filter}\n)")).unwrap_or_default();
    format!("(SELECT {} FROM main.{name} NOT INDEXED{filter}) AS {name}", list.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::catalog;
    use super::super::testing::*;
    use super::*;
    use pg_sqlite_migrate_core::plan::{Part, RejectingColumn};
    use pg_sqlite_migrate_core::value::encoding::{Nul, TextReading};
    use pg_sqlite_migrate_core::value::image::Form;
    use pg_sqlite_migrate_core::value::{Decoder, Excess, PgType, Timezone, ValueList};

    fn image(pg_type: &str) -> Image {
        let pg_type = PgType::parse(pg_type);
        let decoder = Decoder::new(&pg_type, None, &Timezone::UTC);
        let texts = TextReading { nul: Nul::Strip, ..TextReading::default() };
        let form = Form::of(&pg_type);
        Image { texts, decoder, null_values: ValueList::default(), excess: Excess::Round, form }
    }

    fn broken(script: &str, check: &str, columns: &[(&str, &str, Option<&'static str>)]) -> Option<u64> {
        let dir = TempDir::new();
        dir.database("t.db", script);
        let source = dir.open("t.db");
        let catalog = catalog(&source).unwrap();
        let column = |(name, pg_type, cast): &(&str, &str, Option<&'static str>)| LoadedColumn {
            name: name.to_string(),
            term: sqlite_ident(name),
            image: image(pg_type),
            converted: true,
            cast: *cast,
            collation: None,
        };
        let question = CheckQuestion {
            table: catalog.id("t").unwrap(),
            part: Part::Check(0),
            source: "t".into(),
            filter: None,
            check: Condition { sql: check.into(), columns: columns.iter().map(column).collect() },
        };
        broken_check(&source, &catalog.tables[0], &question).unwrap()
    }

    #[test]
    fn a_check_is_judged_over_converted_values() {
        let script = "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, n NUMERIC);
             INSERT INTO t VALUES (1, 'a' || char(0), 1.004), (2, 'ab', 1.006), (3, 'x', 'many'), (4, NULL, NULL)";
        for (check, columns, expected) in [
            ("length(CAST(a AS BLOB)) > 1", vec![("a", "text", Some("TEXT"))], Some(2)),
            ("length(t.a) = 1 -- one", vec![("a", "text", Some("TEXT"))], Some(1)),
            ("a <> 5", vec![("a", "text", Some("TEXT"))], Some(0)),
            ("n <= 1", vec![("n", "numeric(9,2)", Some("NUMERIC"))], Some(1)),
            ("n IS NOT NULL", vec![("n", "numeric(9,2)", Some("NUMERIC"))], Some(2)),
            ("rowid < 3 OR id > 3", vec![("a", "text", None)], Some(1)),
            ("missing(a)", vec![("a", "text", None)], None),
        ] {
            assert_eq!(broken(script, check, &columns), expected, "{check}");
        }
    }

    #[test]
    fn rows_with_a_value_that_does_not_fit_are_not_loaded() {
        let dir = TempDir::new();
        dir.database("t.db", "CREATE TABLE t(n); INSERT INTO t VALUES (1), ('x'), (NULL), ('2')");
        let source = dir.open("t.db");
        let id = catalog(&source).unwrap().id("t").unwrap();
        let loaded = |not_null| {
            let column = RejectingColumn { term: "n".into(), image: image("bigint"), not_null };
            let rejecting = Rejecting { table: id, columns: vec![column] };
            register_rejecting(&source, std::slice::from_ref(&rejecting)).unwrap();
            let sql = format!(
                "SELECT group_concat(rowid) FROM t WHERE {}",
                rejecting.within(Some("n IS NOT 1 -- one"))
            );
            source.connection().query_row(&sql, [], |row| row.get::<_, String>(0)).unwrap()
        };
        assert_eq!((loaded(false), loaded(true)), ("3,4".into(), "4".into()));
    }
}
