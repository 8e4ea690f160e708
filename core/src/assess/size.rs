//! What tables and indexes will take of disk and WAL, estimated from the profile. Pure.
//!
//! The layout is PostgreSQL's: a page header, a line pointer and a tuple header per row, aligned columns, values beyond
//! two kilobytes compressed and then moved out, indexes built at their fill factor. What a profile does not know (how the
//! lengths are distributed, how far a value compresses, how many keys are equal) is assumed.

use crate::finding::counted;
use crate::plan::{Action, ColumnPlan, LoadSpec, Phase, Planned, Source, Step};
use crate::sqltext::sqlite_ident;
use crate::types::{ColumnProfile, TableProfile};
use crate::value::PgType;

/// What an import needs.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Size {
    pub heap_bytes: f64,
    /// Values that are moved out of their rows, with their indexes.
    pub toast_bytes: f64,
    pub index_bytes: f64,
    pub wal_bytes: f64,
    /// Relations that the import locks until its end.
    pub locks: u64,
}

impl Size {
    pub fn disk_bytes(&self) -> u64 {
        (self.heap_bytes + self.toast_bytes + self.index_bytes) as u64
    }
}

/// What of the server decides how much WAL is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Server {
    /// A page's bytes.
    pub page: u64,
    /// `wal_level = minimal`: what a transaction makes goes to WAL only below this size.
    pub skips_wal_above: Option<u64>,
    /// `max_locks_per_transaction`, and the locks that the lock table has room for by it.
    pub locks_per_transaction: u64,
    pub locks: u64,
}

impl Server {
    /// What `max_locks_per_transaction` has to be for so many locks, if it is less.
    pub(super) fn locks_needed(&self, locks: u64) -> Option<u64> {
        let needed = (locks * self.locks_per_transaction).div_ceil(self.locks.max(1));
        (locks > self.locks).then_some(needed)
    }
}

const PAGE_HEADER: f64 = 24.0;
const LINE_POINTER: f64 = 4.0;
const TUPLE_HEADER: f64 = 23.0;
const INDEX_TUPLE_HEADER: f64 = 8.0;
/// Of a page of an index that is built over rows.
const INDEX_FILL: f64 = 0.9;
/// An index's pages, for each leaf.
const INNER_PAGES: f64 = 1.01;
/// Rows beyond are compressed.
const TOAST_TARGET: f64 = 2032.0;
/// A value that is moved out leaves so much.
const TOAST_POINTER: f64 = 18.0;
/// A moved value is cut into pieces, four of which fill a page; the last one is not full.
const TOAST_CHUNK: f64 = 1996.0;
const TOAST_CHUNK_ON_PAGE: f64 = 2042.0;
/// What pglz leaves of a long text.
const COMPRESSED: f64 = 0.4;
/// At most, in UTF-8.
const BYTES_PER_CHARACTER: f64 = 4.0;
/// Of a text or key about which nothing is known.
const UNKNOWN_WIDTH: f64 = 16.0;
/// What the run log and the first changes of catalog pages write.
const WAL_OF_RUN: f64 = 150_000.0;
/// What the catalogs' rows, their indexes and the run log write for one table and for one column, index or key.
const WAL_OF_TABLE: f64 = 20_000.0;
const WAL_OF_OBJECT: f64 = 2_000.0;
/// The same of a function, view or trigger, beside its text; and what the first of them changes of further catalogs.
const WAL_OF_PROGRAM: f64 = 6_000.0;
const WAL_OF_PROGRAMS: f64 = 350_000.0;

/// The tables that a plan loads, `rows` of each as counted or profiled.
pub fn estimate(source: &Source<'_>, planned: &Planned, rows: &[u64], server: Server) -> Size {
    let mut size = Size { wal_bytes: WAL_OF_RUN, ..Size::default() };
    for spec in loads(planned) {
        let columns = planned.table(spec.id).map_or(&[][..], |table| &table.columns);
        let profile = source.profiles.get(spec.id.index()).and_then(Option::as_ref);
        let names = source.catalog.tables.get(spec.id.index()).map_or(&[][..], |table| &table.columns);
        let profile_of = |column: &ColumnPlan| {
            let at = names.iter().position(|c| c.name == column.source)?;
            profile.and_then(|p: &TableProfile| p.columns.get(at))
        };
        let shapes: Vec<(String, Shape)> = (columns.iter())
            .filter_map(|c| Some((sqlite_ident(&c.source), Shape::of(c.pg_type.as_ref()?, profile_of(c)))))
            .collect();
        let rows = rows.get(spec.id.index()).copied().unwrap_or(0) as f64;
        let table = Table { shapes: &shapes, rows, page: server.page as f64 };
        let (heap, toast) = table.heap();
        let indexes: Vec<Relation> = indexes(planned, spec).map(|terms| table.index(&terms)).collect();
        let new = spec.existing.is_none();
        let logged = |relation: &Relation| match server.skips_wal_above {
            Some(most) if new && relation.bytes > most as f64 => 0.0,
            _ => relation.used,
        };
        size.heap_bytes += heap.bytes;
        size.toast_bytes += toast.bytes;
        size.index_bytes += indexes.iter().map(|index| index.bytes).sum::<f64>();
        size.wal_bytes += [heap, toast].iter().chain(&indexes).map(logged).sum::<f64>();
        size.locks +=
            1 + indexes.len() as u64 + sequences(planned, spec) + if toast.bytes > 0.0 { 2 } else { 0 };
        let objects = (columns.len() + indexes.len()) as f64;
        size.wal_bytes += WAL_OF_TABLE + WAL_OF_OBJECT * objects;
    }
    let programs: Vec<f64> = planned.steps.iter().filter_map(program_bytes).collect();
    if !programs.is_empty() {
        size.wal_bytes += WAL_OF_PROGRAMS + programs.iter().map(|text| text + WAL_OF_PROGRAM).sum::<f64>();
    }
    size
}

/// The length of the text of a function, view or trigger.
fn program_bytes(step: &Step) -> Option<f64> {
    match &step.action {
        Action::Sql(sql) if (Phase::Helpers..=Phase::Triggers).contains(&step.phase) => {
            Some(sql.len() as f64)
        }
        _ => None,
    }
}

fn loads(planned: &Planned) -> impl Iterator<Item = &LoadSpec> {
    planned.steps.iter().filter_map(|step| match &step.action {
        Action::Load(spec) => Some(&**spec),
        _ => None,
    })
}

/// The terms that each index of a table has keys of, whether it is made or was there.
fn indexes<'a>(planned: &'a Planned, spec: &'a LoadSpec) -> impl Iterator<Item = Vec<&'a str>> {
    let made = planned.steps.iter().filter(|step| step.table == Some(spec.id));
    let made = made.filter(|step| matches!(step.phase, Phase::Keys | Phase::Indexes));
    let made = made.filter_map(|step: &Step| step.built.as_ref()).map(|built| &built.key);
    let there = spec.existing.iter().flat_map(|existing| &existing.indexes).map(|index| &index.rows);
    made.chain(there).map(|key| key.columns.iter().map(|(term, _)| term.as_str()).collect())
}

fn sequences(planned: &Planned, spec: &LoadSpec) -> u64 {
    planned.steps.iter().filter(|step| step.phase == Phase::Sequences && step.table == Some(spec.id)).count()
        as u64
}

/// A file of the database's.
#[derive(Debug, Clone, Copy, Default)]
struct Relation {
    /// In whole pages.
    bytes: f64,
    /// What is in them, and in the WAL.
    used: f64,
}

struct Table<'a> {
    /// By the terms that read them.
    shapes: &'a [(String, Shape)],
    rows: f64,
    page: f64,
}

impl Table<'_> {
    /// Bytes of the heap, and of what is moved out of it.
    fn heap(&self) -> (Relation, Relation) {
        let nulls = self.shapes.iter().any(|(_, shape)| shape.filled < 1.0);
        let bitmap = if nulls { (self.shapes.len() as f64 / 8.0).ceil() } else { 0.0 };
        let header = aligned(TUPLE_HEADER + bitmap, 8.0);
        let mut shapes: Vec<Shape> = self.shapes.iter().map(|(_, shape)| *shape).collect();
        if header + width(&shapes) > TOAST_TARGET {
            shapes.iter_mut().for_each(Shape::compress);
        }
        let mut moved = 0.0;
        while header + width(&shapes) > TOAST_TARGET {
            let Some(largest) = largest(&mut shapes) else { break };
            moved += (largest.bytes / TOAST_CHUNK).ceil() * (TOAST_CHUNK_ON_PAGE - TOAST_CHUNK)
                + largest.bytes
                + LINE_POINTER;
            largest.bytes = TOAST_POINTER;
        }
        let row = LINE_POINTER + aligned(header + width(&shapes), 8.0);
        // A row that cannot grow beyond it needs no place for what is moved out.
        let most: f64 = self.shapes.iter().map(|(_, shape)| shape.most).sum();
        let index = if header + most > TOAST_TARGET { self.page } else { 0.0 };
        let toast = self.relation(moved, 1.0);
        (self.relation(row, 1.0), Relation { bytes: toast.bytes + index, ..toast })
    }

    fn index(&self, terms: &[&str]) -> Relation {
        let known = |term: &&str| self.shapes.iter().find(|(name, _)| name == term).map(|(_, shape)| *shape);
        let shapes: Vec<Shape> = terms.iter().map(|term| known(term).unwrap_or(Shape::UNKNOWN)).collect();
        let key = LINE_POINTER + aligned(INDEX_TUPLE_HEADER + width(&shapes), 8.0);
        // The first page describes the index.
        let leaves = self.relation(key, INDEX_FILL);
        Relation { bytes: self.page + leaves.bytes * INNER_PAGES, ..leaves }
    }

    fn relation(&self, row: f64, fill: f64) -> Relation {
        if row == 0.0 {
            return Relation::default();
        }
        let usable = (self.page - PAGE_HEADER) * fill;
        // Rows larger than a page are cut into such as fit.
        let per_page = if row < usable { (usable / row).floor() } else { usable / row };
        Relation { bytes: (self.rows / per_page).ceil() * self.page, used: self.rows * row }
    }
}

/// What a column's values take of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Shape {
    /// Of a value, its header not included where its length is not fixed.
    bytes: f64,
    fixed: bool,
    align: f64,
    /// The share of rows that have a value.
    filled: f64,
    compressible: bool,
    /// What the type allows.
    most: f64,
}

impl Shape {
    const UNKNOWN: Shape = Shape {
        bytes: UNKNOWN_WIDTH,
        fixed: false,
        align: 4.0,
        filled: 1.0,
        compressible: true,
        most: f64::INFINITY,
    };

    fn of(pg_type: &PgType, profile: Option<&ColumnProfile>) -> Shape {
        let fixed =
            |bytes: f64, align: f64| Shape { bytes, fixed: true, align, most: bytes, ..Shape::UNKNOWN };
        let length = profile.map_or(UNKNOWN_WIDTH, mean_length);
        let varying = |bytes: f64| Shape { bytes, ..Shape::UNKNOWN };
        let shape = match pg_type.base() {
            PgType::Bool => fixed(1.0, 1.0),
            PgType::Int2 => fixed(2.0, 2.0),
            PgType::Int4 | PgType::Float4 | PgType::Date | PgType::UserDefined(_) => fixed(4.0, 4.0),
            PgType::Int8 | PgType::Float8 | PgType::Money | PgType::Time(_) => fixed(8.0, 8.0),
            PgType::Timestamp(_) | PgType::TimestampTz(_) => fixed(8.0, 8.0),
            PgType::TimeTz(_) => fixed(12.0, 8.0),
            PgType::Interval(_) => fixed(16.0, 8.0),
            PgType::Uuid => fixed(16.0, 1.0),
            // Four digits in two bytes, and their scale.
            PgType::Numeric(limit) => {
                let most = if limit.is_some() { 32.0 } else { f64::INFINITY };
                Shape { compressible: false, most, ..varying(6.0) }
            }
            PgType::Varchar(Some(n)) | PgType::Bpchar(Some(n)) => {
                Shape { most: f64::from(*n) * BYTES_PER_CHARACTER, ..varying(length) }
            }
            PgType::Bytea | PgType::Vector(_) => Shape { compressible: false, ..varying(length) },
            // Keys and values have four bytes each beside them.
            PgType::Jsonb => varying(length * 1.15 + 4.0),
            PgType::Array(_) | PgType::Row { .. } => varying(length + 24.0),
            PgType::Range { .. } | PgType::Multirange { .. } => varying(21.0),
            _ => varying(length),
        };
        let filled = profile.map_or(1.0, |p| {
            let all = p.values() + p.nulls;
            if all == 0 { 1.0 } else { p.values() as f64 / all as f64 }
        });
        Shape { filled, ..shape }
    }

    fn compress(&mut self) {
        if !self.fixed && self.compressible && self.bytes > 64.0 {
            self.bytes *= COMPRESSED;
        }
    }
}

/// Of texts and BLOBs; of numbers that become texts, what they print as, about.
fn mean_length(profile: &ColumnProfile) -> f64 {
    const PRINTED_NUMBER: u64 = 6;
    let values = profile.values();
    let bytes = profile.text.total_bytes + profile.blob.total_bytes + PRINTED_NUMBER * profile.numbers();
    if values == 0 { UNKNOWN_WIDTH } else { bytes as f64 / values as f64 }
}

fn largest(shapes: &mut [Shape]) -> Option<&mut Shape> {
    let movable = shapes.iter_mut().filter(|shape| !shape.fixed && shape.bytes > TOAST_POINTER);
    movable.max_by(|a, b| a.bytes.total_cmp(&b.bytes))
}

/// Of columns one after the other. After a value of any length, padding is half of what it may be.
fn width(shapes: &[Shape]) -> f64 {
    let (mut offset, mut known) = (0.0, true);
    for shape in shapes {
        let header = match shape.fixed {
            true => 0.0,
            false if shape.bytes <= 126.0 => 1.0,
            false => 4.0,
        };
        let align = if header == 1.0 { 1.0 } else { shape.align };
        let start = if known { aligned(offset, align) } else { offset + (align - 1.0) / 2.0 };
        offset += (start - offset + header + shape.bytes) * shape.filled;
        known &= shape.fixed && shape.filled == 1.0;
    }
    offset
}

fn aligned(offset: f64, align: f64) -> f64 {
    (offset / align).ceil() * align
}

impl Size {
    /// `3,883 rows of a 4.2 MB file: about 6.1 MB on disk (3.4 MB tables, …), 6.3 MB of WAL`
    pub(super) fn described(&self, rows: u64, file_bytes: u64) -> String {
        let (file, disk) = (bytes(file_bytes as f64), bytes(self.disk_bytes() as f64));
        let parts = [(self.heap_bytes, "tables"), (self.toast_bytes, "TOAST"), (self.index_bytes, "indexes")];
        let parts: Vec<String> = (parts.iter().filter(|(size, _)| *size > 0.0))
            .map(|(size, what)| format!("{} {what}", bytes(*size)))
            .collect();
        let parts = if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) };
        let wal = bytes(self.wal_bytes);
        let rows = counted(rows, "row", "rows");
        format!("{rows} of a file of {file}; about {disk} on disk{parts}, and {wal} of WAL")
    }
}

/// Bytes, as `pg_size_pretty` would say them with a fraction.
pub fn bytes(bytes: f64) -> String {
    const UNITS: [&str; 5] = ["bytes", "kB", "MB", "GB", "TB"];
    let (mut size, mut unit) = (bytes, 0);
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        (size, unit) = (size / 1024.0, unit + 1);
    }
    let digits = usize::from(unit > 0 && size < 100.0);
    format!("{size:.digits$} {}", UNITS.get(unit).unwrap_or(&""))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: f64 = 8192.0;

    fn shapes(types: &[PgType], length: f64) -> Vec<(String, Shape)> {
        let shape = |pg_type: &PgType| {
            let shape = Shape::of(pg_type, None);
            if shape.fixed { shape } else { Shape { bytes: length, ..shape } }
        };
        types.iter().enumerate().map(|(at, pg_type)| (format!("c{at}"), shape(pg_type))).collect()
    }

    fn pages(types: &[PgType], length: f64, rows: f64) -> (f64, f64) {
        let shapes = shapes(types, length);
        let (heap, toast) = Table { shapes: &shapes, rows, page: PAGE }.heap();
        (heap.bytes / PAGE, toast.bytes / PAGE)
    }

    /// As `pg_relation_size` has them for such tables.
    #[test]
    fn rows_fill_pages_as_the_server_s_do() {
        // 24 + 8 + 4 bytes, aligned to 40, and a line pointer: 185 in a page.
        assert_eq!(pages(&[PgType::Int8, PgType::Int4], 0.0, 18_500.0), (100.0, 0.0));
        assert_eq!(pages(&[PgType::Int8, PgType::Int4], 0.0, 18_501.0), (101.0, 0.0));
        // The wide column between narrow ones is padded: 48 bytes, 157 in a page.
        assert_eq!(pages(&[PgType::Int4, PgType::Int8, PgType::Int4], 0.0, 15_700.0), (100.0, 0.0));
        assert_eq!(pages(&[], 0.0, 0.0), (0.0, 0.0));
        // A text may be long, and has a place to be moved to: an index of one page.
        assert_eq!(pages(&[PgType::Text], 10.0, 0.0), (0.0, 1.0));
        assert_eq!(pages(&[PgType::Varchar(Some(10))], 10.0, 0.0), (0.0, 0.0));
    }

    #[test]
    fn long_values_are_compressed_and_moved_out() {
        // 4,000 bytes become 1,600, and stay: five rows a page.
        assert_eq!(pages(&[PgType::Text], 4000.0, 100.0).1, 1.0);
        // What is not compressed goes: four pieces of it fill a page.
        let (heap, toast) = pages(&[PgType::Bytea], 1996.0 * 4.0, 100.0);
        assert_eq!((heap, toast), (1.0, 102.0));
    }

    #[test]
    fn an_index_has_a_page_of_its_own_and_leaves_room() {
        let shapes = shapes(&[PgType::Int8], 0.0);
        let table = Table { shapes: &shapes, rows: 36_600.0, page: PAGE };
        // 366 entries of 20 bytes a page, and the inner pages.
        assert_eq!((table.index(&["c0"]).bytes / PAGE).round(), 102.0);
        assert_eq!(Table { rows: 0.0, ..table }.index(&["c0"]).bytes, PAGE);
    }

    #[test]
    fn sizes_are_said_in_the_largest_unit() {
        let said = [0.0, 1023.0, 1024.0, 1.5e6, 150e6, 3e15].map(bytes);
        assert_eq!(said, ["0 bytes", "1023 bytes", "1.0 kB", "1.4 MB", "143 MB", "2728 TB"]);
    }
}
