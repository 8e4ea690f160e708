//! `sqlite_rollback`: takes a recorded run back, in the caller's transaction and with the caller's rights.
//!
//! Everything is locked before it is looked at, and looked at before anything is changed. What the log names is compared with
//! what is there by oid and by name: an object that took another's name is not the run's. Rows are told by their xmin, which
//! only the run's own transactions have written; a run whose log was restored from a dump has neither.

mod altered;
mod objects;
mod rows;
mod sequences;

use pgrx::PgSqlErrorCode as Code;

use crate::error::Error;
use crate::import::log;
use crate::pg::settings::LocalSettings;
use crate::pg::{reading, spi, xact};

/// What was done, for one object or table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    pub object: String,
    pub action: &'static str,
    pub rows: Option<i64>,
    pub detail: Option<String>,
}

/// A run as its log has it.
pub(crate) struct Run {
    id: i64,
    /// As `int8multirange` spells it.
    transactions: String,
    /// Oids and transaction ids are those of this database.
    here: bool,
    /// The caller made it.
    own: bool,
    force: bool,
}

/// What stands against a rollback that is not forced.
#[derive(Default)]
struct Against(Vec<String>);

impl Against {
    fn add(&mut self, line: impl Into<String>) {
        self.0.push(line.into());
    }
}

impl Run {
    /// The condition that one of the run's transactions has written a row; `of` is the row's alias.
    fn wrote(&self, of: &str) -> String {
        match self.here {
            true => format!("{of}.xmin::text::bigint <@ '{}'::int8multirange", self.transactions),
            false => "false".into(),
        }
    }
}

/// Takes the run back; everything or nothing.
pub fn roll_back(run: Option<i64>, force: bool) -> Result<Vec<Done>, Error> {
    xact::refuse_read_only(c"sqlite_rollback()");
    let _path = LocalSettings::safe_search_path();
    // A table whose policies would hide rows from the caller is an error.
    let _guard = reading::guarded_with_views();
    let run = claimed(run, force)?;
    let mut against = Against::default();
    let objects = objects::found(&run, &mut against)?;
    let tables = rows::found(&run, &mut against)?;
    objects::check_definitions(&run, &objects, &mut against);
    objects::check_rows(&run, &objects, &mut against)?;
    rows::check(&run, &tables, &mut against)?;
    if !run.force && !against.0.is_empty() {
        return Err(refused(&run, &against.0));
    }
    let mut done = objects::drop(&run, objects)?;
    let taken_back = rows::take_back(&run, &tables)?;
    let whole = rows::are_whole(&tables, &taken_back);
    done.extend(taken_back);
    done.extend(sequences::set_back(&run, whole));
    Ok(done)
}

/// The run, which nobody else rolls back meanwhile.
fn claimed(run: Option<i64>, force: bool) -> Result<Run, Error> {
    /// Ids are told apart for two billion transactions.
    const RUN: &str = "
        SELECT id, own, status, rolled_back_at::text AS at, COALESCE(transactions::text, '{}') AS transactions,
               COALESCE(place = $2
                        AND pg_current_xact_id()::text::numeric - last_transaction::text::numeric < 2000000000, false) AS here
        FROM sqlite_migrate.run WHERE id = $1";
    let place = xact::place();
    let id = run.ok_or(Error::NoRun { run: None })?;
    let found = spi::row(RUN, &[id.into(), place.as_str().into()], |row| {
        let at = row.get::<Option<String>>("at").unwrap_or_default();
        let of = Run {
            id,
            transactions: row.get("transactions"),
            here: row.get("here"),
            own: row.get("own"),
            force,
        };
        (row.get::<String>("status"), at, of)
    });
    let (status, at, of) = found.ok_or(Error::NoRun { run })?;
    match status.as_str() {
        "rolled back" => {
            return Err(prerequisite(
                format!("run {id} was rolled back already"),
                Some(format!("That was at {at}.")),
                None,
            ));
        }
        "running" => return Err(prerequisite(format!("run {id} has not ended"), None, None)),
        _ => {}
    }
    if !log::roll_back(id) {
        let message = format!("run {id} cannot be rolled back by this role");
        let detail = "It was made by another role, or is being rolled back.".into();
        let hint = "A run is rolled back by the role that made it, or by a superuser.".into();
        return Err(error(Code::ERRCODE_INSUFFICIENT_PRIVILEGE, message, Some(detail), Some(hint)));
    }
    Ok(of)
}

fn refused(run: &Run, against: &[String]) -> Error {
    const SHOWN: usize = 100;
    let message = format!("run {} cannot be rolled back without a loss", run.id);
    let mut lines: Vec<String> = against.iter().take(SHOWN).map(|line| format!("{line}.")).collect();
    if against.len() > SHOWN {
        lines.push(format!("And {} more.", against.len() - SHOWN));
    }
    let hint = format!(
        "What has changed since can be taken along by sqlite_export(path, run => {0}). To lose it, run sqlite_rollback({0}, force => true).",
        run.id
    );
    prerequisite(message, Some(lines.join("\n")), Some(hint))
}

fn prerequisite(message: String, detail: Option<String>, hint: Option<String>) -> Error {
    error(Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, message, detail, hint)
}

fn error(sqlstate: Code, message: String, detail: Option<String>, hint: Option<String>) -> Error {
    Error::Foreign { sqlstate, message, detail, hint }
}
