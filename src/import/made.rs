//! What a run makes and moves, for the run log: by it `sqlite_rollback` takes the run back.
//!
//! A run is a subtransaction of its own. An object whose dependencies (`pg_depend`) were all recorded by it is one that it
//! has made, whatever statement did so: one of the plan, an event trigger, or one of `after`.

use std::collections::HashSet;

use pgrx::pg_sys;

use super::log;
use crate::pg::spi::{self, Row};
use crate::pg::{relation, xact};
use pg_sqlite_migrate_core::plan::{Action, Planned};
use pg_sqlite_migrate_core::rollback::transactions;

/// An object that is there since the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub kind: String,
    pub identity: String,
    pub catalog: String,
    pub oid: pg_sys::Oid,
}

/// A sequence, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence {
    pub identity: String,
    pub oid: pg_sys::Oid,
    pub last_value: i64,
    pub is_called: bool,
}

/// What was there when the run began.
pub struct Before {
    transaction: u32,
    /// Objects by catalog and oid.
    known: HashSet<(u32, u32)>,
    sequences: Vec<Sequence>,
    objects: Vec<Object>,
}

/// When a statement made an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Run,
    /// What the statements of `after` add to an object that was there before the run is not the run's.
    After,
}

/// What is replaced or moved to another schema has its dependencies recorded anew; schemas depend on nothing.
const KNOWN: &str = "
    SELECT classid AS catalog, objid AS object FROM pg_depend WHERE objid >= 16384
    UNION SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE oid >= 16384
    UNION SELECT 'pg_namespace'::regclass, oid FROM pg_namespace";

/// Objects of which a dependency is new. `parts` are what they go with when it is dropped, as catalog << 32 | oid. Frozen rows
/// may seem to be new: the ids tell.
const NEW: &str = "
    SELECT f.catalog, f.object, f.ids, f.parts, f.catalog::regclass::text AS in_catalog, i.type AS kind, i.identity
    FROM (
        SELECT d.classid AS catalog, d.objid AS object, array_agg(d.xmin::text::bigint) AS ids,
               COALESCE(array_agg(d.refclassid::bigint << 32 | d.refobjid::bigint)
                            FILTER (WHERE d.deptype IN ('a', 'i', 'P', 'S', 'e')), '{}') AS parts
        FROM (SELECT DISTINCT classid, objid FROM pg_depend WHERE age(xmin) <= age($1::text::xid)) AS recent
        JOIN pg_depend d ON d.classid = recent.classid AND d.objid = recent.objid
        GROUP BY d.classid, d.objid
        UNION ALL
        SELECT 'pg_namespace'::regclass, oid, ARRAY[xmin::text::bigint], '{}' FROM pg_namespace
        WHERE age(xmin) <= age($1::text::xid)
    ) AS f
    CROSS JOIN LATERAL pg_identify_object(f.catalog, f.object, 0) AS i
    WHERE i.identity IS NOT NULL AND i.schema IS DISTINCT FROM 'pg_temp' AND i.identity !~ '^pg_(toast_)?temp(_[0-9]+)?([.]|$)'
    ORDER BY f.object";

/// Sequences that columns of tables take numbers from, where the caller may look at them.
const SEQUENCES: &str = "
    SELECT DISTINCT s.oid, (pg_identify_object('pg_class'::regclass, s.oid, 0)).identity
    FROM (
        SELECT d.objid FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY ($1)
          AND d.deptype IN ('a', 'i')
        UNION ALL
        SELECT d.refobjid FROM pg_attrdef f
        JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid AND d.refclassid = 'pg_class'::regclass
        WHERE f.adrelid = ANY ($1)
    ) AS used (oid)
    JOIN pg_class s ON s.oid = used.oid AND s.relkind = 'S'
    WHERE CASE s.relkind WHEN 'S' THEN has_sequence_privilege(s.oid, 'SELECT') END ORDER BY s.oid";

impl Before {
    /// Looks at the target before the run's first step.
    pub fn of(planned: &Planned) -> Before {
        let key = |row: &Row<'_>| {
            (row.get::<pg_sys::Oid>("catalog").to_u32(), row.get::<pg_sys::Oid>("object").to_u32())
        };
        let loaded: Vec<pg_sys::Oid> = planned
            .steps
            .iter()
            .filter_map(|step| match &step.action {
                Action::Load(spec) if spec.existing.is_some() => relation::find(&spec.schema, &spec.target),
                _ => None,
            })
            .collect();
        let names = spi::rows(SEQUENCES, &[loaded.as_slice().into()], |row| {
            (row.get::<pg_sys::Oid>("oid"), row.get::<String>("identity"))
        });
        Before {
            transaction: xact::own_id(),
            known: spi::rows(KNOWN, &[], key).into_iter().collect(),
            sequences: names.into_iter().filter_map(|(oid, identity)| stands(oid, identity)).collect(),
            objects: vec![],
        }
    }

    /// Looks at what there is since the last look.
    pub fn observe(&mut self, by: By) {
        struct Found {
            key: (u32, u32),
            parts: Vec<(u32, u32)>,
            object: Object,
        }
        let since = self.transaction.to_string();
        let found = spi::rows(NEW, &[since.as_str().into()], |row| {
            let ids: Vec<i64> = row.get("ids");
            let parts: Vec<i64> = row.get("parts");
            let (catalog, oid): (pg_sys::Oid, pg_sys::Oid) = (row.get("catalog"), row.get("object"));
            let object = Object {
                kind: row.get("kind"),
                identity: row.get("identity"),
                catalog: row.get("in_catalog"),
                oid,
            };
            let parts = parts.into_iter().map(|part| ((part >> 32) as u32, part as u32)).collect();
            let own = ids.into_iter().all(|id| u32::try_from(id).is_ok_and(xact::is_own));
            own.then_some(Found { key: (catalog.to_u32(), oid.to_u32()), parts, object })
        });
        let known = &self.known;
        let found: Vec<Found> =
            found.into_iter().flatten().filter(|found| !known.contains(&found.key)).collect();
        let made: HashSet<(u32, u32)> = found.iter().map(|found| found.key).collect();
        for Found { key, parts, object } in found {
            let of_made = parts.iter().any(|part| made.contains(part) || self.known_as_made(part));
            if of_made || (by == By::After && !parts.is_empty()) {
                continue;
            }
            if self.objects.iter().all(|known| known.oid != object.oid || known.catalog != object.catalog) {
                self.objects.push(object);
            }
            // A part of it that comes later is no object of its own.
            self.known.insert(key);
        }
    }

    /// It was logged already.
    fn known_as_made(&self, part: &(u32, u32)) -> bool {
        self.objects.iter().any(|object| object.oid.to_u32() == part.1) && self.known.contains(part)
    }

    /// Writes all of it into the log. The run's last statement: what comes after it has other transaction ids.
    pub fn record(&self, run: i64) {
        log::made(run, &self.objects, &xact::place(), &transactions::multirange(xact::own_ids()));
        for before in &self.sequences {
            let Some(after) = stands(before.oid, before.identity.clone()) else { continue };
            if after != *before {
                log::moved(run, before, &after);
            }
        }
    }
}

/// Where a sequence stands; its name is in the catalog's own spelling.
fn stands(oid: pg_sys::Oid, identity: String) -> Option<Sequence> {
    let sql = format!("SELECT last_value, is_called FROM {identity}");
    spi::row(&sql, &[], |row| (row.get("last_value"), row.get("is_called")))
        .map(|(last_value, is_called)| Sequence { identity, oid, last_value, is_called })
}
