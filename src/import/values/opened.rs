//! A file that is compared with what a run has made of it, and what the run log keeps of that.

use super::recorded::{self, Recorded};
use super::{Asked, record, tables};
use crate::error::Error;
use crate::import::about::{About, invalid};
use crate::import::log;
use crate::import::survey::{self, Survey};
use crate::pg::{interrupts, spi};
use crate::verify::values::{Kept, Sink, Verified, Wish, report};
use pg_sqlite_migrate_core::finding::counted;
use pg_sqlite_migrate_core::plan::{LoadSpec, Planned};
use pg_sqlite_migrate_core::sqltext::qualified;
use pg_sqlite_migrate_core::verify::sample;

/// A file and what is to be verified of it.
pub(super) struct Opened {
    pub(super) survey: Survey,
    pub(super) run: Option<Recorded>,
    pub(super) tables: Vec<String>,
}

/// What an earlier verification has found of a table.
pub(super) struct Earlier {
    pub(super) schema: String,
    pub(super) table: String,
    pub(super) keys: Vec<sample::Key>,
    /// Rows whose keys were not kept.
    pub(super) others: i64,
}

impl Earlier {
    pub(super) fn is_of(&self, spec: &LoadSpec) -> bool {
        (&self.schema, &self.table) == (&spec.schema, &spec.target)
    }
}

impl Opened {
    pub(super) fn new(asked: Asked<'_>) -> Result<Opened, Error> {
        let tables: Option<Vec<String>> = asked.tables.unwrap_or_default().into_iter().collect();
        let tables = tables.ok_or_else(|| invalid("tables", "a name is NULL", super::NAMES))?;
        let About { run, path, plan } = About::of(asked.of)?;
        let run = run.map(|run| Recorded {
            run: run.id,
            columns: recorded::columns(plan.as_ref()),
            tables: recorded::logged(run.id),
            source: run.source,
        });
        let survey = survey::survey(Some(&path), plan)?;
        if let Some(run) = &run {
            tell_if_changed(&survey, run);
        }
        Ok(Opened { survey, run, tables })
    }

    pub(super) fn compare<S: Sink>(
        &mut self,
        wish: impl Fn(&LoadSpec) -> Option<Wish>,
        stop_after: Option<u64>,
        sink: impl Fn(&Planned, &LoadSpec) -> S,
    ) -> Result<Vec<Verified<S>>, Error> {
        let Some(asked) = self.asked_tables() else { return Ok(vec![]) };
        let verified = tables::of_survey(&mut self.survey, self.run.as_ref(), &asked, wish, stop_after, sink);
        // An error may come of a file that was changed while it was read: that is the error then.
        self.survey.source.prove()?;
        verified
    }

    /// Keeps in the run log what was found.
    pub(super) fn keep<'v, S: 'v>(
        &self,
        rows: &[report::Row],
        compared: impl Iterator<Item = (&'v Verified<S>, &'v Kept)>,
    ) {
        let Some(run) = self.run.as_ref().map(|run| run.run) else { return };
        record(run, rows);
        for (table, kept) in compared {
            log::differences(run, (&table.schema, &table.table), &kept.keys, kept.others as i64);
        }
    }

    /// The same of rows that were looked at again: of the others nothing is new.
    pub(super) fn keep_again<'v, S: 'v>(
        &self,
        earlier: &[Earlier],
        compared: impl Iterator<Item = (&'v Verified<S>, &'v Kept)>,
    ) {
        let Some(run) = self.run.as_ref().map(|run| run.run) else { return };
        for (table, kept) in compared {
            let before = earlier.iter().find(|e| (&e.schema, &e.table) == (&table.schema, &table.table));
            let others = before.map_or(0, |before| before.others);
            log::differences(run, (&table.schema, &table.table), &kept.keys, others + kept.others as i64);
        }
    }

    /// What the last verification of the run has found.
    pub(super) fn earlier(&self) -> Result<Vec<Earlier>, Error> {
        let Some(run) = self.run.as_ref().map(|run| run.run) else {
            let hint = "Leave path and plan out, and give a run.";
            return Err(invalid("recheck", "only rows of a recorded run are kept", hint));
        };
        const VERIFIED: &str = "SELECT FROM sqlite_migrate.verification WHERE run = $1 AND kind = 'values'";
        if !spi::any(VERIFIED, &[run.into()]) {
            let hint = "Call verify_values() or verify_differences() as the role that made the run first.";
            return Err(invalid("recheck", "the run log has no verification of the run's values", hint));
        }
        let mut tables: Vec<Earlier> = vec![];
        let rows = spi::rows(
            "SELECT target_schema, target_table, key, rows FROM sqlite_migrate.difference WHERE run = $1
             ORDER BY target_schema, target_table",
            &[run.into()],
            |row| {
                let (schema, table): (String, String) = (row.get("target_schema"), row.get("target_table"));
                (schema, table, row.get::<Option<String>>("key"), row.get::<i64>("rows"))
            },
        );
        for (schema, table, key, rows) in rows {
            if tables.last().is_none_or(|last| (&last.schema, &last.table) != (&schema, &table)) {
                tables.push(Earlier { schema, table, keys: vec![], others: 0 });
            }
            let Some(last) = tables.last_mut() else { continue };
            match key.as_deref().and_then(sample::of_text) {
                Some(key) => last.keys.push(key),
                None => last.others += rows,
            }
        }
        for table in tables.iter().filter(|table| table.others > 0) {
            let (one, many) = (
                "row that was different is not looked at again",
                "rows that were different are not looked at again",
            );
            let others = counted(table.others.unsigned_abs(), one, many);
            let name = qualified(&table.schema, &table.table);
            interrupts::notice(&format!("{name}: {others}, because the run log does not have their keys"));
        }
        Ok(tables)
    }
}

/// Says that the file is no longer what the run has read, as far as its header tells.
pub(super) fn tell_if_changed(survey: &Survey, run: &Recorded) {
    let now = log::source(&survey.catalog, &survey.source);
    let changed = now.as_object().into_iter().flatten().filter_map(|(name, value)| {
        let then =
            run.source.get(name).filter(|then| !then.is_null() && !value.is_null() && *then != value)?;
        // A checkpoint makes a -wal smaller, and the file no other.
        let shrunk = name == "wal_bytes" && value.as_u64() < then.as_u64();
        (!shrunk).then(|| format!("{} is {value} and was {then}", name.replace('_', " ")))
    });
    let changed: Vec<String> = changed.collect();
    if !changed.is_empty() {
        interrupts::notice(&format!("the file has changed since run {}: {}", run.run, changed.join(", ")));
    }
}
