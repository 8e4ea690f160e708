//! A geometry of PostGIS as it is printed -> the blob of a GeoPackage (<https://www.geopackage.org/spec/#gpb_format>): a
//! header with the SRID and the bounds, and WKB of ISO.

use super::{Result, refuse};
use crate::export::forms::geometry;
use crate::value::geometry::bounds::Bounds;
use crate::value::geometry::{Becomes, Container, read};

const LITTLE_ENDIAN: u8 = 0b1;
const ENVELOPE: u8 = 0b10;
const EMPTY: u8 = 0b1_0000;

pub fn blob(printed: &str) -> Result<Vec<u8>> {
    let ewkb = geometry::ewkb(printed)?;
    let Ok(found) = read(Container::Wkb, &ewkb, |_| Ok(Becomes::Wkb)) else {
        return refuse("it is not printed as the digits of a geometry");
    };
    let bounds = Bounds::of(&found.bytes);
    let mut out = Vec::new();
    out.try_reserve_exact(found.bytes.len() + 8 + 32)?;
    let shape = if bounds.is_some() { ENVELOPE } else { EMPTY };
    out.extend([b'G', b'P', 0, LITTLE_ENDIAN | shape]);
    out.extend(found.srid.to_le_bytes());
    if let Some(Bounds { x, y }) = bounds {
        x.iter().chain(&y).for_each(|bound| out.extend(bound.to_le_bytes()));
    }
    out.extend(&found.bytes);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_has_bounds_and_an_empty_one_has_none() {
        let point = blob("0101000020E6100000000000000000F03F0000000000000040").unwrap();
        assert_eq!(point[..8], [b'G', b'P', 0, 0b11, 0xE6, 0x10, 0, 0]);
        let doubles: Vec<f64> = point[8..40].as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect();
        assert_eq!(doubles, [1.0, 1.0, 2.0, 2.0]);
        assert_eq!(point[40..45], [1, 1, 0, 0, 0]);
        let empty = blob("0101000000000000000000F87F000000000000F87F").unwrap();
        assert_eq!(empty[..9], [b'G', b'P', 0, 0b1_0001, 0, 0, 0, 0, 1]);
        assert!(blob("00").is_err());
    }
}
