//! The global allocator, and the reserve that it falls back on.
//!
//! Rust aborts the process when an allocation fails, and the server then ends every other session. So every allocation
//! whose size depends on a value is fallible (`value::buffer`). The other allocations are small and numerous: if the
//! system has no more memory they come from a reserve, and the next check for interrupts raises the error. The
//! allocator itself cannot raise it, because an allocator must not unwind. Memory of the reserve is never returned to
//! the system allocator: SQLite and the server would take what was freed.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering};

use pgrx::{PgLogLevel, PgSqlErrorCode};

use super::report;
use pg_sqlite_migrate_core::value::buffer::OutOfMemory;

/// Not written to before it is needed, so that it uses only address space.
const RESERVE_BYTES: usize = 8 << 20;
/// Smaller allocations may use the reserve. Code that allocates more must allocate fallibly, or hold memory beforehand.
const LARGE: usize = 1 << 20;

/// Held while code runs that may need so much memory and cannot handle a failed allocation.
static HELD: [Block; 2] = [Block::empty(), Block::empty()];
/// Made with the first statement, and kept until the process ends.
static RESERVE: Arena = Arena { block: AtomicPtr::new(std::ptr::null_mut()), state: AtomicU64::new(0) };

/// Whether the reserve was used since the last check.
static SPENT: AtomicBool = AtomicBool::new(false);

/// A bump allocator for small allocations. Its memory is available again when all of them are freed.
struct Arena {
    block: AtomicPtr<u8>,
    /// The number of live allocations in the upper half, the offset of the next one in the lower half: one word, so
    /// that both change atomically.
    state: AtomicU64,
}

impl Arena {
    fn take(&self, layout: Layout) -> *mut u8 {
        let block = self.block.load(Ordering::Acquire);
        if block.is_null() || layout.align() > ALIGNED {
            return std::ptr::null_mut();
        }
        let size = layout.size().next_multiple_of(ALIGNED) as u64;
        let taken = self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, |state| {
            let (live, next) = (state >> 32, state & 0xFFFF_FFFF);
            (next + size <= RESERVE_BYTES as u64).then_some((live + 1) << 32 | (next + size))
        });
        match taken {
            // Below the block's end, as was just checked.
            Ok(before) => block.wrapping_add((before & 0xFFFF_FFFF) as usize),
            Err(_) => std::ptr::null_mut(),
        }
    }

    #[inline]
    fn has(&self, place: *mut u8) -> bool {
        let block = self.block.load(Ordering::Relaxed) as usize;
        (place as usize).wrapping_sub(block) < RESERVE_BYTES && block != 0
    }

    fn give_back(&self) {
        let fewer = |state: u64| {
            let live = (state >> 32).saturating_sub(1);
            Some(if live == 0 { 0 } else { live << 32 | (state & 0xFFFF_FFFF) })
        };
        let _ = self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, fewer);
    }

    /// Has room for a statement that fails.
    fn is_ready(&self) -> bool {
        let used = (self.state.load(Ordering::Acquire) & 0xFFFF_FFFF) as usize;
        !self.block.load(Ordering::Acquire).is_null() && used < RESERVE_BYTES / 2
    }

    fn make(&self) {
        if self.block.load(Ordering::Acquire).is_null()
            && let Ok(layout) = Layout::from_size_align(RESERVE_BYTES, ALIGNED)
        {
            // SAFETY: the layout is not empty. Only the backend's thread makes the block, once.
            self.block.store(unsafe { System.alloc(layout) }, Ordering::Release);
        }
    }
}

/// Where any small thing may begin.
const ALIGNED: usize = 16;

/// One block of unused memory.
struct Block {
    block: AtomicPtr<u8>,
    bytes: AtomicUsize,
}

impl Block {
    const fn empty() -> Block {
        Block { block: AtomicPtr::new(std::ptr::null_mut()), bytes: AtomicUsize::new(0) }
    }

    fn layout(bytes: usize) -> Option<Layout> {
        Layout::from_size_align(bytes, align_of::<usize>()).ok().filter(|layout| layout.size() > 0)
    }

    /// Takes a block of this size; the reserve is empty.
    fn fill(&self, bytes: usize) -> Result<(), OutOfMemory> {
        let layout = Block::layout(bytes.max(size_of::<usize>())).ok_or(OutOfMemory)?;
        // SAFETY: the layout is not empty. The block's first word has its size, for the code that frees it.
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

    /// Frees the block; `false` if there is none.
    fn give_back(&self) -> bool {
        let block = self.block.swap(std::ptr::null_mut(), Ordering::AcqRel);
        if block.is_null() {
            return false;
        }
        // SAFETY: `fill` has made the block and written its size; the swap has made it ours alone.
        unsafe {
            if let Some(layout) = Block::layout(block.cast::<usize>().read()) {
                System.dealloc(block, layout);
            }
        }
        true
    }
}

struct Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

// SAFETY: every call is the system allocator's own, or the arena's, which never moves and tells its own by their address.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's layout.
        or_else(layout, || unsafe { System.alloc(layout) })
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's layout; the arena's memory may have been used before.
        unsafe {
            let block = or_else(layout, || System.alloc_zeroed(layout));
            if RESERVE.has(block) {
                block.write_bytes(0, layout.size());
            }
            block
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's block, which a failure leaves as it is; `GlobalAlloc::realloc` is called with a size and an alignment
        // that make a valid layout.
        unsafe {
            let wanted = Layout::from_size_align_unchecked(size, layout.align());
            let moved =
                if RESERVE.has(block) { std::ptr::null_mut() } else { System.realloc(block, layout, size) };
            if !moved.is_null() { moved } else { self.moved(block, layout, wanted) }
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if RESERVE.has(block) {
            return RESERVE.give_back();
        }
        // SAFETY: the caller's block, the system allocator's.
        unsafe { System.dealloc(block, layout) }
    }
}

impl Allocator {
    /// A block that cannot grow where it is.
    ///
    /// # Safety
    /// As for `realloc`.
    #[cold]
    unsafe fn moved(&self, block: *mut u8, layout: Layout, wanted: Layout) -> *mut u8 {
        // SAFETY: a block of the layout, and another layout that is valid, by this function's contract, which `realloc` keeps; both
        // blocks have the bytes that are copied.
        unsafe {
            let moved = self.alloc(wanted);
            if !moved.is_null() {
                std::ptr::copy_nonoverlapping(block, moved, layout.size().min(wanted.size()));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

#[inline]
fn or_else(layout: Layout, allocate: impl Fn() -> *mut u8) -> *mut u8 {
    let block = allocate();
    if block.is_null() { after_failure(layout, &allocate) } else { block }
}

/// An allocation that is too large for the reserve fails; the code that requests so much must handle that.
#[cold]
fn after_failure(layout: Layout, allocate: &impl Fn() -> *mut u8) -> *mut u8 {
    let small = layout.size() < LARGE;
    if small {
        SPENT.store(true, Ordering::Release);
        if RESERVE.is_ready() {
            return RESERVE.take(layout);
        }
    }
    // Held memory may also be needed for many small allocations.
    for held in &HELD {
        if layout.size() <= held.bytes.load(Ordering::Relaxed) && held.give_back() {
            let block = allocate();
            if !block.is_null() {
                return block;
            }
        }
    }
    if small { RESERVE.take(layout) } else { std::ptr::null_mut() }
}

/// Creates the reserve. Must be called before a statement works on a SQLite file; if it fails, the statement fails.
pub fn stand_by() {
    RESERVE.make();
    SPENT.store(false, Ordering::Release);
    let mut stack: Vec<u8> = vec![];
    if !RESERVE.is_ready() || stack.try_reserve_exact(2 * STACK).is_err() {
        exhausted("what a statement needs at the least");
    }
    drop(stack);
    grow_stack();
}

/// Bytes of stack that a statement takes at the most, but for what it nests.
const STACK: usize = 1 << 20;

/// Lets the stack grow while there is memory for it: a stack that cannot grow ends the process.
#[inline(never)]
fn grow_stack() {
    std::hint::black_box(&mut [0_u8; STACK]);
}

/// Whether the reserve was used, so that the running statement must end. Safe to call from any thread.
pub fn is_spent() -> bool {
    SPENT.load(Ordering::Acquire)
}

/// Raises the error that the allocator could not raise. Backend thread only.
pub(crate) fn check() {
    if is_spent() {
        SPENT.store(false, Ordering::Release);
        exhausted("many small things");
    }
}

/// Allocates so much memory, and holds it until the guard is dropped, for code that cannot handle a failed allocation.
pub fn hold(bytes: usize) -> Result<Held, OutOfMemory> {
    let place =
        HELD.iter().find(|held| held.block.load(Ordering::Acquire).is_null()).filter(|_| bytes >= LARGE);
    if let Some(held) = place {
        held.fill(bytes)?;
    }
    Ok(Held(place))
}

/// Whether the system's allocator, which the C library itself uses, has so much memory now.
pub fn system_has(bytes: usize) -> bool {
    // SAFETY: what is allocated is freed at once, and null may be.
    unsafe {
        // The compiler would leave out both calls.
        let place = std::hint::black_box(libc::malloc(bytes));
        libc::free(place);
        !place.is_null()
    }
}

/// What Rust's copies of a server's message need that may hold so many bytes of a value. What is no UTF-8 is replaced in
/// them, which takes more room, and a second copy.
pub fn of_message(bytes: usize) -> usize {
    if super::encoding::server_is_utf8() { 2 * bytes } else { 6 * bytes }
}

/// Memory that the allocator uses if the system has no more.
pub struct Held(Option<&'static Block>);

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(held) = self.0 {
            held.give_back();
        }
    }
}

/// Raises 53200 without naming a cell; `what` needed the memory.
pub fn exhausted(what: &str) -> ! {
    let detail = format!("Memory for {what} could not be allocated.");
    report::report(PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY, "out of memory", Some(&detail), None)
        .report(PgLogLevel::ERROR);
    unreachable!("an ERROR does not return")
}
