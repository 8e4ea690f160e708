//! Appends pages to a relation's file, past shared buffers.
//!
//! The flush protocol: while a checkpoint is kept from beginning, the pages go to the log and then to the file. So a
//! checkpoint whose redo starts behind these log records finds the pages in the file, and syncs it.

use pgrx::pg_sys;

#[cfg(feature = "pg_test")]
use super::fault;
use pg_sqlite_migrate_core::heap::Page;

/// Pages of one log record: `XLR_MAX_BLOCK_ID`, and few enough that a cancel is served soon.
pub(super) const FLUSH_PAGES: usize = 32;

#[cfg(any(feature = "pg14", feature = "pg15"))]
type Locator = pg_sys::RelFileNode;
#[cfg(not(any(feature = "pg14", feature = "pg15")))]
type Locator = pg_sys::RelFileLocator;

#[cfg(any(feature = "pg14", feature = "pg15", feature = "pg16"))]
type Backend = pg_sys::BackendId;
#[cfg(not(any(feature = "pg14", feature = "pg15", feature = "pg16")))]
type Backend = pg_sys::ProcNumber;

/// The main fork of a relation that this transaction has made, and nobody else sees.
pub(super) struct PageFile {
    locator: Locator,
    backend: Backend,
    /// Whether pages go to the log.
    logged: bool,
    /// A temporary relation is never synced.
    temporary: bool,
    next_block: u32,
}

impl PageFile {
    /// # Safety
    /// The relation is open, and its file stays the same until this is dropped.
    pub unsafe fn new(relation: pg_sys::Relation) -> PageFile {
        // SAFETY: an open relation's entry of the relation cache, by this function's contract.
        unsafe {
            let (entry, form) = (&*relation, &*(*relation).rd_rel);
            #[cfg(any(feature = "pg14", feature = "pg15"))]
            let locator = entry.rd_node;
            #[cfg(not(any(feature = "pg14", feature = "pg15")))]
            let locator = entry.rd_locator;
            let main = pg_sys::ForkNumber::MAIN_FORKNUM;
            // RelationNeedsWAL: below wal_level replica the commit syncs the file of a new relation instead.
            let archives = pg_sys::wal_level >= pg_sys::WalLevel::WAL_LEVEL_REPLICA as i32;
            PageFile {
                locator,
                backend: entry.rd_backend,
                logged: form.relpersistence as u8 == pg_sys::RELPERSISTENCE_PERMANENT && archives,
                temporary: form.relpersistence as u8 == pg_sys::RELPERSISTENCE_TEMP,
                next_block: pg_sys::RelationGetNumberOfBlocksInFork(relation, main),
            }
        }
    }

    /// The block that the next page becomes.
    pub fn next_block(&self) -> u32 {
        self.next_block
    }

    pub fn append(&mut self, pages: &mut [Page]) {
        pages.chunks_mut(FLUSH_PAGES).for_each(|pages| self.append_few(pages));
    }

    fn append_few(&mut self, pages: &mut [Page]) {
        // SAFETY: the file is this relation's; a handle is asked for anew, because an invalidation may have closed the former
        // one. A function that the load calls may have written to the table.
        let (file, first) = unsafe {
            let file = pg_sys::smgropen(self.locator, self.backend);
            (file, pg_sys::smgrnblocks(file, pg_sys::ForkNumber::MAIN_FORKNUM))
        };
        let mut blocks: Vec<u32> = (first..).take(pages.len()).collect();
        blocks.iter().zip(pages.iter_mut()).for_each(|(block, page)| page.set_block(*block));
        let mut images: Vec<_> = pages.iter_mut().map(|page| page.as_mut_ptr().cast()).collect();
        let _no_checkpoint = self.logged.then(NoCheckpoint::begin);
        // SAFETY: as many blocks and images of pages as said, behind the end of the file.
        unsafe {
            if self.logged {
                #[cfg(feature = "pg_test")]
                fault::point(fault::Step::Log);
                let main = pg_sys::ForkNumber::MAIN_FORKNUM;
                pg_sys::log_newpages(
                    &raw mut self.locator,
                    main,
                    images.len() as i32,
                    blocks.as_mut_ptr(),
                    images.as_mut_ptr(),
                    true,
                );
            }
            for (block, page) in blocks.iter().zip(pages.iter_mut()) {
                #[cfg(feature = "pg_test")]
                fault::point(fault::Step::Extend);
                let image = page.as_mut_ptr();
                pg_sys::PageSetChecksumInplace(image.cast(), *block);
                let main = pg_sys::ForkNumber::MAIN_FORKNUM;
                pg_sys::smgrextend(file, main, *block, image.cast(), self.temporary);
            }
        }
        self.next_block = first + pages.len() as u32;
    }
}

/// Keeps checkpoints from beginning. An error that a subtransaction catches leaves the flag, so this clears it on every
/// way out of a block; the end of a session clears it as well.
struct NoCheckpoint;

impl NoCheckpoint {
    fn begin() -> NoCheckpoint {
        set_delay(true);
        NoCheckpoint
    }
}

impl Drop for NoCheckpoint {
    fn drop(&mut self) {
        set_delay(false);
    }
}

/// Whether this backend keeps checkpoints from beginning.
#[cfg(feature = "pg_test")]
pub fn delays_checkpoints() -> bool {
    // SAFETY: this backend's own entry.
    unsafe {
        #[cfg(feature = "pg14")]
        return (*pg_sys::MyProc).delayChkpt;
        #[cfg(not(feature = "pg14"))]
        return (*pg_sys::MyProc).delayChkptFlags != 0;
    }
}

fn set_delay(on: bool) {
    // SAFETY: this backend's own entry; others only read the flag, after a lock that orders it with our log record.
    unsafe {
        let own = &mut *pg_sys::MyProc;
        #[cfg(feature = "pg14")]
        {
            own.delayChkpt = on;
        }
        #[cfg(not(feature = "pg14"))]
        {
            let flag = pg_sys::DELAY_CHKPT_START as i32;
            own.delayChkptFlags = if on { own.delayChkptFlags | flag } else { own.delayChkptFlags & !flag };
        }
    }
}
