//! Numbers that each side has computed by itself, whose last digits may differ: they have no digest. They are added up over
//! the rows whose other columns have digests with the same first bits, of which there are few.

use pg_sqlite_migrate_core::value::Cell;
use pg_sqlite_migrate_core::value::native::Native;

/// How far two sums may be apart, by the sum of what is added.
const TOLERANCE: f64 = 1e-9;

/// A value of such a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Computed {
    Null,
    Finite(f64),
    Other,
}

pub fn number_of_cell(cell: Cell<'_>) -> Computed {
    match cell {
        Cell::Null => Computed::Null,
        Cell::Integer(integer) => Computed::Finite(integer as f64),
        Cell::Real(real) if real.is_finite() => Computed::Finite(real),
        Cell::Real(_) | Cell::Text(_) | Cell::Blob(_) => Computed::Other,
    }
}

pub fn number_of_value(value: &Native<'_>) -> Computed {
    let finite = |number: f64| if number.is_finite() { Computed::Finite(number) } else { Computed::Other };
    match value {
        Native::Null => Computed::Null,
        Native::Integer(integer) => Computed::Finite(*integer as f64),
        Native::Float(real) => finite(*real),
        Native::Printed(text) => text.parse().map_or(Computed::Other, finite),
        _ => Computed::Other,
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    nulls: u64,
    others: u64,
    total: f64,
    magnitude: f64,
}

/// The sums of both sides, the file's first, by column and group of rows.
#[derive(Debug)]
pub struct Groups {
    groups: usize,
    sums: Vec<[Sum; 2]>,
}

impl Groups {
    pub fn new(columns: usize, groups: usize) -> Groups {
        Groups { groups, sums: vec![[Sum::default(); 2]; columns * groups] }
    }

    pub fn add(&mut self, column: usize, group: usize, side: usize, number: Computed) {
        let sums = self.sums.get_mut(column * self.groups + group);
        let Some(sum) = sums.and_then(|sums| sums.get_mut(side)) else { return };
        match number {
            Computed::Null => sum.nulls += 1,
            Computed::Other => sum.others += 1,
            Computed::Finite(number) => {
                sum.total += number;
                sum.magnitude += number.abs();
            }
        }
    }

    /// The first of the groups for which `asked` is true whose sums are apart.
    pub fn first_difference(&self, column: usize, asked: impl Fn(usize) -> bool) -> Option<usize> {
        let sums = self.sums.get(column * self.groups..(column + 1) * self.groups)?;
        sums.iter().enumerate().find(|(group, sums)| asked(*group) && is_apart(sums)).map(|(group, _)| group)
    }

    /// The sums, for people.
    pub fn shown(&self, column: usize, group: usize) -> [String; 2] {
        let sums = self.sums.get(column * self.groups + group).copied().unwrap_or_default();
        sums.map(|sum| match sum {
            Sum { nulls: 1.., magnitude: 0.0, .. } => "NULL".into(),
            Sum { others: 1.., magnitude: 0.0, .. } => "no number".into(),
            sum => sum.total.to_string(),
        })
    }
}

fn is_apart([file, table]: &[Sum; 2]) -> bool {
    (file.nulls, file.others) != (table.nulls, table.others)
        || (file.total - table.total).abs() > TOLERANCE * file.magnitude.max(table.magnitude)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_digits_do_not_count_and_others_do() {
        for (file, table, apart) in [
            (vec![0.1 + 0.2], vec![0.3], false),
            (vec![1e15, 1.0], vec![1.0, 1e15], false),
            (vec![1.0], vec![1.000_001], true),
            (vec![0.0], vec![1e-12], true),
            (vec![f64::INFINITY], vec![f64::INFINITY], false),
            (vec![f64::INFINITY], vec![1.0], true),
        ] {
            let mut groups = Groups::new(2, 4);
            file.iter().for_each(|n| groups.add(1, 3, 0, number_of_cell(Cell::Real(*n))));
            table.iter().for_each(|n| groups.add(1, 3, 1, number_of_value(&Native::Float(*n))));
            assert_eq!(groups.first_difference(1, |_| true), apart.then_some(3), "{file:?} {table:?}");
            assert_eq!(groups.first_difference(0, |_| true), None);
            assert_eq!(groups.first_difference(1, |group| group != 3), None);
        }
    }

    #[test]
    fn null_is_no_zero() {
        let mut groups = Groups::new(1, 1);
        groups.add(0, 0, 0, number_of_cell(Cell::Null));
        groups.add(0, 0, 1, number_of_value(&Native::Printed("0.00".into())));
        assert_eq!(
            (groups.first_difference(0, |_| true), groups.shown(0, 0)),
            (Some(0), ["NULL".into(), "0".into()])
        );
    }
}
