//! Integers within their type's range: SQLite would go on in floating point, and divides by zero without a word.
//!
//! smallint and integer are computed in 64 bits, where they cannot overflow, and checked by `pg_int2`, `pg_int4`.

use super::Fault;
use crate::remote::canonical;
use crate::value::{Cell, CellBuf};

type Answer<'a> = Result<CellBuf<'a>, Fault>;

fn argument(args: &[Cell<'_>], at: usize) -> Result<i64, Fault> {
    match args.get(at) {
        Some(Cell::Integer(i)) => Ok(*i),
        _ => Err(Fault::misuse()),
    }
}

fn out_of_range(type_name: &str) -> Fault {
    Fault::new("22003", format!("{type_name} out of range"))
}

fn ranged<'a>(args: &[Cell<'a>], type_name: &str, min: i64, max: i64) -> Answer<'a> {
    match args.first() {
        Some(Cell::Integer(i)) if (min..=max).contains(i) => Ok(CellBuf::Integer(*i)),
        // What SQLite computes beyond 64 bits is a real.
        Some(Cell::Integer(_) | Cell::Real(_)) => Err(out_of_range(type_name)),
        _ => Err(Fault::misuse()),
    }
}

pub fn int2<'a>(args: &[Cell<'a>]) -> Answer<'a> {
    ranged(args, "smallint", i16::MIN.into(), i16::MAX.into())
}

pub fn int4<'a>(args: &[Cell<'a>]) -> Answer<'a> {
    ranged(args, "integer", i32::MIN.into(), i32::MAX.into())
}

fn checked<'a>(args: &[Cell<'a>], compute: fn(i64, i64) -> Option<i64>) -> Answer<'a> {
    compute(argument(args, 0)?, argument(args, 1)?)
        .map(CellBuf::Integer)
        .ok_or_else(|| out_of_range("bigint"))
}

pub fn add<'a>(args: &[Cell<'a>]) -> Answer<'a> {
    checked(args, i64::checked_add)
}

pub fn sub<'a>(args: &[Cell<'a>]) -> Answer<'a> {
    checked(args, i64::checked_sub)
}

pub fn mul<'a>(args: &[Cell<'a>]) -> Answer<'a> {
    checked(args, i64::checked_mul)
}

pub fn div<'a>(args: &[Cell<'a>]) -> Answer<'a> {
    not_by_zero(args)?;
    checked(args, i64::checked_div)
}

/// The smallest bigint modulo -1 is 0, as in `int8mod`.
pub fn modulo<'a>(args: &[Cell<'a>]) -> Answer<'a> {
    not_by_zero(args)?;
    checked(args, |a, b| Some(a.wrapping_rem(b)))
}

fn not_by_zero(args: &[Cell<'_>]) -> Result<(), Fault> {
    if argument(args, 1)? == 0 { Err(Fault::new("22012", "division by zero")) } else { Ok(()) }
}

pub fn abs<'a>(args: &[Cell<'a>]) -> Answer<'a> {
    argument(args, 0)?.checked_abs().map(CellBuf::Integer).ok_or_else(|| out_of_range("bigint"))
}

pub fn limit<'a>(args: &[Cell<'a>]) -> Answer<'a> {
    canonical::not_negative(argument(args, 0)?, "2201W", "LIMIT")
}

pub fn offset<'a>(args: &[Cell<'a>]) -> Answer<'a> {
    canonical::not_negative(argument(args, 0)?, "2201X", "OFFSET")
}
