//! The rows that a run wrote into tables which were there before: those that it added are deleted, those that it changed get
//! their former values back.

use pgrx::pg_sys;

use super::objects::{counted_rows, told_by_xmin};
use super::{Against, Done, Run, error};
use crate::error::Error;
use crate::import::load;
use crate::import::load::triggers::{self, DisabledTriggers};
use crate::pg::settings::{LocalSettings, Reads};
use crate::pg::spi::Row;
use crate::pg::{latest, reading, relation, rights, spi};
use pg_sqlite_migrate_core::finding::counted;
use pg_sqlite_migrate_core::sqltext::{ident, literal, qualified};
use pg_sqlite_migrate_core::value::Timezone;
use pgrx::PgSqlErrorCode as Code;

/// A table of the log.
pub(super) struct Table {
    schema: String,
    name: String,
    added: i64,
    updated: i64,
    state: State,
}

enum State {
    /// The table of the run, which is locked, as FROM names it.
    There(pg_sys::Oid, String),
    /// Nothing is taken back, for this reason.
    Kept(String),
}

/// The tables that the run loaded and that were there before. Those whose rows can be told are locked.
pub(super) fn found(run: &Run, against: &mut Against) -> Result<Vec<Table>, Error> {
    const TABLES: &str = "
        SELECT target_schema, target_table, imported, updated, existing, irreversible FROM sqlite_migrate.run_table
        WHERE run = $1 AND status = 'loaded' AND existing IS NOT NULL AND imported + updated > 0 ORDER BY ordinal DESC";
    let of_row = |row: &Row<'_>| {
        let table = Table {
            schema: row.get("target_schema"),
            name: row.get("target_table"),
            added: row.get("imported"),
            updated: row.get("updated"),
            state: State::Kept(row.get::<Option<String>>("irreversible").unwrap_or_default()),
        };
        (table, row.get::<pg_sys::Oid>("existing"))
    };
    let mut tables = vec![];
    for (mut table, oid) in spi::rows(TABLES, &[run.id.into()], of_row) {
        table.state = table.found(run, oid)?;
        if let State::Kept(why) = &table.state {
            against.add(format!("the rows of {} cannot be taken back: {why}", table.shown()));
        }
        tables.push(table);
    }
    Ok(tables)
}

impl Table {
    fn shown(&self) -> String {
        qualified(&self.schema, &self.name)
    }

    fn found(&self, run: &Run, oid: pg_sys::Oid) -> Result<State, Error> {
        if let State::Kept(why) = &self.state
            && !why.is_empty()
        {
            return Ok(State::Kept(why.clone()));
        }
        if !run.here {
            return Ok(State::Kept("the run's log is from another database".into()));
        }
        let is_it = || relation::find(&self.schema, &self.name) == Some(oid);
        if !is_it() {
            return Ok(State::Kept("it is not the table of the run any more".into()));
        }
        match rights::owns(oid) {
            true => relation::lock(oid),
            false => {
                spi::execute(&format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", self.shown()));
            }
        }
        if !is_it() {
            return Ok(State::Kept("it is not the table of the run any more".into()));
        }
        if !run.own && !reading::by_query(oid) {
            // What the run's own role consented to when it loaded the table is not another's consent.
            let why =
                "code of its owner would run with this role's rights: the run's own role can take them back";
            return Ok(State::Kept(why.into()));
        }
        Ok(match told_by_xmin(oid) {
            None => State::Kept("its rows do not tell who wrote them".into()),
            Some(from) => State::There(oid, from),
        })
    }
}

/// The rows are as the run left them, and nothing else would go with them.
pub(super) fn check(run: &Run, tables: &[Table], against: &mut Against) -> Result<(), Error> {
    if run.force {
        return Ok(());
    }
    for table in tables {
        let State::There(oid, _) = &table.state else { continue };
        let own = counted_rows(run, *oid).map_or(0, |rows| rows.own);
        let lost = table.added + table.updated - own;
        if lost != 0 {
            let told =
                counted(lost.unsigned_abs(), "row was changed or deleted", "rows were changed or deleted");
            against.add(format!("{}: {told} since", table.shown()));
        }
        if table.updated > 0 {
            let (kept, columns) = former(run, table);
            if kept != table.updated {
                let told = counted(table.updated.unsigned_abs(), "row has", "rows have");
                against.add(format!("{}: {told} no former values in the log", table.shown()));
            } else if columns.is_some_and(|columns| columns != load::columns(*oid)) {
                against.add(format!("{}: its columns have changed since", table.shown()));
            }
        }
        strangers(run, table, *oid, tables, against);
    }
    Ok(())
}

/// How many former rows the log has of a table, and with which columns.
fn former(run: &Run, table: &Table) -> (i64, Option<String>) {
    const FORMER: &str = "
        SELECT count(*) AS rows, min(columns) AS columns FROM sqlite_migrate.former
        WHERE run = $1 AND target_schema = $2 AND target_table = $3";
    let parameters = [run.id.into(), table.schema.as_str().into(), table.name.as_str().into()];
    spi::row(FORMER, &parameters, |row| (row.get("rows"), row.get("columns"))).unwrap_or_default()
}

/// Rows of others that refer to rows of the run by keys that would delete or change them stand against it, by table.
fn strangers(run: &Run, table: &Table, oid: pg_sys::Oid, tables: &[Table], against: &mut Against) {
    const KEYS: &str = "
        SELECT k.conrelid AS child, k.conrelid::regclass::text AS shown,
               (SELECT string_agg(format('p.%I OPERATOR(%I.%s) c.%I', pa.attname, n.nspname, o.oprname, ca.attname), ' AND ')
                FROM unnest(k.conkey, k.confkey, k.conpfeqop) AS u (c, p, op)
                JOIN pg_attribute ca ON ca.attrelid = k.conrelid AND ca.attnum = u.c
                JOIN pg_attribute pa ON pa.attrelid = k.confrelid AND pa.attnum = u.p
                JOIN pg_operator o ON o.oid = u.op JOIN pg_namespace n ON n.oid = o.oprnamespace) AS equal
        FROM pg_constraint k
        WHERE k.contype = 'f' AND k.confrelid = $1 AND k.conparentid = 0 AND k.confdeltype IN ('c', 'n', 'd')
        ORDER BY 2";
    let State::There(_, from) = &table.state else { return };
    let keys = spi::rows(KEYS, &[oid.into()], |row| {
        (row.get::<pg_sys::Oid>("child"), row.get::<String>("shown"), row.get::<String>("equal"))
    });
    // A row that gets its former values back stays.
    let stays = match key_of_former(run, table).filter(|_| table.updated > 0) {
        Some(key) => {
            format!("AND NOT EXISTS (SELECT FROM {} WHERE {})", former_rows(run, table), same_key(&key, "p"))
        }
        None => String::new(),
    };
    let _plain = reading_former();
    for (child, shown, equal) in keys {
        // Rows that the caller cannot look at stand against it as well as those that are there.
        let (Some(of), true) = (told_by_xmin(child), reading::by_query(child)) else {
            against.add(format!(
                "rows of {shown} may refer to rows of {}, and cannot be counted",
                table.shown()
            ));
            continue;
        };
        let goes_too = tables.iter().any(|t| matches!(&t.state, State::There(oid, _) if *oid == child));
        let not_ours = match goes_too {
            true => format!("AND NOT ({})", run.wrote("c")),
            false => String::new(),
        };
        let sql = format!(
            "SELECT count(*) FROM {of} AS c JOIN {from} AS p ON {equal} WHERE {} {not_ours} {stays}",
            run.wrote("p")
        );
        let rows: i64 = latest::values(&sql).pop().unwrap_or(0);
        if rows > 0 {
            let told = counted(rows.unsigned_abs(), "row refers", "rows refer");
            against.add(format!(
                "{shown}: {told} to rows of {} and would go or change with them",
                table.shown()
            ));
        }
    }
}

/// Gives changed rows their former values, then deletes those that were added: all of them in one statement, since keys among
/// the tables may point in any direction.
pub(super) fn take_back(run: &Run, tables: &[Table]) -> Result<Vec<Done>, Error> {
    let mut done = vec![];
    let there: Vec<(&Table, pg_sys::Oid, &str)> = tables
        .iter()
        .filter_map(|table| match &table.state {
            State::There(oid, from) => Some((table, *oid, from.as_str())),
            State::Kept(_) => None,
        })
        .collect();
    let mut disabled: Vec<DisabledTriggers> = vec![];
    for (table, _, _) in &there {
        disabled.push(triggers::disable(&table.schema, &table.name));
    }
    for (table, oid, from) in &there {
        if table.updated > 0 {
            let (kept, columns) = former(run, table);
            let same = columns.is_none_or(|columns| columns == load::columns(*oid));
            let rows = if kept > 0 && same { restore(run, table, *oid, from) } else { 0 };
            let detail = (rows != table.updated).then(|| {
                format!(
                    "{} of {} changed rows had their values from the run, and have former ones",
                    rows, table.updated
                )
            });
            done.push(Done {
                object: format!("table {}", table.shown()),
                action: "restored",
                rows: Some(rows),
                detail,
            });
        }
    }
    // Rows that the run changed and that could not be restored stay.
    let deletes: Vec<(&Table, &str)> = there
        .iter()
        .filter(|(table, oid, _)| table.added > 0 && only_added(run, table, *oid))
        .map(|(table, _, from)| (*table, *from))
        .collect();
    for (table, _, _) in there.iter().filter(|(table, _, _)| table.added > 0) {
        if !deletes.iter().any(|(of, _)| std::ptr::eq(*of, *table)) {
            let detail = Some("rows that were added cannot be told from those that were changed".to_owned());
            done.push(Done {
                object: format!("table {}", table.shown()),
                action: "kept",
                rows: Some(table.added),
                detail,
            });
        }
    }
    if !deletes.is_empty() {
        let steps: Vec<String> = (deletes.iter().enumerate())
            .map(|(at, (_, from))| {
                format!("d{at} AS (DELETE FROM {from} AS t WHERE {} RETURNING 1)", run.wrote("t"))
            })
            .collect();
        let counts: Vec<String> =
            (0..deletes.len()).map(|at| format!("(SELECT count(*) FROM d{at})")).collect();
        let sql = format!("WITH {} SELECT ARRAY[{}]", steps.join(", "), counts.join(", "));
        let counts: Vec<i64> = latest::written(&sql).unwrap_or_default();
        for ((table, _), rows) in deletes.iter().zip(counts) {
            if rows != table.added && !run.force {
                let message = format!("{}: {} of {} rows could be deleted", table.shown(), rows, table.added);
                return Err(error(Code::ERRCODE_TRIGGERED_ACTION_EXCEPTION, message, None, None));
            }
            let detail = (rows != table.added).then(|| format!("{} rows were added", table.added));
            done.push(Done {
                object: format!("table {}", table.shown()),
                action: "deleted",
                rows: Some(rows),
                detail,
            });
        }
    }
    disabled.into_iter().for_each(DisabledTriggers::restore);
    for table in tables {
        if let State::Kept(why) = &table.state {
            done.push(Done {
                object: format!("table {}", table.shown()),
                action: "kept",
                rows: Some(table.added + table.updated),
                detail: Some(why.clone()),
            });
        }
    }
    Ok(done)
}

/// Every row that the run wrote into tables which were there before was taken back.
pub(super) fn are_whole(tables: &[Table], done: &[Done]) -> bool {
    let written: i64 = tables.iter().map(|table| table.added + table.updated).sum();
    let taken_back = done.iter().filter(|done| matches!(done.action, "restored" | "deleted"));
    taken_back.filter_map(|done| done.rows).sum::<i64>() == written
}

/// No row that the run changed still bears its transaction's id.
fn only_added(run: &Run, table: &Table, oid: pg_sys::Oid) -> bool {
    table.updated == 0
        || counted_rows(run, oid).is_some_and(|rows| rows.own <= table.added) && former(run, table).0 > 0
}

/// Changed rows that are as the run left them get the values of their former rows; gives their number.
fn restore(run: &Run, table: &Table, oid: pg_sys::Oid, from: &str) -> i64 {
    const COLUMNS: &str = "
        SELECT a.attname::text FROM pg_attribute a
        WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity <> 'a'
        ORDER BY a.attnum";
    let Some(key) = key_of_former(run, table) else { return 0 };
    let columns: Vec<String> = spi::values(COLUMNS, &[oid.into()]);
    let set: Vec<String> = columns
        .iter()
        .filter(|name| !key.contains(name))
        .map(|name| format!("{0} = (f.former).{0}", ident(name)))
        .collect();
    if set.is_empty() {
        return 0;
    }
    let sql = format!(
        "WITH restored AS (UPDATE {from} AS t SET {} FROM {} WHERE {} AND {} RETURNING 1) SELECT count(*) FROM restored",
        set.join(", "),
        former_rows(run, table),
        same_key(&key, "t"),
        run.wrote("t")
    );
    let _plain = reading_former();
    latest::written(&sql).unwrap_or(0)
}

/// The key by which former rows are found; `None` where the log has none.
fn key_of_former(run: &Run, table: &Table) -> Option<Vec<String>> {
    const KEY: &str = "
        SELECT key_columns FROM sqlite_migrate.former
        WHERE run = $1 AND target_schema = $2 AND target_table = $3 LIMIT 1";
    let key: Vec<String> =
        spi::value(KEY, &[run.id.into(), table.schema.as_str().into(), table.name.as_str().into()])?;
    (!key.is_empty()).then_some(key)
}

/// For statements that join former rows. How many they are, the planner does not know, since nothing has analysed the log yet:
/// a nested loop over a few hundred thousand rows would take hours.
fn reading_former() -> Option<LocalSettings> {
    let settings = LocalSettings::reading(Reads::Styles, &Timezone::default())?;
    settings.set("enable_nestloop", "off");
    Some(settings)
}

/// Former rows of a table, for FROM: `f.former` is one. OFFSET 0: each text is read once.
fn former_rows(run: &Run, table: &Table) -> String {
    format!(
        "(SELECT former::{} AS former FROM sqlite_migrate.former
          WHERE run = {} AND target_schema = {} AND target_table = {} OFFSET 0) AS f",
        table.shown(),
        run.id,
        literal(&table.schema),
        literal(&table.name)
    )
}

/// The key of a row was not changed, and so its text is that of the former row.
fn same_key(key: &[String], alias: &str) -> String {
    let equal = key.iter().map(|name| format!("{alias}.{0}::text = (f.former).{0}::text", ident(name)));
    equal.collect::<Vec<_>>().join(" AND ")
}
