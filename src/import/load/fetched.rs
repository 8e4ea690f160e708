//! Local copies of what tables of Citus hold: it does not join them with a temporary table. A copy is as old as its
//! making, and gone with the transaction.

use crate::pg::{citus, latest, spi};
use pg_sqlite_migrate_core::sqltext::{ident, ident_list, qualified};

/// Copies columns of a table, which FROM names so, into a temporary one; its name as SQL says it. `None` where the
/// table is not of Citus' and can be asked itself. `purpose` tells copies of one table apart.
pub fn copy<'c>(
    purpose: &str,
    table: &str,
    from: &str,
    columns: impl IntoIterator<Item = &'c str>,
) -> Option<String> {
    let relation = spi::oid(table);
    if !citus::holds(relation) {
        return None;
    }
    let name = format!("sqlite_migrate_{purpose}_{}", relation.to_u32());
    let copy = qualified("pg_temp", &name);
    if spi::any("SELECT WHERE pg_catalog.to_regclass($1) IS NOT NULL", &[(&copy).into()]) {
        spi::execute(&format!("DROP TABLE {copy}"));
    }
    latest::execute(&format!(
        "CREATE TEMPORARY TABLE {} USING heap ON COMMIT DROP AS SELECT {} FROM {from}",
        ident(&name),
        ident_list(columns)
    ));
    Some(copy)
}
