//! How a UUID may begin where it is stored as text: its letters may have either case, and a brace or a URN's name may
//! precede them.

use super::{Fault, text};
use crate::value::uuid::PREFIXES;
use crate::value::{Cell, CellBuf};

/// Digits that are spelt out. Four of them have sixteen spellings at most after each prefix, and leave one row in 65536.
const DIGITS: usize = 4;

/// Every spelling of the first digits, as a JSON array.
pub fn beginnings<'a>(args: &[Cell<'a>]) -> Result<CellBuf<'a>, Fault> {
    let uuid = text::argument(args, 0)?;
    let mut found = PREFIXES.map(str::to_owned).to_vec();
    for digit in uuid.chars().take(DIGITS) {
        let mut cases = vec![digit.to_ascii_lowercase(), digit.to_ascii_uppercase()];
        cases.dedup();
        found = found.iter().flat_map(|start| cases.iter().map(move |c| format!("{start}{c}"))).collect();
    }
    Ok(CellBuf::text(serde_json::Value::from(found).to_string()))
}
