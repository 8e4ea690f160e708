//! How a row to be changed is named, from planning to execution: by junk columns of the subplan.
//!
//! The rowid's alias or the key's columns where the foreign table has them, else the rowid as `ctid`. They hold the
//! row's values as they were read, so a statement that changes its own key finds the row.

use std::ffi::CString;

use pgrx::{PgSqlErrorCode, pg_sys};

use crate::error::Error;
use crate::fdw::executor::tid;
use crate::fdw::writable;
use crate::pg::datum::Reader;
use crate::pg::foreign::{self, Attribute, ForeignTable};
use pg_sqlite_migrate_core::remote::Table;
use pg_sqlite_migrate_core::value::native::Native;

/// How a row to be changed was found.
#[derive(Debug)]
pub enum RowKey<'a> {
    Rowid(i64),
    Values(Vec<Native<'a>>),
}

/// The attributes that name a row; none where the rowid does, or where nothing may be changed: that has its own error.
pub fn attributes(relation: &ForeignTable, table: &Table) -> Result<Vec<i16>, Error> {
    let nameless = table.key.is_empty() && table.rowid.is_none();
    if !nameless || !writable::commands(relation)?.only_inserts() {
        return Ok(table.key.clone());
    }
    let detail = "UPDATE and DELETE find a row by its rowid, or by the columns of its key.";
    let hint = "Add the columns of the file's primary key to the foreign table, or set option \"key\" to 'true' on other \
                columns that identify a row.";
    Err(Error::Foreign {
        sqlstate: PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        message: format!("rows of foreign table \"{}\" have no key", table.relation),
        detail: Some(detail.into()),
        hint: Some(hint.into()),
    })
}

/// Registers what names a row as junk columns.
///
/// # Safety
/// `root` is being planned and `index` is the foreign table's in its range table.
pub unsafe fn add_junk(
    root: *mut pg_sys::PlannerInfo,
    index: pg_sys::Index,
    relation: &ForeignTable,
    key: &[i16],
) {
    // SAFETY: makeVar and add_row_identity_var make and keep nodes in the planner's memory.
    unsafe {
        if key.is_empty() {
            let ctid = pg_sys::SelfItemPointerAttributeNumber as i16;
            let var = pg_sys::makeVar(index as _, ctid, pg_sys::TIDOID, -1, pg_sys::InvalidOid, 0);
            pg_sys::add_row_identity_var(root, var, index, c"ctid".as_ptr());
        }
        for attribute in named(relation, key) {
            let collation = foreign::collation(relation.oid, attribute.number);
            let (number, type_oid) = (attribute.number, attribute.type_oid);
            let var = pg_sys::makeVar(index as _, number, type_oid, attribute.typmod, collation, 0);
            let name = junk_name(attribute, collation);
            pg_sys::add_row_identity_var(root, var, index, name.as_ptr());
        }
    }
}

/// Two foreign tables under one parent share a junk column only where they mean the same by it.
fn junk_name(attribute: &Attribute, collation: pg_sys::Oid) -> CString {
    let (number, type_oid, typmod) = (attribute.number, attribute.type_oid.to_u32(), attribute.typmod);
    CString::new(format!("key_{number}_{type_oid}_{typmod}_{}", collation.to_u32())).unwrap_or_default()
}

/// The relation's attributes of these numbers, in the numbers' order.
pub fn named<'a>(relation: &'a ForeignTable, numbers: &'a [i16]) -> impl Iterator<Item = &'a Attribute> {
    numbers.iter().filter_map(|number| relation.attributes.iter().find(|a| a.number == *number))
}

/// Where the subplan's rows have the key.
pub enum JunkColumns {
    /// INSERT.
    None,
    Rowid(i16),
    Values(Vec<(i16, Reader)>),
}

impl JunkColumns {
    /// # Safety
    /// `targets` is the subplan's target list.
    pub unsafe fn find(targets: *mut pg_sys::List, relation: &ForeignTable, key: &[i16]) -> JunkColumns {
        // SAFETY: names are NUL-terminated.
        unsafe {
            if key.is_empty() {
                return JunkColumns::Rowid(pg_sys::ExecFindJunkAttributeInTlist(targets, c"ctid".as_ptr()));
            }
            JunkColumns::Values(
                named(relation, key)
                    .map(|attribute| {
                        let collation = foreign::collation(relation.oid, attribute.number);
                        let name = junk_name(attribute, collation);
                        let number = pg_sys::ExecFindJunkAttributeInTlist(targets, name.as_ptr());
                        (number, Reader::new(attribute.type_oid))
                    })
                    .collect(),
            )
        }
    }

    /// The key of the row that the subplan gave. Values live in the slot or in the current memory context.
    ///
    /// # Safety
    /// `slot` holds a row of the subplan that this was found for.
    pub unsafe fn read<'a>(&self, slot: *mut pg_sys::TupleTableSlot) -> Result<RowKey<'a>, Error> {
        // SAFETY: the slot holds a row of the subplan; a ctid is an ItemPointerData, and a key's reader is of its column's
        // type.
        unsafe {
            match self {
                JunkColumns::None => Err(missing()),
                JunkColumns::Rowid(number) => match attribute(slot, *number) {
                    Some((datum, false)) => {
                        Ok(RowKey::Rowid(tid::get(&*datum.cast_mut_ptr::<pg_sys::ItemPointerData>())))
                    }
                    _ => Err(missing()),
                },
                JunkColumns::Values(columns) => columns
                    .iter()
                    .map(|(number, reader)| {
                        let (datum, is_null) = attribute(slot, *number).ok_or_else(missing)?;
                        Ok(reader.read(datum, is_null))
                    })
                    .collect::<Result<_, _>>()
                    .map(RowKey::Values),
            }
        }
    }
}

fn missing() -> Error {
    Error::Foreign {
        sqlstate: PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
        message: "the row to be changed has no key".into(),
        detail: None,
        hint: None,
    }
}

/// `slot_getattr`; `None` for a number that the slot does not have.
///
/// # Safety
/// `slot` holds a row.
pub unsafe fn attribute(slot: *mut pg_sys::TupleTableSlot, number: i16) -> Option<(pg_sys::Datum, bool)> {
    // SAFETY: the number is within the descriptor, and the values before it are fetched.
    unsafe {
        let count = (*(*slot).tts_tupleDescriptor).natts;
        if number < 1 || i32::from(number) > count {
            return None;
        }
        if (*slot).tts_nvalid < number {
            pg_sys::slot_getsomeattrs_int(slot, i32::from(number));
        }
        let position = number as usize - 1;
        Some((*(*slot).tts_values.add(position), *(*slot).tts_isnull.add(position)))
    }
}
