//! SpatiaLite's blobs: a mark, the order of bytes, SRID, four doubles of bounds, a mark, the geometry, a mark. Points may be
//! in a shorter form, without bounds and kind.
#![deny(clippy::disallowed_methods)]

use super::bytes::{Bytes, Order};
use super::parts::{Body, Dimensions, Frame};
use super::{Result, refuse};

const START: u8 = 0x00;
const BOUNDS_END: u8 = 0x7C;
pub const PART: u8 = 0x69;
const END: u8 = 0xFE;

/// Set in the order of bytes of a point in the shorter form.
const SHORT_POINT: u8 = 0x80;

pub fn open(blob: &[u8]) -> Result<(i32, Body<'_>)> {
    let Some(([START, order], rest)) = blob.split_first_chunk::<2>() else {
        return refuse("the blob does not begin as a geometry of SpatiaLite does");
    };
    let Some((END, rest)) = rest.split_last().map(|(end, rest)| (*end, rest)) else {
        return refuse("the blob does not end as a geometry of SpatiaLite does");
    };
    let mut bytes = Bytes::new(rest, Order::of(order & !SHORT_POINT)?);
    let srid = bytes.i32()?;
    if order & SHORT_POINT != 0 {
        let frame = match bytes.byte()? {
            1 => Frame::Point(Dimensions { z: false, m: false }),
            2 => Frame::Point(Dimensions { z: true, m: false }),
            3 => Frame::Point(Dimensions { z: false, m: true }),
            4 => Frame::Point(Dimensions { z: true, m: true }),
            _ => return refuse("the geometry is of an unknown kind"),
        };
        return Ok((srid, Body { bytes, frame }));
    }
    bytes.take(4 * 8)?;
    match bytes.byte()? {
        BOUNDS_END => Ok((srid, Body { bytes, frame: Frame::SpatiaLite })),
        _ => refuse("the bounds of the geometry do not end as those of SpatiaLite do"),
    }
}

/// Bytes of a compressed point: single-precision differences, and M, which is never compressed.
pub fn step(dimensions: Dimensions) -> usize {
    4 * (2 + usize::from(dimensions.z)) + 8 * usize::from(dimensions.m)
}
