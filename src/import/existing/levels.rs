//! What migration tools have recorded in the target.

use super::relations::Relations;
use crate::pg::settings::{LocalSettings, Reads};
use crate::pg::spi;
use pg_sqlite_migrate_core::plan::ExistingTable;
use pg_sqlite_migrate_core::plan::resolve::bookkeeping;
use pg_sqlite_migrate_core::sqltext::{ident, qualified};
use pg_sqlite_migrate_core::value::PgType;

/// Ordinary tables that the caller may read without setting off anybody else's code: nobody has named them to us.
const READABLE: &str = "
    SELECT c.oid AS relation
    FROM pg_catalog.pg_class c
    WHERE c.oid = ANY ($1) AND c.relkind = 'r'
      AND pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE')
      AND pg_catalog.has_table_privilege(c.oid, 'SELECT') AND NOT pg_catalog.row_security_active(c.oid)";

pub fn read(found: &mut Relations) {
    if !found.tables().any(|table| bookkeeping::of_target(table).is_some()) {
        return;
    }
    let settings = LocalSettings::safe_search_path();
    let _styles = LocalSettings::printing(Reads::Styles);
    settings.refuse_views();
    found.each(READABLE, |table, _| {
        table.levels = if table.untrusted_owner.is_none() { levels(table) } else { None };
    });
}

fn levels(table: &ExistingTable) -> Option<Vec<String>> {
    let tool = bookkeeping::of_target(table)?;
    let from = format!("ONLY {}", qualified(&table.schema, &table.name));
    let column = |name: &str| {
        let mut found = table.columns.iter().filter(|c| c.name.eq_ignore_ascii_case(name));
        found.find(|c| is_plain(&c.pg_type)).map(|c| ident(&c.name))
    };
    let sql = tool.records(&from, column, |c| format!("{c}::text"))?;
    Some(spi::values::<Option<String>>(&sql, &[]).into_iter().flatten().collect())
}

/// A type of PostgreSQL's own, whose functions are too.
fn is_plain(pg_type: &PgType) -> bool {
    use PgType::{Array, Domain, Multirange, Range, Row, UserDefined, Vector};
    !matches!(
        pg_type.base(),
        Array(_) | Domain { .. } | Multirange { .. } | Range { .. } | Row { .. } | UserDefined(_) | Vector(_)
    )
}
