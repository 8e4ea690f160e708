//! `sqlite_advise`: after the move. Reads catalogs, statistics, settings and the machine, and changes nothing.

mod catalog;
mod columns;
mod machine;
mod server;
mod texts;

use crate::error::Error;
use crate::pg::settings::LocalSettings;
use crate::verify::counts;
use pg_sqlite_migrate_core::advise::facts::Facts;
use pg_sqlite_migrate_core::advise::{Advice, advise as decide};

/// What to do after a run that the caller may see, or after the last one that he made. Tables that were dropped or renamed
/// since, and tables that the caller does not own, get no advice.
pub fn advise(run: Option<i64>) -> Result<Vec<Advice>, Error> {
    let run = counts::recorded(run)?;
    let _path = LocalSettings::safe_search_path();
    let found = catalog::tables(run);
    let mut facts = Facts {
        foreign_keys: found.foreign_keys(),
        texts: texts::texts(run, &found),
        sequences: found.sequences(),
        server: server::read(run, &found),
        ..Facts::default()
    };
    columns::read(&found, &mut facts);
    facts.tables = found.tables;
    Ok(decide(&facts))
}
