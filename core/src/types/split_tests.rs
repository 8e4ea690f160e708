//! A profile that is made in parts says what one of all rows says.

use super::ColumnProfile;
use crate::catalog::Column;
use crate::orm::ALL;
use crate::orm::signs::Recognised;
use crate::value::boolean::Words;
use crate::value::encoding::{Nul, TextEncoding, TextReading};
use crate::value::geometry::Container;
use crate::value::geometry::declared::{Geometries, Presence, System};
use crate::value::{Cell, ValueList};

const TEXTS: [&[u8]; 37] = [
    b"",
    b"0",
    b"1",
    b"-42",
    b"007",
    b"1.50",
    b"99999999999999999999",
    b"1,5",
    b"1.234,50",
    b"0xFF",
    b"20240131",
    b"31.12.2020",
    b"9:05 AM",
    b"true",
    b"No",
    b"NaN",
    b"2024-01-31",
    b"0000-00-00",
    b"0000-00-00 00:00:00",
    b"2024-01-31 12:30:00",
    b"2024-01-31T12:30:00.123Z",
    b"2024-01-31 12:30:00.123456789",
    b"1970-01-01 12:30:00",
    b"12:30:00.000123456",
    b"1970-01-01 12:30:00.123456789",
    b"POINT (1 2)",
    b"POINT Z (1 nan 3)",
    b"550e8400-e29b-41d4-a716-446655440000",
    b"550E8400-E29B-41D4-A716-446655440000",
    b"{\"a\": 1, \"a\": 2}",
    b"[1, 2]",
    b"red,green",
    b"red, green ",
    "gr\u{fc}n".as_bytes(),
    b"latin \xfc",
    b"nul\0",
    b"n/a",
];
const BLOBS: [&[u8]; 5] = [b"", b"0123456789abcdef", b"12", b"[1,2]", &[0, 0, 128, 63, 0, 0, 0, 64]];
const INTEGERS: [i64; 9] =
    [0, 1, -1, 20_240_131, 1_719_828_000, 1_719_828_000_123, (1 << 53) + 1, i64::MIN, i64::MAX];
const REALS: [f64; 9] =
    [0.0, 1.0, -0.5, 12.345, 1_719_828_000.25, 1e300, f64::INFINITY, f64::NAN, 740_000_000.0];

/// Numbers from a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }

    fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }

    /// Of some classes of values only, so that columns of one kind occur as well.
    fn cell(&mut self, classes: &[u8], few: usize) -> Cell<'static> {
        match self.of(classes) {
            0 => Cell::Null,
            1 => Cell::Integer(self.of(&INTEGERS)),
            2 => Cell::Real(self.of(&REALS)),
            3 => Cell::Blob(self.of(&BLOBS)),
            _ => Cell::Text(TEXTS[(few * 7 + self.below(few)) % TEXTS.len()]),
        }
    }
}

#[test]
fn parts_add_up() {
    let every = ALL.iter().map(|orm| Recognised { orm, evidence: String::new() }).collect();
    let orms: [Vec<Recognised>; 2] = [every, vec![]];
    let declared =
        ["", "TEXT", "VARCHAR(20)", "DATETIME", "DECIMAL(9,2)", "JSON", "BOOLEAN", "CHAR(36)", "BLOB"];
    let names = ["a", "created_at", "embedding"];
    let plain = TextReading::default();
    let readings = [
        plain,
        TextReading { of_bytes: true, ..plain },
        TextReading { encoding: Some(TextEncoding::Latin1), nul: Nul::Strip, ..plain },
    ];
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 0..4000 {
        let geometries = (random.below(9) == 0).then(|| Geometries {
            container: Container::Wkt,
            kind: None,
            z: Presence::Either,
            m: Presence::Either,
            system: System::default().into(),
            indexed: false,
        });
        let column = Column {
            name: random.of(&names).to_owned(),
            declared: random.of(&declared).to_owned(),
            geometries: geometries.map(Box::new),
            ..Column::default()
        };
        let (json, orms, reading) = (random.below(2) == 0, &orms[random.below(2)], random.of(&readings));
        let listed = if random.below(3) == 0 { vec!["0".to_owned(), "n/a".to_owned()] } else { vec![] };
        let new = || {
            let profile = ColumnProfile::for_column(&column, json, orms);
            profile.apart(ValueList::new(listed.clone()), &Words::default()).reading(reading)
        };
        let classes: &[u8] =
            random.of(&[&[0, 1, 2, 3, 4][..], &[4], &[0, 4], &[1], &[0, 2], &[1, 2], &[3], &[3, 4]]);
        let few = 1 + random.below(TEXTS.len());
        let cells: Vec<Cell<'_>> = (0..random.below(90)).map(|_| random.cell(classes, few)).collect();
        let of = |cells: &[Cell<'_>]| {
            let mut profile = new();
            cells.iter().for_each(|cell| profile.observe(*cell));
            profile
        };
        let (one, two) = (random.below(cells.len() + 1), random.below(cells.len() + 1));
        let (one, two) = (one.min(two), one.max(two));
        let mut parts = of(&cells[..one]);
        parts.add_later(of(&cells[one..two]));
        parts.add_later(of(&cells[two..]));
        // NaN is not equal to itself.
        assert_eq!(
            format!("{parts:?}"),
            format!("{:?}", of(&cells)),
            "round {round}: {cells:?}, {one}, {two}"
        );
    }
}
