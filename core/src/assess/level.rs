//! How much work a migration is: a letter and a digit, as ora2pg's users know it.

use std::fmt;

use super::subject::Class;

/// `B-3`
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level {
    pub letter: Letter,
    /// From 1 to 5.
    pub digit: u8,
}

/// Who has to do something, ascending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Letter {
    /// Nobody.
    A,
    /// Somebody reads findings.
    B,
    /// Somebody works by hand.
    C,
}

/// Objects of each class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    pub automatic: u64,
    pub with_findings: u64,
    pub by_hand: u64,
}

/// The most of each that a digit from 1 to 4 stands for; the digit is the highest of the three.
const MOST: [Limits; 4] = [
    Limits { by_hand: 0, with_findings: 10, bytes: 100 << 20 },
    Limits { by_hand: 5, with_findings: 50, bytes: 1 << 30 },
    Limits { by_hand: 20, with_findings: 200, bytes: 10 << 30 },
    Limits { by_hand: 100, with_findings: 1000, bytes: 100 << 30 },
];

struct Limits {
    by_hand: u64,
    with_findings: u64,
    /// Disk.
    bytes: u64,
}

impl Level {
    pub fn of(work: Work, bytes: u64) -> Level {
        let within = |most: &Limits| work.by_hand <= most.by_hand && work.with_findings <= most.with_findings;
        Level { letter: work.letter(), digit: digit(within).max(digit_of_size(bytes)) }
    }
}

/// The digit of a size alone.
pub fn digit_of_size(bytes: u64) -> u8 {
    digit(|most| bytes <= most.bytes)
}

fn digit(within: impl Fn(&Limits) -> bool) -> u8 {
    MOST.iter().zip(1..).find(|(most, _)| within(most)).map_or(5, |(_, digit)| digit)
}

impl Work {
    pub fn objects(self) -> u64 {
        self.automatic + self.with_findings + self.by_hand
    }

    pub fn letter(self) -> Letter {
        match self {
            Work { by_hand: 1.., .. } => Letter::C,
            Work { with_findings: 1.., .. } => Letter::B,
            _ => Letter::A,
        }
    }

    /// So many objects, of which some have findings.
    pub(super) fn of(objects: u64, classes: impl Iterator<Item = Class>) -> Work {
        let mut work = Work::default();
        for class in classes {
            match class {
                Class::Automatic => {}
                Class::WithFindings => work.with_findings += 1,
                Class::ByHand => work.by_hand += 1,
            }
        }
        Work { automatic: objects.saturating_sub(work.with_findings + work.by_hand), ..work }
    }

    pub(super) fn plus(self, other: Work) -> Work {
        Work {
            automatic: self.automatic + other.automatic,
            with_findings: self.with_findings + other.with_findings,
            by_hand: self.by_hand + other.by_hand,
        }
    }
}

impl Letter {
    pub fn as_str(self) -> &'static str {
        match self {
            Letter::A => "A",
            Letter::B => "B",
            Letter::C => "C",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.letter.as_str(), self.digit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(with_findings: u64, by_hand: u64, bytes: u64) -> String {
        Level::of(Work { automatic: 7, with_findings, by_hand }, bytes).to_string()
    }

    #[test]
    fn the_letter_is_the_worst_object_and_the_digit_the_largest_number() {
        assert_eq!(level(0, 0, 0), "A-1");
        assert_eq!(level(10, 0, 100 << 20), "B-1");
        assert_eq!(level(11, 0, 0), "B-2");
        assert_eq!(level(0, 0, (100 << 20) + 1), "A-2");
        assert_eq!(level(0, 1, 0), "C-2");
        assert_eq!(level(0, 6, 0), "C-3");
        assert_eq!(level(1, 21, 0), "C-4");
        assert_eq!(level(1001, 0, 0), "B-5");
        assert_eq!(level(0, 101, 0), "C-5");
        assert_eq!(level(0, 0, u64::MAX), "A-5");
    }
}
