//! One stored geometry -> the text that PostGIS's input function reads, or the bytes of WKB.
#![deny(clippy::disallowed_methods)]

use super::{Becomes, Container, Result, read, refuse};
use crate::value::{Cell, buffer};

/// PostGIS does not take it.
pub const ODD_PART: &str = "a part of the geometry is of a kind that the whole cannot have";

/// The SRID of a column in the file, and what it is in PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Srids {
    pub stored: i32,
    pub becomes: i32,
}

impl Srids {
    /// What a geometry's SRID becomes. One without takes the column's; one of another system is not the column's.
    pub fn of(self, found: i32) -> Result<i32> {
        match found {
            found if found == self.stored || found <= 0 => Ok(self.becomes),
            _ => refuse("the geometry has another SRID than its column"),
        }
    }
}

/// How the geometries of a column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    pub container: Container,
    /// `None` where nothing is known of the column: the geometry keeps its own.
    pub srids: Option<Srids>,
}

impl Rule {
    fn blob<'a>(&self, cell: Cell<'a>) -> Result<&'a [u8]> {
        match cell {
            Cell::Blob(bytes) | Cell::Text(bytes) if self.container.takes(cell) => Ok(bytes),
            Cell::Blob(_) => refuse("a blob is no text of a geometry"),
            Cell::Text(_) => refuse("a text is no geometry"),
            _ => refuse("a number is no geometry"),
        }
    }

    fn srid(&self, found: i32) -> Result<i32> {
        self.srids.map_or(Ok(found.max(0)), |srids| srids.of(found))
    }

    /// EWKB as hexadecimal digits: what PostGIS prints.
    pub fn digits(&self, cell: Cell<'_>) -> Result<String> {
        let becomes = |found| self.srid(found).map(|srid| Becomes::Ewkb { srid });
        let geometry = read(self.container, self.blob(cell)?, becomes)?;
        if geometry.seen.odd_part {
            return refuse(ODD_PART);
        }
        let mut digits = String::new();
        buffer::append_hex(&mut digits, &geometry.bytes)?;
        Ok(digits)
    }

    /// WKB without an SRID.
    pub fn wkb(&self, cell: Cell<'_>) -> Result<Vec<u8>> {
        let becomes = |found| self.srid(found).map(|_| Becomes::Wkb);
        Ok(read(self.container, self.blob(cell)?, becomes)?.bytes)
    }
}
