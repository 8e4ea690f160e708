//! Makes a step of a load fail. For tests: compiled with the `pg_test` feature only.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::Builder;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Before pages are logged.
    Log,
    /// Before a page is appended to the file.
    Extend,
    /// Before a thread is made.
    Thread,
    /// Before a reader reads a range of rows.
    Read,
}

pub const STEPS: [Step; 4] = [Step::Log, Step::Extend, Step::Thread, Step::Read];

/// How often each step is still reached before it fails; 0 for never.
static LEFT: [AtomicU32; STEPS.len()] = [const { AtomicU32::new(0) }; STEPS.len()];

/// The step fails when it is reached for the `number`th time from now on, counted from 1; 0: it does not.
pub fn plan(step: Step, number: u32) {
    LEFT[step as usize].store(number, Ordering::Relaxed);
}

/// Whether the step fails now.
pub fn is_due(step: Step) -> bool {
    let left = &LEFT[step as usize];
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)) == Ok(1)
}

/// A thread that cannot be made, if it is to fail now: no machine has room for its stack.
pub fn without_memory(thread: Builder) -> Builder {
    if is_due(Step::Thread) { thread.stack_size(1 << 46) } else { thread }
}

/// Raises an ERROR where the step fails now.
pub fn point(step: Step) {
    if is_due(step) {
        pgrx::ereport!(ERROR, pgrx::PgSqlErrorCode::ERRCODE_IO_ERROR, format!("{step:?} was made to fail"));
    }
}

/// The same on another thread, which has no other way to fail than those of its task.
pub fn panic_if_due(step: Step) {
    assert!(!is_due(step), "{step:?} was made to fail");
}
