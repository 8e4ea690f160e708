//! Bulk write into a new relation: whole pages are made privately and appended to its file.

use std::ffi::c_int;

use pgrx::{PgMemoryContexts, PgSqlErrorCode, pg_sys};

use super::loaded_rows::{Command, LoadedRows};
use super::page_file::{FLUSH_PAGES, PageFile};
use super::relation::{self, Attribute};
use super::rowmaker::RowMaker;
use super::{heap_layout, memory, slot, xact};
use pg_sqlite_migrate_core::heap::{self, Page, PageWriter, Placed, Stamp};
use pg_sqlite_migrate_core::value::batch::Batch;
use pg_sqlite_migrate_core::value::buffer::OutOfMemory;

// access/heaptoast.h is not among pgrx's bindings; the same since PostgreSQL 13.
unsafe extern "C-unwind" {
    fn heap_toast_insert_or_update(
        relation: pg_sys::Relation,
        new: pg_sys::HeapTuple,
        old: pg_sys::HeapTuple,
        options: c_int,
    ) -> pg_sys::HeapTuple;
}

/// `InvalidSubTransactionId`.
const NEVER: pg_sys::SubTransactionId = 0;
/// Rows after which the memory of formed tuples is used again.
const CHUNK_ROWS: usize = 500;

pub struct PageSink {
    relation: pg_sys::Relation,
    slot: *mut pg_sys::TupleTableSlot,
    maker: RowMaker,
    command: Command,
    writer: PageWriter,
    /// Emptied pages of the writer.
    spare: Vec<Page>,
    file: PageFile,
    first_block: u32,
    rows: u64,
    /// Formed tuples of one chunk.
    tuples: PgMemoryContexts,
    /// A batch's rows are complete as they are.
    complete: bool,
}

/// Why pages cannot be appended to an open and locked relation; `None` if they can.
///
/// # Safety
/// The relation is open.
unsafe fn obstacle(relation: pg_sys::Relation) -> Option<&'static str> {
    // SAFETY: an open relation's entry of the relation cache, by this function's contract.
    unsafe {
        let (entry, form) = (&*relation, &*(*relation).rd_rel);
        let new_file = relation::new_file_subtransaction(relation);
        let old = entry.rd_createSubid == NEVER && new_file == NEVER;
        let permanent = form.relpersistence as u8 == pg_sys::RELPERSISTENCE_PERMANENT;
        let decoded = pg_sys::wal_level >= pg_sys::WalLevel::WAL_LEVEL_LOGICAL as c_int;
        let exclusively = pg_sys::AccessExclusiveLock as pg_sys::LOCKMODE;
        match () {
            () if pg_sys::BLCKSZ as usize != heap::PAGE_BYTES => Some("the server's pages are not of 8 kB"),
            () if pg_sys::IsInParallelMode() => Some("parallel workers are at work"),
            () if form.relam != pg_sys::HEAP_TABLE_AM_OID => Some("it is not stored as a heap"),
            () if form.relkind as u8 != pg_sys::RELKIND_RELATION || pg_sys::IsCatalogRelation(relation) => {
                Some("it is not an ordinary table")
            }
            () if old => Some("it is not new in this transaction"),
            () if entry.rd_createSubid == NEVER && xact::is_serializable() => {
                Some("it existed before, and the transaction is serializable")
            }
            () if !pg_sys::CheckRelationLockedByMe(relation, exclusively, true) => {
                Some("others may read it already")
            }
            () if permanent && decoded => {
                Some("wal_level is logical, and subscribers would not see its rows")
            }
            () if !pg_sys::RelationGetIndexList(relation).is_null() => Some("it has indexes already"),
            () if !entry.trigdesc.is_null() => Some("it has triggers"),
            () if !entry.rd_rules.is_null() => Some("it has rules"),
            () if form.relrowsecurity => Some("it has row-level security"),
            () => None,
        }
    }
}

impl PageSink {
    /// Opens the relation for batches whose columns are these attributes of it, or says why its rows must go another way.
    /// Of each column, `not_null`: NULL was refused before.
    pub fn open(
        relation: pg_sys::Oid,
        attributes: &[Attribute],
        not_null: &[bool],
    ) -> Result<PageSink, &'static str> {
        // SAFETY: the relation stays open and locked until `finish`, or until the abort releases it.
        unsafe {
            let relation = pg_sys::table_open(relation, pg_sys::RowExclusiveLock as i32);
            let sink = PageSink::of(relation, attributes, not_null);
            if sink.is_err() {
                pg_sys::table_close(relation, pg_sys::NoLock as i32);
            }
            sink
        }
    }

    /// # Safety
    /// The relation is open, and stays so until the sink is finished.
    unsafe fn of(
        relation: pg_sys::Relation,
        attributes: &[Attribute],
        not_null: &[bool],
    ) -> Result<PageSink, &'static str> {
        // SAFETY: an open relation, by this function's contract; the slot is made in the current context, the SQL function's,
        // and puts its tuples into `tuples`.
        unsafe {
            if let Some(reason) = obstacle(relation) {
                return Err(reason);
            }
            let layout = heap_layout::whole(relation).ok_or("a column's type has no place in a table")?;
            let maker = RowMaker::new(relation, attributes);
            if maker.one_by_one() {
                return Err("a default may read it");
            }
            let command = Command::current();
            let number = command.number.unwrap_or_default();
            let stamp = Stamp { transaction: command.transaction, command: number };
            let tuples = PgMemoryContexts::new("pg_sqlite_migrate tuples");
            let file = PageFile::new(relation);
            Ok(PageSink {
                relation,
                slot: slot::make(relation, tuples.value()),
                complete: maker.is_complete(not_null),
                maker,
                command,
                writer: PageWriter::new(layout, stamp, reserve(relation)),
                spare: vec![],
                first_block: file.next_block(),
                file,
                rows: 0,
                tuples,
            })
        }
    }

    /// Writes the rows of a batch. What is complete as it is needs nothing of the server: a batch whose words are offsets is
    /// placed by them. From the first row on that needs it, and of a sealed batch, whose words are datums, every row is made
    /// as an INSERT makes it.
    pub fn insert(&mut self, batch: &mut Batch) {
        let formed = match self.complete && !batch.is_sealed() {
            true => heap::form(batch, &mut self.writer).unwrap_or_else(|OutOfMemory| no_memory()),
            false => 0,
        };
        if self.writer.full() >= FLUSH_PAGES {
            self.flush();
        }
        batch.seal();
        let (width, rows) = (batch.width(), batch.rows());
        self.rows += rows as u64;
        let (words, nulls) = batch.cells_mut();
        if width == 0 || words.len() < rows * width || nulls.len() < rows * width {
            return;
        }
        let rows = words.chunks_exact_mut(width).zip(nulls.chunks_exact_mut(width)).skip(formed);
        for (row, (words, nulls)) in rows.enumerate() {
            // SAFETY: a Datum is a u64 here; the row outlives its making. What was formed of it is on a page before its memory
            // is used again.
            unsafe {
                let values = std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), width);
                self.maker.make(self.slot, values, nulls);
                self.place();
                if row % CHUNK_ROWS == CHUNK_ROWS - 1 {
                    self.tuples.reset();
                }
            }
            if self.writer.full() >= FLUSH_PAGES {
                self.flush();
            }
        }
        // SAFETY: the slot is filled anew before it is read.
        unsafe { self.tuples.reset() };
    }

    /// Puts the slot's row onto a page.
    ///
    /// # Safety
    /// The slot holds a row.
    unsafe fn place(&mut self) {
        // SAFETY: the slot holds a row of the relation's, by this function's contract.
        let placed = unsafe {
            let slot = self.slot;
            let placed = match slot::has_values(slot) {
                true => self.writer.row(|at, length| slot::cell(slot, at, length)),
                false => Ok(Placed::NotYet),
            };
            match placed {
                Ok(Placed::NotYet) => self.place_formed(),
                placed => placed,
            }
        };
        match placed {
            Ok(Placed::OnPage) => {}
            Ok(Placed::TooLarge(length)) => too_large(length.next_multiple_of(8)),
            // Its tuple was made.
            Ok(Placed::NotYet) => unreachable!("a tuple is placed, or too large"),
            Err(OutOfMemory) => no_memory(),
        }
    }

    /// The same for a row of which values are to be compressed or moved out.
    ///
    /// # Safety
    /// The slot holds a row.
    unsafe fn place_formed(&mut self) -> Result<Placed, OutOfMemory> {
        let (relation, slot) = (self.relation, self.slot);
        // SAFETY: the slot's tuple is the slot's own; what the server makes of it is in `tuples`.
        unsafe {
            let tuple = slot::formed(slot);
            let external = u32::from((*(*tuple).t_data).t_infomask) & pg_sys::HEAP_HASEXTERNAL != 0;
            let stored = match external || (*tuple).t_len as usize > heap::LONGEST_PLAIN_TUPLE {
                true => self.tuples.switch_to(|_| {
                    let options = pg_sys::HEAP_INSERT_SKIP_FSM as c_int;
                    pg_sys::ffi::pg_guard_ffi_boundary(|| {
                        heap_toast_insert_or_update(relation, tuple, std::ptr::null_mut(), options)
                    })
                }),
                false => tuple,
            };
            let length = (*stored).t_len as usize;
            self.writer.tuple(std::slice::from_raw_parts((*stored).t_data.cast(), length))
        }
    }

    /// Appends the pages that are full.
    fn flush(&mut self) {
        match self.writer.take_full(std::mem::take(&mut self.spare)) {
            Ok(mut pages) => {
                self.file.append(&mut pages);
                self.spare = pages;
            }
            Err(OutOfMemory) => no_memory(),
        }
    }

    /// Ends the load and makes its rows visible to the next command. Returns which rows they are.
    pub fn finish(mut self) -> LoadedRows {
        self.writer.close();
        self.flush();
        drop(self.maker);
        // SAFETY: releases in reverse what `open` took; the server counts the rows as inserted by COPY.
        unsafe {
            pg_sys::pgstat_count_heap_insert(self.relation, self.rows as pg_sys::PgStat_Counter);
            slot::drop(self.slot);
            pg_sys::table_close(self.relation, pg_sys::NoLock as i32);
        }
        xact::command_counter_increment();
        let wrote = self.file.next_block() > self.first_block;
        let commands = wrote.then_some(self.command).into_iter().collect();
        LoadedRows { commands, first_block: if wrote { self.first_block } else { 0 } }
    }
}

/// `RelationGetTargetPageFreeSpace`: bytes of a page that stay free.
///
/// # Safety
/// The relation is open.
unsafe fn reserve(relation: pg_sys::Relation) -> usize {
    // SAFETY: an open relation, by this function's contract.
    let fillfactor = unsafe { relation::options(relation) }.map_or(100, |options| options.fillfactor);
    let percent = usize::try_from(fillfactor).unwrap_or(100).min(100);
    heap::PAGE_BYTES * (100 - percent) / 100
}

fn no_memory() -> ! {
    memory::exhausted("a page of rows")
}

/// The server's own words.
fn too_large(length: usize) -> ! {
    let message = format!("row is too big: size {length}, maximum size {}", heap::LARGEST_TUPLE);
    pgrx::ereport!(ERROR, PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED, message);
}
