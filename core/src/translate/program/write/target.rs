//! The table that a statement writes to: its columns, and what PostgreSQL's have that SQLite's statement does not say.

use sqlite3_parser::ast::QualifiedName;

use super::super::scope::{Visible, of_query, of_relation};
use super::super::trigger::Event;
use super::super::writable::{Resolve, UniqueKey, Unset, Writable};
use super::super::{Output, Relation};
use crate::catalog::Affinity;
use crate::sqltext::{ident, sqlite_unquote};
use crate::translate::Untranslatable;
use crate::translate::expr::Walk;
use crate::translate::node::{Result, class_name, refuse};
use crate::types::TypeClass;
use crate::value::{Format, PgType, Timezone};

/// What a statement writes to.
pub(super) struct Target<'s> {
    /// In SQLite.
    pub name: String,
    /// The qualified name in PostgreSQL, with an alias where the statement has one.
    pub sql: String,
    pub relation: &'s Relation,
    pub visible: Visible,
    pub fields: Vec<Field>,
    pub keys: &'s [UniqueKey],
    pub facts: Option<&'s Writable>,
}

/// A column that is written.
#[derive(Clone)]
pub(in crate::translate::program) struct Field {
    /// In SQLite.
    pub name: String,
    /// In PostgreSQL.
    pub target: String,
    pub pg_type: PgType,
    pub class: TypeClass,
    /// By which SQLite converts; none where it takes values as they are.
    pub affinity: Affinity,
    pub format: Option<Format>,
    pub timezone: Timezone,
    /// Its type in a definition.
    pub printed: String,
    /// A text has to be cast to it.
    pub cast: bool,
    pub not_null: bool,
    pub unset: Unset,
    pub on_null: Resolve,
    pub generated: bool,
    pub missing: bool,
    /// The plan's `using` computes what is loaded.
    pub using: bool,
}

impl Target<'_> {
    /// The place of a column, or of the column that is the rowid.
    pub fn place(&self, token: &str) -> Result<usize> {
        self.found(token).map_err(|mut refusal| {
            refusal.near.get_or_insert_with(|| token.to_owned());
            refusal
        })
    }

    fn found(&self, token: &str) -> Result<usize> {
        let name = sqlite_unquote(token);
        let found = self.fields.iter().position(|field| field.name.eq_ignore_ascii_case(&name));
        let rowid = ["rowid", "_rowid_", "oid"].iter().any(|r| r.eq_ignore_ascii_case(&name));
        match found {
            Some(at) => Ok(at),
            None if rowid => match self.visible.rowid {
                Some(at) => Ok(at),
                None => refuse(format!("{name} of {} is no column of PostgreSQL's table", self.name)),
            },
            None => refuse(format!("no column {name}")),
        }
    }

    /// The place of a column that can be written.
    pub fn writable(&self, token: &str) -> Result<usize> {
        let at = self.place(token)?;
        if self.fields[at].generated {
            let reason = format!("column {} is computed, and cannot be written", self.fields[at].name);
            return Err(Untranslatable { reason, near: Some(token.to_owned()) });
        }
        Ok(at)
    }

    /// The columns as ON CONFLICT sees those of the row that was to be inserted: only by `excluded`.
    pub fn excluded(&self, timezone: &Timezone) -> Visible {
        let mut row = seen(self.relation, "excluded", "excluded", timezone);
        row.columns.iter_mut().for_each(|column| column.merged = true);
        row
    }
}

/// The columns of a table or view.
pub(super) fn seen(relation: &Relation, name: &str, alias: &str, timezone: &Timezone) -> Visible {
    match &relation.view {
        Some(view) => of_query(&view.columns.0, name, alias),
        None => of_relation(relation, name, alias, timezone),
    }
}

/// Tables of SQLite itself, and what there is in their place.
const OWN: &[(&str, &str)] = &[
    (
        "sqlite_sequence",
        "reset_sequences() or setval() sets the next number, and TRUNCATE … RESTART IDENTITY starts again",
    ),
    ("sqlite_master", "CREATE, ALTER and DROP change the schema"),
    ("sqlite_schema", "CREATE, ALTER and DROP change the schema"),
    ("sqlite_stat1", "ANALYZE gathers statistics"),
    ("sqlite_stat4", "ANALYZE gathers statistics"),
];

impl<'s> Walk<'s> {
    /// The table, which is not one of the tables that the statement sees yet.
    pub(super) fn target(&mut self, table: &'s QualifiedName<'s>, event: Event) -> Result<Target<'s>> {
        self.written(table, event).map_err(|mut refusal| {
            refusal.near.get_or_insert_with(|| table.name.0.to_owned());
            refusal
        })
    }

    fn written(&mut self, table: &'s QualifiedName<'s>, event: Event) -> Result<Target<'s>> {
        let name = sqlite_unquote(table.name.0);
        if let Some(database) = &table.db_name
            && !sqlite_unquote(database.0).eq_ignore_ascii_case("main")
        {
            return refuse(format!("no table {}.{name}", database.0));
        }
        if let Some((own, instead)) = OWN.iter().find(|(own, _)| own.eq_ignore_ascii_case(&name)) {
            return refuse(format!("{own} is SQLite's own: {instead}"));
        }
        let program = self.program()?;
        let schema = program.schema;
        let Some(relation) = schema.relations.iter().find(|r| r.source.eq_ignore_ascii_case(&name)) else {
            return refuse(format!("no table {name}"));
        };
        let target = match &relation.target {
            Ok(target) => target,
            Err(reason) => return refuse(format!("table {name} {reason}")),
        };
        let seen_as = table.alias.as_ref().map_or(name.clone(), |alias| sqlite_unquote(alias.0));
        let alias = program.alias(&seen_as);
        let own = target.ends_with(&format!(".{}", ident(&alias)));
        let sql = if own { target.clone() } else { format!("{target} AS {}", ident(&alias)) };
        let facts = schema.writables.get(&relation.source.to_ascii_lowercase());
        let fields = match (&relation.view, facts) {
            // PostgreSQL would write to the table that a simple view reads.
            (Some(view), _) if view.instead.as_ref().is_some_and(|events| !events.contains(&event)) => {
                return refuse(format!(
                    "view {name} has no INSTEAD OF {} trigger in the target",
                    event.as_sql()
                ));
            }
            (Some(view), _) => {
                self.note(format!("view {name} has an INSTEAD OF trigger, by which it is written to"));
                view.columns.0.iter().map(of_view).collect()
            }
            (None, Some(facts)) => fields(relation, facts, &schema.timezone),
            (None, None) => return refuse(format!("table {name} cannot be written to")),
        };
        Ok(Target {
            name,
            sql,
            relation,
            visible: seen(relation, &seen_as, &alias, &schema.timezone),
            fields,
            keys: facts.map_or(&[], |facts| &facts.keys),
            facts,
        })
    }
}

fn fields(relation: &Relation, facts: &Writable, timezone: &Timezone) -> Vec<Field> {
    let columns = relation.columns.iter().zip(&facts.columns);
    columns
        .map(|(column, facts)| Field {
            name: column.column.source.clone(),
            target: column.column.target.clone(),
            class: TypeClass::of(&column.column.pg_type),
            pg_type: column.column.pg_type.clone(),
            affinity: if facts.any { Affinity::Blob } else { column.affinity },
            format: column.column.format,
            timezone: timezone.clone(),
            printed: facts.printed.clone(),
            cast: facts.cast,
            not_null: facts.not_null,
            unset: facts.unset,
            on_null: facts.on_null,
            generated: facts.generated,
            missing: column.missing,
            using: facts.using,
        })
        .collect()
}

/// A column of a view, whose trigger takes values as they are.
fn of_view(output: &Output) -> Field {
    let class = output.node.class;
    Field {
        name: output.name.clone().unwrap_or_default(),
        target: output.label.clone().unwrap_or_default(),
        class,
        pg_type: PgType::parse(class_name(class)),
        affinity: Affinity::Blob,
        format: output.node.format(),
        timezone: output.node.timezone().clone(),
        printed: class_name(class).to_owned(),
        cast: false,
        not_null: false,
        unset: Unset::Null,
        on_null: Resolve::Error,
        generated: false,
        missing: false,
        using: false,
    }
}
