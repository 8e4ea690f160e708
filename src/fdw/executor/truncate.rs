//! TRUNCATE.

use pgrx::pg_sys::panic::ErrorReportable;
use pgrx::{PgLogLevel, pg_guard, pg_sys};

use super::catalog;
use crate::fdw::planner::modify;
use crate::fdw::seam::Wrapper;
use crate::pg::nodes;

/// The tables of one server that one statement names.
#[pg_guard]
pub unsafe extern "C-unwind" fn exec_foreign_truncate<W: Wrapper>(
    relations: *mut pg_sys::List,
    behavior: pg_sys::DropBehavior::Type,
    restarts: bool,
) {
    if restarts {
        modify::unsupported("foreign tables support TRUNCATE with CONTINUE IDENTITY only")
            .report(PgLogLevel::ERROR);
    }
    let cascade = behavior == pg_sys::DropBehavior::DROP_CASCADE;
    // SAFETY: a list of open relations.
    let relations = unsafe { nodes::items::<pg_sys::RelationData>(relations) };
    for relation in relations {
        // SAFETY: as above.
        let relation = catalog::relation(unsafe { (*relation).rd_id });
        modify::refuse_view(&W::table(&relation).unwrap_or_report());
        W::truncate(&relation, cascade).unwrap_or_report();
    }
}
