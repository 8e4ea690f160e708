//! A row as the reject log keeps it: JSON, written as it is read.
#![deny(clippy::disallowed_methods)]

use std::fmt::Write;

use super::rows::{ReadPlan, Values};
use pg_sqlite_migrate_core::value::Cell;
use pg_sqlite_migrate_core::value::buffer::{Buffer, OutOfMemory};

/// Of a larger row the log keeps the beginnings of its large values: jsonb is limited to 256 MB.
const LOGGED_ROW: usize = 64 << 20;
/// Of a value larger than this the log keeps the length and the beginning.
const LOGGED_BYTES: usize = 16 << 20;
/// The bytes of such a beginning.
const BEGINNING: usize = 1024;

/// The whole row for the reject log, as JSON.
pub(super) fn values(row: &dyn Values, plan: &ReadPlan) -> Result<Buffer, OutOfMemory> {
    let first = usize::from(plan.has_rowid);
    let mut out = Buffer::new();
    for (i, column) in plan.columns.iter().enumerate() {
        out.extend(if i == 0 { b"{" } else { b"," })?;
        write_text(&mut out, &column.name)?;
        out.extend(b":")?;
        let room = LOGGED_ROW.saturating_sub(out.len()).min(LOGGED_BYTES);
        write_cell(&mut out, row.value(first + i).unwrap_or(Cell::Null), room)?;
    }
    out.extend(if plan.columns.is_empty() { b"{}" } else { b"}" })?;
    Ok(out)
}

/// Exact in JSON: a value that JSON (or jsonb) cannot hold becomes an object that describes it. A value of more than
/// `room` bytes is cut.
fn write_cell(out: &mut Buffer, cell: Cell<'_>, room: usize) -> Result<(), OutOfMemory> {
    match cell {
        Cell::Null => out.extend(b"null"),
        Cell::Integer(i) => Ok(write!(out, "{i}")?),
        Cell::Real(r) if r.is_finite() => Ok(serde_json::to_writer(out, &r).map_err(|_| OutOfMemory)?),
        Cell::Real(r) => Ok(write!(out, "{{\"real\":\"{r}\"}}")?),
        Cell::Text(b) | Cell::Blob(b) if b.len() > room.max(BEGINNING) => {
            write!(out, "{{\"bytes\":{},\"beginning\":", b.len())?;
            write_hex(out, b.get(..BEGINNING).unwrap_or(b), "…")
        }
        Cell::Blob(b) => {
            out.extend(b"{\"blob\":")?;
            write_hex(out, b, "")
        }
        Cell::Text(t) => match std::str::from_utf8(t) {
            Ok(text) if !text.contains('\0') => write_text(out, text),
            _ => {
                out.extend(b"{\"text\":")?;
                write_hex(out, t, "")
            }
        },
    }
}

fn write_text(out: &mut Buffer, text: &str) -> Result<(), OutOfMemory> {
    serde_json::to_writer(out, text).map_err(|_| OutOfMemory)
}

/// The last member of an object, and its end.
fn write_hex(out: &mut Buffer, bytes: &[u8], dots: &str) -> Result<(), OutOfMemory> {
    out.extend(b"\"x'")?;
    for byte in bytes {
        write!(out, "{byte:02x}")?;
    }
    Ok(write!(out, "{dots}'\"}}")?)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;

    #[test]
    fn values_are_exact_or_cut() {
        let logged = |cell, room| {
            let mut out = Buffer::new();
            write_cell(&mut out, cell, room).unwrap();
            out.as_str().to_owned()
        };
        assert_eq!(logged(Cell::Text(&[0xff]), 9), r#"{"text":"x'ff'"}"#);
        assert_eq!(logged(Cell::Text(b"\"\n"), 9), r#""\"\n""#);
        assert_eq!(logged(Cell::Real(f64::INFINITY), 9), r#"{"real":"inf"}"#);
        assert_eq!(logged(Cell::Real(0.1), 9), "0.1");
        let cut = logged(Cell::Blob(&[7; 2000]), 9);
        assert!(
            cut.starts_with(r#"{"bytes":2000,"beginning":"x'0707"#) && cut.ends_with(r#"07…'"}"#),
            "{cut}"
        );
    }
}
