//! The registry of what a finding can be about. None is made without one of these.

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident = $name:literal,)+) => {
        /// What a finding is about: the name by which a script tells findings apart.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Kind {
            $($(#[doc = $doc])+ $kind,)+
        }

        impl Kind {
            pub const ALL: &'static [Kind] = &[$(Kind::$kind,)+];

            /// The name in `sqlite_findings` and the run log.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Kind::$kind => $name,)+
                }
            }

            /// One sentence about it.
            pub fn describe(self) -> &'static str {
                match self {
                    $(Kind::$kind => concat!($($doc),+).trim_ascii_start(),)+
                }
            }
        }
    };
}

kinds! {
    // The file
    /// The file was copied, and the copy is read.
    Copied = "copied",
    /// The file is in WAL mode and has no -wal.
    WalMissing = "wal_missing",
    /// The file has other names, beside one of which its -wal may lie.
    HardLinks = "hard_links",
    /// The file has no tables.
    NoTables = "no_tables",
    /// A table, view, index or trigger cannot be read.
    Unreadable = "unreadable",
    /// The caller has no right to read a table that is to be exported.
    Denied = "denied",
    /// An expression of the plan cannot be computed for a row of a table, which is left out.
    FailedExpression = "failed_expression",
    /// An expression of the plan depends on the moment at which it is evaluated.
    ReadsClock = "reads_clock",
    /// Pages are damaged.
    Damaged = "damaged",
    /// A table was not checked for damage.
    Unchecked = "unchecked",
    /// The statements of before have not been run.
    BeforeNotRun = "before_not_run",

    // What is carried over
    /// A declared type of the plan is no column's.
    UnusedType = "unused_type",
    /// A name is too long, empty or taken, and another one is used.
    NameChanged = "name_changed",
    /// Tables that hold the data of a virtual table are not loaded.
    ShadowTable = "shadow_table",
    /// A virtual table is not loaded, or becomes a table.
    VirtualTable = "virtual_table",
    /// How the texts of a full-text table are searched.
    Search = "search",
    /// What becomes of geometries, of their systems of coordinates, and of a file's description of itself.
    Geometry = "geometry",
    /// A view is not carried over.
    View = "view",
    /// A view has the same rows as in SQLite on an assumption.
    ViewAssumes = "view_assumes",
    /// A trigger is not carried over.
    Trigger = "trigger",
    /// A trigger does in PostgreSQL what it does in SQLite on an assumption.
    TriggerAssumes = "trigger_assumes",
    /// A trigger has nothing to do in PostgreSQL.
    TriggerUnneeded = "trigger_unneeded",
    /// The records of a migration tool are not loaded.
    Bookkeeping = "bookkeeping",
    /// Characters of a name or a default are not in the database's encoding.
    Untranslatable = "untranslatable",

    // Existing tables
    /// An existing table is used that has a similar name.
    SimilarTable = "similar_table",
    /// Several existing tables could be meant, or one for several.
    AmbiguousTable = "ambiguous_table",
    /// An existing table belongs to a role whose code would run.
    OtherOwner = "other_owner",
    /// The target exists, and the plan does not say what to do.
    TableExists = "table_exists",
    /// An existing table is loaded, and keeps what it has.
    TableKept = "table_kept",
    /// The target does not exist and is not to be created.
    TableMissing = "table_missing",
    /// A schema does not exist and is not to be created.
    SchemaMissing = "schema_missing",
    /// A table cannot be truncated because others point to it, or something cannot be dropped because views read it.
    Referenced = "referenced",
    /// Existing columns are used that have similar names.
    SimilarColumns = "similar_columns",
    /// Several existing columns could be meant, or one for several.
    AmbiguousColumn = "ambiguous_column",
    /// A column is not loaded because it is computed.
    ComputedColumn = "computed_column",
    /// The existing table has no such column.
    ColumnMissing = "column_missing",
    /// An existing column gets no value from the source.
    ColumnUnfilled = "column_unfilled",
    /// A key of the plan has no effect.
    NoEffect = "no_effect",
    /// Triggers of an existing table fire, or do not.
    Triggers = "triggers",
    /// Loaded rows cannot conflict, or not with the key that the plan means.
    ConflictKey = "conflict_key",
    /// Rows are matched with existing ones by another key than the one that rows refer to them by.
    MatchedRows = "matched_rows",
    /// Rows with the key of an existing row are not what the existing row is, or were not compared.
    SkippedRows = "skipped_rows",
    /// An update leaves values of existing rows as they are.
    NotUpdated = "not_updated",

    // Columns and values
    /// No column of a table is left.
    NoColumns = "no_columns",
    /// A table has more columns than PostgreSQL allows.
    TooManyColumns = "too_many_columns",
    /// A row is wider than a page of PostgreSQL's.
    RowTooWide = "row_too_wide",
    /// The plan's type is not the existing column's.
    TypeContradiction = "type_contradiction",
    /// Stored values do not fit the column's type.
    InvalidValue = "invalid_value",
    /// What becomes of a column with vectors or of a collection, and which records have no vector.
    Vectors = "vectors",
    /// A column gets a wider type, by the plan's on_invalid.
    Widened = "widened",
    /// A type of the plan's types does not hold every value, and is not used.
    TypeRefused = "type_refused",
    /// The declared type does not hold every value, and is not used.
    TypeMissed = "type_missed",
    /// Zeros are read as times.
    ZeroTimes = "zero_times",
    /// Numbers are times before 1980 or after 2099.
    UnusualTimes = "unusual_times",
    /// Numbers are read as times because of the column's name.
    NamedTimes = "named_times",
    /// Numbers that may be times stay numbers.
    UnreadNumbers = "unread_numbers",
    /// Texts are read in another encoding, without NUL characters, or as they are though they are not UTF-8.
    ConvertedTexts = "converted_texts",
    /// Times are rounded to microseconds.
    Rounded = "rounded",
    /// Times with and without an offset, or offsets that are not kept.
    Offsets = "offsets",
    /// Texts that are all of one form stay texts.
    TextForm = "text_form",
    /// Times that may be intervals.
    IntervalForm = "interval_form",
    /// Blobs that are something else, or texts and numbers among them.
    BlobForm = "blob_form",
    /// Numbers that may be booleans.
    FlagForm = "flag_form",
    /// The program that wrote the file is recognised, and its conventions are followed.
    Program = "program",
    /// Numbers of a program's 32-bit columns need more, or leave no room to grow.
    WideNumbers = "wide_numbers",
    /// The program's own schema may have another type, which the file does not say.
    Untold = "untold",
    /// NULL in a NOT NULL column.
    NullKey = "null_key",
    /// A column becomes an enum, or cannot.
    Enum = "enum",
    /// A generated column is computed otherwise.
    GeneratedOtherwise = "generated_otherwise",
    /// A column, generated column, default, check, key or index is not carried over.
    LeftOut = "left_out",
    /// PostgreSQL refuses an expression of the plan.
    ExpressionRefused = "expression_refused",

    // Keys, checks and sequences
    /// Rows break a CHECK.
    BrokenCheck = "broken_check",
    /// Rows have equal keys.
    DuplicateKey = "duplicate_key",
    /// A constraint has an ON CONFLICT clause, which PostgreSQL has in statements only.
    ConflictClause = "conflict_clause",
    /// A table has no primary key.
    NoPrimaryKey = "no_primary_key",
    /// A value is longer than the third of a page that a btree allows.
    KeyTooLong = "key_too_long",
    /// A collation is another one in PostgreSQL.
    Collation = "collation",
    /// Rows without a parent.
    Orphans = "orphans",
    /// Existing rows without a parent, which the import does not change.
    ExistingOrphans = "existing_orphans",
    /// A sequence cannot be set, or is not needed any more.
    Sequence = "sequence",

    // The run
    /// What sqlite_rollback could not take back.
    Irreversible = "irreversible",
    /// A step of the import failed, and the import went on.
    StepFailed = "step_failed",
}

impl Kind {
    /// The rows are sound; a key or a check over them is not.
    pub fn costs_only_the_key(self) -> bool {
        matches!(
            self,
            Kind::Orphans | Kind::NullKey | Kind::DuplicateKey | Kind::BrokenCheck | Kind::KeyTooLong
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: &str = "<!-- begin kinds -->\n";
    const END: &str = "<!-- end kinds -->\n";

    #[test]
    fn the_page_holds_the_registry() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference.md");
        let page = std::fs::read_to_string(path).expect("docs/reference.md");
        let (head, rest) = page.split_once(BEGIN).expect("begin marker in docs/reference.md");
        let (listed, tail) = rest.split_once(END).expect("end marker in docs/reference.md");
        let row = |kind: &Kind| format!("| `{}` | {} |\n", kind.as_str(), kind.describe());
        let rows: String = Kind::ALL.iter().map(row).collect();
        let table = format!("| kind | |\n|---|---|\n{rows}");
        if std::env::var_os("UPDATE_DOCS").is_some() && listed != table {
            std::fs::write(path, format!("{head}{BEGIN}{table}{END}{tail}")).expect("docs/reference.md");
            return;
        }
        assert_eq!(listed, table, "run the test with UPDATE_DOCS=1 to print the registry into the page");
    }
}
