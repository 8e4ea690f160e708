//! What a file says of its columns with geometries: `gpkg_geometry_columns` of a GeoPackage, `geometry_columns` of
//! SpatiaLite and of OGR; and the systems of coordinates that it names.

use super::Container;
use super::parts::{Dimensions, KINDS};
use super::stats::Stats;

/// The highest SRID that PostGIS leaves to its users (`SRID_USER_MAXIMUM`).
pub const HIGHEST_SRID: i32 = 998_999;

/// Organisations whose codes are the SRIDs of PostGIS's own `spatial_ref_sys`.
const ORGANISATIONS: [&str; 2] = ["EPSG", "ESRI"];

/// Whether a dimension is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Presence {
    #[default]
    No,
    Yes,
    Either,
}

impl Presence {
    /// As `gpkg_geometry_columns` has it.
    pub fn of_geopackage(number: i64) -> Presence {
        match number {
            0 => Presence::No,
            1 => Presence::Yes,
            _ => Presence::Either,
        }
    }

    fn of(there: bool) -> Presence {
        if there { Presence::Yes } else { Presence::No }
    }

    /// By the values that have the dimension and those that have not; `None` where there are both, or might be.
    fn settled(self, with: u64, without: u64) -> Option<bool> {
        match (self, with, without) {
            (Presence::Yes, _, 0) => Some(true),
            (Presence::No, 0, _) => Some(false),
            (Presence::Either, 1.., 0) => Some(true),
            (Presence::Either, 0, 1..) => Some(false),
            _ => None,
        }
    }
}

/// A system of coordinates, as the file defines it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct System {
    pub id: i32,
    pub organisation: String,
    pub code: i32,
    /// Well-known text.
    pub definition: String,
    pub proj4: String,
}

impl System {
    /// Its number is one of PostGIS's own.
    pub fn is_common(&self) -> bool {
        ORGANISATIONS.iter().any(|name| name.eq_ignore_ascii_case(&self.organisation)) && self.code > 0
    }

    /// The SRID that it has in PostgreSQL where nothing else is in its place there; 0 for an undefined one.
    pub fn srid(&self) -> i32 {
        let srid = if self.is_common() { self.code } else { self.id };
        if self.id > 0 && (1..=HIGHEST_SRID).contains(&srid) { srid } else { 0 }
    }
}

/// What a file says of one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Geometries {
    pub container: Container,
    /// The code of the kind; `None` where any may be there.
    pub kind: Option<u32>,
    pub z: Presence,
    pub m: Presence,
    pub system: System,
    /// An R*Tree has the bounds.
    pub indexed: bool,
}

/// A kind by the name that a file gives it, and which dimensions a name such as `POINTZ` adds. The kinds `GEOMETRY`, `CURVE`
/// and `SURFACE` stand for several, as a name that is not known does.
pub fn kind_named(name: &str) -> (Option<u32>, Dimensions) {
    let upper = name.trim().to_ascii_uppercase();
    let found =
        |name: &str| KINDS.iter().find(|(_, kind)| kind.eq_ignore_ascii_case(name)).map(|(code, _)| *code);
    let ends = [("ZM", true, true), ("Z", true, false), ("M", false, true), ("", false, false)];
    let mut read = ends.into_iter().filter_map(|(end, z, m)| {
        let bare = upper.strip_suffix(end)?.trim_end();
        let kind = found(bare).map(Some).or_else(|| (bare == "GEOMETRY").then_some(None))?;
        Some((kind, Dimensions { z, m }))
    });
    read.next().unwrap_or_default()
}

/// The same of a code of ISO.
pub fn kind_coded(code: i64) -> (Option<u32>, Dimensions) {
    let kind = u32::try_from(code % 1000).ok();
    let kind = kind.filter(|kind| KINDS.iter().any(|(known, _)| known == kind));
    (kind, Dimensions { z: matches!(code / 1000, 1 | 3), m: matches!(code / 1000, 2 | 3) })
}

/// Dimensions as `coord_dimension` has them: a number, or `XYZ`.
pub fn dimensions_of(written: &str, kind: Dimensions) -> (Presence, Presence) {
    let upper = written.to_ascii_uppercase();
    let letters = |letter: char| upper.contains(letter);
    let (z, m) = match upper.trim() {
        // Three may be Z or M, which the kind tells.
        "3" => (kind.z || !kind.m, kind.m),
        "4" => (true, true),
        _ => (letters('Z') || kind.z, letters('M') || kind.m),
    };
    (Presence::of(z), Presence::of(m))
}

/// The type that the column gets in PostGIS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Narrowed {
    /// `(PointZ,4326)`, or nothing where values of different dimensions are there.
    pub modifiers: String,
    /// There are values without and with a third or a fourth dimension.
    pub mixed: bool,
    /// Kinds that are stored against the declaration.
    pub others: bool,
}

impl Geometries {
    /// The narrowest type that holds what is declared and what is stored, of SRID `srid`.
    pub fn narrowed(&self, stored: Option<&Stats>, srid: i32) -> Narrowed {
        let counts = stored.copied().unwrap_or_default();
        let z = self.z.settled(counts.with_z, counts.read - counts.with_z);
        let m = self.m.settled(counts.with_m, counts.read - counts.with_m);
        let kind = self.kind.filter(|kind| counts.is_only(*kind));
        let others = self.kind.is_some() && kind.is_none();
        let (Some(z), Some(m)) = (z, m) else {
            return Narrowed { modifiers: String::new(), mixed: true, others };
        };
        let name = kind.and_then(|kind| KINDS.iter().find(|(code, _)| *code == kind)).map(|(_, name)| *name);
        let letters = format!("{}{}", if z { "Z" } else { "" }, if m { "M" } else { "" });
        let modifiers = match (name, srid) {
            (None, 0) if letters.is_empty() => String::new(),
            (name, 0) => format!("({}{letters})", name.unwrap_or("Geometry")),
            (name, srid) => format!("({}{letters},{srid})", name.unwrap_or("Geometry")),
        };
        Narrowed { modifiers, mixed: false, others }
    }
}
