//! INSERT and REPLACE.

use sqlite3_parser::ast::{ResolveType, Select, UpsertDo};

use super::super::scope::{Level, Visible};
use super::super::trigger::Event;
use super::super::writable::{Arbiter, Resolve, Unset};
use super::conflict::{Conflict, resolve_of};
use super::rows::{given, many};
use super::target::{Target, seen};
use super::{Insert, Source};
use crate::sqltext::{ident, ident_list};
use crate::translate::compare::{self, Op};
use crate::translate::expr::Walk;
use crate::translate::node::{Prec, Result, refuse};

impl<'s> Walk<'s> {
    pub(super) fn insert(&mut self, insert: &Insert<'s>) -> Result<String> {
        let with = self.leading(insert.with)?;
        let mut target = self.target(insert.table, Event::Insert)?;
        for field in target.fields.iter_mut().filter(|field| field.not_null) {
            field.on_null = resolve_of(insert.or, field.on_null);
        }
        let select = match insert.source {
            Source::Select(select) => Some(select),
            Source::Defaults => None,
        };
        let places = places(&target, insert)?;
        let updates = insert.upsert.is_some_and(|upsert| matches!(upsert.do_clause, UpsertDo::Set { .. }));
        self.note_insert(&target, (insert.or, updates), &places)?;
        let rows = select.is_some_and(many);
        let conflict = match insert.upsert {
            Some(_) if insert.or.is_some() => return refuse("INSERT OR … with ON CONFLICT"),
            Some(upsert) => Conflict::Clause(self.upsert(&target, upsert, rows)?),
            None => self.conflict(&target, insert.or, &given(&target, &places, select), rows)?,
        };
        self.inserted(insert, &target, places, conflict, with)
    }

    fn inserted(
        &mut self,
        insert: &Insert<'s>,
        target: &Target<'s>,
        places: Vec<usize>,
        conflict: Conflict,
        with: String,
    ) -> Result<String> {
        let sql = match (insert.source, &conflict) {
            (Source::Defaults, Conflict::Clause(clause)) => {
                format!("{with}INSERT INTO {} DEFAULT VALUES{clause}", target.sql)
            }
            (Source::Defaults, Conflict::Delete(_)) => return refuse("DEFAULT VALUES that replace rows"),
            (Source::Select(select), Conflict::Clause(clause)) => {
                let rows = self.rows_of(target, places, select, false)?;
                let names = names(target, &rows.places);
                format!("{with}INSERT INTO {} ({names}) {}{clause}", target.sql, rows.sql)
            }
            (Source::Select(select), Conflict::Delete(keys)) => {
                self.replacing(target, places, select, keys, &with)?
            }
        };
        let relations = vec![target.visible.clone()];
        self.program()?.levels.push(Level { relations, ..Level::default() });
        let returning = self.returning(insert.returning);
        self.program()?.levels.pop();
        Ok(sql + &returning?)
    }

    /// The rows that have one of the keys are deleted before the new ones are inserted, which wait for their number.
    fn replacing(
        &mut self,
        target: &Target<'s>,
        places: Vec<usize>,
        select: &'s Select<'s>,
        keys: &[Vec<usize>],
        with: &str,
    ) -> Result<String> {
        let rows = self.rows_of(target, places, select, true)?;
        let alias = self.program()?.alias("written");
        let (new, gone) = (ident(&alias), ident(&self.program()?.alias("replaced")));
        let timezone = &self.program()?.schema.timezone;
        let (own, other) = (&target.visible, seen(target.relation, "written", &alias, timezone));
        let mut conditions = vec![];
        for key in keys {
            let mut parts = vec![];
            for at in key {
                if !rows.places.contains(at) {
                    return refuse(format!(
                        "REPLACE by a key with column {}, which is left to its default",
                        target.fields[*at].name
                    ));
                }
                let node = |of: &Visible| of.columns[*at].node.clone();
                parts.push(compare::compare(node(own), Op::Eq, node(&other))?.at(Prec::Compare));
            }
            conditions.push(parts.join(" AND "));
        }
        let condition = match conditions.as_slice() {
            [one] => one.clone(),
            several => format!("({})", several.join(") OR (")),
        };
        let names = names(target, &rows.places);
        let values: Vec<String> =
            rows.places.iter().map(|at| format!("{new}.{}", ident(&target.fields[*at].target))).collect();
        let with = match with.trim_end() {
            "" => "WITH ".to_owned(),
            with => format!("{with}, "),
        };
        Ok(format!(
            "{with}{new} ({names}) AS ({}), {gone} AS (DELETE FROM {} USING {new} WHERE {condition} RETURNING 1) \
             INSERT INTO {} ({names}) SELECT {} FROM {new} WHERE (SELECT count(*) FROM {gone}) >= 0",
            rows.sql,
            target.sql,
            target.sql,
            values.join(", ")
        ))
    }

    /// What differs for rows that are not as the table wants them.
    fn note_insert(
        &mut self,
        target: &Target<'s>,
        (or, updates): (Option<ResolveType>, bool),
        places: &[usize],
    ) -> Result<()> {
        // DO UPDATE is an UPDATE OR ABORT to SQLite.
        let updates = updates.then_some(ResolveType::Abort);
        self.note_or(target, or.or(updates));
        let Some(facts) = target.facts else { return Ok(()) };
        let unnamed = |at: &usize| !places.contains(at) && !target.fields[*at].missing;
        let unnamed: Vec<usize> = (0..target.fields.len()).filter(unnamed).collect();
        for field in unnamed.iter().map(|at| &target.fields[*at]) {
            match (field.unset, field.generated) {
                (Unset::Lost, true) => {
                    return refuse(format!(
                        "column {} is computed in SQLite, and not in PostgreSQL",
                        field.name
                    ));
                }
                (Unset::Lost, false) => {
                    return refuse(format!(
                        "column {} is left to its default, which PostgreSQL's column has not",
                        field.name
                    ));
                }
                _ => {}
            }
        }
        if facts.defaults && unnamed.iter().any(|at| target.fields[*at].unset == Unset::Default) {
            self.note("columns that are not named get the defaults of PostgreSQL's table");
        }
        let written = || places.iter().map(|at| (*at, &target.fields[*at]));
        let nulls = |wanted: Resolve| {
            written().any(|(at, f)| f.not_null && f.on_null == wanted && target.visible.rowid != Some(at))
        };
        if nulls(Resolve::Ignore) || or == Some(ResolveType::Ignore) && facts.checked {
            self.note("a row that breaks NOT NULL or a CHECK is an error, where SQLite leaves it out");
        }
        if nulls(Resolve::Replace) {
            self.note(
                "a NULL that is computed for a NOT NULL column is an error, where SQLite takes the default",
            );
        }
        if facts.refers {
            self.note("foreign keys are checked, as SQLite does with PRAGMA foreign_keys");
        }
        if target.keys.iter().any(|key| key.arbiter == Arbiter::Missing) {
            self.note("a key of the file's table is not in PostgreSQL's, and is not checked");
        }
        Ok(())
    }
}

/// The columns that the statement names, or all that can be written.
fn places(target: &Target<'_>, insert: &Insert<'_>) -> Result<Vec<usize>> {
    match (insert.columns, insert.source) {
        (_, Source::Defaults) => Ok(vec![]),
        (Some(names), _) => {
            let places = names.iter().map(|name| target.writable(name.0)).collect::<Result<Vec<usize>>>()?;
            let twice = places.iter().enumerate().any(|(n, at)| places[..n].contains(at));
            if twice { refuse("a column that is named twice") } else { Ok(places) }
        }
        (None, _) => Ok((0..target.fields.len()).filter(|at| !target.fields[*at].generated).collect()),
    }
}

fn names(target: &Target<'_>, places: &[usize]) -> String {
    ident_list(places.iter().map(|at| &target.fields[*at].target))
}
