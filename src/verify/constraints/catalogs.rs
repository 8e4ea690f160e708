//! What the catalogs say of some tables: a few queries for all of them.

use std::collections::HashMap;
use std::sync::LazyLock;

use pgrx::pg_sys;

use crate::pg::spi::{self, Json, Row};
use crate::pg::{compat, expression, relation, rights};
use pg_sqlite_migrate_core::catalog::{Action, Deferrable};
use pg_sqlite_migrate_core::verify::declared::FoundTable;
use pg_sqlite_migrate_core::verify::declared::found::{
    ConstraintKind, FoundColumn, FoundConstraint, FoundIndex, FoundKey, FoundTrigger,
};

const RELATIONS: &str = "
    SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind,
           has_schema_privilege(n.oid, 'USAGE')
           AND (has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE') OR has_table_privilege(c.oid, 'DELETE, TRUNCATE'))
               AS holdable
    FROM ROWS FROM (unnest($1), unnest($2)) AS wanted (schema, name)
    JOIN pg_namespace n ON n.nspname = wanted.schema
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = wanted.name
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
    ORDER BY c.oid";

/// A sequence that a column owns without using it numbers nothing. Reading a constant of a type that is made of others may
/// run the checks of domains in it (`opaque`).
static COLUMNS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT a.attrelid AS relation, a.attnum, a.attname AS name, a.atttypid AS type, a.atttypmod AS modifier,
           format('%I.%I', tn.nspname, t.typname) AS type_name, a.attnotnull AS not_null,
           NOT EXISTS (SELECT FROM pg_constraint k
                       WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum]
                         AND NOT k.convalidated) AS not_null_valid,
           pg_get_expr(d.adbin, d.adrelid) AS default, a.attgenerated <> '' AS generated, a.attidentity <> '' AS identity,
           (SELECT format('%I.%I', n.nspname, s.relname)
            FROM (SELECT i.objid AS oid FROM pg_depend i
                  WHERE i.classid = 'pg_class'::regclass AND i.refclassid = 'pg_class'::regclass
                    AND i.refobjid = a.attrelid AND i.refobjsubid = a.attnum AND i.deptype = 'i'
                  UNION ALL
                  SELECT u.refobjid FROM pg_depend u
                  WHERE u.classid = 'pg_attrdef'::regclass AND u.objid = d.oid
                    AND u.refclassid = 'pg_class'::regclass AND u.deptype = 'n') AS used
            JOIN pg_class s ON s.oid = used.oid AND s.relkind = 'S'
            JOIN pg_namespace n ON n.oid = s.relnamespace
            ORDER BY s.oid LIMIT 1) AS sequence,
           CASE WHEN c.oid IS NOT NULL AND c.collname <> 'default' THEN format('%I.%I', cn.nspname, c.collname) END
               AS collation,
           tn.nspname <> 'pg_catalog' AND (t.typtype IN ('c', 'r', 'm') OR t.typelem <> 0) AND NOT {harmless} AS opaque
    FROM pg_attribute a
    JOIN pg_type t ON t.oid = a.atttypid
    JOIN pg_namespace tn ON tn.oid = t.typnamespace
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    LEFT JOIN pg_collation c ON c.oid = a.attcollation
    LEFT JOIN pg_namespace cn ON cn.oid = c.collnamespace
    WHERE a.attrelid = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attrelid, a.attnum",
        harmless = rights::harmless("t.typowner"),
    )
});

/// A foreign key is enforced by triggers on both tables. What is dropped meanwhile has no definition.
static CONSTRAINTS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT k.conrelid AS relation, k.conname AS name, k.contype AS kind, COALESCE(pg_get_constraintdef(k.oid), '') AS definition,
           k.convalidated AS validated, {enforced} AS enforced, k.condeferrable AS deferrable,
           k.condeferred AS deferred, k.confupdtype AS on_update, k.confdeltype AS on_delete,
           k.confmatchtype = 'f' AS match_full, pg_get_expr(k.conbin, k.conrelid) AS expression,
           n.nspname AS parent_schema, p.relname AS parent,
           ARRAY(SELECT a.attname FROM unnest(k.conkey) WITH ORDINALITY AS key (attnum, place)
                 JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = key.attnum
                 ORDER BY key.place) AS columns,
           ARRAY(SELECT a.attname FROM unnest(k.confkey) WITH ORDINALITY AS key (attnum, place)
                 JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = key.attnum
                 ORDER BY key.place) AS parent_columns,
           EXISTS (SELECT FROM pg_trigger t
                   WHERE t.tgconstraint = k.oid AND t.tgisinternal AND t.tgenabled NOT IN ('O', 'A')) AS disabled
    FROM pg_constraint k
    LEFT JOIN pg_class p ON p.oid = k.confrelid
    LEFT JOIN pg_namespace n ON n.oid = p.relnamespace
    WHERE k.conrelid = ANY ($1) AND k.contype IN ('p', 'u', 'x', 'f', 'c')
    ORDER BY k.conrelid, k.conname",
        enforced = compat::CONSTRAINT_ENFORCED,
    )
});

/// Bit 0 of `indoption` is DESC. Vectors count from 0.
static INDEXES: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT i.indrelid AS relation, x.relname AS name, COALESCE(pg_get_indexdef(i.indexrelid), '') AS definition,
           m.amname AS method, i.indisunique AS unique, {nulls_not_distinct} AS nulls_not_distinct,
           i.indisvalid AND i.indisready AND i.indislive AS valid, pg_get_expr(i.indpred, i.indrelid) AS predicate,
           EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
               AS constraint,
           (SELECT json_agg(json_build_object(
                       'column', a.attname, 'text', COALESCE(pg_get_indexdef(i.indexrelid, place, false), ''),
                       'collation', CASE WHEN c.oid IS NOT NULL THEN format('%I.%I', n.nspname, c.collname) END,
                       'class', format('%I.%I', opn.nspname, o.opcname), 'descending', i.indoption[place - 1] & 1 = 1) ORDER BY place)
            FROM generate_series(1, i.indnkeyatts::integer) AS place
            LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[place - 1]
            LEFT JOIN pg_collation c ON c.oid = i.indcollation[place - 1]
            LEFT JOIN pg_namespace n ON n.oid = c.collnamespace
            JOIN pg_opclass o ON o.oid = i.indclass[place - 1]
            JOIN pg_namespace opn ON opn.oid = o.opcnamespace) AS keys
    FROM pg_index i
    JOIN pg_class x ON x.oid = i.indexrelid
    JOIN pg_am m ON m.oid = x.relam
    WHERE i.indrelid = ANY ($1)
    ORDER BY i.indrelid, x.relname",
        nulls_not_distinct = compat::NULLS_NOT_DISTINCT,
    )
});

const TRIGGERS: &str = "
    SELECT g.tgrelid AS relation, g.tgname AS name, COALESCE(pg_get_triggerdef(g.oid), '') AS definition,
           g.tgenabled IN ('O', 'A') AS enabled,
           CASE WHEN g.tgtype::integer & 64 <> 0 THEN 'INSTEAD OF' WHEN g.tgtype::integer & 2 <> 0 THEN 'BEFORE' ELSE 'AFTER' END
               || ' ' || concat_ws(' OR ', CASE WHEN g.tgtype::integer & 4 <> 0 THEN 'INSERT' END,
                                   CASE WHEN g.tgtype::integer & 16 <> 0 THEN 'UPDATE' END,
                                   CASE WHEN g.tgtype::integer & 8 <> 0 THEN 'DELETE' END,
                                   CASE WHEN g.tgtype::integer & 32 <> 0 THEN 'TRUNCATE' END) AS fires,
           g.tgtype::integer & 1 <> 0 AS by_row,
           ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = g.tgrelid AND a.attnum = ANY (g.tgattr)) AS columns,
           g.tgqual IS NOT NULL AS conditional, n.nspname AS function_schema, p.proname AS function
    FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE g.tgrelid = ANY ($1) AND NOT g.tgisinternal
    ORDER BY g.tgrelid, g.tgname";

const COLLATIONS: &str = "
    SELECT c.oid, format('%I.%I', n.nspname, c.collname) AS name
    FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace";

/// Tables as the catalogs have them now, by oid, and where each is by name.
#[derive(Default)]
pub struct Catalogs {
    places: HashMap<(String, String), u32>,
    tables: HashMap<u32, FoundTable>,
    /// Number, type and modifier of each column, in the order of the table's columns.
    types: HashMap<u32, Vec<(i16, pg_sys::Oid, i32)>>,
    collations: HashMap<u32, String>,
    /// Tables over which no expression is analysed, and the type that forbids it.
    opaque: HashMap<u32, String>,
}

impl Catalogs {
    /// Reads the tables of these schemas and names that exist, and holds those that the caller may do something with.
    pub fn read(names: &[(String, String)]) -> Catalogs {
        let (schemas, tables): (Vec<String>, Vec<String>) = names.iter().cloned().unzip();
        let parameters = [schemas.as_slice().into(), tables.as_slice().into()];
        let holdable = |row: &Row<'_>| row.get::<bool>("holdable").then(|| row.get::<pg_sys::Oid>("oid"));
        let holdable: Vec<Option<pg_sys::Oid>> = spi::rows(RELATIONS, &parameters, holdable);
        holdable.into_iter().flatten().for_each(relation::hold);
        let mut found = Catalogs::default();
        spi::rows(RELATIONS, &parameters, |row| {
            let oid = row.get::<pg_sys::Oid>("oid").to_u32();
            found.places.insert((row.get("schema"), row.get("name")), oid);
            found
                .tables
                .insert(oid, FoundTable { oid, relkind: row.get("relkind"), ..FoundTable::default() });
        });
        let _alike = expression::printed_alike();
        let oids: Vec<pg_sys::Oid> = found.tables.keys().map(|oid| pg_sys::Oid::from(*oid)).collect();
        let asked = [oids.as_slice().into()];
        spi::rows(COLUMNS.as_str(), &asked, |row| found.add_column(row));
        spi::rows(CONSTRAINTS.as_str(), &asked, |row| found.of(row, |t| t.constraints.push(constraint(row))));
        spi::rows(INDEXES.as_str(), &asked, |row| found.of(row, |t| t.indexes.push(index(row))));
        spi::rows(TRIGGERS, &asked, |row| found.of(row, |t| t.triggers.push(trigger(row))));
        let collations = spi::rows(COLLATIONS, &[], |row| {
            (row.get::<pg_sys::Oid>("oid").to_u32(), row.get::<String>("name"))
        });
        found.collations = collations.into_iter().collect();
        found
    }

    pub fn table(&self, schema: &str, name: &str) -> Option<&FoundTable> {
        self.tables.get(self.places.get(&(schema.to_owned(), name.to_owned()))?)
    }

    /// Type and modifier of a column.
    pub fn type_of(&self, table: u32, column: &str) -> Option<(pg_sys::Oid, i32)> {
        let place = self.tables.get(&table)?.columns.iter().position(|c| c.name == column)?;
        self.types.get(&table)?.get(place).map(|(_, type_oid, typmod)| (*type_oid, *typmod))
    }

    /// The type of a column whose owner's code could run where an expression over the table is analysed.
    pub fn opaque(&self, table: u32) -> Option<&String> {
        self.opaque.get(&table)
    }

    /// The name of a column by its number.
    pub fn column(&self, table: u32, attnum: i16) -> Option<String> {
        let place = self.types.get(&table)?.iter().position(|(number, _, _)| *number == attnum)?;
        self.tables.get(&table)?.columns.get(place).map(|column| column.name.clone())
    }

    /// As `format('%I.%I')` prints it; `None` where there is none.
    pub fn collation(&self, collation: pg_sys::Oid) -> Option<String> {
        self.collations.get(&collation.to_u32()).cloned()
    }

    fn of(&mut self, row: &Row<'_>, add: impl FnOnce(&mut FoundTable)) {
        if let Some(table) = self.tables.get_mut(&row.get::<pg_sys::Oid>("relation").to_u32()) {
            add(table);
        }
    }

    fn add_column(&mut self, row: &Row<'_>) {
        let oid = row.get::<pg_sys::Oid>("relation").to_u32();
        self.of(row, |table| table.columns.push(column(row)));
        if row.get("opaque") {
            self.opaque.insert(oid, row.get("type_name"));
        }
        self.types.entry(oid).or_default().push((row.get("attnum"), row.get("type"), row.get("modifier")));
    }
}

fn column(row: &Row<'_>) -> FoundColumn {
    FoundColumn {
        name: row.get("name"),
        type_name: row.get("type_name"),
        not_null: row.get("not_null"),
        not_null_valid: row.get("not_null_valid"),
        default: row.get("default"),
        generated: row.get("generated"),
        sequence: row.get("sequence"),
        identity: row.get("identity"),
        collation: row.get("collation"),
    }
}

fn constraint(row: &Row<'_>) -> FoundConstraint {
    let parent: Option<String> = row.get("parent");
    let schema: Option<String> = row.get("parent_schema");
    FoundConstraint {
        kind: match row.get("kind") {
            'p' => ConstraintKind::PrimaryKey,
            'u' => ConstraintKind::Unique,
            'x' => ConstraintKind::Exclude,
            'f' => ConstraintKind::ForeignKey,
            _ => ConstraintKind::Check,
        },
        name: row.get("name"),
        columns: row.get("columns"),
        definition: row.get("definition"),
        validated: row.get("validated"),
        enforced: row.get("enforced"),
        disabled: row.get("disabled"),
        deferrable: match (row.get("deferrable"), row.get("deferred")) {
            (false, _) => Deferrable::No,
            (true, false) => Deferrable::InitiallyImmediate,
            (true, true) => Deferrable::InitiallyDeferred,
        },
        parent: schema.zip(parent).map(|(schema, parent)| (schema, parent, row.get("parent_columns"))),
        on_update: action(row.get("on_update")),
        on_delete: action(row.get("on_delete")),
        full: row.get("match_full"),
        expression: row.get("expression"),
    }
}

fn action(code: char) -> Action {
    match code {
        'r' => Action::Restrict,
        'c' => Action::Cascade,
        'n' => Action::SetNull,
        'd' => Action::SetDefault,
        _ => Action::NoAction,
    }
}

fn index(row: &Row<'_>) -> FoundIndex {
    let Json(keys): Json<Vec<FoundKey>> = row.get("keys");
    FoundIndex {
        name: row.get("name"),
        definition: row.get("definition"),
        method: row.get("method"),
        unique: row.get("unique"),
        nulls_not_distinct: row.get("nulls_not_distinct"),
        valid: row.get("valid"),
        constraint: row.get("constraint"),
        keys,
        predicate: row.get("predicate"),
    }
}

fn trigger(row: &Row<'_>) -> FoundTrigger {
    FoundTrigger {
        name: row.get("name"),
        definition: row.get("definition"),
        enabled: row.get("enabled"),
        fires: row.get("fires"),
        row: row.get("by_row"),
        columns: row.get("columns"),
        conditional: row.get("conditional"),
        function: (row.get("function_schema"), row.get("function")),
    }
}
