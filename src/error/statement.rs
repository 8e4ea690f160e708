//! Where a statement cannot be translated, and what to do about it.

use pg_sqlite_migrate_core::shorten;
use pg_sqlite_migrate_core::translate::program::Refusal;

pub(super) fn detail(refusal: &Refusal) -> Option<String> {
    let near = shorten::text(refusal.near.as_deref()?);
    Some(match refusal.place {
        Some(place) => format!("At line {}, column {}: {near}", place.line, place.column),
        None => format!("It is about: {near}"),
    })
}

pub(super) fn hint(refusal: &Refusal) -> String {
    let names = ["no table ", "no column "].iter().any(|start| refusal.reason.starts_with(start));
    if names && !refusal.with_schema {
        return "Pass the path of the SQLite file as well, which tells the tables and their types.".into();
    }
    "docs/translate.md lists what is translated. Write this part of the statement by hand.".into()
}
