//! Random input for everything that core reads from a file or from a user. Whatever it is, nothing panics, overflows the
//! stack or takes long, and what becomes SQL is one expression, without a way out of its quotes.
//!
//! `cargo test` draws the same few hundred cases each time; `make fuzz` draws others, many more:
//!
//! ```sh
//! PROPTEST_CASES=20000 FUZZ_SEED=7 cargo test -p pg_sqlite_migrate_fuzz
//! ```
//!
//! A case that failed is drawn again by every later run, as its seed is written to `proptest-regressions/`.
#![cfg(test)]
#![forbid(unsafe_code)]

mod definitions;
mod expressions;
mod geometry;
mod plans;
mod queries;
mod search;
mod sql;
mod statements;
mod text;
mod triggers;
mod values;
mod vectors;

use std::time::Duration;

use proptest::test_runner::{Config, RngSeed};

/// Far above what any input here takes without optimisation.
const LONGEST: Duration = Duration::from_secs(5);

/// Properties that are cheap to look at have `scale` times as many cases.
fn cases(scale: u32) -> Config {
    let seed = std::env::var("FUZZ_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    let config = Config { rng_seed: RngSeed::Fixed(seed), ..Config::default() };
    Config { cases: config.cases * scale, max_shrink_iters: 20_000, ..config }
}

/// Runs what must come to an end soon.
fn bounded<T>(work: impl FnOnce() -> T) -> T {
    let start = computed();
    let result = work();
    let taken = computed().saturating_sub(start);
    assert!(taken < LONGEST, "took {taken:?}");
    result
}

/// How long this thread has computed, as Linux counts it: what a busy machine lets it wait for is none of the work.
fn computed() -> Duration {
    let counted = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = counted.split(' ').next().and_then(|n| n.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or(0))
}
