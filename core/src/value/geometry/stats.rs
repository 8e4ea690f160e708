//! What the geometries of a column are, counted.

use super::declared::Geometries;
use super::parts::{KINDS, Seen};
use super::value::{ODD_PART, Srids};
use super::{Container, look};
use crate::value::{Cell, PgType};

/// Counts over the values of one column.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    pub read: u64,
    pub with_z: u64,
    pub with_m: u64,
    /// Geometries with coordinates that are NaN or infinite, and those with rings that are open.
    pub not_finite: u64,
    pub open_rings: u64,
    /// Values that are no geometries of the column.
    pub unfit: u64,
    /// Geometries with a part that PostGIS does not take.
    pub odd: u64,
    /// Why the first of them is not.
    pub why: Option<&'static str>,
    /// A bit for each kind, by its code.
    kinds: u32,
}

impl Stats {
    /// Values that PostGIS does not take, or that have no WKB.
    pub fn unfit_for(&self, pg_type: &PgType) -> u64 {
        if *pg_type.base() == PgType::Bytea { self.unfit } else { self.unfit + self.odd }
    }

    /// Why one of them is not taken.
    pub fn reason(&self) -> Option<&'static str> {
        self.why.or((self.odd > 0).then_some(ODD_PART))
    }

    /// Nothing is stored but this kind.
    pub fn is_only(&self, kind: u32) -> bool {
        self.kinds & !(1 << kind) == 0
    }

    /// The names of the kinds that are stored.
    pub fn names(&self) -> Vec<&'static str> {
        KINDS.iter().filter(|(code, _)| self.kinds & 1 << code != 0).map(|(_, name)| *name).collect()
    }

    /// Takes in what was counted of values that come after these.
    pub fn add_later(&mut self, later: &Stats) {
        self.read += later.read;
        self.with_z += later.with_z;
        self.with_m += later.with_m;
        self.not_finite += later.not_finite;
        self.open_rings += later.open_rings;
        self.unfit += later.unfit;
        self.odd += later.odd;
        self.why = self.why.or(later.why);
        self.kinds |= later.kinds;
    }

    pub fn count(&mut self, seen: &Seen) {
        self.read += 1;
        self.with_z += u64::from(seen.dimensions.z);
        self.with_m += u64::from(seen.dimensions.m);
        self.not_finite += u64::from(seen.not_finite);
        self.open_rings += u64::from(seen.open_ring);
        self.odd += u64::from(seen.odd_part);
        self.kinds |= 1 << (seen.kind & 31);
    }
}

/// Counts the cells of a column as they are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    container: Container,
    srids: Srids,
    pub stats: Stats,
}

impl Observed {
    pub fn new(column: &Geometries) -> Observed {
        let stored = column.system.id;
        Observed { container: column.container, srids: Srids { stored, becomes: 0 }, stats: Stats::default() }
    }

    pub fn observe(&mut self, cell: Cell<'_>) {
        let seen = match cell {
            Cell::Null => return,
            Cell::Blob(bytes) | Cell::Text(bytes) if self.container.takes(cell) => {
                look(self.container, bytes).and_then(|(srid, seen)| {
                    self.srids.of(srid)?;
                    Ok(seen)
                })
            }
            _ if self.container == Container::Wkt => super::refuse("it is not stored as a text"),
            _ => super::refuse("it is not stored as a blob"),
        };
        match seen {
            Ok(seen) => self.stats.count(&seen),
            Err(invalid) => {
                self.stats.unfit += 1;
                if let crate::value::InvalidValue::Unreadable(why) = invalid {
                    self.stats.why.get_or_insert(why);
                }
            }
        }
    }
}
