//! The place of a key in a plan, as messages spell it: `plan.tables.users.columns."first name".type`.

use serde_json::Value;

/// `base.name`, the name quoted where a reader could not tell where it ends.
pub fn join(base: &str, name: &str) -> String {
    let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if plain { format!("{base}.{name}") } else { format!("{base}.{}", Value::from(name)) }
}

/// `plan.tables.users.skip`
pub fn of_table(table: &str, key: &str) -> String {
    join(&join("plan.tables", table), key)
}

/// `plan.tables.users.columns.age.type`
pub fn of_column(table: &str, column: &str, key: &str) -> String {
    join(&join(&of_table(table, "columns"), column), key)
}
