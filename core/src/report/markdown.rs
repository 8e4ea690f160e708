//! The report as GitHub's Markdown. Texts from the file are code, in which nothing is markup and nobody is mentioned.

use serde_json::Value;

use super::model::{Finding, Findings, Table, TableTypes, file_name};
use super::text::{self, file_facts, known, summary, table_columns};
use super::verdict::call;
use super::words::{count, grouped, moment, one_line, percent, seconds, share, spaced};
use super::{FileReport, Report, RunReport};
use crate::assess::bytes;

/// The most rows of one table; the JSON form has all of them.
const MOST: usize = 200;

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
    findings(&report.findings, &mut out);
    types(&report.types, &mut out);
    plan(&report.plan, &mut out);
    out
}

fn file(report: &FileReport) -> Vec<String> {
    let mut out = vec![format!("# Assessment of {}", code(file_name(&report.path))), String::new()];
    out.extend([format!("**Level: {}**, {}", report.level, escape(&report.summary)), String::new()]);
    let facts = file_facts(report).into_iter().map(|(name, fact)| vec![name.to_owned(), code(&fact)]);
    table(&mut out, &[("", false), ("", false)], facts);
    out.extend(["## Work".into(), String::new()]);
    let optional = |count: Option<u64>| count.map(|count| grouped(count as i64)).unwrap_or_default();
    let rows = report.subjects.iter().map(|subject| {
        let counts = [subject.automatic, subject.with_findings, subject.by_hand].map(optional);
        let (level, detail) =
            (subject.level.clone().unwrap_or_default(), subject.detail.as_deref().unwrap_or(""));
        [spaced(&subject.subject)].into_iter().chain(counts).chain([level, escape(detail)]).collect()
    });
    let heads = [
        ("subject", false),
        ("automatic", true),
        ("findings", true),
        ("by hand", true),
        ("level", false),
        ("", false),
    ];
    table(&mut out, &heads, rows);
    findings(&report.findings, &mut out);
    types(&report.types, &mut out);
    plan(&report.plan, &mut out);
    out
}

fn plan(plan: &Value, out: &mut Vec<String>) {
    let plan = block(&text::plan(plan), "json");
    out.extend(["## Plan".into(), String::new(), details("The complete plan", &plan)]);
}

fn head(report: &RunReport, out: &mut Vec<String>) {
    let (run, server) = (&report.run, &report.server);
    out.extend([format!("# Import of {}", code(file_name(&run.path))), String::new()]);
    out.extend([format!("**Verdict: {}**", report.verdict.verdict.as_str()), String::new()]);
    out.extend(report.verdict.reasons.iter().map(|reason| format!("- {reason}")));
    out.extend(report.verdict.next.iter().map(|call| format!("- Next: {}", code(call))));
    out.push(String::new());
    let size = run.bytes().map(|size| format!(", {}", bytes(size as f64))).unwrap_or_default();
    let took = run.seconds.map(|took| format!(", took {}", seconds(took))).unwrap_or_default();
    let facts = [
        ("File", format!("{}{size}", code(&run.path))),
        ("Run", format!("{} by {}, {}{took}", run.id, code(&run.role), moment(&run.started_at))),
        ("Database", format!("{} ({})", code(&server.database), server.encoding)),
        (
            "Versions",
            format!("pg_sqlite_migrate {}, PostgreSQL {}", run.extension_version, escape(&server.version)),
        ),
    ];
    let rows = facts.map(|(name, fact)| vec![name.to_owned(), fact]);
    table(out, &[("", false), ("", false)], rows);
}

/// A table, in whose cells bars are no borders; the flag of a column aligns it to the right.
fn table(out: &mut Vec<String>, heads: &[(&str, bool)], rows: impl IntoIterator<Item = Vec<String>>) {
    let line = |cells: &[String]| format!("| {} |", cells.join(" | "));
    let rule = |(_, right): &(&str, bool)| if *right { "--:" } else { "---" }.to_owned();
    out.push(line(&heads.iter().map(|(head, _)| (*head).to_owned()).collect::<Vec<_>>()));
    out.push(line(&heads.iter().map(rule).collect::<Vec<_>>()));
    let rows: Vec<_> = rows.into_iter().collect();
    let cells = |row: &Vec<String>| row.iter().map(|cell| cell.replace('|', "\\|")).collect::<Vec<_>>();
    out.extend(rows.iter().take(MOST).map(|row| line(&cells(row))));
    out.push(String::new());
    if rows.len() > MOST {
        out.extend([format!("… and {} more.", grouped((rows.len() - MOST) as i64)), String::new()]);
    }
}

fn tables(report: &RunReport, out: &mut Vec<String>) {
    let shown = table_columns(&report.tables);
    let numbers = shown.iter().map(|(head, ..)| (*head, true));
    let heads: Vec<_> =
        [("table", false)].into_iter().chain(numbers).chain([("time", true), ("status", false)]).collect();
    let row = |table: &Table| {
        let detail = table.detail.as_deref().map(|detail| format!(": {}", code(detail))).unwrap_or_default();
        let counts = shown.iter().map(|(.., of)| known(of(table)));
        [code(&table.name())]
            .into_iter()
            .chain(counts)
            .chain([seconds(table.seconds), format!("{}{detail}", table.status)])
            .collect()
    };
    out.extend(["## Tables".into(), String::new()]);
    self::table(out, &heads, report.tables.iter().map(row));
}

fn phases(report: &RunReport, out: &mut Vec<String>) {
    let whole = report.run.seconds.unwrap_or(0.0);
    out.extend(["## Phases".into(), String::new()]);
    let rows = report.phases.iter().map(|phase| {
        vec![
            spaced(&phase.phase),
            seconds(phase.seconds),
            percent(share(phase.seconds, whole)),
            grouped(phase.steps as i64),
        ]
    });
    table(out, &[("phase", false), ("time", true), ("share", true), ("steps", true)], rows);
    let rows = report.slowest.iter().map(|step| vec![code(&step.title), seconds(step.seconds)]);
    table(out, &[("longest steps", false), ("time", true)], rows);
    if !report.failures.is_empty() {
        let rows = report.failures.iter().map(|failure| vec![code(&failure.title), code(&failure.error)]);
        table(out, &[("failed steps", false), ("error", false)], rows);
    }
}

fn findings(groups: &[Findings], out: &mut Vec<String>) {
    out.extend(["## Findings".into(), String::new()]);
    if groups.is_empty() {
        out.extend(["There are none.".into(), String::new()]);
    }
    for group in groups {
        let title = format!("### {}: {} ({})", group.severity, spaced(&group.kind), group.findings.len());
        out.extend([title, String::new(), escape(&group.about), String::new()]);
        let row = |finding: &Finding| {
            let fix = finding.fix.as_ref().map(|fix| code(&fix.to_string())).unwrap_or_default();
            vec![code(&finding.object), escape(&finding.message), escape(&finding.hint), fix]
        };
        let heads = [("object", false), ("message", false), ("hint", false), ("fix", false)];
        table(out, &heads, group.findings.iter().map(row));
    }
}

fn types(tables: &[TableTypes], out: &mut Vec<String>) {
    let rows = tables.iter().flat_map(|table| {
        table.columns.iter().map(|column| {
            let pg_type = column.pg_type.as_deref().map_or("not loaded".into(), code);
            let reason = column.reason.as_deref().map(escape).unwrap_or_default();
            vec![code(&format!("{}.{}", table.source, column.source)), pg_type, reason]
        })
    });
    let mut inner = vec![];
    table(&mut inner, &[("column", false), ("type", false), ("reason", false)], rows);
    let columns: usize = tables.iter().map(|table| table.columns.len()).sum();
    let title = count(columns as u64, "column", "columns");
    out.extend(["## Types".into(), String::new(), details(&title, &inner.join("\n")), String::new()]);
}

fn rejects(report: &RunReport, out: &mut Vec<String>) {
    if report.rejects.is_empty() {
        return;
    }
    out.extend(["## Rejected rows".into(), String::new()]);
    for rejects in &report.rejects {
        let rows = count(rejects.count.unsigned_abs(), "row", "rows");
        out.extend([format!("{}: {rows}", code(&rejects.source)), String::new()]);
        let optional = |text: &Option<String>| text.as_deref().map(code).unwrap_or_default();
        let rows = rejects.first.iter().map(|reject| {
            vec![optional(&reject.row), optional(&reject.column), code(&reject.error), code(&reject.values)]
        });
        table(out, &[("row", false), ("column", false), ("error", false), ("values", false)], rows);
    }
}

fn verification(report: &RunReport, out: &mut Vec<String>) {
    out.extend(["## Verification".into(), String::new()]);
    if report.verification.is_empty() {
        let call = code(&call(&report.run));
        out.extend([format!("Nothing was verified since the import: {call}"), String::new()]);
    }
    for of_kind in &report.verification {
        out.extend([format!("- {}", escape(&summary(of_kind))), String::new()]);
        let wrong = of_kind.results.iter().filter(|result| !result.ok).map(|result| {
            vec![
                code(&result.name()),
                code(&result.verdict),
                result.detail.as_deref().map(escape).unwrap_or_default(),
            ]
        });
        let wrong: Vec<_> = wrong.collect();
        if !wrong.is_empty() {
            table(out, &[("object", false), ("verdict", false), ("detail", false)], wrong);
        }
    }
}

/// What is unfolded by a click.
fn details(title: &str, inner: &str) -> String {
    format!("<details><summary>{}</summary>\n\n{inner}\n\n</details>", escape(title))
}

/// A fence that the text does not end.
fn fence(text: &str, least: usize) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(least.max(longest + 1))
}

fn block(text: &str, language: &str) -> String {
    let fence = fence(text, 3);
    format!("{fence}{language}\n{text}\n{fence}")
}

fn code(text: &str) -> String {
    let text = one_line(text);
    let fence = fence(&text, 1);
    let pad =
        if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) || text.is_empty() { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A text in which nothing is markup.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in one_line(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // An entity mentions nobody, and begins no code.
            '@' => out.push_str("&#64;"),
            '`' => out.push_str("&#96;"),
            '\\' | '*' | '_' | '{' | '}' | '[' | ']' | '~' | '#' | '!' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_file_is_markup() {
        let mut out = vec![];
        table(&mut out, &[("n", true)], [vec![code("a|b")]]);
        assert_eq!(out, ["| n |", "| --: |", "| `a\\|b` |", ""]);
        assert_eq!(code("a``b`"), "``` a``b` ```");
        assert_eq!(code("a\nb"), "`a␊b`");
        assert_eq!(escape("<b>*x* @you [a](b) | c"), "&lt;b&gt;\\*x\\* &#64;you \\[a\\](b) | c");
        assert_eq!(block("```", "json"), "````json\n```\n````");
    }
}
