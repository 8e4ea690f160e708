//! Reads what PostgreSQL's catalogs say of the tables that may be exported.

use crate::pg::settings::{LocalSettings, Reads};
use crate::pg::spi::{self, Row};
use crate::pg::{encoding, reading, relation, types};
use pg_sqlite_migrate_core::export::catalog::*;
use pg_sqlite_migrate_core::export::plan::{Overrides, Run, RunTable};
use pgrx::pg_sys;

/// The tables of the schemas, or those of a run.
pub fn read(overrides: &Overrides, run: Option<&Run>) -> Catalog {
    const FOUND: &str = "
        SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname::text = ANY ($1) AND c.relkind IN ('r', 'p', 'm', 'v', 'f') AND NOT c.relispartition
        ORDER BY n.nspname::text COLLATE \"C\", c.relname::text COLLATE \"C\"";
    // Constants in expressions are printed by their types' output functions.
    let _plain = LocalSettings::printing(Reads::Styles);
    let schemas = overrides.schemas();
    let tables = match run {
        None => spi::values(FOUND, &[schemas.as_slice().into()]).into_iter().filter_map(table).collect(),
        Some(run) => {
            let views = run.originals.views.iter().flat_map(|view| &view.made);
            let views = views.filter_map(|[schema, name, _]| table(relation::find(schema, name)?));
            let views = views.filter(|view| view.kind == TableKind::View);
            run.present().map(of_run).chain(views).collect()
        }
    };
    let exists =
        |schema: &String| spi::any("SELECT FROM pg_namespace WHERE nspname::text = $1", &[schema.into()]);
    let missing_schemas = schemas.into_iter().filter(|schema| !exists(schema)).collect();
    Catalog { tables, missing_schemas, ..Catalog::default() }
}

/// A table of a run, which may be gone.
fn of_run(of: &RunTable) -> Table {
    relation::find(&of.schema, &of.table).and_then(table).unwrap_or_else(|| Table {
        id: 0,
        schema: of.schema.clone(),
        name: of.table.clone(),
        kind: TableKind::Table,
        query: None,
        refused: Some(Refusal::Other("it does not exist any more".into())),
        extension: None,
        heirs: vec![],
        columns: vec![],
        keys: vec![],
        checks: vec![],
        foreign_keys: vec![],
        indexes: vec![],
        exclusions: vec![],
        triggers: vec![],
        comment: None,
    })
}

fn table(oid: pg_sys::Oid) -> Option<Table> {
    const TABLE: &str = "
        SELECT n.nspname, c.relname, c.relkind, CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) END AS query, x.extname::text AS extension,
               CASE WHEN pg_is_other_temp_schema(c.relnamespace) THEN NULL
                    WHEN NOT has_schema_privilege(n.oid, 'USAGE')
                         OR NOT has_table_privilege(c.oid, 'SELECT')
                            AND EXISTS (SELECT FROM pg_attribute a
                                        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                                          AND NOT has_column_privilege(c.oid, a.attnum, 'SELECT'))
                        THEN 'permission denied'
                    WHEN row_security_active(c.oid) THEN 'row-level security applies to the caller'
               END AS denied,
               CASE WHEN pg_is_other_temp_schema(c.relnamespace) THEN 'it belongs to another session'
                    WHEN NOT c.relispopulated THEN 'it has not been populated'
                    WHEN c.relkind = 'p' THEN (
                        SELECT 'its partition ' || p.oid::regclass::text || ' is a foreign table'
                        FROM pg_partition_tree(c.oid) AS tree JOIN pg_class p ON p.oid = tree.relid
                        WHERE p.relkind = 'f' LIMIT 1)
               END AS refused,
               ARRAY (SELECT g.tgname::text FROM pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal
                      ORDER BY 1) AS triggers,
               ARRAY (SELECT k.conname::text FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'x'
                      ORDER BY 1) AS exclusions,
               obj_description(c.oid, 'pg_class') AS comment
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
        LEFT JOIN pg_extension x ON x.oid = d.refobjid
        WHERE c.oid = $1";
    spi::row(TABLE, &[oid.into()], |row| Table {
        id: oid.to_u32(),
        schema: row.get("nspname"),
        name: row.get("relname"),
        query: row.get("query"),
        kind: match row.get("relkind") {
            'm' => TableKind::MaterializedView,
            'v' => TableKind::View,
            'f' => TableKind::Foreign,
            _ => TableKind::Table,
        },
        refused: row.get::<Option<String>>("denied").map(Refusal::Denied).or_else(|| {
            let other = row.get::<Option<String>>("refused");
            other.or_else(|| reading::outsider(oid).err().map(Into::into)).map(Refusal::Other)
        }),
        heirs: heirs(oid),
        extension: row.get("extension"),
        columns: columns(oid),
        keys: keys(oid),
        checks: checks(oid),
        foreign_keys: foreign_keys(oid),
        indexes: indexes(oid),
        exclusions: row.get("exclusions"),
        triggers: row.get("triggers"),
        comment: row.get("comment"),
    })
}

/// The tables that inherit from it, whose rows are not its own; partitions' are.
fn heirs(oid: pg_sys::Oid) -> Vec<(u32, String)> {
    const HEIRS: &str = "
        WITH RECURSIVE heir (id) AS (
            SELECT i.inhrelid FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent
            WHERE i.inhparent = $1 AND c.relkind = 'r'
            UNION SELECT i.inhrelid FROM heir JOIN pg_inherits i ON i.inhparent = heir.id
        )
        SELECT id, id::regclass::text AS name FROM heir ORDER BY id::regclass::text COLLATE \"C\"";
    spi::rows(HEIRS, &[oid.into()], |row| (row.get::<pg_sys::Oid>("id").to_u32(), row.get("name")))
}

fn columns(oid: pg_sys::Oid) -> Vec<Column> {
    const COLUMNS: &str = "
        WITH RECURSIVE domain AS (
            SELECT a.attnum, t.oid, t.typbasetype, t.typnotnull, t.typdefault, 1 AS level
            FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
            WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
            UNION ALL
            SELECT d.attnum, t.oid, t.typbasetype, t.typnotnull, t.typdefault, d.level + 1
            FROM domain d JOIN pg_type t ON t.oid = d.typbasetype
        )
        SELECT a.attname, a.atttypid, a.atttypmod,
               a.attnotnull OR (SELECT bool_or(d.typnotnull) FROM domain d WHERE d.attnum = a.attnum) AS not_null,
               COALESCE(pg_get_expr(e.adbin, e.adrelid),
                        (SELECT d.typdefault FROM domain d WHERE d.attnum = a.attnum AND d.typdefault IS NOT NULL
                           AND d.typbasetype <> 0 ORDER BY d.level LIMIT 1)) AS expression,
               a.attgenerated <> '' AS generated,
               s.oid IS NOT NULL AS counted,
               CASE WHEN has_sequence_privilege(s.oid, 'USAGE, SELECT') THEN pg_sequence_last_value(s.oid) END AS last,
               (SELECT array_agg(l.enumlabel::text ORDER BY l.enumsortorder) FROM pg_enum l
                WHERE l.enumtypid IN (SELECT d.oid FROM domain d WHERE d.attnum = a.attnum)) AS labels,
               ARRAY (SELECT pg_get_expr(k.conbin, 0) FROM pg_constraint k JOIN domain d ON d.oid = k.contypid
                      WHERE d.attnum = a.attnum AND k.contype = 'c' ORDER BY d.level, k.conname) AS domain_checks,
               col_description(a.attrelid, a.attnum) AS comment,
               o.collname::text AS collation, COALESCE(o.collisdeterministic, true) AS deterministic,
               CASE o.collprovider
                   WHEN 'd' THEN b.datcollate IN ('C', 'POSIX') AND COALESCE(to_jsonb(b) ->> 'datlocprovider', 'c') = 'c'
                   WHEN 'c' THEN o.collname IN ('C', 'POSIX', 'ucs_basic')
                   ELSE o.collname IN ('ucs_basic') END AS by_bytes
        FROM pg_attribute a
        LEFT JOIN pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum
        LEFT JOIN pg_collation o ON o.oid = a.attcollation
        LEFT JOIN pg_database b ON b.datname = current_database()
        LEFT JOIN LATERAL (
            SELECT s.oid FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
            WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
              AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND d.deptype IN ('a', 'i') LIMIT 1) AS s ON true
        WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";
    spi::rows(COLUMNS, &[oid.into()], column)
}

fn column(row: &Row<'_>) -> Column {
    let (type_oid, typmod) = (row.get("atttypid"), row.get("atttypmod"));
    let name = row.get::<Option<String>>("collation");
    let by_bytes = row.get::<Option<bool>>("by_bytes").unwrap_or(true) && encoding::server_is_utf8();
    let collation = match name {
        None => Collation::Bytes,
        Some(name) if !row.get::<bool>("deterministic") => Collation::Folding(name),
        Some(_) if by_bytes => Collation::Bytes,
        Some(name) => Collation::Language(name),
    };
    Column {
        name: row.get("attname"),
        pg_type: types::of(type_oid, typmod),
        type_name: types::format_type(type_oid, typmod),
        labels: row.get("labels"),
        not_null: row.get("not_null"),
        default: row.get("expression"),
        generated: row.get("generated"),
        sequence: row.get::<bool>("counted").then(|| Sequence { last: row.get("last") }),
        collation,
        domain_checks: row.get("domain_checks"),
        comment: row.get("comment"),
    }
}

/// The names of a constraint's columns, in its order.
const NAMED: &str = "ARRAY (SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS u (attnum, at)
                            JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.attnum ORDER BY u.at)";

fn keys(oid: pg_sys::Oid) -> Vec<Key> {
    // Servers older than 15 do not have indnullsnotdistinct.
    let sql = format!(
        "SELECT k.conname, k.contype = 'p' AS primary, k.condeferrable, {NAMED} AS columns,
                COALESCE((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) AS not_distinct
         FROM pg_constraint k JOIN pg_index i ON i.indexrelid = k.conindid
         WHERE k.conrelid = $1 AND k.contype IN ('p', 'u') ORDER BY k.contype, k.conname"
    );
    spi::rows(&sql, &[oid.into()], |row| Key {
        name: row.get("conname"),
        primary: row.get("primary"),
        columns: row.get("columns"),
        deferrable: row.get("condeferrable"),
        nulls_not_distinct: row.get("not_distinct"),
    })
}

fn checks(oid: pg_sys::Oid) -> Vec<Check> {
    const CHECKS: &str =
        "SELECT conname, pg_get_expr(conbin, conrelid) AS expression, convalidated FROM pg_constraint
        WHERE conrelid = $1 AND contype = 'c' ORDER BY conname";
    spi::rows(CHECKS, &[oid.into()], |row| Check {
        name: row.get("conname"),
        expression: row.get("expression"),
        validated: row.get("convalidated"),
    })
}

fn foreign_keys(oid: pg_sys::Oid) -> Vec<ForeignKey> {
    let sql = format!(
        "SELECT k.conname, {NAMED} AS columns, k.confrelid, k.confrelid::regclass::text AS parent,
                ARRAY (SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS u (attnum, at)
                       JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.attnum ORDER BY u.at)
                    AS parent_columns,
                k.confdeltype, k.confupdtype, k.confmatchtype = 'f' AS match_full, k.condeferrable, k.condeferred,
                k.convalidated AND COALESCE((to_jsonb(k) ->> 'conenforced')::boolean, true) AS validated
         FROM pg_constraint k WHERE k.conrelid = $1 AND k.contype = 'f' AND k.conparentid = 0 ORDER BY k.conname"
    );
    spi::rows(&sql, &[oid.into()], |row| ForeignKey {
        name: row.get("conname"),
        columns: row.get("columns"),
        parent: row.get::<pg_sys::Oid>("confrelid").to_u32(),
        parent_name: row.get("parent"),
        parent_columns: row.get("parent_columns"),
        on_delete: Action::of(row.get("confdeltype")),
        on_update: Action::of(row.get("confupdtype")),
        match_full: row.get("match_full"),
        deferrable: row.get("condeferrable"),
        initially_deferred: row.get("condeferred"),
        validated: row.get("validated"),
    })
}

fn indexes(oid: pg_sys::Oid) -> Vec<Index> {
    const INDEXES: &str = "
        SELECT i.indexrelid, c.relname, i.indisunique, m.amname::text AS method, NOT i.indisvalid AS invalid,
               pg_get_expr(i.indpred, i.indrelid) AS predicate,
               COALESCE((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) AS not_distinct
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam
        WHERE i.indrelid = $1 AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid
                                                AND k.contype IN ('p', 'u', 'x'))
        ORDER BY c.relname";
    const KEYS: &str = "
        SELECT a.attname::text AS column, pg_get_indexdef(i.indexrelid, u.at::integer, false) AS expression,
               (i.indoption[u.at - 1] & 1) = 1 AS descending
        FROM pg_index i, unnest(i.indkey::smallint[]) WITH ORDINALITY AS u (attnum, at)
        LEFT JOIN pg_attribute a ON a.attrelid = $2 AND a.attnum = u.attnum AND u.attnum > 0
        WHERE i.indexrelid = $1 AND u.at <= i.indnkeyatts ORDER BY u.at";
    let keys = |index: pg_sys::Oid| {
        spi::rows(KEYS, &[index.into(), oid.into()], |row| IndexKey {
            column: row.get("column"),
            expression: row.get("expression"),
            descending: row.get("descending"),
        })
    };
    spi::rows(INDEXES, &[oid.into()], |row| Index {
        name: row.get("relname"),
        unique: row.get("indisunique"),
        method: row.get("method"),
        keys: keys(row.get("indexrelid")),
        predicate: row.get("predicate"),
        nulls_not_distinct: row.get("not_distinct"),
        invalid: row.get("invalid"),
    })
}
