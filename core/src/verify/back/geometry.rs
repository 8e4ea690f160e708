//! Geometries in the blobs of GeoPackage, SpatiaLite and OGR, as PostGIS prints them, or as WKB.
//!
//! A blob becomes a tree first, which is written down again: another way than the loader's, from the same descriptions.

use super::wkt;
use crate::value::geometry::value::Srids;
use crate::value::{Cell, Format, PgType};

/// How geometries of a column are read, and what has to come of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    format: Format,
    srids: Option<Srids>,
    /// The SRID that the type has: it is that of each geometry that has none.
    of_type: i32,
    /// WKB of ISO in a `bytea`.
    bare: bool,
}

impl Ask {
    pub fn new(pg_type: &PgType, format: Format, srids: Option<Srids>) -> Option<Ask> {
        let bare = match pg_type.base() {
            PgType::Bytea => true,
            PgType::Other(_) | PgType::UserDefined(_) => false,
            _ => return None,
        };
        format.is_geometry().then(|| Ask {
            format,
            srids,
            of_type: srid_of(&pg_type.base().to_string()),
            bare,
        })
    }

    /// It becomes WKB in a `bytea`.
    pub fn is_wkb(&self) -> bool {
        self.bare
    }

    /// The bytes that a value has to become; `None` of one that is no geometry of the column.
    pub fn meant(&self, cell: Cell<'_>) -> Option<Vec<u8>> {
        let (found, node) = match (self.format, cell) {
            (Format::Wkt, Cell::Text(text)) => (0, wkt::tree(text)?),
            (_, Cell::Blob(blob)) => read(self.format, blob)?,
            _ => return None,
        };
        if !self.bare && node.is_odd() {
            return None;
        }
        let srid = match self.srids {
            None => found.max(0),
            Some(srids) if found <= 0 || found == srids.stored => srids.becomes,
            Some(_) => return None,
        };
        let srid = if srid == 0 { self.of_type } else { srid };
        let mut out = vec![];
        node.write(self.bare, Some(srid).filter(|srid| *srid > 0), &mut out);
        Some(out)
    }
}

/// The number after the comma in `geometry(Point,4326)`.
fn srid_of(pg_type: &str) -> i32 {
    let inside = pg_type.strip_suffix(')').and_then(|rest| rest.rsplit_once(','));
    inside.and_then(|(_, srid)| srid.trim().parse().ok()).unwrap_or(0)
}

/// Pairs of hexadecimal digits.
pub fn printed(digits: &str) -> Option<Vec<u8>> {
    let nibble = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(nibble(*high)? << 4 | nibble(*low)?));
    rest.is_empty().then(|| bytes.collect()).flatten()
}

/// The same digits of bytes.
pub fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

type Point = [u64; 4];

pub(super) struct Node {
    pub(super) kind: u32,
    pub(super) z: bool,
    pub(super) m: bool,
    /// The points of a point or a line, the rings of a polygon.
    pub(super) lines: Vec<Vec<Point>>,
    pub(super) parts: Vec<Node>,
}

impl Node {
    /// It has a part that PostGIS does not take.
    fn is_odd(&self) -> bool {
        self.parts.iter().any(|part| !takes(self.kind, part.kind) || part.is_odd())
    }

    fn write(&self, bare: bool, srid: Option<i32>, out: &mut Vec<u8>) {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
        let code = match bare {
            true => self.kind + if self.z { 1000 } else { 0 } + if self.m { 2000 } else { 0 },
            false => self.kind | u32::from(self.z) << 31 | u32::from(self.m) << 30,
        };
        let srid = srid.filter(|_| !bare);
        out.push(1);
        out.extend((code | u32::from(srid.is_some()) << 29).to_le_bytes());
        out.extend(srid.into_iter().flat_map(i32::to_le_bytes));
        let dimensions = 2 + usize::from(self.z) + usize::from(self.m);
        let polygon = matches!(self.kind, 3 | 17);
        // A polygon of nothing has no rings.
        let hollow = polygon && self.lines.first().is_some_and(Vec::is_empty);
        match self.kind {
            1 | 2 | 8 => {}
            3 | 17 => out.extend(count(if hollow { 0 } else { self.lines.len() })),
            _ => out.extend(count(self.parts.len())),
        }
        for line in self.lines.iter().filter(|_| !hollow) {
            if self.kind != 1 {
                out.extend(count(line.len()));
            }
            let numbers = line.iter().flat_map(|point| point.iter().take(dimensions));
            numbers.for_each(|number| out.extend(number.to_le_bytes()));
        }
        self.parts.iter().for_each(|part| part.write(bare, None, out));
    }
}

/// The SRID and the tree of a blob, of which no byte is left.
fn read(format: Format, blob: &[u8]) -> Option<(i32, Node)> {
    let (srid, mut rest, node) = match format {
        Format::GeoPackage => {
            let (head, rest) = blob.split_at_checked(8)?;
            let [b'G', b'P', 0, flags, a, b, c, d] = *head else { return None };
            let srid = if flags & 1 == 1 {
                i32::from_le_bytes([a, b, c, d])
            } else {
                i32::from_be_bytes([a, b, c, d])
            };
            let envelope = *[0, 32, 48, 48, 64].get(usize::from(flags >> 1 & 7))?;
            if flags & 0x20 != 0 {
                return None;
            }
            let mut rest = Rest { bytes: rest.get(envelope..)?, big: false, marked: false };
            let node = rest.node(0)?;
            (srid, rest, node)
        }
        Format::SpatiaLite => {
            let (inside, bounds) = (blob.get(6..)?, 32);
            let inside = inside.strip_suffix(&[0xFE])?;
            let order = *blob.get(1)?;
            let mut head = Rest { bytes: blob.get(2..6)?, big: order & 1 == 0, marked: true };
            if blob.first() != Some(&0) || !matches!(order, 0 | 1 | 0x80 | 0x81) {
                return None;
            }
            let srid = head.word()?.cast_signed();
            if order & 0x80 != 0 {
                let dimensions = u32::from(*inside.first()?).checked_sub(1).filter(|d| *d < 4)?;
                let (z, m) = (dimensions & 1 == 1, dimensions & 2 == 2);
                let mut rest = Rest { bytes: inside.get(1..)?, ..head };
                let lines = vec![vec![rest.lone_point(z, m)?]];
                (srid, rest, Node { kind: 1, z, m, lines, parts: vec![] })
            } else {
                if inside.get(bounds) != Some(&0x7C) {
                    return None;
                }
                let mut rest = Rest { bytes: inside.get(bounds + 1..)?, ..head };
                let node = rest.node(0)?;
                (srid, rest, node)
            }
        }
        Format::Wkb => {
            let mut head = Rest { bytes: blob.get(1..)?, big: blob.first() == Some(&0), marked: false };
            let srid = if head.word()? >> 29 & 1 == 1 { head.word()?.cast_signed() } else { 0 };
            let mut rest = Rest { bytes: blob, big: false, marked: false };
            let node = rest.node(0)?;
            (srid, rest, node)
        }
        _ => return None,
    };
    rest.byte().is_none().then_some((srid, node))
}

struct Rest<'a> {
    bytes: &'a [u8],
    big: bool,
    /// In SpatiaLite's form.
    marked: bool,
}

impl Rest<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*byte)
    }

    fn word(&mut self) -> Option<u32> {
        let bytes = [self.byte()?, self.byte()?, self.byte()?, self.byte()?];
        Some(if self.big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn long(&mut self) -> Option<u64> {
        let (first, second) = (u64::from(self.word()?), u64::from(self.word()?));
        Some(if self.big { first << 32 | second } else { second << 32 | first })
    }

    fn point(&mut self, z: bool, m: bool) -> Option<Point> {
        let (x, y) = (self.long()?, self.long()?);
        let third = if z || m { self.long()? } else { 0 };
        Some([x, y, third, if z && m { self.long()? } else { 0 }])
    }

    /// PostGIS knows one point of nothing.
    fn lone_point(&mut self, z: bool, m: bool) -> Option<Point> {
        let point = self.point(z, m)?;
        let [x, y, ..] = point.map(f64::from_bits);
        Some(if x.is_nan() && y.is_nan() { [0x7FF8_0000_0000_0000; 4] } else { point })
    }

    fn line(&mut self, z: bool, m: bool, compressed: bool) -> Option<Vec<Point>> {
        let count = self.word()?;
        let mut line: Vec<Point> = vec![];
        for at in 0..count {
            let between = compressed && at > 0 && at + 1 < count;
            let point = match line.last().filter(|_| between) {
                None => self.point(z, m)?,
                Some(before) => {
                    let mut point = *before;
                    for number in point.iter_mut().take(if z { 3 } else { 2 }) {
                        let step = f32::from_bits(self.word()?);
                        *number = (f64::from_bits(*number) + f64::from(step)).to_bits();
                    }
                    if m {
                        *point.get_mut(if z { 3 } else { 2 })? = self.long()?;
                    }
                    point
                }
            };
            line.push(point);
        }
        Some(line)
    }

    fn node(&mut self, depth: u32) -> Option<Node> {
        if depth > 100 {
            return None;
        }
        if !self.marked {
            self.big = match self.byte()? {
                0 => true,
                1 => false,
                _ => return None,
            };
        } else if depth > 0 && self.byte()? != 0x69 {
            return None;
        }
        let code = self.word()?;
        let flags = if self.marked { 0 } else { code >> 29 };
        if flags & 1 == 1 {
            self.word()?;
        }
        let code = if self.marked { code } else { code & 0x1FFF_FFFF };
        let compressed = self.marked && code >= 1_000_000;
        let code = if compressed { code - 1_000_000 } else { code };
        let (kind, thousands) = (code % 1000, code / 1000);
        let known = match (self.marked, compressed) {
            (true, true) => kind == 2 || kind == 3,
            (true, false) => (1..8).contains(&kind),
            _ => matches!(kind, 1..=12 | 15..=17),
        };
        if !known || thousands > 3 {
            return None;
        }
        let (z, m) = (thousands & 1 == 1 || flags & 4 == 4, thousands & 2 == 2 || flags & 2 == 2);
        let mut node = Node { kind, z, m, lines: vec![], parts: vec![] };
        match kind {
            1 => node.lines.push(vec![self.lone_point(z, m)?]),
            2 | 8 => node.lines.push(self.line(z, m, compressed)?),
            3 | 17 => {
                let rings = self.word()?;
                for _ in 0..rings {
                    node.lines.push(self.line(z, m, compressed)?);
                }
                if kind == 17 && rings > 1 {
                    return None;
                }
            }
            _ => {
                for _ in 0..self.word()? {
                    let part = self.node(depth + 1)?;
                    if (part.z, part.m) != (z, m) {
                        return None;
                    }
                    node.parts.push(part);
                }
            }
        }
        Some(node)
    }
}

/// Which parts a geometry has.
fn takes(kind: u32, part: u32) -> bool {
    let parts: &[u32] = match kind {
        4 => &[1],
        5 => &[2],
        6 | 15 => &[3],
        9 => &[2, 8],
        10 | 11 => &[2, 8, 9],
        12 => &[3, 10],
        16 => &[17],
        _ => return true,
    };
    parts.contains(&part)
}
