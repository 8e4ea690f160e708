//! How long an import takes: what reading has taken, and what writing will take at a rate that was measured. Pure.

use super::size::Size;

/// What writing costs on this server.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    pub seconds_per_byte: f64,
    pub seconds_per_step: f64,
    pub basis: Basis,
}

/// Where a rate is from, and so of which bytes it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// So many earlier runs, by the bytes of their files.
    Runs(u64),
    /// Rows that were loaded for it, by the bytes of tables and indexes.
    Calibration,
}

/// What an earlier run took to write.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RunTime {
    pub file_bytes: u64,
    pub steps: u64,
    pub seconds: f64,
}

/// Of a file that is smaller, the number of steps decides how long it takes.
const LARGE: u64 = 4 << 20;

impl Rate {
    /// Small runs say what a step costs, and large ones what a byte costs beyond that. `None` where they say nothing of a
    /// file of this size.
    pub fn of_runs(runs: &[RunTime], file_bytes: u64) -> Option<Rate> {
        let (large, small): (Vec<&RunTime>, Vec<&RunTime>) =
            runs.iter().partition(|run| run.file_bytes >= LARGE);
        let sum = |runs: &[&RunTime], of: fn(&RunTime) -> f64| runs.iter().map(|run| of(run)).sum::<f64>();
        let (seconds, steps) = (|run: &RunTime| run.seconds, |run: &RunTime| run.steps as f64);
        let per = |seconds: f64, count: f64| if count > 0.0 { (seconds / count).max(0.0) } else { 0.0 };
        let seconds_per_step = per(sum(&small, seconds), sum(&small, steps));
        let beyond = sum(&large, seconds) - seconds_per_step * sum(&large, steps);
        let seconds_per_byte = per(beyond, sum(&large, |run| run.file_bytes as f64));
        let told = if file_bytes >= LARGE { &large } else { &small };
        let basis = Basis::Runs(runs.len() as u64);
        (!told.is_empty()).then_some(Rate { seconds_per_byte, seconds_per_step, basis })
    }
}

/// The time of an import.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Time {
    /// What the survey and the plan took, just now.
    pub read_seconds: f64,
    /// `None` where no rate is known.
    pub write_seconds: Option<f64>,
    pub basis: Option<Basis>,
}

impl Time {
    pub(super) fn of(
        read_seconds: f64,
        rate: Option<Rate>,
        file_bytes: u64,
        size: &Size,
        steps: usize,
    ) -> Time {
        let write = |rate: Rate| {
            let bytes = match rate.basis {
                // A plan may leave most of a file out.
                Basis::Runs(_) => file_bytes.min(size.disk_bytes()),
                Basis::Calibration => size.disk_bytes(),
            };
            bytes as f64 * rate.seconds_per_byte + steps as f64 * rate.seconds_per_step
        };
        Time { read_seconds, write_seconds: rate.map(write), basis: rate.map(|rate| rate.basis) }
    }

    pub fn seconds(&self) -> Option<f64> {
        Some(self.read_seconds + self.write_seconds?)
    }

    /// `about 14 s: 5 s to read and plan, measured now, and 9 s to write, at the rate of 3 earlier runs`
    pub(super) fn described(&self) -> String {
        let read = seconds(self.read_seconds);
        let Some((total, write)) = self.seconds().zip(self.write_seconds) else {
            return format!("{read} to read and plan; how fast this server writes was not measured");
        };
        let basis = match self.basis {
            Some(Basis::Runs(1)) => "at the rate of an earlier run".into(),
            Some(Basis::Runs(runs)) => format!("at the rate of {runs} earlier runs"),
            _ => "as some rows took that were loaded to measure it".into(),
        };
        let (total, write) = (seconds(total), seconds(write));
        format!("about {total}: {read} to read and plan, measured now, and {write} to write, {basis}")
    }
}

fn seconds(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => format!("{s:.2} s"),
        s if s < 10.0 => format!("{s:.1} s"),
        s if s < 600.0 => format!("{s:.0} s"),
        s if s < 36_000.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.0} h", s / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1 << 20;

    #[test]
    fn small_runs_tell_of_steps_and_large_ones_of_bytes() {
        let small = RunTime { file_bytes: MB, steps: 100, seconds: 0.2 };
        let large = RunTime { file_bytes: 100 * MB, steps: 100, seconds: 1.2 };
        let rate = Rate::of_runs(&[small, large], MB).unwrap();
        assert_eq!((rate.seconds_per_step, rate.basis), (0.002, Basis::Runs(2)));
        assert_eq!((rate.seconds_per_byte * (100 * MB) as f64 * 1000.0).round(), 1000.0);
        assert_eq!(Rate::of_runs(&[small], 100 * MB), None);
        assert_eq!(Rate::of_runs(&[large], MB), None);
        assert_eq!(Rate::of_runs(&[], MB), None);
        // A run of many steps over few bytes costs no less than nothing.
        let steps = RunTime { file_bytes: 5 * MB, steps: 1000, seconds: 1.0 };
        assert_eq!(Rate::of_runs(&[small, steps], 5 * MB).unwrap().seconds_per_byte, 0.0);
    }

    #[test]
    fn the_sum_is_said_with_its_parts() {
        let rate = Rate { seconds_per_byte: 1e-6, seconds_per_step: 0.5, basis: Basis::Runs(3) };
        let size = Size { heap_bytes: 8e6, ..Size::default() };
        let time = Time::of(5.0, Some(rate), 10_000_000, &size, 2);
        assert_eq!(time.seconds(), Some(14.0));
        assert_eq!(
            time.described(),
            "about 14 s: 5.0 s to read and plan, measured now, and 9.0 s to write, at the rate of 3 earlier runs"
        );
        let unknown = Time::of(0.25, None, 1, &size, 2);
        assert_eq!(unknown.seconds(), None);
        assert_eq!(
            unknown.described(),
            "0.25 s to read and plan; how fast this server writes was not measured"
        );
    }
}
