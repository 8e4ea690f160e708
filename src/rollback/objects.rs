//! The objects that a run made: which of them are there, whether their rows are the run's, and how they are dropped.

use std::convert::Infallible;

use pgrx::{PgSqlErrorCode as Code, pg_sys};

use super::{Against, Done, Run, altered, error, prerequisite};
use crate::error::Error;
use crate::pg::rights::Acting;
use crate::pg::settings::LocalSettings;
use crate::pg::xact::{self, Caught};
use crate::pg::{latest, reading, relation, rights, spi};
use pg_sqlite_migrate_core::finding::counted;
use pg_sqlite_migrate_core::rollback::drop::{self, Kind, Use};
use pg_sqlite_migrate_core::translate::helper::SCHEMA;

/// An object of the log.
pub(super) struct Object {
    /// As it is called now.
    identity: String,
    kind: Option<(usize, &'static Kind)>,
    /// As the log calls its kind.
    kind_name: String,
    ordinal: i32,
    /// Of a table that is there.
    table: Option<pg_sys::Oid>,
    function: Option<pg_sys::Oid>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    There,
    Gone,
    /// Its name is another's, which is not dropped.
    Another,
    /// The log is from another database, and names what is no relation.
    Unknown,
}

/// What the log has of an object.
struct Logged {
    ordinal: i32,
    kind: String,
    identity: String,
    catalog: String,
    oid: pg_sys::Oid,
}

/// The objects of the run as they are now. Its tables are locked.
pub(super) fn found(run: &Run, against: &mut Against) -> Result<Vec<Object>, Error> {
    const OBJECTS: &str = "SELECT ordinal, kind, identity, catalog, object FROM sqlite_migrate.object WHERE run = $1 ORDER BY ordinal";
    let logged = spi::rows(OBJECTS, &[run.id.into()], |row| Logged {
        ordinal: row.get("ordinal"),
        kind: row.get("kind"),
        identity: row.get("identity"),
        catalog: row.get("catalog"),
        oid: row.get("object"),
    });
    logged.into_iter().map(|logged| object(run, logged, against)).collect()
}

fn object(run: &Run, logged: Logged, against: &mut Against) -> Result<Object, Error> {
    let kind = drop::find(&logged.kind);
    let is_relation = logged.catalog == "pg_class";
    let of = |identity: String, state| Object {
        identity,
        kind,
        kind_name: logged.kind.clone(),
        ordinal: logged.ordinal,
        table: None,
        function: (logged.catalog == "pg_proc").then_some(logged.oid),
        state,
    };
    let mut now = identity(run, &logged);
    if is_relation && now.is_some() && kind.is_some_and(|(_, kind)| kind.holds_rows) {
        lock(logged.oid, &logged.identity)?;
        // It may have been dropped or renamed before it was locked.
        now = identity(run, &logged);
    }
    match now {
        Some(now) if now == logged.identity => {
            Ok(Object { table: is_relation.then_some(logged.oid), ..of(now, State::There) })
        }
        Some(now) => {
            against.add(format!("{} {} is called {now} now", logged.kind, logged.identity));
            Ok(Object { table: is_relation.then_some(logged.oid), ..of(now, State::There) })
        }
        None => {
            let other = relation_called(&logged.identity, &logged.kind).filter(|_| is_relation);
            let Some(other) = other else {
                let state = if run.here || is_relation { State::Gone } else { State::Unknown };
                return Ok(of(logged.identity.clone(), state));
            };
            let (kind, name) = (&logged.kind, &logged.identity);
            if run.here {
                against.add(format!("{kind} {name} is another one than the run made"));
                return Ok(of(logged.identity.clone(), State::Another));
            }
            against.add(format!(
                "{kind} {name} cannot be told to be the run's: its log is from another database"
            ));
            if run.force {
                lock(other, &logged.identity)?;
            }
            Ok(Object { table: Some(other), ..of(logged.identity.clone(), State::There) })
        }
    }
}

/// What an object is called now, if it is there and of the kind that the log says.
fn identity(run: &Run, logged: &Logged) -> Option<String> {
    const NOW: &str = "
        SELECT i.identity FROM pg_identify_object(to_regclass('pg_catalog.' || quote_ident($1))::oid, $2, 0) AS i
        WHERE i.type = $3 AND i.identity IS NOT NULL";
    if !run.here {
        return None;
    }
    spi::value(NOW, &[logged.catalog.as_str().into(), logged.oid.into(), logged.kind.as_str().into()])
}

/// A relation of that name and kind.
fn relation_called(identity: &str, kind: &str) -> Option<pg_sys::Oid> {
    const CALLED: &str = "
        SELECT c.oid FROM (SELECT to_regclass($1)::oid) AS c (oid)
        CROSS JOIN LATERAL pg_identify_object('pg_class'::regclass, c.oid, 0) AS i WHERE i.type = $2";
    spi::value(CALLED, &[identity.into(), kind.into()])
}

/// Locks a table against everybody. Whoever drops it owns it.
fn lock(table: pg_sys::Oid, name: &str) -> Result<(), Error> {
    if !rights::owns(table) {
        let message = format!("must be owner of table {name}");
        return Err(error(Code::ERRCODE_INSUFFICIENT_PRIVILEGE, message, None, None));
    }
    relation::lock_exclusively(table);
    Ok(())
}

/// What the run made is as it made it.
pub(super) fn check_definitions(run: &Run, objects: &[Object], against: &mut Against) {
    for object in objects.iter().filter(|object| object.state == State::There) {
        match (object.table, object.function) {
            (Some(relation), _) => {
                altered::of_relation(run, relation, &object.identity)
                    .into_iter()
                    .for_each(|l| against.add(l));
            }
            (None, Some(function)) if altered::is_function(run, function) => {
                against
                    .add(format!("{} {} was replaced or altered since", object.kind_name, object.identity));
            }
            _ => {}
        }
    }
}

/// The tables have only rows that the run wrote, and all of them. A superuser counts those of another role's table as that
/// role: the planner may run code of its owner.
pub(super) fn check_rows(run: &Run, objects: &[Object], against: &mut Against) -> Result<(), Error> {
    for object in objects.iter().filter(|object| object.state == State::There) {
        let holds_rows = object.kind.is_some_and(|(_, kind)| kind.holds_rows);
        let Some(table) = object.table.filter(|_| holds_rows) else { continue };
        if !run.here || run.force {
            continue;
        }
        let rows = match reading::outsider(table) {
            Ok(owner) => {
                let _undone = owner.map(|_| LocalSettings::undoing());
                let _acting = owner.map(Acting::restricted_as);
                counted_rows(run, table)
            }
            Err(reason) => {
                against.add(format!("the rows of {} cannot be counted: {reason}", object.identity));
                continue;
            }
        };
        let Some(rows) = rows else {
            against.add(format!("the rows of {} do not tell who wrote them", object.identity));
            continue;
        };
        let expected = expected_rows(run, table);
        let other = rows.all - rows.own;
        if other > 0 {
            let told =
                counted(other.unsigned_abs(), "row was added or changed", "rows were added or changed");
            against.add(format!("{}: {told} since", object.identity));
        }
        let lost = expected.map_or(0, |expected| expected - rows.own);
        if lost != 0 {
            let told =
                counted(lost.unsigned_abs(), "row was changed or deleted", "rows were changed or deleted");
            against.add(format!("{}: {told} since", object.identity));
        }
    }
    Ok(())
}

/// Rows of a table.
pub(super) struct Rows {
    pub(super) own: i64,
    pub(super) all: i64,
}

/// All rows and those that the run wrote, as they are committed now; `None` where rows do not have an xmin.
pub(super) fn counted_rows(run: &Run, table: pg_sys::Oid) -> Option<Rows> {
    let from = told_by_xmin(table)?;
    let sql = format!(
        "SELECT count(*) FILTER (WHERE {}) AS own, count(*) AS \"all\" FROM {from} AS t",
        run.wrote("t")
    );
    latest::rows(&sql, |row| Rows { own: row.get("own"), all: row.get("all") }).pop()
}

/// A table as FROM names it, if it and its partitions keep their rows in heaps.
pub(super) fn told_by_xmin(table: pg_sys::Oid) -> Option<String> {
    const FROM: &str = "
        SELECT CASE c.relkind WHEN 'r' THEN 'ONLY ' ELSE '' END || format('%I.%I', n.nspname, c.relname)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid = $1 AND c.relkind IN ('r', 'p')
          AND NOT EXISTS (SELECT FROM (SELECT c.oid AS relid UNION SELECT relid FROM pg_partition_tree(c.oid)) AS tree
                          JOIN pg_class p ON p.oid = tree.relid
                          WHERE p.relkind NOT IN ('r', 'p') OR p.relkind = 'r' AND p.relam <> $2)";
    spi::value(FROM, &[table.into(), pg_sys::HEAP_TABLE_AM_OID.into()])
}

/// How many rows the run left in a table that it made, if it loaded it.
fn expected_rows(run: &Run, table: pg_sys::Oid) -> Option<i64> {
    const EXPECTED: &str = "
        SELECT t.imported FROM sqlite_migrate.run_table t
        JOIN pg_class c ON c.relname::text = t.target_table
        JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname::text = t.target_schema
        WHERE t.run = $1 AND c.oid = $2 AND t.status = 'loaded' AND t.countable AND t.existing IS NULL";
    spi::value(EXPECTED, &[run.id.into(), table.into()])
}

/// Objects that one statement drops.
struct Group {
    kind: &'static Kind,
    identities: Vec<String>,
}

impl Group {
    fn run(&self, cascade: bool) -> Result<(), Caught> {
        let Some(sql) = self.kind.statement(&self.identities.join(", "), cascade) else { return Ok(()) };
        let dropped = xact::attempt(|| -> Result<u64, Infallible> { Ok(spi::execute(&sql)) });
        dropped.map(|_| ())
    }

    fn done(self, action: &'static str, detail: Option<&str>) -> impl Iterator<Item = Done> {
        let (name, detail) = (self.kind.name, detail.map(str::to_owned));
        self.identities.into_iter().map(move |identity| Done {
            object: format!("{name} {identity}"),
            action,
            rows: None,
            detail: detail.clone(),
        })
    }
}

/// Drops the objects, each after those that use it.
pub(super) fn drop(run: &Run, mut objects: Vec<Object>) -> Result<Vec<Done>, Error> {
    let mut done = vec![];
    objects.sort_by_key(|object| (object.kind.map(|(at, _)| at), std::cmp::Reverse(object.ordinal)));
    let mut groups: Vec<Group> = vec![];
    let used = used_functions(&objects);
    for object in objects {
        let said = |action, detail: Option<&str>| Done {
            object: format!("{} {}", object.kind_name, object.identity),
            action,
            rows: None,
            detail: detail.map(str::to_owned),
        };
        match object.kind {
            _ if object.state == State::Gone => done.push(said("gone", None)),
            _ if object.state == State::Another => {
                done.push(said("kept", Some("it is another one than the run made")));
            }
            _ if object.state == State::Unknown => {
                done.push(said("kept", Some("the run's log is from another database")));
            }
            None => done.push(said("kept", Some("an object of its kind is dropped by hand"))),
            Some(_) if used.contains(&object.identity) => {
                done.push(said("kept", Some("the text of another function names it")));
            }
            // Keys among tables point in any direction.
            Some((_, kind)) if kind.holds_rows => match groups.last_mut() {
                Some(group) if group.kind == kind => group.identities.push(object.identity),
                _ => groups.push(Group { kind, identities: vec![object.identity] }),
            },
            Some((_, kind)) => groups.push(Group { kind, identities: vec![object.identity] }),
        }
    }
    let mut cascade = false;
    while !groups.is_empty() {
        let (before, mut failed) = (groups.len(), vec![]);
        for group in groups {
            match group.run(cascade && group.kind.in_use == Use::Refuses) {
                Ok(()) => done.extend(group.done("dropped", None)),
                Err(caught) if caught.sqlstate == Code::ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST => {
                    failed.push((group, caught));
                }
                Err(caught) => return Err(caught.into()),
            }
        }
        let stuck = failed.len() == before;
        let refuses = failed.iter().find(|(group, _)| group.kind.in_use == Use::Refuses);
        match refuses {
            Some((_, caught)) if stuck && !run.force => return Err(depended(run, caught)),
            // What depends on it goes along.
            Some(_) if stuck => cascade = true,
            None if stuck => {
                for (group, caught) in failed {
                    done.extend(
                        group.done("kept", Some(caught.detail.as_deref().unwrap_or(&caught.message))),
                    );
                }
                return Ok(done);
            }
            _ => {}
        }
        groups = failed.into_iter().map(|(group, _)| group).collect();
    }
    Ok(done)
}

fn depended(run: &Run, caught: &Caught) -> Error {
    let message = format!("run {} cannot be rolled back: other objects depend on what it made", run.id);
    let hint =
        format!("Drop them first, or have them dropped by sqlite_rollback({}, force => true).", run.id);
    prerequisite(message, caught.detail.clone(), Some(hint))
}

/// Helper functions that functions name which stay: such a text is no dependency.
fn used_functions(objects: &[Object]) -> Vec<String> {
    const NAMED_BY: &str = "
        SELECT p.oid::regprocedure::text FROM pg_proc p
        WHERE p.oid >= 16384 AND strpos(p.prosrc, $1) > 0";
    let prefix = format!("{SCHEMA}.");
    let is_function = |object: &&Object| object.kind_name == "function" && object.state == State::There;
    let mut dropped: Vec<&str> =
        objects.iter().filter(is_function).map(|object| object.identity.as_str()).collect();
    let mut used: Vec<String> = vec![];
    loop {
        let stays = |identity: &&str| {
            let name = identity.split('(').next().unwrap_or_default();
            identity.starts_with(&prefix) && {
                let by: Vec<String> = spi::values(NAMED_BY, &[format!("{name}(").as_str().into()]);
                by.iter().any(|by| by != identity && !dropped.contains(&by.as_str()))
            }
        };
        let (stay, go): (Vec<&str>, Vec<&str>) = dropped.iter().copied().partition(stays);
        if stay.is_empty() {
            return used;
        }
        used.extend(stay.into_iter().map(str::to_owned));
        dropped = go;
    }
}
