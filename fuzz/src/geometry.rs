//! Blobs that say they are geometries, whole and with bytes changed: the loader and the verification read the same of them,
//! and what is exported is read back.

use pg_sqlite_migrate_core::export::forms::geopackage;
use pg_sqlite_migrate_core::plan::LoadColumn;
use pg_sqlite_migrate_core::value::batch::OnInvalid;
use pg_sqlite_migrate_core::value::geometry::bounds::Bounds;
use pg_sqlite_migrate_core::value::geometry::parts::KINDS;
use pg_sqlite_migrate_core::value::geometry::value::{Rule, Srids};
use pg_sqlite_migrate_core::value::geometry::{Becomes, Container, read};
use pg_sqlite_migrate_core::value::native::Native;
use pg_sqlite_migrate_core::value::{Cell, Excess, PgType};
use pg_sqlite_migrate_core::verify::back::{Facts, Verdict, Way};
use proptest::prelude::*;
use proptest::sample::select;

use crate::{bounded, cases};

/// A geometry that is still to be framed.
#[derive(Debug, Clone)]
struct Shape {
    kind: u32,
    lines: Vec<Vec<[f64; 4]>>,
    parts: Vec<Shape>,
}

impl Shape {
    fn has_nan(&self) -> bool {
        let mut numbers = self.lines.iter().flatten().flatten();
        numbers.any(|number| number.is_nan()) || self.parts.iter().any(Shape::has_nan)
    }
}

const NUMBERS: [f64; 9] = [0.0, -0.0, 1.5, -180.0, 1e300, 5e-324, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];

fn point() -> impl Strategy<Value = [f64; 4]> {
    prop::array::uniform4(prop_oneof![select(&NUMBERS[..]), any::<f64>()])
}

fn line() -> impl Strategy<Value = Vec<[f64; 4]>> {
    prop::collection::vec(point(), 0..5)
}

fn shape() -> impl Strategy<Value = Shape> {
    let of = |kind: u32, lines: Vec<Vec<[f64; 4]>>| Shape { kind, lines, parts: vec![] };
    let leaf = prop_oneof![
        point().prop_map(move |p| of(1, vec![vec![p]])),
        (select(&[2u32, 8][..]), line()).prop_map(move |(kind, line)| of(kind, vec![line])),
        (select(&[3u32, 17][..]), prop::collection::vec(line(), 0..3)).prop_map(move |(kind, l)| of(kind, l)),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let kinds = select(&[4u32, 5, 6, 7, 7, 7, 9, 10, 11, 12, 15, 16][..]);
        (kinds, prop::collection::vec(inner, 0..4)).prop_map(|(kind, parts)| Shape {
            kind,
            lines: vec![],
            parts,
        })
    })
}

/// How a shape is written.
#[derive(Debug, Clone, Copy)]
struct Style {
    container: Container,
    z: bool,
    m: bool,
    big: bool,
    flags: bool,
    compressed: bool,
    srid: i32,
}

fn style() -> impl Strategy<Value = Style> {
    let containers = select(&[Container::GeoPackage, Container::SpatiaLite, Container::Wkb][..]);
    let srid = select(&[4326i32, 0, -1, 2056][..]);
    (containers, any::<[bool; 5]>(), srid).prop_map(|(container, [z, m, big, flags, compressed], srid)| {
        Style { container, z, m, big, flags, compressed, srid }
    })
}

impl Style {
    fn word(self, word: u32, out: &mut Vec<u8>) {
        out.extend(if self.big { word.to_be_bytes() } else { word.to_le_bytes() });
    }

    fn long(self, bits: u64, out: &mut Vec<u8>) {
        out.extend(if self.big { bits.to_be_bytes() } else { bits.to_le_bytes() });
    }

    fn blob(self, shape: &Shape) -> Vec<u8> {
        let mut out = vec![];
        let order = u8::from(!self.big);
        match self.container {
            Container::GeoPackage => {
                out.extend([b'G', b'P', 0, order | 0b10]);
                self.word(self.srid.cast_unsigned(), &mut out);
                out.extend([0; 32]);
                self.part(shape, false, &mut out);
            }
            Container::SpatiaLite => {
                out.extend([0, order]);
                self.word(self.srid.cast_unsigned(), &mut out);
                out.extend([0; 32]);
                out.push(0x7C);
                self.part(shape, false, &mut out);
                out.push(0xFE);
            }
            Container::Wkb | Container::Wkt => self.part(shape, self.srid > 0, &mut out),
        }
        out
    }

    /// As OGR writes it, with a word for the dimensions or without.
    fn text(self, shape: &Shape, named: bool) -> String {
        let kind = KINDS.iter().find(|(code, _)| *code == shape.kind).map_or("", |(_, name)| name);
        let word = match (self.flags, self.z, self.m) {
            (true, true, true) => " ZM",
            (true, true, false) => " Z",
            (_, false, true) => " M",
            _ => "",
        };
        let point = |point: &[f64; 4]| {
            let mut numbers = vec![point[0], point[1]];
            numbers.extend(self.z.then_some(point[2]));
            numbers.extend(self.m.then_some(point[3]));
            numbers.iter().map(|number| format!("{number:?}")).collect::<Vec<_>>().join(" ")
        };
        let listed = |items: Vec<String>| match items.is_empty() {
            true => "EMPTY".to_owned(),
            false => format!("({})", items.join(",")),
        };
        let line = |line: &Vec<[f64; 4]>| listed(line.iter().map(point).collect());
        let body = match shape.kind {
            1 | 2 | 8 => shape.lines.first().map_or("EMPTY".into(), line),
            3 | 17 => listed(shape.lines.iter().map(line).collect()),
            kind => {
                let usual = |part: u32| {
                    matches!((kind, part), (4, 1) | (5, 2) | (6 | 15, 3) | (9..=11, 2) | (12, 3) | (16, 17))
                };
                listed(shape.parts.iter().map(|part| self.text(part, !usual(part.kind))).collect())
            }
        };
        if named { format!("{kind}{word} {body}") } else { body }
    }

    fn part(self, shape: &Shape, with_srid: bool, out: &mut Vec<u8>) {
        let thousands = 1000 * u32::from(self.z) + 2000 * u32::from(self.m);
        let packed = self.compressed && matches!(shape.kind, 2 | 3);
        match self.container {
            Container::SpatiaLite => {
                self.word(shape.kind + thousands + if packed { 1_000_000 } else { 0 }, out);
            }
            _ => {
                out.push(u8::from(!self.big));
                let flagged = shape.kind | u32::from(self.z) << 31 | u32::from(self.m) << 30;
                let code = if self.flags { flagged } else { shape.kind + thousands };
                self.word(code | u32::from(with_srid) << 29, out);
                if with_srid {
                    self.word(self.srid.cast_unsigned(), out);
                }
            }
        }
        let count = |n: usize| u32::try_from(n).unwrap_or(0);
        match shape.kind {
            1 | 2 | 8 => {}
            3 | 17 => self.word(count(shape.lines.len()), out),
            _ => self.word(count(shape.parts.len()), out),
        }
        let packed = packed && self.container == Container::SpatiaLite;
        for line in &shape.lines {
            if shape.kind != 1 {
                self.word(count(line.len()), out);
            }
            for (at, point) in line.iter().enumerate() {
                let step = packed && at > 0 && at + 1 < line.len();
                let places = 2 + usize::from(self.z);
                for number in &point[..places] {
                    match step {
                        true => self.word((*number as f32).to_bits(), out),
                        false => self.long(number.to_bits(), out),
                    }
                }
                if self.m {
                    self.long(point[3].to_bits(), out);
                }
            }
        }
        for part in &shape.parts {
            if self.container == Container::SpatiaLite {
                out.push(0x69);
            }
            self.part(part, false, out);
        }
    }
}

fn way(container: Container, pg_type: &str, srids: Option<Srids>) -> Option<Way> {
    let column = LoadColumn {
        source: "g".into(),
        target: "g".into(),
        pg_type: PgType::parse(pg_type),
        format: Some(container.format()),
        not_null: false,
        on_invalid: OnInvalid::Error,
        null_values: Default::default(),
        words: Default::default(),
        texts: Default::default(),
        default: None,
        excess: Excess::Error,
        scale: None,
        srids,
    };
    Way::new(&column, &column.pg_type, "UTC", Facts::default())
}

/// Both sides say the same of a blob, or of a text.
fn agrees(container: Container, blob: &[u8]) -> Result<(), TestCaseError> {
    let text = container == Container::Wkt;
    for srids in [None, Some(Srids { stored: 4326, becomes: 4326 }), Some(Srids { stored: 0, becomes: 0 })] {
        let (rule, cell) =
            (Rule { container, srids }, if text { Cell::Text(blob) } else { Cell::Blob(blob) });
        let of_postgis = way(container, "public.geometry", srids);
        let of_bytes = way(container, "bytea", srids);
        let (Some(of_postgis), Some(of_bytes)) = (of_postgis, of_bytes) else { continue };
        match bounded(|| rule.digits(cell)) {
            Ok(digits) => {
                let verdict = of_postgis.compare(cell, &Native::Printed(digits.to_uppercase().into()));
                prop_assert!(
                    matches!(verdict, Verdict::Equal | Verdict::Normalised(_)),
                    "{verdict:?} {digits}"
                );
                // A NaN of a point that is not empty may have any bits; all of them come back.
                let exported = geopackage::blob(&digits);
                let exported = exported.map_err(|e| TestCaseError::fail(format!("{digits}: {e:?}")))?;
                let again = read(Container::GeoPackage, &exported, |srid| Ok(Becomes::Ewkb { srid }));
                let again = again.map_err(|e| TestCaseError::fail(e.to_string()))?;
                let mut printed = String::new();
                let _ = pg_sqlite_migrate_core::value::buffer::append_hex(&mut printed, &again.bytes);
                prop_assert_eq!(printed, digits);
            }
            Err(_) => {
                let verdict = of_postgis.compare(cell, &Native::Printed("0101".into()));
                prop_assert_eq!(verdict, Verdict::Different);
            }
        }
        match bounded(|| rule.wkb(cell)) {
            Ok(wkb) => {
                let _ = Bounds::of(&wkb);
                let verdict = of_bytes.compare(cell, &Native::Bytes(wkb.into()));
                prop_assert!(matches!(verdict, Verdict::Equal | Verdict::Normalised(_)), "{verdict:?}");
            }
            Err(_) => {
                let verdict = of_bytes.compare(cell, &Native::Bytes(blob.into()));
                prop_assert_eq!(verdict, Verdict::Different);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(4))]

    #[test]
    fn a_geometry(shape in shape(), style in style()) {
        agrees(style.container, &style.blob(&shape))?;
    }

    #[test]
    fn a_broken_one(
        shape in shape(),
        style in style(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
        as_container in select(&[Container::GeoPackage, Container::SpatiaLite, Container::Wkb][..]),
    ) {
        let mut blob = style.blob(&shape);
        for (at, byte) in changes {
            let at = at.index(blob.len());
            blob[at] = byte;
        }
        if let Some(cut) = cut {
            blob.truncate(cut.index(blob.len()));
        }
        agrees(style.container, &blob)?;
        agrees(as_container, &blob)?;
    }

    #[test]
    fn a_text(
        shape in shape(),
        style in style(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), select(&b"()0, .ZMEY-"[..])), 0..3),
    ) {
        let mut text = style.text(&shape, true).into_bytes();
        agrees(Container::Wkt, &text)?;
        for (at, byte) in changes {
            let at = at.index(text.len());
            text[at] = byte;
        }
        agrees(Container::Wkt, &text)?;
    }

    /// A text of what is in a blob becomes the same WKB, where a text can say it.
    #[test]
    fn a_text_and_a_blob_are_one_geometry(shape in shape(), style in style()) {
        let style = Style { container: Container::Wkb, srid: 0, flags: true, ..style };
        let wkb = |container, bytes: &[u8]| read(container, bytes, |_| Ok(Becomes::Wkb)).map(|found| found.bytes);
        let (blob, text) = (wkb(Container::Wkb, &style.blob(&shape)), wkb(Container::Wkt, style.text(&shape, true).as_bytes()));
        // Every NaN is written in one way.
        let nans = shape.has_nan();
        prop_assert!(nans || blob == text, "{}", style.text(&shape, true));
    }

    #[test]
    fn any_bytes(blob in prop::collection::vec(any::<u8>(), 0..80)) {
        for container in [Container::GeoPackage, Container::SpatiaLite, Container::Wkb, Container::Wkt] {
            agrees(container, &blob)?;
        }
        let _ = Bounds::of(&blob);
    }
}
