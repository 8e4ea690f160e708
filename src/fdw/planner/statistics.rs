//! What the file's indexes tell of its columns, for a foreign table that has not been analysed.
//!
//! Without statistics the planner takes every column to have 200 values, so that a join by a key is estimated at
//! thousands of times its rows. An index knows better: a key is unique, and others have the averages of `sqlite_stat1`.
//! The planner calls the hook here before it reads pg_statistic, and gets a row that it could have found there. It only
//! estimates by that; nothing is proven from it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use pgrx::pg_sys;

use pg_sqlite_migrate_core::remote::Table;

#[derive(Clone, Copy)]
struct Share {
    attribute: i16,
    /// Distinct values as a share of the rows.
    distinct: f64,
    /// NULLs as a share of the rows.
    nulls: f64,
}

type Shares = Rc<[Share]>;

/// NULLs where there may be some, as the planner guesses.
const NULLS: f64 = 0.005;

/// Bytes of a value, as the planner guesses for most types.
const WIDTH: i32 = 8;

thread_local! {
    /// By foreign table, as of its last planning. A dropped one's are a few bytes.
    static KNOWN: RefCell<HashMap<u32, Shares>> = RefCell::default();
    static HOOKED: Cell<bool> = const { Cell::new(false) };
}

/// The hook that was installed before.
static mut NEXT: pg_sys::get_relation_stats_hook_type = None;

/// Remembers what is known of a table's columns.
pub(crate) fn remember(relation: pg_sys::Oid, table: &Table) {
    if !HOOKED.replace(true) {
        // SAFETY: the backend has one thread that plans; the hook is a function for good.
        unsafe {
            NEXT = pg_sys::get_relation_stats_hook;
            pg_sys::get_relation_stats_hook = Some(relation_stats);
        }
    }
    KNOWN.with_borrow_mut(|known| known.insert(relation.to_u32(), shares(table)));
}

/// A column's values are no fewer than those that an index which it leads tells apart.
fn shares(table: &Table) -> Shares {
    let mut shares: Vec<Share> = vec![];
    for index in &table.indexes {
        let Some(attribute) = index.columns.first() else { continue };
        let rows = match index.rows_per_key.first() {
            _ if index.unique && index.columns.len() == 1 => 1.0,
            Some(rows) => rows.max(1.0),
            None => continue,
        };
        let (attribute, distinct) = (*attribute, 1.0 / rows);
        let not_null = table.column(attribute).is_some_and(|column| column.not_null || column.is_rowid);
        match shares.iter_mut().find(|share| share.attribute == attribute) {
            Some(share) => share.distinct = share.distinct.max(distinct),
            None => shares.push(Share { attribute, distinct, nulls: if not_null { 0.0 } else { NULLS } }),
        }
    }
    shares.into()
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn relation_stats(
    root: *mut pg_sys::PlannerInfo,
    entry: *mut pg_sys::RangeTblEntry,
    attribute: pg_sys::AttrNumber,
    found: *mut pg_sys::VariableStatData,
) -> bool {
    // SAFETY: the planner calls with its own structures; whoever else hooks in is called as the planner would.
    unsafe {
        if let Some(next) = NEXT
            && pg_sys::ffi::pg_guard_ffi_boundary(|| next(root, entry, attribute, found))
        {
            return true;
        }
        let Some(share) = share(&*entry, attribute) else { return false };
        (*found).statsTuple = statistic((*entry).relid, &share);
        (*found).freefunc = Some(free);
        // It shows no value.
        (*found).acl_ok = true;
        true
    }
}

/// What is known of a column that ANALYZE knows nothing of.
unsafe fn share(entry: &pg_sys::RangeTblEntry, attribute: i16) -> Option<Share> {
    if entry.relkind as u8 != pg_sys::RELKIND_FOREIGN_TABLE || entry.inh {
        return None;
    }
    let shares = KNOWN.with_borrow(|known| known.get(&entry.relid.to_u32()).cloned())?;
    let share = *shares.iter().find(|share| share.attribute == attribute)?;
    // SAFETY: the cache's key is a relation, an attribute, and whether children are counted.
    let analysed = unsafe {
        let key = [entry.relid.into(), pg_sys::Datum::from(attribute), pg_sys::Datum::from(false)];
        let cache = pg_sys::SysCacheIdentifier::STATRELATTINH as i32;
        pg_sys::SearchSysCacheExists(cache, key[0], key[1], key[2], pg_sys::Datum::from(0usize))
    };
    (!analysed).then_some(share)
}

/// A row of pg_statistic: so many NULLs, so many distinct values, nothing about any of them.
unsafe fn statistic(relation: pg_sys::Oid, share: &Share) -> pg_sys::HeapTuple {
    const COLUMNS: usize = pg_sys::Natts_pg_statistic as usize;
    let (mut values, mut nulls) = ([pg_sys::Datum::from(0usize); COLUMNS], [false; COLUMNS]);
    let mut set = |number: u32, value: pg_sys::Datum| values[number as usize - 1] = value;
    set(pg_sys::Anum_pg_statistic_starelid, relation.into());
    set(pg_sys::Anum_pg_statistic_staattnum, pg_sys::Datum::from(share.attribute));
    set(pg_sys::Anum_pg_statistic_stanullfrac, float4(share.nulls));
    set(pg_sys::Anum_pg_statistic_stawidth, pg_sys::Datum::from(WIDTH));
    set(pg_sys::Anum_pg_statistic_stadistinct, float4(-share.distinct));
    nulls[pg_sys::Anum_pg_statistic_stanumbers1 as usize - 1..].fill(true);
    // SAFETY: the catalog's descriptor is that of the row, whose kinds, operators and collations are zero.
    unsafe {
        let lock = pg_sys::AccessShareLock as i32;
        let catalog = pg_sys::table_open(pg_sys::StatisticRelationId, lock);
        let tuple = pg_sys::heap_form_tuple((*catalog).rd_att, values.as_mut_ptr(), nulls.as_mut_ptr());
        pg_sys::table_close(catalog, lock);
        tuple
    }
}

/// Float4GetDatum.
fn float4(value: f64) -> pg_sys::Datum {
    pg_sys::Datum::from((value as f32).to_bits() as i32)
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn free(tuple: pg_sys::HeapTuple) {
    // SAFETY: `statistic` made it.
    unsafe { pg_sys::heap_freetuple(tuple) };
}
