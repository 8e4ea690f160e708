//! Loaded rows that are skipped because their key is there: each has to be the row that is there.
//!
//! Both sides have the table's types: the loaded rows lie on the stage. Keys are compared by the operators, collations,
//! expressions and conditions of their own unique indexes; other columns as PostgreSQL's own types compare, or by their
//! stored images, which every type has.
//! A key that has a NULL in it tells no rows apart.

use super::fetched;
use super::unique_key::{self, Key, Part, alike, equal, shown};
use crate::error::{Error, OtherRows};
use crate::pg::settings::{LocalSettings, Reads};
use crate::pg::spi::{self, Column};
use crate::verify::counts;
use pg_sqlite_migrate_core::finding::{Finding, Fix, Kind};
use pg_sqlite_migrate_core::path;
use pg_sqlite_migrate_core::plan::{ByOther, Conflict, LoadSpec, Skip};
use pg_sqlite_migrate_core::sqltext::{ident, ident_list, qualified};

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

/// Why the caller cannot compare rows of a table, which SQL names so.
pub fn closed(table: &str) -> Option<String> {
    spi::value(CLOSED, &[table.into()])
}

impl<'a> Comparison<'a> {
    /// `None` where no row is skipped, or none can be told from another.
    pub fn new(spec: &'a LoadSpec, conflict: &'a Conflict, stage: &'a str) -> Option<Comparison<'a>> {
        let (skip, arbiter) = (conflict.skip.as_ref()?, &conflict.arbiter);
        let _path = LocalSettings::safe_search_path();
        let name = qualified(&spec.schema, &spec.target);
        let keys = unique_key::of(&name);
        let loaded = |key: &Key| key.columns.iter().all(|c| spec.columns.iter().any(|l| l.target == *c));
        let others = keys.iter().filter(|key| loaded(key) && key.name != arbiter.name);
        let others = others.filter(|key| !key.primary || skip.by_primary).cloned().collect();
        let arbiter = keys.iter().find(|key| key.name == arbiter.name)?.clone();
        let plain = spi::rows(PLAIN, &[(&name).into()], |row| (row.get("name"), row.get("collates")));
        let closed = closed(&name);
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
        let (by, present) = (self.arbiter.apart("r"), self.arbiter.present("r"));
        let from = format!(
            "(SELECT r.ctid AS at, pg_catalog.first_value(r.ctid) OVER (PARTITION BY {by} ORDER BY r.ctid) AS first
              FROM {stage} AS r WHERE true{present}) AS d
             JOIN {stage} AS s ON s.ctid OPERATOR(pg_catalog.=) d.at AND d.at OPERATOR(pg_catalog.<>) d.first
             JOIN {stage} AS t ON t.ctid OPERATOR(pg_catalog.=) d.first",
            stage = self.stage,
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
        let (mut ways, mut pasted) = (vec![], String::new());
        if pairs.there == "the table" {
            if !key.primary && !self.taken(from, differs) {
                ways.push(format!(
                    "{} to \"update\" to give such rows the file's values",
                    path("on_conflict")
                ));
            }
            let by_other = self.skip.by_other.iter().filter(|by| self.can_match(by));
            pasted = by_other.clone().map(|by| format!(" {}", by.fix.pasted())).collect();
            let matched = "to match rows by another unique key, which the references to them follow";
            ways.extend(by_other.map(|by| format!("{} {matched}", by.fix)));
            let truncate = self.skip.truncate.iter();
            ways.extend(truncate.map(|fix| format!("{fix} to have the file's rows alone")));
        }
        ways.push(format!("{} to leave such rows of the file out", path("where")));
        format!("Correct the rows, or set {}.{pasted}", ways.join(", or "))
    }

    /// Rows could be matched by the other key, as far as can be seen before references follow.
    fn can_match(&self, by: &ByOther) -> bool {
        let keys = || self.others.iter().chain([&self.arbiter]);
        let primary = keys().find(|key| key.primary);
        let Some(other) = keys().find(|key| key.name == by.key).filter(|_| by.plain || by.numbered) else {
            return false;
        };
        let twice = format!(
            "SELECT FROM {} AS r WHERE true{} GROUP BY {} HAVING pg_catalog.count(*) > 1 LIMIT 1",
            self.stage,
            other.present("r"),
            other.apart("r")
        );
        let taken = |primary: &Key| {
            let exists = |key: &Key| {
                format!("EXISTS (SELECT FROM {} AS t WHERE {})", self.table, equal(key, "s", "t"))
            };
            let sql = format!(
                "SELECT FROM {} AS s WHERE NOT {} AND {} LIMIT 1",
                self.stage,
                exists(other),
                exists(primary)
            );
            spi::any(&sql, &[])
        };
        (!by.plain || !spi::any(&twice, &[])) && (by.numbered || !primary.is_some_and(taken))
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
