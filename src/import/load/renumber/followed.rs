//! References that follow the rows that they refer to: what each of them finds in a key map, and that every one finds a
//! key which its columns can hold.

use std::convert::Infallible;

use super::super::key_maps::KeyMap;
use super::super::unique_key::shown;
use super::Renumbering;
use crate::error::{Error, KeyFault};
use crate::import::orphans::OrphanQuery;
use crate::pg::settings::{LocalSettings, Reads};
use crate::pg::{spi, xact};
use pg_sqlite_migrate_core::finding::counted;
use pg_sqlite_migrate_core::path;
use pg_sqlite_migrate_core::plan::Reference;
use pg_sqlite_migrate_core::sqltext::{ident, qualified};

/// The types of the columns `$2` of `$1` and of those of `$3` that go into them, `$4`, in order.
const TYPES: &str = "
    SELECT format_type(c.atttypid, c.atttypmod) AS child, format_type(p.atttypid, p.atttypmod) AS parent
    FROM ROWS FROM (unnest($2), unnest($4)) WITH ORDINALITY AS pair (child, parent, place)
    JOIN pg_attribute c ON c.attrelid = $1::regclass AND c.attname = pair.child
    JOIN pg_attribute p ON p.attrelid = $3::regclass AND p.attname = pair.parent
    ORDER BY pair.place";

/// A reference of staged rows, with the keys of their parents. In its SQL, `c` is a row and `p` its parent's keys.
pub struct Followed<'a> {
    reference: &'a Reference,
    map: &'a KeyMap,
    query: OrphanQuery<'a>,
    stage: &'a str,
}

impl<'a> Followed<'a> {
    pub fn new(reference: &'a Reference, map: &'a KeyMap, stage: &'a str) -> Followed<'a> {
        let query = OrphanQuery::of_file(&reference.spec, stage, &map.relation);
        Followed { reference, map, query, stage }
    }

    /// The keys of the parents, each once, as FROM names them: a parent may have more keys than this reference says, and
    /// several parents the same one.
    pub fn parents(&self) -> String {
        let mut names: Vec<String> = vec![];
        for column in &self.reference.spec.parent_columns {
            for name in [ident(column), self.map.new_value(column)] {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        if names.len() == 2 * self.map.columns.len() {
            return self.map.relation.clone();
        }
        let list: Vec<String> = names.iter().map(|name| format!("k.{name}")).collect();
        format!("(SELECT DISTINCT {} FROM {} AS k)", list.join(", "), self.map.relation)
    }

    /// The condition of a row and its parent.
    pub fn same(&self) -> String {
        self.query.same()
    }

    /// What a row's columns become, in order.
    pub fn new_values(&self) -> impl Iterator<Item = String> {
        let columns = self.reference.spec.parent_columns.iter();
        columns.map(|column| format!("p.{}", self.map.new_value(column)))
    }

    /// For each column, that it cannot hold the new value; none where both have one type.
    fn unfit(&self) -> Vec<String> {
        let (columns, parents) = (&self.reference.spec.columns, &self.reference.spec.parent_columns);
        let parameters = [
            self.stage.into(),
            columns.as_slice().into(),
            self.map.relation.as_str().into(),
            parents.as_slice().into(),
        ];
        let types: Vec<(String, String)> =
            spi::rows(TYPES, &parameters, |row| (row.get("child"), row.get("parent")));
        let pairs = types.iter().zip(self.new_values()).enumerate();
        let pairs = pairs.filter(|(_, ((child, parent), _))| child != parent);
        pairs
            .map(|(n, ((child, _), value))| {
                let same = self.query.compared(n, &value, &format!("{value}::{child}"));
                match range(child) {
                    // A cast would raise an error of its own.
                    Some(range) => {
                        format!("CASE WHEN {value} NOT BETWEEN {range} THEN true ELSE NOT ({same}) END")
                    }
                    None => format!("NOT ({same})"),
                }
            })
            .collect()
    }
}

impl Renumbering<'_> {
    /// Each of the rows `children`, as FROM names them, refers to one row at most, and can take over its key.
    pub(super) fn check_followed(&self, followed: &Followed<'_>, children: &str) -> Result<(), Error> {
        let spec = &followed.reference.spec;
        let (columns, parent) = (spec.columns.join(", "), &spec.parent);
        let from = format!("{children} AS c JOIN {} AS p ON {}", followed.parents(), followed.same());
        let now = shown(&followed.new_values().collect::<Vec<_>>());
        let before: Vec<String> = spec.columns.iter().map(|name| format!("c.{}", ident(name))).collect();
        let before = shown(&before);
        let leave_out = format!("set {} to leave such rows out", self.path("where"));
        let first = |count: u64, condition: &str| -> Result<Option<[String; 2]>, Error> {
            if count == 0 {
                return Ok(None);
            }
            let _printing = LocalSettings::printing(Reads::Everything);
            let sql = format!(
                "SELECT ARRAY[{before}, {now}] FROM {from} WHERE {condition} ORDER BY c.ctid LIMIT 1"
            );
            let values: Vec<String> = spi::value(&sql, &[]).unwrap_or_default();
            let mut values = values.into_iter();
            Ok(Some(std::array::from_fn(|_| values.next().unwrap_or_default())))
        };
        let several = format!("SELECT c.ctid FROM {from} GROUP BY c.ctid HAVING pg_catalog.count(*) > 1");
        let count = count(&format!("({several}) AS d"));
        if let Some([key, _]) = first(count, &format!("c.ctid IN ({several})"))? {
            let detail = format!(
                "{} to several rows of {parent}, whose keys are different ones now, the first of them: ({columns}) = {key}.",
                counted(count, "row refers", "rows refer")
            );
            let hint = format!("Correct the rows of {parent}, or {leave_out}.");
            return Err(self.no_reference(detail, hint));
        }
        let nulls: Vec<String> = followed.new_values().map(|value| format!("{value} IS NULL")).collect();
        let nulls = nulls.join(" OR ");
        let count = self::count(&format!("{from} WHERE {nulls}"));
        if let Some([key, now]) = first(count, &nulls)? {
            let detail = format!(
                "{} to a row of {parent} that is matched with a row which has NULL there, the first of them: ({columns}) = {key} would become {now}.",
                counted(count, "row refers", "rows refer")
            );
            let table = qualified(&spec.parent_schema, parent);
            let hint = format!(
                "Give the rows of {table} values in ({}), or {leave_out}.",
                spec.parent_columns.join(", ")
            );
            return Err(self.no_reference(detail, hint));
        }
        let unfit = followed.unfit();
        if unfit.is_empty() {
            return Ok(());
        }
        let unfit = unfit.join(" OR ");
        let checked = xact::attempt(|| -> Result<_, Infallible> {
            let count = self::count(&format!("{from} WHERE {unfit}"));
            Ok((count, first(count, &unfit)))
        });
        let detail = match checked {
            Ok(Ok((count, found))) => match found? {
                None => return Ok(()),
                Some([key, now]) => format!(
                    "{} to a row of {parent} whose key does not fit ({columns}), the first of them: {key} would become {now}.",
                    counted(count, "row refers", "rows refer")
                ),
            },
            Err(caught) if caught.is_of_value() => {
                format!(
                    "A row refers to a row of {parent} whose key does not fit ({columns}): {}.",
                    caught.message
                )
            }
            Err(caught) => return Err(caught.into()),
        };
        let widen = match self.spec.existing.is_some() {
            true => format!(
                "Change the type of ({columns}) of {} to that of ({}) of {}",
                qualified(&self.spec.schema, &self.spec.target),
                spec.parent_columns.join(", "),
                qualified(&spec.parent_schema, parent)
            ),
            false => format!("Set {}", self.type_paths(&spec.columns)),
        };
        Err(self.no_reference(detail, format!("{widen}, or {leave_out}.")))
    }

    /// Where the plan says the types of a new table's columns.
    fn type_paths(&self, columns: &[String]) -> String {
        let source = |name: &String| {
            let column = self.spec.columns.iter().find(|c| c.target == *name)?;
            Some(path::of_column(&self.spec.source, &column.source, "type"))
        };
        let paths: Vec<String> = columns.iter().filter_map(source).collect();
        format!("{} to the type of the key", paths.join(" and "))
    }

    fn no_reference(&self, detail: String, hint: String) -> Error {
        Error::References(Box::new(KeyFault {
            source: self.spec.source.clone(),
            detail,
            hint,
            refused: false,
        }))
    }
}

fn count(from: &str) -> u64 {
    spi::value(&format!("SELECT pg_catalog.count(*) FROM {from}"), &[]).unwrap_or(0)
}

/// The values of an integer type.
fn range(pg_type: &str) -> Option<&'static str> {
    match pg_type {
        "smallint" => Some("-32768 AND 32767"),
        "integer" => Some("-2147483648 AND 2147483647"),
        "bigint" => Some("-9223372036854775808 AND 9223372036854775807"),
        _ => None,
    }
}
