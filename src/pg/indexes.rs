//! A table's indexes, rebuilt in place after its rows were written without them.

use pgrx::pg_sys;

use super::spi;

/// Valid indexes by their SQL names. Unique and exclusion indexes, which may find invalid rows, come first.
const VALID: &str = "
    SELECT format('%I.%I', n.nspname, c.relname)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE i.indrelid = $1 AND i.indisvalid
    ORDER BY i.indisprimary DESC, i.indisunique DESC, i.indisexclusion DESC, i.indexrelid";

/// Rebuilds every valid index of a relation that the caller owns; returns their number. The server checks unique and
/// exclusion constraints, deferrable ones too, and raises its error for a broken one.
///
/// Functions in index expressions run under the caller's search path, not under the safe one.
pub fn rebuild(relation: pg_sys::Oid) -> usize {
    let names: Vec<String> = spi::values(VALID, &[relation.into()]);
    for name in &names {
        spi::execute(&format!("REINDEX INDEX {name}"));
    }
    names.len()
}
