//! Blobs by hand, byte for byte. What other programs write, the end-to-end tests read.
#![allow(clippy::disallowed_methods)]

use super::value::{Rule, Srids};
use super::*;
use crate::value::Cell;

fn le(numbers: &[f64]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_le_bytes()).collect()
}

fn be(numbers: &[f64]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_be_bytes()).collect()
}

/// WKB of one part: little-endian, a code, counts and coordinates.
fn part(code: u32, rest: &[u8]) -> Vec<u8> {
    [&[1][..], &code.to_le_bytes(), rest].concat()
}

fn count(count: u32, rest: &[u8]) -> Vec<u8> {
    [&count.to_le_bytes()[..], rest].concat()
}

fn geopackage(flags: u8, envelope: usize, body: &[u8]) -> Vec<u8> {
    let srid = if flags & 1 == 1 { 4326i32.to_le_bytes() } else { 4326i32.to_be_bytes() };
    [&[b'G', b'P', 0, flags][..], &srid, &vec![7; 8 * envelope], body].concat()
}

fn spatialite(code: u32, rest: &[u8]) -> Vec<u8> {
    let bounds = [&4326i32.to_le_bytes()[..], &[9; 32], &[0x7C]].concat();
    [&[0, 1][..], &bounds, &code.to_le_bytes(), rest, &[0xFE]].concat()
}

fn said(container: Container, blob: &[u8]) -> String {
    look(container, blob).unwrap_err().to_string()
}

fn ewkb(container: Container, blob: &[u8]) -> Vec<u8> {
    read(container, blob, |srid| Ok(Becomes::Ewkb { srid })).unwrap().bytes
}

#[test]
fn every_envelope_and_order_of_a_geopackage_gives_the_same_geometry() {
    let expected = [&[1, 1, 0, 0, 0x20, 0xE6, 0x10, 0, 0][..], &le(&[1.0, 2.0])].concat();
    let little = part(1, &le(&[1.0, 2.0]));
    let big = [&[0, 0, 0, 0, 1][..], &be(&[1.0, 2.0])].concat();
    for (kind, doubles) in [(0, 0), (1, 4), (2, 6), (3, 6), (4, 8)] {
        for order in [0, 1] {
            for body in [&little, &big] {
                // The flag of an empty geometry changes nothing.
                for empty in [0, 0b1_0000] {
                    let blob = geopackage(kind << 1 | order | empty, doubles, body);
                    assert_eq!(ewkb(Container::GeoPackage, &blob), expected);
                }
            }
        }
    }
    let blob = geopackage(1, 0, &little);
    let wkb = read(Container::GeoPackage, &blob, |_| Ok(Becomes::Wkb)).unwrap().bytes;
    assert_eq!(wkb, little);
}

#[test]
fn dimensions_are_flags_of_postgis_and_thousands_of_iso() {
    for (iso, flags, dimensions) in
        [(1001, 0x8000_0001u32, 3), (2001, 0x4000_0001, 3), (3001, 0xC000_0001, 4), (1, 1, 2)]
    {
        let numbers = le(&[1.0, 2.0, 3.0, 4.0][..dimensions]);
        let expected = part(flags, &numbers);
        for code in [iso, flags] {
            let plain =
                read(Container::Wkb, &part(code, &numbers), |_| Ok(Becomes::Ewkb { srid: 0 })).unwrap();
            assert_eq!(plain.bytes, expected);
            let wkb = read(Container::Wkb, &part(code, &numbers), |_| Ok(Becomes::Wkb)).unwrap();
            assert_eq!(wkb.bytes, part(iso, &numbers));
        }
    }
}

#[test]
fn an_empty_point_is_postgis_own_and_other_nans_keep_their_bits() {
    let nan = f64::from_bits(0xFFF8_0000_0000_0001);
    let empty = ewkb(Container::Wkb, &part(1001, &le(&[nan, nan, 5.0])));
    assert_eq!(empty[5..], le(&[f64::NAN; 3]));
    let half = ewkb(Container::Wkb, &part(1, &le(&[nan, 1.0])));
    assert_eq!(half[5..], le(&[nan, 1.0]));
    assert!(look(Container::Wkb, &part(1, &le(&[nan, 1.0]))).unwrap().1.not_finite);
    // A polygon whose first ring has no points has no rings.
    let hollow = part(3, &count(2, &[count(0, &[]), count(1, &le(&[1.0, 1.0]))].concat()));
    assert_eq!(ewkb(Container::Wkb, &hollow), part(3, &count(0, &[])));
}

#[test]
fn open_rings_are_seen_and_kept() {
    let ring = |last: f64| count(1, &count(4, &le(&[0.0, 0.0, 1.0, 0.0, 1.0, 1.0, last, 0.0])));
    for (last, open) in [(0.0, false), (0.5, true)] {
        let blob = part(3, &ring(last));
        assert_eq!(look(Container::Wkb, &blob).unwrap().1.open_ring, open);
        assert_eq!(ewkb(Container::Wkb, &blob), blob);
    }
}

#[test]
fn spatialite_has_marks_short_points_and_compressed_lines() {
    let point = spatialite(1, &le(&[1.0, 2.0]));
    let expected = [&[1, 1, 0, 0, 0x20, 0xE6, 0x10, 0, 0][..], &le(&[1.0, 2.0])].concat();
    assert_eq!(ewkb(Container::SpatiaLite, &point), expected);
    let short = [&[0, 0x81][..], &4326i32.to_le_bytes(), &[1], &le(&[1.0, 2.0]), &[0xFE]].concat();
    assert_eq!(ewkb(Container::SpatiaLite, &short), expected);
    let step = |numbers: [f32; 2]| numbers.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>();
    let points = [le(&[10.0, 20.0]), step([0.5, -0.5]), step([1.0, 1.0]), le(&[9.0, 9.0])].concat();
    let line = spatialite(1_000_002, &count(4, &points));
    let whole = le(&[10.0, 20.0, 10.5, 19.5, 11.5, 20.5, 9.0, 9.0]);
    assert_eq!(ewkb(Container::SpatiaLite, &line)[9..], count(4, &whole));
    // M is not compressed.
    let points = [le(&[1.0, 2.0, 3.0]), step([1.0, 1.0]), le(&[4.0]), le(&[7.0, 8.0, 9.0])].concat();
    let line = spatialite(1_002_002, &count(3, &points));
    let whole = le(&[1.0, 2.0, 3.0, 2.0, 3.0, 4.0, 7.0, 8.0, 9.0]);
    assert_eq!(ewkb(Container::SpatiaLite, &line)[9..], count(3, &whole));
    let item = |code: u32, rest: &[u8]| [&[0x69][..], &code.to_le_bytes(), rest].concat();
    let collection = spatialite(4, &count(1, &item(1, &le(&[5.0, 6.0]))));
    assert_eq!(ewkb(Container::SpatiaLite, &collection)[9..], count(1, &part(1, &le(&[5.0, 6.0]))));
}

#[test]
fn what_is_broken_has_a_reason() {
    use Container::*;
    let point = part(1, &le(&[1.0, 2.0]));
    let nested = (0..102).fold(point.clone(), |inner, _| part(7, &count(1, &inner)));
    for (container, blob, reason) in [
        (GeoPackage, b"".to_vec(), "the blob does not begin as a GeoPackage's geometry does"),
        (GeoPackage, b"GP\x01\x01".to_vec(), "the GeoPackage's geometry is of an unknown version"),
        (GeoPackage, b"GP\0\x01\0".to_vec(), "the geometry ends too early"),
        (
            GeoPackage,
            geopackage(0b1011, 0, &point),
            "the GeoPackage's geometry has an envelope of an unknown kind",
        ),
        (
            GeoPackage,
            geopackage(0b10_0001, 0, b"SIMPabc"),
            "the GeoPackage's geometry is in the form of an extension, which only its program reads",
        ),
        (Wkb, part(18, &[]), "the geometry is of an unknown kind"),
        (Wkb, vec![2, 0, 0, 0, 0], "the geometry has neither of the two byte orders"),
        (Wkb, part(2, &count(u32::MAX, &le(&[1.0]))), "the geometry ends too early"),
        (Wkb, part(7, &count(u32::MAX, &point)), "the geometry ends too early"),
        (Wkb, [&point[..], &[0]].concat(), "bytes follow after the end of the geometry"),
        (Wkb, nested, "the geometry is nested too deep"),
        (Wkb, part(1004, &count(1, &point)), "a part of the geometry has other dimensions than the whole"),
        (SpatiaLite, b"\x01\x01".to_vec(), "the blob does not begin as a geometry of SpatiaLite does"),
        (SpatiaLite, b"\0\x01\0".to_vec(), "the blob does not end as a geometry of SpatiaLite does"),
        (SpatiaLite, spatialite(4, &count(1, &le(&[1.0, 2.0]))), "a part of the geometry has no mark"),
        (SpatiaLite, spatialite(1_000_001, &le(&[1.0, 2.0])), "the geometry is of an unknown kind"),
    ] {
        assert_eq!(said(container, &blob), reason);
    }
    // Cut anywhere, it is refused.
    let blob = geopackage(1, 0, &part(3, &count(1, &count(2, &le(&[1.0, 2.0, 1.0, 2.0])))));
    (0..blob.len()).for_each(|at| assert!(look(GeoPackage, &blob[..at]).is_err(), "{at}"));
}

#[test]
fn what_postgis_does_not_take_has_wkb() {
    let blob = part(5, &count(1, &part(1, &le(&[1.0, 2.0]))));
    let rule = Rule { container: Container::Wkb, srids: None };
    assert_eq!(rule.wkb(Cell::Blob(&blob)), Ok(blob.clone()));
    let refused = rule.digits(Cell::Blob(&blob)).unwrap_err();
    assert_eq!(refused.to_string(), "a part of the geometry is of a kind that the whole cannot have");
}

#[test]
fn srids_become_those_of_the_plan() {
    let blob = |srid: i32| {
        let mut blob = geopackage(1, 0, &part(1, &le(&[1.0, 2.0])));
        blob[4..8].copy_from_slice(&srid.to_le_bytes());
        blob
    };
    let rule = |srids| Rule { container: Container::GeoPackage, srids };
    let column = rule(Some(Srids { stored: 100_000, becomes: 2056 }));
    for srid in [100_000, 0, -1] {
        let digits = column.digits(Cell::Blob(&blob(srid))).unwrap();
        assert!(digits.starts_with("010100002008080000"), "{digits}");
    }
    let other = column.digits(Cell::Blob(&blob(4326))).unwrap_err();
    assert_eq!(other.to_string(), "the geometry has another SRID than its column");
    assert!(rule(None).digits(Cell::Blob(&blob(4326))).unwrap().starts_with("0101000020e6100000"));
    assert!(rule(None).digits(Cell::Blob(&blob(-1))).unwrap().starts_with("0101000000"));
    assert!(rule(None).digits(Cell::Text(b"POINT(1 2)")).is_err());
}

#[test]
fn types_are_as_narrow_as_what_is_stored() {
    use super::declared::{Geometries, Presence, System};
    use super::stats::Observed;
    let column = |kind, z| Geometries {
        container: Container::Wkb,
        kind,
        z,
        m: Presence::No,
        system: System::default(),
        indexed: false,
    };
    let point = part(1, &le(&[1.0, 2.0]));
    let high = part(1001, &le(&[1.0, 2.0, 3.0]));
    let several = part(4, &count(1, &point));
    for (kind, z, blobs, modifiers) in [
        (Some(1), Presence::No, vec![], "(Point,4326)"),
        (Some(1), Presence::No, vec![&point], "(Point,4326)"),
        (Some(1), Presence::No, vec![&point, &several], "(Geometry,4326)"),
        (None, Presence::No, vec![&point], "(Geometry,4326)"),
        (Some(1), Presence::Either, vec![&high], "(PointZ,4326)"),
        (Some(1), Presence::Either, vec![&point, &high], ""),
        (Some(1), Presence::Yes, vec![&point], ""),
        (Some(1), Presence::Yes, vec![], "(PointZ,4326)"),
    ] {
        let of = column(kind, z);
        let mut observed = Observed::new(&of);
        blobs.iter().for_each(|blob| observed.observe(Cell::Blob(blob)));
        assert_eq!(of.narrowed(Some(&observed.stats), 4326).modifiers, modifiers);
    }
    assert_eq!(column(None, Presence::No).narrowed(None, 0).modifiers, "");
    assert_eq!(column(Some(3), Presence::No).narrowed(None, 0).modifiers, "(Polygon)");
}
