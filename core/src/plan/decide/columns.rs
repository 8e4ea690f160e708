//! The type and format of each column, from the declaration, the stored values, the plan and the existing column.

use serde_json::Value;

use super::conventions;
use super::geometry;
use super::invalid_values::{Blanks, InvalidValues};
use super::table::{DecidedColumn, DecidedTable};
use super::vectors;
use crate::finding::{Finding, Fix, Kind, counted};
use crate::orm::signs::Recognised;
use crate::plan::context::Context;
use crate::plan::resolve::table::{ResolvedColumn, ResolvedTable};
use crate::plan::rules::type_of_format;
use crate::plan::target::ExistingColumn;
use crate::types::blanks::blanks;
use crate::types::fit::number_texts;
use crate::types::invalid::invalid_values;
use crate::types::reasons::obstacle;
use crate::types::respelled;
use crate::types::textform::TextFormat;
use crate::types::unread::unread_texts;
use crate::types::{Choice, ColumnProfile, Epochs, Fit, Question};
use crate::value::batch::OnInvalid;
use crate::value::geometry::value::Srids;
use crate::value::{Excess, Format, PgType, ValueList};

/// PostgreSQL's `MaxHeapAttributeNumber`.
const MAX_COLUMNS: usize = 1600;

/// `DBL_DIG`: the decimal digits that a double holds.
const DOUBLE_DIGITS: i32 = 15;

/// What is decided of a column's type.
pub struct ColumnType {
    pub pg_type: PgType,
    pub format: Option<Format>,
    pub reason: String,
    /// It is explicit, or the type of the existing column.
    pub pinned: bool,
    /// The plan's word on which numbers are times.
    pub epochs: Epochs,
    pub excess: Excess,
    pub scale: Option<u16>,
    pub srids: Option<Srids>,
}

/// Decides the types of a table's columns. Foreign keys come later, in `links`.
pub fn decide<'a>(
    ctx: &Context<'_>,
    table: ResolvedTable<'a>,
    findings: &mut Vec<Finding>,
) -> DecidedTable<'a> {
    let name = &table.source.name;
    let carried = table.columns.iter().filter(|c| c.target().is_some()).count();
    if carried == 0 {
        let finding = Kind::NoColumns.blocking(name, "no column is left");
        table.report(findings, finding.fix(Fix::of_table(name, "skip", true), "").of(table.id));
    }
    if carried > MAX_COLUMNS {
        let hint = format!("Leave some out with skip in {}.", table.path("columns"));
        let message = format!("PostgreSQL allows at most {MAX_COLUMNS} columns");
        table.report(findings, Kind::TooManyColumns.blocking(name, message).hint(hint).of(table.id));
    }
    let decided = |column: &ResolvedColumn<'a>| {
        let target = column.target()?;
        let case = Case::new(ctx, &table, column);
        let decided = case.decide(ctx, findings);
        let invalid = (case.on_invalid, case.null_values.clone());
        Some(DecidedColumn::new(column.clone(), target.to_owned(), invalid, decided))
    };
    let columns = table.columns.iter().filter_map(decided).collect();
    DecidedTable::new(table, columns)
}

/// What the rules choose for a column, with a type that is wanted or none.
pub fn ask(
    ctx: &Context<'_>,
    table: &ResolvedTable<'_>,
    column: &ResolvedColumn<'_>,
    wanted: Option<&PgType>,
) -> Choice {
    (ctx.rules.choose)(&Case::new(ctx, table, column).question(wanted))
}

/// Texts that an array takes by the format `comma`, though some begin with a bracket.
fn may_be_lists(p: &ColumnProfile, required: &PgType, format: Option<Format>) -> bool {
    let array = matches!(required.base(), PgType::Array(_)) && format.is_none();
    array && p.texts == p.values() && p.text.count(TextFormat::JsonLike) == 0
}

/// One column that is carried over.
struct Case<'c, 'a> {
    table: &'c ResolvedTable<'a>,
    column: &'c ResolvedColumn<'a>,
    existing: Option<&'a ExistingColumn>,
    profile: Option<&'a ColumnProfile>,
    on_invalid: OnInvalid,
    null_values: &'c ValueList,
    epochs: Epochs,
    excess: Excess,
    file_epochs: &'c [Format],
    orms: &'c [Recognised],
}

impl<'c, 'a> Case<'c, 'a> {
    fn new(
        ctx: &'c Context<'_>,
        table: &'c ResolvedTable<'a>,
        column: &'c ResolvedColumn<'a>,
    ) -> Case<'c, 'a> {
        let explicit = column.overrides.and_then(|g| g.on_invalid);
        let null_values = column.overrides.and_then(|g| g.null_values.as_ref());
        Case {
            table,
            column,
            existing: column.target().and_then(|target| table.existing_column(target)),
            profile: table.profile.and_then(|p| p.columns.get(column.position)),
            on_invalid: explicit.unwrap_or(table.settings.on_invalid),
            null_values: null_values.unwrap_or(&table.settings.null_values),
            epochs: column.overrides.and_then(|g| g.epochs).unwrap_or(table.settings.epochs),
            excess: column.overrides.and_then(|g| g.excess).unwrap_or(table.settings.excess),
            file_epochs: &ctx.file_epochs,
            orms: ctx.source.orms,
        }
    }

    fn decide(&self, ctx: &Context<'_>, findings: &mut Vec<Finding>) -> ColumnType {
        let natural = self.natural(ctx);
        let overrides = self.column.overrides;
        let has_words = overrides.is_some_and(|g| !g.words.is_empty()) && self.existing.is_none();
        let measured = overrides
            .and_then(|g| vectors::explicit(ctx, g.pg_type.as_ref()?, self.column.source, self.profile));
        let explicit = measured.as_ref().or(overrides.and_then(|g| g.pg_type.as_ref()));
        let explicit = explicit.or(has_words.then_some(&PgType::Bool));
        let named = explicit.and_then(|explicit| geometry::named(ctx, explicit));
        let explicit = named.as_ref().or(explicit);
        let explicit_format = overrides.and_then(|g| g.format);
        self.contradiction(explicit).into_iter().for_each(|f| self.table.report(findings, f));
        let required = self.existing.map(|existing| &existing.pg_type).or(explicit);
        let mut choice = match required {
            Some(required) if !required.base().is_named_as(&natural.pg_type) => {
                self.fitted(ctx, required, findings)
            }
            // The blobs as they are.
            Some(required)
                if natural.format.is_some_and(Format::is_geometry) && required == &PgType::Bytea =>
            {
                Choice { pg_type: PgType::Bytea, format: None, ..natural }
            }
            Some(required) => Choice { pg_type: required.clone(), ..natural },
            None if natural.format.is_some_and(Format::is_geometry) => {
                self.geometries(ctx, natural, findings)
            }
            None => natural,
        };
        if let Some(format) = explicit_format {
            if required.is_none() && !choice.pg_type.is_temporal() && choice.format != Some(format) {
                choice.pg_type = type_of_format(format);
            }
            choice.format = Some(format);
        }
        let choice = self.widened(ctx, choice, findings);
        choice.findings.into_iter().for_each(|f| self.table.report(findings, f));
        self.scale_without_effect(&choice.pg_type).into_iter().for_each(|f| self.table.report(findings, f));
        ColumnType {
            scale: self.scale(&choice.pg_type),
            srids: self.column.geometries().map(|of| geometry::srids(ctx, of)),
            pg_type: choice.pg_type,
            format: choice.format,
            reason: overrides.and_then(|g| g.reason.clone()).unwrap_or(choice.reason),
            pinned: required.is_some() || explicit_format.is_some(),
            epochs: self.epochs,
            excess: self.excess,
        }
    }

    /// The digits after the point that the numbers of a program have whose columns say nothing of them. A double holds 15
    /// digits: with more of them, the last come from binary arithmetic.
    fn scale(&self, pg_type: &PgType) -> Option<u16> {
        if *pg_type.base() != PgType::Numeric(None) {
            return None;
        }
        if let Some(explicit) = self.column.overrides.and_then(|g| g.scale) {
            return explicit;
        }
        let pads = self.orms.iter().any(|recognised| recognised.orm.conventions.pads_decimals);
        let stored = self.profile.filter(|p| pads && self.existing.is_none() && p.decimals_measured())?;
        let (texts, reals) = (&stored.text.decimal, &stored.real.decimal);
        let (scale, digits) = (texts.scale.max(reals.scale), texts.integer_digits.max(reals.integer_digits));
        let shown = scale > 0 && digits + scale <= DOUBLE_DIGITS;
        u16::try_from(scale).ok().filter(|_| shown)
    }

    fn scale_without_effect(&self, pg_type: &PgType) -> Option<Finding> {
        self.column.overrides.and_then(|g| g.scale.flatten())?;
        let path = self.column.path(&self.table.source.name, "scale");
        let message = format!("{path} has no effect: the column is {pg_type}, not numeric without precision");
        let finding = Kind::NoEffect.warning(self.object(), message);
        (*pg_type.base() != PgType::Numeric(None)).then(|| finding.fix(self.fix("scale", Value::Null), ""))
    }

    /// By the declaration, the stored values, and the conventions of the file's programs where they cost nothing.
    fn natural(&self, ctx: &Context<'_>) -> Choice {
        if let Some(of) = self.column.geometries().filter(|of| geometry::is_read(ctx, of)) {
            let complete = self.table.profile.is_some_and(|p| !p.sampled);
            return geometry::choice(ctx, of, self.profile, complete);
        }
        let vectors = vectors::natural(ctx, self.column.source);
        let wanted = self.table.settings.wanted(&self.column.source.declared).or(vectors.as_ref());
        let question = Question {
            nulls_invalid: self.policy() == OnInvalid::Null && self.existing.is_none(),
            ..self.question(wanted)
        };
        let followed = (ctx.rules.choose)(&question);
        if self.orms.is_empty() {
            return followed;
        }
        let plain = (ctx.rules.choose)(&Question { orms: &[], ..question });
        match conventions::costs(ctx, self.table, self.column, &plain, &followed) {
            true => plain,
            false => followed,
        }
    }

    /// A column of geometries, of which some values may be none.
    fn geometries(&self, ctx: &Context<'_>, choice: Choice, findings: &mut Vec<Finding>) -> Choice {
        let stats = self.profile.and_then(|p| p.geometries.as_ref()).map(|observed| observed.stats);
        let unfit = stats.map_or(0, |stats| stats.unfit_for(&choice.pg_type));
        if let Some(stats) = stats.filter(|_| unfit > 0 && self.policy() != OnInvalid::Text) {
            let none = counted(unfit, "value is no geometry of it", "values are no geometries of it");
            let why = stats.reason().map(|why| format!(" ({why})")).unwrap_or_default();
            let pg_type = if choice.format == Some(Format::Wkt) { PgType::Text } else { PgType::Bytea };
            let tried = Choice { pg_type, reason: format!("{none}{why}"), ..choice.clone() };
            let finding = self.invalid_values(ctx, &choice.pg_type, &tried, choice.format);
            self.table.report(findings, finding.of(self.table.id));
        }
        choice
    }

    fn question<'q>(&'q self, wanted: Option<&'q PgType>) -> Question<'q> {
        Question {
            table: &self.table.source.name,
            column: self.column.source,
            profile: self.profile,
            rowid_alias: self.column.rowid_alias,
            key: self.is_key(),
            sequence: self.table.source.sequence,
            complete: self.table.profile.is_some_and(|p| !p.sampled),
            json_checked: self.table.source.json_checked(&self.column.source.name),
            wanted,
            existing: self.existing.is_some(),
            nulls_invalid: false,
            typed: self.column.overrides.is_some_and(|g| g.pg_type.is_some()),
            epochs: self.epochs,
            excess: self.excess,
            file_epochs: self.file_epochs,
            format: self.table.settings.format(&self.column.source.declared),
            orms: self.orms,
        }
    }

    /// The column is one of the primary key.
    fn is_key(&self) -> bool {
        let key = self.table.source.primary_key.as_ref().map_or(&[][..], |key| &key.columns);
        key.iter().any(|name| name.eq_ignore_ascii_case(&self.column.source.name))
    }

    fn object(&self) -> String {
        self.column.object(&self.table.source.name)
    }

    fn fix(&self, key: &'static str, value: impl Into<Value>) -> Fix {
        Fix::of_column(&self.table.source.name, &self.column.source.name, key, value)
    }

    /// The plan names another type than the existing column has.
    fn contradiction(&self, explicit: Option<&PgType>) -> Option<Finding> {
        let existing = &self.existing?.pg_type;
        let explicit = explicit.filter(|explicit| !explicit.is_named_as(existing))?;
        let message = format!("the existing column is {existing}, the plan says {explicit}");
        let finding = Kind::TypeContradiction.blocking(self.object(), message).of(self.table.id);
        let fix = self.fix("type", Value::Null);
        Some(finding.fix(fix, ""))
    }

    /// The required type, when it is not what the values ask for.
    fn fitted(&self, ctx: &Context<'_>, required: &PgType, findings: &mut Vec<Finding>) -> Choice {
        let wanted = required.base();
        let question = self.question(Some(wanted));
        let tried = (ctx.rules.choose)(&question);
        let own_format = (ctx.rules.format_for)(&question, wanted);
        let choice =
            |format, reason: String, findings| Choice { pg_type: required.clone(), format, reason, findings };
        // With an explicit format, only the load can tell.
        let explicit_format = self.column.overrides.and_then(|g| g.format);
        let other_format = explicit_format.is_some_and(|f| Some(f) != own_format);
        if tried.pg_type.is_named_as(wanted) || other_format || self.profile.is_none() {
            let origin =
                if self.table.existing.is_some() { "in the existing table" } else { "given in the plan" };
            let findings = if self.existing.is_some() { tried.findings } else { vec![] };
            return choice(tried.format, format!("{required} as {origin}"), findings);
        }
        if self.policy() != OnInvalid::Text {
            let finding = self.invalid_values(ctx, required, &tried, own_format);
            self.table.report(findings, finding.of(self.table.id));
        }
        choice(own_format, tried.reason, vec![])
    }

    /// An existing column keeps its type, and may not take NULL.
    fn policy(&self) -> OnInvalid {
        match (self.on_invalid, self.existing) {
            (OnInvalid::Text, Some(_)) => OnInvalid::Error,
            (OnInvalid::Null, _) if self.not_null() => OnInvalid::Error,
            (policy, _) => policy,
        }
    }

    /// The column does not take NULL.
    fn not_null(&self) -> bool {
        let nullable = self.column.overrides.and_then(|g| g.nullable);
        match self.existing {
            Some(existing) => existing.not_null && self.table.null_default(self.column).is_none(),
            None => self.is_key() || !nullable.unwrap_or(!self.column.source.not_null),
        }
    }

    /// `on_invalid: "text"`: a type that may not hold every value becomes the widest one before the load, which cannot
    /// change a type.
    fn widened(&self, ctx: &Context<'_>, choice: Choice, findings: &mut Vec<Finding>) -> Choice {
        let stored = self.profile.filter(|p| p.values() > 0 && self.policy() == OnInvalid::Text);
        let why = match stored.map(|p| (ctx.rules.fit)(p, &choice.pg_type, choice.format, self.excess)) {
            None | Some(Fit::Yes) => return choice,
            Some(Fit::No) => "not every stored value fits",
            Some(Fit::Unknown) => "only the load could check whether every stored value fits",
        };
        let wide = (ctx.rules.widest)(&self.question(None));
        let message = format!("{why} {}; the column becomes {}", choice.pg_type, wide.pg_type);
        let path = self.column.path(&self.table.source.name, "on_invalid");
        let hint = format!("Set {path} to another value to keep the type.");
        self.table.report(findings, Kind::Widened.warning(self.object(), message).hint(hint));
        wide
    }

    /// The values that `null_values` may list, so that the others fit the required type.
    fn blanks(&self, ctx: &Context<'_>, required: &PgType, format: Option<Format>) -> Option<Blanks> {
        let p = self.profile.filter(|_| self.existing.is_none() || !self.not_null())?;
        let blanks = blanks(p, |rest| {
            let format = self.column.overrides.and_then(|g| g.format).or(format);
            ((ctx.rules.fit)(rest, required.base(), format, self.excess) != Fit::No)
                .then(|| (required.clone(), format))
        })?;
        let listed = p.aside.texts().chain(blanks.values.iter().copied()).map(str::to_owned).collect();
        Some(Blanks { listed, count: blanks.count })
    }

    /// What the plan could say of the excess of values so that all of them may fit. A new column has rather a type that
    /// holds long texts.
    fn excess_to_set(&self, ctx: &Context<'_>, required: &PgType, format: Option<Format>) -> Option<Excess> {
        let p = self.profile.filter(|_| self.excess == Excess::Error)?;
        let helps = |excess: &Excess| (ctx.rules.fit)(p, required, format, *excess) != Fit::No;
        let choices: &[Excess] = match self.existing {
            Some(_) => &[Excess::Round, Excess::Truncate],
            None => &[Excess::Round],
        };
        choices.iter().copied().find(helps)
    }

    fn invalid_values(
        &self,
        ctx: &Context<'_>,
        required: &PgType,
        tried: &Choice,
        format: Option<Format>,
    ) -> Finding {
        let why = match self.profile.filter(|_| self.existing.is_some()) {
            Some(p) => obstacle(p, required, &tried.pg_type),
            None => tried.reason.clone(),
        };
        let message = format!("not every stored value fits {required}: {why}");
        let invalid = self.profile.and_then(|p| invalid_values(p, required.base(), format));
        match self.policy() {
            OnInvalid::Null => {
                let becomes = invalid
                    .map_or("such values become".into(), |n| counted(n, "value becomes", "values become"));
                Kind::InvalidValue.warning(self.object(), format!("{message}; {becomes} NULL"))
            }
            OnInvalid::Reject => {
                let rows = invalid.map_or("their rows go".into(), |n| counted(n, "row goes", "rows go"));
                let message = format!("{message}; {rows} to sqlite_migrate.reject");
                Kind::InvalidValue.warning(self.object(), message)
            }
            OnInvalid::Error | OnInvalid::Text => {
                let advice = InvalidValues {
                    table: &self.table.source.name,
                    column: &self.column.source.name,
                    pg_type: required,
                    fits: self.existing.is_none().then_some(&tried.pg_type),
                    excess: self.excess_to_set(ctx, required, format),
                    format: self.column.overrides.and_then(|g| g.format).or(format),
                    numbers: self.profile.is_some_and(|p| p.numbers() + number_texts(p) > 0),
                    not_null: self.not_null(),
                    nulls_invalid: self.on_invalid == OnInvalid::Null,
                    commas: self.profile.is_some_and(|p| may_be_lists(p, required, format)),
                    blanks: self.blanks(ctx, required, format),
                    texts: self
                        .profile
                        .and_then(|p| unread_texts(p, &self.table.source.name, &self.column.source.name)),
                    using: self
                        .profile
                        .and_then(|p| respelled::using(p, &self.column.source.name, required.base())),
                    invalid: invalid.zip(self.profile.map(ColumnProfile::values)),
                };
                advice.advise(Kind::InvalidValue.blocking(self.object(), message))
            }
        }
    }
}
