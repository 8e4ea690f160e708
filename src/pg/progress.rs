//! Progress of a load in `pg_stat_progress_copy`, which every session can read.
//!
//! The parameters up to 6 are COPY's own (commands/progress.h); those from 10 on are read by the view
//! `sqlite_migrate.progress`, which recognises imports by the magic number.

use pgrx::pg_sys;

const BYTES_PROCESSED: i32 = 0;
const TUPLES_PROCESSED: i32 = 2;
const TUPLES_EXCLUDED: i32 = 3;
const COMMAND: i32 = 4;
const TYPE: i32 = 5;
const MAGIC: i32 = 10;
const RUN: i32 = 11;
const TABLE_NUMBER: i32 = 12;
const TABLES: i32 = 13;
const TUPLES_TOTAL: i32 = 14;
const STARTED_AT: i32 = 15;

const COMMAND_FROM: i64 = 1;
const TYPE_CALLBACK: i64 = 4;
/// "SQLite" in ASCII; the view `sqlite_migrate.progress` looks for it.
pub const MAGIC_NUMBER: i64 = 0x5351_4c69_7465;

/// What is being loaded.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub relation: pg_sys::Oid,
    pub run: i64,
    /// Counted from 1.
    pub table_number: i64,
    pub tables: i64,
    /// Rows expected, 0 when unknown.
    pub tuples_total: i64,
}

/// A running command, shown until this is dropped or the transaction aborts.
pub struct Progress {
    load: Load,
    /// Microseconds since 2000-01-01.
    started_at: i64,
}

impl Progress {
    pub fn start(load: Load) -> Progress {
        // SAFETY: no arguments.
        let progress = Progress { load, started_at: unsafe { pg_sys::GetCurrentTimestamp() } };
        progress.resume();
        progress
    }

    /// Shows the command again. The rollback of a subtransaction has ended it.
    pub fn resume(&self) {
        // SAFETY: writes this backend's own status entry.
        unsafe {
            pg_sys::pgstat_progress_start_command(
                pg_sys::ProgressCommandType::PROGRESS_COMMAND_COPY,
                self.load.relation,
            );
        }
        for (index, value) in [
            (COMMAND, COMMAND_FROM),
            (TYPE, TYPE_CALLBACK),
            (MAGIC, MAGIC_NUMBER),
            (RUN, self.load.run),
            (TABLE_NUMBER, self.load.table_number),
            (TABLES, self.load.tables),
            (TUPLES_TOTAL, self.load.tuples_total),
            (STARTED_AT, self.started_at),
        ] {
            set(index, value);
        }
    }

    pub fn update(&self, bytes: u64, tuples: u64, excluded: u64) {
        set(BYTES_PROCESSED, bytes as i64);
        set(TUPLES_PROCESSED, tuples as i64);
        set(TUPLES_EXCLUDED, excluded as i64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: ends the command that `start` began; the abort does so otherwise.
            unsafe { pg_sys::pgstat_progress_end_command() };
        }
    }
}

fn set(index: i32, value: i64) {
    // SAFETY: the index is below PGSTAT_NUM_PROGRESS_PARAM (20).
    unsafe { pg_sys::pgstat_progress_update_param(index, value) };
}
