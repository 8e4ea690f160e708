//! How programs name the keys of their PostgreSQL schemas, where the SQLite file has no names: a later migration looks for
//! them by name.

use md5::{Digest, Md5};
use sha1::Sha1;

/// PostgreSQL's `NAMEDATALEN - 1`.
const LIMIT: usize = 63;

/// Whose rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// `posts_author_id_fkey`: PostgreSQL's own.
    Postgres,
    /// `posts_author_id_users_id_fk`
    Drizzle,
    /// `posts_author_id_foreign`
    Knex,
    /// `posts_author_id_1a2b3c4d_fk_users_id`
    Django,
    /// `PK_5e1f050bcff31e3084a1d662412`
    TypeOrm,
}

impl Names {
    /// Of a foreign key without a name; `None` where PostgreSQL's own is used.
    pub fn foreign_key(
        self,
        table: &str,
        columns: &[String],
        parent: &str,
        parent_columns: &[String],
    ) -> Option<String> {
        let (columns, parent_columns) = (columns.join("_"), parent_columns.join("_"));
        match self {
            Names::Drizzle => Some(format!("{table}_{columns}_{parent}_{parent_columns}_fk")),
            Names::Knex => Some(format!("{table}_{columns}_foreign").to_lowercase()),
            Names::Django => Some(django(table, &columns, &format!("_fk_{parent}_{parent_columns}"))),
            Names::Postgres | Names::TypeOrm => None,
        }
    }

    /// Of a primary key without a name.
    pub fn primary_key(self, table: &str, columns: &[String]) -> Option<String> {
        match self {
            Names::Drizzle if columns.len() > 1 => Some(format!("{table}_{}_pk", columns.join("_"))),
            Names::TypeOrm => {
                let mut columns = columns.to_vec();
                columns.sort();
                let key = format!("{}_{}", table.replace('.', "_"), columns.join("_"));
                Some(format!("PK_{:.27}", hexadecimal(&Sha1::digest(key))))
            }
            _ => None,
        }
    }

    /// The unique index is a constraint in the program's own schema.
    pub fn is_constraint(self, index: &str) -> bool {
        match self {
            Names::Django => index.ends_with("_uniq"),
            Names::Drizzle | Names::Knex => index.ends_with("_unique"),
            Names::Postgres | Names::TypeOrm => false,
        }
    }
}

/// Django's `BaseDatabaseSchemaEditor._create_index_name` for one column, or several joined.
fn django(table: &str, columns: &str, suffix: &str) -> String {
    let clip = |text: &str, length: usize| text.chars().take(length).collect::<String>();
    let digest = hexadecimal(&Md5::new().chain_update(table).chain_update(columns).finalize());
    let mut suffix = format!("{digest:.8}{suffix}");
    let whole = format!("{table}_{columns}_{suffix}");
    if whole.len() <= LIMIT {
        return whole;
    }
    if suffix.len() > LIMIT / 3 {
        suffix = clip(&suffix, LIMIT / 3);
    }
    let other = (LIMIT - suffix.len()) / 2 - 1;
    let name = format!("{}_{}_{suffix}", clip(table, other), clip(columns, other));
    match name.starts_with(|c: char| c == '_' || c.is_ascii_digit()) {
        true => format!("D{}", clip(&name, name.chars().count() - 1)),
        false => name,
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(names: Names, table: &str, column: &str, parent: &str) -> Option<String> {
        names.foreign_key(table, &[column.to_owned()], parent, &["id".to_owned()])
    }

    /// As the programs' own schemas have them.
    #[test]
    fn names_are_those_of_the_programs() {
        for (names, table, column, parent, name) in [
            (
                Names::Django,
                "auth_group_permissions",
                "group_id",
                "auth_group",
                "auth_group_permissions_group_id_b120cbf9_fk_auth_group_id",
            ),
            (
                Names::Django,
                "auth_group_permissions",
                "permission_id",
                "auth_permission",
                "auth_group_permissio_permission_id_84c5c92e_fk_auth_perm",
            ),
            (
                Names::Django,
                "auth_permission",
                "content_type_id",
                "django_content_type",
                "auth_permission_content_type_id_2f476e4b_fk_django_co",
            ),
            (Names::Drizzle, "attachments", "post_id", "posts", "attachments_post_id_posts_id_fk"),
            (Names::Knex, "attachments", "post_id", "posts", "attachments_post_id_foreign"),
        ] {
            assert_eq!(key(names, table, column, parent).as_deref(), Some(name));
        }
        let typeorm = |table: &str, columns: &[&str]| {
            let columns: Vec<String> = columns.iter().map(|column| (*column).to_owned()).collect();
            Names::TypeOrm.primary_key(table, &columns)
        };
        assert_eq!(typeorm("attachments", &["id"]).as_deref(), Some("PK_5e1f050bcff31e3084a1d662412"));
        assert_eq!(
            typeorm("order_items", &["orderId", "lineNo"]).as_deref(),
            Some("PK_fd7b814a8799dba650c6d8ee9cf")
        );
        assert_eq!(key(Names::Postgres, "a", "b", "c"), None);
        for (names, index, is_constraint) in [
            (Names::Django, "shop_order_user_id_number_df457d41_uniq", true),
            (Names::Drizzle, "users_email_unique", true),
            (Names::Knex, "users_email_unique", true),
            (Names::Knex, "posts_author_id_index", false),
            (Names::Postgres, "users_email_unique", false),
        ] {
            assert_eq!(names.is_constraint(index), is_constraint, "{names:?}: {index}");
        }
    }
}
