//! Reads everything that a plan is made from, inside one snapshot.

mod planning;

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use pgrx::{PgLogLevel, PgSqlErrorCode};
use serde_json::Value;

pub use self::planning::{apart, extensions, facing_target, planned, unasked, untried};
use super::notices::Notices;
use super::profiles::{self, Profiler};
use super::steps::Steps;
use super::{existing, levels, source, untranslatable};
use crate::error::Error;
use crate::pg::memory::{self, Held};
use crate::pg::settings;
use crate::pg::{encoding, interrupts, thread, types, xact};
use crate::sqlite::recovery::Recovery;
use crate::sqlite::{self, Source};
use pg_sqlite_migrate_core::catalog::{Catalog, KeyFact, TableKind};
use pg_sqlite_migrate_core::contents;
use pg_sqlite_migrate_core::damage::Damage;
use pg_sqlite_migrate_core::finding::{Finding, Kind};
use pg_sqlite_migrate_core::orm::signs::Recognised;
use pg_sqlite_migrate_core::plan;
use pg_sqlite_migrate_core::plan::{Integrity, Needs, Overrides, Phase, Rejecting};
use pg_sqlite_migrate_core::shorten;
use pg_sqlite_migrate_core::types::TableProfile;
use pg_sqlite_migrate_core::value::PgType;
use pg_sqlite_migrate_core::value::buffer::OutOfMemory;

/// A file, open in its snapshot, and what it says.
pub struct Survey {
    /// Catalog, profiles and the plans that are made of them consist of small pieces.
    pub room: Held,
    pub source: Source,
    pub catalog: Catalog,
    /// One per `catalog.tables` entry.
    pub profiles: Vec<Option<TableProfile>>,
    pub key_facts: Vec<KeyFact>,
    /// What migration tools have recorded in the file.
    pub levels: Vec<(String, Vec<String>)>,
    pub damage: Damage,
    /// The programs that wrote the file.
    pub orms: Vec<Recognised>,
    /// What was done so far.
    pub steps: Steps<'static>,
    /// Tables that could not be read, with `on_error: "continue"`.
    pub broken: Vec<Finding>,
    pub needs: Needs,
    /// Tables that could not be read are skipped in them.
    pub overrides: Overrides,
    /// The caller's, in which the statements of the plan are read.
    pub search_path: String,
}

/// Reads catalog, profiles and key facts of the tables that the plan leaves in.
pub fn survey(path: Option<&str>, overrides: Option<Value>) -> Result<Survey, Error> {
    survey_after(path, overrides, |_, _, _| Ok(()))
}

/// The same. `first` is what an import does before it looks at the target, where types are looked up as well; it may put
/// another source in the place of the file.
pub fn survey_after(
    path: Option<&str>,
    overrides: Option<Value>,
    first: impl FnOnce(&mut Needs, &mut Steps<'static>, &mut Source) -> Result<(), Error>,
) -> Result<Survey, Error> {
    let mut steps = Steps::begin();
    source::check_rights()?;
    let overrides = overrides.unwrap_or_default();
    // Held until the catalog is about to be read, which holds as much for both.
    let bytes = overrides_bytes(&overrides);
    let room = memory::hold(usize::try_from(bytes).unwrap_or(usize::MAX));
    let room = room.unwrap_or_else(|OutOfMemory| memory::exhausted("the plan"));
    let mut overrides = plan::parse(&overrides)?;
    let mut needs = Needs { texts_of_bytes: encoding::server_is_sql_ascii(), ..plan::needs(&overrides) };
    untranslatable::check_schemas(&needs.schemas)?;
    let mut source = steps.time(Phase::Open, "open the file", || source::open(path, needs.opening))?;
    first(&mut needs, &mut steps, &mut source)?;
    name_types(&mut overrides, &needs)?;
    drop(room);
    read(source, needs, overrides, bytes, Extent::default(), steps)
}

/// The same of a file that a foreign server names: whoever named it had the right to.
pub fn of_source(source: Source, overrides: Value, extent: Extent) -> Result<Survey, Error> {
    let bytes = overrides_bytes(&overrides);
    let mut overrides = plan::parse(&overrides)?;
    // Nothing is kept of what is read.
    let needs = Needs { integrity: Integrity::None, ..plan::needs(&overrides) };
    name_types(&mut overrides, &needs)?;
    read(source, needs, overrides, bytes, extent, Steps::begin())
}

/// What is surveyed as if it were a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    pub views: bool,
    /// Virtual tables whose modules are there, with what `SELECT *` shows of them.
    pub virtual_tables: bool,
}

/// An error may come of a file that was changed while it was read: that is the error then.
fn read(
    mut source: Source,
    needs: Needs,
    mut overrides: Overrides,
    overrides_bytes: u64,
    extent: Extent,
    mut steps: Steps<'static>,
) -> Result<Survey, Error> {
    let room = room_for_plan(&mut source, overrides_bytes)?;
    let found = gather(&mut source, &needs, &mut overrides, extent, &mut steps);
    source.prove()?;
    let Found { catalog, profiles, damage, orms, broken, key_facts, levels } = found?;
    if catalog.tables.is_empty() {
        interrupts::tell(PgLogLevel::WARNING, &source::without_tables(&source));
    }
    Ok(Survey {
        room,
        source,
        catalog,
        profiles,
        key_facts,
        levels,
        damage,
        orms,
        steps,
        broken,
        needs,
        overrides,
        search_path: settings::search_path(),
    })
}

/// The title of its step.
const PROFILE: &str = "profile the tables";

/// What the file says.
struct Found {
    catalog: Catalog,
    profiles: Vec<Option<TableProfile>>,
    damage: Damage,
    orms: Vec<Recognised>,
    broken: Vec<Finding>,
    key_facts: Vec<KeyFact>,
    levels: Vec<(String, Vec<String>)>,
}

fn gather(
    source: &mut Source,
    needs: &Needs,
    overrides: &mut Overrides,
    extent: Extent,
    steps: &mut Steps<'static>,
) -> Result<Found, Error> {
    steps.start(Phase::Catalog, "read the catalog", None);
    if overrides.takes_collections() {
        overrides.name_collections(&source.collections())?;
        let keys = overrides.keys_of_metadata();
        thread::run(|| source.name_keys(&keys))?;
    } else {
        source.leave_collections();
    }
    let mut catalog = on_thread(source, sqlite::catalog)?;
    // Foreign tables show what is stored: blobs of geometries as they are, and the file's description of itself.
    if extent.virtual_tables {
        overrides.load_description();
    }
    if !overrides.geopackage.unwrap_or_default().geometries {
        let columns = catalog.tables.iter_mut().flat_map(|table| &mut table.columns);
        columns.for_each(|column| column.geometries = None);
    }
    match extent.virtual_tables {
        true => take_virtual_tables(&mut catalog, overrides),
        false => {
            overrides.take_collections(&mut catalog);
            contents::take(&mut catalog);
        }
    }
    if extent.views {
        on_thread(source, |source| sqlite::views_as_tables(source, &mut catalog))?;
    }
    let orms = plan::orms(&catalog, overrides);
    let selected = plan::select(&catalog, overrides)?.selected;
    locate_vectors(source, &mut catalog, &selected)?;
    let selected = plan::select(&catalog, overrides)?.selected;
    on_thread(source, |source| {
        let taken = catalog.tables.iter().zip(&selected).filter(|(_, selected)| **selected);
        taken.into_iter().try_for_each(|(table, _)| {
            sqlite::check_expressions(source, table, &overrides.reading(&table.name))
        })
    })?;
    steps.end(None);
    let notices = Notices::new(needs.notices, Instant::now());
    let at = AtomicUsize::new(0);
    steps.start(Phase::Integrity, "check for damage", None);
    let title = || profiles::title(&catalog, &selected, at.load(Ordering::Relaxed));
    let begun = Instant::now();
    let profiler =
        Profiler { catalog: &catalog, selected: &selected, needs, overrides, orms: &orms, at: &at };
    let mut profiling = false;
    let tick = || {
        if at.load(Ordering::Relaxed) > 0 && !std::mem::replace(&mut profiling, true) {
            steps.show(Phase::Profile, PROFILE);
        }
        notices.reading(title, begun);
    };
    let checked = {
        let source: &mut Source = source;
        thread::run_watched(move || profiler.check(source), tick)?
    };
    steps.end_after(checked.took);
    contents::read_around(&mut catalog, &checked.damage);
    let selected = plan::select(&catalog, overrides)?.selected;
    steps.start_after(Phase::Profile, PROFILE);
    let title = || profiles::title(&catalog, &selected, at.load(Ordering::Relaxed));
    let profiler =
        Profiler { catalog: &catalog, selected: &selected, needs, overrides, orms: &orms, at: &at };
    let (damage, (profiles, broken)) =
        watched(source, &notices, title, |source| profiler.profile(source, checked))?;
    broken.iter().for_each(|table| overrides.set_skip(&table.object, true));
    let key_facts = key_facts(source, &catalog, (&damage, needs), overrides, &[])?;
    let selected = plan::select(&catalog, overrides)?.selected;
    let levels = on_thread(source, |source| levels::read(source, &catalog, &selected))?;
    steps.end(None);
    Ok(Found { catalog, profiles, damage, orms, broken, key_facts, levels })
}

/// Looks for the vectors of the collections that are selected.
fn locate_vectors(source: &mut Source, catalog: &mut Catalog, selected: &[bool]) -> Result<(), Error> {
    let taken = catalog.tables.iter().zip(selected).filter(|(_, selected)| **selected);
    let taken: HashSet<String> = taken.map(|(table, _)| table.name.clone()).collect();
    on_thread(source, |source| sqlite::locate_vectors(source, catalog, |table| taken.contains(table)))
}

/// What rows break of keys and checks, of all rows that the plan selects but those that `rejecting` leaves out.
fn key_facts(
    source: &mut Source,
    catalog: &Catalog,
    (damage, needs): (&Damage, &Needs),
    overrides: &Overrides,
    rejecting: &[Rejecting],
) -> Result<Vec<KeyFact>, Error> {
    let selection = plan::select(catalog, overrides)?;
    let (selected, orphans_go) = (&selection.selected, selection.rejecting(overrides));
    let mut readings: Vec<_> = catalog.tables.iter().map(|table| overrides.reading(&table.name)).collect();
    for rejecting in rejecting {
        if let Some(reading) = readings.get_mut(rejecting.table.index()) {
            reading.filter = Some(rejecting.within(reading.filter.as_deref()));
        }
    }
    // Damaged tables and indexes give wrong answers.
    let sound: Vec<bool> =
        catalog.tables.iter().zip(selected).map(|(t, s)| *s && damage.of(&t.name).is_none()).collect();
    let indexed = damage.indexes.is_empty() && needs.integrity != Integrity::None;
    let notices = Notices::new(needs.notices, Instant::now());
    watched(
        source,
        &notices,
        || "look for rows that break keys".into(),
        |source| {
            let read = || {
                let mut facts = sqlite::key_facts(source, catalog, &sound, &readings, indexed)?;
                let selected = (sound.as_slice(), orphans_go.as_slice());
                let cascaded =
                    sqlite::cascaded_orphans(source, catalog, selected, &readings, &facts, indexed)?;
                facts.extend(cascaded);
                Ok(facts)
            };
            // Without a profile nothing has computed the expressions before.
            let tables = || catalog.tables.iter().zip(&readings).zip(&sound).filter(|(_, sound)| **sound);
            read().map_err(|e| {
                tables().fold(e, |e, ((table, reading), _)| sqlite::blame(source, table, reading, None, e))
            })
        },
    )
}

/// What catalog and plan take of memory, about, per byte of the file's schema; and in all.
const PLANNED: u64 = 256;
const MOST: u64 = 1 << 30;
/// The same of each value of the given plan, which is copied some times.
const OVERRIDDEN: u64 = 1024;

fn overrides_bytes(plan: &Value) -> u64 {
    pieces(plan).saturating_mul(OVERRIDDEN).min(MOST)
}

/// How many values a plan consists of; a long text counts as several.
fn pieces(plan: &Value) -> u64 {
    match plan {
        Value::Array(items) => items.iter().map(pieces).sum(),
        Value::Object(entries) => entries.values().map(|value| 1 + pieces(value)).sum(),
        Value::String(text) => 1 + text.len() as u64 / 128,
        _ => 1,
    }
}

/// Holds memory for the plan. A schema and overrides of megabytes become many small allocations, which cannot fail.
fn room_for_plan(source: &mut Source, overrides_bytes: u64) -> Result<Held, Error> {
    let schema = on_thread(source, sqlite::schema_bytes)?.saturating_mul(PLANNED);
    let bytes = schema.saturating_add(overrides_bytes).min(MOST);
    let held = memory::hold(usize::try_from(bytes).unwrap_or(usize::MAX));
    held.map_err(|OutOfMemory| {
        let path = source.path().to_owned();
        Error::Sqlite(sqlite::Error::NoMemory { path, object: Some("sqlite_schema".into()) })
    })
}

/// Asks the source something on the helper thread, so that the backend can serve interrupts.
pub fn on_thread<T: Send>(
    source: &mut Source,
    question: impl FnOnce(&Source) -> Result<T, sqlite::Error> + Send,
) -> Result<T, Error> {
    Ok(thread::run(move || question(source))?)
}

/// The same, which may take long: `what` says so to the user.
fn watched<T: Send>(
    source: &mut Source,
    notices: &Notices,
    what: impl Fn() -> String,
    question: impl FnOnce(&Source) -> Result<T, sqlite::Error> + Send,
) -> Result<T, Error> {
    let begun = Instant::now();
    Ok(thread::run_watched(move || question(source), || notices.reading(&what, begun))?)
}

fn take_virtual_tables(catalog: &mut Catalog, overrides: &mut Overrides) {
    for table in &mut catalog.tables {
        if matches!(table.kind, TableKind::Virtual { usable: true, .. }) {
            table.columns.retain(|column| !column.hidden);
            overrides.set_skip(&table.name, false);
        }
    }
}

impl Survey {
    /// How a table is read whose pages are damaged.
    pub fn recovery(&self, table: &str) -> Option<Recovery> {
        let damage = self.damage.of(table)?;
        Some(Recovery::new(self.catalog.table(table)?, self.catalog.page_size, damage))
    }

    /// Counts what rows break without those that a load rejects.
    pub fn count_again(&mut self, rejecting: &[Rejecting]) -> Result<(), Error> {
        let Survey { source, catalog, damage, needs, overrides, .. } = self;
        self.key_facts = key_facts(source, catalog, (damage, needs), overrides, rejecting)?;
        Ok(())
    }

    /// `error`, or the expression over a table that has failed.
    pub fn blame(&mut self, table: &str, error: Error) -> Result<Error, Error> {
        let Error::Sqlite(error) = error else { return Ok(error) };
        let (reading, recovery) = (self.overrides.reading(table), self.recovery(table));
        let Some(table) = self.catalog.table(table) else { return Ok(error.into()) };
        let blame = |source: &Source| Ok(sqlite::blame(source, table, &reading, recovery.as_ref(), error));
        on_thread(&mut self.source, blame).map(Error::from)
    }

    /// What a plan is made from.
    pub fn facts(&self) -> plan::Source<'_> {
        plan::Source {
            catalog: &self.catalog,
            profiles: &self.profiles,
            key_facts: &self.key_facts,
            levels: &self.levels,
            damage: &self.damage,
            orms: &self.orms,
        }
    }

    /// The statements of `before` were not run, and so the plan does not see what they do.
    pub fn unrun(&self) -> Option<Finding> {
        let message = "its statements were not run: what they create or change is not visible here";
        let hint = "sqlite_import runs them before it reads the target.";
        (!self.needs.before.is_empty()).then(|| Kind::BeforeNotRun.info("before", message).hint(hint))
    }

    /// For an answer that has no place for findings.
    pub fn tell_unrun(&self) {
        if let Some(finding) = self.unrun() {
            interrupts::tell(PgLogLevel::NOTICE, &format!("{}: {}", finding.object, finding.message));
        }
    }
}

/// Names the types of the overrides as the server does, so that they mean the same under any search path. One that is
/// not there stays as it is where statements that may make it were not run.
fn name_types(overrides: &mut Overrides, needs: &Needs) -> Result<(), Error> {
    let absent = [PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT, PgSqlErrorCode::ERRCODE_INVALID_SCHEMA_NAME];
    for (path, pg_type) in overrides.types_mut() {
        let name = pg_type.to_string();
        let refused = |message, sqlstate| Err(Error::Type { path: path.clone(), message, sqlstate });
        if shorten::is_long(&name) {
            // The server would say all of it in a NOTICE.
            return refused(
                "no type has so long a name".into(),
                PgSqlErrorCode::ERRCODE_NAME_TOO_LONG.into(),
            );
        }
        match xact::attempt(|| -> Result<_, ()> {
            Ok((types::canonical(&name), types::untrusted_owner(&name)))
        }) {
            Ok(Ok((Some(canonical), Some(owner)))) => {
                let message =
                    format!("role \"{owner}\" owns type {canonical}, which has no schema in the plan");
                return refused(message, PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE.into());
            }
            Ok(Ok((Some(canonical), None))) => {
                let parsed = PgType::parse(&canonical);
                // An extension's type that is known by more than its name.
                *pg_type = match types::named(&parsed) {
                    vector @ PgType::Vector(_) => vector,
                    _ => parsed,
                };
            }
            Ok(_) => {}
            // The import may create the extension.
            Err(caught)
                if pg_type.is_named_as_vector() && absent.iter().any(|code| caught.sqlstate == *code) =>
            {
                *pg_type = PgType::Vector(name);
            }
            Err(caught) if !needs.before.is_empty() && absent.iter().any(|code| caught.sqlstate == *code) => {
            }
            // It is there once the plan has created the extension.
            Err(_) if pg_type.is_postgis() && !existing::extensions::read(&["postgis"]).is_empty() => {}
            Err(caught) => return refused(caught.message, caught.sqlstate),
        }
    }
    Ok(())
}
