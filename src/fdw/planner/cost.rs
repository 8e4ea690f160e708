//! What a remote query costs, in the planner's units. Pure arithmetic over the planner's settings.
//!
//! The file is on this machine and most of it in its page cache, and SQLite is called in this process: there is no
//! network, and starting a query is a bind and a step of a kept statement. So:
//! - a page of SQLite's costs half of the server's sequential page: it is smaller and needs no buffer lock;
//! - stepping over a row costs half of a local tuple, a shipped condition what a local operator costs: SQLite's
//!   interpreter is no faster, but a row that it drops is never converted;
//! - a row that comes back costs a tuple and an operator for each column, for the conversion;
//! - sorting costs a tenth of the server's own sort: what is sorted need not be converted, and only keys and rowids
//!   may have to be carried;
//! - GROUP BY and DISTINCT cost half of a sort: what is equal is kept once, and its rows never come back. So they ship
//!   also where nothing is known of the groups, and their number is taken for that of the rows;
//! - the first rows of a query cost a little less where SQLite knows the limit: it sorts for these rows only;
//! - starting costs a quarter of a page, so that an index probe (some 10 µs) costs far less than any scan.

use pgrx::pg_sys;

/// Rows, and the costs to get them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Estimate {
    /// That come back, before local conditions.
    pub rows: f64,
    /// Before the first row.
    pub startup: f64,
    /// SQLite's work for all rows, after the start.
    pub work: f64,
    pub columns: f64,
}

#[derive(Debug, Clone, Copy)]
struct Settings {
    page: f64,
    tuple: f64,
    operator: f64,
}

fn settings() -> Settings {
    // SAFETY: settings of the backend, only changed by itself.
    unsafe {
        Settings {
            page: pg_sys::seq_page_cost,
            tuple: pg_sys::cpu_tuple_cost,
            operator: pg_sys::cpu_operator_cost,
        }
    }
}

/// Reads of a table.
pub(crate) struct Reading {
    pub pages: f64,
    /// Rows that SQLite reads: all, or those that an index leads to.
    pub visited: f64,
    /// Rows that satisfy the shipped conditions.
    pub rows: f64,
    pub conditions: f64,
    pub columns: f64,
}

pub(crate) fn scan(reading: &Reading) -> Estimate {
    let s = settings();
    let pages = reading.pages.min(reading.visited).max(1.0) * 0.5 * s.page;
    // An index leads to scattered pages, but to those of a b-tree's lower levels only: nearly always cached.
    let pages = if reading.visited < reading.pages { pages * 0.2 } else { pages };
    let work = pages + reading.visited * (0.5 * s.tuple + reading.conditions * s.operator);
    Estimate { rows: reading.rows, startup: 0.25 * s.page, work, columns: reading.columns }
}

/// How the inner side of a join is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// By an index of the file.
    Indexed,
    /// By an index that SQLite builds for the query, over a column that is printed bare.
    Built,
    /// By trying all pairs: SQLite has no hash join, and cannot build an index over a column's test.
    None,
}

/// Pairs that are tried in a millisecond or so, as long as it takes to plan the query: no reason to do the join here,
/// and to keep what follows it here too.
const FREE_PAIRS: f64 = 20_000.0;

pub(crate) fn join(outer: &Estimate, inner: &Estimate, lookup: Lookup, rows: f64, columns: f64) -> Estimate {
    let s = settings();
    let pairing = match lookup {
        Lookup::Indexed => outer.rows.min(inner.rows) * 8.0 * s.operator,
        Lookup::Built => {
            let levels = outer.rows.min(inner.rows).max(2.0).log2();
            (outer.rows + inner.rows) * levels * s.operator
        }
        // The tests of two columns and a comparison, each time.
        Lookup::None => (outer.rows * inner.rows - FREE_PAIRS).max(0.0) * 4.0 * s.operator,
    };
    // With an index the other side is not read whole.
    let reading = match lookup {
        Lookup::Indexed => outer.work.min(inner.work),
        _ => outer.work + inner.work,
    };
    Estimate {
        rows,
        startup: outer.startup.max(inner.startup),
        work: reading + pairing + rows * 0.5 * s.tuple,
        columns,
    }
}

/// Groups are sorted, and known when all rows have been read.
pub(crate) fn group(input: &Estimate, groups: f64, keys: f64, computed: f64, columns: f64) -> Estimate {
    let s = settings();
    let sorting = if keys > 0.0 { 0.5 * sorting(input.rows, s.operator) } else { 0.0 };
    let computing = input.rows * computed * s.operator;
    Estimate {
        rows: groups,
        startup: input.startup + input.work + sorting + computing,
        work: groups * s.operator,
        columns,
    }
}

/// The same rows, sorted.
pub(crate) fn sort(input: &Estimate, presorted: bool) -> Estimate {
    match presorted {
        true => *input,
        false => {
            let sorting = sorting(input.rows, settings().operator);
            Estimate { startup: input.startup + input.work + sorting, work: 0.0, ..*input }
        }
    }
}

fn sorting(rows: f64, operator: f64) -> f64 {
    0.2 * operator * rows * rows.max(2.0).log2()
}

/// The first rows. A negative estimate means that the number is not known.
pub(crate) fn limit(input: &Estimate, offset: i64, count: i64) -> Estimate {
    // As adjust_limit_rows_costs rounds it.
    let tenth = (input.rows * 0.1).round_ties_even().max(1.0);
    let estimated = |n: i64| match n {
        0 => 0.0,
        n if n < 0 => tenth,
        n => n as f64,
    };
    let skipped = estimated(offset).min(input.rows);
    let rest = input.rows - skipped;
    let rows = if count == 0 { rest } else { estimated(count).min(rest) }.max(1.0);
    let share = if input.rows > 0.0 { ((skipped + rows) / input.rows).min(1.0) } else { 1.0 };
    Estimate { rows, startup: input.startup * 0.98, work: input.work * share * 0.9, ..*input }
}

impl Estimate {
    /// The whole cost, local conditions included.
    pub fn total(&self, local: &pg_sys::QualCost) -> f64 {
        let s = settings();
        let row = s.tuple + self.columns * s.operator + local.per_tuple;
        self.startup + local.startup + self.work + self.rows * row
    }
}
