//! The header of a GeoPackage's blobs: `GP`, version, flags, SRID, an envelope of none, 4, 6 or 8 doubles; then WKB.
//!
//! Whether the geometry is said to be empty, and the envelope, the geometry tells better.
#![deny(clippy::disallowed_methods)]

use super::bytes::{Bytes, Order};
use super::parts::{Body, Frame};
use super::{Result, refuse};

const EXTENDED: u8 = 0b0010_0000;

pub fn open(blob: &[u8]) -> Result<(i32, Body<'_>)> {
    let Some(([b'G', b'P', version, flags], rest)) = blob.split_first_chunk::<4>() else {
        return refuse("the blob does not begin as a GeoPackage's geometry does");
    };
    if *version != 0 {
        return refuse("the GeoPackage's geometry is of an unknown version");
    }
    let mut bytes = Bytes::new(rest, if flags & 1 == 0 { Order::Big } else { Order::Little });
    let srid = bytes.i32()?;
    let doubles = match flags >> 1 & 0b111 {
        0 => 0,
        1 => 4,
        2 | 3 => 6,
        4 => 8,
        _ => return refuse("the GeoPackage's geometry has an envelope of an unknown kind"),
    };
    bytes.take(8 * doubles)?;
    if flags & EXTENDED != 0 {
        return refuse(
            "the GeoPackage's geometry is in the form of an extension, which only its program reads",
        );
    }
    Ok((srid, Body { bytes, frame: Frame::Wkb }))
}
