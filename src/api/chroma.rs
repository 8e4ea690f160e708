//! `sqlite_chroma`: what is in a ChromaDB folder?

use pgrx::PgLogLevel;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::error::Error;
use crate::import::{source, survey};
use crate::pg::interrupts;
use crate::pg::text::Text;
use crate::sqlite;
use pg_sqlite_migrate_core::chroma::{Collection, unrecognised};
use pg_sqlite_migrate_core::shorten;

/// A row for each collection of a file of ChromaDB's, none for another file.
#[pg_extern(volatile, parallel_unsafe)]
fn sqlite_chroma(
    path: Option<Text>,
) -> Result<
    TableIterator<
        'static,
        (
            name!(name, Text),
            name!(tenant, Text),
            name!(database, Text),
            name!(source_table, Text),
            name!(dimension, Option<i64>),
            name!(space, Text),
            name!(records, i64),
            name!(vectors, i64),
            name!(missing, Vec<Text>),
            name!(location, Text),
            name!(version, Text),
            name!(detail, Option<Text>),
        ),
    >,
    ErrorReport,
> {
    let mut source = source::open_to_check(path.as_deref())?;
    let (catalog, version) = survey::on_thread(&mut source, |source| {
        let mut catalog = sqlite::catalog(source)?;
        sqlite::locate_vectors(source, &mut catalog, |_| true)?;
        Ok::<_, sqlite::Error>((catalog, sqlite::chroma_version(source)))
    })?;
    source.prove().map_err(Error::from)?;
    if let Some(why) = &catalog.unrecognised {
        interrupts::tell(PgLogLevel::WARNING, &unrecognised(why));
    }
    Ok(TableIterator::new(catalog.collections.into_iter().map(move |collection| {
        let detail = detail(&collection);
        let Collection { table, name, tenant, database, dimension, space, records, vectors, .. } = collection;
        let text = |text: &str| Text(shorten::text(text).into_owned());
        (
            text(&name),
            text(&tenant),
            text(&database),
            text(&table),
            dimension,
            Text::from(space.word()),
            records as i64,
            vectors.found() as i64,
            vectors.missing.iter().map(|id| text(id)).collect(),
            Text::from(vectors.place()),
            Text::from(version),
            detail.map(|detail| text(&detail)),
        )
    })))
}

fn detail(collection: &Collection) -> Option<String> {
    let lost = collection.vectors.why.as_ref().map(|why| format!("the index is lost: {why}"));
    let damaged = collection.damaged.as_ref().map(|why| format!("cannot be read: {why}"));
    collection.refused.clone().or(damaged).or(lost)
}
