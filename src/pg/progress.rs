//! Progress of a load, a comparison or an export in `pg_stat_progress_copy`, which every session can read.
//!
//! The parameters up to 6 are COPY's own (commands/progress.h); those from 10 on are read by the view
//! `sqlite_migrate.progress`, which recognises this extension's commands by the magic number.

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
const WORK: i32 = 16;

const COMMAND_FROM: i64 = 1;
const COMMAND_TO: i64 = 2;
const TYPE_CALLBACK: i64 = 4;
/// "SQLite" in ASCII; the view `sqlite_migrate.progress` looks for it.
pub const MAGIC_NUMBER: i64 = 0x5351_4c69_7465;

/// What is done. The view `sqlite_migrate.progress` reads the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Work {
    #[default]
    Load = 0,
    Verify = 1,
    /// Rows are written into a SQLite file.
    Export = 2,
    /// The indexes of that file are built, of no table in particular.
    ExportIndexes = 3,
    /// SQLite checks the file.
    ExportCheck = 4,
}

impl Work {
    fn command(self) -> i64 {
        match self {
            Work::Load | Work::Verify => COMMAND_FROM,
            Work::Export | Work::ExportIndexes | Work::ExportCheck => COMMAND_TO,
        }
    }
}

/// A table whose rows are loaded, compared or exported.
#[derive(Debug, Clone, Copy, Default)]
pub struct Command {
    pub work: Work,
    /// `InvalidOid` where it is about none in particular.
    pub relation: pg_sys::Oid,
    /// 0 where there is none.
    pub run: i64,
    /// Counted from 1; 0 where they are not counted.
    pub table_number: i64,
    pub tables: i64,
    /// Rows expected, 0 when unknown.
    pub tuples_total: i64,
}

/// A running command, shown until this is dropped or the transaction aborts.
pub struct Progress {
    command: Command,
    /// Microseconds since 2000-01-01.
    started_at: i64,
}

impl Progress {
    pub fn start(command: Command) -> Progress {
        // SAFETY: no arguments.
        let progress = Progress { command, started_at: unsafe { pg_sys::GetCurrentTimestamp() } };
        progress.resume();
        progress
    }

    /// Shows the command again. The rollback of a subtransaction has ended it.
    pub fn resume(&self) {
        // SAFETY: writes this backend's own status entry.
        unsafe {
            pg_sys::pgstat_progress_start_command(
                pg_sys::ProgressCommandType::PROGRESS_COMMAND_COPY,
                self.command.relation,
            );
        }
        for (index, value) in [
            (COMMAND, self.command.work.command()),
            (TYPE, TYPE_CALLBACK),
            (MAGIC, MAGIC_NUMBER),
            (RUN, self.command.run),
            (TABLE_NUMBER, self.command.table_number),
            (TABLES, self.command.tables),
            (TUPLES_TOTAL, self.command.tuples_total),
            (STARTED_AT, self.started_at),
            (WORK, self.command.work as i64),
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
