//! Scenarios with rows and keys that PostgreSQL does not take: what is asked, and what follows from the answers.

use serde_json::json;

use super::decide::invalid_values::{InvalidCell, of_cell};
use super::tests::*;
use super::*;
use crate::catalog::{Catalog, Index, Origin, PrimaryKey, TableId};
use crate::finding::Kind;
use crate::types::{ColumnProfile, TableProfile};
use crate::value::Cell;

fn profile(cells: &[Cell<'_>]) -> ColumnProfile {
    let mut profile = ColumnProfile::default();
    cells.iter().for_each(|cell| profile.observe(*cell));
    profile
}

fn profiled(columns: Vec<ColumnProfile>) -> [Option<TableProfile>; 1] {
    let rows = columns.iter().map(|c| c.values() + c.nulls).max().unwrap_or(0);
    [Some(TableProfile { rows, sampled: false, columns })]
}

fn id(catalog: &Catalog) -> TableId {
    catalog.id("t").expect("table t")
}

/// `url` and `note` are indexed, `url` and `hash` are keys.
fn links() -> (Catalog, [Option<TableProfile>; 1]) {
    let mut t = table("t", vec![column("url", "TEXT"), column("hash", "BLOB"), column("note", "TEXT")]);
    t.primary_key = Some(PrimaryKey { name: None, columns: strings(&["hash"]), rowid_alias: false });
    t.indexes.push(index("by_note", false, &["note", "url"]));
    t.indexes.push(index("by_url", false, &["url"]));
    t.indexes.push(Index { origin: Origin::Unique, ..index("auto", true, &["url"]) });
    let (long, short) = (vec![b'x'; 9000], vec![b'x'; 2600]);
    let columns =
        vec![profile(&[Cell::Text(&long)]), profile(&[Cell::Blob(&short)]), profile(&[Cell::Text(b"n")])];
    (catalog(vec![t]), profiled(columns))
}

fn refused(table: TableId, part: Part) -> Answer<Oversized> {
    let rows = vec![OversizedRow { name: "rowid 7".into(), rowid: Some(7), bytes: 8056 }];
    Answer { table, part, found: Oversized { rows, listed_all: true, limit: 2704, untried: None } }
}

#[test]
fn entries_that_may_be_too_large_are_asked_about() {
    let (catalog, profiles) = links();
    let planned = plan_with(&catalog, &profiles, &[], &Target::default(), json!({}));
    let asked: Vec<_> =
        planned.sizes.iter().map(|t| (t.part, t.index.clone().unwrap_or_default(), t.bound.safe)).collect();
    let on = |keys: &str| format!("CREATE INDEX ON \"pg_temp\".\"pg_sqlite_migrate_trial\" ({keys})");
    let expected = [
        (Part::Index(2), on("\"url\""), 2704 - 24),
        (Part::Index(0), on("\"note\", \"url\""), 2704 - 32),
        (Part::Index(1), on("\"url\""), 2704 - 24),
    ];
    assert_eq!(asked, expected, "a key of 2,600 bytes always fits");
    let loaded: Vec<_> = planned.sizes[1].load.columns.iter().map(|c| c.source.as_str()).collect();
    assert_eq!(loaded, ["url", "note"]);
    assert!(planned.findings.iter().all(|f| f.kind != Kind::KeyTooLong), "nothing is said before the answer");
}

#[test]
fn no_other_type_is_offered_for_a_value_that_none_holds() {
    let (catalog, profiles) = links();
    let planned = plan_with(&catalog, &profiles, &[], &Target::default(), json!({}));
    let load = &planned.sizes[0].load;
    let hint = |too_large| {
        let cell = InvalidCell { column: "url", storage_class: "text", excess: None, texts: None, too_large };
        of_cell(load, &cell)
    };
    assert!(hint(true).starts_with(
        "Set plan.tables.t.columns.url.on_invalid to \"null\" or \"reject\", or shorten the values."
    ));
    assert!(!hint(true).contains("bytea") && hint(false).contains("bytea"));
}

#[test]
fn bounds_follow_the_servers_pages() {
    let sizes = |block: u64| (Page::of(block).row, Page::of(block).entry);
    assert_eq!((sizes(8192), sizes(4096), sizes(32768)), ((8160, 2704), (4064, 1336), (32736, 10896)));
    let (catalog, profiles) = links();
    let asked = |block: u64| {
        let target = Target { page: Page::of(block), ..Target::default() };
        let planned = plan_with(&catalog, &profiles, &[], &target, json!({}));
        planned.sizes.iter().map(|trial| trial.part).collect::<Vec<_>>()
    };
    assert_eq!(asked(32768), [], "9,000 bytes fit");
    assert!(asked(4096).contains(&Part::PrimaryKey), "2,600 bytes do not");
}

#[test]
fn an_entry_that_is_refused_stops_or_is_hashed() {
    let (catalog, profiles) = links();
    let oversized = [Part::Index(0), Part::Index(1), Part::Index(2)].map(|part| refused(id(&catalog), part));
    let target = Target { oversized: oversized.to_vec(), ..Target::default() };
    let strict = plan_with(&catalog, &profiles, &[], &target, json!({}));
    let message = "the entry of rowid 7 would take 8,056 bytes of the 2,704 that a btree allows";
    for object in ["index by_note", "index by_url", "unique constraint on t(url)"] {
        assert_eq!(said(&strict, object), [format!("blocking: {message}")]);
    }
    let hashed = plan_with(&catalog, &profiles, &[], &target, json!({"keys": "as_data_allows"}));
    let made: Vec<String> =
        sql(&hashed).into_iter().filter(|sql| sql.contains("INDEX") || sql.contains("EXCLUDE")).collect();
    let expected = [
        "ALTER TABLE \"public\".\"t\" ADD CONSTRAINT \"t_url_key\" EXCLUDE USING hash (\"url\" WITH =)",
        "CREATE INDEX \"by_note\" ON \"public\".\"t\" (pg_catalog.md5(\"note\"), pg_catalog.md5(\"url\"))",
        "CREATE INDEX \"by_url\" ON \"public\".\"t\" USING hash (\"url\")",
    ];
    assert_eq!(made, expected);
    assert_eq!(said(&hashed, "index by_url"), [format!("warning: becomes a hash index: {message}")]);
}

#[test]
fn what_could_not_be_tried_is_a_warning() {
    let (catalog, profiles) = links();
    let found = Oversized { untried: Some("permission denied".into()), ..Oversized::default() };
    let answer = Answer { table: id(&catalog), part: Part::Index(1), found };
    let target = Target { oversized: vec![answer], ..Target::default() };
    let planned = plan_with(&catalog, &profiles, &[], &target, json!({}));
    let message = "values may be too long for a btree, which could not be tried: permission denied";
    assert_eq!(said(&planned, "index by_url"), [format!("warning: {message}")]);
    assert!(sql(&planned).iter().any(|sql| sql.starts_with("CREATE INDEX \"by_url\"")));
}

#[test]
fn only_rows_that_may_be_wider_than_a_page_are_asked_about() {
    let wide = |columns: usize, declared: &str, cell: Cell<'_>| {
        let named = (0..columns).map(|n| column(&format!("c{n}"), declared)).collect();
        let catalog = catalog(vec![table("t", named)]);
        let profiles = profiled(vec![profile(&[cell]); columns]);
        plan_with(&catalog, &profiles, &[], &Target::default(), json!({})).sizes.len()
    };
    let long = vec![b'x'; 5000];
    for (columns, declared, cell, asked) in [
        (1000, "INTEGER", Cell::Integer(1), 0),
        (1100, "INTEGER", Cell::Integer(1), 1),
        (1100, "INTEGER", Cell::Null, 0),
        (1500, "INT", Cell::Integer(1), 0),
        (280, "TEXT", Cell::Text(&long), 0),
        (320, "TEXT", Cell::Text(&long), 1),
        (320, "TEXT", Cell::Text(b"a text of 20 letters"), 0),
        (500, "TEXT", Cell::Text(b"a text of 20 letters"), 1),
    ] {
        assert_eq!(wide(columns, declared, cell), asked, "{columns} {declared}");
    }
}

#[test]
fn keys_are_compared_only_where_values_may_become_equal() {
    let uuid = ["3f2504e0-4f89-41d3-9a0c-0305e82c3301", "3F2504E0-4F89-41D3-9A0C-0305E82C3301"];
    let text = |text: &'static str| Cell::Text(text.as_bytes());
    let asked = |declared: &str, cells: &[Cell<'_>]| {
        let mut t = table("t", vec![column("k", declared)]);
        t.primary_key = Some(PrimaryKey { name: None, columns: strings(&["k"]), rowid_alias: false });
        let catalog = catalog(vec![t]);
        let profiles = profiled(vec![profile(cells)]);
        plan_with(&catalog, &profiles, &[], &Target::default(), json!({})).keys.len()
    };
    for (declared, cells, expected) in [
        ("UUID", [text(uuid[0]), text(uuid[0])], 0),
        ("UUID", [text(uuid[0]), text(uuid[1])], 1),
        ("DATETIME", [text("2024-01-01 00:00:00"), text("2024-01-02 10:00:00")], 0),
        ("DATETIME", [text("2024-01-01 00:00:00"), text("2024-01-01T00:00:00")], 1),
        ("DATETIME", [text("2024-01-01 00:00:00Z"), Cell::Integer(1_704_067_200)], 1),
        ("DATETIME", [Cell::Integer(1_704_067_200), Cell::Integer(1_704_067_201)], 0),
        ("INTEGER", [Cell::Integer(1), Cell::Integer(2)], 0),
        ("TEXT", [text("a"), text("b")], 0),
        ("", [text("1"), Cell::Integer(1)], 1),
        ("BLOB", [text("1"), Cell::Blob(b"1")], 1),
    ] {
        assert_eq!(asked(declared, &cells), expected, "{declared} {cells:?}");
    }
}

#[test]
fn a_unique_key_that_conversion_breaks_stops_or_is_weakened() {
    let mut t = table("t", vec![column("u", "UUID")]);
    t.indexes.push(Index { origin: Origin::Unique, ..index("auto", true, &["u"]) });
    let catalog = catalog(vec![t]);
    let mixed = [&b"3f2504e0-4f89-41d3-9a0c-0305e82c3301"[..], b"3F2504E0-4F89-41D3-9A0C-0305E82C3301"];
    let profiles = profiled(vec![profile(&mixed.map(Cell::Text))]);
    let examples = vec!["rowid 1 and rowid 2".into()];
    let found = EqualKeys { groups: 1, examples, later: Some(vec![2]) };
    let answer = Answer { table: id(&catalog), part: Part::Index(0), found };
    let target = Target { equal_keys: vec![answer], ..Target::default() };
    let message = "1 group of rows has one value as uuid (rowid 1 and rowid 2)";
    let object = "unique constraint on t(u)";
    let strict = plan_with(&catalog, &profiles, &[], &target, json!({}));
    assert_eq!(said(&strict, object), [format!("blocking: {message}")]);
    let weak = plan_with(&catalog, &profiles, &[], &target, json!({"keys": "as_data_allows"}));
    assert_eq!(said(&weak, object), [format!("warning: becomes an index that is not unique: {message}")]);
    assert!(sql(&weak).contains(&"CREATE INDEX \"t_u_idx\" ON \"public\".\"t\" (\"u\")".to_owned()));
}
