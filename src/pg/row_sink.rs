//! Bulk write into one heap relation with `heap_multi_insert`.
//!
//! Assumes an ordinary heap table that the caller may write. Neither are its indexes maintained nor do its triggers,
//! rules and policies apply: `relation_facts` tell whether that is right, `indexes::rebuild` makes good for the indexes.

use pgrx::{PgMemoryContexts, pg_sys};

use super::loaded_rows::{Command, LoadedRows};
use super::relation::Attribute;
use super::rowmaker::RowMaker;
use super::{slot, xact};
use pg_sqlite_migrate_core::value::batch::Batch;

/// Rows per `heap_multi_insert`: COPY's own limit is 1000; less keeps the formed tuples in the cache.
const CHUNK_ROWS: usize = 500;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    Plain,
    /// As visible to everybody: see `freeze`.
    Frozen,
}

pub struct RowSink {
    relation: pg_sys::Relation,
    slots: Vec<*mut pg_sys::TupleTableSlot>,
    maker: RowMaker,
    bulk: pg_sys::BulkInsertState,
    command: Command,
    /// The first block that a row was written to.
    first_block: Option<u32>,
    options: u32,
    /// Formed tuples of one chunk.
    tuples: PgMemoryContexts,
}

impl RowSink {
    /// Opens the relation for batches whose columns are these attributes of it.
    pub fn open(relation: pg_sys::Oid, attributes: &[Attribute], written: Written) -> RowSink {
        let mut tuples = PgMemoryContexts::new("pg_sqlite_migrate tuples");
        // SAFETY: the relation stays open and locked until `finish`, or until the abort releases it; slots
        // are made in the current context, the SQL function's, and put their tuples into `tuples`.
        unsafe {
            let relation = pg_sys::table_open(relation, pg_sys::RowExclusiveLock as i32);
            let maker = RowMaker::new(relation, attributes);
            let context = tuples.value();
            let rows = if maker.one_by_one() { 1 } else { CHUNK_ROWS };
            let slots = (0..rows).map(|_| slot::make(relation, context)).collect();
            tuples.reset();
            RowSink {
                relation,
                slots,
                maker,
                bulk: pg_sys::GetBulkInsertState(),
                command: Command::current(),
                first_block: None,
                options: options(relation, written),
                tuples,
            }
        }
    }

    /// Inserts the rows of a batch, of which every word is a datum, or will be once the batch is sealed.
    pub fn insert(&mut self, batch: &mut Batch) {
        batch.seal();
        let (width, rows) = (batch.width(), batch.rows());
        let (words, nulls) = batch.cells_mut();
        if width == 0 || words.len() < rows * width || nulls.len() < rows * width {
            return;
        }
        let chunk = self.slots.len() * width;
        for (values, nulls) in words.chunks_mut(chunk).zip(nulls.chunks_mut(chunk)) {
            self.insert_chunk(values, nulls, width);
        }
    }

    fn insert_chunk(&mut self, values: &mut [u64], nulls: &mut [bool], width: usize) {
        let rows = values.len() / width;
        for ((slot, values), nulls) in
            self.slots.iter().zip(values.chunks_exact_mut(width)).zip(nulls.chunks_exact_mut(width))
        {
            // SAFETY: a Datum is a u64 here; the rows outlive the insert below, after which the slot is filled
            // anew or dropped.
            unsafe {
                let values = std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), width);
                self.maker.make(*slot, values, nulls);
            }
        }
        // SAFETY: `rows` slots are filled; the relation is open with RowExclusiveLock. The slots form their
        // tuples in `tuples`, which is emptied once the heap has copied them; what the insert itself
        // allocates lands there too.
        unsafe {
            let slots = self.slots.as_mut_ptr();
            let (relation, bulk, options) = (self.relation, self.bulk, self.options);
            let command = self.command.number.unwrap_or_default();
            self.tuples.switch_to(|_| {
                pg_sys::heap_multi_insert(relation, slots, rows as i32, command, options as i32, bulk);
            });
            let blocks = self.slots.iter().take(rows).map(|slot| slot::block(*slot));
            self.first_block = self.first_block.into_iter().chain(blocks).min();
            self.tuples.reset();
        }
    }

    /// Ends the load and makes its rows visible to the next command. Returns which rows they are.
    pub fn finish(self) -> LoadedRows {
        drop(self.maker);
        // SAFETY: releases in reverse what `open` took.
        unsafe {
            for slot in &self.slots {
                slot::drop(*slot);
            }
            pg_sys::FreeBulkInsertState(self.bulk);
            pg_sys::table_close(self.relation, pg_sys::NoLock as i32);
        }
        xact::command_counter_increment();
        let commands = self.first_block.map(|_| self.command).into_iter().collect();
        LoadedRows { commands, first_block: self.first_block.unwrap_or_default() }
    }
}

/// A table without pages has no free space to search for.
unsafe fn options(relation: pg_sys::Relation, written: Written) -> u32 {
    // SAFETY: the relation is open.
    let blocks =
        unsafe { pg_sys::RelationGetNumberOfBlocksInFork(relation, pg_sys::ForkNumber::MAIN_FORKNUM) };
    let frozen = if written == Written::Frozen { pg_sys::HEAP_INSERT_FROZEN } else { 0 };
    frozen | if blocks == 0 { pg_sys::HEAP_INSERT_SKIP_FSM } else { 0 }
}
