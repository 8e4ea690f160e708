//! The parts of a geometry, whatever frames them: points, lines, rings, and geometries that hold others.
//!
//! What is read here PostGIS reads as well: which parts a geometry may have, how many dimensions, how deep
//! (`lwin_wkb.c`, `lwcollection_allows_subtype`).
#![deny(clippy::disallowed_methods)]

use super::bytes::{Bytes, Order};
use super::writer::Writer;
use super::{Result, refuse};

/// Collections may hold collections; PostGIS refuses those that are nested 200 deep.
pub const DEEPEST: u32 = 100;

/// The kinds of geometries by the codes of WKB, with the names by which files and PostGIS know them.
pub const KINDS: [(u32, &str); 15] = [
    (1, "Point"),
    (2, "LineString"),
    (3, "Polygon"),
    (4, "MultiPoint"),
    (5, "MultiLineString"),
    (6, "MultiPolygon"),
    (7, "GeometryCollection"),
    (8, "CircularString"),
    (9, "CompoundCurve"),
    (10, "CurvePolygon"),
    (11, "MultiCurve"),
    (12, "MultiSurface"),
    (15, "PolyhedralSurface"),
    (16, "Tin"),
    (17, "Triangle"),
];

/// Which dimensions there are beyond X and Y.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Dimensions {
    pub z: bool,
    pub m: bool,
}

impl Dimensions {
    pub fn count(self) -> usize {
        2 + usize::from(self.z) + usize::from(self.m)
    }

    /// By the thousands of a code of ISO.
    fn of_thousands(thousands: u32) -> Option<Dimensions> {
        (thousands < 4).then_some(Dimensions { z: thousands & 1 != 0, m: thousands & 2 != 0 })
    }
}

/// What frames the parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// Each begins with an order of bytes and its kind.
    Wkb,
    /// Each but the first begins with a mark; some are compressed.
    SpatiaLite,
    /// There is nothing but the coordinates of a point.
    Point(Dimensions),
}

/// What a geometry is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// The code of the outermost kind.
    pub kind: u32,
    pub dimensions: Dimensions,
    /// A coordinate is NaN or infinite, where the point is not an empty one.
    pub not_finite: bool,
    /// A ring does not end where it begins.
    pub open_ring: bool,
    /// A part is of a kind that PostGIS does not take there, as a curve among line strings.
    pub odd_part: bool,
}

/// The head of one part.
struct Head {
    kind: u32,
    dimensions: Dimensions,
    /// All points but the first and the last are differences.
    compressed: bool,
}

/// A geometry whose container has been opened.
pub struct Body<'a> {
    pub bytes: Bytes<'a>,
    pub frame: Frame,
}

const Z: u32 = 0x8000_0000;
const M: u32 = 0x4000_0000;
/// EWKB has an SRID then.
pub const SRID: u32 = 0x2000_0000;

impl Body<'_> {
    /// Reads all of it.
    pub fn read(mut self, out: &mut Writer) -> Result<Seen> {
        let head = self.head(true)?;
        let mut seen = Seen { kind: head.kind, dimensions: head.dimensions, ..Seen::default() };
        self.part(&head, out, &mut seen, 0)?;
        match self.bytes.left() {
            0 => Ok(seen),
            _ => refuse("bytes follow after the end of the geometry"),
        }
    }

    fn head(&mut self, outermost: bool) -> Result<Head> {
        match self.frame {
            Frame::Point(dimensions) => Ok(Head { kind: 1, dimensions, compressed: false }),
            Frame::Wkb => {
                self.bytes.order = Order::of(self.bytes.byte()?)?;
                let code = self.bytes.u32()?;
                if code & SRID != 0 {
                    self.bytes.u32()?;
                }
                iso(code & !(Z | M | SRID), code & Z != 0, code & M != 0)
            }
            Frame::SpatiaLite => {
                if !outermost && self.bytes.byte()? != super::spatialite::PART {
                    return refuse("a part of the geometry has no mark");
                }
                spatialite(self.bytes.u32()?)
            }
        }
    }

    fn part(&mut self, head: &Head, out: &mut Writer, seen: &mut Seen, depth: u32) -> Result<()> {
        if depth > DEEPEST {
            return refuse("the geometry is nested too deep");
        }
        out.head(head.kind, head.dimensions, depth == 0)?;
        match head.kind {
            1 => self.point(head, out, seen),
            2 | 8 => self.line(head, out, seen).map(drop),
            3 | 17 => self.rings(head, out, seen),
            _ => self.parts(head, out, seen, depth),
        }
    }

    /// A point is empty if X and Y are NaN. PostGIS prints all of its coordinates as one NaN then.
    fn point(&mut self, head: &Head, out: &mut Writer, seen: &mut Seen) -> Result<()> {
        let mut point = [0u64; 4];
        let point = point.get_mut(..head.dimensions.count()).unwrap_or_default();
        for coordinate in point.iter_mut() {
            *coordinate = self.bytes.double()?;
        }
        let is_nan = |bits: &u64| f64::from_bits(*bits).is_nan();
        if point.iter().take(2).all(is_nan) {
            point.fill(f64::NAN.to_bits());
        } else {
            seen.not_finite |= point.iter().any(|bits| !f64::from_bits(*bits).is_finite());
        }
        point.iter().try_for_each(|bits| out.double(*bits))
    }

    /// How many points there are, and whether the last is the first, as it is in a ring.
    fn line(&mut self, head: &Head, out: &mut Writer, seen: &mut Seen) -> Result<(u32, bool)> {
        let dimensions = head.dimensions;
        let size = if head.compressed { super::spatialite::step(dimensions) } else { 8 * dimensions.count() };
        let count = self.bytes.count(size)?;
        out.count(count)?;
        let (mut first, mut last) = ([0u64; 4], [0u64; 4]);
        for at in 0..count {
            let whole = !head.compressed || at == 0 || at + 1 == count;
            for (axis, coordinate) in last.iter_mut().take(dimensions.count()).enumerate() {
                let is_m = dimensions.m && axis + 1 == dimensions.count();
                *coordinate = match whole || is_m {
                    true => self.bytes.double()?,
                    // Each is the one before it and a difference, computed in doubles.
                    false => (f64::from_bits(*coordinate) + f64::from(self.bytes.single()?)).to_bits(),
                };
                seen.not_finite |= !f64::from_bits(*coordinate).is_finite();
                out.double(*coordinate)?;
            }
            if at == 0 {
                first = last;
            }
        }
        let axes = 2 + usize::from(dimensions.z);
        let same = |(a, b): (&u64, &u64)| f64::from_bits(*a) == f64::from_bits(*b);
        Ok((count, first.iter().zip(&last).take(axes).all(same)))
    }

    /// PostGIS takes a polygon whose first ring has no points for one without rings.
    fn rings(&mut self, head: &Head, out: &mut Writer, seen: &mut Seen) -> Result<()> {
        let count = self.bytes.count(4)?;
        if head.kind == 17 && count > 1 {
            return refuse("a triangle has more than one ring");
        }
        let start = out.mark();
        out.count(count)?;
        let mut hollow = false;
        for at in 0..count {
            let (points, closed) = self.line(head, out, seen)?;
            hollow |= at == 0 && points == 0;
            seen.open_ring |= points > 0 && !closed;
        }
        if hollow { out.back_to(start).and_then(|()| out.count(0)) } else { Ok(()) }
    }

    fn parts(&mut self, head: &Head, out: &mut Writer, seen: &mut Seen, depth: u32) -> Result<()> {
        let least = if self.frame == Frame::Wkb { 9 } else { 5 };
        let count = self.bytes.count(least)?;
        out.count(count)?;
        for _ in 0..count {
            let part = self.head(false)?;
            if part.dimensions != head.dimensions {
                return refuse("a part of the geometry has other dimensions than the whole");
            }
            seen.odd_part |= !holds(head.kind, part.kind);
            self.part(&part, out, seen, depth + 1)?;
        }
        Ok(())
    }
}

fn holds(whole: u32, part: u32) -> bool {
    match whole {
        4 => part == 1,
        5 => part == 2,
        6 | 15 => part == 3,
        9 => matches!(part, 2 | 8),
        10 | 11 => matches!(part, 2 | 8 | 9),
        12 => matches!(part, 3 | 10),
        16 => part == 17,
        _ => true,
    }
}

fn is_kind(kind: u32) -> bool {
    KINDS.iter().any(|(code, _)| *code == kind)
}

/// A code of ISO, or one of OGC with the flags that PostGIS and older GDAL set.
fn iso(code: u32, z: bool, m: bool) -> Result<Head> {
    let (kind, thousands) = (code % 1000, code / 1000);
    match Dimensions::of_thousands(thousands).filter(|_| is_kind(kind)) {
        Some(iso) => {
            let dimensions = Dimensions { z: iso.z || z, m: iso.m || m };
            Ok(Head { kind, dimensions, compressed: false })
        }
        None => refuse("the geometry is of an unknown kind"),
    }
}

/// SpatiaLite's kinds are the first seven; lines and polygons may be compressed.
fn spatialite(code: u32) -> Result<Head> {
    let (compressed, code) = if code >= 1_000_000 { (true, code - 1_000_000) } else { (false, code) };
    let kind = code % 1000;
    let known = if compressed { matches!(kind, 2 | 3) } else { (1..=7).contains(&kind) };
    match Dimensions::of_thousands(code / 1000).filter(|_| known) {
        Some(dimensions) => Ok(Head { kind, dimensions, compressed }),
        None => refuse("the geometry is of an unknown kind"),
    }
}
