//! RETURNING: the rows that were written, or deleted.

use sqlite3_parser::ast::{Expr, ResultColumn};

use super::super::guard;
use super::super::query::item;
use crate::translate::expr::Walk;
use crate::translate::node::{Result, refuse};

impl<'s> Walk<'s> {
    /// ` RETURNING …`, over the only table of the level.
    pub(super) fn returning(&mut self, columns: &'s [ResultColumn<'s>]) -> Result<String> {
        if columns.is_empty() {
            return Ok(String::new());
        }
        let subquery = |e: &Expr<'_>| {
            matches!(e, Expr::Subquery(_) | Expr::Exists(_) | Expr::InSelect { .. } | Expr::InTable { .. })
        };
        for column in columns {
            match column {
                ResultColumn::Expr(e, _) if guard::any(e, subquery) => {
                    return refuse(
                        "a subquery in RETURNING, which sees the tables as they were before in PostgreSQL",
                    );
                }
                ResultColumn::TableStar(_) => return refuse("RETURNING with the * of a table"),
                _ => {}
            }
        }
        let items: Vec<String> = self.results(columns)?.iter().map(item).collect();
        Ok(format!(" RETURNING {}", items.join(", ")))
    }
}
