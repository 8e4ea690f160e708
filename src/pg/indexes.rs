//! A table's indexes, rebuilt in place after its rows were written without them.

use pgrx::pg_sys;

use super::spi;

/// Valid indexes, as SQL names them: those that can find rows to be wrong come first.
const VALID: &str = "
    SELECT format('%I.%I', n.nspname, c.relname)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE i.indrelid = $1 AND i.indisvalid
    ORDER BY i.indisprimary DESC, i.indisunique DESC, i.indisexclusion DESC, i.indexrelid";

/// Rebuilds every valid index of a relation that the caller owns; gives their number. Unique and exclusion
/// constraints are checked, deferrable ones too, and broken ones raise the server's error.
///
/// Functions of index expressions see the search path that is set: the caller's, not the safe one.
pub fn rebuild(relation: pg_sys::Oid) -> usize {
    let names: Vec<String> = spi::values(VALID, &[relation.into()]);
    for name in &names {
        spi::execute(&format!("REINDEX INDEX {name}"));
    }
    names.len()
}
