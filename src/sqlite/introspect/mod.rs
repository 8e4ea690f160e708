//! A source file's schema -> `Catalog`: facts from SQLite's pragmas, the rest from the SQL texts (`ddl`).
//!
//! One object that cannot be read is a `Problem`; the others are still described. Tables that SQLite keeps
//! for itself (`sqlite_…`) are left out.

mod foreign_key;
mod index;
mod query;
mod spatial;
#[cfg(test)]
mod tests;
pub mod view;

use std::collections::HashMap;

use rusqlite::Row;

use self::query::{each, name, optional_text, pragma, reason, text};
use super::count;
use super::error::Error;
use super::modules::{indexed_rows_of, is_read_here, is_shadow_of, rows_of, suffix_after};
use super::open::Source;
use super::relations;
use super::{vec0, vss0};
use pg_sqlite_migrate_core::catalog::*;
use pg_sqlite_migrate_core::chroma;
use pg_sqlite_migrate_core::ddl::{self, TableDdl};
use pg_sqlite_migrate_core::search::declared::{self, Declared};
use pg_sqlite_migrate_core::spatial as geometries;
use pg_sqlite_migrate_core::sqltext::sqlite_ident;

/// Describes everything that the file declares.
pub fn catalog(source: &Source) -> Result<Catalog, Error> {
    let mut catalog = header(source)?;
    let (rows, cut_short) = schema(source)?;
    catalog.problems.extend(cut_short);
    let mut reader = Reader { source, rows: &rows, relations: relations(source)?, catalog };
    reader.read_tables()?;
    reader.read_relations()?;
    reader.read_views_and_triggers();
    reader.mark_shadow_tables();
    reader.note_contents();
    reader.resolve_foreign_keys();
    reader.note_unread_indexes();
    reader.read_sequences()?;
    reader.note_geometries()?;
    Ok(reader.catalog)
}

/// Looks for the vectors of those collections whose tables are `wanted`. A collection that cannot be read is no table any
/// more, and says why.
pub fn locate_vectors(
    source: &Source,
    catalog: &mut Catalog,
    wanted: impl Fn(&str) -> bool,
) -> Result<(), Error> {
    let Some(chroma) = &source.relations().chroma else { return Ok(()) };
    let all = wanted(chroma::SINGLE);
    let Catalog { tables, collections, .. } = catalog;
    let places: HashMap<String, usize> =
        tables.iter().enumerate().map(|(at, table)| (table.name.clone(), at)).collect();
    let mut any_damaged = false;
    for (at, collection) in collections.iter_mut().enumerate().filter(|(_, c)| all || wanted(&c.table)) {
        match source.ask(|connection| chroma.located(connection, at)) {
            Ok(located) => *collection = located,
            Err(e) if e.is_local() => collection.damaged = Some(reason(e)),
            Err(e) => return Err(e),
        }
        any_damaged |= collection.damaged.is_some();
        let Some(table) = places.get(&collection.table).and_then(|at| tables.get_mut(*at)) else { continue };
        if let (TableKind::Virtual { usable, .. }, true) = (&mut table.kind, collection.damaged.is_some()) {
            *usable = false;
        }
        for vectors in table.columns.iter_mut().filter_map(|column| column.vectors.as_mut()) {
            vectors.hnsw = Some((collection.hnsw.m, collection.hnsw.ef_construction));
        }
    }
    let single = places.get(chroma::SINGLE).and_then(|at| tables.get_mut(*at)).filter(|_| all && any_damaged);
    if let Some(TableKind::Virtual { usable, .. }) = single.map(|table| &mut table.kind) {
        *usable = false;
    }
    Ok(())
}

struct Reader<'a> {
    source: &'a Source,
    /// `sqlite_schema` in its own order.
    rows: &'a [SchemaRow],
    relations: Relations,
    catalog: Catalog,
}

struct SchemaRow {
    kind: String,
    name: String,
    table: String,
    /// `None` for the automatic index of a constraint.
    sql: Option<String>,
}

/// `PRAGMA table_list` by lower-case name: what SQLite made of the rows.
type Relations = HashMap<String, Relation>;

struct Relation {
    kind: String,
    without_rowid: bool,
    strict: bool,
}

fn header(source: &Source) -> Result<Catalog, Error> {
    let number = |name: &str| {
        let sql = format!("PRAGMA main.{name}");
        source.connection().query_row(&sql, [], |r| r.get::<_, i64>(0)).map_err(|e| source.error(e))
    };
    let encoding = source.connection().query_row("PRAGMA main.encoding", [], |r| text(r, 0));
    Ok(Catalog {
        encoding: match encoding.map_err(|e| source.error(e))?.as_str() {
            "UTF-16le" => Encoding::Utf16Le,
            "UTF-16be" => Encoding::Utf16Be,
            _ => Encoding::Utf8,
        },
        page_size: number("page_size")?.try_into().unwrap_or_default(),
        page_count: number("page_count")?.try_into().unwrap_or_default(),
        user_version: number("user_version")?.try_into().unwrap_or_default(),
        application_id: number("application_id")?.try_into().unwrap_or_default(),
        ..Catalog::default()
    })
}

/// Reads as much of `sqlite_schema` as can be read; not even its first row means that nothing can.
fn schema(source: &Source) -> Result<(Vec<SchemaRow>, Option<Problem>), Error> {
    let sql = "SELECT type, name, tbl_name, sql FROM main.sqlite_schema ORDER BY rowid";
    let mut rows = vec![];
    let result = each(source, sql, |row| {
        let (kind, name, table) = (text(row, 0)?, text(row, 1)?, text(row, 2)?);
        rows.push(SchemaRow { kind, name, table, sql: optional_text(row, 3)? });
        Ok(())
    });
    match result {
        Ok(()) => Ok((rows, None)),
        Err(e) if e.is_local() && !rows.is_empty() => {
            let problem = Problem { object: "sqlite_schema".into(), reason: reason(e) };
            Ok((rows, Some(problem)))
        }
        Err(e) => Err(e),
    }
}

fn relations(source: &Source) -> Result<Relations, Error> {
    let mut relations = HashMap::new();
    let mut add = |row: &Row<'_>| {
        let relation = Relation { kind: text(row, 2)?, without_rowid: row.get(4)?, strict: row.get(5)? };
        relations.insert(text(row, 1)?.to_ascii_lowercase(), relation);
        Ok(())
    };
    source.listing(|| each(source, "PRAGMA main.table_list", &mut add))?;
    Ok(relations)
}

/// Names that SQLite keeps for itself.
fn is_internal(name: &str) -> bool {
    name.split_at_checked(7).is_some_and(|(head, _)| head.eq_ignore_ascii_case("sqlite_"))
}

impl Reader<'_> {
    fn read_tables(&mut self) -> Result<(), Error> {
        for row in self.rows.iter().filter(|r| r.kind == "table" && !is_internal(&r.name)) {
            match self.table(row) {
                Ok(table) => self.catalog.tables.push(table),
                Err(e) if e.is_local() => self.problem(&row.name, reason(e)),
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn table(&mut self, row: &SchemaRow) -> Result<Table, Error> {
        let Some(relation) = self.relations.get(&row.name.to_ascii_lowercase()) else {
            return Err(self.unreadable(&row.name));
        };
        if self.catalog.table(&row.name).is_some() {
            return Err(self.broken("another table has the same name"));
        }
        let mut table = Table {
            name: row.name.clone(),
            sql: row.sql.clone().unwrap_or_default(),
            without_rowid: relation.without_rowid,
            strict: relation.strict,
            ..Table::default()
        };
        if relation.kind == "virtual" {
            return self.virtual_table(table);
        }
        // Without a text that can be read, the pragmas' facts must do.
        let ddl = ddl::table(&table.sql).unwrap_or_else(|why| {
            let reason = format!("CHECK constraints and generated columns are not known: {why}");
            self.problem(&table.name, reason);
            TableDdl::default()
        });
        (table.columns, table.primary_key) = self.columns(&table.name, &ddl)?;
        table.indexes = self.indexes(&table.name, &ddl)?;
        table.foreign_keys = self.foreign_keys(&table.name, &ddl)?;
        table.autoincrement = self.is_autoincrement(&table);
        // A single key column without an index of its own is the rowid itself.
        let has_index = table.indexes.iter().any(|i| i.origin == Origin::PrimaryKey);
        if let Some(key) = &mut table.primary_key {
            key.name = ddl.primary_key_name;
            key.rowid_alias = key.columns.len() == 1 && !table.without_rowid && !has_index;
        }
        table.checks = ddl.checks;
        Ok(table)
    }

    fn virtual_table(&mut self, mut table: Table) -> Result<Table, Error> {
        let module = ddl::module(&table.sql).unwrap_or_default();
        let probe = format!("SELECT * FROM main.{} LIMIT 0", sqlite_ident(&table.name));
        let usable = self.source.connection().prepare(&probe).is_ok();
        if usable {
            (table.columns, _) = self.columns(&table.name, &TableDdl::default())?;
        }
        if let Some(relation) = defined(&table, &module).filter(|_| usable) {
            describe(&mut table, &relation);
            self.note_lost(&table, &module);
        }
        table.kind = TableKind::Virtual { module, usable };
        Ok(table)
    }

    /// Values and rows that the shadow tables of a table should have.
    fn note_lost(&mut self, table: &Table, module: &str) {
        if module.eq_ignore_ascii_case(vec0::MODULE)
            && let Ok(arguments) = ddl::module_arguments(&table.sql)
        {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let lost = vec0::lost(self.source.connection(), &table.name, &arguments);
            lost.into_iter().for_each(|reason| self.problem(&table.name, reason));
        }
    }

    /// Tables that are in the file in another form.
    fn read_relations(&mut self) -> Result<(), Error> {
        let source = self.source;
        for relation in &source.relations().own {
            let (columns, _) = self.columns(&relation.name, &TableDdl::default())?;
            let kind = TableKind::Virtual { module: chroma::MODULE.into(), usable: true };
            let mut table = Table { name: relation.name.clone(), columns, kind, ..Table::default() };
            describe(&mut table, relation);
            self.catalog.tables.push(table);
        }
        self.catalog.collections = source.collections();
        self.catalog.unrecognised.clone_from(&source.relations().unrecognised);
        Ok(())
    }

    fn columns(&self, table: &str, ddl: &TableDdl) -> Result<(Vec<Column>, Option<PrimaryKey>), Error> {
        let mut columns = vec![];
        let mut key: Vec<(i64, String)> = vec![];
        each(self.source, &pragma("table_xinfo", table), |row| {
            let column = column(row, ddl)?;
            if let position @ 1.. = row.get(5)? {
                key.push((position, column.name.clone()));
            }
            columns.push(column);
            Ok(())
        })?;
        if columns.is_empty() {
            return Err(self.unreadable(table));
        }
        for column in &mut columns {
            column.collation = self.collation(table, &column.name);
        }
        key.sort();
        let key: Vec<String> = key.into_iter().map(|(_, name)| name).collect();
        let primary_key = PrimaryKey { columns: key, ..PrimaryKey::default() };
        Ok((columns, (!primary_key.columns.is_empty()).then_some(primary_key)))
    }

    fn collation(&self, table: &str, column: &str) -> Option<String> {
        let metadata = self.source.connection().column_metadata(Some("main"), table, column);
        let name = metadata.ok()?.1?.to_string_lossy().into_owned();
        (!name.eq_ignore_ascii_case("BINARY")).then_some(name)
    }

    fn is_autoincrement(&self, table: &Table) -> bool {
        let key = table.primary_key.as_ref().map(|k| k.columns.as_slice());
        let Some([column]) = key else { return false };
        let metadata =
            self.source.connection().column_metadata(Some("main"), table.name.as_str(), column.as_str());
        metadata.is_ok_and(|(_, _, _, _, autoincrement)| autoincrement)
    }

    fn read_views_and_triggers(&mut self) {
        for row in self.rows {
            let object = format!("{} {}", row.kind, row.name);
            match (row.kind.as_str(), row.sql.clone()) {
                ("view", Some(sql)) if self.is_relation(&row.name) => {
                    self.catalog.views.push(View { name: row.name.clone(), sql });
                }
                ("trigger", Some(sql)) if self.is_relation(&row.table) => {
                    let (name, table) = (row.name.clone(), row.table.clone());
                    self.catalog.triggers.push(Trigger { name, table, sql });
                }
                ("view" | "trigger", _) => self.problem(object, reason(self.unreadable(&row.name))),
                _ => {}
            }
        }
    }

    fn is_relation(&self, name: &str) -> bool {
        self.relations.contains_key(&name.to_ascii_lowercase())
    }

    /// SQLite marks the shadow tables of the modules that it has; the naming convention finds the others.
    fn mark_shadow_tables(&mut self) {
        let owners: Vec<(String, String)> = self
            .catalog
            .tables
            .iter()
            .filter_map(|t| Some((t.name.clone(), module(t)?.to_owned())))
            .collect();
        for table in self.catalog.tables.iter_mut().filter(|t| t.kind == TableKind::Ordinary) {
            let relation = self.relations.get(&table.name.to_ascii_lowercase());
            let is_marked = relation.is_some_and(|r| r.kind == "shadow");
            let is_owner = |(name, module): &&(String, String)| {
                let is_named_after = suffix_after(&table.name, name).is_some();
                (is_marked && is_named_after) || is_shadow_of(&table.name, name, module)
            };
            if let Some((owner, _)) = owners.iter().filter(is_owner).max_by_key(|(name, _)| name.len()) {
                table.kind = TableKind::Shadow { of: owner.clone() };
            }
        }
    }

    /// Where the rows of virtual tables come from.
    fn note_contents(&mut self) {
        let contents: Vec<Content> = self.catalog.tables.iter().map(|table| self.content(table)).collect();
        for (table, content) in self.catalog.tables.iter_mut().zip(contents) {
            table.content = content;
            if let TableKind::Virtual { usable, module } = &mut table.kind
                && *usable
            {
                *usable = match table.content {
                    // A collection's first row would be that of all its vectors.
                    Content::Own(_) if module == chroma::MODULE => true,
                    Content::Own(_) => reads(self.source, &table.name),
                    // Its shadow tables are missing.
                    _ => !is_read_here(module),
                };
            }
        }
        self.note_metrics();
        let rows: Vec<Option<u64>> = self.catalog.tables.iter().map(|table| self.held_rows(table)).collect();
        for (table, rows) in self.catalog.tables.iter_mut().zip(rows) {
            table.stored_rows = rows;
        }
    }

    /// The index itself tells by which distance it searches, whatever is declared.
    fn note_metrics(&mut self) {
        let indexes = &self.source.relations().indexes;
        for table in self.catalog.tables.iter_mut().filter(|t| t.is_of_module(&[vss0::MODULE])) {
            let vectors = table.columns.iter_mut().filter_map(|column| column.vectors.as_mut());
            for (number, vectors) in vectors.enumerate() {
                let found = i64::try_from(number).ok().and_then(|number| indexes.metric(&table.name, number));
                vectors.metric = found.or(vectors.metric);
            }
        }
    }

    /// Rows of a shadow table, where nothing else tells what its virtual table holds.
    fn held_rows(&self, table: &Table) -> Option<u64> {
        let TableKind::Shadow { of } = &table.kind else { return None };
        let owner = self.catalog.table(of).map(|owner| &owner.kind);
        matches!(owner, Some(TableKind::Virtual { usable: false, .. }))
            .then(|| count::count(self.source, &table.name, None).ok())
            .flatten()
    }

    fn content(&self, table: &Table) -> Content {
        let Some(module) = module(table) else { return Content::Computed };
        if self.source.relations().find(&table.name).is_some() {
            return Content::Own(count::count(self.source, &table.name, None).unwrap_or(0));
        }
        let rows = |shadow: Option<String>| {
            let shadow = self.catalog.table(&shadow?)?;
            // One that cannot be read has a finding of its own.
            matches!(&shadow.kind, TableKind::Shadow { of } if *of == table.name)
                .then(|| count::count(self.source, &shadow.name, None).unwrap_or(0))
        };
        if let Some(rows) = rows(rows_of(&table.name, module)) {
            return Content::Own(rows);
        }
        let indexed = rows(indexed_rows_of(&table.name, module));
        match Declared::parse(&table.sql).map(|declared| declared.content) {
            Ok(declared::Content::External { table, .. }) => Content::Of(table),
            Ok(_) => Content::Index(indexed),
            Err(_) => Content::Computed,
        }
    }

    fn note_geometries(&mut self) -> Result<(), Error> {
        let names = geometries::Names::of(&self.catalog);
        match spatial::listed(self.source, &self.catalog, &names) {
            Ok(listed) => geometries::note(&mut self.catalog, &names, listed),
            Err(e) if e.is_local() => self.problem("geometry_columns", reason(e)),
            Err(e) => return Err(e),
        }
        Ok(())
    }

    fn read_sequences(&mut self) -> Result<(), Error> {
        if !self.is_relation("sqlite_sequence") {
            return Ok(());
        }
        let mut sequences: HashMap<String, i64> = HashMap::new();
        let sql = "SELECT name, seq FROM main.sqlite_sequence WHERE typeof(seq) = 'integer'";
        let result = each(self.source, sql, |row| {
            let next = sequences.entry(text(row, 0)?.to_ascii_lowercase()).or_insert(i64::MIN);
            *next = (*next).max(row.get(1)?);
            Ok(())
        });
        match result {
            Err(e) if e.is_local() => self.problem("sqlite_sequence", reason(e)),
            other => other?,
        }
        for table in &mut self.catalog.tables {
            table.sequence = sequences.get(&table.name.to_ascii_lowercase()).copied();
        }
        Ok(())
    }

    /// The error of an object that SQLite passed over, with SQLite's own message where there is one.
    fn unreadable(&self, object: &str) -> Error {
        let named = format!("({object})");
        let problem = self.source.schema_error().filter(|e| e.contains(&named));
        self.broken(problem.unwrap_or("SQLite cannot read its definition"))
    }

    fn broken(&self, why: &str) -> Error {
        Error::Corrupt { path: self.source.path().into(), object: None, detail: why.to_owned() }
    }

    fn problem(&mut self, object: impl Into<String>, reason: impl Into<String>) {
        self.catalog.problems.push(Problem { object: object.into(), reason: reason.into() });
    }
}

/// What a virtual table's arguments define, where its module is one of those that are read here.
fn defined(table: &Table, module: &str) -> Option<relations::Relation> {
    let arguments = ddl::module_arguments(&table.sql).ok().filter(|_| is_read_here(module))?;
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match module.eq_ignore_ascii_case(vss0::MODULE) {
        true => vss0::define(&table.name, &arguments).ok(),
        false => vec0::define(&table.name, &arguments).ok(),
    }
}

/// Key and vectors of a table, which no pragma tells.
fn describe(table: &mut Table, relation: &relations::Relation) {
    table.primary_key = Some(PrimaryKey {
        columns: relation.key.clone(),
        rowid_alias: relation.rowid_alias,
        ..PrimaryKey::default()
    });
    for column in &mut table.columns {
        let known = relation.columns().find(|c| c.name == column.name);
        column.vectors = known.and_then(|known| known.vectors);
    }
}

fn module(table: &Table) -> Option<&str> {
    match &table.kind {
        TableKind::Virtual { module, .. } => Some(module),
        _ => None,
    }
}

/// Whether the module can show a row: a function of the application, or one that compresses, is looked for only then.
/// Damage is another matter.
fn reads(source: &Source, table: &str) -> bool {
    let sql = format!("SELECT * FROM main.{} LIMIT 1", sqlite_ident(table));
    let read =
        source.connection().prepare(&sql).and_then(|mut statement| statement.query([])?.next().map(drop));
    match read {
        Ok(()) => true,
        Err(e) => e.sqlite_error_code() != Some(rusqlite::ErrorCode::Unknown),
    }
}

/// A row of `PRAGMA table_xinfo`: cid, name, type, notnull, dflt_value, pk, hidden.
fn column(row: &Row<'_>, ddl: &TableDdl) -> rusqlite::Result<Column> {
    let name = name(row, 1)?;
    let known = ddl.columns.iter().find(|c| c.name.eq_ignore_ascii_case(&name));
    let hidden: i64 = row.get(6)?;
    let generated = (hidden >= 2).then(|| Generated {
        expression: known.and_then(|c| c.generated.clone()).unwrap_or_default(),
        stored: hidden == 3,
    });
    // SQLite prints its six standard types in capitals, however they are written.
    let mut declared = text(row, 2)?;
    if let Some(known) = known.filter(|c| c.type_name.eq_ignore_ascii_case(&declared)) {
        declared.clone_from(&known.type_name);
    }
    let written = optional_text(row, 4)?;
    let word = known.and_then(|c| c.default_word.clone());
    Ok(Column {
        declared,
        not_null: row.get(3)?,
        default: written.map(|text| word.unwrap_or(text)),
        collation: None,
        generated,
        hidden: hidden == 1,
        name,
        ..Column::default()
    })
}
