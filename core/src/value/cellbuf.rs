//! A cell that may own its text or bytes: a parameter of a statement, or a function's result. Pure.
#![deny(clippy::disallowed_methods)]

use std::borrow::Cow;

use super::Cell;
use super::buffer::{self, OutOfMemory};

#[derive(Debug, Clone, PartialEq)]
pub enum CellBuf<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Text(Cow<'a, str>),
    Blob(Cow<'a, [u8]>),
}

impl CellBuf<'_> {
    pub fn as_cell(&self) -> Cell<'_> {
        match self {
            CellBuf::Null => Cell::Null,
            CellBuf::Integer(i) => Cell::Integer(*i),
            CellBuf::Real(r) => Cell::Real(*r),
            CellBuf::Text(text) => Cell::Text(text.as_bytes()),
            CellBuf::Blob(bytes) => Cell::Blob(bytes),
        }
    }

    /// A cell that owns its text or bytes.
    pub fn try_into_owned(self) -> Result<CellBuf<'static>, OutOfMemory> {
        Ok(match self {
            CellBuf::Null => CellBuf::Null,
            CellBuf::Integer(i) => CellBuf::Integer(i),
            CellBuf::Real(r) => CellBuf::Real(r),
            CellBuf::Text(text) => CellBuf::Text(Cow::Owned(buffer::owned_text(text)?)),
            CellBuf::Blob(bytes) => CellBuf::Blob(Cow::Owned(buffer::owned_bytes(bytes)?)),
        })
    }

    pub fn text(text: impl Into<String>) -> CellBuf<'static> {
        CellBuf::Text(Cow::Owned(text.into()))
    }
}
