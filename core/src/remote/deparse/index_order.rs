//! Sorting, grouping and extremes by the bare column, so that SQLite scans in index order instead of sorting all rows.
//! Pure.
//!
//! Where the cells of a column are sorted as their values are, WHERE takes the column's guard along: an invalid value
//! among the rows is the error that it is anywhere. A column of epochs is sorted so only while it holds no text, which
//! would be ISO-8601; the statement looks for one, and has a query for each case.

use super::{Printer, place};
use crate::remote::column::{Form, IndexAccess, Place};
use crate::remote::{Expr, From, Select, Tables, Target, Var};

/// Columns that the query sorts and groups by as they are stored.
#[derive(Debug, Default, PartialEq)]
pub struct IndexOrder {
    bare: Vec<Var>,
    /// DISTINCT over such columns, as GROUP BY.
    pub distinct: bool,
}

impl IndexOrder {
    pub fn of(select: &Select, tables: &Tables, counted: bool) -> IndexOrder {
        let (keys, distinct): (Vec<&Expr>, bool) = match (select.distinct, &select.groups) {
            (true, None) => (select.targets.iter().map_while(value).collect(), true),
            (true, Some(_)) => return IndexOrder::default(),
            (false, Some(groups)) => (groups.by.iter().collect(), false),
            (false, None) => (select.order_by.iter().map(|key| &key.expr).collect(), false),
        };
        if distinct && keys.len() != select.targets.len() {
            return IndexOrder::default();
        }
        let bare: Vec<Var> = keys.iter().map_while(|key| sorted(key, tables, counted)).collect();
        let leads = |var: &Var| place(*var, tables).is_some_and(|place| place.access().is_some());
        if bare.len() < keys.len() || !bare.iter().any(leads) {
            return IndexOrder::default();
        }
        IndexOrder { bare, distinct }
    }

    pub fn covers<'a>(&self, expr: &Expr, tables: &'a Tables) -> Option<Place<'a>> {
        match expr {
            Expr::Column(var) if self.bare.contains(var) => place(*var, tables),
            _ => None,
        }
    }

    pub fn guards(&self, tables: &Tables) -> Vec<String> {
        self.bare.iter().filter_map(|var| place(*var, tables)?.guard()).collect()
    }
}

pub fn value(target: &Target) -> Option<&Expr> {
    match target {
        Target::Value(expr) => Some(expr),
        _ => None,
    }
}

/// A column whose cells are sorted as its values are.
fn sorted(expr: &Expr, tables: &Tables, counted: bool) -> Option<Var> {
    let Expr::Column(var) = expr else { return None };
    let place = place(*var, tables)?;
    (place.is_sorted() || counted && place.epoch()).then_some(*var)
}

impl Printer<'_> {
    /// The column whose epochs decide a query: its only sort key under a LIMIT, or what it takes the extreme of.
    pub fn epochs(&self, select: &Select) -> Option<Var> {
        let From::Table { .. } = select.from else { return None };
        if select.distinct || select.groups.as_ref().is_some_and(|groups| !groups.by.is_empty()) {
            return None;
        }
        let expr = match (select.groups.is_some(), select.order_by.as_slice(), select.targets.as_slice()) {
            (false, [key], _) if select.limit.is_some() => &key.expr,
            (true, [], [Target::Value(Expr::Aggregate { name, args, filter: None, .. })])
                if matches!(name.as_str(), "min" | "max") =>
            {
                args.first()?
            }
            _ => return None,
        };
        let Expr::Column(var) = expr else { return None };
        place(*var, self.tables)?.epoch().then_some(*var)
    }

    /// The query for a column of numbers alone, and the one for any: the probe leaves one of them empty.
    pub fn either(&mut self, select: &Select, var: Var) -> String {
        let cell = place(var, self.tables).map_or_else(String::new, |place| place.cell());
        let probe = format!("EXISTS (SELECT 1 FROM {} WHERE {cell} >= '')", self.table(var.relation));
        self.counted = true;
        let numbers = self.whole(select);
        self.counted = false;
        let any = self.whole(select);
        format!("SELECT * FROM ({numbers}) WHERE NOT {probe} UNION ALL SELECT * FROM ({any}) WHERE {probe}")
    }

    /// `min` or `max` of a bare column that an index leads to; the cell that comes out is read by its rule.
    pub fn extreme(&self, name: &str, arg: &Expr) -> Option<String> {
        let Expr::Column(var) = arg else { return None };
        let place = place(*var, self.tables)?;
        let ordered =
            place.is_sorted() && place.access() == Some(IndexAccess::Direct) || self.counted && place.epoch();
        let found = format!("{name}({})", place.bare());
        ordered.then(|| if place.form() == Form::Bare { found.clone() } else { place.read(&found) })
    }
}
