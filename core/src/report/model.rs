//! The reports themselves. Serialized, they have the form of docs/report.schema.json: a change here is one there.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::facts::{Facts, FindingFact, StepFact, VerificationFact};
use super::verdict::{Verdict, verdict};
use crate::assess::{Assessment, Line, Work};
use crate::finding::{Kind, Severity};

/// Of the JSON form; it grows when a member changes its meaning or goes.
pub const VERSION: u32 = 1;
/// Steps that are named because they took the longest.
const SLOWEST: usize = 5;

#[derive(Debug, Clone, Serialize)]
#[serde(tag = "report", rename_all = "lowercase")]
pub enum Report {
    Run(Box<RunReport>),
    Assessment(Box<FileReport>),
}

/// About a run that is in the log.
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    pub version: u32,
    pub verdict: Verdict,
    pub server: Server,
    pub run: Run,
    pub totals: Totals,
    pub tables: Vec<Table>,
    pub phases: Vec<Phase>,
    pub slowest: Vec<Step>,
    /// Of a run that went on after errors.
    pub failures: Vec<Failure>,
    pub findings: Vec<Findings>,
    pub types: Vec<TableTypes>,
    pub rejects: Vec<Rejects>,
    pub verification: Vec<Verification>,
    pub plan: Value,
}

/// About a file, before it is imported.
#[derive(Debug, Clone, Serialize)]
pub struct FileReport {
    pub version: u32,
    pub server: Server,
    pub path: String,
    pub bytes: u64,
    /// Rows that would be loaded.
    pub rows: u64,
    /// `B-3`: who has to do something, and how much there is.
    pub level: String,
    pub summary: String,
    pub disk_bytes: u64,
    pub wal_bytes: u64,
    /// `None` where nothing was measured.
    pub seconds: Option<f64>,
    pub subjects: Vec<Subject>,
    pub findings: Vec<Findings>,
    pub types: Vec<TableTypes>,
    pub plan: Value,
}

/// A part of the work.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Subject {
    pub subject: String,
    pub automatic: Option<u64>,
    pub with_findings: Option<u64>,
    pub by_hand: Option<u64>,
    pub level: Option<String>,
    pub detail: Option<String>,
}

/// Where the report was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Server {
    pub version: String,
    pub extension_version: String,
    pub database: String,
    pub encoding: String,
    /// When, as RFC 3339 in UTC.
    pub reported_at: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Run {
    pub id: i64,
    pub role: String,
    pub status: String,
    /// RFC 3339 in UTC.
    pub started_at: String,
    pub finished_at: Option<String>,
    pub seconds: Option<f64>,
    pub path: String,
    pub extension_version: String,
    /// What the file said about itself.
    pub source: Value,
}

/// A file without its directory.
pub fn file_name(path: &str) -> &str {
    path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(path)
}

impl Run {
    /// The file's size when it was read.
    pub fn bytes(&self) -> Option<u64> {
        let number = |name| self.source.get(name).and_then(Value::as_u64);
        number("page_size")?.checked_mul(number("page_count")?)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Totals {
    pub tables: u64,
    pub loaded: u64,
    pub skipped_tables: u64,
    pub failed: u64,
    pub source_rows: i64,
    pub imported: i64,
    pub updated: i64,
    pub skipped: i64,
    pub rejected: i64,
    /// Rows imported or updated, by the time of the whole run.
    pub rows_per_second: Option<f64>,
    pub blocking: u64,
    pub warnings: u64,
    pub infos: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Table {
    pub source: String,
    pub schema: String,
    pub table: String,
    pub status: String,
    pub rows_before: i64,
    pub source_rows: Option<i64>,
    pub imported: i64,
    pub updated: i64,
    pub skipped: i64,
    pub rejected: i64,
    /// Everything done for the table; of it, the load.
    pub seconds: f64,
    pub load_seconds: f64,
    pub detail: Option<String>,
}

impl Table {
    /// `schema.table`, for people.
    pub fn name(&self) -> String {
        format!("{}.{}", self.schema, self.table)
    }

    /// Rows of the file: as they were counted, or what is accounted for. Nobody has counted those of a table that was not loaded.
    pub fn source(&self) -> Option<i64> {
        let accounted = self.written().saturating_add(self.skipped).saturating_add(self.rejected);
        self.source_rows.or((self.status == "loaded").then_some(accounted))
    }

    /// Rows that the load has written.
    pub fn written(&self) -> i64 {
        self.imported.saturating_add(self.updated)
    }
}

/// What a phase took, and when: one span for each stretch without another phase.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Phase {
    pub phase: String,
    pub steps: u64,
    pub seconds: f64,
    pub rows: Option<i64>,
    pub spans: Vec<Span>,
}

/// Seconds since the run began.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Span {
    pub from: f64,
    pub to: f64,
}

#[derive(Debug, Clone, Serialize)]
pub struct Step {
    pub phase: String,
    pub title: String,
    pub seconds: f64,
    pub rows: Option<i64>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    pub phase: String,
    pub table: Option<String>,
    pub title: String,
    pub error: String,
}

/// Findings of one severity and kind.
#[derive(Debug, Clone, Serialize)]
pub struct Findings {
    pub severity: String,
    pub kind: String,
    /// What the kind is about, a sentence.
    pub about: String,
    pub findings: Vec<Finding>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Finding {
    pub object: String,
    pub message: String,
    pub hint: String,
    /// The part of a plan that resolves it.
    pub fix: Option<Value>,
}

#[derive(Debug, Clone, Serialize)]
pub struct TableTypes {
    pub source: String,
    pub columns: Vec<ColumnType>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ColumnType {
    pub source: String,
    pub column: String,
    /// `None` where the column is not loaded.
    #[serde(rename = "type")]
    pub pg_type: Option<String>,
    pub reason: Option<String>,
}

/// Rows of a table that were not loaded.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rejects {
    pub source: String,
    pub count: i64,
    /// The first of them.
    pub first: Vec<Reject>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reject {
    /// `rowid 5`, or the primary key's values.
    pub row: Option<String>,
    pub column: Option<String>,
    pub error: String,
    /// JSON text, whose end is left out where it is long.
    pub values: String,
}

/// What was verified last, of one kind; what is not right comes first.
#[derive(Debug, Clone, Serialize)]
pub struct Verification {
    pub kind: String,
    pub verified_at: String,
    pub objects: u64,
    pub failed: u64,
    /// The sums of the objects' counts.
    pub sums: BTreeMap<String, i64>,
    pub results: Vec<Verified>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Verified {
    pub schema: String,
    pub table: String,
    pub object: Option<String>,
    pub ok: bool,
    pub verdict: String,
    pub detail: Option<String>,
    pub counts: Value,
}

impl Verified {
    /// `schema.table`, or `schema.table.object`.
    pub fn name(&self) -> String {
        let object = self.object.as_ref().map(|object| format!(".{object}")).unwrap_or_default();
        format!("{}.{}{object}", self.schema, self.table)
    }

    /// What was counted, by the name of the function's column; 0 where nothing was.
    pub fn count(&self, name: &str) -> u64 {
        self.counts.get(name).and_then(Value::as_u64).unwrap_or(0)
    }
}

impl From<Facts> for RunReport {
    fn from(facts: Facts) -> RunReport {
        let findings = grouped(facts.findings);
        let verification = verified(facts.verification);
        let totals = totals(&facts.run, &facts.tables, &findings);
        let sources: Vec<&str> = facts.tables.iter().map(|table| &*table.source).collect();
        RunReport {
            version: VERSION,
            verdict: verdict(&facts.run, &facts.tables, &totals, &verification),
            server: facts.server,
            totals,
            phases: phases(&facts.steps),
            slowest: slowest(&facts.steps),
            failures: facts.steps.iter().filter_map(StepFact::failure).collect(),
            types: types(&facts.plan, &sources),
            rejects: facts.rejects,
            run: facts.run,
            tables: facts.tables,
            findings,
            verification,
            plan: facts.plan,
        }
    }
}

impl FileReport {
    pub fn new(assessment: &Assessment, plan: Value, server: Server) -> FileReport {
        let subjects: Vec<Subject> = assessment.lines().into_iter().map(Subject::from).collect();
        FileReport {
            version: VERSION,
            server,
            path: shown(&assessment.path),
            bytes: assessment.file_bytes,
            rows: assessment.rows,
            level: assessment.overall.to_string(),
            summary: assessment.summary(),
            disk_bytes: assessment.disk_bytes,
            wal_bytes: assessment.wal_bytes,
            seconds: assessment.machine_seconds,
            subjects,
            findings: grouped(assessment.findings.iter().map(FindingFact::from).collect()),
            types: types(&plan, &[]),
            plan,
        }
    }

    /// An import would stop.
    pub fn is_blocked(&self) -> bool {
        self.findings.iter().any(|group| group.severity == Severity::Blocking.as_str())
    }
}

impl From<Line> for Subject {
    fn from(line: Line) -> Subject {
        let count = |of: fn(Work) -> u64| line.work.map(of);
        Subject {
            subject: line.subject.to_owned(),
            automatic: count(|work| work.automatic),
            with_findings: count(|work| work.with_findings),
            by_hand: count(|work| work.by_hand),
            level: line.level.clone(),
            detail: line.detail.as_deref().map(shown),
        }
    }
}

impl From<&crate::finding::Finding> for FindingFact {
    fn from(finding: &crate::finding::Finding) -> FindingFact {
        let [object, message, hint] =
            [&finding.object, &finding.message, &finding.hint].map(|text| shown(text));
        FindingFact {
            severity: finding.severity.as_str().into(),
            kind: finding.kind.as_str().into(),
            finding: Finding { object, message, hint, fix: finding.patch() },
        }
    }
}

/// As the run log shows it: jsonb, into which the JSON form may be cast, has no NUL.
fn shown(text: &str) -> String {
    text.replace('\0', "\u{2400}")
}

fn totals(run: &Run, tables: &[Table], findings: &[Findings]) -> Totals {
    let with = |status: &str| tables.iter().filter(|table| table.status == status).count() as u64;
    let sum = |of: fn(&Table) -> i64| tables.iter().map(of).fold(0, i64::saturating_add);
    let found = |severity: &str| {
        (findings.iter().filter(|group| group.severity == severity))
            .map(|group| group.findings.len() as u64)
            .sum()
    };
    let seconds = run.seconds.filter(|seconds| *seconds > 0.0);
    Totals {
        tables: tables.len() as u64,
        loaded: with("loaded"),
        skipped_tables: with("skipped"),
        failed: with("failed"),
        source_rows: sum(|table| table.source().unwrap_or(0)),
        imported: sum(|table| table.imported),
        updated: sum(|table| table.updated),
        skipped: sum(|table| table.skipped),
        rejected: sum(|table| table.rejected),
        rows_per_second: seconds.map(|seconds| (sum(Table::written) as f64 / seconds).round()),
        blocking: found("blocking"),
        warnings: found("warning"),
        infos: found("info"),
    }
}

/// In the order in which they began. Steps that follow each other in one phase are one span.
fn phases(steps: &[StepFact]) -> Vec<Phase> {
    let mut phases: Vec<Phase> = vec![];
    let mut before: Option<&str> = None;
    for step in steps {
        let at = phases.iter().position(|phase| phase.phase == step.phase).unwrap_or_else(|| {
            let phase = step.phase.clone();
            phases.push(Phase { phase, steps: 0, seconds: 0.0, rows: None, spans: vec![] });
            phases.len() - 1
        });
        let Some(phase) = phases.get_mut(at) else { continue };
        let to = step.started + step.seconds;
        phase.steps += 1;
        phase.seconds += step.seconds;
        phase.rows = step.rows.map_or(phase.rows, |rows| Some(phase.rows.unwrap_or(0).saturating_add(rows)));
        match phase.spans.last_mut().filter(|_| before == Some(step.phase.as_str())) {
            Some(span) => span.to = to,
            None => phase.spans.push(Span { from: step.started, to }),
        }
        before = Some(&step.phase);
    }
    phases
}

fn slowest(steps: &[StepFact]) -> Vec<Step> {
    let mut slowest: Vec<&StepFact> = steps.iter().collect();
    slowest.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    slowest.into_iter().take(SLOWEST).map(StepFact::step).collect()
}

/// The worst severity first; kinds and findings stay in their order.
fn grouped(findings: Vec<FindingFact>) -> Vec<Findings> {
    const SEVERITIES: [&str; 3] = ["blocking", "warning", "info"];
    let mut groups: Vec<Findings> = vec![];
    for FindingFact { severity, kind, finding } in findings {
        match groups.iter_mut().find(|group| (&group.severity, &group.kind) == (&severity, &kind)) {
            Some(group) => group.findings.push(finding),
            None => {
                let about = Kind::ALL.iter().find(|known| known.as_str() == kind);
                let about = about.map(|kind| kind.describe()).unwrap_or_default().into();
                groups.push(Findings { severity, kind, about, findings: vec![finding] });
            }
        }
    }
    groups.sort_by_key(|group| SEVERITIES.iter().position(|severity| *severity == group.severity));
    groups
}

/// The types that a plan gives, and why. A plan that was kept as jsonb has lost its order: its tables come in the order of the
/// run (`sources`), its columns by name.
fn types(plan: &Value, sources: &[&str]) -> Vec<TableTypes> {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let column = |(source, column): (&String, &Value)| ColumnType {
        source: source.clone(),
        column: text(column, "name").unwrap_or_else(|| source.clone()),
        pg_type: text(column, "type").filter(|_| column.get("skip") != Some(&Value::Bool(true))),
        reason: text(column, "reason"),
    };
    let table = |(source, table): (&String, &Value)| {
        let mut columns: Vec<ColumnType> = members(table, "columns").map(column).collect();
        if !sources.is_empty() {
            columns.sort_by_key(|column| column.source.to_lowercase());
        }
        TableTypes { source: source.clone(), columns }
    };
    let places: HashMap<&str, usize> = sources.iter().copied().zip(0..).collect();
    let mut types: Vec<_> =
        members(plan, "tables").map(table).filter(|table| !table.columns.is_empty()).collect();
    types.sort_by_key(|table| places.get(&*table.source).copied().unwrap_or(usize::MAX));
    types
}

fn members<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value.get(name).and_then(Value::as_object).into_iter().flatten()
}

fn verified(facts: Vec<VerificationFact>) -> Vec<Verification> {
    let mut kinds: Vec<Verification> = vec![];
    for VerificationFact { kind, verified_at, verified } in facts {
        let at = kinds.iter().position(|known| known.kind == kind).unwrap_or_else(|| {
            let (kind, verified_at) = (kind, verified_at.clone());
            let sums = BTreeMap::new();
            kinds.push(Verification { kind, verified_at, objects: 0, failed: 0, sums, results: vec![] });
            kinds.len() - 1
        });
        let Some(of_kind) = kinds.get_mut(at) else { continue };
        of_kind.verified_at = verified_at.max(std::mem::take(&mut of_kind.verified_at));
        of_kind.objects += 1;
        of_kind.failed += u64::from(!verified.ok);
        // What a sequence counts is no number of anything.
        let counts = verified.counts.as_object().filter(|_| of_kind.kind != "sequences");
        for (name, count) in counts.into_iter().flatten() {
            if let Some(count) = count.as_i64() {
                let sum = of_kind.sums.entry(name.clone()).or_default();
                *sum = sum.saturating_add(count);
            }
        }
        of_kind.results.push(verified);
    }
    kinds.iter_mut().for_each(|kind| kind.results.sort_by_key(|result| result.ok));
    kinds
}
