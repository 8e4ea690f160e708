//! Values that a plan lists, counted apart from the rest of their column: the type is chosen for the others, and each of
//! these then either fits it or means what the plan says.

use crate::value::boolean::Words;
use crate::value::{Cell, Decoder, ValueList};

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Aside {
    /// What means NULL where it does not fit.
    nulls: ValueList,
    values: ValueList,
    /// One per value.
    counts: Vec<Counts>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Counts {
    texts: u64,
    integers: u64,
    reals: u64,
}

impl Aside {
    pub fn new(nulls: ValueList, words: &Words) -> Aside {
        let lists = [&nulls, &words.truths, &words.falsehoods];
        let texts: Vec<String> = lists.iter().flat_map(|list| list.texts()).map(str::to_owned).collect();
        Aside { counts: vec![Counts::default(); texts.len()], values: ValueList::new(texts), nulls }
    }

    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The plan's `null_values`.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.nulls.texts()
    }

    /// Counts a listed value; `false` for any other.
    pub fn observe(&mut self, cell: Cell<'_>) -> bool {
        let Some(counts) = self.values.position(cell).and_then(|at| self.counts.get_mut(at)) else {
            return false;
        };
        match cell {
            Cell::Integer(_) => counts.integers += 1,
            Cell::Real(_) => counts.reals += 1,
            _ => counts.texts += 1,
        }
        true
    }

    /// Takes in what was counted of the same list.
    pub fn add(&mut self, other: &Aside) {
        for (counts, more) in self.counts.iter_mut().zip(&other.counts) {
            counts.texts += more.texts;
            counts.integers += more.integers;
            counts.reals += more.reals;
        }
    }

    /// The number of listed values that do not fit.
    pub fn invalid_values(&self, decoder: &Decoder) -> u64 {
        let invalid = |(text, counts): (&str, &Counts)| {
            let unfit = |cell: Cell<'_>, count: u64| if decoder.decode(cell).is_err() { count } else { 0 };
            let real: f64 = text.parse().unwrap_or_default();
            unfit(Cell::Text(text.as_bytes()), counts.texts)
                + unfit(Cell::Integer(real as i64), counts.integers)
                + unfit(Cell::Real(real), counts.reals)
        };
        self.values.texts().zip(&self.counts).map(invalid).sum()
    }

    /// The number of values that were counted here.
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|counts| counts.texts + counts.integers + counts.reals).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{PgType, Timezone};

    #[test]
    fn what_fits_is_valid() {
        let mut aside = Aside::new(ValueList::new(["", "0"].map(String::from)), &Words::default());
        let cells = [Cell::Text(b""), Cell::Text(b"0"), Cell::Integer(0), Cell::Integer(0), Cell::Real(0.0)];
        assert!(cells.iter().all(|cell| aside.observe(*cell)));
        assert!(!aside.observe(Cell::Integer(1)) && !aside.observe(Cell::Null));
        for (pg_type, invalid) in [("text", 0), ("boolean", 1), ("bigint", 1), ("date", 5), ("bytea", 3)] {
            let decoder = Decoder::new(&PgType::parse(pg_type), None, &Timezone::UTC);
            assert_eq!(aside.invalid_values(&decoder), invalid, "{pg_type}");
        }
        assert_eq!(aside.count(), 5);
    }
}
