//! Loaded rows that are skipped because their key is there: each has to be the row that is there.
//!
//! Both sides have the table's types: the loaded rows lie on the stage. Keys are compared by the operators, collations,
//! expressions and conditions of their own unique indexes; other columns as PostgreSQL's own types compare, or by their
//! stored images, which every type has.
//! A key that has a NULL in it tells no rows apart.

use serde::Deserialize;

use super::fetched;
use crate::error::{Error, OtherRows};
use crate::pg::settings::{LocalSettings, Reads};
use crate::pg::spi::{self, Column, Json, Row};
use crate::verify::counts;
use pg_sqlite_migrate_core::finding::{Finding, Fix, Kind};
use pg_sqlite_migrate_core::path;
use pg_sqlite_migrate_core::plan::{Conflict, LoadSpec, Skip};
use pg_sqlite_migrate_core::sqltext::{ident, ident_list, qualified};

/// The valid unique indexes of `$1`: name, whether of the primary key, whether NULLs are alike, the condition, the
/// parts, and every column that it looks at. Strategy 3 is equality.
const KEYS: &str = "
    SELECT x.relname AS name, i.indisprimary AS primary,
           COALESCE((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false) AS nulls_alike,
           pg_get_expr(i.indpred, i.indrelid) AS condition, parts.list AS parts, looks.list AS columns
    FROM pg_index i
    JOIN pg_class x ON x.oid = i.indexrelid
    JOIN pg_am m ON m.oid = x.relam AND m.amname = 'btree'
    CROSS JOIN LATERAL (
        SELECT json_agg(json_build_object(
            'sql', pg_get_indexdef(i.indexrelid, part.place::integer, true),
            'cast', CASE WHEN t.typtype = 'p' THEN '' ELSE format('::%I.%I', tn.nspname, t.typname) END,
            'operator', format('OPERATOR(%I.%s)', n.nspname, o.oprname),
            'collate', COALESCE((SELECT format(' COLLATE %I.%I', ln.nspname, l.collname) FROM pg_collation l
                JOIN pg_namespace ln ON ln.oid = l.collnamespace WHERE l.oid = part.collating), '')) ORDER BY part.place) AS list
        FROM ROWS FROM (unnest(i.indclass::oid[]), unnest(i.indcollation::oid[]))
             WITH ORDINALITY AS part (class, collating, place)
        JOIN pg_opclass c ON c.oid = part.class
        JOIN pg_type t ON t.oid = c.opcintype JOIN pg_namespace tn ON tn.oid = t.typnamespace
        JOIN pg_amop a ON a.amopfamily = c.opcfamily AND a.amoplefttype = c.opcintype
             AND a.amoprighttype = c.opcintype AND a.amopstrategy = 3
        JOIN pg_operator o ON o.oid = a.amopopr JOIN pg_namespace n ON n.oid = o.oprnamespace) parts
    CROSS JOIN LATERAL (
        SELECT COALESCE(array_agg(b.attname), '{}') AS list FROM pg_attribute b
        WHERE b.attrelid = i.indrelid AND b.attnum > 0
          AND (b.attnum = ANY ((i.indkey::smallint[])[:i.indnkeyatts - 1]) OR b.attnum IN (
              SELECT d.refobjsubid FROM pg_depend d
              WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid))) looks
    WHERE i.indrelid = $1::regclass AND i.indisunique AND i.indisvalid AND i.indislive AND NOT i.indisexclusion
    ORDER BY NOT i.indisprimary, x.relname";

/// Why the caller cannot compare; no row where it can.
const CLOSED: &str = "
    SELECT CASE WHEN row_security_active(c.oid) THEN 'row-level security applies to the caller'
                ELSE 'the caller may not read the table' END
    FROM pg_class c
    WHERE c.oid = $1::regclass AND (row_security_active(c.oid) OR NOT has_table_privilege(c.oid, 'SELECT'))";

/// Columns of `$1` whose built-in type tells its values apart by `=`, and whether that goes by a collation. It costs less
/// than an image, and takes `1.50` for `1.5`.
const PLAIN: &str = "
    WITH RECURSIVE base AS (
        SELECT a.attname, a.atttypid AS type FROM pg_attribute a WHERE a.attrelid = $1::regclass AND a.attnum > 0
        UNION ALL
        SELECT base.attname, t.typbasetype FROM base JOIN pg_type t ON t.oid = base.type WHERE t.typtype = 'd')
    SELECT attname AS name, type = ANY ('{text,varchar,bpchar}'::regtype[]) AS collates FROM base
    WHERE type = ANY ('{bool,int2,int4,int8,float4,float8,numeric,text,varchar,bpchar,bytea,uuid,jsonb,
                        date,time,timestamp,timestamptz}'::regtype[])";

/// Characters of a row that a message shows.
const SHOWN: usize = 200;

#[derive(Debug, Clone, Default, Deserialize)]
struct Part {
    sql: String,
    cast: String,
    operator: String,
    collate: String,
}

#[derive(Debug, Clone, Default)]
struct Key {
    name: String,
    primary: bool,
    nulls_alike: bool,
    condition: Option<String>,
    parts: Vec<Part>,
    columns: Vec<String>,
}

/// The comparison of one load.
pub struct Comparison<'a> {
    spec: &'a LoadSpec,
    stage: &'a str,
    /// The table's rows, as FROM names them.
    table: String,
    /// Where they were copied to.
    fetched: Option<String>,
    skip: &'a Skip,
    arbiter: Key,
    /// Other unique keys, in which the two rows have to agree.
    others: Vec<Key>,
    /// Of `PLAIN`.
    plain: Vec<(String, bool)>,
    closed: Option<String>,
}

/// Pairs of rows with one key, in two relations called `s` and `t`.
struct Pairs {
    from: String,
    /// Where the other rows are.
    place: String,
    /// How an example calls the other row.
    there: &'static str,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Rows that have the key of another.
    pub met: u64,
    pub findings: Vec<Finding>,
}

impl<'a> Comparison<'a> {
    /// `None` where no row is skipped, or none can be told from another.
    pub fn new(spec: &'a LoadSpec, conflict: &'a Conflict, stage: &'a str) -> Option<Comparison<'a>> {
        let (skip, arbiter) = (conflict.skip.as_ref()?, &conflict.arbiter);
        let _path = LocalSettings::safe_search_path();
        let name = qualified(&spec.schema, &spec.target);
        let keys = spi::rows(KEYS, &[(&name).into()], key);
        let loaded = |key: &Key| key.columns.iter().all(|c| spec.columns.iter().any(|l| l.target == *c));
        let others = keys.iter().filter(|key| loaded(key) && key.name != arbiter.name);
        let others = others.filter(|key| !key.primary || skip.by_primary).cloned().collect();
        let arbiter = keys.iter().find(|key| key.name == arbiter.name)?.clone();
        let plain = spi::rows(PLAIN, &[(&name).into()], |row| (row.get("name"), row.get("collates")));
        let closed = spi::value(CLOSED, &[(&name).into()]);
        let own = counts::own_rows(&spec.schema, &spec.target)?;
        let columns = spec.columns.iter().map(|c| c.target.as_str());
        let fetched = if closed.is_none() { fetched::copy("there", &name, &own, columns) } else { None };
        let table = fetched.clone().unwrap_or(own);
        Some(Comparison { spec, stage, table, fetched, skip, arbiter, others, plain, closed })
    }

    /// Compares with the rows that the table holds, before any comes.
    pub fn with_table(&self) -> Result<Found, Error> {
        if self.closed.is_some() {
            return Ok(Found::default());
        }
        let from =
            format!("{} AS s JOIN {} AS t ON {}", self.stage, self.table, equal(&self.arbiter, "s", "t"));
        let place = format!("in {}", qualified(&self.spec.schema, &self.spec.target));
        self.compare(&Pairs { from, place, there: "the table" })
    }

    /// Compares rows of the load with the first that has their key.
    pub fn within_file(&self) -> Result<Found, Error> {
        let present: Vec<String> = (self.arbiter.parts.iter())
            .filter(|_| !self.arbiter.nulls_alike)
            .map(|part| format!(" AND r.{} IS NOT NULL", part.sql))
            .collect();
        let by: Vec<String> =
            self.arbiter.parts.iter().map(|p| format!("(r.{}){}{}", p.sql, p.cast, p.collate)).collect();
        let from = format!(
            "(SELECT r.ctid AS at, pg_catalog.first_value(r.ctid) OVER (PARTITION BY {by} ORDER BY r.ctid) AS first
              FROM {stage} AS r WHERE true{present}) AS d
             JOIN {stage} AS s ON s.ctid OPERATOR(pg_catalog.=) d.at AND d.at OPERATOR(pg_catalog.<>) d.first
             JOIN {stage} AS t ON t.ctid OPERATOR(pg_catalog.=) d.first",
            by = by.join(", "),
            stage = self.stage,
            present = present.concat(),
        );
        self.compare(&Pairs { from, place: "in the file".into(), there: "an earlier row" })
    }

    /// Says that nothing was compared, where rows were skipped.
    pub fn unseen(&self) -> Option<Finding> {
        let why = self.closed.as_ref()?;
        let message = format!("skipped rows were not compared with the existing rows of the same key: {why}");
        Some(Kind::SkippedRows.warning(&self.spec.source, message))
    }

    /// Gives up what was fetched.
    pub fn end(&self) {
        if let Some(fetched) = &self.fetched {
            spi::execute(&format!("DROP TABLE {fetched}"));
        }
    }

    /// One pass counts; what a message shows is looked up by another.
    fn compare(&self, pairs: &Pairs) -> Result<Found, Error> {
        let settings = LocalSettings::safe_search_path();
        settings.set("row_security", "off");
        let _printing = LocalSettings::printing(Reads::Everything);
        let from = self.from(pairs);
        let differs: Vec<String> = (0..self.others.len()).map(|i| self.other_differs(i)).collect();
        let unlike = self.columns_differ().join(" OR ");
        let counted: Vec<String> = (differs.iter().chain([&unlike]))
            .map(|condition| format!("pg_catalog.count(*) FILTER (WHERE {condition})"))
            .collect();
        let sql =
            format!("SELECT pg_catalog.count(*) AS met, ARRAY[{}] AS counts FROM {from}", counted.join(", "));
        let counted = spi::row(&sql, &[], |row| (row.get("met"), row.get("counts")));
        let (met, counts): (u64, Vec<u64>) = counted.unwrap_or_default();
        let broken = self.others.iter().zip(&differs).zip(&counts).find(|(_, count)| **count > 0);
        if let Some(((key, differs), count)) = broken {
            return Err(self.other_rows(pairs, &from, key, differs, *count));
        }
        let count = counts.last().copied().unwrap_or(0);
        let findings = (count > 0).then(|| self.unlike(pairs, &from, &unlike, count)).into_iter().collect();
        Ok(Found { met, findings })
    }

    /// The pairs, with every part of every other key on both sides: `ks1.p0` is the first of the second key.
    fn from(&self, pairs: &Pairs) -> String {
        let mut from = pairs.from.clone();
        for (i, key) in self.others.iter().enumerate() {
            let parts = key.parts.iter().enumerate().map(|(n, part)| format!("{} AS p{n}", part.sql));
            let condition = format!("{} AS holds", key.condition.as_deref().unwrap_or("true"));
            let parts = parts.chain([condition]).collect::<Vec<_>>().join(", ");
            for side in ["s", "t"] {
                from += &format!(
                    " CROSS JOIN LATERAL (SELECT {parts} FROM (SELECT {side}.*) AS r) AS k{side}{i}"
                );
            }
        }
        from
    }

    /// Both rows are in the other key's index, at different places.
    fn other_differs(&self, i: usize) -> String {
        let Some(key) = self.others.get(i) else { return "false".into() };
        let parts = || key.parts.iter().enumerate();
        let same = parts().map(|(n, part)| {
            let Part { cast, operator, collate, .. } = part;
            let equal = format!("(ks{i}.p{n}){cast}{collate} {operator} (kt{i}.p{n}){cast}");
            if key.nulls_alike {
                alike(&equal, &format!("ks{i}.p{n}"), &format!("kt{i}.p{n}"))
            } else {
                equal
            }
        });
        let same = same.collect::<Vec<_>>().join(" AND ");
        let full = parts().filter(|_| !key.nulls_alike);
        let full = full.map(|(n, _)| format!(" AND ks{i}.p{n} IS NOT NULL AND kt{i}.p{n} IS NOT NULL"));
        format!("(ks{i}.holds AND kt{i}.holds{} AND NOT ({same}))", full.collect::<String>())
    }

    /// For each loaded column whether it differs.
    fn columns_differ(&self) -> Vec<String> {
        let differs = |name: &String| {
            let (s, t) = (format!("s.{}", ident(name)), format!("t.{}", ident(name)));
            match self.plain.iter().find(|(plain, _)| plain == name) {
                Some((_, true)) => format!("{s} COLLATE pg_catalog.\"C\" IS DISTINCT FROM {t}"),
                Some((_, false)) => format!("{s} IS DISTINCT FROM {t}"),
                None => format!("NOT pg_catalog.record_image_eq(ROW({s}), ROW({t}))"),
            }
        };
        self.spec.columns.iter().map(|c| differs(&c.target)).collect()
    }

    fn other_rows(&self, pairs: &Pairs, from: &str, key: &Key, differs: &str, count: u64) -> Error {
        let i = self.others.iter().position(|k| k.name == key.name).unwrap_or(0);
        let of = |side: &str| {
            let parts: Vec<String> = (0..key.parts.len()).map(|n| format!("k{side}{i}.p{n}")).collect();
            shown(&parts)
        };
        let named: Vec<&str> = key.parts.iter().map(|p| p.sql.as_str()).collect();
        let [id, came, there] = self.first(from, differs, [self.key_shown(), of("s"), of("t")]);
        let example = format!(
            "({keys}) = {id} has ({named}) = {came} in the file and {there} in {other}",
            keys = ident_list(self.arbiter.columns.iter()),
            named = named.join(", "),
            other = pairs.there,
        );
        Error::OtherRows(Box::new(OtherRows {
            source: self.spec.source.clone(),
            place: pairs.place.clone(),
            count,
            example,
            hint: self.hint(pairs, from, key, differs),
        }))
    }

    /// What can be done, as far as it is known to work.
    fn hint(&self, pairs: &Pairs, from: &str, key: &Key, differs: &str) -> String {
        let path = |name: &str| path::of_table(&self.spec.source, name);
        let mut ways = vec![];
        if pairs.there == "the table" {
            if !key.primary && !self.taken(from, differs) {
                ways.push(format!(
                    "{} to \"update\" to give such rows the file's values",
                    path("on_conflict")
                ));
            }
            let truncate = self.skip.truncate.iter();
            ways.extend(truncate.map(|key| format!("{key} to \"truncate\" to have the file's rows alone")));
        }
        ways.push(format!("{} to leave such rows of the file out", path("where")));
        format!("Correct the rows, or set {}.", ways.join(", or "))
    }

    /// A third row of the table has what such a row would be given.
    fn taken(&self, from: &str, differs: &str) -> bool {
        let taken = (self.others.iter().enumerate()).map(|(i, key)| {
            let parts = key.parts.iter().enumerate();
            let same = parts.map(|(n, part)| {
                let Part { sql, cast, operator, collate } = part;
                format!("(ks{i}.p{n}){cast}{collate} {operator} (SELECT {sql} FROM (SELECT o.*) AS r){cast}")
            });
            let same = same.collect::<Vec<_>>().join(" AND ");
            let itself = equal(&self.arbiter, "s", "o");
            format!("EXISTS (SELECT FROM {} AS o WHERE {same} AND NOT ({itself}))", self.table)
        });
        let taken = taken.collect::<Vec<_>>().join(" OR ");
        spi::any(&format!("SELECT FROM {from} WHERE {differs} AND ({taken}) LIMIT 1"), &[])
    }

    fn unlike(&self, pairs: &Pairs, from: &str, unlike: &str, count: u64) -> Finding {
        let flags: Vec<bool> = self.first_row(from, unlike, &self.columns_differ()).unwrap_or_default();
        let columns = self.spec.columns.iter().zip(&flags).filter(|(_, differs)| **differs);
        let columns: Vec<&str> = columns.map(|(c, _)| c.target.as_str()).collect();
        let of = |side: &str| {
            let list: Vec<String> = columns.iter().map(|c| format!("{side}.{}", ident(c))).collect();
            shown(&list)
        };
        let [id, came, there] = self.first(from, unlike, [self.key_shown(), of("s"), of("t")]);
        let rows = if count == 1 { "1 row is skipped and differs" } else { "rows are skipped and differ" };
        let rows = if count == 1 { rows.to_string() } else { format!("{count} {rows}") };
        let message = format!(
            "{rows} from the row with the same key {place}: ({keys}) = {id} has ({columns}) = {came} in the \
             file and {there} in {other}",
            place = pairs.place,
            keys = ident_list(self.arbiter.columns.iter()),
            columns = ident_list(columns.iter()),
            other = pairs.there,
        );
        let finding = Kind::SkippedRows.warning(&self.spec.source, message);
        let fix = Fix::of_table(&self.spec.source, "on_conflict", "update");
        match pairs.there {
            "the table" => finding.fix(fix, " to take the file's values"),
            _ => finding,
        }
    }

    fn key_shown(&self) -> String {
        let parts: Vec<String> = self.arbiter.parts.iter().map(|p| format!("s.{}", p.sql)).collect();
        shown(&parts)
    }

    /// Expressions over the first pair, in the file's order.
    fn first<const N: usize>(&self, from: &str, condition: &str, expressions: [String; N]) -> [String; N] {
        let texts: Vec<String> = self.first_row(from, condition, &expressions).unwrap_or_default();
        let mut texts = texts.into_iter();
        std::array::from_fn(|_| texts.next().unwrap_or_default())
    }

    fn first_row<T: Column>(&self, from: &str, condition: &str, expressions: &[String]) -> Option<T> {
        let list = expressions.join(", ");
        let sql = format!("SELECT ARRAY[{list}] FROM {from} WHERE {condition} ORDER BY s.ctid LIMIT 1");
        spi::value(&sql, &[])
    }
}

fn key(row: &Row<'_>) -> Key {
    let Json(parts) = row.get("parts");
    Key {
        name: row.get("name"),
        primary: row.get("primary"),
        nulls_alike: row.get("nulls_alike"),
        condition: row.get("condition"),
        parts,
        columns: row.get("columns"),
    }
}

/// The rows of two relations have one key, whose parts are columns.
fn equal(key: &Key, left: &str, right: &str) -> String {
    let parts = key.parts.iter().map(|Part { sql, cast, operator, collate }| {
        let (l, r) = (format!("{left}.{sql}"), format!("{right}.{sql}"));
        let equal = format!("({l}){cast}{collate} {operator} ({r}){cast}");
        if key.nulls_alike { alike(&equal, &l, &r) } else { equal }
    });
    parts.collect::<Vec<_>>().join(" AND ")
}

fn alike(equal: &str, left: &str, right: &str) -> String {
    format!("(({equal}) IS TRUE OR ({left} IS NULL AND {right} IS NULL))")
}

/// Values as a row, shortened.
fn shown(values: &[String]) -> String {
    format!("pg_catalog.\"left\"(ROW({})::pg_catalog.text, {SHOWN})", values.join(", "))
}
