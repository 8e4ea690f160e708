//! Staged rows get the keys that they have in their table: references follow the rows that they refer to, rows that are
//! matched take over the existing row's keys, and new rows whose key another row has get a new one.
//!
//! All of it is done by SQL over temporary tables: nothing is held in memory. Assumes that the table is locked.

mod followed;
mod matched;

use pgrx::pg_sys;

use self::followed::Followed;
use self::matched::Matched;

use super::Place;
use super::key_maps::{KeyMap, NotLoaded};
use super::staged::{self, Extra};
use super::unique_key::{self, Key, equal, shown};
use crate::error::{Error, KeyFault};
use crate::pg::settings::{LocalSettings, Reads};
use crate::pg::{latest, relation, spi};
use pg_sqlite_migrate_core::finding::counted;
use pg_sqlite_migrate_core::path;
use pg_sqlite_migrate_core::plan::{LoadSpec, OrphanSpec, Reference};
use pg_sqlite_migrate_core::sqltext::{ident, ident_list, qualified};

/// What a load has to renumber.
pub struct Renumbering<'a> {
    spec: &'a LoadSpec,
    /// References to other tables, with the keys of their rows.
    followed: Vec<(&'a Reference, &'a KeyMap)>,
    /// References to rows of the load itself.
    own: Vec<&'a Reference>,
    matched: Option<Matched<'a>>,
    /// Names of the columns that the staging table has besides the table's.
    hidden: Hidden,
}

/// Column names that the table does not have.
struct Hidden {
    /// The file's value of each of the columns that may get another one.
    file: Vec<String>,
    /// Whether a reference was changed.
    changed: Vec<String>,
    found: String,
}

/// The rows with their keys.
pub struct Renumbered {
    pub stage: String,
    pub map: Option<KeyMap>,
    pub notes: Vec<String>,
}

impl<'a> Renumbering<'a> {
    /// `None` where all rows keep their keys and references.
    pub fn of(spec: &'a LoadSpec, place: Place<'a>) -> Result<Option<Renumbering<'a>>, Error> {
        if spec.renumbering.matched.is_none() && !follows(spec, place) {
            return Ok(None);
        }
        let _path = LocalSettings::safe_search_path();
        let (mut followed, mut own) = (vec![], vec![]);
        for reference in &spec.renumbering.references {
            match place.maps.of(reference.parent) {
                _ if reference.parent == spec.id => own.push(reference),
                Ok(Some(map)) => followed.push((reference, map)),
                Ok(None) => {}
                Err(NotLoaded) => return Err(parent_missing(spec, reference)),
            }
        }
        let matched = Matched::of(spec)?;
        let hidden = Hidden::new(spec, followed.len());
        Ok(Some(Renumbering { spec, followed, own, matched, hidden }))
    }

    /// The searches for rows without a parent that look among the file's keys, with what holds these.
    pub fn asked<'s>(&'s self, stage: &'s str) -> impl Iterator<Item = (&'a OrphanSpec, &'s str)> {
        let followed = self.followed.iter().map(|(reference, map)| (&reference.spec, map.relation.as_str()));
        followed.chain(self.own.iter().map(move |reference| (&reference.spec, stage)))
    }

    /// Moves the rows of a staging table, which is given up, to one in which they have their keys.
    pub fn run(&self, stage: &str, target: pg_sys::Oid) -> Result<Renumbered, Error> {
        let settings = LocalSettings::safe_search_path();
        settings.set("row_security", "off");
        for followed in self.followed(stage) {
            self.check_followed(&followed, stage)?;
        }
        self.check_agreement(stage)?;
        let (renumbered, _) = staged::create_stage(self.spec, target, &self.extra());
        let rows: u64 = spi::value(&format!("SELECT pg_catalog.count(*) FROM {stage}"), &[]).unwrap_or(0);
        let copied = latest::execute(&self.copy(stage, &renumbered));
        if copied != rows {
            let (table, rows_source, rows_target) = (self.spec.source.clone(), rows as i64, copied as i64);
            return Err(Error::Counts { table, rows_source, rows_target, rejected: 0 });
        }
        spi::execute(&format!("DROP TABLE {stage}"));
        let mut notes = vec![];
        if let Some(matched) = &self.matched {
            self.check_matched(matched, &renumbered)?;
            for key in matched.others {
                notes.extend(self.number(matched, key, &renumbered)?);
            }
        }
        let map = self.map(&renumbered, target)?;
        notes.splice(0..0, self.count(&renumbered));
        for (reference, map) in self.own.iter().zip(map.iter().cycle()) {
            let rows = self.follow_own(reference, map, &renumbered)?;
            notes.extend(followed_note(&reference.spec, rows));
        }
        Ok(Renumbered { stage: renumbered, map, notes })
    }

    fn columns(&self) -> &'a [String] {
        &self.spec.renumbering.columns
    }

    fn pg_type(&self, column: &str) -> String {
        let of_column = self.spec.columns.iter().find(|c| c.target == column);
        of_column.map(|c| c.pg_type.to_string()).unwrap_or_default()
    }

    fn extra(&self) -> Vec<Extra> {
        let file = self.columns().iter().zip(&self.hidden.file);
        let file = file.map(|(column, name)| Extra { name: name.clone(), pg_type: self.pg_type(column) });
        let flags = self.hidden.changed.iter().chain([&self.hidden.found]);
        let flags = flags.map(|name| Extra { name: name.clone(), pg_type: "pg_catalog.bool".into() });
        file.chain(flags).collect()
    }

    /// The references to other tables, of the rows of a staging table.
    fn followed<'s>(&'s self, stage: &'s str) -> impl Iterator<Item = Followed<'s>> {
        self.followed.iter().map(move |(reference, map)| Followed::new(reference, map, stage))
    }

    /// FROM of the staged rows `c`, each with what its references become: `m0.v0` is the first column of the first one, and
    /// `m0.changed` is NULL where it refers to no row.
    fn from(&self, stage: &str) -> String {
        let mut from = format!("{stage} AS c");
        for (i, ((reference, _), followed)) in self.followed.iter().zip(self.followed(stage)).enumerate() {
            let now: Vec<String> = followed.new_values().collect();
            let values = now.iter().enumerate().map(|(n, value)| format!("{value} AS v{n}"));
            let before = reference.spec.parent_columns.iter().map(|name| format!("p.{}", ident(name)));
            from += &format!(
                " LEFT JOIN LATERAL (SELECT {}, {} AS changed FROM {} AS p WHERE {}) AS m{i} ON true",
                values.collect::<Vec<_>>().join(", "),
                differ(&before.collect::<Vec<_>>(), &now),
                followed.parents(),
                followed.same()
            );
        }
        from
    }

    /// What a column of a staged row becomes by each of the references that it is part of, as SQL: whether the reference
    /// refers to a row, and the value.
    fn follows(&self, column: &str) -> Vec<(String, String)> {
        let references = self.followed.iter().enumerate().flat_map(|(i, (reference, _))| {
            let at = reference.spec.columns.iter().position(|name| name == column);
            let value = |n: usize| format!("m{i}.v{n}::{}", self.pg_type(column));
            at.map(|n| (format!("m{i}.changed IS NOT NULL"), value(n)))
        });
        references.collect()
    }

    /// Two references that share a column must lead to one value.
    fn check_agreement(&self, stage: &str) -> Result<(), Error> {
        for column in &self.spec.columns {
            let follows = self.follows(&column.target);
            let pairs = follows.iter().enumerate().flat_map(|(i, (found, a))| {
                follows.iter().skip(i + 1).map(move |(other_found, b)| {
                    let differ = differ(std::slice::from_ref(a), std::slice::from_ref(b));
                    format!("({found} AND {other_found} AND {differ})")
                })
            });
            let pairs = pairs.collect::<Vec<_>>().join(" OR ");
            if pairs.is_empty() {
                continue;
            }
            let from = self.from(stage);
            let count: u64 =
                spi::value(&format!("SELECT pg_catalog.count(*) FROM {from} WHERE {pairs}"), &[])
                    .unwrap_or(0);
            if count > 0 {
                let detail = format!(
                    "In {} two references that share column \"{}\" give it different values.",
                    counted(count, "row", "rows"),
                    column.target
                );
                return Err(Error::References(Box::new(KeyFault {
                    source: self.spec.source.clone(),
                    detail,
                    hint: format!("Correct the rows, or set {} to leave them out.", self.path("where")),
                    refused: false,
                })));
            }
        }
        Ok(())
    }

    /// The statement that copies the staged rows with what follows from maps and matches.
    fn copy(&self, stage: &str, renumbered: &str) -> String {
        let column = |name: &String| {
            let column = ident(name);
            let follows = self.follows(name);
            let followed = match follows.is_empty() {
                true => format!("c.{column}"),
                false => {
                    let cases = follows.iter().map(|(found, value)| format!("WHEN {found} THEN {value}"));
                    format!("CASE {} ELSE c.{column} END", cases.collect::<Vec<_>>().join(" "))
                }
            };
            format!("{followed} AS {column}")
        };
        let names: Vec<&String> = self.spec.columns.iter().map(|c| &c.target).collect();
        let followed: Vec<String> = names.iter().map(|name| column(name)).collect();
        let taken_over = |name: &&String| match self.matched.is_some() && self.columns().contains(name) {
            true => format!("CASE WHEN t.tableoid IS NULL THEN r.{0} ELSE t.{0} END", ident(name)),
            false => format!("r.{}", ident(name)),
        };
        let mut values: Vec<String> = names.iter().map(taken_over).collect();
        values.extend(self.columns().iter().map(|name| format!("c.{}", ident(name))));
        values.extend((0..self.followed.len()).map(|i| format!("COALESCE(m{i}.changed, false)")));
        let (found, join) = match &self.matched {
            Some(matched) => (
                "t.tableoid IS NOT NULL",
                format!(" LEFT JOIN {} AS t ON {}", matched.table, equal(&matched.arbiter, "r", "t")),
            ),
            None => ("false", String::new()),
        };
        values.push(found.into());
        format!(
            "INSERT INTO {renumbered} SELECT {} FROM {} CROSS JOIN LATERAL (SELECT {}) AS r{join} ORDER BY c.ctid",
            values.join(", "),
            self.from(stage),
            followed.join(", ")
        )
    }

    /// The keys of the file and of the table, for the rows that refer to them.
    fn map(&self, stage: &str, target: pg_sys::Oid) -> Result<Option<KeyMap>, Error> {
        if self.spec.renumbering.referenced.is_empty() {
            return Ok(None);
        }
        let columns: Vec<(String, String)> =
            self.columns().iter().cloned().zip(self.hidden.file.clone()).collect();
        let name = relation::free_temporary_name(&format!("sqlite_migrate_keys_of_{}", target.to_u32()));
        // What the stage has as the file's value has the target's name here, and the other way round.
        let list = columns.iter().flat_map(|(column, file)| {
            let (column, file) = (ident(column), ident(file));
            [format!("s.{file} AS {column}"), format!("s.{column} AS {file}")]
        });
        let list = list.collect::<Vec<_>>().join(", ");
        spi::execute(&format!(
            "CREATE TEMPORARY TABLE {} USING heap ON COMMIT DROP AS SELECT DISTINCT {list} FROM {stage} AS s",
            ident(&name)
        ));
        let map = KeyMap { relation: qualified("pg_temp", &name), columns };
        let keys = unique_key::of(&qualified(&self.spec.schema, &self.spec.target));
        for referenced in &self.spec.renumbering.referenced {
            let is = |key: &&Key| {
                let mut columns = key.columns.clone();
                columns.sort();
                columns == *referenced && key.condition.is_none()
            };
            if let Some(key) = keys.iter().find(is) {
                self.check_map(&map, key)?;
            }
        }
        Ok(Some(map))
    }

    /// A key of the file means one row.
    fn check_map(&self, map: &KeyMap, key: &Key) -> Result<(), Error> {
        let pairs = pairs(key, &map.relation);
        let count: u64 = spi::value(&format!("SELECT pg_catalog.count(*) FROM {pairs}"), &[]).unwrap_or(0);
        if count == 0 {
            return Ok(());
        }
        let columns: Vec<String> = key.parts.iter().map(|part| part.sql.clone()).collect();
        let first = shown(&key.parts.iter().map(|p| format!("s.{}", p.sql)).collect::<Vec<_>>());
        let _printing = LocalSettings::printing(Reads::Everything);
        let first: Option<String> =
            spi::value(&format!("SELECT {first} FROM {pairs} ORDER BY s.ctid LIMIT 1"), &[]);
        Err(Error::Unmatched(Box::new(KeyFault {
            source: self.spec.source.clone(),
            detail: format!(
                "Two different rows have the key ({}) = {} once it is converted, and other rows refer to it.",
                columns.join(", "),
                first.unwrap_or_default()
            ),
            hint: format!("Correct the rows, or set {} to leave one of them out.", self.path("where")),
            refused: false,
        })))
    }

    /// References to rows of the load itself, which have their keys by now; how many are others.
    fn follow_own(&self, reference: &Reference, map: &KeyMap, stage: &str) -> Result<u64, Error> {
        let spec = &reference.spec;
        let followed = Followed::new(reference, map, stage);
        // Columns that are part of the table's key as well have been changed, and have the file's value beside them.
        let file = |name: &String| {
            let hidden = self.columns().iter().zip(&self.hidden.file).find(|(column, _)| *column == name);
            format!("k.{} AS {}", ident(hidden.map_or(name, |(_, file)| file)), ident(name))
        };
        let columns = spec.columns.iter().map(file).collect::<Vec<_>>().join(", ");
        // No column of a table has the name of a system column.
        let children = format!("(SELECT k.ctid AS ctid, {columns} FROM {stage} AS k)");
        let pairs = || {
            let pairs = spec.columns.iter().zip(followed.new_values());
            pairs.filter(|(column, _)| !self.columns().contains(column))
        };
        if pairs().count() == 0 {
            return Ok(0);
        }
        self.check_followed(&followed, &children)?;
        let values = pairs().enumerate().map(|(n, (_, value))| format!("{value} AS v{n}"));
        let set = pairs()
            .enumerate()
            .map(|(n, (column, _))| format!("{} = m.v{n}::{}", ident(column), self.pg_type(column)));
        let now: Vec<String> =
            pairs().enumerate().map(|(n, (column, _))| format!("m.v{n}::{}", self.pg_type(column))).collect();
        let before: Vec<String> = pairs().map(|(column, _)| format!("u.{}", ident(column))).collect();
        Ok(spi::execute(&format!(
            "UPDATE {stage} AS u SET {} FROM (
                 SELECT c.ctid AS at, {} FROM {children} AS c JOIN {} AS p ON {}) AS m
             WHERE u.ctid = m.at AND {}",
            set.collect::<Vec<_>>().join(", "),
            values.collect::<Vec<_>>().join(", "),
            followed.parents(),
            followed.same(),
            differ(&before, &now)
        )))
    }

    /// How many rows were matched, and how many references are others.
    fn count(&self, stage: &str) -> Vec<String> {
        let found = format!("s.{}", ident(&self.hidden.found));
        let file: Vec<String> = self.hidden.file.iter().map(|name| format!("s.{}", ident(name))).collect();
        let now: Vec<String> = self.columns().iter().map(|name| format!("s.{}", ident(name))).collect();
        let renumbered = if file.is_empty() { "false".into() } else { differ(&file, &now) };
        let mut conditions = vec![found.clone(), format!("{found} AND {renumbered}")];
        conditions.extend(self.hidden.changed.iter().map(|name| format!("s.{}", ident(name))));
        let pairs = file.iter().zip(&now);
        conditions
            .extend(pairs.map(|(file, now)| format!("{found} AND {now} IS NULL AND {file} IS NOT NULL")));
        let counts = conditions.iter().map(|c| format!("pg_catalog.count(*) FILTER (WHERE {c})"));
        let counts = counts.collect::<Vec<_>>().join(", ");
        let counts: Vec<u64> =
            spi::value(&format!("SELECT ARRAY[{counts}] FROM {stage} AS s"), &[]).unwrap_or_default();
        let mut counts = counts.into_iter();
        let (rows, others) = (counts.next().unwrap_or(0), counts.next().unwrap_or(0));
        let by = self.matched.as_ref().map(|matched| {
            let key =
                matched.arbiter.parts.iter().map(|part| part.sql.as_str()).collect::<Vec<_>>().join(", ");
            format!(
                "{} matched by ({key}), {others} of them under another key",
                counted(rows, "row was", "rows were")
            )
        });
        let followed = self.followed.iter().zip(counts.by_ref());
        let followed = followed.filter_map(|((reference, _), rows)| followed_note(&reference.spec, rows));
        let mut notes: Vec<String> = by.into_iter().chain(followed).collect();
        let kept = self.columns().iter().zip(counts).filter(|(_, rows)| *rows > 0);
        notes.extend(kept.map(|(column, rows)| {
            let rows = counted(rows, "matched row keeps", "matched rows keep");
            format!("{rows} NULL in {}, where the file has a value", ident(column))
        }));
        notes
    }

    fn path(&self, key: &str) -> String {
        path::of_table(&self.spec.source, key)
    }
}

impl Hidden {
    fn new(spec: &LoadSpec, followed: usize) -> Hidden {
        let mut taken: Vec<String> = spec.columns.iter().map(|c| c.target.clone()).collect();
        let mut free = |base: &str| {
            let mut name = base.to_owned();
            while taken.contains(&name) {
                name.push('_');
            }
            taken.push(name.clone());
            name
        };
        Hidden {
            file: (0..spec.renumbering.columns.len()).map(|n| free(&format!("file_{n}"))).collect(),
            changed: (0..followed).map(|n| free(&format!("changed_{n}"))).collect(),
            found: free("found"),
        }
    }
}

/// Rows of another table that is referred to have other keys, or nobody knows whether they have.
pub fn follows(spec: &LoadSpec, place: Place<'_>) -> bool {
    let others = spec.renumbering.references.iter().filter(|reference| reference.parent != spec.id);
    others.into_iter().any(|reference| place.maps.of(reference.parent) != Ok(None))
}

/// Pairs of rows with one key: `s`, and the first row with its key `t`.
fn pairs(key: &Key, relation: &str) -> String {
    let (by, present) = (key.apart("r"), key.present("r"));
    format!(
        "(SELECT r.ctid AS at, pg_catalog.first_value(r.ctid) OVER (PARTITION BY {by} ORDER BY r.ctid) AS first
          FROM {relation} AS r WHERE true{present}) AS d
         JOIN {relation} AS s ON s.ctid OPERATOR(pg_catalog.=) d.at AND d.at OPERATOR(pg_catalog.<>) d.first
         JOIN {relation} AS t ON t.ctid OPERATOR(pg_catalog.=) d.first"
    )
}

/// The condition that values are not the same, whatever their types are.
fn differ(left: &[String], right: &[String]) -> String {
    format!("NOT pg_catalog.record_image_eq(ROW({}), ROW({}))", left.join(", "), right.join(", "))
}

fn followed_note(spec: &OrphanSpec, rows: u64) -> Option<String> {
    let rows = (rows > 0).then(|| counted(rows, "reference", "references"))?;
    Some(format!(
        "{rows} of ({}) to {} changed with the keys of its rows",
        ident_list(spec.columns.iter()),
        spec.parent
    ))
}

fn parent_missing(spec: &LoadSpec, reference: &Reference) -> Error {
    Error::References(Box::new(KeyFault {
        source: spec.source.clone(),
        detail: format!(
            "Table \"{}\" was not loaded, so that it is not known which of its rows are meant.",
            reference.spec.parent
        ),
        hint: "Load it in the same import.".into(),
        refused: true,
    }))
}
