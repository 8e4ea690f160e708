//! Planning of INSERT, UPDATE and DELETE row by row.

use pgrx::pg_sys::CmdType::{CMD_DELETE, CMD_INSERT, CMD_UPDATE};
use pgrx::{PgSqlErrorCode, pg_guard, pg_sys};

use super::{private, row_key};
use crate::error::Error;
use crate::fdw::writable::{self, Commands};
use crate::fdw::{OrRaise, relation};
use crate::pg::foreign::{self, ForeignTable};
use crate::pg::nodes;
use pg_sqlite_migrate_core::remote::{Operation, RowModification, Table};

#[pg_guard]
pub unsafe extern "C-unwind" fn is_foreign_rel_updatable(relation: pg_sys::Relation) -> std::ffi::c_int {
    // SAFETY: the server hands us an open relation.
    let (found, will_change) = unsafe {
        let lock = pg_sys::RowExclusiveLock as i32;
        (foreign::table((*relation).rd_id), pg_sys::CheckRelationLockedByMe(relation, lock, false))
    };
    let commands = writable::commands(&found).or_raise();
    // The executor's own error has no hint. A query of information_schema does not hold the lock of a change.
    if commands == Commands::NONE && will_change {
        writable::check(&found).or_raise();
    }
    commands.0
}

#[pg_guard]
pub unsafe extern "C-unwind" fn add_foreign_update_targets(
    root: *mut pg_sys::PlannerInfo,
    index: pg_sys::Index,
    _entry: *mut pg_sys::RangeTblEntry,
    target: pg_sys::Relation,
) {
    // SAFETY: the planner hands us the open target relation and its index.
    unsafe {
        let relation = foreign::table((*target).rd_id);
        let table = relation::table(&relation).or_raise();
        writable::refuse_view(&table).or_raise();
        let key = row_key::attributes(&relation, &table).or_raise();
        row_key::add_junk(root, index, &relation, &key);
    }
}

#[pg_guard]
pub unsafe extern "C-unwind" fn plan_foreign_modify(
    root: *mut pg_sys::PlannerInfo,
    plan: *mut pg_sys::ModifyTable,
    index: pg_sys::Index,
    subplan: std::ffi::c_int,
) -> *mut pg_sys::List {
    // SAFETY: the planner hands us the target's index in its range table.
    let oid = unsafe { relation_of(root, index) };
    let relation = foreign::table(oid);
    let table = relation::table(&relation).or_raise();
    writable::refuse_view(&table).or_raise();
    let target = Target::open(oid);
    // SAFETY: the planner hands us its ModifyTable, and the position in the plan's lists.
    let (operation, returning, columns, do_nothing) = unsafe {
        let lists = [nth((*plan).returningLists, subplan), nth((*plan).withCheckOptionLists, subplan)];
        let operation = operation((*plan).operation).or_raise();
        let returning = match target.has_after_trigger(operation) {
            true => readable(&relation, &table),
            false => used(&lists, index, &readable(&relation, &table)),
        };
        let columns: Vec<i16> =
            nodes::integers(nth((*plan).updateColnosLists, subplan)).map(|n| n as i16).collect();
        (operation, returning, columns, do_nothing((*plan).onConflictAction).or_raise())
    };
    private::keep(&RowModification {
        operation,
        attributes: match operation {
            Operation::Insert => target.written(&relation, &table),
            Operation::Update if target.before_update => target.written(&relation, &table),
            Operation::Update => target.updated(columns, &relation, &table),
            Operation::Delete => vec![],
        },
        key: match operation {
            Operation::Insert => vec![],
            _ => row_key::attributes(&relation, &table).or_raise(),
        },
        returning,
        do_nothing,
        proof: table.proof(),
    })
}

/// The relation of a range table's entry.
///
/// # Safety
/// `root` is being planned and `index` is in its range table.
pub(crate) unsafe fn relation_of(root: *mut pg_sys::PlannerInfo, index: pg_sys::Index) -> pg_sys::Oid {
    // SAFETY: planner_rt_fetch.
    unsafe {
        let entry: *mut pg_sys::RangeTblEntry = match (*root).simple_rte_array.is_null() {
            true => nth((*(*root).parse).rtable, index as i32 - 1),
            false => *(*root).simple_rte_array.add(index as usize),
        };
        entry.as_ref().map_or(pg_sys::InvalidOid, |entry| entry.relid)
    }
}

fn operation(command: pg_sys::CmdType::Type) -> Result<Operation, Error> {
    match command {
        CMD_INSERT => Ok(Operation::Insert),
        CMD_UPDATE => Ok(Operation::Update),
        CMD_DELETE => Ok(Operation::Delete),
        _ => Err(unsupported("foreign tables support INSERT, UPDATE and DELETE only")),
    }
}

/// ON CONFLICT without the name of an index, which a foreign table has none of.
pub(crate) fn do_nothing(action: pg_sys::OnConflictAction::Type) -> Result<bool, Error> {
    match action {
        pg_sys::OnConflictAction::ONCONFLICT_NONE => Ok(false),
        pg_sys::OnConflictAction::ONCONFLICT_NOTHING => Ok(true),
        _ => Err(unsupported("foreign tables support ON CONFLICT DO NOTHING only")),
    }
}

pub(crate) fn unsupported(message: &str) -> Error {
    Error::Foreign {
        sqlstate: PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
        message: message.into(),
        detail: None,
        hint: None,
    }
}

/// An element, or null where the list has none.
///
/// # Safety
/// `list` is null or a list of pointers to `T`.
pub(crate) unsafe fn nth<T>(list: *mut pg_sys::List, position: i32) -> *mut T {
    // SAFETY: the list holds pointers to `T`, as the contract asks.
    let found = usize::try_from(position).ok().and_then(|n| unsafe { nodes::items(list) }.nth(n));
    found.unwrap_or(std::ptr::null_mut())
}

/// The attributes that the file has.
pub(crate) fn readable(relation: &ForeignTable, table: &Table) -> Vec<i16> {
    relation.attributes.iter().map(|a| a.number).filter(|number| table.column(*number).is_some()).collect()
}

/// Those of `attributes` that these expressions look at; all of them for the whole row.
///
/// # Safety
/// Every list is null or one of expressions.
pub(crate) unsafe fn used(lists: &[*mut pg_sys::List], index: pg_sys::Index, attributes: &[i16]) -> Vec<i16> {
    let mut set = std::ptr::null_mut();
    for list in lists {
        // SAFETY: the set is made in the planner's memory; a list is a node.
        unsafe { pg_sys::pull_varattnos(list.cast(), index, &mut set) };
    }
    // SAFETY: reads the set.
    let is_used = |number: i16| unsafe {
        pg_sys::bms_is_member(i32::from(number) - pg_sys::FirstLowInvalidHeapAttributeNumber, set)
    };
    let whole_row = is_used(0);
    attributes.iter().copied().filter(|number| whole_row || is_used(*number)).collect()
}

/// What the relation cache knows of a target.
pub(crate) struct Target {
    /// It has triggers for each row: before an UPDATE; and after an INSERT, an UPDATE and a DELETE.
    before_update: bool,
    after: [bool; 3],
    /// Attributes that PostgreSQL computes and stores.
    stored: Vec<i16>,
    /// Attributes that it computes whenever they are read.
    virtual_: Vec<i16>,
}

impl Target {
    /// The caller holds a lock on the relation.
    pub fn open(oid: pg_sys::Oid) -> Target {
        // SAFETY: the relation is locked; trigdesc may be null; natts attributes follow the descriptor.
        unsafe {
            let relation = pg_sys::table_open(oid, pg_sys::NoLock as i32);
            let triggers = (*relation).trigdesc.as_ref();
            let after =
                triggers.map(|t| [t.trig_insert_after_row, t.trig_update_after_row, t.trig_delete_after_row]);
            let desc = pgrx::PgTupleDesc::from_pg_unchecked((*relation).rd_att);
            let generated =
                |kind: u8| desc.iter().filter(|a| a.attgenerated as u8 == kind).map(|a| a.attnum).collect();
            let target = Target {
                before_update: triggers.is_some_and(|t| t.trig_update_before_row),
                after: after.unwrap_or_default(),
                stored: generated(b's'),
                virtual_: generated(b'v'),
            };
            pg_sys::table_close(relation, pg_sys::NoLock as i32);
            target
        }
    }

    pub fn has_after_trigger(&self, operation: Operation) -> bool {
        match operation {
            Operation::Insert => self.after[0],
            Operation::Update => self.after[1],
            Operation::Delete => self.after[2],
        }
    }

    /// What a new row writes: all that nobody else computes. What PostgreSQL computes and the file does not is
    /// written with the row.
    pub fn written(&self, relation: &ForeignTable, table: &Table) -> Vec<i16> {
        let is_written = |number: &i16| {
            !self.virtual_.contains(number) && table.column(*number).is_some_and(|column| !column.generated)
        };
        readable(relation, table).into_iter().filter(is_written).collect()
    }

    /// What an UPDATE of these columns writes.
    fn updated(&self, mut columns: Vec<i16>, relation: &ForeignTable, table: &Table) -> Vec<i16> {
        columns.extend(self.written(relation, table).into_iter().filter(|n| self.stored.contains(n)));
        columns.sort_unstable();
        columns.dedup();
        columns
    }
}
