//! The bytes of a blob, taken one number after the other in the order that its header says.
#![deny(clippy::disallowed_methods)]

use super::{Result, refuse};

const ENDS: &str = "the geometry ends too early";

/// Where the least significant byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Big,
    Little,
}

impl Order {
    pub fn of(byte: u8) -> Result<Order> {
        match byte {
            0 => Ok(Order::Big),
            1 => Ok(Order::Little),
            _ => refuse("the geometry has neither of the two byte orders"),
        }
    }
}

/// What is left of a blob.
#[derive(Debug, Clone, Copy)]
pub struct Bytes<'a> {
    left: &'a [u8],
    pub order: Order,
}

impl<'a> Bytes<'a> {
    pub fn new(left: &'a [u8], order: Order) -> Bytes<'a> {
        Bytes { left, order }
    }

    pub fn left(&self) -> usize {
        self.left.len()
    }

    pub fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let Some((taken, left)) = self.left.split_at_checked(count) else { return refuse(ENDS) };
        self.left = left;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let Some((taken, left)) = self.left.split_first_chunk::<N>() else { return refuse(ENDS) };
        self.left = left;
        Ok(*taken)
    }

    pub fn byte(&mut self) -> Result<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub fn u32(&mut self) -> Result<u32> {
        let bytes = self.array()?;
        Ok(match self.order {
            Order::Big => u32::from_be_bytes(bytes),
            Order::Little => u32::from_le_bytes(bytes),
        })
    }

    pub fn i32(&mut self) -> Result<i32> {
        self.u32().map(u32::cast_signed)
    }

    /// The bits of a double: as a number, a signalling NaN could become another.
    pub fn double(&mut self) -> Result<u64> {
        let bytes = self.array()?;
        Ok(match self.order {
            Order::Big => u64::from_be_bytes(bytes),
            Order::Little => u64::from_le_bytes(bytes),
        })
    }

    pub fn single(&mut self) -> Result<f32> {
        self.u32().map(f32::from_bits)
    }

    /// How many of at least `size` bytes each follow: no more than there are bytes for.
    pub fn count(&mut self, size: usize) -> Result<u32> {
        let count = self.u32()?;
        let needed = usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(size);
        if needed > self.left.len() { refuse(ENDS) } else { Ok(count) }
    }
}
