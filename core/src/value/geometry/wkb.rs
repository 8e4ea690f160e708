//! Plain WKB, which has an SRID where PostGIS wrote it.
#![deny(clippy::disallowed_methods)]

use super::Result;
use super::bytes::{Bytes, Order};
use super::parts::{Body, Frame};

const SRID: u32 = 0x2000_0000;

pub fn open(blob: &[u8]) -> Result<(i32, Body<'_>)> {
    let bytes = Bytes::new(blob, Order::Little);
    let mut ahead = bytes;
    ahead.order = Order::of(ahead.byte()?)?;
    let srid = if ahead.u32()? & SRID != 0 { ahead.i32()? } else { 0 };
    Ok((srid, Body { bytes, frame: Frame::Wkb }))
}
