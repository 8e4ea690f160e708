//! Well-known text of OGC and ISO, as OGR writes it into SQLite files -> little-endian WKB of ISO.
//!
//! `POINT Z (1 2 3)`, and the older `POINT (1 2 3)`: a third coordinate without a word is Z, and a fourth is M. All coordinates
//! of a geometry have the dimensions of the first, or those that its word says.
#![deny(clippy::disallowed_methods)]

use super::parts::{DEEPEST, Dimensions, KINDS};
use super::{Result, refuse};
use crate::value::buffer::OutOfMemory;

const NOT_WKT: &str = "the text is no well-known text of a geometry";

/// The bytes of a text.
pub fn wkb(text: &[u8]) -> Result<Vec<u8>> {
    let Ok(text) = std::str::from_utf8(text) else { return refuse(NOT_WKT) };
    let found = Reader::read(text, None)?;
    // How many coordinates it has was not known yet.
    let again = found.early && found.dimensions.unwrap_or_default().count() > 2;
    let found = if again { Reader::read(text, found.dimensions)? } else { found };
    let Reader { mut out, dimensions, heads, .. } = found;
    let Dimensions { z, m } = dimensions.unwrap_or_default();
    let thousands = 1000 * u32::from(z) + 2000 * u32::from(m);
    for (at, kind) in heads {
        if let Some(code) = out.get_mut(at..at + 4) {
            code.copy_from_slice(&(kind + thousands).to_le_bytes());
        }
    }
    Ok(out)
}

struct Reader<'a> {
    rest: &'a str,
    out: Vec<u8>,
    /// As soon as they are known.
    dimensions: Option<Dimensions>,
    /// Where the codes of kinds stand, which depend on the dimensions.
    heads: Vec<(usize, u32)>,
    /// A point without coordinates came before any that tells the dimensions.
    early: bool,
}

impl<'a> Reader<'a> {
    fn read(text: &'a str, dimensions: Option<Dimensions>) -> Result<Reader<'a>> {
        let mut reader =
            Reader { rest: text.trim_start(), out: vec![], dimensions, heads: vec![], early: false };
        reader.tagged(0)?;
        if reader.rest.is_empty() { Ok(reader) } else { refuse(NOT_WKT) }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.try_reserve(bytes.len()).map_err(OutOfMemory::from)?;
        self.out.extend(bytes);
        Ok(())
    }

    /// Whether a character comes next, which is then taken.
    fn takes(&mut self, wanted: char) -> bool {
        let after = self.rest.strip_prefix(wanted);
        self.rest = after.unwrap_or(self.rest).trim_start();
        after.is_some()
    }

    fn expects(&mut self, wanted: char) -> Result<()> {
        if self.takes(wanted) { Ok(()) } else { refuse(NOT_WKT) }
    }

    /// Whether a word comes next, whatever its case, which is then taken.
    fn takes_word(&mut self, wanted: &str) -> bool {
        let end = self.rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(self.rest.len());
        let (word, after) = self.rest.split_at(end);
        let is_it = word.eq_ignore_ascii_case(wanted);
        self.rest = if is_it { after.trim_start() } else { self.rest };
        is_it
    }

    /// A geometry with the name of its kind.
    fn tagged(&mut self, depth: u32) -> Result<()> {
        let Some((kind, _)) = KINDS.iter().find(|(_, name)| self.takes_word(name)) else {
            return refuse(NOT_WKT);
        };
        let words = [("ZM", true, true), ("Z", true, false), ("M", false, true)];
        if let Some((_, z, m)) = words.into_iter().find(|(word, ..)| self.takes_word(word)) {
            self.agree(Dimensions { z, m })?;
        }
        self.body(*kind, depth)
    }

    fn agree(&mut self, found: Dimensions) -> Result<()> {
        if *self.dimensions.get_or_insert(found) == found {
            return Ok(());
        }
        refuse("a part of the geometry has other dimensions than the whole")
    }

    fn body(&mut self, kind: u32, depth: u32) -> Result<()> {
        if depth > DEEPEST {
            return refuse("the geometry is nested too deep");
        }
        self.head(kind)?;
        if kind == 1 {
            return self.lone_point();
        }
        self.list(|reader| match kind {
            2 | 8 => reader.point(),
            3 | 17 => reader.list(Reader::point),
            // The points of a multi-point may stand without brackets.
            4 => reader.part(1, depth),
            5 => reader.part(2, depth),
            6 | 15 => reader.part(3, depth),
            9..=11 => reader.part_or_tagged(2, depth),
            12 => reader.part_or_tagged(3, depth),
            16 => reader.part(17, depth),
            _ => reader.tagged(depth + 1),
        })
    }

    /// A part of the kind that it has where it has no name.
    fn part_or_tagged(&mut self, kind: u32, depth: u32) -> Result<()> {
        let bare = self.rest.starts_with('(')
            || self.rest.split_at_checked(5).is_some_and(|(word, _)| word.eq_ignore_ascii_case("empty"));
        if bare { self.body(kind, depth + 1) } else { self.tagged(depth + 1) }
    }

    fn part(&mut self, kind: u32, depth: u32) -> Result<()> {
        if kind != 1 || self.next_number().is_none() {
            return self.part_or_tagged(kind, depth);
        }
        self.head(kind)?;
        self.point()
    }

    fn head(&mut self, kind: u32) -> Result<()> {
        self.put(&[1])?;
        self.heads.try_reserve(1).map_err(OutOfMemory::from)?;
        self.heads.push((self.out.len(), kind));
        self.put(&[0; 4])
    }

    fn lone_point(&mut self) -> Result<()> {
        if self.takes_word("empty") {
            self.early |= self.dimensions.is_none();
            let count = self.dimensions.unwrap_or_default().count();
            return (0..count).try_for_each(|_| self.put(&f64::NAN.to_le_bytes()));
        }
        self.expects('(')?;
        self.point()?;
        self.expects(')')
    }

    /// Items between brackets, with their number before them.
    fn list(&mut self, mut item: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        let at = self.out.len();
        self.put(&[0; 4])?;
        if self.takes_word("empty") {
            return Ok(());
        }
        self.expects('(')?;
        let mut count = 0u32;
        loop {
            item(self)?;
            count = count.saturating_add(1);
            if !self.takes(',') {
                break;
            }
        }
        self.expects(')')?;
        if let Some(place) = self.out.get_mut(at..at + 4) {
            place.copy_from_slice(&count.to_le_bytes());
        }
        Ok(())
    }

    /// Coordinates with spaces between them.
    fn point(&mut self) -> Result<()> {
        let mut count = 0;
        while count < 4
            && let Some(number) = self.number()
        {
            self.put(&number.to_le_bytes())?;
            count += 1;
        }
        let found = match (count, self.dimensions) {
            (3, Some(known)) if known.count() == 3 => known,
            (2, _) => Dimensions { z: false, m: false },
            (3, _) => Dimensions { z: true, m: false },
            (4, _) => Dimensions { z: true, m: true },
            _ => return refuse(NOT_WKT),
        };
        self.agree(found)
    }

    fn number(&mut self) -> Option<f64> {
        let (number, after) = self.next_number()?;
        self.rest = after;
        Some(number)
    }

    /// A number that comes next, and what follows it.
    fn next_number(&self) -> Option<(f64, &'a str)> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (written, after) = self.rest.split_at_checked(end)?;
        Some((written.parse().ok()?, after.trim_start()))
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::super::{Becomes, Container, read};

    fn hex(text: &str) -> std::result::Result<String, String> {
        let read = read(Container::Wkt, text.as_bytes(), |_| Ok(Becomes::Wkb)).map_err(|e| e.to_string())?;
        Ok(read.bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    #[test]
    fn words_and_coordinates_tell_the_dimensions() {
        let (one, two, three) = ("000000000000f03f", "0000000000000040", "0000000000000840");
        assert_eq!(hex("POINT (1 2)"), Ok(format!("0101000000{one}{two}")));
        let z = Ok(format!("01e9030000{one}{two}{three}"));
        for text in ["POINT Z (1 2 3)", "point z(1 2 3)", "POINT (1 2 3)", " POINT( 1 2\n3 ) "] {
            assert_eq!(hex(text), z, "{text}");
        }
        assert_eq!(hex("POINT M (1 2 3)"), Ok(format!("01d1070000{one}{two}{three}")));
        let points = "GEOMETRYCOLLECTION (POINT EMPTY,MULTIPOINT ((1 2),(2 1)))";
        let bare = "GEOMETRYCOLLECTION (POINT EMPTY,MULTIPOINT (1 2,2 1))";
        assert_eq!(hex(points), hex(bare));
        assert!(hex(points).is_ok());
        let early = hex("GEOMETRYCOLLECTION (POINT EMPTY,POINT (1 2 3))");
        assert_eq!(early, hex("GEOMETRYCOLLECTION Z (POINT Z EMPTY,POINT Z (1 2 3))"));
        assert_eq!(hex("LINESTRING EMPTY"), Ok("010200000000000000".into()));
        assert!(hex("MULTICURVE ((0 0,1 1),CIRCULARSTRING (0 0,1 1,2 0),EMPTY)").is_ok());
    }

    #[test]
    fn what_is_no_text_of_a_geometry_is_refused() {
        for text in [
            "",
            "POINT",
            "POINT (1)",
            "POINT (1 2",
            "POINT (1 2) x",
            "POINT (1 2 3 4 5)",
            "POINT Z (1 2)",
            "LINESTRING (1 2,3 4 5)",
            "POINT (a b)",
            "SRID=1;POINT (1 2)",
            "GEOMETRYCOLLECTION ((1 2))",
            "é",
        ] {
            assert!(hex(text).is_err(), "{text}");
        }
        let deep = "GEOMETRYCOLLECTION (".repeat(200_000);
        assert_eq!(hex(&deep), Err("the geometry is nested too deep".into()));
    }
}
