//! What an import reports of itself: while it runs, at its end, and where it failed. Pure.

use std::time::Duration;

use crate::finding::counted;
use crate::plan::Phase;
use crate::shorten;

/// How far a load is. `rows` of `expected`, which is `None` if nobody knows, after `elapsed`.
pub fn loading(table: &str, rows: u64, expected: Option<u64>, elapsed: Duration) -> String {
    let rate = rows as f64 / elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
    let speed = format!("{} rows/s", short(rate));
    // The application may have written more than was counted.
    match expected.filter(|expected| *expected >= rows && rows > 0) {
        None => format!("{table}: {} rows, {speed}", short(rows as f64)),
        Some(expected) => {
            let percent = (rows * 100).checked_div(expected).unwrap_or(100);
            let left = ((expected - rows) as f64 / rate).ceil();
            let [rows, expected] = [rows, expected].map(|n| short(n as f64));
            format!("{table}: {rows} of {expected} rows ({percent} %), {speed}, {} left", time(left))
        }
    }
}

/// What is being read since `elapsed`, of which nobody knows how much there is.
pub fn reading(what: &str, elapsed: Duration) -> String {
    format!("{what}, {} so far", time(elapsed.as_secs_f64()))
}

/// What a run is doing, for other sessions; the view `sqlite_migrate.progress` reads it again.
pub fn activity(run: Option<i64>, phase: Phase, step: Option<(usize, usize)>, title: &str) -> String {
    let run = run.map(|run| format!(" run {run}")).unwrap_or_default();
    let step = step.map(|(number, of)| format!(" step {number}/{of}")).unwrap_or_default();
    format!("sqlite_import{run} phase {}{step}: {}", phase.as_str(), shorten::text(title))
}

/// What a run has done.
#[derive(Debug, Clone, Copy, Default)]
pub struct Totals {
    pub tables: u64,
    /// Rows that were added or updated.
    pub rows: u64,
    pub rejected: u64,
    /// Tables that failed in a run that went on.
    pub failed: u64,
}

/// The end of a run, and the phases that took at least a hundredth of its time.
pub fn finished(totals: Totals, spent: &[(Phase, Duration)], elapsed: Duration) -> String {
    let mut except = vec![];
    if totals.rejected > 0 {
        except.push(format!("{} rejected", grouped_rows(totals.rejected)));
    }
    if totals.failed > 0 {
        except.push(format!("{} failed", counted(totals.failed, "table", "tables")));
    }
    let except = if except.is_empty() { String::new() } else { format!(" ({})", except.join(", ")) };
    let shares = shares(spent, elapsed);
    let shares = if shares.is_empty() { shares } else { format!(": {shares}") };
    format!("imported {}{except} in {:.2} s{shares}", done(totals), elapsed.as_secs_f64())
}

/// Where a run failed, and what is lost of it.
pub fn failed(phase: Phase, title: &str, totals: Totals, elapsed: Duration) -> String {
    let (phase, seconds) = (phase.as_str(), elapsed.as_secs_f64());
    let lost = match totals.tables {
        0 => "No table had been loaded.".into(),
        _ => format!("{} had been loaded, and nothing of it remains.", done(totals)),
    };
    let step = if title.is_empty() { String::new() } else { format!(", step \"{title}\"") };
    format!("The import failed after {seconds:.2} s in phase {phase}{step}. {lost}")
}

fn done(totals: Totals) -> String {
    format!("{}, {}", counted(totals.tables, "table", "tables"), grouped_rows(totals.rows))
}

/// `profile 5 %, load 12 %`, in the order of a run.
fn shares(spent: &[(Phase, Duration)], elapsed: Duration) -> String {
    let mut phases: Vec<(Phase, Duration)> = vec![];
    for (phase, took) in spent {
        match phases.iter_mut().find(|(known, _)| known == phase) {
            Some((_, sum)) => *sum += *took,
            None => phases.push((*phase, *took)),
        }
    }
    phases.sort_by_key(|(phase, _)| *phase);
    let percent = |took: Duration| {
        (took.as_secs_f64() * 100.0 / elapsed.as_secs_f64().max(f64::MIN_POSITIVE)).round() as u64
    };
    let shares = phases.into_iter().map(|(phase, took)| (phase.as_str().replace('_', " "), percent(took)));
    let named: Vec<String> =
        shares.filter(|(_, share)| *share > 0).map(|(name, share)| format!("{name} {share} %")).collect();
    named.join(", ")
}

/// `3,983 rows`
fn grouped_rows(rows: u64) -> String {
    format!("{} {}", grouped(rows), if rows == 1 { "row" } else { "rows" })
}

/// `3,983`
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// At most four characters: `950`, `9.5k`, `950k`, `1.2M`.
pub fn short(number: f64) -> String {
    const UNITS: [(f64, &str); 3] = [(1e9, "G"), (1e6, "M"), (1e3, "k")];
    // What would be rounded to 1000k is 1.0M.
    let unit = UNITS.into_iter().find(|(size, _)| number >= size * 0.9995);
    match unit {
        Some((size, unit)) if number / size < 9.95 => format!("{:.1}{unit}", number / size),
        Some((size, unit)) => format!("{:.0}{unit}", number / size),
        None => format!("{number:.0}"),
    }
}

/// `40 s`, `3 min 20 s`, `2 h 5 min`
pub fn time(seconds: f64) -> String {
    let seconds = seconds as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn millis(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn a_load_reports_how_far_it_is() {
        let report = |rows, expected| loading("\"public\".\"events\"", rows, expected, millis(1500));
        assert_eq!(
            report(1_215_000, Some(2_000_000)),
            "\"public\".\"events\": 1.2M of 2.0M rows (60 %), 810k rows/s, 1 s left"
        );
        assert_eq!(
            report(3_000, Some(3_000)),
            "\"public\".\"events\": 3.0k of 3.0k rows (100 %), 2.0k rows/s, 0 s left"
        );
        for expected in [None, Some(100)] {
            assert_eq!(report(1_215_000, expected), "\"public\".\"events\": 1.2M rows, 810k rows/s");
        }
        assert_eq!(report(0, Some(10)), "\"public\".\"events\": 0 rows, 0 rows/s");
        assert_eq!(loading("t", 5, None, Duration::ZERO).split(',').next(), Some("t: 5 rows"));
    }

    #[test]
    fn a_look_at_the_file_reports_how_long_it_takes() {
        assert_eq!(
            reading("profile of \"events\" (table 3 of 29)", millis(62_900)),
            "profile of \"events\" (table 3 of 29), 1 min 2 s so far"
        );
    }

    #[test]
    fn others_are_shown_what_a_run_does() {
        assert_eq!(
            activity(Some(7), Phase::ForeignKeys, Some((3, 12)), "add constraint a to public.b"),
            "sqlite_import run 7 phase foreign_keys step 3/12: add constraint a to public.b"
        );
        assert_eq!(activity(None, Phase::Profile, None, "profile"), "sqlite_import phase profile: profile");
    }

    #[test]
    fn the_end_reports_where_the_time_went() {
        let totals = Totals { tables: 29, rows: 3_983, ..Totals::default() };
        let spent = [
            (Phase::Open, millis(1)),
            (Phase::Profile, millis(12)),
            (Phase::ForeignKeys, millis(48)),
            (Phase::Load, millis(9)),
            (Phase::Verify, millis(2)),
            (Phase::Load, millis(20)),
            (Phase::Verify, millis(2)),
        ];
        assert_eq!(
            finished(totals, &spent, millis(240)),
            "imported 29 tables, 3,983 rows in 0.24 s: profile 5 %, load 12 %, foreign keys 20 %, verify 2 %"
        );
        let totals = Totals { tables: 1, rows: 1, rejected: 1_000, failed: 2 };
        assert_eq!(
            finished(totals, &[], Duration::ZERO),
            "imported 1 table, 1 row (1,000 rows rejected, 2 tables failed) in 0.00 s"
        );
    }

    #[test]
    fn a_failure_reports_where_and_what_is_lost() {
        let at = |tables, rows| {
            let totals = Totals { tables, rows, ..Totals::default() };
            failed(Phase::Indexes, "create index public.i", totals, millis(310))
        };
        assert_eq!(
            at(3, 1_203),
            "The import failed after 0.31 s in phase indexes, step \"create index public.i\". 3 tables, 1,203 rows had been \
             loaded, and nothing of it remains."
        );
        assert!(at(0, 0).ends_with("create index public.i\". No table had been loaded."));
    }

    #[test]
    fn numbers_are_short() {
        for (number, text) in [
            (0.0, "0"),
            (999.0, "999"),
            (999.6, "1.0k"),
            (9_940.0, "9.9k"),
            (9_960.0, "10k"),
            (999_499.0, "999k"),
            (999_600.0, "1.0M"),
            (2.5e9, "2.5G"),
            (1e12, "1000G"),
        ] {
            assert_eq!(short(number), text);
        }
        assert_eq!([59.0, 200.0, 7_500.0].map(time), ["59 s", "3 min 20 s", "2 h 5 min"]);
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(grouped_rows),
            ["0 rows", "999 rows", "1,000 rows", "1,234,567 rows"]
        );
    }
}
