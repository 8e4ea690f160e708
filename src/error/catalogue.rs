//! The error catalogue of docs/reference.md has every error once, under its SQLSTATE.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{BrokenRows, Changer, Code, Error, KeyFault, OrphanRows, OtherRows, sqlstate};
use crate::pg::report::Place;
use crate::pg::xact::Caught;
use crate::sqlite;
use crate::sqlite::error::{Constraint, Kind};
use crate::sqlite::expressions::Failing;
use crate::sqlite::functions::{Fault, ValueFault};
use crate::sqlite::rows::{CellError, CellPlace};
use pg_sqlite_migrate_core::finding;
use pg_sqlite_migrate_core::plan::PlanError;
use pg_sqlite_migrate_core::search::query::{FaultKind, Placed};
use pg_sqlite_migrate_core::translate::program::Refusal;
use pg_sqlite_migrate_core::value::batch::RowName;

const PAGE: &str = include_str!("../../docs/reference.md");

/// Codes that the code only compares with, or that are no errors.
const NOT_RAISED: [&str; 8] = [
    "admin_shutdown",
    "dependent_objects_still_exist",
    "division_by_zero",
    "exclusion_violation",
    "invalid_schema_name",
    "raise_exception",
    "successful_completion",
    "warning",
];

/// Samples of every variant. A variant that is missing does not compile.
macro_rules! samples {
    ($type:path { $($variant:ident $fields:tt => [$($sample:expr),* $(,)?],)* }) => {{
        use $type as Type;
        let _every_variant = |error: &Type| match error { $(Type::$variant $fields => (),)* };
        let mut samples: Vec<Type> = Vec::new();
        $($(
            let sample: Type = $sample;
            assert!(matches!(sample, Type::$variant $fields), "not a sample of {}", stringify!($variant));
            samples.push(sample);
        )*)*
        samples
    }};
}

fn any() -> String {
    "…".into()
}

fn file() -> PathBuf {
    any().into()
}

fn caught(sqlstate: Code) -> Box<Caught> {
    Box::new(Caught {
        sqlstate: sqlstate.into(),
        message: any(),
        detail: None,
        hint: None,
        place: Box::new(Place::here()),
    })
}

fn cell(storage_class: &'static str) -> Box<CellError> {
    let row = RowName::Rowid(1);
    Box::new(CellError {
        row,
        column: any(),
        pg_type: any(),
        storage_class,
        excess: None,
        texts: None,
        too_large: false,
        value: any(),
        reason: any(),
    })
}

fn errors() -> Vec<Error> {
    let orphans = OrphanRows {
        source: any(),
        table: any(),
        parent: any(),
        count: 1,
        examples: any(),
        existing: true,
        nullable: true,
    };
    let others = OtherRows { source: any(), place: any(), count: 1, example: any(), hint: any() };
    let fault = |refused| KeyFault { source: any(), detail: any(), hint: any(), refused };
    let broken = BrokenRows {
        source: any(),
        what: "constraint \"…\"".into(),
        on: any(),
        rows: None,
        hint: None,
        caught: *caught(Code::ERRCODE_UNIQUE_VIOLATION),
    };
    let blocking = || finding::Kind::TableKept.blocking(any(), any()).hint(any());
    let (message, hint) = (any, any);
    let query = |kind| Error::Query(Box::new(Placed { kind, reason: any(), line: 1, column: 1 }));
    let mut samples = samples!(Error {
        NoFileAccess { .. } => [Error::NoFileAccess { role: any() }],
        NullPath { .. } => [Error::NullPath],
        NullStatement { .. } => [Error::NullStatement],
        Query(_) => [query(FaultKind::Syntax), query(FaultKind::NoColumn), query(FaultKind::Unsupported), query(FaultKind::TooLong)],
        // The message is the caller's.
        SearchArgument { .. } => [],
        Statement(_) => [Error::Statement(Box::new(Refusal { reason: any(), place: None, near: None, with_schema: true }))],
        OutsideAllowedDirectories { .. } => [Error::OutsideAllowedDirectories { path: any() }],
        Sqlite(_) => [],
        Plan(_) => [],
        Type { .. } => [Error::Type {
            path: "plan.…".into(),
            message: "type \"…\" does not exist".into(),
            sqlstate: Code::ERRCODE_UNDEFINED_OBJECT.into(),
        }],
        NoCreateTable { .. } => [Error::NoCreateTable { schema: any(), privileges: any(), role: any() }],
        NoCreateSchema { .. } => [Error::NoCreateSchema { schema: any(), database: any(), role: any() }],
        Blocked(_) => [Error::Blocked(vec![blocking(), blocking()])],
        Cell { .. } => [
            Error::Cell { table: any(), cell: cell("text"), hint: hint() },
            Error::Cell { table: any(), cell: cell("null"), hint: hint() },
        ],
        Memory { .. } => [Error::Memory { table: any(), place: CellPlace::default() }],
        Input { .. } => [Error::Input {
            table: any(),
            cell: cell("text"),
            sqlstate: Code::ERRCODE_INVALID_TEXT_REPRESENTATION.into(),
            hint: hint(),
        }],
        Orphans(_) => [Error::Orphans(Box::new(orphans))],
        NoRun { .. } => [Error::NoRun { run: None }],
        Values { .. } => [Error::Values { table: any(), difference: any() }],
        Counts { .. } => [Error::Counts { table: any(), rows_source: 3, rows_target: 2, rejected: 0 }],
        Changed { .. } => [Error::Changed { table: any(), expected: 1, found: 2, by: Changer::After }],
        Dropped { .. } => [Error::Dropped { table: any(), by: Changer::After }],
        // The message is the caller's.
        Foreign { .. } => [],
        Conflict { .. } => [Error::Conflict {
            source_table: any(),
            table: any(),
            rows: None,
            hint: None,
            caught: caught(Code::ERRCODE_UNIQUE_VIOLATION),
        }],
        Broken(_) => [Error::Broken(Box::new(broken))],
        Unmatched(_) => [
            Error::Unmatched(Box::new(fault(false))),
            Error::Unmatched(Box::new(fault(true))),
        ],
        References(_) => [
            Error::References(Box::new(fault(false))),
            Error::References(Box::new(fault(true))),
        ],
        OtherRows(_) => [Error::OtherRows(Box::new(others))],
        // The message is the server's.
        Server(_) => [],
        // Its error's own.
        InRun { .. } => [],
    });
    let path = || "plan.…".to_string();
    samples.extend(
        samples!(PlanError {
            Invalid { .. } => [PlanError::Invalid { path: path(), message: message(), hint: hint() }],
            Unsupported { .. } => [PlanError::Unsupported { path: path(), hint: hint() }],
        })
        .into_iter()
        .map(Error::from),
    );
    samples.extend(sqlite_errors().into_iter().map(Error::from));
    samples
}

fn sqlite_errors() -> Vec<sqlite::Error> {
    use sqlite::Error as E;
    let (path, message, directory) = (file, any, file);
    let vanished = |kind| E::Vanished { path: file(), kind, name: any() };
    let broken = |kind| E::Constraint { path: file(), kind, message: any() };
    let failing = |column| E::Expression {
        path: file(),
        failing: Box::new(Failing {
            table: any(),
            column,
            expression: any(),
            filter: None,
            row: None,
            nullable: true,
            message: any(),
        }),
    };
    let fault = ValueFault {
        column: "….…".into(),
        pg_type: any(),
        storage_class: "text",
        value: any(),
        reason: any(),
    };
    samples!(sqlite::Error {
        RelativePath { .. } => [E::RelativePath { path: path() }],
        InvalidPath { .. } => [E::InvalidPath { path: path() }],
        Missing { .. } => [E::Missing { path: path() }],
        Directory { .. } => [E::Directory { path: path() }],
        NotRegularFile { .. } => [E::NotRegularFile { path: path() }],
        PermissionDenied { .. } => [E::PermissionDenied { path: path() }],
        NotADatabase { .. } => [E::NotADatabase { path: path() }],
        EmptyFile { .. } => [E::EmptyFile { path: path() }],
        Corrupt { .. } => [E::Corrupt { path: path(), object: None, detail: any() }],
        Locked { .. } => [E::Locked { path: path(), detail: any() }],
        WalAlone { .. } => [E::WalAlone { path: path() }],
        WalLeftOut { .. } => [E::WalLeftOut { path: path() }],
        WalUnusable { .. } => [E::WalUnusable { path: path() }],
        Changed { .. } => [E::Changed { path: path() }],
        Copy { .. } => [
            E::Copy { path: path(), directory: directory(), full: true, message: message() },
            E::Copy { path: path(), directory: directory(), full: false, message: message() },
        ],
        CopyTooLarge { .. } => [E::CopyTooLarge { path: path(), bytes: 2, limit: 1 }],
        DirectoryUnwritable { .. } => [E::DirectoryUnwritable { path: path() }],
        TooBig { .. } => [E::TooBig { path: path(), message: message() }],
        // The same message and code as `Memory` of `Error`.
        NoMemory { .. } => [E::NoMemory { path: path(), object: None }],
        HotJournal { .. } => [E::HotJournal { path: path() }],
        Interrupted { .. } => [E::Interrupted { path: path() }],
        InvalidFilter { .. } => [E::InvalidFilter { path: path(), filter: any(), reason: any() }],
        InvalidUsing { .. } => [
            E::InvalidUsing { path: path(), column: any(), expression: any(), reason: any() },
        ],
        Expression { .. } => [failing(None), failing(Some(any()))],
        Refused { .. } => [E::Refused { path: path(), message: message() }],
        Constraint { .. } => [
            broken(Constraint::Unique),
            broken(Constraint::NotNull),
            broken(Constraint::ForeignKey),
            broken(Constraint::Check),
            broken(Constraint::Other),
        ],
        Collation { .. } => [E::Collation { path: path(), name: any() }],
        ReadOnly { .. } => [E::ReadOnly { path: path() }],
        Full { .. } => [E::Full { path: path() }],
        Snapshot { .. } => [E::Snapshot { path: path() }],
        Vanished { .. } => [
            vanished(Kind::Table),
            vanished(Kind::Column),
            vanished(Kind::Function),
            vanished(Kind::Module),
            vanished(Kind::Collation),
        ],
        Schema { .. } => [E::Schema { path: path(), message: message() }],
        Function { .. } => [E::Function { path: path(), fault: Box::new(Fault::Value(fault)) }],
        Stale { .. } => [E::Stale { path: path() }],
        Change { .. } => [E::Change { path: path(), message: message() }],
        Sqlite { .. } => [E::Sqlite { path: path(), code: 1, message: message() }],
    })
}

/// The messages under each code's heading.
fn catalogue() -> BTreeMap<&'static str, Vec<&'static str>> {
    let (_, rest) = PAGE.split_once("<!-- begin errors: src/error/catalogue.rs -->").expect("begin marker");
    let (body, _) = rest.split_once("<!-- end errors -->").expect("end marker");
    let sections = body.split("\n### ").skip(1);
    let messages = |section: &'static str| -> Vec<&'static str> {
        let entries = section.lines().filter_map(|line| line.strip_prefix("- `")?.strip_suffix('`'));
        entries.flat_map(|entry| entry.split("`, `")).collect()
    };
    sections.map(|section| (&section[..5], messages(section))).collect()
}

/// What stands for names stands for numbers, too.
fn pattern(message: &str) -> String {
    let mut out = String::new();
    for c in message.chars() {
        match c.is_ascii_digit() {
            true if out.ends_with('…') => {}
            true => out.push('…'),
            false => out.push(c),
        }
    }
    out
}

#[test]
fn every_error_is_listed_once_under_its_code() {
    let listed = catalogue();
    for error in errors() {
        let message = pattern(&error.to_string());
        let of_code = |(code, _): &(&&str, &Vec<&str>)| error.sqlstate() == sqlstate(code);
        let (code, entries) = listed.iter().find(of_code).expect("a heading, see the other test");
        let found = entries.iter().filter(|entry| **entry == message).count();
        assert_eq!(
            found, 1,
            "docs/reference.md must have under {code}:\n- `{message}`\nand has {entries:#?}"
        );
    }
}

#[test]
fn every_code_that_is_raised_has_a_heading() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut raised = BTreeSet::new();
    codes_below(&root.join("src"), &mut raised);
    assert!(raised.contains("feature_not_supported"), "the files are read");
    for name in raised.iter().filter(|name| !NOT_RAISED.contains(&name.as_str())) {
        let heading = |line: &str| line.starts_with("### ") && line.ends_with(&format!(" {name}"));
        assert!(PAGE.lines().any(heading), "docs/reference.md has no heading for {name}");
    }
}

/// Condition names of the codes that sources name.
fn codes_below(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(directory).expect("a directory of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            codes_below(&path, found);
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a source");
        for rest in text.split("::ERRCODE_").skip(1) {
            let end = rest.find(|c: char| !c.is_ascii_uppercase() && c != '_').unwrap_or(rest.len());
            let name = rest[..end].trim_start_matches("T_R_");
            found.extend((!name.is_empty()).then(|| name.to_ascii_lowercase()));
        }
    }
}
