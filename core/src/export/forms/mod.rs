//! Values that the file holds in another form than the one in which their types' output functions print them. Each form
//! is exact: what it cannot say is refused with a reason for a person.

pub mod coordinate;
pub mod geometry;
pub mod geopackage;
pub mod hstore;
pub mod interval;
pub mod jsonb;
pub mod vector;

use crate::value::buffer::OutOfMemory;

/// Why a value has no such form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoForm {
    Reason(&'static str),
    NoMemory,
}

impl From<OutOfMemory> for NoForm {
    fn from(_: OutOfMemory) -> NoForm {
        NoForm::NoMemory
    }
}

impl From<std::collections::TryReserveError> for NoForm {
    fn from(_: std::collections::TryReserveError) -> NoForm {
        NoForm::NoMemory
    }
}

type Result<T> = std::result::Result<T, NoForm>;

fn refuse<T>(reason: &'static str) -> Result<T> {
    Err(NoForm::Reason(reason))
}
