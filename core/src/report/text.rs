//! The report as plain text, for a ticket or a terminal. Names come last in a line, so that columns stay aligned whatever
//! the width of their characters is.

use serde_json::Value;

use super::model::{Findings, Table, TableTypes, Verification};
use super::verdict::{call, faults, objects};
use super::words::{count, grouped, lines, list, moment, one_line, percent, seconds, share, spaced};
use super::{FileReport, Report, RunReport};
use crate::assess::bytes;

/// The most lines of one list; the JSON form has all of them.
const MOST: usize = 100;

pub fn paragraphs(report: &Report) -> Vec<String> {
    match report {
        Report::Run(report) => run(report),
        Report::Assessment(report) => file(report),
    }
}

fn run(report: &RunReport) -> Vec<String> {
    let mut out = vec![];
    head(report, &mut out);
    verification(report, &mut out);
    tables(report, &mut out);
    rejects(report, &mut out);
    phases(report, &mut out);
    failures(report, &mut out);
    findings(&report.findings, &mut out);
    types(&report.types, &mut out);
    out
}

fn file(report: &FileReport) -> Vec<String> {
    let server = &report.server;
    let mut out =
        vec![format!("Assessment: {}", report.level), format!("  {}", report.summary), String::new()];
    facts(&file_facts(report), &mut out);
    out.extend([format!(
        "{:<9}{}, database {} ({})",
        "for",
        format_args!("PostgreSQL {}", server.version),
        one_line(&server.database),
        server.encoding
    )]);
    let optional = |count: Option<u64>| count.map(|count| grouped(count as i64)).unwrap_or_default();
    let heads = ["automatic", "findings", "by hand", "level", "subject"].map(String::from).to_vec();
    let rows = report.subjects.iter().map(|subject| {
        let detail =
            subject.detail.as_deref().map(|detail| format!(": {}", one_line(detail))).unwrap_or_default();
        let counts = [subject.automatic, subject.with_findings, subject.by_hand].map(optional);
        let level = subject.level.clone().unwrap_or_default();
        counts.into_iter().chain([level, format!("{}{detail}", spaced(&subject.subject))]).collect()
    });
    section(&mut out, "Work", columns(&std::iter::once(heads).chain(rows).collect::<Vec<_>>()));
    findings(&report.findings, &mut out);
    types(&report.types, &mut out);
    out
}

/// What an import of a file would take.
pub fn file_facts(report: &FileReport) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("file", format!("{} ({})", one_line(&report.path), bytes(report.bytes as f64))),
        ("rows", grouped(report.rows as i64)),
        (
            "disk",
            format!("{}, and {} of WAL", bytes(report.disk_bytes as f64), bytes(report.wal_bytes as f64)),
        ),
    ];
    facts.extend(report.seconds.map(|time| ("time", format!("about {}", seconds(time)))));
    facts
}

fn facts(facts: &[(&str, String)], out: &mut Vec<String>) {
    out.extend(facts.iter().map(|(name, fact)| format!("{name:<9}{fact}")));
}

fn head(report: &RunReport, out: &mut Vec<String>) {
    let (run, server) = (&report.run, &report.server);
    out.push(format!("Run {}: {}", run.id, report.verdict.verdict.as_str().to_uppercase()));
    out.extend(report.verdict.reasons.iter().map(|reason| format!("  {}", one_line(reason))));
    out.extend(report.verdict.next.iter().map(|call| format!("  Next: {call}")));
    out.push(String::new());
    let size = run.bytes().map(|size| format!(" ({})", bytes(size as f64))).unwrap_or_default();
    let took = run.seconds.map(|took| format!(", took {}", seconds(took))).unwrap_or_default();
    let facts = [
        ("file", format!("{}{size}", one_line(&run.path))),
        ("started", format!("{}{took}", moment(&run.started_at))),
        ("by", one_line(&run.role).into_owned()),
        ("into", format!("database {} ({})", one_line(&server.database), server.encoding)),
        ("with", format!("pg_sqlite_migrate {}, PostgreSQL {}", run.extension_version, server.version)),
    ];
    self::facts(&facts, out);
}

/// A heading, and what stands under it.
fn section(out: &mut Vec<String>, title: impl AsRef<str>, lines: Vec<String>) {
    let title = title.as_ref();
    out.extend([String::new(), title.to_owned(), "-".repeat(title.chars().count())]);
    out.extend(lines);
}

/// Lines of columns: all but the last are aligned to the right.
fn columns(rows: &[Vec<String>]) -> Vec<String> {
    let width = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max();
    let line = |row: &Vec<String>| {
        let Some((last, first)) = row.split_last() else { return String::new() };
        let cells =
            first.iter().enumerate().map(|(at, cell)| format!("{cell:>0$}  ", width(at).unwrap_or(0)));
        format!("{}{last}", cells.collect::<String>()).trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// The first lines, and how many more there are.
fn first(mut lines: Vec<String>) -> Vec<String> {
    let more = lines.len().saturating_sub(MOST);
    if more > 0 {
        lines.truncate(MOST);
        lines.push(format!("… and {} more", grouped(more as i64)));
    }
    lines
}

fn tables(report: &RunReport, out: &mut Vec<String>) {
    let totals = &report.totals;
    let shown = table_columns(&report.tables);
    let heads = shown.iter().map(|(head, ..)| (*head).to_owned());
    let mut rows = vec![heads.chain(["time".into(), "table".into()]).collect()];
    rows.extend(report.tables.iter().map(|table| {
        let numbers = shown.iter().map(|(.., of)| known(of(table)));
        numbers.chain([seconds(table.seconds), table_line(table)]).collect()
    }));
    let title = format!(
        "Tables: {} of {} loaded, {}",
        grouped(totals.loaded as i64),
        grouped(totals.tables as i64),
        count(totals.imported.saturating_add(totals.updated).unsigned_abs(), "row", "rows"),
    );
    section(out, title, first(columns(&rows)));
}

type Column = (&'static str, bool, fn(&Table) -> Option<i64>);

/// Columns of the list of tables, and those that are always there.
const TABLE_COLUMNS: [Column; 5] = [
    ("in SQLite", true, Table::source),
    ("imported", true, |table| Some(table.imported)),
    ("updated", false, |table| Some(table.updated)),
    ("skipped", false, |table| Some(table.skipped)),
    ("rejected", false, |table| Some(table.rejected)),
];

/// Those in which something is to be shown.
pub fn table_columns(tables: &[Table]) -> Vec<Column> {
    let shown = |(_, always, of): &Column| *always || tables.iter().any(|table| of(table) != Some(0));
    TABLE_COLUMNS.into_iter().filter(shown).collect()
}

/// A number, or a dash for one that nobody knows.
pub fn known(number: Option<i64>) -> String {
    number.map_or("–".into(), grouped)
}

fn table_line(table: &Table) -> String {
    let source = if table.source == table.table {
        String::new()
    } else {
        format!(" from {}", one_line(&table.source))
    };
    let status = if table.status == "loaded" { String::new() } else { format!(", {}", table.status) };
    let detail = table.detail.as_deref().map(|detail| format!(" ({})", one_line(detail))).unwrap_or_default();
    format!("{}{source}{status}{detail}", one_line(&table.name()))
}

fn phases(report: &RunReport, out: &mut Vec<String>) {
    let whole = report.run.seconds.unwrap_or(0.0);
    let row = |phase: &super::model::Phase| {
        let took = percent(share(phase.seconds, whole));
        vec![seconds(phase.seconds), took, grouped(phase.steps as i64), spaced(&phase.phase)]
    };
    let heads = vec!["time".into(), "share".into(), "steps".into(), "phase".into()];
    let rows: Vec<_> = std::iter::once(heads).chain(report.phases.iter().map(row)).collect();
    section(out, "Phases", columns(&rows));
    let slowest: Vec<_> = report
        .slowest
        .iter()
        .map(|step| vec![seconds(step.seconds), one_line(&step.title).into_owned()])
        .collect();
    section(out, "Longest steps", columns(&slowest));
}

fn failures(report: &RunReport, out: &mut Vec<String>) {
    let line = |failure: &super::model::Failure| {
        format!("{}: {}", one_line(&failure.title), one_line(&failure.error))
    };
    if !report.failures.is_empty() {
        section(out, "Failed steps", first(report.failures.iter().map(line).collect()));
    }
}

fn findings(groups: &[Findings], out: &mut Vec<String>) {
    let mut lines = vec![];
    for group in groups {
        lines.push(format!("[{}] {} ({})", group.severity, spaced(&group.kind), group.findings.len()));
        let mut of_group = vec![];
        for finding in &group.findings {
            of_group.push(format!("  {}: {}", one_line(&finding.object), one_line(&finding.message)));
            if !finding.hint.is_empty() {
                of_group.push(format!("    {}", one_line(&finding.hint)));
            }
            of_group.extend(finding.fix.iter().map(|fix| format!("    fix: {}", one_line(&fix.to_string()))));
        }
        lines.extend(first(of_group));
    }
    if lines.is_empty() {
        lines.push("There are none.".into());
    }
    section(out, "Findings", lines);
}

fn types(tables: &[TableTypes], out: &mut Vec<String>) {
    let mut rows = vec![];
    for table in tables {
        for column in &table.columns {
            let name = format!("{}.{}", one_line(&table.source), one_line(&column.source));
            let pg_type = column.pg_type.as_deref().unwrap_or("not loaded");
            let reason =
                column.reason.as_deref().map(|reason| format!(": {}", one_line(reason))).unwrap_or_default();
            rows.push(format!("{name}  {}{reason}", one_line(pg_type)));
        }
    }
    section(out, "Types", first(rows));
}

fn rejects(report: &RunReport, out: &mut Vec<String>) {
    let mut lines = vec![];
    for rejects in &report.rejects {
        let rows = count(rejects.count.unsigned_abs(), "row", "rows");
        lines.push(format!("{}: {rows}", one_line(&rejects.source)));
        for reject in &rejects.first {
            let place: Vec<String> = [&reject.row, &reject.column]
                .into_iter()
                .flatten()
                .map(|part| one_line(part).into_owned())
                .collect();
            let values = match reject.row {
                Some(_) => String::new(),
                None => format!(" {}", one_line(&reject.values)),
            };
            lines.push(format!("  {}: {}{values}", place.join(", "), one_line(&reject.error)));
        }
    }
    if !lines.is_empty() {
        section(out, "Rejected rows", lines);
    }
}

fn verification(report: &RunReport, out: &mut Vec<String>) {
    let mut lines = vec![];
    for of_kind in &report.verification {
        lines.push(summary(of_kind));
        let wrong = of_kind.results.iter().filter(|result| !result.ok);
        let wrong = wrong.map(|result| {
            let detail =
                result.detail.as_deref().map(|detail| format!(" ({})", one_line(detail))).unwrap_or_default();
            format!("  {}: {}{detail}", one_line(&result.name()), one_line(&result.verdict))
        });
        lines.extend(first(wrong.collect()));
    }
    if lines.is_empty() {
        lines.push("Nothing was verified since the import.".into());
        lines.push(call(&report.run));
    }
    section(out, "Verification", lines);
}

/// `values: 201 columns, none differs (compared 31,064 and equal 31,064), 2026-11-30 17:22:01 UTC`
pub fn summary(of_kind: &Verification) -> String {
    let sums: Vec<String> = of_kind
        .sums
        .iter()
        .filter(|(_, sum)| **sum != 0)
        .map(|(name, sum)| format!("{} {}", spaced(name), grouped(*sum)))
        .collect();
    let sums = if sums.is_empty() { String::new() } else { format!(" ({})", list(&sums)) };
    let found = match of_kind.failed {
        0 => format!("{}, none differs", objects(of_kind)),
        _ => faults(of_kind),
    };
    format!("{}: {found}{sums}, {}", of_kind.kind, moment(&of_kind.verified_at))
}

/// The plan as people read it.
pub fn plan(plan: &Value) -> String {
    let plan = serde_json::to_string_pretty(plan).unwrap_or_default();
    lines(&plan).into_owned()
}
