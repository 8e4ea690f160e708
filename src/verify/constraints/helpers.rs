//! The helper functions as they are, held against those that an import makes.
//!
//! A function is compared as the server prints it, with the same one made anew under another name and taken back: the printed
//! form of an expression is the server's alone to know.

use std::convert::Infallible;

use crate::pg::{expression, spi, xact};
use pg_sqlite_migrate_core::plan::DeclaredKind;
use pg_sqlite_migrate_core::translate::helper::{Helper, SCHEMA};
use pg_sqlite_migrate_core::verify::declared::{Row, State};

const PRINTED: &str = "SELECT pg_get_functiondef(p.oid)
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = $1 AND p.proname = $2 AND p.prokind = 'f' ORDER BY p.oid";

/// What the functions are tried as.
const TRIED: &str = "pg_sqlite_migrate_helper";

/// A row for each function.
pub fn rows(helpers: &[&Helper]) -> Vec<Row> {
    let _alike = expression::printed_alike();
    helpers.iter().map(|helper| row(helper)).collect()
}

fn row(helper: &Helper) -> Row {
    let found: Vec<String> = printed(SCHEMA, helper.name);
    let (state, reason) = match (found.as_slice(), wanted(helper)) {
        ([], _) => (State::Missing, Some("what calls it is an error".to_owned())),
        (_, Err(why)) => (State::Holds, Some(format!("its text was not compared: {why}"))),
        (found, Ok(wanted)) if found.iter().any(|found| same(found, &wanted)) => (State::Holds, None),
        _ => (State::Differs, Some("it is not the function that an import makes".to_owned())),
    };
    Row {
        schema: SCHEMA.to_owned(),
        table: helper.name.to_owned(),
        kind: DeclaredKind::Helper,
        name: Some(helper.name.to_owned()),
        columns: vec![],
        declared: helper.note.to_owned(),
        found: found.into_iter().next(),
        state,
        violations: None,
        reason,
    }
}

fn printed(schema: &str, name: &str) -> Vec<String> {
    spi::values(PRINTED, &[schema.into(), name.into()])
}

/// From the arguments on: schema and name are others.
fn same(found: &str, wanted: &str) -> bool {
    let rest = |text: &str| text.split_once('(').map(|(_, rest)| rest.to_owned());
    rest(found).is_some() && rest(found) == rest(wanted)
}

/// The function as the server would print it.
fn wanted(helper: &Helper) -> Result<String, String> {
    if xact::in_recovery() {
        return Err("a standby makes no functions".into());
    }
    let header = format!("CREATE OR REPLACE FUNCTION {SCHEMA}.{}(", helper.name);
    let sql = helper.sql.replacen(&header, &format!("CREATE FUNCTION pg_temp.{TRIED}("), 1);
    let tried = xact::attempt(|| -> Result<Infallible, Option<String>> {
        spi::execute(&sql);
        let temporary: Option<String> =
            spi::value("SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema()", &[]);
        // An error takes it back.
        Err(temporary.and_then(|schema| printed(&schema, TRIED).into_iter().next()))
    });
    match tried {
        Ok(Err(Some(printed))) => Ok(printed),
        Ok(Err(None)) => Err("it could not be printed".into()),
        Ok(Ok(never)) => match never {},
        Err(caught) => Err(caught.message),
    }
}
