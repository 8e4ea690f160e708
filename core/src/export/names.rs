//! Names of the file: SQLite compares them without regard to ASCII case, tables and indexes share one set of them, and
//! those that begin with `sqlite_` are its own.

use std::collections::HashSet;

use crate::finding::{Finding, Kind};

/// Names that are taken, folded.
#[derive(Debug, Default)]
pub struct Names(HashSet<String>);

impl Names {
    pub fn is_free(&self, name: &str) -> bool {
        !self.0.contains(&name.to_ascii_lowercase())
    }

    /// The name, or one with a number where it is taken or SQLite's own.
    pub fn take(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        if name.to_ascii_lowercase().starts_with("sqlite_") {
            name = format!("_{name}");
        }
        let (base, mut number) = (name.clone(), 1);
        while !self.0.insert(name.to_ascii_lowercase()) {
            number += 1;
            name = format!("{base}_{number}");
        }
        name
    }

    /// Takes all of the names, if all are free.
    pub fn take_all(&mut self, wanted: &[String]) -> bool {
        let folded: Vec<String> = wanted.iter().map(|name| name.to_ascii_lowercase()).collect();
        let are_free = !folded.iter().any(|name| self.0.contains(name));
        if are_free {
            self.0.extend(folded);
        }
        are_free
    }

    /// The same as [`Names::take`], and a finding where it is another name.
    pub fn take_and_tell(&mut self, wanted: &str, object: &str, findings: &mut Vec<Finding>) -> String {
        let name = self.take(wanted);
        if name != wanted {
            let message = format!(
                "the name \"{wanted}\" is taken in SQLite, which does not tell upper case from lower, or its own; it is \"{name}\""
            );
            findings.push(Kind::NameChanged.warning(object, message));
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_without_case() {
        let mut names = Names::default();
        let taken = ["a", "A", "É", "é", "sqlite_x", "A_2"].map(|name| names.take(name));
        assert_eq!(taken, ["a", "A_2", "É", "é", "_sqlite_x", "A_2_2"]);
        let both = |a: &str, b: &str| [a.to_owned(), b.to_owned()];
        assert!(!names.take_all(&both("x", "a")) && names.take_all(&both("x", "Y")));
        assert_eq!(names.take("y"), "y_2");
    }
}
