//! Damaged files: what can be reached is read once, and nothing else.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::testing::*;
use super::super::{Source, catalog, damage};
use super::*;
use pg_sqlite_migrate_core::damage::Integrity;

const PAGE: usize = 1024;

/// 3,000 rows of one leaf page for every four of them or so, and the same without rowids.
fn made(dir: &TempDir) -> std::path::PathBuf {
    dir.database(
        "t.db",
        "PRAGMA page_size = 1024;
         CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT, n INT DEFAULT 7);
         INSERT INTO t SELECT value * 3, hex(randomblob(100)), value FROM generate_series(1,3000);
         CREATE TABLE w(a TEXT, b INT, v TEXT, PRIMARY KEY (a, b DESC)) WITHOUT ROWID;
         INSERT INTO w SELECT substr(v, 1, 1), id, v FROM t",
    )
}

/// Pages of a table by kind, in the order of its keys.
fn pages(path: &Path, table: &str, kind: &str) -> Vec<usize> {
    let connection = Connection::open(path).unwrap();
    let sql = "SELECT pageno FROM dbstat WHERE name = ?1 AND pagetype = ?2 ORDER BY path";
    let mut statement = connection.prepare(sql).unwrap();
    statement
        .query_map([table, kind], |row| row.get::<_, i64>(0))
        .unwrap()
        .map(|n| n.unwrap() as usize)
        .collect()
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

fn all(path: &Path, table: &str) -> BTreeSet<String> {
    let connection = Connection::open(path).unwrap();
    let sql = format!("SELECT quote(v) || quote({}) FROM {table}", if table == "t" { "id" } else { "b" });
    let mut statement = connection.prepare(&sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn saved(source: &Source, table: &str) -> (Vec<String>, UnreadableRanges) {
    let catalog = catalog(source).unwrap();
    let found = damage(source, &catalog, Integrity::Quick).unwrap();
    let damage = found.of(table).unwrap_or_else(|| panic!("{found:?}"));
    let recovery = Recovery::new(catalog.table(table).unwrap(), catalog.page_size, damage);
    let mut rows = vec![];
    let list = if table == "t" { "quote(v) || quote(id)" } else { "quote(v) || quote(b)" };
    let mut take = |row: &Row<'_>| -> rusqlite::Result<()> { row.get(0).map(|row| rows.push(row)) };
    let lost = recovery.read(source.connection(), list, None, &mut take).unwrap();
    (rows, lost)
}

fn zero(bytes: &mut [u8], page: usize) {
    bytes[(page - 1) * PAGE..page * PAGE].fill(0);
}

#[test]
fn what_can_be_reached_is_read_once_and_nothing_else() {
    type Change = fn(&mut Vec<u8>, &[usize], &[usize]);
    let changes: [(&str, Change, usize); 6] = [
        ("a zeroed leaf", |bytes, leaves, _| zero(bytes, leaves[50]), 10),
        ("half a leaf", |bytes, leaves, _| bytes[leaves[50] * PAGE - 600..leaves[50] * PAGE].fill(0), 10),
        ("three leaves", |bytes, leaves, _| [5, 200, 300].iter().for_each(|n| zero(bytes, leaves[*n])), 30),
        ("noise", |bytes, leaves, _| bytes[leaves[9] * PAGE - PAGE + 8..leaves[9] * PAGE].fill(0xa5), 10),
        ("an interior page", |bytes, _, inner| zero(bytes, inner[1]), 1500),
        ("a type", |bytes, leaves, _| bytes[leaves[7] * PAGE - PAGE] ^= 0x07, 10),
    ];
    for table in ["t", "w"] {
        for (name, damaged, most_lost) in changes {
            let dir = TempDir::new();
            let path = made(&dir);
            let before = all(&path, table);
            let (leaves, inner) = (pages(&path, table, "leaf"), pages(&path, table, "internal"));
            change(&path, |bytes| damaged(bytes, &leaves, &inner));
            let (rows, lost) = saved(&dir.open("t.db"), table);
            let distinct: BTreeSet<String> = rows.iter().cloned().collect();
            assert_eq!(distinct.len(), rows.len(), "{table}, {name}: twice");
            assert!(distinct.is_subset(&before), "{table}, {name}: invented");
            let missing = before.len() - rows.len();
            // Without rowids nothing is read between the first bad page and the last.
            let most = if table == "w" && name == "three leaves" { 3000 } else { most_lost };
            assert!((1..=most).contains(&missing), "{table}, {name}: {missing} lost, {lost:?}");
            assert!(!lost.places.is_empty(), "{table}, {name}");
        }
    }
}

/// A cell of an interior page: where its child's number is, before the largest rowid of that child's rows.
fn cell_at(bytes: &[u8], page: usize, cell: usize) -> usize {
    let page = (page - 1) * PAGE;
    let pointer = page + 12 + 2 * cell;
    page + usize::from(u16::from_be_bytes([bytes[pointer], bytes[pointer + 1]]))
}

fn child(bytes: &[u8], page: usize, cell: usize) -> usize {
    let at = cell_at(bytes, page, cell);
    u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// The rowid of a cell becomes another one of two bytes.
fn set_rowid(bytes: &mut [u8], page: usize, cell: usize, rowid: u16) {
    let at = cell_at(bytes, page, cell) + 4;
    assert!(bytes[at] & 0x80 != 0 && (128..16_384).contains(&rowid));
    bytes[at..at + 2].copy_from_slice(&[0x80 | (rowid >> 7) as u8, (rowid & 0x7f) as u8]);
}

fn is_said(lost: &UnreadableRanges, rowid: i64) -> bool {
    lost.places.iter().any(|place| {
        let number = |text: &str| text.trim().parse::<i64>().unwrap();
        match place.split_once('–') {
            Some((first, last)) => (number(first)..=number(last)).contains(&rowid),
            None if place == "all" => true,
            None if place.starts_with("up to ") => rowid <= number(&place[6..]),
            None if place.starts_with("from ") => rowid >= number(place[5..].trim_end_matches(" on")),
            None => number(place) == rowid,
        }
    })
}

/// A page that leads to the wrong rows lets a scan begin or end behind rows that are known, or before them.
#[test]
fn every_row_that_is_missing_is_in_a_range_that_is_said() {
    let dir = TempDir::new();
    let path = made(&dir);
    let (sound, before, inner) =
        (std::fs::read(&path).unwrap(), all(&path, "t"), pages(&path, "t", "internal"));
    let page = inner[2];
    let cells = usize::from(u16::from_be_bytes([sound[(page - 1) * PAGE + 3], sound[(page - 1) * PAGE + 4]]));
    let middle = (cells - 1) / 2;
    let mut lossy = 0;
    for wrong in [middle, middle / 2, middle + 1, middle + cells / 4] {
        for zeroed in [wrong - 2, wrong - 1, wrong, wrong + 1, wrong + 2] {
            for rowid in [200, 8_900] {
                let mut bytes = sound.clone();
                let leaf = child(&bytes, page, zeroed);
                set_rowid(&mut bytes, page, wrong, rowid);
                zero(&mut bytes, leaf);
                std::fs::write(&path, bytes).unwrap();
                let (rows, lost) = saved(&dir.open("t.db"), "t");
                let read: BTreeSet<String> = rows.iter().cloned().collect();
                let case = format!("cell {wrong} says {rowid}, the child of {zeroed} is zeroed");
                assert!(read.len() == rows.len() && read.is_subset(&before), "{case}");
                let rowids =
                    before.difference(&read).map(|row| row.rsplit('\'').next().unwrap().parse().unwrap());
                let silent: Vec<i64> = rowids.filter(|rowid| !is_said(&lost, *rowid)).collect();
                assert!(silent.is_empty(), "{case}: {silent:?} are missing from {:?}", lost.places);
                lossy += usize::from(rows.len() < before.len());
            }
        }
    }
    assert_eq!(lossy, 40);
}

/// The row behind a gap has been read: a scan that ends without it, or behind it, has lost its way.
#[test]
fn a_scan_that_does_not_come_to_the_row_that_is_known_is_not_whole() {
    let connection = Connection::open_in_memory().unwrap();
    connection
        .execute_batch("CREATE TABLE t(id INTEGER PRIMARY KEY); INSERT INTO t VALUES (-900), (900)")
        .unwrap();
    let select = |condition: &str| {
        connection.prepare(&format!("SELECT id, id, 0 FROM t WHERE id {condition}")).unwrap()
    };
    let (none, mut lost) = (AtomicU64::new(0), vec![]);
    let mut whole = |step: i64, known: Option<i64>, there: bool| {
        let gap = Gap { first: -50, last: 50, below: known.map(|known| -known), above: known };
        let order = if step > 0 { ">= ?1 ORDER BY id" } else { "<= ?1 ORDER BY id DESC" };
        let only = if there { "" } else { "= 0 AND id " };
        let mut statement = select(&format!("{only}{order}"));
        let from = Start { gap, step, disordered: false };
        let pass: rusqlite::Result<Pass> = pass(&mut statement, from, &none, &mut lost, &mut |_| Ok(()));
        pass.unwrap().whole
    };
    for step in [1, -1] {
        for (known, there, expected) in [
            (None, true, true),
            (None, false, true),
            (Some(900), true, true),
            (Some(100), true, false),
            (Some(900), false, false),
        ] {
            assert_eq!(whole(step, known, there), expected, "{step} {known:?} {there}");
        }
    }
    assert_eq!(lost, []);
}

#[test]
fn a_file_that_breaks_off_in_a_page_is_damaged_there() {
    let dir = TempDir::new();
    let path = dir.database(
        "t.db",
        "PRAGMA page_size = 1024; CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
         INSERT INTO t SELECT value, hex(randomblob(100)) FROM generate_series(1,40)",
    );
    let before = all(&path, "t");
    // One byte less: the last cell of the last page ends in a zero.
    change(&path, |bytes| bytes.truncate(bytes.len() - 1));
    let (rows, lost) = saved(&dir.open("t.db"), "t");
    assert!(rows.iter().all(|row| before.contains(row)) && (30..40).contains(&rows.len()), "{}", rows.len());
    assert_eq!(lost.places.len(), 1, "{lost:?}");
}

#[test]
fn gaps_are_halved_to_their_ends() {
    let gap = |first, last| Gap { first, last, below: None, above: None };
    assert_eq!(gap(i64::MIN, i64::MAX).halves(), Some((gap(i64::MIN, -1), gap(0, i64::MAX))));
    assert_eq!(gap(4, 5).halves(), Some((gap(4, 4), gap(5, 5))));
    assert_eq!(gap(5, 5).halves(), None);
    assert_eq!(merged(vec![gap(7, 9), gap(1, 3), gap(4, 5)]), [gap(1, 5), gap(7, 9)]);
    let shown = |first, last| gap(first, last).shown();
    assert_eq!([shown(1, 1), shown(1, 2), shown(3, i64::MAX)], ["1", "1–2", "from 3 on"]);
}
