//! Whether a query has the same rows each time, over the same tables: if it does not, they cannot be compared.

use sqlite3_parser::ast::{CommonTableExpr, Expr, Limit, Literal, OneSelect, ResultColumn, Select};

use super::guard::{self, Part};
use super::select::aggregates;
use crate::sqltext::sqlite_unquote;
use crate::translate::helper;

/// Rows that a table which reads itself may have for it to be one that ends.
const MOST_ROWS: u64 = 10_000_000;

/// Why they may be others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsteady {
    /// A table reads itself, and nothing but its values ends it: it may have rows for ever.
    Endless,
    /// They depend on the clock.
    Clock,
    /// They are random, or depend on what the session has done.
    Chance,
    /// They depend on an order that the query does not fix. They may be the same nevertheless.
    Order,
    /// They have digits of a REAL, of which SQLite's releases print or round other ones.
    Digits,
    /// They depend on the time zone of the session, and of the host in SQLite.
    Zone,
}

/// Helper functions that print a REAL.
const PRINTING: [&str; 6] =
    ["real_text", "number_text", "decimal_text", "printf", "printf_real", "real_quote"];

impl Unsteady {
    /// For a message: lower case, no full stop.
    pub fn reason(self) -> &'static str {
        match self {
            Unsteady::Endless => {
                "it reads a table that reads itself without a LIMIT of its own, which may never end"
            }
            Unsteady::Clock => "its rows depend on the clock",
            Unsteady::Chance => "its rows depend on chance, or on what the session has done",
            Unsteady::Order => "its rows depend on an order that it does not fix",
            Unsteady::Digits => "its rows have digits of REALs, which SQLite's releases print otherwise",
            Unsteady::Zone => "its rows depend on the time zone",
        }
    }

    /// Two readings can be compared all the same: if they are equal, all is well.
    pub fn may_be_equal(self) -> bool {
        matches!(self, Unsteady::Order | Unsteady::Digits | Unsteady::Zone)
    }

    /// What only the translation of a query shows.
    pub fn of_translation(sql: &str) -> Option<Unsteady> {
        let called = helper::called_by(sql);
        let named = |name: &str| sql.contains(&format!("{}.{name}(", helper::SCHEMA));
        // round() to digits.
        let digits = PRINTING.iter().any(|name| named(name)) || sql.contains("::numeric, ");
        let words = ["'localtime'", "'utc'"];
        let zone = called.iter().any(|helper| helper.name == "local_time")
            && words.iter().any(|word| sql.to_ascii_lowercase().contains(word));
        digits.then_some(Unsteady::Digits).or(zone.then_some(Unsteady::Zone))
    }
}

const CHANCE: [&str; 5] = ["random", "randomblob", "last_insert_rowid", "changes", "total_changes"];

/// Functions whose result depends on the order of the rows.
const ORDERED: [&str; 13] = [
    "group_concat",
    "string_agg",
    "json_group_array",
    "json_group_object",
    "jsonb_group_array",
    "jsonb_group_object",
    "row_number",
    "ntile",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "nth_value",
];

pub(super) fn unsteady(select: &Select<'_>) -> Option<Unsteady> {
    let mut found = None;
    guard::each_part(select, &mut |part| {
        let of_part = match part {
            Part::Expr(e) => of_expr(e),
            Part::Select(select) => of_select(select),
            Part::From(_) => None,
        };
        found = weightier(found, of_part);
    });
    found
}

/// What never ends weighs most, then chance.
fn weightier(one: Option<Unsteady>, other: Option<Unsteady>) -> Option<Unsteady> {
    let first = [Unsteady::Endless, Unsteady::Chance].map(Some);
    first.into_iter().find(|of| *of == one || *of == other).unwrap_or(other.or(one))
}

fn of_expr(e: &Expr<'_>) -> Option<Unsteady> {
    let name = match e {
        Expr::FunctionCall { name, .. } | Expr::FunctionCallStar { name, .. } => sqlite_unquote(name.0),
        // A subquery as a value has its first row.
        Expr::Subquery(select) => return (!has_one_row(select)).then_some(Unsteady::Order),
        _ => return None,
    };
    let is = |function: &&str| function.eq_ignore_ascii_case(&name);
    match () {
        () if CHANCE.iter().any(is) => Some(Unsteady::Chance),
        () if ORDERED.iter().any(is) => Some(Unsteady::Order),
        () => None,
    }
}

fn of_select(select: &Select<'_>) -> Option<Unsteady> {
    if select.with.as_ref().is_some_and(|with| with.ctes.iter().any(is_endless)) {
        return Some(Unsteady::Endless);
    }
    let arms = select.body.compounds.iter().flatten().map(|arm| &arm.select);
    let mut arms = std::iter::once(&select.body.select).chain(arms);
    (select.limit.is_some() || arms.any(takes_any_row)).then_some(Unsteady::Order)
}

/// It reads itself, and no LIMIT ends it. One around it does not end what sorts or counts its rows.
fn is_endless(cte: &CommonTableExpr<'_>) -> bool {
    let name = sqlite_unquote(cte.tbl_name.0);
    let mut arms = cte.select.body.compounds.iter().flat_map(|arms| arms.iter());
    arms.any(|arm| guard::reads(&arm.select, &name)) && !cte.select.limit.is_some_and(ends)
}

fn ends(limit: &Limit<'_>) -> bool {
    let number = |e: &Expr<'_>| match e {
        Expr::Literal(Literal::Numeric(digits)) => digits.parse::<u64>().ok(),
        _ => None,
    };
    let offset = limit.offset.as_ref().map_or(Some(0), number);
    let rows = number(&limit.expr).zip(offset).and_then(|(rows, offset)| rows.checked_add(offset));
    rows.is_some_and(|rows| rows <= MOST_ROWS)
}

/// It groups rows, and has a result that is neither grouped by nor aggregated.
fn takes_any_row(one: &OneSelect<'_>) -> bool {
    let OneSelect::Select { columns, group_by, .. } = one else { return false };
    let results = || {
        columns.iter().map(|column| match column {
            ResultColumn::Expr(e, alias) => {
                (Some(e), alias.as_ref().and_then(|alias| super::from::alias_of(Some(alias))))
            }
            ResultColumn::Star | ResultColumn::TableStar(_) => (None, None),
        })
    };
    let aggregated = |e: &Expr<'_>| guard::any(e, aggregates);
    if group_by.is_none() && !results().any(|(e, _)| e.is_some_and(aggregated)) {
        return false;
    }
    let keys: Vec<String> = group_by.iter().flat_map(|keys| keys.iter()).map(guard::shown).collect();
    let grouped = |text: &str| keys.iter().any(|key| key.eq_ignore_ascii_case(text));
    results().enumerate().any(|(at, (e, alias))| {
        let Some(e) = e else { return true };
        let is_key = grouped(&guard::shown(e))
            || grouped(&(at + 1).to_string())
            || alias.is_some_and(|alias| grouped(&alias));
        !is_key && !aggregated(e) && guard::any(e, names_column)
    })
}

fn names_column(e: &Expr<'_>) -> bool {
    matches!(e, Expr::Id(_) | Expr::Name(_) | Expr::Qualified(..) | Expr::DoublyQualified(..))
}

/// Of an aggregate without groups.
fn has_one_row(select: &Select<'_>) -> bool {
    let OneSelect::Select { columns, group_by: None, from, .. } = &select.body.select else { return false };
    let aggregated = |column: &ResultColumn<'_>| match column {
        ResultColumn::Expr(e, _) => guard::any(e, aggregates),
        _ => false,
    };
    select.body.compounds.is_none() && (from.is_none() || columns.iter().any(aggregated))
}

#[cfg(test)]
mod tests {
    use super::super::unsteady;
    use super::*;

    #[test]
    fn what_may_be_another_result_is_seen() {
        for (query, expected) in [
            ("SELECT a, b FROM t WHERE a > 1 ORDER BY b", None),
            ("SELECT a, count(*), max(b) FROM t GROUP BY a", None),
            ("SELECT a AS x, sum(b) FROM t GROUP BY x", None),
            ("SELECT lower(a), sum(b) FROM t GROUP BY 1", None),
            ("SELECT count(*), 'x' FROM t", None),
            ("SELECT (SELECT max(b) FROM t) FROM u", None),
            ("SELECT a, b FROM t GROUP BY a", Some(Unsteady::Order)),
            ("SELECT a, max(b) FROM t", Some(Unsteady::Order)),
            ("SELECT * FROM t GROUP BY a", Some(Unsteady::Order)),
            ("SELECT a FROM t LIMIT 1", Some(Unsteady::Order)),
            ("SELECT a FROM u WHERE b IN (SELECT b FROM t LIMIT 2)", Some(Unsteady::Order)),
            ("SELECT (SELECT b FROM t) FROM u", Some(Unsteady::Order)),
            ("SELECT GROUP_CONCAT(a) FROM t", Some(Unsteady::Order)),
            ("SELECT row_number() OVER (ORDER BY b) FROM t", Some(Unsteady::Order)),
            ("SELECT random() FROM t LIMIT 1", Some(Unsteady::Chance)),
            ("SELECT a FROM t WHERE b = last_insert_rowid()", Some(Unsteady::Chance)),
            (
                "WITH c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 9) SELECT x FROM c",
                Some(Unsteady::Order),
            ),
            (
                "WITH c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 9, 10000000) SELECT x FROM c",
                Some(Unsteady::Endless),
            ),
            (
                "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM C) SELECT random(), x FROM c",
                Some(Unsteady::Endless),
            ),
            (
                "WITH c(x) AS (SELECT 1 UNION SELECT x + 1 FROM t, \"C\" WHERE x < 9) SELECT x FROM c LIMIT 1",
                Some(Unsteady::Endless),
            ),
            (
                "WITH c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT -1) SELECT x FROM c",
                Some(Unsteady::Endless),
            ),
            (
                "SELECT a FROM t WHERE a IN (WITH c(x) AS (SELECT 1 UNION ALL SELECT x FROM c) SELECT x FROM c)",
                Some(Unsteady::Endless),
            ),
            ("WITH c(x) AS (SELECT 1 UNION ALL SELECT a FROM t) SELECT x FROM c", None),
            ("nonsense", None),
        ] {
            assert_eq!(unsteady(&format!("CREATE VIEW v AS {query}")), expected, "{query}");
        }
    }
}
