//! What becomes of a row whose key exists: INSERT OR …, REPLACE, `UNIQUE … ON CONFLICT …` of the table, ON CONFLICT.

use sqlite3_parser::ast::{Expr, ResolveType, SortedColumn, Upsert, UpsertDo};

use super::super::scope::Level;
use super::super::writable::{Arbiter, Resolve, UniqueKey, Unset};
use super::rows::becomes_default;
use super::target::Target;
use crate::sqltext::{ident, ident_list};
use crate::translate::Untranslatable;
use crate::translate::expr::Walk;
use crate::translate::node::{Result, refuse};

/// What an INSERT does about rows whose key exists.
pub(super) enum Conflict {
    /// Nothing, or this clause.
    Clause(String),
    /// It deletes the rows with one of these keys first, by the places of their columns.
    Delete(Vec<Vec<usize>>),
}

/// What rows give a column.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    /// The column is not named.
    Not,
    /// NULL, in every row.
    Null,
    Value,
}

/// The statement's own clause counts before that of the table.
pub(super) fn resolve_of(or: Option<ResolveType>, own: Resolve) -> Resolve {
    match or {
        None => own,
        Some(ResolveType::Ignore) => Resolve::Ignore,
        Some(ResolveType::Replace) => Resolve::Replace,
        Some(ResolveType::Abort | ResolveType::Fail | ResolveType::Rollback) => Resolve::Error,
    }
}

impl<'s> Walk<'s> {
    /// By INSERT OR …, and by the clauses of the table's declaration.
    pub(super) fn conflict(
        &mut self,
        target: &Target<'s>,
        or: Option<ResolveType>,
        given: &[Given],
        rows: bool,
    ) -> Result<Conflict> {
        let may = |key: &&UniqueKey| may_conflict(target, key, given);
        let keys: Vec<&'s UniqueKey> = target.keys.iter().filter(may).collect();
        let by = |wanted: Resolve| -> Vec<&'s UniqueKey> {
            keys.iter().filter(|key| resolve_of(or, key.resolve) == wanted).copied().collect()
        };
        let (ignored, replaced, errors) = (by(Resolve::Ignore), by(Resolve::Replace), by(Resolve::Error));
        for key in ignored.iter().chain(&replaced) {
            if key.arbiter == Arbiter::Missing {
                return refuse(format!(
                    "a conflict of {}, which PostgreSQL's table has not",
                    named(target, key)
                ));
            }
        }
        match (ignored.as_slice(), replaced.as_slice()) {
            ([], []) => Ok(Conflict::Clause(String::new())),
            (_, []) if errors.is_empty() => Ok(Conflict::Clause(" ON CONFLICT DO NOTHING".into())),
            ([key], []) => {
                self.note("a row that breaks the key which ignores conflicts and another one is left out, where SQLite may find the other one first");
                Ok(Conflict::Clause(match &key.arbiter {
                    Arbiter::Index(arbiter) => format!(" ON CONFLICT {arbiter} DO NOTHING"),
                    Arbiter::Exclusion(name) => {
                        format!(" ON CONFLICT ON CONSTRAINT {} DO NOTHING", ident(name))
                    }
                    Arbiter::Missing => String::new(),
                }))
            }
            ([], _) => self.replaced(target, &replaced, rows),
            _ => {
                let names: Vec<String> =
                    ignored.iter().chain(&replaced).chain(&errors).map(|key| named(target, key)).collect();
                refuse(format!(
                    "several keys of which each resolves its conflicts in another way: {}",
                    names.join(", ")
                ))
            }
        }
    }

    /// The row that exists becomes the new one; with several keys the rows that exist are deleted first.
    fn replaced(&mut self, target: &Target<'s>, keys: &[&'s UniqueKey], rows: bool) -> Result<Conflict> {
        self.note_replaced(target, matches!(keys, [UniqueKey { arbiter: Arbiter::Index(_), .. }]));
        if let [UniqueKey { arbiter: Arbiter::Index(arbiter), .. }] = keys {
            if rows {
                self.note(TWICE);
            }
            let written = target.fields.iter().filter(|field| !field.generated && !field.missing);
            let sets: Vec<String> =
                written.map(|field| format!("{0} = \"excluded\".{0}", ident(&field.target))).collect();
            return Ok(Conflict::Clause(format!(" ON CONFLICT {arbiter} DO UPDATE SET {}", sets.join(", "))));
        }
        let mut places = vec![];
        for key in keys {
            match &key.columns {
                Some(columns) if !key.partial && key.plain => places.push(columns.clone()),
                _ => return refuse(format!("REPLACE by {} beside another key", named(target, key))),
            }
        }
        if rows {
            self.note(
                "two of the rows that are written with one key are an error, where SQLite keeps the last",
            );
        }
        Ok(Conflict::Delete(places))
    }

    /// The row that exists is updated, or deleted before the new one is inserted.
    pub(super) fn note_replaced(&mut self, target: &Target<'s>, updated: bool) {
        let Some(facts) = target.facts else { return };
        if facts.triggers {
            self.note(match updated {
                true => "for a row that is replaced its UPDATE triggers fire, where SQLite fires the AFTER INSERT triggers of the new row",
                false => "for a row that is replaced its DELETE triggers fire, which SQLite does only with PRAGMA recursive_triggers",
            });
        }
        if facts.referred {
            self.note(match updated {
                true => "rows that refer to a replaced row stay, or follow its key by ON UPDATE; with PRAGMA foreign_keys SQLite deletes it first, by ON DELETE, and without leaves them alone",
                false => "rows that refer to a replaced row are treated by ON DELETE, as SQLite does with PRAGMA foreign_keys; without, it leaves them alone",
            });
        }
        if facts.extra {
            self.note("columns that the file's table has not keep their values in a row that is replaced");
        }
    }

    /// ON CONFLICT clauses.
    pub(super) fn upsert(
        &mut self,
        target: &Target<'s>,
        upsert: &'s Upsert<'s>,
        rows: bool,
    ) -> Result<String> {
        let mut clauses = vec![upsert];
        while let Some(next) = clauses.last().and_then(|clause| clause.next) {
            clauses.push(next);
        }
        if target.keys.iter().any(|key| key.resolve != Resolve::Error) {
            return refuse("ON CONFLICT over a table whose keys resolve conflicts themselves");
        }
        let nothing = |clause: &&Upsert<'_>| matches!(clause.do_clause, UpsertDo::Nothing);
        if let [_, _, ..] = clauses.as_slice() {
            let mut named = vec![];
            for clause in &clauses {
                named.push(self.arbiter(target, clause)?);
            }
            let all = |key: &UniqueKey| named.iter().any(|n| n.is_none_or(|n| std::ptr::eq(n, key)));
            return match clauses.iter().all(nothing) && target.keys.iter().all(all) {
                true => Ok(" ON CONFLICT DO NOTHING".into()),
                false => Err(Untranslatable {
                    reason:
                        "several ON CONFLICT clauses that do different things, of which PostgreSQL has one"
                            .into(),
                    near: clauses.iter().skip(1).find_map(|clause| {
                        column_name(clause.index.as_ref()?.targets.first()?).map(str::to_owned)
                    }),
                }),
            };
        }
        let key = self.arbiter(target, upsert)?;
        let UpsertDo::Set { sets, where_clause } = &upsert.do_clause else {
            return Ok(match key.map(|key| &key.arbiter) {
                None | Some(Arbiter::Missing) => " ON CONFLICT DO NOTHING".into(),
                Some(Arbiter::Index(arbiter)) => format!(" ON CONFLICT {arbiter} DO NOTHING"),
                Some(Arbiter::Exclusion(name)) => {
                    format!(" ON CONFLICT ON CONSTRAINT {} DO NOTHING", ident(name))
                }
            });
        };
        let key = match (key, target.keys) {
            (Some(key), _) | (None, [key]) => key,
            _ => return refuse("DO UPDATE without a key, of a table with several"),
        };
        let Arbiter::Index(arbiter) = &key.arbiter else {
            return refuse(format!("DO UPDATE by {}, which is no btree in PostgreSQL", named(target, key)));
        };
        if rows {
            self.note(TWICE);
        }
        let excluded = target.excluded(&self.program()?.schema.timezone);
        let relations = vec![target.visible.clone(), excluded];
        self.program()?.levels.push(Level { relations, ..Level::default() });
        let sets = self.sets(target, sets);
        let condition = self.condition(where_clause.as_ref());
        self.program()?.levels.pop();
        Ok(format!(" ON CONFLICT {arbiter} DO UPDATE SET {}{}", sets?.sql, condition?))
    }

    /// The key that a clause names; none of a clause that names none.
    fn arbiter(&mut self, target: &Target<'s>, upsert: &'s Upsert<'s>) -> Result<Option<&'s UniqueKey>> {
        let Some(index) = &upsert.index else { return Ok(None) };
        let mut places = vec![];
        for column in index.targets {
            match column_name(column) {
                Some(name) => places.push(target.place(name)?),
                None => return refuse("ON CONFLICT by a key over expressions"),
            }
        }
        let same = |columns: &Vec<usize>| {
            columns.iter().all(|at| places.contains(at)) && places.iter().all(|at| columns.contains(at))
        };
        let is = |key: &&UniqueKey| {
            key.columns.as_ref().is_some_and(same) && (!key.partial || index.where_clause.is_some())
        };
        let found: Vec<&'s UniqueKey> = target.keys.iter().filter(is).collect();
        let Some(key) = found.first().copied() else {
            return refuse("ON CONFLICT names no key of the table");
        };
        // A condition or a collation tells which of them is meant.
        if found.len() > 1 && found.iter().any(|key| key.partial || !key.plain) {
            return refuse(format!(
                "ON CONFLICT by one of several keys over the same columns: {}",
                named(target, key)
            ));
        }
        if key.arbiter == Arbiter::Missing {
            return refuse(format!(
                "ON CONFLICT by {}, which PostgreSQL's table has not",
                named(target, key)
            ));
        }
        Ok(Some(key))
    }
}

const TWICE: &str = "no two of the rows that are written have one key, which is an error";

/// Whether a row may have a key that exists: not if the column is numbered by the table itself, or NULL.
fn may_conflict(target: &Target<'_>, key: &UniqueKey, given: &[Given]) -> bool {
    let apart = |at: &usize| {
        let unset = target.fields[*at].unset;
        if target.fields[*at].generated {
            return false;
        }
        match given.get(*at) {
            Some(Given::Not) | None => matches!(unset, Unset::Number | Unset::Null),
            // Of a NOT NULL column it may become the default.
            Some(Given::Null) => !becomes_default(&target.fields[*at]) || unset == Unset::Number,
            Some(Given::Value) => false,
        }
    };
    !key.columns.as_ref().is_some_and(|columns| columns.iter().any(apart))
}

/// `the key over (a, b)`
fn named(target: &Target<'_>, key: &UniqueKey) -> String {
    match &key.columns {
        Some(columns) => {
            let names = columns.iter().map(|at| target.fields[*at].name.as_str());
            format!("the key over ({})", ident_list(names))
        }
        None => "a key over expressions".into(),
    }
}

fn column_name<'s>(column: &'s SortedColumn<'s>) -> Option<&'s str> {
    let e = match &column.expr {
        Expr::Collate(inner, _) => inner,
        other => other,
    };
    match e {
        Expr::Id(id) => Some(id.0),
        Expr::Name(name) => Some(name.0),
        _ => None,
    }
}
