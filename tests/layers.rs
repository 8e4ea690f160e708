//! Reads the sources and fails on what the compiler does not see: an import between features, a cycle between folders of
//! `core/`, `unsafe` outside its rooms. It works on text: paths are written `crate::room::…` in this project.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms (a folder or a file of `src/`) and what each may import: a room, or a part of one. Nobody imports `api`.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("pg", &[]),
    ("sqlite", &[]),
    ("guc", &["pg"]),
    ("error", &["pg", "sqlite"]),
    ("verify", &["error", "guc", "pg", "sqlite"]),
    // A file is made where it may be, and placed when the transaction commits.
    ("newfile", &["error", "guc", "pg", "sqlite"]),
    // A run may begin with a copy of its file, and ends with its verification.
    ("import", &["error", "guc", "newfile", "pg", "sqlite", "verify"]),
    // A manifest says what a plan makes of a file, and reads the file as verification does.
    ("manifest", &["error", "import::survey", "pg", "sqlite", "verify::values"]),
    // A report reads the run log; one about a file is an assessment.
    ("report", &["assess", "error", "pg", "verify::counts"]),
    // A rollback reads the run log, and loads nothing.
    ("rollback", &["error", "import::load", "import::log", "pg"]),
    // A query is read without a file.
    ("search", &["error", "pg"]),
    // IMPORT FOREIGN SCHEMA makes the same choices as an import, from the same survey.
    ("fdw", &["error", "guc", "import::source", "import::survey", "pg", "sqlite"]),
    // An assessment is made of the survey and the plan of an import, and loads a few rows to time them.
    ("assess", &["error", "guc", "import::load", "import::source", "import::survey", "pg", "sqlite"]),
    // An export reads tables and the run log by itself; what is compared with it is opened as every file is.
    ("export", &["error", "guc", "import::source", "newfile", "pg", "sqlite"]),
    // Advice is about the tables of a run, which the log names.
    ("advise", &["error", "pg", "verify"]),
    (
        "api",
        &[
            "advise", "assess", "error", "export", "fdw", "guc", "import", "manifest", "pg", "report",
            "rollback", "search", "sqlite", "verify",
        ],
    ),
    ("lib", ANY),
    ("server_tests", ANY),
    ("bin", &[]),
];

const ANY: &[&str] = &["*"];

/// Where `unsafe` may stand, below `src/`. In `core/` the compiler forbids it.
const UNSAFE: &[&str] = &["pg/", "fdw/planner/", "fdw/executor/", "sqlite/raw/"];

/// Folders and the crates that they may not name.
const FOREIGN_CRATES: &[(&str, &[&str])] = &[("sqlite/", &["pgrx"]), ("pg/", &["rusqlite"])];

/// Files in which a value decides how much memory is taken: it is taken fallibly there (clippy.toml).
const FALLIBLE: &[&str] = &[
    "core/src/chroma/metadata.rs",
    "core/src/chroma/pickle.rs",
    "core/src/chroma/replay.rs",
    "core/src/value/batch.rs",
    "core/src/value/bytes.rs",
    "core/src/value/vector.rs",
    "core/src/value/array.rs",
    "core/src/value/cellbuf.rs",
    "core/src/value/json.rs",
    "core/src/value/literal.rs",
    "core/src/value/input.rs",
    "src/sqlite/chroma/folder.rs",
    "src/sqlite/chroma/functions.rs",
    "src/sqlite/logged.rs",
    "src/sqlite/session/row.rs",
    "src/sqlite/functions.rs",
    "core/src/remote/compute/text.rs",
    "src/fdw/connection/cursor.rs",
    "src/fdw/executor/row.rs",
    "src/fdw/executor/column_input.rs",
    "src/pg/convert.rs",
];

#[test]
fn what_values_make_large_is_taken_fallibly() {
    let denies = |file: &&&str| read(&root().join(file)).contains("#![deny(clippy::disallowed_methods)]");
    let wrong: Vec<_> = FALLIBLE.iter().filter(|file| !denies(file)).collect();
    assert!(wrong.is_empty(), "may take memory infallibly: {wrong:?}");
}

#[test]
fn every_room_imports_what_it_may() {
    let mut wrong = vec![];
    for file in sources("src") {
        let room = room(&file);
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == room) else {
            wrong.push(format!("{}: room \"{room}\" is not in MAY_IMPORT", relative(&file)));
            continue;
        };
        for import in imports(&code(&file)) {
            let other = import.split("::").next().unwrap_or_default();
            let known = other != room && MAY_IMPORT.iter().any(|(name, _)| *name == other);
            let may = *allowed == ANY || allowed.iter().any(|a| *a == other || *a == import);
            if known && !may {
                wrong.push(format!("{}: \"{room}\" may not import \"{import}\"", relative(&file)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_folders_of_core_import_each_other() {
    let mut imported: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in sources("core/src") {
        let heads =
            imports(&code(&file)).into_iter().map(|i| i.split("::").next().unwrap_or_default().to_string());
        imported.entry(room(&file)).or_default().extend(heads);
    }
    let mut left: BTreeSet<String> = imported.keys().cloned().collect();
    // What imports nothing that is left, goes; a cycle stays.
    while let Some(free) =
        left.iter().find(|room| imported[*room].iter().all(|i| i == *room || !left.contains(i))).cloned()
    {
        left.remove(&free);
    }
    assert!(left.is_empty(), "import each other: {left:?}");
}

/// The parts of `core/src/plan/`, each with what it may not know after it: a part imports those before it.
const PLAN: &[&str] = &[
    "given", "trial", "trigger", "view", "question", "target", "rules", "systems", "context", "model",
    "resolve", "decide", "emit",
];

#[test]
fn parts_of_the_plan_know_those_before_them() {
    let mut wrong = vec![];
    for file in sources("core/src/plan") {
        let name = relative(&file);
        let inside = name.trim_start_matches("core/src/plan/");
        let part = inside.split('/').next().unwrap_or_default().trim_end_matches(".rs");
        // What ties the parts together, and its tests.
        if ["mod", "tests", "existing_tests", "limits_tests", "match_tests"].contains(&part) {
            continue;
        }
        let Some(place) = PLAN.iter().position(|p| *p == part) else {
            wrong.push(format!("{name}: part \"{part}\" is not in PLAN"));
            continue;
        };
        let code = code(&file);
        let up = if inside.contains('/') { "super::super::" } else { "super::" };
        let of_parents = code.match_indices(up).filter_map(|(at, _)| first_word(&code[at + up.len()..]));
        let of_crate = imports(&code).into_iter().filter_map(|i| Some(i.strip_prefix("plan::")?.to_string()));
        for other in of_parents.chain(of_crate) {
            match PLAN.iter().position(|p| *p == other) {
                Some(at) if at > place => {
                    wrong.push(format!("{name}: \"{part}\" may not import \"{other}\""))
                }
                // A name that plan/mod.rs exports again would hide where it is from.
                None if other.starts_with(|c: char| c.is_uppercase()) => {
                    wrong.push(format!("{name}: names \"{other}\" without the part that it is from"));
                }
                _ => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn crates_stay_on_their_side() {
    let mut wrong = vec![];
    for file in sources("src") {
        let (name, code) = (relative(&file), code(&file));
        let banned = FOREIGN_CRATES.iter().filter(|(folder, _)| name.starts_with(&format!("src/{folder}")));
        for word in banned.flat_map(|(_, crates)| *crates).filter(|word| has_word(&code, word)) {
            wrong.push(format!("{name}: names {word}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unsafe_stays_in_its_rooms() {
    let may = |name: &str| UNSAFE.iter().any(|room| name.starts_with(&format!("src/{room}")));
    let wrong: Vec<String> = sources("src")
        .iter()
        .filter(|file| !may(&relative(file)) && has_word(&code(file), "unsafe"))
        .map(|file| relative(file))
        .collect();
    assert!(wrong.is_empty(), "unsafe outside {UNSAFE:?}: {}", wrong.join(", "));
}

#[test]
fn every_file_says_what_it_is() {
    let silent: Vec<String> = [sources("src"), sources("core/src")]
        .concat()
        .iter()
        .filter(|file| !read(file).starts_with("//!"))
        .map(|file| relative(file))
        .filter(|name| !name.starts_with("src/bin/") && !name.ends_with("/tests.rs"))
        .collect();
    assert!(silent.is_empty(), "no //! header: {}", silent.join(", "));
}

#[test]
fn the_scanner_sees_what_it_should() {
    let text =
        "use crate::plan::{self, Step};\nuse crate::{sqlite, pg::heap};\nlet x = crate::value::Cell::Null;";
    assert_eq!(imports(text), ["pg::heap", "plan", "sqlite", "value::Cell"].map(String::from).into());
    let quoted = "let s = \"unsafe { \\\" }\"; // unsafe\nlet c = '\"'; r#\"unsafe\"# /* unsafe */ fn f<'a>(x: &'a str) {}";
    assert!(!has_word(&strip(quoted), "unsafe"));
    assert!(strip(quoted).contains("fn f<'a>(x: &'a str)"));
    assert!(has_word("unsafe {", "unsafe") && !has_word("deny(unsafe_code)", "unsafe"));
}

/// The Rust files below a folder.
fn sources(folder: &str) -> Vec<PathBuf> {
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
    walk(&root().join(folder), &mut found);
    found.sort();
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn relative(file: &Path) -> String {
    file.strip_prefix(root()).unwrap().to_string_lossy().into_owned()
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
    let inside = name.split_once("src/").map_or(name.as_str(), |(_, inside)| inside);
    inside.split('/').next().unwrap_or_default().trim_end_matches(".rs").to_string()
}

/// The first two segments after `crate::`, also in `use crate::{a, b::c}`.
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => found.extend(group_heads(group)),
            None => found.extend(head(rest)),
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
                heads.extend(head(group[start..at].trim_start()));
                start = at + 1;
            }
            '}' => {
                heads.extend(head(group[start..at].trim_start()));
                break;
            }
            _ => {}
        }
    }
    heads
}

fn head(text: &str) -> Option<String> {
    let first = first_word(text)?;
    let second = text[first.len()..].strip_prefix("::").and_then(first_word);
    Some(second.map_or(first.clone(), |second| format!("{first}::{second}")))
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
