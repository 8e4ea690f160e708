//! How fast this server writes: as earlier runs have, or as some rows of the file do that are loaded into a table that is
//! rolled back. What was measured so holds for the session.

use std::cell::Cell;
use std::convert::Infallible;
use std::time::Instant;

use crate::error::Error;
use crate::import::load::apart;
use crate::import::survey::Survey;
use crate::pg::settings::LocalSettings;
use crate::pg::{interrupts, spi, xact};
use pg_sqlite_migrate_core::assess::{Basis, Rate, RunTime};
use pg_sqlite_migrate_core::plan::trial::NAME;
use pg_sqlite_migrate_core::plan::{Action, LoadSpec, OnInvalid, Phase, Planned};
use pg_sqlite_migrate_core::sqltext::{ident, qualified, sqlite_ident};
use pg_sqlite_migrate_core::value::PgType;

thread_local! {
    static MEASURED: Cell<Option<Rate>> = const { Cell::new(None) };
}

/// The rate at which a file would be written; `None` where nothing is known and nothing can be written.
pub fn of(survey: &mut Survey, planned: &Planned, rows: &[u64]) -> Result<Option<Rate>, Error> {
    let file_bytes = u64::from(survey.catalog.page_size) * survey.catalog.page_count;
    if let Some(rate) = Rate::of_runs(&runs(), file_bytes) {
        return Ok(Some(rate));
    }
    if let Some(rate) = MEASURED.get() {
        return Ok(Some(rate));
    }
    if xact::is_read_only() {
        return Ok(None);
    }
    let measured = measure(survey, planned, rows);
    // A cancel stops the load as well, whose error is no answer.
    interrupts::check();
    let Some(measured) = measured else { return Ok(None) };
    if measured.bytes >= TELLING {
        MEASURED.set(Some(measured.rate));
    }
    Ok(Some(measured.rate))
}

/// What a few rows have told.
struct Measured {
    rate: Rate,
    /// That were written.
    bytes: u64,
}

/// Bytes that tell how fast any file is written, and bytes that tell something of a byte at all.
const TELLING: u64 = 1 << 20;
const ANY: u64 = 256 << 10;

/// What a run spends on the database.
const WRITING: [Phase; 11] = [
    Phase::Schema,
    Phase::Tables,
    Phase::Load,
    Phase::Keys,
    Phase::Indexes,
    Phase::ForeignKeys,
    Phase::Checks,
    Phase::Sequences,
    Phase::Refresh,
    Phase::Analyze,
    Phase::Verify,
];

/// The last runs that the caller may see.
fn runs() -> Vec<RunTime> {
    const RUNS: &str = "
        SELECT (r.source ->> 'page_size')::bigint * (r.source ->> 'page_count')::bigint AS file_bytes, s.steps, s.seconds
        FROM (SELECT id, source FROM sqlite_migrate.run WHERE status = 'done' ORDER BY id DESC LIMIT 20) AS r
        CROSS JOIN LATERAL (SELECT count(*) AS steps, sum(seconds) AS seconds FROM sqlite_migrate.run_step
                            WHERE run = r.id AND phase = ANY ($1)) AS s
        WHERE s.steps > 0";
    let phases = WRITING.map(|phase| phase.as_str().to_owned());
    spi::rows(RUNS, &[phases.as_slice().into()], |row| RunTime {
        file_bytes: row.get("file_bytes"),
        steps: row.get("steps"),
        seconds: row.get("seconds"),
    })
}

/// Rows that are loaded, and the memory that they may take of the file.
const MOST_ROWS: u64 = 20_000;
const MOST_BYTES: u64 = 4 << 20;

/// Loads the first rows of the table that has most, and makes an index over them. `None` where that cannot be done.
fn measure(survey: &mut Survey, planned: &Planned, rows: &[u64]) -> Option<Measured> {
    let loads = planned.steps.iter().filter_map(|step| match &step.action {
        Action::Load(spec) => Some(&**spec),
        _ => None,
    });
    let sound = loads.filter(|spec| survey.damage.of(&spec.source).is_none());
    let spec = sound.max_by_key(|spec| rows.get(spec.id.index()))?;
    let spec = first_rows(survey, spec, rows)?;
    let tried = xact::attempt(|| -> Result<Infallible, Result<Measured, Error>> {
        // An error rolls the table back.
        Err(timed(survey, planned, &spec))
    });
    match tried {
        Ok(Err(measured)) => measured.ok(),
        // A type that the plan has still to make, no right to temporary tables, a value that does not fit.
        Err(_) => None,
    }
}

/// A load of the first rows, of which none is rejected.
fn first_rows(survey: &Survey, spec: &LoadSpec, rows: &[u64]) -> Option<LoadSpec> {
    let table = survey.catalog.tables.get(spec.id.index())?;
    let rowid = table.rowid_name()?;
    let file_bytes = u64::from(survey.catalog.page_size) * survey.catalog.page_count;
    let of_table = rows.get(spec.id.index()).copied().unwrap_or(0).max(1);
    let most = (MOST_BYTES / (file_bytes / of_table).max(1)).clamp(1, MOST_ROWS);
    let first = format!("{rowid} IN (SELECT {rowid} FROM main.{} LIMIT {most})", sqlite_ident(&table.name));
    let mut spec = spec.clone();
    // The line break ends a comment.
    spec.reading.filter = Some(match &spec.reading.filter {
        Some(filter) => format!("({filter}\n) AND {first}"),
        None => first,
    });
    spec.columns.retain(|column| is_servers_own(&column.pg_type));
    for column in &mut spec.columns {
        (column.on_invalid, column.not_null, column.default) = (OnInvalid::Null, false, None);
    }
    spec.schema = "pg_temp".into();
    spec.existing = None;
    spec.renumbering = Box::default();
    (!spec.columns.is_empty()).then_some(spec)
}

/// No code of another role's runs for its values, as it may for those of a domain.
fn is_servers_own(pg_type: &PgType) -> bool {
    use PgType::*;
    match pg_type {
        Bool | Int2 | Int4 | Int8 | Float4 | Float8 | Numeric(_) | Money | Uuid | Bytea | Json | Jsonb => {
            true
        }
        Text | Varchar(_) | Bpchar(_) => true,
        Date | Time(_) | TimeTz(_) | Timestamp(_) | TimestampTz(_) | Interval(_) => true,
        Array(_) | Vector(_) | Range { .. } | Multirange { .. } | Row { .. } => false,
        Domain { .. } | Other(_) | UserDefined(_) => false,
    }
}

fn timed(survey: &mut Survey, planned: &Planned, spec: &LoadSpec) -> Result<Measured, Error> {
    let Survey { source, catalog, .. } = survey;
    let _path = LocalSettings::safe_search_path();
    let name = qualified(&spec.schema, NAME);
    let columns: Vec<String> =
        spec.columns.iter().map(|c| format!("{} {}", ident(&c.target), c.pg_type)).collect();
    let began = Instant::now();
    spi::execute(&format!("CREATE TABLE {name} ({})", columns.join(", ")));
    let created = began.elapsed().as_secs_f64();
    if let Some(table) = catalog.tables.get(spec.id.index()) {
        apart::load(source, spec, spi::oid(&name), (table, planned))?;
    }
    if let Some(column) = spec.columns.iter().find(|column| column.pg_type.is_ordered()) {
        spi::execute(&format!("CREATE INDEX ON {name} ({})", ident(&column.target)));
    }
    let took = began.elapsed().as_secs_f64();
    let size = "SELECT pg_total_relation_size($1::regclass)";
    let bytes: u64 = spi::value(size, &[(&name).into()]).unwrap_or(0);
    // Table, load and index are three steps, whatever is in them.
    let seconds_per_byte = if bytes < ANY { 0.0 } else { (took - 3.0 * created).max(0.0) / bytes as f64 };
    Ok(Measured {
        rate: Rate { seconds_per_byte, seconds_per_step: created, basis: Basis::Calibration },
        bytes,
    })
}
