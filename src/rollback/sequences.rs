//! The sequences of existing tables that a run moved: each is set back, unless it has moved on since.

use pgrx::pg_sys;

use super::{Done, Run};
use crate::pg::{rights, spi};

/// Sets them back; one that gave numbers away since stays, and so does one that only its owner could set. Unless `whole`, rows
/// of the run have stayed, and may bear numbers that a sequence would give away once more.
pub(super) fn set_back(run: &Run, whole: bool) -> Vec<Done> {
    const SEQUENCES: &str = "
        SELECT identity, object, last_value, is_called, run_value, run_is_called,
               (SELECT i.identity FROM pg_identify_object('pg_class'::regclass, object, 0) AS i WHERE i.type = 'sequence') AS now
        FROM sqlite_migrate.sequence WHERE run = $1 ORDER BY identity";
    let moved = spi::rows(SEQUENCES, &[run.id.into()], |row| Moved {
        identity: row.get("identity"),
        now: row.get("now"),
        oid: row.get("object"),
        former: (row.get("last_value"), row.get("is_called")),
        of_run: (row.get("run_value"), row.get("run_is_called")),
    });
    moved.into_iter().map(|sequence| one(run, sequence, whole)).collect()
}

struct Moved {
    identity: String,
    now: Option<String>,
    oid: pg_sys::Oid,
    former: (i64, bool),
    of_run: (i64, bool),
}

fn one(run: &Run, moved: Moved, whole: bool) -> Done {
    let said = |action, detail: Option<&str>| Done {
        object: format!("sequence {}", moved.identity),
        action,
        rows: None,
        detail: detail.map(str::to_owned),
    };
    if !run.here || moved.now.as_ref() != Some(&moved.identity) {
        return said("gone", None);
    }
    if !whole {
        return said("kept", Some("rows of the run that have stayed may bear its numbers"));
    }
    if !rights::owns(moved.oid) {
        return said("kept", Some("only its owner can set it"));
    }
    let stands = || {
        let sql = format!("SELECT last_value, is_called FROM {}", moved.identity);
        spi::row(&sql, &[], |row| (row.get::<i64>("last_value"), row.get::<bool>("is_called")))
    };
    // Changes nothing, and locks: no other session takes a number between the look and the move.
    let cache: i64 =
        spi::value("SELECT seqcache FROM pg_sequence WHERE seqrelid = $1", &[moved.oid.into()]).unwrap_or(1);
    spi::execute(&format!("ALTER SEQUENCE {} CACHE {cache}", moved.identity));
    if stands() != Some(moved.of_run) {
        return said("kept", Some("it gave numbers away since"));
    }
    let (value, is_called) = moved.former;
    // ROLLBACK undoes it: ALTER SEQUENCE has made the sequence's storage anew, which setval() then writes to.
    spi::execute(&format!("ALTER SEQUENCE {} RESTART WITH {value}", moved.identity));
    if is_called {
        spi::any("SELECT setval($1::oid::regclass, $2, true)", &[moved.oid.into(), value.into()]);
    }
    said("set back", Some(&format!("it stands at {value} again")))
}
