//! Migration tools, and the tables in which they record what they have done to a schema. The registry. Pure: who reads the
//! records runs [`Tool::records`].

use crate::catalog::{Table, TableKind};

/// A tool and its table.
#[derive(Debug, PartialEq, Eq)]
pub struct Tool {
    pub name: &'static str,
    /// The table's name; a final `*` is the rest of any name.
    pub table: &'static str,
    /// Columns without which a table of this name is some other table.
    pub needs: &'static [&'static str],
    /// Columns that name one migration together; none where no level is recorded.
    pub level: &'static [&'static str],
    /// The order of the records, where their levels do not say it.
    order: Option<&'static str>,
    /// Of a finished migration the first of these columns is not NULL, and the second is.
    finished: Option<(&'static str, &'static str)>,
}

const fn tool(name: &'static str, table: &'static str, level: &'static [&'static str]) -> Tool {
    Tool { name, table, needs: &[], level, order: None, finished: None }
}

impl Tool {
    const fn by(self, order: &'static str) -> Tool {
        Tool { order: Some(order), ..self }
    }
    const fn with(self, needs: &'static [&'static str]) -> Tool {
        Tool { needs, ..self }
    }
    const fn finished(self, finished: (&'static str, &'static str)) -> Tool {
        Tool { finished: Some(finished), ..self }
    }
}

/// The registry. SQLite's own `sqlite_sequence` and `sqlite_stat1` are not here: what SQLite reserves is never loaded.
pub const TOOLS: &[Tool] = &[
    tool("Prisma", "_prisma_migrations", &["migration_name"]).finished(("finished_at", "rolled_back_at")),
    tool("Alembic", "alembic_version", &["version_num"]),
    tool("Django", "django_migrations", &["app", "name"]).by("id"),
    tool("TypeORM", "migrations", &["name"]).with(&["timestamp", "name"]).by("timestamp"),
    tool("Laravel", "migrations", &["migration"]).with(&["migration", "batch"]).by("id"),
    tool("TypeORM", "typeorm_metadata", &[]).with(&["type", "value"]),
    tool("Rails", "ar_internal_metadata", &[]).with(&["key", "value"]),
    tool("the application", "schema_migrations", &["version"]).with(&["version"]),
    tool("Knex", "knex_migrations", &["name"]).by("id"),
    tool("Knex", "knex_migrations_lock", &[]),
    tool("Drizzle", "__drizzle_migrations", &["hash"]).by("id"),
    tool("D1", "d1_migrations", &["name"]).by("id"),
    tool("Diesel", "__diesel_schema_migrations", &["version"]),
    tool("SQLx", "_sqlx_migrations", &["version"]),
    tool("Entity Framework", "__EFMigrationsHistory", &["MigrationId"]),
    tool("Flyway", "flyway_schema_history", &["script"]).by("installed_rank"),
    tool("Liquibase", "DATABASECHANGELOG", &["ID", "AUTHOR", "FILENAME"]).by("ORDEREXECUTED"),
    tool("Liquibase", "DATABASECHANGELOGLOCK", &[]),
    tool("Goose", "goose_db_version", &["version_id"]).by("id"),
    tool("Atlas", "atlas_schema_revisions", &["version"]),
    tool("SeaORM", "seaql_migrations", &["version"]),
    tool("Refinery", "refinery_schema_history", &["version"]),
    tool("Sequelize", "SequelizeMeta", &["name"]),
    tool("Sequelize", "SequelizeData", &["name"]),
    tool("MikroORM", "mikro_orm_migrations", &["name"]).by("id"),
    tool("Kysely", "kysely_migration", &["name"]),
    tool("Kysely", "kysely_migration_lock", &[]),
    tool("Aerich", "aerich", &["app", "version"]).with(&["app", "version"]).by("id"),
    tool("Peewee", "migratehistory", &["name"]).by("id"),
    tool("Phinx", "phinxlog", &["version"]),
    tool("Doctrine", "doctrine_migration_versions", &["version"]),
    tool("Room", "room_master_table", &[]),
    tool("Android", "android_metadata", &[]),
    tool("Litestream", "_litestream_*", &[]),
];

/// The most records that are compared.
pub const LIMIT: usize = 10_000;
/// The tool whose table this is, by its name and the columns that it has, both without regard to case.
pub fn tool_of<'c>(table: &str, columns: impl Iterator<Item = &'c str> + Clone) -> Option<&'static Tool> {
    let has = |name: &&str| columns.clone().any(|c| c.eq_ignore_ascii_case(name));
    TOOLS.iter().find(|tool| tool.is_called(table) && tool.needs.iter().all(has))
}

impl Tool {
    fn is_called(&self, table: &str) -> bool {
        match self.table.strip_suffix('*') {
            Some(start) => table.get(..start.len()).is_some_and(|begins| begins.eq_ignore_ascii_case(start)),
            None => self.table.eq_ignore_ascii_case(table),
        }
    }

    /// The query for the levels in order, one text a row; `None` where there are none or a column is missing.
    /// `column` gives the SQL of an existing column, `text` makes that SQL a text.
    pub fn records(
        &self,
        from: &str,
        column: impl Fn(&str) -> Option<String>,
        text: impl Fn(&str) -> String,
    ) -> Option<String> {
        let level: Vec<String> = self.level.iter().map(|name| column(name)).collect::<Option<_>>()?;
        let order: Vec<String> = match self.order {
            Some(name) => vec![column(name)?],
            None => level.clone(),
        };
        let finished = match self.finished {
            Some((set, unset)) => {
                format!(" WHERE {} IS NOT NULL AND {} IS NULL", column(set)?, column(unset)?)
            }
            None => String::new(),
        };
        let level: Vec<String> = level.iter().map(|c| text(c)).collect();
        let (level, order) = (level.join(" || '.' || "), order.join(", "));
        (!level.is_empty())
            .then(|| format!("SELECT {level} FROM {from}{finished} ORDER BY {order} LIMIT {LIMIT}"))
    }
}

/// The tool whose records a source table holds.
pub fn of_source(table: &Table) -> Option<&'static Tool> {
    let ordinary = table.kind == TableKind::Ordinary;
    tool_of(&table.name, table.columns.iter().map(|c| c.name.as_str())).filter(|_| ordinary)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(table: &str, columns: &[&str]) -> Option<&'static str> {
        tool_of(table, columns.iter().copied()).map(|tool| tool.name)
    }

    #[test]
    fn a_tool_is_known_by_its_table_and_an_everyday_name_by_its_columns_too() {
        assert_eq!(named("_Prisma_Migrations", &[]), Some("Prisma"));
        assert_eq!(named("migrations", &["id", "Timestamp", "name"]), Some("TypeORM"));
        assert_eq!(named("migrations", &["id", "migration", "batch"]), Some("Laravel"));
        assert_eq!(named("migrations", &["id", "species", "name"]), None);
        assert_eq!(named("schema_migrations", &["id"]), None);
        assert_eq!(named("users", &["version_num"]), None);
        assert_eq!(named("_LiteStream_seq", &["id"]), Some("Litestream"));
        assert_eq!(named("_litestream", &["id"]), None);
    }

    #[test]
    fn records_are_asked_for_in_either_dialect() {
        let sql = |table: &str, missing: &str| {
            let tool = tool_of(table, [].into_iter())?;
            let column = |name: &str| (name != missing).then(|| format!("\"{name}\""));
            tool.records("f", column, |c| format!("{c}::text"))
        };
        assert_eq!(
            sql("django_migrations", "").as_deref(),
            Some("SELECT \"app\"::text || '.' || \"name\"::text FROM f ORDER BY \"id\" LIMIT 10000")
        );
        assert_eq!(
            sql("_prisma_migrations", "").as_deref(),
            Some(
                "SELECT \"migration_name\"::text FROM f WHERE \"finished_at\" IS NOT NULL \
                 AND \"rolled_back_at\" IS NULL ORDER BY \"migration_name\" LIMIT 10000"
            )
        );
        assert_eq!(sql("_prisma_migrations", "finished_at"), None);
        assert_eq!(sql("knex_migrations_lock", ""), None);
    }
}
