//! The schema of the helper functions, and whom it must belong to.
//!
//! A view calls helpers with the rights of whoever reads it. A schema that an untrusted role owns, or may create in, is
//! therefore an error: that role could put another function where the view's are looked for.

/// Where the helper functions are.
pub const SCHEMA: &str = "sqlite_compat";

/// What makes the schema, each with its title.
pub const SCHEMA_STEPS: &[(&str, &str)] = &[
    ("create schema sqlite_compat", "CREATE SCHEMA IF NOT EXISTS sqlite_compat"),
    ("check schema sqlite_compat", GUARD),
    ("let everybody use schema sqlite_compat", USAGE),
];

/// The steps that a plan takes: where the schema is there already, it is only looked at.
pub fn steps(exists: bool) -> impl Iterator<Item = (String, String)> {
    let taken = SCHEMA_STEPS.iter().filter(move |(_, sql)| !exists || *sql == GUARD);
    taken.map(|(title, sql)| ((*title).to_owned(), (*sql).to_owned()))
}

/// Functions call each other by name, with the rights of whoever calls them.
const USAGE: &str = "GRANT USAGE ON SCHEMA sqlite_compat TO PUBLIC";

/// An error unless the schema, its functions, and its dictionaries and configurations of text search belong to roles that the caller trusts, and no other role may create in it.
/// Trusted are superusers, and roles that the caller is a member of; a superuser trusts the database's owner besides.
pub const GUARD: &str = r#"DO $check$
DECLARE
    schema_oid constant pg_catalog.oid := (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = 'sqlite_compat');
    role pg_catalog.oid;
BEGIN
    FOR role IN
        SELECT nspowner FROM pg_catalog.pg_namespace WHERE oid = schema_oid
        UNION SELECT proowner FROM pg_catalog.pg_proc WHERE pronamespace = schema_oid
        UNION SELECT dictowner FROM pg_catalog.pg_ts_dict WHERE dictnamespace = schema_oid
        UNION SELECT cfgowner FROM pg_catalog.pg_ts_config WHERE cfgnamespace = schema_oid
        UNION SELECT acl.grantee FROM pg_catalog.pg_namespace n, pg_catalog.aclexplode(n.nspacl) acl
              WHERE n.oid = schema_oid AND acl.privilege_type = 'CREATE'
    LOOP
        CONTINUE WHEN EXISTS (
            SELECT FROM pg_catalog.pg_roles r
            WHERE r.oid = role AND (r.rolsuper OR CASE
                WHEN (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
                THEN r.oid = (SELECT datdba FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
                ELSE pg_catalog.pg_has_role(r.oid, 'MEMBER') END));
        RAISE EXCEPTION USING ERRCODE = '42501',
            MESSAGE = pg_catalog.format('schema "sqlite_compat" is not used: role %s could replace what is in it',
                CASE role WHEN 0 THEN 'PUBLIC' ELSE coalesce((SELECT pg_catalog.quote_ident(rolname) FROM pg_catalog.pg_roles WHERE oid = role), '?') END),
            DETAIL = 'It owns the schema or an object in it, or may create in it.',
            HINT = 'Rename the schema, or change its owner or its privileges.';
    END LOOP;
END
$check$"#;
