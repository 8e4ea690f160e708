//! Reads the sources and fails on an import that the layout forbids, on a pure file that names `pgrx` or `rusqlite`,
//! and on `unsafe` outside `src/pg/` and `src/sqlite/raw.rs`. It works on text: paths are written `crate::room::…` in this project.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms (a folder or a file of `src/`) and the rooms that each may import. Nobody imports `api`.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("catalog", &["sqltext", "value"]),
    ("brief", &[]),
    ("damage", &[]),
    ("finding", &["brief"]),
    ("sqltext", &[]),
    ("types", &["catalog", "value", "finding"]),
    ("value", &[]),
    ("query", &["value"]),
    ("translate", &["types", "catalog", "value", "sqltext"]),
    ("plan", &["translate", "types", "catalog", "damage", "value", "sqltext", "finding"]),
    ("report", &["plan", "finding"]),
    ("sqlite", &["catalog", "damage", "types", "value", "sqltext", "query"]),
    ("pg", &["brief", "sqltext", "types", "value", "query"]),
    ("run", RUN),
    ("verify", JOINS),
    ("fdw", FDW),
    ("export", JOINS),
    ("guc", &["pg"]),
    ("error", &["brief", "plan", "sqlite", "pg", "value", "types", "translate", "finding", "sqltext"]),
    (
        "api",
        &[
            "run", "verify", "fdw", "export", "report", "plan", "sqlite", "error", "guc", "pg", "catalog",
            "types", "value", "finding", "sqltext", "brief",
        ],
    ),
    ("lib", ANY),
    ("server_tests", ANY),
    ("bin", &[]),
];

/// The rooms that join both databases.
const JOINS: &[&str] = &[
    "sqlite",
    "pg",
    "plan",
    "translate",
    "types",
    "catalog",
    "value",
    "sqltext",
    "finding",
    "error",
    "guc",
    "query",
];

/// IMPORT FOREIGN SCHEMA makes the same choices as an import, from the same survey.
const FDW: &[&str] =
    &["run", "sqlite", "pg", "plan", "types", "catalog", "value", "sqltext", "error", "guc", "query"];

/// A run ends with its verification.
const RUN: &[&str] = &[
    "damage",
    "brief",
    "verify",
    "sqlite",
    "pg",
    "plan",
    "translate",
    "types",
    "catalog",
    "value",
    "sqltext",
    "finding",
    "error",
    "guc",
];

const ANY: &[&str] = &["*"];

/// What decides without any database: no crate of either side may be named there.
const PURE: &[&str] = &[
    "brief.rs",
    "catalog.rs",
    "damage.rs",
    "finding.rs",
    "sqltext.rs",
    "types/",
    "types.rs",
    "value/",
    "translate/",
    "plan/",
    "report/",
    "query/",
    "fdw/column.rs",
    "fdw/faults.rs",
    "fdw/vocabulary.rs",
    "fdw/shippable",
    "fdw/deparse",
];

/// Folders and the crates that only they (and `lib.rs`, where it must) may not name.
const FOREIGN_CRATES: &[(&str, &[&str])] = &[("sqlite/", &["pgrx"]), ("pg/", &["rusqlite"])];

/// Files in which a value decides how much memory is taken: it is taken fallibly there (clippy.toml).
const FALLIBLE: &[&str] = &[
    "value/batch.rs",
    "value/bytes.rs",
    "value/vector.rs",
    "value/array.rs",
    "value/cellbuf.rs",
    "value/json.rs",
    "value/literal.rs",
    "value/input.rs",
    "sqlite/logged.rs",
    "sqlite/session/row.rs",
    "sqlite/functions.rs",
    "query/compute/text.rs",
    "fdw/connection/cursor.rs",
    "pg/fdw/sink.rs",
    "pg/fdw/input.rs",
    "pg/convert.rs",
];

#[test]
fn what_values_make_large_is_taken_fallibly() {
    let denies = |file: &&&str| read(&src().join(file)).contains("#![deny(clippy::disallowed_methods)]");
    let wrong: Vec<_> = FALLIBLE.iter().filter(|file| !denies(file)).collect();
    assert!(wrong.is_empty(), "may take memory infallibly: {wrong:?}");
}

#[test]
fn every_room_imports_downward_only() {
    let mut wrong = vec![];
    for file in sources() {
        let room = room(&file);
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == room) else {
            wrong.push(format!("{}: room \"{room}\" is not in MAY_IMPORT", file.display()));
            continue;
        };
        for import in imports(&code(&file)) {
            let known = MAY_IMPORT.iter().any(|(name, _)| *name == import);
            if known && import != room && *allowed != ANY && !allowed.contains(&import.as_str()) {
                wrong.push(format!("{}: \"{room}\" may not import \"{import}\"", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pure_files_name_neither_database() {
    let mut wrong = vec![];
    for file in sources() {
        let relative = relative(&file);
        let banned: &[&str] = if PURE.iter().any(|p| relative.starts_with(p)) {
            &["pgrx", "rusqlite"]
        } else {
            FOREIGN_CRATES.iter().find(|(p, _)| relative.starts_with(p)).map_or(&[], |(_, crates)| *crates)
        };
        let code = code(&file);
        wrong.extend(banned.iter().filter(|b| has_word(&code, b)).map(|b| format!("{relative}: names {b}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unsafe_stays_in_pg_and_at_the_raw_file() {
    let wrong: Vec<String> = sources()
        .iter()
        .map(|file| (relative(file), code(file)))
        .filter(|(name, code)| {
            !name.starts_with("pg/") && name != "sqlite/raw.rs" && has_word(code, "unsafe")
        })
        .map(|(name, _)| name)
        .collect();
    assert!(wrong.is_empty(), "unsafe outside src/pg/ and src/sqlite/raw.rs: {}", wrong.join(", "));
}

#[test]
fn every_file_says_what_it_is() {
    let silent: Vec<String> = sources()
        .iter()
        .filter(|file| !read(file).starts_with("//!"))
        .map(|file| relative(file))
        .filter(|name| !name.starts_with("bin/") && !name.ends_with("/tests.rs"))
        .collect();
    assert!(silent.is_empty(), "no //! header: {}", silent.join(", "));
}

#[test]
fn the_scanner_sees_what_it_should() {
    let text =
        "use crate::plan::{self, Step};\nuse crate::{sqlite, pg::heap};\nlet x = crate::value::Cell::Null;";
    assert_eq!(imports(text), ["pg", "plan", "sqlite", "value"].map(String::from).into());
    let quoted = "let s = \"unsafe { \\\" }\"; // unsafe\nlet c = '\"'; r#\"unsafe\"# /* unsafe */ fn f<'a>(x: &'a str) {}";
    assert!(!has_word(&strip(quoted), "unsafe"));
    assert!(strip(quoted).contains("fn f<'a>(x: &'a str)"));
    assert!(has_word("unsafe {", "unsafe") && !has_word("deny(unsafe_code)", "unsafe"));
}

fn sources() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = vec![];
    walk(&src(), &mut found);
    found.sort();
    found
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn relative(file: &Path) -> String {
    file.strip_prefix(src()).unwrap().to_string_lossy().into_owned()
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap()
}

fn code(file: &Path) -> String {
    strip(&read(file))
}

/// The first part of the path below `src/`, without `.rs`.
fn room(file: &Path) -> String {
    let name = relative(file);
    name.split('/').next().unwrap_or_default().trim_end_matches(".rs").to_string()
}

/// First segments after `crate::`, also in `use crate::{a, b::c}`.
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(group_heads(group)),
            None => found.extend(first_word(rest)),
        }
    }
    found
}

fn group_heads(group: &str) -> Vec<String> {
    let (mut depth, mut heads, mut start) = (0, vec![], 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' if depth == 0 => {
                heads.extend(first_word(group[start..at].trim_start()));
                start = at + 1;
            }
            '}' => {
                heads.extend(first_word(group[start..at].trim_start()));
                break;
            }
            _ => {}
        }
    }
    heads
}

fn first_word(text: &str) -> Option<String> {
    let word: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!word.is_empty()).then_some(word)
}

fn has_word(code: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word)
        .any(|(at, _)| !code[..at].ends_with(part) && !code[at + word.len()..].starts_with(part))
}

/// The source without comments, and with every string and character literal emptied.
fn strip(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skipped =
            comment(rest).or_else(|| raw_string(rest)).or_else(|| string(rest)).or_else(|| character(rest));
        match skipped {
            Some(length) => {
                out.push(' ');
                rest = &rest[length..];
            }
            None => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    out
}

fn comment(text: &str) -> Option<usize> {
    let end = |mark: &str, plus: usize| Some(text.find(mark).map_or(text.len(), |at| at + plus));
    if text.starts_with("//") {
        end("\n", 0)
    } else if text.starts_with("/*") {
        end("*/", 2)
    } else {
        None
    }
}

fn raw_string(text: &str) -> Option<usize> {
    let hashes = text.strip_prefix('r')?.chars().take_while(|c| *c == '#').count();
    let body = text[1 + hashes..].strip_prefix('"')?;
    let mark = format!("\"{}", "#".repeat(hashes));
    Some(body.find(&mark).map_or(text.len(), |at| 2 + hashes + at + mark.len()))
}

fn string(text: &str) -> Option<usize> {
    let body = text.strip_prefix('"')?;
    let mut escaped = false;
    for (at, c) in body.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at + 2),
            _ => {}
        }
    }
    Some(text.len())
}

/// A character literal; a lifetime has no closing quote after its first character.
fn character(text: &str) -> Option<usize> {
    let body = text.strip_prefix('\'')?;
    if body.starts_with('\\') {
        return body[2..].find('\'').map(|at| at + 4);
    }
    let first = body.chars().next()?;
    body[first.len_utf8()..].starts_with('\'').then(|| first.len_utf8() + 2)
}
