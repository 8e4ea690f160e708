//! The keys of rows that a command has changed, which grow with their number. Memory for one that cannot be had is an error.
#![deny(clippy::disallowed_methods)]

use std::collections::HashSet;
use std::fmt::Write;

use crate::value::buffer::{self, Buffer, OutOfMemory};
use crate::value::native::Native;

/// The rows' keys.
#[derive(Debug, Default)]
pub struct ChangedKeys(HashSet<Key>);

#[derive(Debug, PartialEq, Eq, Hash)]
enum Key {
    Rowid(i64),
    /// Its values, printed.
    Values(Vec<u8>),
}

impl ChangedKeys {
    /// `false` for a rowid that was there.
    pub fn insert_rowid(&mut self, rowid: i64) -> Result<bool, OutOfMemory> {
        self.insert(Key::Rowid(rowid))
    }

    /// `false` for values that were there.
    pub fn insert_values(&mut self, values: &[Native<'_>]) -> Result<bool, OutOfMemory> {
        let mut printed = Buffer::new();
        write!(printed, "{values:?}")?;
        self.insert(Key::Values(buffer::bytes(printed.bytes())?))
    }

    fn insert(&mut self, key: Key) -> Result<bool, OutOfMemory> {
        self.0.try_reserve(1)?;
        Ok(self.0.insert(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_new_once() {
        let mut keys = ChangedKeys::default();
        let values = |text: &'static str| [Native::Integer(1), Native::Text(text.into())];
        assert_eq!(
            (keys.insert_rowid(1), keys.insert_rowid(2), keys.insert_rowid(1)),
            (Ok(true), Ok(true), Ok(false))
        );
        let inserted = ["a", "b", "a"].map(|text| keys.insert_values(&values(text)));
        assert_eq!(inserted, [Ok(true), Ok(true), Ok(false)]);
    }
}
