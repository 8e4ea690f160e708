//! The report that is made of what was read, or decided about a file.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::facts::{Facts, FindingFact, StepFact, VerificationFact};
use super::model::{
    ColumnType, FileReport, Finding, Findings, Phase, Run, RunReport, Server, Span, Step, Subject, Table,
    TableTypes, Totals, VERSION, Verification,
};
use super::verdict::verdict;
use crate::assess::{Assessment, Line, Work};
use crate::finding::{Kind, Severity};

/// Steps that are named because they took the longest.
const SLOWEST: usize = 5;

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
