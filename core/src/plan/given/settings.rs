//! Every setting decided: a table's own entry comes before the plan, and the plan before the defaults.

use super::backup::BackupPath;
use super::fts::Fts;
use super::match_by::MatchBy;
use super::objects::Objects;
use super::overrides::{Common, Overrides, PlanError, TableOverrides, invalid};
use super::verify::Verify;
use super::words::*;
use crate::damage::Integrity;
use crate::orm::Conventions;
use crate::orm::signs::Recognised;
use crate::path::{join, of_column};
use crate::sqltext::LONGEST_NAME;
use crate::types::Epochs;
use crate::value::batch::OnInvalid;
use crate::value::encoding::TextReading;
use crate::value::{Excess, Format, PgType, ValueList};

/// The settings of one table; those of the plan itself apply to a table without an entry.
#[derive(Debug, Clone)]
pub struct Settings {
    pub schema: String,
    pub create: Create,
    pub existing_rows: ExistingRows,
    /// What `existing_rows` is where no `on_conflict` says otherwise.
    pub rows_said: ExistingRows,
    pub on_conflict: OnConflict,
    pub match_by: MatchBy,
    pub constraints: Constraints,
    pub loader: Loader,
    pub compression: Compression,
    pub freeze: bool,
    pub fire_triggers: bool,
    pub on_invalid: OnInvalid,
    pub null_values: ValueList,
    pub epochs: Epochs,
    pub excess: Excess,
    pub texts: TextReading,
    pub orphans: Orphans,
    pub keys: Keys,
    pub nocase: Nocase,
    /// The table's own entries first.
    pub types: Vec<(String, PgType)>,
    /// The table's own entries first.
    pub formats: Vec<(String, Option<Format>)>,
    pub identity: Identity,
    pub enums: Objects,
    pub generated: Generation,
    pub timezone: String,
    pub indexes: Objects,
    pub foreign_keys: Objects,
    pub checks: Objects,
    pub fts: Fts,
    pub verify: Verify,
    pub reset_sequences: bool,
    pub analyze: bool,
}

/// Defaults that the server and the file's programs decide.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usual {
    pub nocase: Nocase,
    pub epochs: Epochs,
    pub identity: Identity,
}

impl Usual {
    /// By what the server makes of NOCASE.
    pub fn new(nocase: Nocase, orms: &[Recognised]) -> Usual {
        let any =
            |is: fn(&Conventions) -> bool| orms.iter().any(|recognised| is(&recognised.orm.conventions));
        Usual {
            nocase,
            epochs: if any(|c| c.named_times) { Epochs::Named } else { Epochs::default() },
            identity: if any(|c| c.serial) { Identity::Serial } else { Identity::default() },
        }
    }
}

impl Settings {
    /// The plan's own.
    pub fn of_plan(given: &Overrides, usual: Usual) -> Settings {
        let defaults = Settings {
            schema: "public".into(),
            create: Create::default(),
            existing_rows: ExistingRows::default(),
            rows_said: ExistingRows::default(),
            on_conflict: OnConflict::default(),
            match_by: MatchBy::default(),
            constraints: Constraints::default(),
            loader: Loader::default(),
            compression: Compression::default(),
            freeze: false,
            fire_triggers: false,
            on_invalid: OnInvalid::default(),
            null_values: ValueList::default(),
            epochs: usual.epochs,
            excess: Excess::default(),
            texts: TextReading::default(),
            orphans: Orphans::default(),
            keys: Keys::default(),
            nocase: usual.nocase,
            types: vec![],
            formats: vec![],
            identity: usual.identity,
            enums: Objects::None,
            generated: Generation::default(),
            timezone: "UTC".into(),
            indexes: Objects::All,
            foreign_keys: Objects::All,
            checks: Objects::All,
            fts: Fts::default(),
            verify: Verify::default(),
            reset_sequences: true,
            analyze: true,
        };
        defaults.with(&given.common)
    }

    /// A table's, over the plan's.
    pub fn of_table(&self, given: Option<&TableOverrides>) -> Settings {
        given.map_or_else(|| self.clone(), |table| self.with(&table.common))
    }

    fn with(&self, own: &Common) -> Settings {
        Settings {
            schema: own.schema.clone().unwrap_or_else(|| self.schema.clone()),
            create: own.create.unwrap_or(self.create),
            // `on_conflict` "skip" or "update" implies that existing rows stay; an own "error" undoes that as well.
            existing_rows: match (own.existing_rows, own.on_conflict) {
                (Some(rows), _) => rows,
                (None, Some(OnConflict::Skip | OnConflict::Update)) => ExistingRows::Append,
                (None, Some(OnConflict::Error)) => self.rows_said,
                (None, None) => self.existing_rows,
            },
            rows_said: own.existing_rows.unwrap_or(self.rows_said),
            on_conflict: own.on_conflict.unwrap_or(self.on_conflict),
            match_by: own.match_by.as_ref().unwrap_or(&self.match_by).clone(),
            constraints: own.constraints.unwrap_or(self.constraints),
            loader: own.loader.unwrap_or(self.loader),
            compression: own.compression.unwrap_or(self.compression),
            freeze: own.freeze.unwrap_or(self.freeze),
            fire_triggers: own.fire_triggers.unwrap_or(self.fire_triggers),
            on_invalid: own.on_invalid.unwrap_or(self.on_invalid),
            null_values: own.null_values.clone().unwrap_or_else(|| self.null_values.clone()),
            epochs: own.epochs.unwrap_or(self.epochs),
            excess: own.excess.unwrap_or(self.excess),
            texts: TextReading {
                encoding: own.text_encoding.unwrap_or(self.texts.encoding),
                nul: own.nul.unwrap_or(self.texts.nul),
                of_bytes: self.texts.of_bytes,
            },
            orphans: own.orphans.unwrap_or(self.orphans),
            keys: own.keys.unwrap_or(self.keys),
            nocase: own.nocase.unwrap_or(self.nocase),
            types: own.types.iter().chain(&self.types).cloned().collect(),
            formats: own.formats.iter().chain(&self.formats).cloned().collect(),
            identity: own.identity.unwrap_or(self.identity),
            enums: own.enums.as_ref().unwrap_or(&self.enums).clone(),
            generated: own.generated.unwrap_or(self.generated),
            timezone: own.timezone.clone().unwrap_or_else(|| self.timezone.clone()),
            indexes: own.indexes.as_ref().unwrap_or(&self.indexes).clone(),
            foreign_keys: own.foreign_keys.as_ref().unwrap_or(&self.foreign_keys).clone(),
            checks: own.checks.as_ref().unwrap_or(&self.checks).clone(),
            fts: own.fts.as_ref().unwrap_or(&self.fts).clone(),
            verify: own.verify.unwrap_or(self.verify),
            reset_sequences: own.reset_sequences.unwrap_or(self.reset_sequences),
            analyze: own.analyze.unwrap_or(self.analyze),
        }
    }

    /// The `types` entry for a declared type.
    pub fn wanted(&self, declared: &str) -> Option<&PgType> {
        of_declared(&self.types, declared)
    }

    /// The `formats` entry for a declared type.
    pub fn format(&self, declared: &str) -> Option<Format> {
        of_declared(&self.formats, declared).copied().flatten()
    }
}

/// The entry for a declared type: as written, else without its length.
fn of_declared<'e, T>(entries: &'e [(String, T)], declared: &str) -> Option<&'e T> {
    let squeeze = |t: &str| t.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_uppercase();
    let whole = squeeze(declared);
    let base = whole.split('(').next().unwrap_or_default().trim_end().to_string();
    let entry = |name: &str| entries.iter().find(|(from, _)| squeeze(from) == name).map(|(_, to)| to);
    entry(&whole).or_else(|| entry(&base))
}

/// Where the extension keeps its run log.
const LOG_SCHEMA: &str = "sqlite_migrate";

/// What has to be known before the source is read.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    pub opening: Opening,
    pub profile: ProfileMode,
    /// How many connections read the file at once, where the plan says so.
    pub readers: Option<usize>,
    pub integrity: Integrity,
    /// Schemas that the plan writes to.
    pub schemas: Vec<String>,
    /// Stop at the first bad object (false with `on_error: "continue"`).
    pub stop_on_error: bool,
    pub notices: Notices,
    /// The texts of the database are bytes (SQL_ASCII), and so are those that are loaded.
    pub texts_of_bytes: bool,
    /// Where the file is copied first.
    pub backup: Option<BackupPath>,
    /// Statements to run before the target is read; an import takes them out as it runs them.
    pub before: Vec<String>,
}

/// How the file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Opening {
    /// The user vouches that nobody writes to it.
    pub immutable: bool,
    /// With a `-wal` that holds something, it is read from a copy.
    pub copy_wal: bool,
}

/// What the overrides say of that.
pub fn needs(given: &Overrides) -> Needs {
    Needs {
        opening: Opening {
            immutable: given.immutable.unwrap_or(false),
            copy_wal: given.wal.unwrap_or_default() == Wal::Copy,
        },
        profile: given.profile.unwrap_or_default(),
        readers: given.readers,
        integrity: given.integrity.unwrap_or_default(),
        before: given.before.clone().unwrap_or_default(),
        schemas: schemas(given),
        stop_on_error: given.on_error.unwrap_or_default() == OnError::Stop,
        notices: given.notices.unwrap_or_default(),
        texts_of_bytes: false,
        backup: given.backup.as_deref().and_then(|path| BackupPath::parse(path).ok()),
    }
}

/// Checks what depends on several keys.
pub(super) fn check(given: &Overrides) -> Result<(), PlanError> {
    let schemas = schemas(given);
    if let Some(long) = schemas.iter().find(|s| s.len() > LONGEST_NAME) {
        return Err(invalid("plan.schema", format!("\"{long}\" is longer than {LONGEST_NAME} bytes"), ""));
    }
    if schemas.iter().any(|schema| schema == LOG_SCHEMA) {
        let hint = "Set another schema for the plan or the table.";
        return Err(invalid("plan.schema", format!("\"{LOG_SCHEMA}\" is the run log's schema"), hint));
    }
    if let Some(MatchBy::Named(name)) = &given.common.match_by {
        let hint = "Set it to \"key\" or \"natural\", or set the name for the table that has the key.";
        return Err(invalid("plan.match", format!("\"{name}\" is the name of one table's key"), hint));
    }
    given.backup.as_deref().map(BackupPath::parse).transpose()?;
    words_need_a_boolean(given)?;
    using_needs_a_plain_column(given)?;
    text_needs_every_value(given)
}

fn words_need_a_boolean(given: &Overrides) -> Result<(), PlanError> {
    for (table, entry) in &given.tables {
        for (name, column) in &entry.columns {
            let other = column.pg_type.as_ref().filter(|t| *t.base() != PgType::Bool);
            if let Some(other) = other.filter(|_| !column.words.is_empty()) {
                let key = if column.words.truths.is_empty() { "false_values" } else { "true_values" };
                let path = join(&join(&join("plan.tables", table), "columns"), name);
                let hint = format!("Remove it, or set {} to \"boolean\".", join(&path, "type"));
                return Err(invalid(
                    join(&path, key),
                    format!("type {other} has no values for true and false"),
                    hint,
                ));
            }
        }
    }
    Ok(())
}

/// PostgreSQL stores no value in a generated column.
fn using_needs_a_plain_column(given: &Overrides) -> Result<(), PlanError> {
    for (table, entry) in &given.tables {
        for (name, column) in entry.columns.iter().filter(|(_, column)| column.using.is_some()) {
            let generated = column.generated.as_ref().is_some_and(|g| !g.is_plain());
            if generated {
                let hint = format!("Remove it, or set {} to false.", of_column(table, name, "generated"));
                let message = "a generated column is computed by PostgreSQL, and takes no value";
                return Err(invalid(of_column(table, name, "using"), message, hint));
            }
        }
    }
    Ok(())
}

/// Each schema that a table may go to.
fn schemas(given: &Overrides) -> Vec<String> {
    let mut schemas = vec![Settings::of_plan(given, Usual::default()).schema];
    for schema in given.tables.iter().filter_map(|(_, table)| table.common.schema.as_ref()) {
        if !schemas.contains(schema) {
            schemas.push(schema.clone());
        }
    }
    schemas
}

/// During the load a column cannot become text any more, so every value must have been read before.
fn text_needs_every_value(given: &Overrides) -> Result<(), PlanError> {
    if given.profile.unwrap_or_default() == ProfileMode::Full {
        return Ok(());
    }
    let plan = [("plan".to_string(), given.common.on_invalid)].into_iter();
    let said = plan.chain(given.tables.iter().flat_map(|(name, table)| {
        let path = join("plan.tables", name);
        let columns = join(&path, "columns");
        let columns: Vec<_> =
            table.columns.iter().map(|(name, column)| (join(&columns, name), column.on_invalid)).collect();
        [(path, table.common.on_invalid)].into_iter().chain(columns)
    }));
    match said.into_iter().find(|(_, policy)| *policy == Some(OnInvalid::Text)) {
        None => Ok(()),
        Some((path, _)) => {
            let hint = "Set profile to \"full\", or on_invalid to \"null\" or \"reject\".";
            Err(invalid(join(&path, "on_invalid"), "\"text\" needs profile \"full\"", hint))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::overrides::parse;
    use super::*;
    use serde_json::json;

    #[test]
    fn a_table_s_own_word_wins() {
        let given =
            parse(&json!({"schema": "a", "orphans": "keep", "types": {"DATE": "text", "VARCHAR": "citext"},
            "tables": {"t": {"schema": "b", "types": {"date": "date"}}}}))
            .unwrap_or_default();
        let plan = Settings::of_plan(&given, Usual::default());
        let table = plan.of_table(Some(&given.tables[0].1));
        assert_eq!(
            (table.schema.as_str(), table.orphans, table.nocase),
            ("b", Orphans::Keep, Nocase::Citext)
        );
        assert_eq!(table.wanted(" DATE"), Some(&PgType::Date));
        assert_eq!(table.wanted("varchar(20)"), Some(&PgType::Other("citext".into())));
        assert_eq!(plan.wanted("date"), Some(&PgType::Text));
        assert_eq!(plan.wanted(""), None);
    }

    #[test]
    fn a_word_on_conflicts_is_one_on_rows_that_are_there() {
        for (plan, table, rows) in [
            (json!({"on_conflict": "skip"}), json!({}), ExistingRows::Append),
            (json!({"on_conflict": "skip", "existing_rows": "error"}), json!({}), ExistingRows::Error),
            (json!({"existing_rows": "error"}), json!({"on_conflict": "update"}), ExistingRows::Append),
            (json!({"on_conflict": "skip"}), json!({"on_conflict": "error"}), ExistingRows::Error),
            (
                json!({"on_conflict": "skip", "existing_rows": "truncate"}),
                json!({"on_conflict": "error"}),
                ExistingRows::Truncate,
            ),
            (json!({"on_conflict": "skip"}), json!({"existing_rows": "truncate"}), ExistingRows::Truncate),
        ] {
            let mut whole = plan.clone();
            whole["tables"] = json!({"t": table});
            let given = parse(&whole).unwrap_or_default();
            let of_table = Settings::of_plan(&given, Usual::default()).of_table(Some(&given.tables[0].1));
            assert_eq!(of_table.existing_rows, rows, "{whole}");
        }
    }

    #[test]
    fn needs_lists_every_schema_once() {
        let plan = json!({"immutable": true, "profile": "none", "on_error": "continue", "verify": "none",
            "tables": {"t": {"schema": "b"}, "u": {"schema": "b"}, "v": {"schema": "public"}}});
        let needs = needs(&parse(&plan).unwrap_or_default());
        assert_eq!(needs.schemas, ["public", "b"]);
        assert!(needs.opening.immutable && !needs.opening.copy_wal && !needs.stop_on_error);
    }

    #[test]
    fn text_for_what_does_not_fit_takes_a_look_at_everything() {
        let column = json!({"columns": {"c": {"on_invalid": "text"}}});
        for (plan, path) in [
            (json!({"profile": "none", "on_invalid": "text"}), "plan.on_invalid"),
            (
                json!({"profile": "sample", "tables": {"t": {"on_invalid": "text"}}}),
                "plan.tables.t.on_invalid",
            ),
            (json!({"profile": "sample", "tables": {"t": column}}), "plan.tables.t.columns.c.on_invalid"),
        ] {
            let error = parse(&plan).unwrap_err();
            assert_eq!(error.to_string(), format!("{path}: \"text\" needs profile \"full\""));
        }
        for plan in [json!({"on_invalid": "text"}), json!({"profile": "none", "on_invalid": "null"})] {
            assert!(parse(&plan).is_ok());
        }
    }
}
