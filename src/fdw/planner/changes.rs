//! Does the query change tables of a server that it also reads?
//!
//! SQLite shows a connection what it has just written, where PostgreSQL's scans go on seeing the rows of before. So
//! such a query reads a table once, and its later looks are into the rows that were kept. For that no scan may depend
//! on what another node of the plan sets: as the inner side of a nested loop, or in a subquery, it would start anew.

use pgrx::pg_sys;

use super::modify;
use crate::pg::foreign::ForeignServer;
use crate::pg::nodes;

/// The query that is being planned, or one of those that it is a part of, changes the server's tables.
///
/// # Safety
/// `root` is the planner's.
pub(crate) unsafe fn of_server(root: *mut pg_sys::PlannerInfo, server: pg_sys::Oid) -> bool {
    // SAFETY: the planner's structures; a query's parents are planned as long as it is.
    unsafe {
        let mut root = root;
        while !root.is_null() {
            let query = &*(*root).parse;
            // Only the topmost query has WITH queries that change something.
            let with = nodes::items::<pg_sys::CommonTableExpr>(query.cteList).map(|with| (*with).ctequery);
            let mut all = with.filter(|node| nodes::is(*node, pg_sys::NodeTag::T_Query));
            if of_query(query, server) || all.any(|node| of_query(&*node.cast(), server)) {
                return true;
            }
            root = (*root).parent_root;
        }
        false
    }
}

unsafe fn of_query(query: &pg_sys::Query, server: pg_sys::Oid) -> bool {
    if query.resultRelation < 1 {
        return false;
    }
    // SAFETY: a target is in the query's range table.
    unsafe {
        let target = modify::nth::<pg_sys::RangeTblEntry>(query.rtable, query.resultRelation - 1).as_ref();
        target.is_some_and(|entry| {
            is_of(entry, server)
                // The planner has looked whether it has children, but not yet in a WITH query.
                || entry.relkind as u8 == pg_sys::RELKIND_RELATION && entry.inh
        })
    }
}

/// A foreign table of the server, or something that may have one as a partition.
unsafe fn is_of(entry: &pg_sys::RangeTblEntry, server: pg_sys::Oid) -> bool {
    match entry.relkind as u8 {
        // SAFETY: the relation is locked by the query.
        pg_sys::RELKIND_FOREIGN_TABLE => unsafe { pg_sys::GetForeignServerIdByRelId(entry.relid) == server },
        kind => kind == pg_sys::RELKIND_PARTITIONED_TABLE,
    }
}

/// The running query changes tables of the server, or may do so through a partition.
///
/// # Safety
/// `estate` is a running query's.
pub(crate) unsafe fn of_running(server: &ForeignServer, estate: *mut pg_sys::EState) -> bool {
    // SAFETY: the statement and its range table are there while a scan is initialised; indexes in it count from 1.
    unsafe {
        let statement = (*estate).es_plannedstmt;
        if statement.is_null() || (*statement).resultRelations.is_null() {
            return false;
        }
        let range_table = (*estate).es_range_table;
        nodes::integers((*statement).resultRelations)
            .filter_map(|index| modify::nth::<pg_sys::RangeTblEntry>(range_table, index - 1).as_ref())
            .any(|entry| is_of(entry, server.oid))
    }
}

/// A scan that is being initialised may have to give its rows again: its flags say so, or it belongs to a subplan, all of
/// which are initialised before the plan itself.
///
/// # Safety
/// As `of_running`; `flags` are those of the scan.
pub(crate) unsafe fn may_read_again(estate: *mut pg_sys::EState, flags: i32) -> bool {
    // SAFETY: a running query has its statement, and lists of the states that it has initialised so far.
    unsafe {
        let all = nodes::length((*(*estate).es_plannedstmt).subplans);
        flags & pg_sys::EXEC_FLAG_REWIND as i32 != 0 || nodes::length((*estate).es_subplanstates) < all
    }
}
