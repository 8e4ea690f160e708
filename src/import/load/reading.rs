//! The readers' side of a load: one or several threads, each with a connection in the source's snapshot, that fill batches.
//!
//! A large table is cut into ranges of rowids, each about as long as a batch, which the readers take in turn. The backend
//! gets the batches in the order of the rows, whoever has read them: a table looks the same whatever the number of readers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::in_order::{InOrder, Piece};
use crate::import::readers;
#[cfg(feature = "pg_test")]
use crate::pg::fault::{self, Step};
use crate::pg::thread::{self, Outbox, lock};
use crate::sqlite::recovery::UnreadableRanges;
use crate::sqlite::rows::{self, Range, ReadError, ReadPlan};
use crate::sqlite::{Source, profile};
use pg_sqlite_migrate_core::heap::{Compressor, Layout};
use pg_sqlite_migrate_core::value::Wire;
use pg_sqlite_migrate_core::value::batch::{Batch, TARGET_BYTES};
use pg_sqlite_migrate_core::value::buffer::OutOfMemory;

/// Batches of one reader in flight: enough that neither side waits for the other's hiccups.
const BATCHES: usize = 8;
/// Bytes of one reader in flight before it waits: a batch of one large value is as large as the value.
const BYTES_IN_FLIGHT: usize = BATCHES * TARGET_BYTES;
/// How long a reader waits before it looks whether it should stop.
const TICK: Duration = Duration::from_millis(20);
/// One reader does for fewer rows.
const LARGE: u64 = 100_000;
/// Rows of a range at most, and bytes: as many as a batch has.
const RANGE: u64 = 8192;
const RANGE_BYTES: u64 = TARGET_BYTES as u64;
/// They take a few megabytes.
const MOST_RANGES: u64 = 1 << 18;
/// A longer value is read by one reader: each would hold one.
const LONGEST: u64 = 8 << 20;

/// What a table holds, if all of it is known.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub rows: u64,
    /// Of all values.
    pub bytes: u64,
    /// Of the longest.
    pub longest: u64,
}

/// How a table is read.
#[derive(Debug, Clone, Copy)]
pub enum Cut {
    /// As one range.
    Whole,
    /// In ranges, by as many readers as the plan says, or the machine has processors for.
    Ranges { size: Option<Size>, readers: Option<usize> },
}

/// What is to be read.
pub struct Reading<'a> {
    pub table: &'a str,
    /// The name of its rowid, if it has one.
    pub rowid: Option<&'static str>,
    pub plan: &'a ReadPlan,
    /// The batches' columns.
    pub wires: Arc<[Wire]>,
    /// Of the tuples, where long values are compressed.
    pub layout: Option<Layout>,
    pub cut: Cut,
}

/// A batch and the reader that it belongs to.
struct Filled {
    reader: usize,
    batch: Batch,
}

/// What is in flight.
struct Flight {
    bytes: AtomicUsize,
    /// By reader.
    of: Vec<AtomicUsize>,
    /// The range that is being written.
    written: AtomicUsize,
}

impl Flight {
    /// Whether a reader of this range must wait. The one whose rows are next waits only for its own: the others' batches are
    /// written after them.
    fn is_full(&self, reader: usize, range: usize) -> bool {
        let own = self.of.get(reader).map_or(0, |bytes| bytes.load(Ordering::Acquire));
        match self.written.load(Ordering::Acquire) == range {
            true => own > BYTES_IN_FLIGHT,
            false => self.bytes.load(Ordering::Acquire) > BYTES_IN_FLIGHT * self.of.len(),
        }
    }

    fn add(&self, reader: usize, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::AcqRel);
        if let Some(own) = self.of.get(reader) {
            own.fetch_add(bytes, Ordering::AcqRel);
        }
    }

    fn take(&self, reader: usize, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::AcqRel);
        if let Some(own) = self.of.get(reader) {
            own.fetch_sub(bytes, Ordering::AcqRel);
        }
    }
}

/// Reads every row on the helper thread and its like, and gives `write` the batches, in the order of the rows, on the
/// backend's. Of a damaged table it tells what could not be read.
pub fn read(
    source: &mut Source,
    reading: &Reading<'_>,
    mut write: impl FnMut(&mut Batch),
) -> Result<Option<UnreadableRanges>, ReadError> {
    let readers = reading.readers();
    let flight = Arc::new(Flight {
        bytes: AtomicUsize::new(0),
        of: (0..readers).map(|_| AtomicUsize::new(0)).collect(),
        written: AtomicUsize::new(0),
    });
    let (recycle, pools): (Vec<Sender<Batch>>, Vec<_>) = (0..readers)
        .map(|reader| {
            let (recycle, empty) = channel();
            for _ in 0..BATCHES {
                put_back(&recycle, Batch::new(reading.wires.clone()));
            }
            let compressor = reading.layout.clone().and_then(Compressor::new);
            (recycle, BatchPool { reader, empty, flight: flight.clone(), compressor })
        })
        .unzip();
    let mut order = InOrder::new();
    thread::run_with(
        move |out| read_by_all(source, reading, pools, out),
        |piece: Piece<Filled>| {
            order.take(piece, |Filled { reader, mut batch }| {
                let size = batch.size();
                write(&mut batch);
                batch.clear();
                flight.take(reader, size);
                recycle
                    .get(reader)
                    .into_iter()
                    .for_each(|recycle| put_back(recycle, std::mem::take(&mut batch)));
            });
            flight.written.store(order.next(), Ordering::Release);
        },
    )
}

/// Ranges that are left, and what has gone wrong.
struct Shared<'a> {
    ranges: Vec<Range>,
    reading: &'a Reading<'a>,
    next: AtomicUsize,
    /// No range from here on is wanted: what went wrong before comes first.
    end: AtomicUsize,
    failed: Mutex<Option<(usize, ReadError)>>,
    lost: Mutex<Option<UnreadableRanges>>,
}

impl Shared<'_> {
    fn stops(&self, range: usize) -> bool {
        thread::stopping() || range >= self.end.load(Ordering::Relaxed)
    }

    /// Keeps the error of the first range that has one, as a single reader would have met it.
    fn fail(&self, range: usize, error: ReadError) {
        // A reader that was stopped has no reason of its own.
        let range = if matches!(error, ReadError::Stopped) { usize::MAX } else { range };
        self.end.fetch_min(range, Ordering::Relaxed);
        let mut failed = lock(&self.failed);
        if failed.as_ref().is_none_or(|(first, _)| range < *first) {
            *failed = Some((range, error));
        }
    }
}

/// The job of the helper thread.
fn read_by_all(
    source: &Source,
    reading: &Reading<'_>,
    pools: Vec<BatchPool>,
    out: Outbox<'_, Piece<Filled>>,
) -> Result<Option<UnreadableRanges>, ReadError> {
    // Without a channel there is only this thread.
    let mut twins = source.twins(if out.sender().is_some() { pools.len() - 1 } else { 0 });
    let ranges = match twins.is_empty() {
        true => vec![Range::ALL],
        false => reading.ranges(source),
    };
    twins.truncate(ranges.len() - 1);
    let shared = Shared {
        ranges,
        reading,
        next: AtomicUsize::new(0),
        end: AtomicUsize::new(usize::MAX),
        failed: Mutex::new(None),
        lost: Mutex::new(None),
    };
    let shared = &shared;
    let mut pools = pools.into_iter();
    let own = pools.next();
    // Each has its own way to the backend, which ends with the last of them.
    let others = twins.into_iter().zip(pools).filter_map(|(twin, pool)| {
        let sender = out.sender()?;
        Some(move || read_ranges(&twin, shared, pool, Outbox::Channel(sender)))
    });
    let others = others.collect();
    if let Some(pool) = own {
        thread::together(|| read_ranges(source, shared, pool, out), others);
    }
    match lock(&shared.failed).take() {
        Some((_, error)) => Err(error),
        None => Ok(lock(&shared.lost).take()),
    }
}

/// What one reader does: one range after the other, as long as there are any.
fn read_ranges(
    source: &Source,
    shared: &Shared<'_>,
    mut pool: BatchPool,
    mut out: Outbox<'_, Piece<Filled>>,
) {
    let _others = StopOthers(shared);
    loop {
        let number = shared.next.fetch_add(1, Ordering::Relaxed);
        let Some(range) = shared.ranges.get(number).filter(|_| !shared.stops(number)) else { return };
        if let Err(error) = read_range(source, shared, (number, *range), &mut pool, &mut out) {
            return shared.fail(number, error);
        }
    }
}

/// Lets the other readers end where this one panics: its range would never be done.
struct StopOthers<'a>(&'a Shared<'a>);

impl Drop for StopOthers<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.end.store(0, Ordering::Relaxed);
        }
    }
}

fn read_range(
    source: &Source,
    shared: &Shared<'_>,
    (number, range): (usize, Range),
    pool: &mut BatchPool,
    out: &mut Outbox<'_, Piece<Filled>>,
) -> Result<(), ReadError> {
    #[cfg(feature = "pg_test")]
    fault::panic_if_due(Step::Read);
    let reader = pool.reader;
    let mut send = |pool: &mut BatchPool, mut batch: Batch, last: bool| {
        pool.finish(&mut batch)?;
        match out.send(Piece { range: number, last, content: Filled { reader, batch } }) {
            true => Ok(()),
            false => Err(ReadError::Stopped),
        }
    };
    let batch = pool.next(shared, number)?;
    let (lost, rest) = rows::read(source, shared.reading.plan, range, batch, &mut |batch| {
        send(pool, batch, false)?;
        pool.next(shared, number)
    })?;
    if lost.is_some() {
        *lock(&shared.lost) = lost;
    }
    send(pool, rest, true)
}

impl Reading<'_> {
    fn readers(&self) -> usize {
        let Cut::Ranges { size, readers } = self.cut else { return 1 };
        if self.rowid.is_none() || self.plan.around.is_some() {
            return 1;
        }
        match size {
            Some(size) if size.rows >= LARGE && size.longest <= LONGEST => readers::of_load(readers),
            Some(_) => 1,
            None => readers.unwrap_or(1),
        }
    }

    /// In the order of the rows.
    fn ranges(&self, source: &Source) -> Vec<Range> {
        let ends = self.rowid.map(|rowid| profile::ends(source, self.table, rowid));
        let Some(Ok(Some((first, last)))) = ends else { return vec![Range::ALL] };
        let count = match self.cut {
            Cut::Ranges { size: Some(size), .. } => (size.rows / RANGE).max(size.bytes / RANGE_BYTES),
            _ => first.abs_diff(last) / RANGE,
        };
        let count = count.clamp(1, MOST_RANGES) as u32;
        profile::strips(first, last, count).map(|(first, last)| Range { first, last }).collect()
    }
}

/// One reader's empty batches, and what is done with full ones before they are passed on.
struct BatchPool {
    reader: usize,
    empty: Receiver<Batch>,
    flight: Arc<Flight>,
    /// Long values are compressed here, where the backend need not wait for it.
    compressor: Option<Compressor>,
}

impl BatchPool {
    fn finish(&mut self, batch: &mut Batch) -> Result<(), ReadError> {
        if let Some(compressor) = &mut self.compressor {
            compressor.run(batch).map_err(|OutOfMemory| ReadError::NoMemory(Box::default()))?;
        }
        self.flight.add(self.reader, batch.size());
        Ok(())
    }

    /// The next empty batch, for rows of a range.
    fn next(&mut self, shared: &Shared<'_>, range: usize) -> Result<Batch, ReadError> {
        while self.flight.is_full(self.reader, range) {
            if shared.stops(range) {
                return Err(ReadError::Stopped);
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        loop {
            match self.empty.recv_timeout(TICK) {
                Ok(_) | Err(RecvTimeoutError::Timeout) if shared.stops(range) => {
                    return Err(ReadError::Stopped);
                }
                Ok(batch) => return Ok(batch),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(ReadError::Stopped),
            }
        }
    }
}

/// The reader is gone once it has read everything.
fn put_back(recycle: &Sender<Batch>, batch: Batch) {
    let _ = recycle.send(batch);
}
