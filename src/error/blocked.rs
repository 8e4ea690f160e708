//! What is said of findings that stop an import.

use pgrx::PgSqlErrorCode as Code;

use pg_sqlite_migrate_core::finding::{Finding, Fix, Kind};
use pg_sqlite_migrate_core::shorten;

/// Lines of a DETAIL: the tables of a whole application, but not of every application.
const LISTED: usize = 100;

/// A script can match the cause of the first blocking finding.
pub(super) fn code(findings: &[Finding]) -> Code {
    match findings.first().map(|f| f.kind) {
        Some(Kind::TableExists) => Code::ERRCODE_DUPLICATE_TABLE,
        Some(Kind::Orphans) => Code::ERRCODE_FOREIGN_KEY_VIOLATION,
        Some(Kind::NullKey) => Code::ERRCODE_NOT_NULL_VIOLATION,
        Some(Kind::DuplicateKey) => Code::ERRCODE_UNIQUE_VIOLATION,
        Some(Kind::BrokenCheck) => Code::ERRCODE_CHECK_VIOLATION,
        Some(Kind::InvalidValue | Kind::Vectors) => Code::ERRCODE_INVALID_TEXT_REPRESENTATION,
        Some(Kind::RowTooWide | Kind::KeyTooLong) => Code::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
        Some(Kind::Damaged | Kind::Unreadable) => Code::ERRCODE_DATA_CORRUPTED,
        Some(Kind::Untranslatable) => Code::ERRCODE_UNTRANSLATABLE_CHARACTER,
        Some(_) | None => Code::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
    }
}

pub(super) fn message(findings: &[Finding]) -> String {
    match findings {
        [one] => format!("{}: {}", one.object, one.message),
        many => format!("{} findings stop the import before anything is written", many.len()),
    }
}

/// The first findings, a line each.
pub(super) fn list(findings: &[Finding]) -> String {
    let mut lines: Vec<String> = findings.iter().take(LISTED).map(line).collect();
    if findings.len() > LISTED {
        lines.push(format!("And {} more: see sqlite_findings(path, plan).", findings.len() - LISTED));
    }
    lines.join("\n")
}

fn line(finding: &Finding) -> String {
    let end = if finding.message.ends_with('?') { "" } else { "." };
    format!("{}: {}{end}", finding.object, finding.message)
}

/// The first finding's, where those of the others are, and what resolves all of them.
pub(super) fn hint(findings: &[Finding]) -> Option<String> {
    let mut hints = findings.iter().map(|f| &f.hint).filter(|hint| !hint.is_empty());
    let first = hints.next()?;
    let others = hints.any(|hint| hint != first);
    let all = if others { " For the others see sqlite_findings(path, plan)." } else { "" };
    let fixes = || findings.iter().filter_map(|f| f.fix.clone());
    // A long hint is shortened, and a part of a patch would be of no use.
    let whole =
        |fix: Fix| Some(format!("{first}{all} {}", fix.pasted())).filter(|hint| !shorten::is_long(hint));
    let pasted = fixes().reduce(Fix::and).and_then(whole).or_else(|| fixes().next().and_then(whole));
    Some(pasted.unwrap_or_else(|| format!("{first}{all}")))
}
