//! What a connection knows of its file's schema, and whether that still holds; what plans were proven from it.
//!
//! A plan outlives the schema that it was made for. What it rests on is compared before it runs (`prove`), and a plan
//! whose proof fails is given up: the query fails once, and is planned anew. SQLite counts the changes of a schema in
//! the file's header. A file that was copied over another one may bear the same number, so the definitions themselves
//! are compared whenever somebody else has written.

use std::collections::HashSet;
use std::rc::Rc;

use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::Oid;

use super::{Connection, raised, snapshot_is_gone};
use crate::error::Error;
use crate::fdw::relation;
use crate::pg::{foreign, invalidation};
use crate::sqlite::{self, Session};
use pg_sqlite_migrate_core::catalog::Catalog;
use pg_sqlite_migrate_core::remote::Proof;

pub(super) struct Schema {
    /// Another one when somebody else has written.
    data_version: i64,
    version: i64,
    /// Of all definitions.
    digest: u64,
    /// Read where it is needed.
    catalog: Option<Rc<Catalog>>,
    proven: HashSet<Proof>,
}

/// What the check of the file's schema has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SchemaCheck {
    Known,
    /// SQLite itself still uses another schema, or other collections: the file has to be opened anew.
    SqliteOutdated,
}

impl Connection {
    /// Compares what is known with the file, in the session's snapshot.
    pub(super) fn check_schema(&self, session: &Session) -> Result<SchemaCheck, Error> {
        let data_version = session.data_version().map_err(raised)?;
        let known = self.with_schema(|schema| (schema.data_version, schema.version, schema.digest));
        if known.is_some_and(|(known, ..)| known == data_version) {
            return Ok(SchemaCheck::Known);
        }
        if known.is_some() && !session.source().shows_what_is_there().map_err(raised)? {
            return Ok(SchemaCheck::SqliteOutdated);
        }
        let version = session.schema_version().map_err(raised)?;
        let digest = session.schema_digest().map_err(raised)?;
        match known {
            Some((_, known, definitions)) if (known, definitions) == (version, digest) => {
                self.with_schema(|schema| schema.data_version = data_version);
            }
            Some((_, known, _)) if known == version => return Ok(SchemaCheck::SqliteOutdated),
            _ => {
                let schema =
                    Schema { data_version, version, digest, catalog: None, proven: HashSet::default() };
                if let Some(file) = &mut *self.file.borrow_mut() {
                    file.schema = Some(schema);
                }
            }
        }
        Ok(SchemaCheck::Known)
    }

    fn with_schema<T>(&self, f: impl FnOnce(&mut Schema) -> T) -> Option<T> {
        self.file.borrow_mut().as_mut().and_then(|file| file.schema.as_mut()).map(f)
    }

    pub(super) fn catalog(&self, session: &Session) -> Result<Rc<Catalog>, Error> {
        if let Some(catalog) = self.with_schema(|schema| schema.catalog.clone()).flatten() {
            return Ok(catalog);
        }
        let mut catalog = sqlite::catalog(session.source()).map_err(raised)?;
        sqlite::views_as_tables(session.source(), &mut catalog).map_err(raised)?;
        let catalog = Rc::new(catalog);
        self.with_schema(|schema| schema.catalog = Some(catalog.clone()));
        Ok(catalog)
    }

    /// What a plan rests on holds in the session's snapshot. Where it does not, the server's plans are given up.
    pub fn prove(&self, session: &Session, proofs: &[Proof]) -> Result<(), Error> {
        if self.check_schema(session)? == SchemaCheck::SqliteOutdated {
            return Err(snapshot_is_gone());
        }
        for proof in proofs {
            if self.with_schema(|schema| schema.proven.contains(proof)).unwrap_or(false) {
                continue;
            }
            let relation = foreign::table(Oid::from(proof.relation));
            let found = relation::table(&relation).map(|table| table.proof());
            if !found.as_ref().is_ok_and(|found| found == proof) {
                invalidation::replan();
                found?;
                return Err(Error::Foreign {
                    sqlstate: Code::ERRCODE_FEATURE_NOT_SUPPORTED,
                    message: format!(
                        "the SQLite file of foreign table \"{}\" has changed since the query was planned",
                        relation.name
                    ),
                    detail: Some("The plan was made for another definition of the table.".into()),
                    hint: Some("Run the query again; it will be planned again.".into()),
                });
            }
            self.with_schema(|schema| schema.proven.insert(*proof));
        }
        Ok(())
    }
}
