//! Reads a file by several connections at once, all of them in the snapshot that its source holds.

use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::available_parallelism;

use crate::pg::thread;
use crate::sqlite::Source;

/// More take less of the time than they take of the machine.
const MOST: usize = 4;

/// A smaller file is read before another connection to it is open.
const LARGE_FILE: u64 = 8 << 20;

/// How many read a file of so many bytes while the backend waits for them.
pub fn of_profile(asked: Option<usize>, bytes: u64) -> usize {
    asked.unwrap_or_else(|| if bytes < LARGE_FILE { 1 } else { processors().min(MOST) })
}

/// How many read while the backend writes.
pub fn of_load(asked: Option<usize>) -> usize {
    asked.unwrap_or_else(|| processors().saturating_sub(1).clamp(1, MOST))
}

fn processors() -> usize {
    available_parallelism().map_or(1, NonZero::get)
}

/// Does tasks on the helper thread and, at most `readers` in all, on others, each with its own connection. They are begun in
/// their order. The outcomes are in that order too; once one `stops` the others no more are begun, so that there is none for
/// tasks at the end.
pub fn side_by_side<T: Sync, R: Send>(
    source: &Source,
    readers: usize,
    tasks: &[T],
    work: impl Fn(&Source, &T) -> R + Sync,
    stops: impl Fn(&R) -> bool + Sync,
) -> Vec<R> {
    let (next, stopped) = (AtomicUsize::new(0), AtomicBool::new(false));
    let outcomes: Vec<Mutex<Option<R>>> = tasks.iter().map(|_| Mutex::new(None)).collect();
    let read = |source: &Source| {
        while !stopped.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some((task, outcome)) = tasks.get(at).zip(outcomes.get(at)) else { return };
            let done = work(source, task);
            if stops(&done) {
                stopped.store(true, Ordering::Relaxed);
            }
            *thread::lock(outcome) = Some(done);
        }
    };
    let read = &read;
    let others = if thread::is_helper() { readers.min(tasks.len()).saturating_sub(1) } else { 0 };
    let others = source.twins(others);
    thread::together(|| read(source), others.into_iter().map(|twin| move || read(&twin)).collect());
    outcomes.iter().map_while(|outcome| thread::lock(outcome).take()).collect()
}
