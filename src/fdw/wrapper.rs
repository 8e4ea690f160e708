//! The wrapper as both frames see it: supabase-wrappers' trait, which makes the handler, and
//! `seam::Wrapper` for everything that happens to a query.

use std::collections::HashMap;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{AllocatedByRust, pg_sys};
use supabase_wrappers::FdwRoutine;
use supabase_wrappers::prelude::*;

use super::import::{self, ImportOptions, Request};
use super::options::{self, Owner, ServerOptions};
use super::seam;
use super::seam::{Change, Commands, Direct, DirectTarget, Import, Reads, Relation, Server};
use super::{modify, relation, sample, scan};
use crate::error::Error;
use crate::guc;
use crate::pg::rights;
use pg_sqlite_migrate_core::remote::{Expr, Order, Remote, Select, Table, Tables, Var};
use pg_sqlite_migrate_core::remote::{deparse, shippable};

/// Reading and changing SQLite files as foreign tables.
pub struct PgSqliteFdw;

/// What supabase-wrappers asks for. Its scan path is never reached: `fdw_routine_hook` replaces it.
impl ForeignDataWrapper<Error> for PgSqliteFdw {
    fn new(_server: ForeignServer) -> Result<Self, Error> {
        Ok(PgSqliteFdw)
    }

    fn begin_scan(
        &mut self,
        _quals: &[Qual],
        _columns: &[Column],
        _sorts: &[Sort],
        _limit: &Option<Limit>,
        _options: &HashMap<String, String>,
    ) -> Result<(), Error> {
        Ok(())
    }

    fn iter_scan(&mut self, _row: &mut Row) -> Result<Option<()>, Error> {
        Ok(None)
    }

    fn end_scan(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn fdw_routine_hook(routine: &mut FdwRoutine<AllocatedByRust>) {
        super::routine::install::<PgSqliteFdw>(routine);
    }
}

/// Checks the options of a server, foreign table or column, and who may set them.
pub fn validate(options: &[String], catalog: Option<pg_sys::Oid>) -> Result<(), Error> {
    let Some(owner) = catalog.and_then(|oid| Owner::of_catalog(oid.to_u32())) else { return Ok(()) };
    options::validate(owner, options)?;
    // Whoever names a file reads it with the server's eyes, as with file_fdw.
    if owner == Owner::Server && !rights::may_read_server_files() {
        return Err(Error::NoFileAccess { role: rights::current_role() });
    }
    Ok(())
}

impl seam::Wrapper for PgSqliteFdw {
    type Scan = scan::Scan;
    type Modify = modify::Modify;

    fn pushdown() -> bool {
        guc::pushdown()
    }

    fn table(relation: &Relation) -> Result<Table, ErrorReport> {
        Ok(relation::table(relation)?)
    }

    fn ships_condition(expr: &Expr, tables: &Tables) -> bool {
        shippable::condition(expr, tables)
    }

    fn ships_value(expr: &Expr, tables: &Tables) -> bool {
        shippable::value(expr, tables)
    }

    fn ships_order(order: &Order, tables: &Tables) -> bool {
        shippable::order(order, tables)
    }

    fn is_indexable(var: Var, tables: &Tables) -> bool {
        shippable::is_indexable(var, tables)
    }

    fn deparse(select: &Select, tables: &Tables) -> Remote {
        deparse::select(select, tables)
    }

    fn import(server: &Server, statement: &Import) -> Result<Commands, ErrorReport> {
        let options = ImportOptions::parse(&statement.options)?;
        let request = Request { server: &server.name, statement, options };
        Ok(import::commands(&ServerOptions::of(server)?, &request)?)
    }

    fn begin_scan(server: &Server, remote: &Remote, reads: Reads) -> Result<scan::Scan, ErrorReport> {
        Ok(scan::Scan::begin(server, remote, reads)?)
    }

    fn check_writable(relation: &Relation) -> Result<(), ErrorReport> {
        Ok(modify::check_writable(relation)?)
    }

    fn updatable(relation: &Relation) -> Result<i32, ErrorReport> {
        Ok(modify::updatable(relation)?)
    }

    fn begin_modify(relation: &Relation, change: &Change) -> Result<modify::Modify, ErrorReport> {
        Ok(modify::Modify::begin(relation, change)?)
    }

    fn change_sql(relation: &Relation, change: &Change) -> Result<Option<String>, ErrorReport> {
        Ok(modify::change_sql(relation, change)?)
    }

    fn begin_direct(relation: &Relation, direct: &Direct) -> Result<scan::Scan, ErrorReport> {
        Ok(modify::begin_direct(relation, direct)?)
    }

    fn deparse_direct(target: &DirectTarget, tables: &Tables) -> Option<Direct> {
        let change = deparse::Change {
            relation: target.relation,
            set: (target.operation == seam::Operation::Update).then_some(&target.set),
            conditions: &target.conditions,
            returning: &target.returning,
        };
        let text = deparse::change(&change, tables)?;
        Some(Direct { remote: text.remote, operation: target.operation, stored: text.stored })
    }

    fn truncate(relation: &Relation, cascade: bool) -> Result<(), ErrorReport> {
        Ok(modify::truncate(relation, cascade)?)
    }

    fn batch_size(relation: &Relation) -> Result<i32, ErrorReport> {
        Ok(modify::batch_size(relation)?)
    }

    fn sample(relation: &Relation, rows: usize) -> Result<(Remote, f64), ErrorReport> {
        Ok(sample::sample(relation, rows)?)
    }
}
