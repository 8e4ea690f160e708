//! What a writing statement and a trigger's command have in common.

use sqlite3_parser::ast::{
    DistinctNames, Expr, FromClause, Indexed, InsertBody, Limit, QualifiedName, ResolveType, ResultColumn,
    Select, Set, SortedColumn, Stmt, TriggerCmd, Upsert, UpsertDo, With,
};

use super::super::guard::Part;

/// A statement that writes, or such a command of a trigger.
pub(in crate::translate) enum Write<'s> {
    Insert(Insert<'s>),
    Update(Update<'s>),
    Delete(Delete<'s>),
}

pub(in crate::translate) struct Insert<'s> {
    pub with: Option<&'s With<'s>>,
    pub or: Option<ResolveType>,
    pub table: &'s QualifiedName<'s>,
    pub columns: Option<&'s DistinctNames<'s>>,
    pub source: Source<'s>,
    pub upsert: Option<&'s Upsert<'s>>,
    pub returning: &'s [ResultColumn<'s>],
}

#[derive(Clone, Copy)]
pub(in crate::translate) enum Source<'s> {
    Select(&'s Select<'s>),
    Defaults,
}

pub(in crate::translate) struct Update<'s> {
    pub with: Option<&'s With<'s>>,
    pub or: Option<ResolveType>,
    pub table: &'s QualifiedName<'s>,
    pub indexed: bool,
    pub sets: &'s [Set<'s>],
    pub from: Option<&'s FromClause<'s>>,
    pub condition: Option<&'s Expr<'s>>,
    pub returning: &'s [ResultColumn<'s>],
    pub order: &'s [SortedColumn<'s>],
    pub limit: Option<&'s Limit<'s>>,
}

pub(in crate::translate) struct Delete<'s> {
    pub with: Option<&'s With<'s>>,
    pub table: &'s QualifiedName<'s>,
    pub indexed: bool,
    pub condition: Option<&'s Expr<'s>>,
    pub returning: &'s [ResultColumn<'s>],
    pub order: &'s [SortedColumn<'s>],
    pub limit: Option<&'s Limit<'s>>,
}

impl<'s> Write<'s> {
    /// `None` of a statement that does not write rows.
    pub fn of_statement(stmt: &'s Stmt<'s>) -> Option<Write<'s>> {
        Some(match stmt {
            Stmt::Insert { with, or_conflict, tbl_name, columns, body, returning } => {
                let (source, upsert) = match body {
                    InsertBody::Select(select, upsert) => (Source::Select(select), *upsert),
                    InsertBody::DefaultValues => (Source::Defaults, None),
                };
                Write::Insert(Insert {
                    with: with.as_ref(),
                    or: *or_conflict,
                    table: tbl_name,
                    columns: columns.as_ref(),
                    source,
                    upsert,
                    returning: returning.unwrap_or(&[]),
                })
            }
            Stmt::Update {
                with,
                or_conflict,
                tbl_name,
                indexed,
                sets,
                from,
                where_clause,
                returning,
                order_by,
                limit,
            } => Write::Update(Update {
                with: with.as_ref(),
                or: *or_conflict,
                table: tbl_name,
                indexed: named(indexed.as_ref()),
                sets,
                from: from.as_ref(),
                condition: where_clause.as_ref(),
                returning: returning.unwrap_or(&[]),
                order: order_by.unwrap_or(&[]),
                limit: *limit,
            }),
            Stmt::Delete { with, tbl_name, indexed, where_clause, returning, order_by, limit } => {
                Write::Delete(Delete {
                    with: with.as_ref(),
                    table: tbl_name,
                    indexed: named(indexed.as_ref()),
                    condition: where_clause.as_ref(),
                    returning: returning.unwrap_or(&[]),
                    order: order_by.unwrap_or(&[]),
                    limit: *limit,
                })
            }
            _ => return None,
        })
    }

    /// `None` of a SELECT.
    pub fn of_trigger(command: &'s TriggerCmd<'s>) -> Option<Write<'s>> {
        Some(match command {
            TriggerCmd::Insert { or_conflict, tbl_name, col_names, select, upsert } => {
                Write::Insert(Insert {
                    with: None,
                    or: *or_conflict,
                    table: tbl_name,
                    columns: col_names.as_ref(),
                    source: Source::Select(select),
                    upsert: *upsert,
                    returning: &[],
                })
            }
            TriggerCmd::Update { or_conflict, tbl_name, sets, from, where_clause } => Write::Update(Update {
                with: None,
                or: *or_conflict,
                table: tbl_name,
                indexed: false,
                sets,
                from: from.as_ref(),
                condition: where_clause.as_ref(),
                returning: &[],
                order: &[],
                limit: None,
            }),
            TriggerCmd::Delete { tbl_name, where_clause } => Write::Delete(Delete {
                with: None,
                table: tbl_name,
                indexed: false,
                condition: where_clause.as_ref(),
                returning: &[],
                order: &[],
                limit: None,
            }),
            TriggerCmd::Select(_) => return None,
        })
    }
}

impl<'s> Write<'s> {
    /// Its expressions and SELECTs.
    pub(in crate::translate::program) fn parts(&self) -> Vec<Part<'s>> {
        let mut parts = vec![];
        let (with, returning) = match self {
            Write::Insert(insert) => {
                if let Source::Select(select) = insert.source {
                    parts.push(Part::Select(select));
                }
                let mut next = insert.upsert;
                while let Some(upsert) = next {
                    of_upsert(upsert, &mut parts);
                    next = upsert.next;
                }
                (insert.with, insert.returning)
            }
            Write::Update(update) => {
                parts.extend(update.sets.iter().map(|set| Part::Expr(&set.expr)));
                parts.extend(update.from.map(Part::From));
                of_rows(update.condition, update.order, update.limit, &mut parts);
                (update.with, update.returning)
            }
            Write::Delete(delete) => {
                of_rows(delete.condition, delete.order, delete.limit, &mut parts);
                (delete.with, delete.returning)
            }
        };
        parts.extend(with.iter().flat_map(|with| with.ctes).map(|cte| Part::Select(cte.select)));
        for column in returning {
            if let ResultColumn::Expr(e, _) = column {
                parts.push(Part::Expr(e));
            }
        }
        parts
    }
}

fn of_upsert<'s>(upsert: &'s Upsert<'s>, parts: &mut Vec<Part<'s>>) {
    if let Some(index) = &upsert.index {
        parts.extend(index.targets.iter().map(|target| Part::Expr(&target.expr)));
        parts.extend(index.where_clause.iter().map(Part::Expr));
    }
    if let UpsertDo::Set { sets, where_clause } = &upsert.do_clause {
        parts.extend(sets.iter().map(|set| Part::Expr(&set.expr)));
        parts.extend(where_clause.iter().map(Part::Expr));
    }
}

fn of_rows<'s>(
    condition: Option<&'s Expr<'s>>,
    order: &'s [SortedColumn<'s>],
    limit: Option<&'s Limit<'s>>,
    parts: &mut Vec<Part<'s>>,
) {
    parts.extend(condition.map(Part::Expr));
    parts.extend(order.iter().map(|sorted| Part::Expr(&sorted.expr)));
    if let Some(limit) = limit {
        parts.push(Part::Expr(&limit.expr));
        parts.extend(limit.offset.iter().map(Part::Expr));
    }
}

/// INDEXED BY or NOT INDEXED is there.
fn named(indexed: Option<&Indexed<'_>>) -> bool {
    indexed.is_some()
}
