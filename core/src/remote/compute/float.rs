//! Double precision by PostgreSQL's rules: infinities only from infinities, no silent underflow, NaN kept.

use super::Fault;
use crate::remote::canonical;
use crate::value::{Cell, CellBuf};

type Answer<'a> = Result<CellBuf<'a>, Fault>;

fn argument(args: &[Cell<'_>], at: usize) -> Result<f64, Fault> {
    args.get(at).and_then(|cell| canonical::float(*cell)).ok_or_else(Fault::misuse)
}

fn out_of_range(how: &str) -> Fault {
    Fault::new("22003", format!("value out of range: {how}"))
}

/// `check_float8_val`'s rules, as `float8_pl` and the like apply them.
fn checked<'a>(
    args: &[Cell<'a>],
    compute: fn(f64, f64) -> f64,
    underflows: fn(f64, f64) -> bool,
) -> Answer<'a> {
    let (a, b) = (argument(args, 0)?, argument(args, 1)?);
    let result = compute(a, b);
    if result.is_infinite() && !a.is_infinite() && !b.is_infinite() {
        Err(out_of_range("overflow"))
    } else if result == 0.0 && underflows(a, b) {
        Err(out_of_range("underflow"))
    } else {
        Ok(canonical::real(result))
    }
}

pub fn add<'a>(args: &[Cell<'a>]) -> Answer<'a> {
    checked(args, |a, b| a + b, |_, _| false)
}

pub fn sub<'a>(args: &[Cell<'a>]) -> Answer<'a> {
    checked(args, |a, b| a - b, |_, _| false)
}

pub fn mul<'a>(args: &[Cell<'a>]) -> Answer<'a> {
    checked(args, |a, b| a * b, |a, b| a != 0.0 && b != 0.0)
}

/// `float8_div`: NaN divided by zero is NaN, everything else an error.
pub fn div<'a>(args: &[Cell<'a>]) -> Answer<'a> {
    if argument(args, 1)? == 0.0 && !argument(args, 0)?.is_nan() {
        return Err(Fault::new("22012", "division by zero"));
    }
    checked(args, |a, b| a / b, |a, b| a != 0.0 && !b.is_infinite())
}

pub fn neg<'a>(args: &[Cell<'a>]) -> Answer<'a> {
    Ok(canonical::real(-argument(args, 0)?))
}

pub fn abs<'a>(args: &[Cell<'a>]) -> Answer<'a> {
    Ok(canonical::real(argument(args, 0)?.abs()))
}

/// The double that a shortest text names; SQLite's own reading may be off by the last bit.
pub fn parse<'a>(args: &[Cell<'a>]) -> Answer<'a> {
    let Some(Cell::Text(text)) = args.first() else { return Err(Fault::misuse()) };
    let value: Option<f64> = std::str::from_utf8(text).ok().and_then(|t| t.parse().ok());
    value.map(canonical::real).ok_or_else(Fault::misuse)
}
