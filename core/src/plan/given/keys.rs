//! Every key that a plan may hold: the one registry from which the reader, its error hints and
//! the sections of `docs/plan.md` derive.
//!
//! A key is known at up to three levels: the plan itself, a table, a column. `Works` says which
//! values do something today; the rest is refused by name, never ignored.

use super::words::*;
use crate::damage::Integrity;
use crate::types::Epochs;
use crate::value::Excess;
use crate::value::batch::OnInvalid;
use crate::value::encoding::Nul;

/// Where in a plan an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Plan,
    Table,
    Column,
}

/// The shape of a key's value.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Flag,
    Text,
    TextOrNull,
    /// A name; null for none.
    NameOrNull,
    /// A word, or the name of a key.
    Match,
    Word(&'static [&'static str]),
    /// A list of globs.
    Globs,
    /// A case, or an object of rules.
    Names,
    /// `true`, `false`, or an object with globs of names to leave out.
    Objects,
    /// `true`, `false`, one of these forms, or an object with globs and texts of the caller's own.
    Carried(&'static [&'static str]),
    /// One SQL statement, or a list of them.
    Sql,
    /// A list of texts and numbers.
    Values,
    /// Declared type -> PostgreSQL type.
    Types,
    /// Declared type -> format.
    Formats,
    /// A program's name, or a list of such.
    Orms,
    /// A PostgreSQL type name.
    Type,
    Format,
    /// The name of an encoding; null for none.
    Encoding,
    /// How many digits; null for as many as there are.
    Scale,
    /// A number of connections, or null.
    Readers,
    Timezone,
    /// A word, or an object with a share.
    Verify,
    /// `true`, `false`, or an object that says where collections go.
    Chroma,
    /// `true`, `false`, or an object that says how texts are searched.
    Fts,
    /// An object that says what becomes of a file's description of itself.
    Geopackage,
    /// An object of what the server may use to build indexes.
    IndexBuild,
    /// A word; of a column also a flag or an expression.
    Generated,
    /// Source table -> object.
    Tables,
    /// Source column -> object.
    Columns,
    /// Not read yet.
    Any,
}

/// What works now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Works {
    Now,
    /// Only these values, as JSON text, which are what happens anyway.
    Only(&'static [&'static str]),
}

pub struct Key {
    pub name: &'static str,
    pub kind: Kind,
    /// As JSON text; of the plan level where the levels differ.
    pub default: &'static str,
    pub plan: Option<Works>,
    pub table: Option<Works>,
    pub column: Option<Works>,
    pub doc: &'static str,
    /// The key with a value, as it would stand in a plan.
    pub example: &'static str,
}

impl Key {
    pub fn works_at(&self, level: Level) -> Option<Works> {
        match level {
            Level::Plan => self.plan,
            Level::Table => self.table,
            Level::Column => self.column,
        }
    }

    const fn new(name: &'static str, kind: Kind, default: &'static str) -> Key {
        Key { name, kind, default, plan: None, table: None, column: None, doc: "", example: "" }
    }
    const fn everywhere(self) -> Key {
        Key { plan: Some(Works::Now), table: Some(Works::Now), column: Some(Works::Now), ..self }
    }
    const fn run_and_table(self) -> Key {
        Key { plan: Some(Works::Now), table: Some(Works::Now), ..self }
    }
    const fn run(self) -> Key {
        Key { plan: Some(Works::Now), ..self }
    }
    const fn of_table(self) -> Key {
        Key { table: Some(Works::Now), ..self }
    }
    const fn of_column(self) -> Key {
        Key { column: Some(Works::Now), ..self }
    }
    const fn in_table(self, works: Works) -> Key {
        Key { table: Some(works), ..self }
    }
    const fn says(self, doc: &'static str, example: &'static str) -> Key {
        Key { doc, example, ..self }
    }
}

pub(super) const NOTHING: Works = Works::Only(&[]);

/// The registry.
pub const KEYS: &[Key] = &[
    Key::new("schema", Kind::Text, "\"public\"").run_and_table().says(
        "The PostgreSQL schema of the target tables; it is created if it does not exist.", "\"schema\": \"app\""),
    Key::new("include", Kind::Globs, "[\"*\"]").run().says(
        "Globs of the source tables to import, without regard to case.", "\"include\": [\"user*\", \"orders\"]"),
    Key::new("exclude", Kind::Globs, "[]").run().says(
        "Globs of source tables to leave out; wins over `include`.", "\"exclude\": [\"*_backup\"]"),
    Key::new("names", Kind::Names, "\"preserve\"").run().in_table(NOTHING).says(
        "How source names become PostgreSQL names. Names over 63 bytes are cut and collisions get a number; a finding reports both. An object also has rules for the names of tables, see [Rules for names](#rules-for-names).",
        "\"names\": \"snake_case\""),
    Key::new("create", Kind::Word(Create::WORDS), "\"auto\"").run_and_table().says(
        "`auto` creates missing tables and loads into existing ones; `always` creates every table; `never` creates neither tables nor schemas.",
        "\"create\": \"never\""),
    Key::new("existing_rows", Kind::Word(ExistingRows::WORDS), "\"error\"").run_and_table().says(
        "What to do if an existing target table has rows: `error` stops, `append` adds rows, `truncate` truncates the table first, `replace` drops and creates it. The default is `append` if `on_conflict` is `skip` or `update`.",
        "\"existing_rows\": \"truncate\""),
    Key::new("on_conflict", Kind::Word(OnConflict::WORDS), "\"error\"").run_and_table().says(
        "What to do with a loaded row whose key exists: `error` stops, `skip` keeps the existing row, which must be the same row, `update` gives the existing row the loaded values.",
        "\"on_conflict\": \"skip\""),
    Key::new("conflict_target", Kind::NameOrNull, "the primary key, or the only unique key").of_table().says(
        "The key that `on_conflict` uses: the name of the existing table's primary key, unique constraint or unique index.",
        "\"conflict_target\": \"users_email_key\""),
    Key::new("match", Kind::Match, "\"key\"").run_and_table().says(
        "By which key a loaded row is an existing one, if `on_conflict` is `skip` or `update`. `key`: by that of `conflict_target`; references to the row keep their values. `natural`: by the table's other unique key, such as a name; the row gets the primary key that it has in the table, and the foreign keys of loaded rows that refer to it follow. For a table also the name of that key. See [Rows with other numbers](existing.md#rows-with-other-numbers).",
        "\"match\": \"natural\""),
    Key::new("constraints", Kind::Word(Constraints::WORDS), "\"rebuild\"").run_and_table().says(
        "What happens to indexes and constraints of an existing table: `rebuild` rebuilds and checks them after the load, `keep` maintains them for each row.",
        "\"constraints\": \"keep\""),
    Key::new("fire_triggers", Kind::Flag, "false").run_and_table().says(
        "Fire the triggers of an existing table for the loaded rows.", "\"fire_triggers\": true"),
    Key::new("on_invalid", Kind::Word(OnInvalid::WORDS), "\"error\"").everywhere().says(
        "What to do with a value that does not fit its column's type: `error` stops, `null` stores NULL (a new column that takes NULL keeps its declared type, rather than becoming text), `reject` puts the row into `sqlite_migrate.reject`, `text` makes the column text (bytea if it holds BLOBs).",
        "\"on_invalid\": \"reject\""),
    Key::new("null_values", Kind::Values, "[]").everywhere().says(
        "Texts and numbers that mean NULL where they do not fit their column's type, as COPY's NULL does. In a text column they stay. A list replaces that of the plan or table.",
        "\"null_values\": [\"\", \"n/a\", \"0000-00-00\"]"),
    Key::new("epochs", Kind::Word(Epochs::WORDS), "\"declared\"").everywhere().says(
        "Which numbers are read as times, where neither `type` nor an existing column decides: `declared` reads those of columns declared as a time, such as DATETIME, `named` also those of columns whose name suggests times, such as `created_at INTEGER`, `never` reads none.",
        "\"epochs\": \"named\""),
    Key::new("null_to_default", Kind::Flag, "false").of_table().in_column().says(
        "Give NULL the default of an existing NOT NULL column that has one. The rows are then loaded through a temporary table.",
        "\"null_to_default\": true"),
    Key::new("excess", Kind::Word(Excess::WORDS), "\"error\"").everywhere().says(
        "What to do with what a column cannot hold of a time or number: digits beyond microseconds, or beyond the precision of `timestamp(p)`, `time(p)` or `interval(p)`, or beyond the scale of `numeric(p,s)`. With `error` the value does not fit; `round` rounds it, half away from zero; `truncate` cuts the digits off, and also the ends of texts beyond `varchar(n)` and `char(n)`. In arrays, ranges and composites each value is treated so; a range that would become empty does not fit. The result's `detail` counts the values of each column.",
        "\"excess\": \"round\""),
    Key::new("text_encoding", Kind::Encoding, "null").everywhere().says(
        "How texts are read that are not UTF-8, though SQLite stores them as texts: `latin1`, `windows-1252`, or another encoding of the [WHATWG's list](https://encoding.spec.whatwg.org/#names-and-labels). Texts that are UTF-8 stay as they are. A finding and the result's `detail` count the others.",
        "\"text_encoding\": \"windows-1252\""),
    Key::new("nul", Kind::Word(Nul::WORDS), "\"error\"").everywhere().says(
        "What to do with NUL characters in texts, which PostgreSQL does not take: with `error` the text does not fit a text type, so that a new column becomes bytea if the plan does not name its type; `strip` takes them out; `bytea` says that the texts are bytes, so that such a column becomes bytea whatever `on_invalid` says. A finding and the result's `detail` count texts that lose them.",
        "\"nul\": \"strip\""),
    Key::new("orphans", Kind::Word(Orphans::WORDS), "\"error\"").run_and_table().says(
        "What to do with a row whose foreign key finds no row: `error` stops, `reject` puts the row into `sqlite_migrate.reject`, `null` sets the key to NULL, `keep` keeps the row and leaves the constraint NOT VALID.",
        "\"orphans\": \"keep\""),
    Key::new("keys", Kind::Word(Keys::WORDS), "\"strict\"").run_and_table().says(
        "What to do if stored rows break a primary key, unique key, NOT NULL or CHECK, or are too long for an index: `strict` stops, `as_data_allows` creates the strongest constraint or index that the rows allow.",
        "\"keys\": \"as_data_allows\""),
    Key::new("nocase", Kind::Word(Nocase::WORDS), "\"citext\"").run_and_table().says(
        "What `COLLATE NOCASE` becomes: the type `citext`, whose extension is created if it is missing (`citext`), a nondeterministic ICU collation (`collation`), indexes on `lower()` (`lower`), or nothing (`none`). Where `citext` cannot be had, the default is `collation` on PostgreSQL 18 and later with ICU, and `lower` otherwise.",
        "\"nocase\": \"lower\""),
    Key::new("on_error", Kind::Word(OnError::WORDS), "\"stop\"").run().in_table(NOTHING).says(
        "`stop` ends the import at the first error. `continue` goes on with the other objects, and loads every row of a damaged table that can still be reached.", "\"on_error\": \"continue\""),
    Key::new("loader", Kind::Word(Loader::WORDS), "\"auto\"").run_and_table().says(
        "How rows are written: `pages` makes whole pages and appends them to the table's file, `rows` inserts rows as COPY does, `auto` takes pages [where it may](performance.md#pages). `pages` is an error where it may not.",
        "\"loader\": \"rows\""),
    Key::new("compression", Kind::Word(Compression::WORDS), "\"default\"").run_and_table().says(
        "How long values of new tables are compressed: `lz4`, where the server has it, several times as fast as `pglz`; `default` leaves it to `default_toast_compression`.",
        "\"compression\": \"lz4\""),
    Key::new("freeze", Kind::Flag, "false").run_and_table().says(
        "Write rows frozen and pages as all-visible, as COPY FREEZE does, so that the first VACUUM finds nothing to do; see [performance.md](performance.md#frozen-rows). Only for tables that the import creates or truncates, and while no cursor is open and no older snapshot in use: otherwise it is an error. The rows are inserted, not written as pages.",
        "\"freeze\": true"),
    Key::new("index_build", Kind::IndexBuild, "{\"memory\": null, \"workers\": null}").run().in_table(NOTHING).says(
        "What the server may use to build indexes and keys and to validate foreign keys: `maintenance_work_mem` (`memory`) and `max_parallel_maintenance_workers` (`workers`) until the import's own steps are done. null leaves them to the session. See [performance.md](performance.md#indexes-and-keys).",
        "\"index_build\": {\"memory\": \"1GB\", \"workers\": 4}"),
    Key::new("orm", Kind::Orms, "\"auto\"").run().says(
        "The program that wrote the file, whose conventions say what its declared types mean, see [Programs](types.md#programs): `auto` recognises it, `none` follows none, a name or a list of names follows these.",
        "\"orm\": \"prisma\""),
    Key::new("types", Kind::Types, "{}").run_and_table().says(
        "PostgreSQL types for declared types, used if the stored values fit; with or without the length (`VARCHAR` also means `VARCHAR(20)`).",
        "\"types\": {\"DATETIME\": \"timestamptz\"}"),
    Key::new("formats", Kind::Formats, "{}").run_and_table().says(
        "How the numbers in columns of a declared type are read, if they fit: a `format` as of a column, with or without the type's length.",
        "\"formats\": {\"DATETIME\": \"unixepoch_ms\"}"),
    Key::new("identity", Kind::Word(Identity::WORDS), "\"identity\"").run_and_table().says(
        "What numbers the rows of a new table that has an INTEGER PRIMARY KEY: an `identity` column, or `serial`, whose sequence is the column's default. The default is `serial` for programs whose own schema has it.",
        "\"identity\": \"serial\""),
    Key::new("enums", Kind::Objects, "false").run_and_table().says(
        "Make an enum type of each text column of a new table whose CHECK lists the values it may hold, in place of the CHECK: `status TEXT CHECK (status IN ('active', 'invited'))`. Its values are sorted in the order of the list. `exclude` has globs of columns that keep text and CHECK. A type of that name with the same values is used again; one with others stays, and the new type's name gets a number.",
        "\"enums\": true"),
    Key::new("generated", Kind::Generated, "\"declared\"").everywhere().says(
        "What generated columns of new tables become: `stored`, `virtual` (PostgreSQL 18 and later), `view`, which leaves the column to a view beside the table, or `none`, ordinary columns that get SQLite's values. `declared` is `virtual` for SQLite's VIRTUAL columns where the server has it, and `stored` otherwise. Of a column also `true` (translate the declared expression), `false` (`none`), a PostgreSQL expression, or one with its word: `{\"virtual\": \"a * 2\"}`. See [Generated columns](translate.md#generated-columns).",
        "\"generated\": \"stored\""),
    Key::new("timezone", Kind::Timezone, "\"UTC\"").run_and_table().says(
        "The time zone of times stored as text without an offset.", "\"timezone\": \"Europe/Berlin\""),
    Key::new("indexes", Kind::Objects, "true").run_and_table().says(
        "Create the indexes of `CREATE INDEX`. Primary keys and UNIQUE constraints are created in any case. See [Leaving objects out](#leaving-objects-out).",
        "\"indexes\": {\"exclude\": [\"idx_old_*\"]}"),
    Key::new("foreign_keys", Kind::Objects, "true").run_and_table().says(
        "Create foreign keys.", "\"foreign_keys\": false"),
    Key::new("checks", Kind::Objects, "true").run_and_table().says(
        "Create CHECK constraints.", "\"checks\": false"),
    Key::new("views", Kind::Carried(Form::WORDS), "true").run().in_table(NOTHING).says(
        "Translate the views and create them after the tables, in `schema`: as views, or as materialized views (`materialized`) or tables (`table`) that hold the rows of the loaded file. An object has globs of views that are left out (`exclude`) or get another form, and entries with a text of your own. See [What becomes of views](#what-becomes-of-views).",
        "\"views\": {\"exclude\": [\"tmp_*\"], \"materialized\": [\"sales_*\"], \"totals\": {\"sql\": \"SELECT sum(n) AS n FROM app.sales\"}}"),
    Key::new("strict", Kind::Flag, "false").run().in_table(NOTHING).says(
        "Leave out each view and trigger whose translation rests on an assumption; a finding lists the assumptions. They are those of [translate.md](translate.md#statements).",
        "\"strict\": true"),
    Key::new("helpers", Kind::Flag, "true").run().in_table(NOTHING).says(
        "Create the functions of schema `sqlite_compat` that translated views, triggers and search vectors call where PostgreSQL has none with SQLite's results. With `false` what needs one is left out with a finding. See [Helper functions](translate.md#helper-functions).",
        "\"helpers\": false"),
    Key::new("triggers", Kind::Carried(&[]), "true").run().in_table(NOTHING).says(
        "Translate the triggers of tables and views that the import makes, and create a function and a trigger for each after the load. An object has globs of triggers that are left out (`exclude`), and entries with a text of your own, which creates function and trigger. See [Triggers](translate.md#triggers).",
        "\"triggers\": {\"exclude\": [\"fts_*\"]}"),
    Key::new("fts", Kind::Fts, "true").run_and_table().says(
        "Give the tables with the texts of FTS tables a column with a search vector and an index over it, see [Full text](virtual_tables.md#full-text). An object has `config`, a text search configuration in place of that of the tokenizer, `unaccent`, whether letters lose their diacritics, `index` (`gin`, `gist` or `none`), `column`, the column's name, and `weights`, the weights of columns by their names in the file (otherwise A, B, C and then D by their order).",
        "\"fts\": {\"config\": \"english\", \"weights\": {\"title\": \"A\", \"body\": \"C\"}}"),
    Key::new("geopackage", Kind::Geopackage, "{\"metadata\": false, \"geometries\": true}").run().in_table(NOTHING).says(
        "Of a GeoPackage or a file of SpatiaLite or OGR: whether the tables in which it describes itself are loaded as well (`metadata`), and whether geometries are read (`geometries`) or stay blobs as they are stored. See [geometry.md](geometry.md).",
        "\"geopackage\": {\"metadata\": true}"),
    Key::new("chroma", Kind::Chroma, "true").run().says(
        "Make a table of each collection of a ChromaDB folder, whose `chroma.sqlite3` is the file; its own tables are then left out unless `skip` is false. An object has `layout`, which is `single` for one table with the records of all, and `collections`, by name, with the `target` of a collection and its `columns`: those of the target, and what each gets (`id`, `document`, `uri`, `metadata`, `embedding`, `created_at` or `metadata.KEY`). With `false` the file is one like any other. See [vectors.md](vectors.md).",
        "\"chroma\": {\"collections\": {\"docs\": {\"target\": \"vector_embeddings\", \"columns\": {\"id\": \"id\", \"user_id\": \"metadata.userId\", \"embedding\": \"embedding\"}}}}"),
    Key::new("profile", Kind::Word(ProfileMode::WORDS), "\"full\"").run().in_table(NOTHING).says(
        "How much of the stored data is read to choose types: all rows, a sample, or none. With `none` only the declared types decide.",
        "\"profile\": \"sample\""),
    Key::new("readers", Kind::Readers, "by the number of processors").run().says(
        "How many connections read the file at once, all in one snapshot. Without a number the profile has one for each processor, and a load one less, as the server writes meanwhile; four at most, and one for small tables. Plan and result are the same with any number. See [performance.md](performance.md#readers).",
        "\"readers\": 2"),
    Key::new("integrity", Kind::Word(Integrity::WORDS), "\"quick\"").run().in_table(NOTHING).says(
        "How much of the file is checked for damage first: `quick` checks the pages of every table and index, `full` also compares indexes with their tables, `none` checks nothing, so that a damaged page may give wrong rows without an error.",
        "\"integrity\": \"full\""),
    Key::new("verify", Kind::Verify, "\"counts\"").run_and_table().says(
        "What is compared after the load: the numbers of rows (`counts`), all values as well (`values`), or those of a share of the rows, 1 % of a table and at least 1,000 rows (`sample`; an object states another share), or nothing (`none`). A difference rolls the import back.",
        "\"verify\": \"values\""),
    Key::new("notices", Kind::Word(Notices::WORDS), "\"progress\"").run().says(
        "The NOTICEs of an import, and of a plan that takes long to make. `progress`: while it takes long, how far it is, at most every two seconds, and at the end where its time went. `tables`: each table that is loaded, and the end. `none`: nothing. Warnings are reported in any case.",
        "\"notices\": \"tables\""),
    Key::new("reset_sequences", Kind::Flag, "true").run_and_table().says(
        "Set sequences after the largest loaded value and after the number in `sqlite_sequence`.", "\"reset_sequences\": false"),
    Key::new("refresh", Kind::Flag, "false").run().says(
        "Refresh the materialized views that read loaded tables, directly or through other views.", "\"refresh\": true"),
    Key::new("analyze", Kind::Flag, "true").run_and_table().says(
        "Run ANALYZE on each loaded table.", "\"analyze\": false"),
    Key::new("before", Kind::Sql, "[]").run().in_table(NOTHING).says(
        "SQL statements to run first, before the target is read.", "\"before\": \"SET LOCAL work_mem = '1GB'\""),
    Key::new("after", Kind::Sql, "[]").run().in_table(NOTHING).says(
        "SQL statements to run last, after the rows were counted.", "\"after\": [\"GRANT SELECT ON app.users TO reporting\"]"),
    Key::new("immutable", Kind::Flag, "false").run().says(
        "Open the file with `immutable=1`, without a lock: only for a file that nobody writes. It is refused if there is a non-empty `-wal`.",
        "\"immutable\": true"),
    Key::new("wal", Kind::Word(Wal::WORDS), "\"in_place\"").run().says(
        "How to read a file with a non-empty `-wal`: `in_place` reads both where they are, if no file has to be created beside them; `copy` reads a private copy of both in the server's temporary directory, which is removed afterwards.",
        "\"wal\": \"copy\""),
    Key::new("backup", Kind::TextOrNull, "null").run().says(
        "Copy the file to this path first, by SQLite's backup API, and read the copy; `{name}` stands for the file's name without its ending, `{time}` for the time in UTC. The copy is there when the transaction has committed; the run log has its path, its SHA-256 and the manifest of what it holds, for which the file is read once more. See [A copy of the file](rollback.md#a-copy-of-the-file).", "\"backup\": \"/backups/{name}-{time}.db\""),
    Key::new("undo", Kind::Flag, "false").run().says(
        "Keep in the run log what rows of existing tables were before the import changed them, so that `sqlite_rollback` can give them their values back. See [rollback.md](rollback.md#rows-of-existing-tables).", "\"undo\": true"),
    Key::new("tables", Kind::Tables, "{}").run().says(
        "Keys of single tables, by source name.", "\"tables\": {\"users\": {\"target\": \"account\"}}"),
    Key::new("target", Kind::NameOrNull, "by `names`").of_table().says(
        "The table's name in PostgreSQL. Without it, an existing table with a similar name may be used.", "\"target\": \"account\""),
    Key::new("skip", Kind::Flag, "false").of_table().in_column().says(
        "Leave the table or column out. Virtual tables that keep no rows themselves are left out by default; `false` loads one.", "\"skip\": true"),
    Key::new("where", Kind::TextOrNull, "null").of_table().says(
        "A SQLite condition that selects the rows to load.", "\"where\": \"deleted = 0\""),
    Key::new("columns", Kind::Columns, "{}").of_table().says(
        "Keys of single columns, by source name.", "\"columns\": {\"age\": {\"type\": \"smallint\"}}"),
    Key::new("primary_key", Kind::Any, "as declared").in_table(NOTHING).says(
        "Columns of another primary key.", "\"primary_key\": [\"id\"]"),
    Key::new("partition_by", Kind::Any, "none").in_table(NOTHING).says(
        "Create a partitioned table.", "\"partition_by\": \"range (created_at)\""),
    Key::new("distribute_by", Kind::Any, "none").in_table(NOTHING).says(
        "Create a distributed table.", "\"distribute_by\": \"id\""),
    Key::new("name", Kind::NameOrNull, "by `names`").of_column().says(
        "The column's name in PostgreSQL. Without it, an existing column with a similar name may be used.", "\"name\": \"created\""),
    Key::new("type", Kind::Type, "by the stored values").of_column().says(
        "The column's PostgreSQL type. `on_invalid` decides about values that do not fit.", "\"type\": \"numeric(12,2)\""),
    Key::new("using", Kind::TextOrNull, "null").of_column().says(
        "A SQLite expression over the table's stored columns, read instead of the column: the column's type, its keys and its rows are decided and loaded from the expression's values. See [Reading a column by an expression](#reading-a-column-by-an-expression).",
        "\"using\": \"replace(price, ',', '.')\""),
    Key::new("format", Kind::Format, "by the stored values").of_column().says(
        "How the column's numbers or encoded texts are read, see [types.md](types.md#formats).", "\"format\": \"unixepoch\""),
    Key::new("scale", Kind::Scale, "by the program that wrote the file").of_column().says(
        "How many digits after the point the values of a `numeric` column without precision have at least, from 0 to 1000: SQLite keeps 2.10 as 2.1, and with `2` it is 2.10 again. Numbers with more digits keep them. null leaves numbers as they are.",
        "\"scale\": 2"),
    Key::new("true_values", Kind::Values, "[]").of_column().says(
        "Texts and numbers that a boolean column means by true, besides those that every boolean takes. A new column becomes boolean.",
        "\"true_values\": [\"ja\", 2]"),
    Key::new("false_values", Kind::Values, "[]").of_column().says(
        "Texts and numbers that a boolean column means by false, besides those that every boolean takes. A new column becomes boolean.",
        "\"false_values\": [\"nein\", \"\"]"),
    Key::new("nullable", Kind::Flag, "as declared").of_column().says(
        "Whether the column allows NULL.", "\"nullable\": true"),
    Key::new("default", Kind::TextOrNull, "as declared, translated").of_column().says(
        "The column's DEFAULT as a PostgreSQL expression; null for none.", "\"default\": \"now()\""),
    Key::new("reason", Kind::Text, "why the type was chosen").of_column().says(
        "Why the type was chosen. Free text, printed again.", "\"reason\": \"all 12 values are integers\""),
];

impl Key {
    const fn in_column(self) -> Key {
        Key { column: Some(Works::Now), ..self }
    }
}

/// The key of that name at a level.
pub fn find(level: Level, name: &str) -> Option<(&'static Key, Works)> {
    KEYS.iter().filter(|k| k.name == name).find_map(|k| Some((k, k.works_at(level)?)))
}

/// Names of the keys at a level, in registry order.
pub fn names_at(level: Level) -> impl Iterator<Item = &'static str> {
    KEYS.iter().filter(move |k| k.works_at(level).is_some()).map(|k| k.name)
}

/// The name nearest to what was written, if one is near enough to be meant.
pub fn nearest<'a>(given: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let given: String = given.chars().take(100).collect::<String>().to_lowercase();
    names
        .map(|name| (strsim::jaro_winkler(&given, &name.to_lowercase()), name))
        .filter(|(score, _)| *score >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// `, did you mean "type"?`, or nothing.
pub fn did_you_mean<'a>(given: &str, names: impl Iterator<Item = &'a str>) -> String {
    suggested(nearest(given, names))
}

/// The same of a name that is known to be near.
pub fn suggested(near: Option<&str>) -> String {
    near.map_or(String::new(), |name| format!(", did you mean \"{name}\"?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_documented_by_an_example_that_parses() {
        for key in KEYS {
            assert!(!key.doc.is_empty(), "{}", key.name);
            let json = format!("{{{}}}", key.example);
            let value: serde_json::Value = serde_json::from_str(&json).expect(key.name);
            assert!(value.get(key.name).is_some(), "{}", key.name);
        }
    }

    #[test]
    fn the_nearest_name_is_offered_only_when_near() {
        assert_eq!(nearest("typ", names_at(Level::Column)), Some("type"));
        assert_eq!(nearest("Schema", names_at(Level::Plan)), Some("schema"));
        assert_eq!(nearest("zzz", names_at(Level::Plan)), None);
    }
}
