//! Writes little-endian WKB: that of PostGIS with flags and an SRID, or that of ISO.
#![deny(clippy::disallowed_methods)]

use super::parts::Dimensions;
use super::{Becomes, Result};
use crate::value::buffer::OutOfMemory;

/// What is written, or nothing of it where only the checks are wanted.
pub struct Writer {
    out: Option<Vec<u8>>,
    becomes: Becomes,
}

impl Writer {
    pub fn keeping(becomes: Becomes) -> Writer {
        Writer { out: Some(Vec::new()), becomes }
    }

    pub fn dropping() -> Writer {
        Writer { out: None, becomes: Becomes::Wkb }
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.out.unwrap_or_default()
    }

    fn put<const N: usize>(&mut self, bytes: [u8; N]) -> Result<()> {
        if let Some(out) = &mut self.out {
            out.try_reserve(N).map_err(OutOfMemory::from)?;
            out.extend(bytes);
        }
        Ok(())
    }

    pub fn head(&mut self, kind: u32, dimensions: Dimensions, outermost: bool) -> Result<()> {
        let Dimensions { z, m } = dimensions;
        let flag = |set: bool, flag: u32| if set { flag } else { 0 };
        self.put([1])?;
        match self.becomes {
            Becomes::Wkb => self.put((kind + flag(z, 1000) + flag(m, 2000)).to_le_bytes()),
            Becomes::Ewkb { srid } => {
                let has_srid = outermost && srid > 0;
                let flags = flag(z, 0x8000_0000) | flag(m, 0x4000_0000) | flag(has_srid, 0x2000_0000);
                self.put((kind | flags).to_le_bytes())?;
                if has_srid { self.put(srid.to_le_bytes()) } else { Ok(()) }
            }
        }
    }

    pub fn count(&mut self, count: u32) -> Result<()> {
        self.put(count.to_le_bytes())
    }

    pub fn double(&mut self, bits: u64) -> Result<()> {
        self.put(bits.to_le_bytes())
    }

    /// Where the next byte goes.
    pub fn mark(&self) -> usize {
        self.out.as_ref().map_or(0, Vec::len)
    }

    /// Forgets what was written since.
    pub fn back_to(&mut self, mark: usize) -> Result<()> {
        if let Some(out) = &mut self.out {
            out.truncate(mark);
        }
        Ok(())
    }
}
