//! The `format` vocabulary of the plan and of foreign columns: how a column's numbers, or its encoded texts, are read.
//! One table, from which names, parsing and documentation derive.
//!
//! A format never changes how ISO-8601 text is read: one column may mix milliseconds and `CURRENT_TIMESTAMP` text.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// How the numbers (or encoded texts) of a column are to be read (`format` in the plan).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    Iso8601,
    UnixEpoch,
    UnixEpochMs,
    UnixEpochUs,
    UnixEpochNs,
    JulianDay,
    Chrome,
    Apple,
    Seconds,
    Milliseconds,
    Microseconds,
    Days,
    Since1970,
    Hex,
    Base64,
    Text,
    Comma,
    GeoPackage,
    SpatiaLite,
    Wkb,
    Wkt,
}

/// Name, variant, and what it means.
const FORMATS: [(&str, Format, &str); 21] = [
    ("iso8601", Format::Iso8601, "ISO-8601 text only; a number does not fit"),
    ("unixepoch", Format::UnixEpoch, "seconds since 1970-01-01 UTC"),
    ("unixepoch_ms", Format::UnixEpochMs, "milliseconds since 1970-01-01 UTC"),
    ("unixepoch_us", Format::UnixEpochUs, "microseconds since 1970-01-01 UTC"),
    ("unixepoch_ns", Format::UnixEpochNs, "nanoseconds since 1970-01-01 UTC, whole microseconds only"),
    ("julianday", Format::JulianDay, "Julian day numbers, to the millisecond as SQLite reads them"),
    ("chrome", Format::Chrome, "microseconds since 1601-01-01 UTC"),
    ("apple", Format::Apple, "seconds since 2001-01-01 UTC (Core Data)"),
    ("seconds", Format::Seconds, "a duration or time of day in seconds"),
    ("milliseconds", Format::Milliseconds, "a duration or time of day in milliseconds"),
    ("microseconds", Format::Microseconds, "a duration or time of day in microseconds (Django)"),
    ("days", Format::Days, "a duration in days, with fractions (Pony)"),
    (
        "since_1970",
        Format::Since1970,
        "a duration written as a date and time counted from 1970-01-01 (SQLAlchemy)",
    ),
    ("hex", Format::Hex, "texts of a bytea column are hexadecimal digits"),
    ("base64", Format::Base64, "texts of a bytea column are base64"),
    (
        "text",
        Format::Text,
        "numbers in a bytea column are kept as the bytes of their text; blobs in a number column are the text of a number (Drizzle)",
    ),
    (
        "comma",
        Format::Comma,
        "texts of an array column are its elements, separated by commas (TypeORM's simple-array)",
    ),
    (
        "geopackage",
        Format::GeoPackage,
        "blobs are geometries as GeoPackage stores them; of a bytea column they become WKB",
    ),
    (
        "spatialite",
        Format::SpatiaLite,
        "blobs are geometries as SpatiaLite stores them; of a bytea column they become WKB",
    ),
    ("wkb", Format::Wkb, "blobs are WKB of OGC, ISO or PostGIS; of a bytea column they become WKB of ISO"),
    ("wkt", Format::Wkt, "texts are well-known text of geometries, as OGR writes it on demand"),
];

impl Format {
    /// Every format, in the order of the documentation.
    pub const ALL: [Format; FORMATS.len()] = {
        let mut all = [Format::Iso8601; FORMATS.len()];
        let mut i = 0;
        while i < FORMATS.len() {
            all[i] = FORMATS[i].1;
            i += 1;
        }
        all
    };

    pub fn parse(name: &str) -> Option<Format> {
        FORMATS.iter().find(|f| f.0 == name).map(|f| f.1)
    }

    pub fn as_str(self) -> &'static str {
        FORMATS.iter().find(|f| f.1 == self).map_or("", |f| f.0)
    }

    /// What the format means, in a few words.
    pub fn describe(self) -> &'static str {
        FORMATS.iter().find(|f| f.1 == self).map_or("", |f| f.2)
    }

    /// The format reads blobs or texts as geometries.
    pub fn is_geometry(self) -> bool {
        matches!(self, Format::GeoPackage | Format::SpatiaLite | Format::Wkb | Format::Wkt)
    }

    /// The format reads numbers as instants.
    pub fn is_epoch(self) -> bool {
        super::epoch::is_instant(self)
    }

    /// The format reads numbers as durations.
    pub fn is_duration(self) -> bool {
        super::epoch::is_duration(self)
    }
}

/// By its name in the table.
impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Format, D::Error> {
        let name = String::deserialize(deserializer)?;
        Format::parse(&name).ok_or_else(|| de::Error::custom("unknown format"))
    }
}

/// The table as it stands in `docs/types.md`.
pub fn markdown() -> String {
    let rows = FORMATS.iter().map(|(name, _, meaning)| format!("| `{name}` | {meaning} |\n"));
    String::from("| format | meaning |\n|---|---|\n") + &rows.collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_parses_back_to_its_format() {
        for format in Format::ALL {
            assert_eq!(Format::parse(format.as_str()), Some(format));
            assert!(!format.describe().is_empty());
        }
        assert_eq!(Format::parse("ISO8601"), None);
    }
}
