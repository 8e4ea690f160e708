//! What the plan can say of an expression that SQLite cannot compute for a row.

use crate::sqlite::expressions::Failing;
use pg_sqlite_migrate_core::finding::Fix;

/// What keeps an expression from its first row that it fails for, and the rest of the sentence.
pub fn expression_fix(failing: &Failing) -> Option<(Fix, &'static str)> {
    let Failing { table, column, expression, filter, row, nullable, .. } = failing;
    let others = &row.as_ref()?.others;
    // A comment ends with its line.
    let whole = |sql: &str| if sql.contains("--") { format!("({sql}\n)") } else { format!("({sql})") };
    let expression = whole(expression);
    Some(match (column, filter) {
        (None, _) => {
            let filter = format!("CASE WHEN {others} THEN {expression} ELSE false END");
            (Fix::of_table(table, "where", filter), " to leave the row out, or correct the value")
        }
        (Some(column), _) if *nullable => {
            let using = format!("CASE WHEN {others} THEN {expression} END");
            let rest = " to make it NULL in the row, or change it so that no row makes it fail";
            (Fix::of_column(table, column, "using", using), rest)
        }
        (Some(_), filter) => {
            let others = filter.as_ref().map_or(others.clone(), |f| format!("{} AND {others}", whole(f)));
            let rest = " to leave the row out, or change the expression so that no row makes it fail";
            (Fix::of_table(table, "where", others), rest)
        }
    })
}
