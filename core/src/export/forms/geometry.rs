//! A geometry of PostGIS as its output function prints it: the hexadecimal digits of its EWKB
//! (<https://libgeos.org/specifications/wkb/>) -> its bytes, or those of ISO WKB, which knows no SRID.

use super::{Result, refuse};

/// Collections may hold collections; deeper ones are refused.
const DEEPEST: u32 = 100;

const Z: u32 = 0x8000_0000;
const M: u32 = 0x4000_0000;
const SRID: u32 = 0x2000_0000;

const NO_GEOMETRY: &str = "it is not printed as the digits of a geometry";

/// The bytes that are printed.
pub fn ewkb(printed: &str) -> Result<Vec<u8>> {
    let digits = printed.as_bytes();
    let mut out = Vec::new();
    out.try_reserve_exact(digits.len() / 2)?;
    let digit = |byte: u8| char::from(byte).to_digit(16);
    for pair in digits.chunks(2) {
        let [high, low] = pair else { return refuse(NO_GEOMETRY) };
        let (Some(high), Some(low)) = (digit(*high), digit(*low)) else { return refuse(NO_GEOMETRY) };
        out.push(u8::try_from(high * 16 + low).unwrap_or_default());
    }
    // What is no geometry is not taken for one.
    wkb_of(&out)?;
    Ok(out)
}

/// Without the SRID, and with the codes of ISO for the third and fourth dimension.
pub fn wkb(printed: &str) -> Result<Vec<u8>> {
    wkb_of(&ewkb(printed)?)
}

fn wkb_of(ewkb: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    out.try_reserve_exact(ewkb.len())?;
    let mut reader = Reader { bytes: ewkb, out: &mut out };
    reader.geometry(0)?;
    match reader.bytes {
        [] => Ok(out),
        _ => refuse(NO_GEOMETRY),
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    out: &'a mut Vec<u8>,
}

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Result<&[u8]> {
        let Some((taken, rest)) = self.bytes.split_at_checked(count) else { return refuse(NO_GEOMETRY) };
        self.bytes = rest;
        Ok(taken)
    }

    fn number(&mut self, little: bool) -> Result<u32> {
        let taken = self.take(4)?;
        let Ok(bytes) = <[u8; 4]>::try_from(taken) else { return refuse(NO_GEOMETRY) };
        Ok(if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    fn put(&mut self, number: u32, little: bool) {
        self.out.extend_from_slice(&if little { number.to_le_bytes() } else { number.to_be_bytes() });
    }

    /// Copies a number that is one.
    fn count(&mut self, little: bool) -> Result<u32> {
        let count = self.number(little)?;
        self.put(count, little);
        Ok(count)
    }

    fn points(&mut self, count: u32, dimensions: usize) -> Result<()> {
        let size = usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(8 * dimensions);
        let Some((taken, rest)) = self.bytes.split_at_checked(size) else { return refuse(NO_GEOMETRY) };
        self.out.extend_from_slice(taken);
        self.bytes = rest;
        Ok(())
    }

    fn geometry(&mut self, depth: u32) -> Result<()> {
        if depth > DEEPEST {
            return refuse("a geometry is nested too deep");
        }
        let order = self.take(1)?.first().copied().unwrap_or_default();
        let little = match order {
            0 | 1 => order == 1,
            _ => return refuse(NO_GEOMETRY),
        };
        self.out.push(order);
        let code = self.number(little)?;
        if code & SRID != 0 {
            self.number(little)?;
        }
        let (z, m) = (code & Z != 0, code & M != 0);
        let kind = code & !(Z | M | SRID);
        if !(1..=17).contains(&kind) {
            return refuse("its kind is not known");
        }
        self.put(kind + 1000 * u32::from(z) + 2000 * u32::from(m), little);
        let dimensions = 2 + usize::from(z) + usize::from(m);
        match kind {
            // A point
            1 => self.points(1, dimensions),
            // A line of points or of arcs
            2 | 8 => {
                let count = self.count(little)?;
                self.points(count, dimensions)
            }
            // Rings of points
            3 | 17 => {
                for _ in 0..self.count(little)? {
                    let count = self.count(little)?;
                    self.points(count, dimensions)?;
                }
                Ok(())
            }
            // Geometries
            _ => {
                for _ in 0..self.count(little)? {
                    self.geometry(depth + 1)?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINT: &str = "0101000020E6100000000000000000F03F0000000000000040";

    #[test]
    fn the_srid_is_what_wkb_does_not_have() {
        let bytes = ewkb(POINT).unwrap();
        assert_eq!(bytes[..9], [1, 1, 0, 0, 0x20, 0xE6, 0x10, 0, 0]);
        let plain = wkb(POINT).unwrap();
        assert_eq!(plain[..5], [1, 1, 0, 0, 0]);
        assert_eq!(plain[5..], bytes[9..]);
    }

    #[test]
    fn dimensions_are_counted_as_iso_does() {
        // POINT ZM (1 2 3 4), MULTIPOINT Z ((1 2 3)), an empty polygon, big-endian
        let point = "01010000C0000000000000F03F000000000000004000000000000008400000000000001040";
        assert_eq!(wkb(point).unwrap()[..5], [1, 0xB9, 0x0B, 0, 0]);
        let many = "0104000080010000000101000080000000000000F03F00000000000000400000000000000840";
        let bytes = wkb(many).unwrap();
        assert_eq!(
            (&bytes[..9], &bytes[9..14]),
            (&[1, 0xEC, 3, 0, 0, 1, 0, 0, 0][..], &[1, 0xE9, 3, 0, 0][..])
        );
        assert_eq!(wkb("000000000300000000").unwrap(), [0, 0, 0, 0, 3, 0, 0, 0, 0]);
    }

    #[test]
    fn what_is_no_geometry_is_refused() {
        let deep = "010700000001000000".repeat(200);
        for wrong in
            ["", "01", "0x", "hello", "0102000000FFFFFFFF", "0101000000", "02", &deep, &format!("{POINT}00")]
        {
            assert!(wkb(wrong).is_err() && ewkb(wrong).is_err(), "{wrong}");
        }
    }
}
