//! What a migration costs, before anything is done: how much goes by itself, what somebody has to read or to write, and
//! what it takes of disk, WAL and time. Pure; the survey and the plan are its input.

mod level;
mod size;
mod subject;
mod time;

use std::collections::HashMap;

use crate::catalog::{Index, IndexKey, Origin, Table, TableKind};
use crate::finding::{Finding, Kind, Severity};
use crate::plan::{Planned, Source};

pub use self::level::{Letter, Level, Work, digit_of_size};
pub use self::size::{Server, Size, bytes, estimate};
pub use self::subject::{Class, Subject, class, place};
pub use self::time::{Basis, Rate, RunTime, Time};

/// What an import of a file would be.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessment {
    pub path: String,
    pub file_bytes: u64,
    /// The programs that wrote it.
    pub makers: Vec<&'static str>,
    /// Tables and rows that would be loaded.
    pub tables: u64,
    pub rows: u64,
    /// One for each of [`Subject::ALL`], in its order.
    pub subjects: Vec<Assessed>,
    pub work: Work,
    pub overall: Level,
    /// Tables and indexes.
    pub disk_bytes: u64,
    pub wal_bytes: u64,
    pub size: Size,
    /// What `max_locks_per_transaction` has to be, if it is less.
    pub locks_needed: Option<u64>,
    /// `None` where nothing was measured.
    pub machine_seconds: Option<f64>,
    pub time: Time,
    /// Of the plan, the worst first.
    pub findings: Vec<Finding>,
}

/// One line of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Assessed {
    pub subject: Subject,
    /// `None` of what has no objects.
    pub work: Option<Work>,
    /// A letter, or a digit; `None` of the time.
    pub level: Option<String>,
    pub detail: Option<String>,
}

/// What is known of a file and of the server.
pub struct Facts<'a> {
    pub path: String,
    pub source: Source<'a>,
    /// One per table of the catalog: rows that are loaded.
    pub rows: &'a [u64],
    pub server: Server,
    /// What reading the file took, in seconds.
    pub read_seconds: f64,
    pub rate: Option<Rate>,
}

/// Makes the assessment of a plan.
pub fn assess(facts: Facts<'_>, planned: &Planned) -> Assessment {
    let (catalog, loaded) = (facts.source.catalog, loaded_rows(facts.rows, planned));
    let file_bytes = u64::from(catalog.page_size) * catalog.page_count;
    let size = estimate(&facts.source, planned, facts.rows, facts.server);
    let time = Time::of(facts.read_seconds, facts.rate, file_bytes, &size, planned.steps.len());
    let objects = objects(&facts.source, planned);
    let classes = classes(&facts.source, &planned.findings);
    let mut subjects = vec![];
    let mut work = Work::default();
    for subject in Subject::ALL {
        subjects.push(match subject {
            Subject::Size => Assessed {
                subject,
                work: None,
                level: Some(digit_of_size(size.disk_bytes()).to_string()),
                detail: Some(size.described(loaded, file_bytes)),
            },
            Subject::Time => Assessed { subject, work: None, level: None, detail: Some(time.described()) },
            _ => {
                let of = |((at, _), class): (&(Subject, &str), &Class)| (*at == subject).then_some(*class);
                let count = objects.get(&subject).copied().unwrap_or(0);
                let own = Work::of(count, classes.iter().filter_map(of));
                work = work.plus(own);
                let level = Some(own.letter().as_str().to_owned());
                Assessed { subject, work: Some(own), level, detail: detail(&facts.source, planned, subject) }
            }
        });
    }
    let mut findings = planned.findings.clone();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    Assessment {
        path: facts.path,
        file_bytes,
        makers: facts.source.orms.iter().map(|recognised| recognised.orm.title).collect(),
        tables: planned.tables.iter().filter(|table| !table.skipped).count() as u64,
        rows: loaded,
        subjects,
        work,
        overall: Level::of(work, size.disk_bytes()),
        disk_bytes: size.disk_bytes(),
        wal_bytes: size.wal_bytes as u64,
        size,
        locks_needed: facts.server.locks_needed(size.locks),
        machine_seconds: time.seconds(),
        time,
        findings,
    }
}

/// A row of `sqlite_assess`.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub subject: &'static str,
    pub work: Option<Work>,
    pub level: Option<String>,
    pub detail: Option<String>,
}

impl Assessment {
    /// A line per subject, and one about all.
    pub fn lines(&self) -> Vec<Line> {
        let of = |assessed: &Assessed| Line {
            subject: assessed.subject.as_str(),
            work: assessed.work,
            level: assessed.level.clone(),
            detail: assessed.detail.clone(),
        };
        let overall = Line {
            subject: "overall",
            work: Some(self.work),
            level: Some(self.overall.to_string()),
            detail: Some(self.summary()),
        };
        self.subjects.iter().map(of).chain([overall]).collect()
    }

    /// What would stop an import.
    pub fn blocking(&self) -> usize {
        self.findings.iter().filter(|finding| finding.severity == Severity::Blocking).count()
    }

    /// The first of the worst findings, if it is one that somebody has to know.
    pub fn worst(&self) -> Option<&Finding> {
        self.findings.first().filter(|finding| finding.severity > Severity::Info)
    }

    /// The last line, about all subjects.
    pub fn summary(&self) -> String {
        match (self.blocking(), self.locks_needed) {
            (0, Some(needed)) => format!(
                "the import would need about {} locks: set max_locks_per_transaction to at least {needed}",
                self.size.locks
            ),
            (0, None) => "the import would run".into(),
            (1, _) => "one finding would stop the import: see sqlite_findings".into(),
            (many, _) => format!("{many} findings would stop the import: see sqlite_findings"),
        }
    }
}

fn loaded_rows(rows: &[u64], planned: &Planned) -> u64 {
    let loaded = planned.tables.iter().filter(|table| !table.skipped);
    loaded.filter_map(|table| rows.get(table.id.index())).sum()
}

/// How many objects each subject has, of the tables that take part.
fn objects(source: &Source<'_>, planned: &Planned) -> HashMap<Subject, u64> {
    let catalog = source.catalog;
    let mut counts: HashMap<Subject, u64> = HashMap::new();
    let mut add = |subject, count: usize| *counts.entry(subject).or_default() += count as u64;
    // The file itself.
    add(Subject::DataQuality, 1);
    for (plan, table) in planned.tables.iter().filter_map(|p| Some((p, catalog.tables.get(p.id.index())?))) {
        if let TableKind::Virtual { .. } = table.kind {
            add(of_virtual_table(table), 1);
        }
        if matches!(table.kind, TableKind::Virtual { .. }) && plan.skipped {
            continue;
        }
        add(Subject::Tables, 1);
        if plan.skipped {
            continue;
        }
        let (columns, keys) = (plan.columns.len(), keys(table));
        add(Subject::Columns, columns);
        add(Subject::Keys, keys);
        add(Subject::Expressions, expressions(table));
        add(Subject::DataQuality, 1 + columns + keys + table.checks.len());
    }
    add(Subject::Views, catalog.views.len());
    add(Subject::Triggers, catalog.triggers.len());
    counts
}

/// Keys and indexes; the primary key's own index is the key.
fn keys(table: &Table) -> usize {
    let indexes = table.indexes.iter().filter(|index| index.origin != Origin::PrimaryKey);
    usize::from(table.primary_key.is_some()) + table.foreign_keys.len() + indexes.count()
}

fn expressions(table: &Table) -> usize {
    let of_index = |index: &Index| {
        let keys = index.columns.iter().filter(|c| matches!(c.key, IndexKey::Expression(_)));
        keys.count() + usize::from(index.predicate.is_some())
    };
    let defaults = table.columns.iter().filter(|c| c.default.is_some()).count();
    let generated = table.columns.iter().filter(|c| c.generated.is_some()).count();
    defaults + generated + table.checks.len() + table.indexes.iter().map(of_index).sum::<usize>()
}

fn of_virtual_table(table: &Table) -> Subject {
    match &table.kind {
        TableKind::Virtual { module, .. } if is_full_text(module) => Subject::FullText,
        _ => Subject::VirtualTables,
    }
}

fn is_full_text(module: &str) -> bool {
    module.get(..3).is_some_and(|head| head.eq_ignore_ascii_case("fts"))
}

/// The subject of a finding, and what it makes of its object. Where rows of a full-text table are loaded, the search over
/// them is still to be made.
fn placed(source: &Source<'_>, finding: &Finding) -> (Subject, Class) {
    let (subject, of_warning) = place(finding.kind);
    let full_text = || {
        let table = source.catalog.table(&finding.object);
        table.is_some_and(|table| of_virtual_table(table) == Subject::FullText)
    };
    let of_key = || {
        ["foreign key ", "primary key of ", "unique constraint on "]
            .iter()
            .any(|key| finding.object.starts_with(key))
    };
    match finding.kind {
        Kind::VirtualTable if full_text() => (Subject::FullText, class(finding, Class::ByHand)),
        Kind::LeftOut if of_key() => (Subject::Keys, class(finding, of_warning)),
        _ => (subject, class(finding, of_warning)),
    }
}

/// The worst that findings make of each object.
fn classes<'a>(source: &Source<'_>, findings: &'a [Finding]) -> HashMap<(Subject, &'a str), Class> {
    let mut worst: HashMap<(Subject, &str), Class> = HashMap::new();
    for finding in findings {
        let (subject, class) = placed(source, finding);
        let known = worst.entry((subject, finding.object.as_str())).or_insert(class);
        *known = class.max(*known);
    }
    worst
}

/// `blocking: orphans 1; warning: left_out 2, sequence 1`
fn detail(source: &Source<'_>, planned: &Planned, subject: Subject) -> Option<String> {
    let mut parts = vec![];
    for severity in [Severity::Blocking, Severity::Warning, Severity::Info] {
        let mut kinds: Vec<(Kind, usize)> = vec![];
        let own = planned.findings.iter().filter(|f| f.severity == severity);
        for finding in own.filter(|finding| placed(source, finding).0 == subject) {
            match kinds.iter_mut().find(|(kind, _)| *kind == finding.kind) {
                Some((_, count)) => *count += 1,
                None => kinds.push((finding.kind, 1)),
            }
        }
        let named: Vec<String> = kinds.iter().map(|(kind, n)| format!("{} {n}", kind.as_str())).collect();
        if !named.is_empty() {
            parts.push(format!("{}: {}", severity.as_str(), named.join(", ")));
        }
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}
