//! The allocator, and what it falls back on.
//!
//! Rust ends the process when an allocation fails, and the server then ends every other session. So what a value makes
//! large is taken fallibly (`value::buffer`). The rest is small and has many places: for it a reserve is kept, which
//! the allocator gives back when the system has no more. The allocation then succeeds, and the next look at interrupts
//! raises the error. An allocator must not unwind, so raising it at once is no way.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

use pgrx::{PgLogLevel, PgSqlErrorCode};

use super::report;
use crate::value::buffer::OutOfMemory;

/// Kept while the extension is used. Nothing is written to it, so that it takes address space only.
const STANDING_BYTES: usize = 8 << 20;
/// Less than this is a matter of the standing reserve.
const WORTH_HOLDING: usize = 1 << 20;

/// What is given back first lies first.
static RESERVES: [Reserve; 2] = [Reserve::empty(), Reserve::empty()];
const HELD: &Reserve = &RESERVES[0];
const STANDING: &Reserve = &RESERVES[1];

/// A reserve was given back since the last look.
static SPENT: AtomicBool = AtomicBool::new(false);

/// One block of memory that nobody uses.
struct Reserve {
    block: AtomicPtr<u8>,
    bytes: AtomicUsize,
}

impl Reserve {
    const fn empty() -> Reserve {
        Reserve { block: AtomicPtr::new(std::ptr::null_mut()), bytes: AtomicUsize::new(0) }
    }

    fn is_empty(&self) -> bool {
        self.block.load(Ordering::Acquire).is_null()
    }

    fn layout(bytes: usize) -> Option<Layout> {
        Layout::from_size_align(bytes, align_of::<usize>()).ok().filter(|layout| layout.size() > 0)
    }

    /// Takes a block of this size; the reserve is empty.
    fn fill(&self, bytes: usize) -> Result<(), OutOfMemory> {
        let layout = Reserve::layout(bytes.max(size_of::<usize>())).ok_or(OutOfMemory)?;
        // SAFETY: the layout is not empty. The block's first word says its size to whoever frees it.
        unsafe {
            let block = System.alloc(layout);
            if block.is_null() {
                return Err(OutOfMemory);
            }
            block.cast::<usize>().write(layout.size());
            self.bytes.store(layout.size(), Ordering::Relaxed);
            self.block.store(block, Ordering::Release);
        }
        Ok(())
    }

    /// Gives the block back; `false` where there is none.
    fn give_back(&self) -> bool {
        let block = self.block.swap(std::ptr::null_mut(), Ordering::AcqRel);
        if block.is_null() {
            return false;
        }
        // SAFETY: `fill` has made the block and written its size; the swap has made it ours alone.
        unsafe {
            if let Some(layout) = Reserve::layout(block.cast::<usize>().read()) {
                System.dealloc(block, layout);
            }
        }
        true
    }
}

struct Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

// SAFETY: every call is the system allocator's own, made again after a failure.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's layout.
        or_again(layout.size(), || unsafe { System.alloc(layout) })
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's layout.
        or_again(layout.size(), || unsafe { System.alloc_zeroed(layout) })
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's block, which a failure leaves as it is.
        or_again(size, || unsafe { System.realloc(block, layout, size) })
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's block.
        unsafe { System.dealloc(block, layout) }
    }
}

#[inline]
fn or_again(bytes: usize, allocate: impl Fn() -> *mut u8) -> *mut u8 {
    let block = allocate();
    if block.is_null() { after_failure(bytes, &allocate) } else { block }
}

/// What no reserve has room for fails; whoever asks for so much can bear it.
#[cold]
fn after_failure(bytes: usize, allocate: &impl Fn() -> *mut u8) -> *mut u8 {
    for reserve in &RESERVES {
        if bytes <= reserve.bytes.load(Ordering::Relaxed) && reserve.give_back() {
            SPENT.store(true, Ordering::Release);
            let block = allocate();
            if !block.is_null() {
                return block;
            }
        }
    }
    std::ptr::null_mut()
}

/// Fills the standing reserve where it was spent. Called where a statement's work for a SQLite file begins.
pub fn stand_by() {
    if STANDING.is_empty() {
        // Without it the work may still end well.
        let _ = STANDING.fill(STANDING_BYTES);
        SPENT.store(false, Ordering::Release);
    }
}

/// The reserve is spent: what runs has to end. Safe to call from any thread.
pub fn is_spent() -> bool {
    SPENT.load(Ordering::Acquire)
}

/// Raises the error that the allocator could not raise. Backend thread only.
pub(super) fn check() {
    if is_spent() {
        SPENT.store(false, Ordering::Release);
        exhausted("many small things");
    }
}

/// Makes sure that so much can be had, and keeps it for those who cannot bear a failure until the guard is dropped.
pub fn hold(bytes: usize) -> Result<Held, OutOfMemory> {
    if bytes >= WORTH_HOLDING && HELD.is_empty() {
        HELD.fill(bytes)?;
        return Ok(Held { gives_back: true });
    }
    Ok(Held { gives_back: false })
}

/// Memory that is there in case of need.
pub struct Held {
    gives_back: bool,
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.gives_back {
            HELD.give_back();
        }
    }
}

/// 53200, where no cell can be named: the memory was wanted for `what`.
pub fn exhausted(what: &str) -> ! {
    let detail = format!("Memory for {what} could not be had.");
    report::report(PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY, "out of memory", Some(&detail), None)
        .report(PgLogLevel::ERROR);
    unreachable!("an ERROR does not return")
}
