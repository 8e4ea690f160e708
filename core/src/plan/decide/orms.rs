//! What the plan says of the programs that wrote the file: that they are recognised, and what their conventions leave open.

use std::collections::HashSet;

use super::enums;
use super::table::{DecidedColumn, DecidedTable};
use crate::catalog::ForeignKey;
use crate::finding::{Finding, Fix, Kind, counted};
use crate::orm::Integers;
use crate::orm::signs::Recognised;
use crate::plan::context::Context;
use crate::plan::given::objects::Objects;
use crate::plan::given::orms::{Orms, json};
use crate::tools::of_source;
use crate::types::ColumnProfile;
use crate::types::conventions::{ROOM, left_open};
use crate::types::rules::{Declared, Family};
use crate::value::PgType;

/// Columns that a message names.
const NAMED: usize = 5;

/// The findings about the file's programs.
pub fn report(ctx: &Context<'_>, tables: &[DecidedTable<'_>], findings: &mut Vec<Finding>) {
    let orms = ctx.source.orms;
    if *ctx.overrides.orm.as_ref().unwrap_or(&Orms::Auto) == Orms::Auto {
        for recognised in orms {
            let title = recognised.orm.title;
            let message = format!(
                "the file was written by {title} ({}): its conventions decide where the values allow it",
                recognised.evidence
            );
            let fix = Fix::of_plan("orm", json(orms));
            let rest = ", or to \"none\" to follow SQLite's own rules";
            findings.push(Kind::Program.info("file", message).fix(fix, rest));
        }
    }
    if orms.is_empty() {
        return;
    }
    let referenced: Referenced =
        tables.iter().flat_map(|table| &table.source.foreign_keys).flat_map(referenced).collect();
    // What migration tools record is theirs.
    let own = |table: &&DecidedTable<'_>| table.fresh() && of_source(table.source).is_none();
    let fresh: Vec<_> = tables.iter().filter(own).map(|table| (table, enums::listings(table))).collect();
    let columns: Vec<Column<'_, '_>> = fresh
        .iter()
        .flat_map(|(table, listings)| {
            table.columns.iter().map(move |column| Column { table, column, listings })
        })
        .filter(|column| !column.is_fixed())
        .collect();
    if orms.iter().any(|recognised| recognised.orm.conventions.zero_or_one) {
        findings.extend(flags(orms, &columns, &referenced));
    }
    if orms.iter().any(|recognised| recognised.orm.conventions.integers == Integers::Narrow) {
        findings.extend(wide(ctx, &columns));
    }
    if orms.iter().any(|recognised| recognised.orm.conventions.keys_of_either_width) {
        findings.extend(keys(&columns, &referenced));
    }
    findings.extend(small_letters(ctx, tables));
    findings.extend(columns.iter().filter_map(|column| column.untold(ctx, &referenced)));
}

/// Table and column, in small letters, to which a foreign key points.
type Referenced = HashSet<(String, String)>;

fn referenced(key: &ForeignKey) -> impl Iterator<Item = (String, String)> {
    key.parent_columns.iter().map(|column| lower(&key.parent, column))
}

fn lower(table: &str, column: &str) -> (String, String) {
    (table.to_ascii_lowercase(), column.to_ascii_lowercase())
}

/// A column of a table that the run makes.
struct Column<'d, 'a> {
    table: &'d DecidedTable<'a>,
    column: &'d DecidedColumn<'a>,
    listings: &'d enums::Listings,
}

impl<'d, 'a> Column<'d, 'a> {
    fn profile(&self) -> Option<&'a ColumnProfile> {
        self.table.profile?.columns.get(self.column.position).filter(|profile| profile.values() > 0)
    }

    fn object(&self) -> String {
        self.column.object(&self.table.source.name)
    }

    fn declared(&self) -> Declared {
        Declared::parse(&self.column.source.declared)
    }

    /// The user has said what it is.
    fn is_fixed(&self) -> bool {
        let of_declared = self.table.settings.wanted(&self.column.source.declared);
        self.column.pinned
            || self.column.overrides.is_some_and(|o| o.pg_type.is_some())
            || of_declared.is_some_and(|wanted| wanted.is_named_as(&self.column.pg_type))
    }

    fn fix(&self, pg_type: &PgType) -> Fix {
        Fix::of_column(&self.table.source.name, &self.column.source.name, "type", pg_type.to_string())
    }

    /// It is in the primary key, or in a foreign key on either side.
    fn is_key(&self, referenced: &Referenced) -> bool {
        let name = &self.column.source.name;
        let among = |columns: &[String]| columns.iter().any(|column| column.eq_ignore_ascii_case(name));
        let source = self.table.source;
        source.primary_key.as_ref().is_some_and(|key| among(&key.columns))
            || source.foreign_keys.iter().any(|key| among(&key.columns))
            || referenced.contains(&lower(&source.name, name))
    }

    /// jsonb whose documents are lists.
    fn is_list(&self) -> bool {
        let lists = self.profile().is_some_and(|p| p.text.json.lists == p.values());
        lists && self.column.pg_type == PgType::Jsonb
    }

    /// The program's own, of which the models say nothing.
    fn is_own(&self, orms: &[Recognised]) -> bool {
        let mut own = orms.iter().flat_map(|recognised| recognised.orm.conventions.own_columns);
        own.any(|name| name.eq_ignore_ascii_case(&self.column.source.name))
    }

    /// INTEGER that holds 0 and 1 only.
    fn is_flag(&self, referenced: &Referenced) -> bool {
        let integers = self.declared().family == Family::Integer && self.column.pg_type.is_integer();
        let flags = self.profile().is_some_and(|p| p.integer.zeros + p.integer.ones == p.values());
        integers && flags && !self.is_key(referenced)
    }

    /// What the file does not say, and the application's own schema does.
    fn untold(&self, ctx: &Context<'_>, referenced: &Referenced) -> Option<Finding> {
        let open =
            ctx.source.orms.iter().find_map(|recognised| left_open(recognised.orm, self.column.source));
        let open =
            open.filter(|_| !matches!(self.column.pg_type, PgType::Bpchar(_)) && !self.is_key(referenced));
        let labels = enums::labels(ctx, self.table, self.column, self.listings);
        if let Some(labels) = labels.filter(|_| !self.is_key(referenced)) {
            let values = counted(labels.len() as u64, "value", "values");
            let message = format!("its CHECK lists {values}: the application's schema may have an enum here");
            let fix = Fix::of_table(&self.table.source.name, "enums", true);
            let finding = Kind::Untold.info(self.object(), message).fix(fix, " to make one");
            // With anything else the plan has said it.
            return (self.table.settings.enums == Objects::None).then_some(finding);
        }
        if open.is_none() && self.is_list() && !self.is_key(referenced) {
            let message = "holds only lists: the application's schema may have an array here";
            let fix = self.fix(&PgType::Array(Box::new(PgType::Text)));
            return Some(Kind::Untold.info(self.object(), message).fix(fix, " if it is one of texts"));
        }
        let message = match (open, self.profile().and_then(|p| p.few.listed())) {
            (Some(open), _) => {
                format!("the file does not say what the application's schema has here: {open}")
            }
            (None, Some(texts)) => {
                format!("holds only {texts}: the application's schema may have an enum here")
            }
            (None, None) => return None,
        };
        let path = self.column.path(&self.table.source.name, "type");
        Some(Kind::Untold.info(self.object(), message).hint(format!("Set {path} if it is another type.")))
    }
}

/// `"t"."a", "t"."b" and 3 more`
fn named(columns: &[&Column<'_, '_>]) -> String {
    let shown: Vec<String> = columns.iter().take(NAMED).map(|column| column.object()).collect();
    match columns.len().saturating_sub(NAMED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn fixes<'c, 'd: 'c, 'a: 'd>(columns: &[&'c Column<'d, 'a>], pg_type: &PgType) -> Option<Fix> {
    columns.iter().map(|column| column.fix(pg_type)).reduce(Fix::and)
}

/// Columns that may be booleans, with the fix for all of them.
fn flags(orms: &[Recognised], columns: &[Column<'_, '_>], referenced: &Referenced) -> Option<Finding> {
    let is_flag = |column: &&Column<'_, '_>| column.is_flag(referenced) && !column.is_own(orms);
    let flags: Vec<_> = columns.iter().filter(is_flag).collect();
    let fix = fixes(&flags, &PgType::Bool)?;
    let count = counted(flags.len() as u64, "INTEGER column holds", "INTEGER columns hold");
    let message = format!("{count} only 0 and 1: {}", named(&flags));
    let rest = if flags.len() == 1 { " if it is a boolean" } else { " if they are booleans" };
    Some(Kind::FlagForm.info("file", message).fix(fix, rest))
}

/// Keys to which nothing refers that would say their width.
fn keys(columns: &[Column<'_, '_>], referenced: &Referenced) -> Option<Finding> {
    let is_key = |column: &&Column<'_, '_>| {
        let name = lower(&column.table.source.name, &column.column.source.name);
        column.column.rowid_alias && column.column.pg_type == PgType::Int4 && !referenced.contains(&name)
    };
    let keys: Vec<_> = columns.iter().filter(is_key).collect();
    let fix = fixes(&keys, &PgType::Int8)?;
    let count = counted(keys.len() as u64, "primary key is integer", "primary keys are integer");
    let message =
        format!("{count}, and the file does not say whether the models have bigint: {}", named(&keys));
    Some(Kind::Untold.info("file", message).fix(fix, " if they have"))
}

/// Tables whose names the program's own schema has in small letters.
fn small_letters(ctx: &Context<'_>, tables: &[DecidedTable<'_>]) -> Option<Finding> {
    let lower = ctx.source.orms.iter().find(|recognised| recognised.orm.conventions.lower_names)?;
    let is_named = |table: &DecidedTable<'_>| table.overrides.is_some_and(|given| given.target.is_some());
    let capital = |table: &&DecidedTable<'_>| {
        table.fresh() && !is_named(table) && table.target.contains(char::is_uppercase)
    };
    let count = tables.iter().filter(capital).count();
    if count == 0 || ctx.overrides.names.is_some() {
        return None;
    }
    let message = format!(
        "{} capital letters, and {} looks for small ones",
        counted(count as u64, "table has a name with", "tables have names with"),
        lower.orm.title
    );
    Some(Kind::Untold.info("file", message).fix(Fix::of_plan("names", "lower"), ""))
}

/// Columns of 32 bits that became bigint.
fn wide(ctx: &Context<'_>, columns: &[Column<'_, '_>]) -> Option<Finding> {
    let narrow = |column: &&Column<'_, '_>| {
        let declared = column.column.source.declared.trim();
        ["INTEGER", "INT"].iter().any(|name| declared.eq_ignore_ascii_case(name))
            && column.column.pg_type == PgType::Int8
            && column.profile().is_some_and(|p| !p.number.within(ROOM))
    };
    let wide: Vec<_> = columns.iter().filter(narrow).collect();
    if wide.is_empty() {
        return None;
    }
    let count = counted(wide.len() as u64, "INTEGER column is bigint", "INTEGER columns are bigint");
    let message = format!("{count}, because of large numbers: {}", named(&wide));
    let finding = Kind::WideNumbers.info("file", message);
    let all_fit = wide.iter().all(|column| {
        column.profile().is_some_and(|p| {
            (ctx.rules.fit)(p, &PgType::Int4, None, column.column.excess) == crate::types::Fit::Yes
        })
    });
    if !all_fit {
        return Some(finding.hint("Drivers of JavaScript give bigint as text."));
    }
    let fix = fixes(&wide, &PgType::Int4)?;
    Some(finding.fix(fix, " if the application needs integer, which has no room for larger numbers"))
}
