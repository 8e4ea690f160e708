//! The file's keys of rows and those that the rows have in their tables, as far as they may differ: temporary tables, one
//! for each loaded table, until the run ends.

use std::collections::HashMap;

use crate::pg::spi;
use pg_sqlite_migrate_core::catalog::TableId;
use pg_sqlite_migrate_core::sqltext::ident;

/// One table's keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyMap {
    /// The temporary table, as SQL names it. Its columns have the target's names and hold the file's values.
    pub relation: String,
    /// Columns of the target, and those of the temporary table that hold their values there.
    pub columns: Vec<(String, String)>,
}

impl KeyMap {
    /// The column that holds the target's value of a column, as SQL.
    pub fn new_value(&self, column: &str) -> String {
        let of_column = self.columns.iter().find(|(name, _)| name == column);
        ident(of_column.map_or(column, |(_, now)| now))
    }
}

/// The maps of the tables that were loaded.
#[derive(Debug, Default)]
pub struct KeyMaps {
    of: HashMap<TableId, Option<KeyMap>>,
}

impl KeyMaps {
    /// A table was loaded; without a map its rows have the file's keys.
    pub fn loaded(&mut self, table: TableId, map: Option<KeyMap>) {
        self.of.insert(table, map);
    }

    /// The map of a table; `Err` if it was not loaded, so that nobody knows which rows a reference means.
    pub fn of(&self, table: TableId) -> Result<Option<&KeyMap>, NotLoaded> {
        self.of.get(&table).map(Option::as_ref).ok_or(NotLoaded)
    }

    /// Gives up all maps.
    pub fn end(&mut self) {
        for map in self.of.drain().filter_map(|(_, map)| map) {
            spi::execute(&format!("DROP TABLE {}", map.relation));
        }
    }
}

/// There is no map, and nothing that would make one needless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotLoaded;
