//! Geometries as GeoPackage, SpatiaLite and OGR store them -> WKB, which PostGIS reads.
//!
//! [`Container`] names the form of a file's blobs; [`read`] turns one blob into EWKB for PostGIS, or into ISO WKB where
//! there is no PostGIS. [`declared`] is what a file says of its columns, [`stats`] what they hold. Pure.
//!
//! What is read is checked to its last byte, with every count held against the bytes that are left: a blob that is
//! broken is a value that does not fit, with a reason. What is merely invalid as a geometry (a ring that is open, a
//! coordinate that is NaN) is kept as it is. Coordinates are copied bit by bit.
//!
//! The crate geozero (0.15.1) reads the same containers. Measured with the blobs of `tests`, it is not exact: the flags of EWKB in
//! a GeoPackage are refused, an extended geometry is read as WKB, a part of other dimensions gets zeros for those that it does
//! not have, bytes after the end and a missing end mark of SpatiaLite go unnoticed, an empty point keeps its Z, and the writer
//! has to be told the dimensions beforehand; nothing bounds how deep collections are nested.
#![deny(clippy::disallowed_methods)]

pub mod bounds;
mod bytes;
pub mod declared;
mod geopackage;
pub mod parts;
mod spatialite;
pub mod stats;
pub mod value;
mod wkb;
mod wkt;
mod writer;

use self::parts::Seen;
use self::writer::Writer;
use crate::value::{Cell, Format, InvalidValue};

/// The form of a file's blobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Container {
    /// <https://www.geopackage.org/spec/#gpb_format>
    GeoPackage,
    /// <https://www.gaia-gis.it/gaia-sins/BLOB-Geometry.html>, and its points in fewer bytes.
    SpatiaLite,
    /// WKB of OGC, ISO or PostGIS, as OGR writes it into SQLite files.
    Wkb,
    /// Text, as OGR writes it into SQLite files on demand.
    Wkt,
}

impl Container {
    pub fn format(self) -> Format {
        match self {
            Container::GeoPackage => Format::GeoPackage,
            Container::SpatiaLite => Format::SpatiaLite,
            Container::Wkb => Format::Wkb,
            Container::Wkt => Format::Wkt,
        }
    }

    pub fn of(format: Format) -> Option<Container> {
        match format {
            Format::GeoPackage => Some(Container::GeoPackage),
            Format::SpatiaLite => Some(Container::SpatiaLite),
            Format::Wkb => Some(Container::Wkb),
            Format::Wkt => Some(Container::Wkt),
            _ => None,
        }
    }

    /// Its values are cells of this storage class.
    fn takes(self, cell: Cell<'_>) -> bool {
        match cell {
            Cell::Text(_) => self == Container::Wkt,
            Cell::Blob(_) => self != Container::Wkt,
            _ => false,
        }
    }

    /// For messages.
    pub fn title(self) -> &'static str {
        match self {
            Container::GeoPackage => "GeoPackage",
            Container::SpatiaLite => "SpatiaLite",
            Container::Wkb => "WKB",
            Container::Wkt => "WKT",
        }
    }
}

/// What a geometry becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Becomes {
    /// Little-endian EWKB with the SRID, if it is not 0: what PostGIS prints and reads.
    Ewkb { srid: i32 },
    /// Little-endian WKB with the codes of ISO, which has no SRID.
    Wkb,
}

type Result<T> = std::result::Result<T, InvalidValue>;

fn refuse<T>(why: &'static str) -> Result<T> {
    Err(InvalidValue::Unreadable(why))
}

/// A geometry that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Geometry {
    pub bytes: Vec<u8>,
    pub seen: Seen,
    /// As the blob has it; 0 or less where it is undefined.
    pub srid: i32,
}

/// Reads one blob, or the bytes of a text. `becomes` chooses the form by the blob's own SRID.
pub fn read(
    container: Container,
    blob: &[u8],
    becomes: impl FnOnce(i32) -> Result<Becomes>,
) -> Result<Geometry> {
    let made = made(container, blob)?;
    let (srid, body) = opened(container, made.as_deref().unwrap_or(blob))?;
    let mut writer = Writer::keeping(becomes(srid)?);
    let seen = body.read(&mut writer)?;
    Ok(Geometry { bytes: writer.into_bytes(), seen, srid })
}

/// What a blob is, without a copy of it.
pub fn look(container: Container, blob: &[u8]) -> Result<(i32, Seen)> {
    let made = made(container, blob)?;
    let (srid, body) = opened(container, made.as_deref().unwrap_or(blob))?;
    Ok((srid, body.read(&mut Writer::dropping())?))
}

/// The WKB of a text.
fn made(container: Container, text: &[u8]) -> Result<Option<Vec<u8>>> {
    (container == Container::Wkt).then(|| wkt::wkb(text)).transpose()
}

fn opened(container: Container, blob: &[u8]) -> Result<(i32, parts::Body<'_>)> {
    match container {
        Container::GeoPackage => geopackage::open(blob),
        Container::SpatiaLite => spatialite::open(blob),
        Container::Wkb | Container::Wkt => wkb::open(blob),
    }
}

#[cfg(test)]
mod tests;
