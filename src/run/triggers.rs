//! A table's own triggers stay quiet while rows are loaded into it, and are put back as they were.

use crate::pg::settings::LocalSettings;
use crate::pg::spi;
use crate::sqltext::{ident, qualified};

/// User triggers that would fire in an ordinary session: name and how to enable them again.
const FIRING: &str = "
    SELECT t.tgname::text, CASE t.tgenabled WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE' END
    FROM pg_trigger t
    WHERE t.tgrelid = $1::regclass AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
      AND (SELECT pg_has_role(c.relowner, 'USAGE') FROM pg_class c WHERE c.oid = t.tgrelid)
    ORDER BY 1";

/// Triggers that were disabled; [`Quiet::restore`] enables them. An ERROR in between does so by rolling back.
#[must_use]
pub struct Quiet {
    table: String,
    triggers: Vec<(String, String)>,
}

/// Disables the user triggers of a table that the caller owns.
pub fn quiet(schema: &str, table: &str) -> Quiet {
    let _path = LocalSettings::safe_search_path();
    let table = qualified(schema, table);
    let triggers: Vec<(String, String)> = spi::rows(FIRING, &[Some(&table)])
        .into_iter()
        .filter_map(|row| {
            let mut fields = row.into_iter().flatten();
            Some((fields.next()?, fields.next()?))
        })
        .collect();
    for (name, _) in &triggers {
        spi::execute(&format!("ALTER TABLE {table} DISABLE TRIGGER {}", ident(name)));
    }
    Quiet { table, triggers }
}

impl Quiet {
    pub fn restore(self) {
        let _path = LocalSettings::safe_search_path();
        if !self.triggers.is_empty() {
            // ALTER TABLE is refused while a deferred constraint of the table waits to be checked.
            spi::execute("SET CONSTRAINTS ALL IMMEDIATE");
        }
        for (name, enable) in &self.triggers {
            spi::execute(&format!("ALTER TABLE {} {enable} TRIGGER {}", self.table, ident(name)));
        }
    }
}
