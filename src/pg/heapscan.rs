//! Reads rows of a heap table without a query. Nothing is planned, so no expression of an index, of statistics or of a
//! constraint is evaluated, and no rule or policy applies.
//!
//! Assumes a heap whose rows the caller may read, which must have been checked. Each call reads what is visible to the
//! transaction at that moment.

use pgrx::pg_sys;

use super::encoding;
use super::xact;

/// The rows of one table.
pub fn count(relation: pg_sys::Oid) -> u64 {
    let scan = Scan::open(relation);
    let mut rows = 0;
    while scan.next() {
        rows += 1;
    }
    rows
}

/// Calls `take` with the integers next to each value of an integer or numeric column, below and above it. NULL, NaN,
/// infinities and values far outside a sequence's range are skipped.
pub fn each_number(relation: pg_sys::Oid, column: &str, mut take: impl FnMut(i128, i128)) {
    let scan = Scan::open(relation);
    let Some((attnum, output)) = scan.column(column) else { return };
    while scan.next() {
        if let Some((floor, ceil)) = scan.text(attnum, output).and_then(|text| around(&text)) {
            take(floor, ceil);
        }
    }
}

/// `4.50` is between 4 and 5, `-4.50` between -5 and -4; `4` and `4.00` are 4.
fn around(text: &str) -> Option<(i128, i128)> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let negative = whole.starts_with('-');
    let whole: i128 = whole.parse().ok()?;
    match part.bytes().any(|digit| digit != b'0') {
        false => Some((whole, whole)),
        true if negative => Some((whole - 1, whole)),
        true => Some((whole, whole + 1)),
    }
}

/// An open scan; closed on drop, or by the abort.
struct Scan {
    relation: pg_sys::Relation,
    snapshot: pg_sys::Snapshot,
    scan: pg_sys::TableScanDesc,
    slot: *mut pg_sys::TupleTableSlot,
}

impl Scan {
    fn open(relation: pg_sys::Oid) -> Scan {
        use pg_sys::ScanOptions::{SO_ALLOW_PAGEMODE, SO_ALLOW_STRAT, SO_TYPE_SEQSCAN};
        xact::command_counter_increment();
        let flags = SO_TYPE_SEQSCAN | SO_ALLOW_STRAT | SO_ALLOW_PAGEMODE;
        // SAFETY: the relation stays open, and the snapshot registered, until the scan is dropped or the abort
        // releases them; an error is raised if the relation is gone.
        unsafe {
            let relation = pg_sys::table_open(relation, pg_sys::AccessShareLock as i32);
            let snapshot = pg_sys::RegisterSnapshot(pg_sys::GetTransactionSnapshot());
            let none = std::ptr::null_mut();
            let scan = pg_sys::heap_beginscan(relation, snapshot, 0, none, std::ptr::null_mut(), flags);
            Scan { relation, snapshot, scan, slot: pg_sys::table_slot_create(relation, std::ptr::null_mut()) }
        }
    }

    /// Goes on to the next row. Serves interrupts page by page.
    fn next(&self) -> bool {
        // SAFETY: scan and slot are of the same open relation.
        unsafe { pg_sys::heap_getnextslot(self.scan, pg_sys::ScanDirection::ForwardScanDirection, self.slot) }
    }

    /// A column's number, and the function that prints its values.
    fn column(&self, name: &str) -> Option<(i16, pg_sys::Oid)> {
        let name = encoding::to_server(name).ok()?;
        let (mut output, mut varlena) = (pg_sys::InvalidOid, false);
        // SAFETY: look-ups in the syscache, with a NUL-terminated name; the results are local.
        unsafe {
            let attnum = pg_sys::get_attnum((*self.relation).rd_id, name.as_ptr());
            if attnum < 1 {
                return None;
            }
            let base = pg_sys::getBaseType(pg_sys::get_atttype((*self.relation).rd_id, attnum));
            pg_sys::getTypeOutputInfo(base, &mut output, &mut varlena);
            Some((attnum, output))
        }
    }

    /// The current row's value of a column, as a type of PostgreSQL's own prints it.
    fn text(&self, attnum: i16, output: pg_sys::Oid) -> Option<String> {
        let at = usize::try_from(attnum - 1).ok()?;
        // SAFETY: the slot holds a row; after slot_getsomeattrs_int so do the first `attnum` entries of its arrays.
        unsafe {
            if (*self.slot).tts_nvalid < attnum {
                pg_sys::slot_getsomeattrs_int(self.slot, attnum.into());
            }
            if *(*self.slot).tts_isnull.add(at) {
                return None;
            }
            let printed = pg_sys::OidOutputFunctionCall(output, *(*self.slot).tts_values.add(at));
            let text = encoding::from_server(printed);
            pg_sys::pfree(printed.cast());
            Some(text)
        }
    }
}

impl Drop for Scan {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: opened by `open`; NoLock keeps the lock until the transaction ends, as a query would.
            unsafe {
                pg_sys::ExecDropSingleTupleTableSlot(self.slot);
                pg_sys::heap_endscan(self.scan);
                pg_sys::UnregisterSnapshot(self.snapshot);
                pg_sys::table_close(self.relation, pg_sys::NoLock as i32);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_around_a_value() {
        for (text, floor, ceil) in
            [("4", 4, 4), ("4.00", 4, 4), ("4.50", 4, 5), ("-4.50", -5, -4), ("-0.5", -1, 0)]
        {
            assert_eq!(around(text), Some((floor, ceil)), "{text}");
        }
        assert_eq!(around("NaN"), None);
        assert_eq!(around("Infinity"), None);
    }
}
