//! Prints the tables and indexes of the file, and says what of them is left out.

use std::collections::{HashMap, HashSet};

use super::catalog::{Check, Column, ForeignKey, Index, Key, Table};
use super::columns::OutColumn;
use super::comments;
use super::convert::OnInvalid;
use super::decide::Context;
use super::expression::{Scope, Untranslatable, condition, default, generated, key};
use super::names::Names;
use super::planned::OutTable;
use super::types::Family;
use crate::finding::{Finding, Fix, Kind};
use crate::sqltext::{ident_list, sqlite_ident, sqlite_literal};

/// Gives every table its statement.
pub fn tables(ctx: &Context<'_>, tables: &mut [OutTable<'_>], findings: &mut Vec<Finding>) {
    let parents: HashMap<u32, Parent> =
        tables.iter().map(|table| (table.source.id, Parent::of(ctx, table))).collect();
    for table in tables {
        if table.original {
            // What its words say is not told again, and may be more than was proven.
            let mut printer = Printer { ctx, table, findings: &mut vec![], parents: &parents };
            (table.sequence, table.unproven) = (printer.create().1, true);
            continue;
        }
        let mut printer = Printer { ctx, table, findings: &mut *findings, parents: &parents };
        (table.create, table.sequence, table.unproven) = printer.create();
    }
}

/// Gives every table the indexes that PostgreSQL has beyond those that are `claimed`.
pub fn indexes(
    ctx: &Context<'_>,
    tables: &mut [OutTable<'_>],
    claimed: &HashSet<[String; 3]>,
    names: &mut Names,
    findings: &mut Vec<Finding>,
) {
    for table in tables {
        let source = table.source;
        let is_beyond = |index: &&Index| !claimed.contains(&of_table(source, &index.name));
        let mut others = source.indexes.iter().filter(is_beyond);
        if table.is_virtual {
            // What it is searched by is the virtual table itself.
            if others.any(|index| !matches!(index.method.as_str(), "gin" | "gist")) {
                let message = "its indexes are not carried over: virtual tables have none";
                findings.push(Kind::LeftOut.warning(ctx.key_of(source), message));
            }
            continue;
        }
        let mut printer = Printer { ctx, table, findings: &mut *findings, parents: &HashMap::new() };
        let made: Vec<String> = others.filter_map(|index| printer.index(index, names)).collect();
        table.indexes.extend(made);
    }
}

/// Tells of the triggers that have no counterpart in the file.
pub fn left_triggers(
    ctx: &Context<'_>,
    tables: &[OutTable<'_>],
    claimed: &HashSet<[String; 3]>,
    findings: &mut Vec<Finding>,
) {
    for source in tables.iter().map(|table| table.source) {
        for trigger in source.triggers.iter().filter(|name| !claimed.contains(&of_table(source, name))) {
            let object = format!("trigger {trigger} of {}", ctx.key_of(source));
            let finding = Kind::Trigger.warning(object, "PL/pgSQL is not translated");
            findings.push(finding.fix(Fix::of_plan("triggers", false), ", to leave all triggers out"));
        }
    }
}

/// Schema, table, and an object of it.
fn of_table(table: &Table, name: &str) -> [String; 3] {
    [table.schema.clone(), table.name.clone(), name.to_owned()]
}

/// The names in the file of generated columns that SQLite computes as PostgreSQL does. Those of the primary key it does not.
pub fn computable(table: &Table, columns: &[OutColumn<'_>]) -> Vec<String> {
    let in_key = |name: &String| table.keys.iter().any(|key| key.primary && key.columns.contains(name));
    let found = columns.iter().filter(|c| !in_key(&c.source.name) && expression_of(columns, c).is_ok());
    let found: Vec<String> = found.map(|column| column.name.clone()).collect();
    // There must be another column.
    if found.len() < columns.len() { found } else { vec![] }
}

/// What computes a generated column.
fn expression_of(columns: &[OutColumn<'_>], column: &OutColumn<'_>) -> Result<String, Untranslatable> {
    let expression = column.source.default.as_deref().filter(|_| column.source.generated);
    let others = columns.iter().filter(|other| !other.source.generated);
    match (expression, column.on_invalid) {
        (Some(sql), OnInvalid::Error) => generated(sql, &Scope::of(others), column),
        _ => Err(Untranslatable("its values may be others".into())),
    }
}

/// What foreign keys may refer to.
struct Parent {
    name: String,
    /// By their names in PostgreSQL.
    columns: HashMap<String, String>,
    keys: Vec<Vec<String>>,
}

impl Parent {
    fn of(ctx: &Context<'_>, table: &OutTable<'_>) -> Parent {
        let source = table.source;
        let whole = |index: &&Index| index.unique && index.predicate.is_none() && !index.invalid;
        let indexes = source.indexes.iter().filter(|_| ctx.overrides.indexes()).filter(whole);
        let of_indexes =
            indexes.filter_map(|index| index.keys.iter().map(|key| key.column.clone()).collect());
        Parent {
            name: table.name.clone(),
            columns: table.columns.iter().map(|c| (c.source.name.clone(), c.name.clone())).collect(),
            keys: source.keys.iter().map(|key| key.columns.clone()).chain(of_indexes).collect(),
        }
    }

    /// The names in the file of columns that a key is over.
    fn key(&self, columns: &[String]) -> Option<Vec<&str>> {
        let same = |key: &Vec<String>| key.len() == columns.len() && columns.iter().all(|c| key.contains(c));
        let has_key = self.keys.iter().any(same);
        columns
            .iter()
            .map(|c| self.columns.get(c).map(String::as_str))
            .collect::<Option<_>>()
            .filter(|_| has_key)
    }
}

struct Printer<'p, 'a> {
    ctx: &'p Context<'p>,
    table: &'p OutTable<'a>,
    findings: &'p mut Vec<Finding>,
    parents: &'p HashMap<u32, Parent>,
}

impl Printer<'_, '_> {
    fn left_out(&mut self, what: &str, reason: impl std::fmt::Display) {
        let object = format!("{} of {}", what, self.ctx.key_of(self.table.source));
        self.findings.push(Kind::LeftOut.warning(object, format!("it is not carried over: {reason}")));
    }

    fn left_values(&mut self, column: &Column, reason: &str) {
        let reason = format!("{reason}; the column has the values that it has now");
        self.left_out(&format!("the expression of column {}", column.name), reason);
    }

    fn scope(&self) -> Scope<'_> {
        Scope::of(self.table.columns.iter().chain(&self.table.computed))
    }

    fn name(&self, column: &str) -> Option<&str> {
        let mut columns = self.table.columns.iter().chain(&self.table.computed);
        columns.find(|c| c.source.name == column).map(|c| c.name.as_str())
    }

    fn names(&self, columns: &[String]) -> Option<Vec<&str>> {
        columns.iter().map(|column| self.name(column)).collect()
    }

    /// The column that is the rowid.
    fn rowid(&self) -> Option<&str> {
        let primary = self.table.source.keys.iter().find(|key| key.primary)?;
        let [only] = primary.columns.as_slice() else { return None };
        let column = self.table.columns.iter().find(|c| c.source.name == *only)?;
        matches!(column.rule.family, Family::SmallInt | Family::Integer | Family::BigInt)
            .then_some(only.as_str())
    }

    /// The statement, the last number of its sequence, and whether a foreign key of it was never proven.
    fn create(&mut self) -> (String, Option<i64>, bool) {
        let (source, ctx) = (self.table.source, self.ctx);
        let rowid = self.rowid().map(str::to_owned);
        let (mut parts, mut sequence) = (vec![], None);
        let place =
            |column: &&OutColumn<'_>| source.columns.iter().position(|c| c.name == column.source.name);
        let mut columns: Vec<&OutColumn<'_>> =
            self.table.columns.iter().chain(&self.table.computed).collect();
        columns.sort_by_key(place);
        for column in columns {
            if rowid.as_deref() == Some(&*column.source.name) {
                if column.source.generated {
                    self.left_values(column.source, "SQLite computes no keys");
                }
                let counted = self.table.declaration.is_none_or(|declared| declared.autoincrement);
                let counts = column.source.sequence.filter(|_| counted);
                sequence = counts.map(|sequence| sequence.last.unwrap_or(0));
                let auto = if counts.is_some() { " AUTOINCREMENT" } else { "" };
                let name = sqlite_ident(&column.name);
                parts.push(self.comment(column) + &format!("{name} INTEGER PRIMARY KEY{auto}"));
            } else {
                parts.push(self.comment(column) + &self.column(column));
            }
        }
        for key in source.keys.iter().filter(|key| !(key.primary && rowid.is_some())) {
            parts.extend(self.key(key));
        }
        if ctx.overrides.checks() {
            source.checks.iter().for_each(|check| parts.extend(self.check(check)));
        }
        let mut unproven = false;
        if ctx.overrides.foreign_keys() {
            for key in &source.foreign_keys {
                if let Some(printed) = self.foreign_key(key) {
                    unproven |= !key.validated;
                    parts.push(printed);
                }
            }
        }
        source.exclusions.iter().for_each(|name| {
            self.left_out(&format!("constraint {name}"), "SQLite has no exclusion constraints")
        });
        let has_key = source.keys.iter().any(|key| key.primary && self.names(&key.columns).is_some());
        let without_rowid = has_key && self.table.declaration.is_some_and(|declared| declared.without_rowid);
        let options = match (self.table.strict, without_rowid) {
            (false, false) => "",
            (true, false) => " STRICT",
            (false, true) => " WITHOUT ROWID",
            (true, true) => " STRICT, WITHOUT ROWID",
        };
        // Programs are recognised by their indentation: by none this one.
        let create = format!(
            "CREATE TABLE {} ({}\n\t{}\n){options}",
            sqlite_ident(&self.table.name),
            self.comment_of_table(),
            parts.join(",\n\t")
        );
        (create, sequence, unproven)
    }

    /// The lines above a column.
    fn comment(&mut self, column: &OutColumn<'_>) -> String {
        self.commented(&format!("column {}", column.source.name), column.source.comment.as_deref())
    }

    /// The lines above the columns, and an empty one.
    fn comment_of_table(&mut self) -> String {
        let lines = self.commented("the table", self.table.source.comment.as_deref());
        if lines.is_empty() { lines } else { format!("\n\t{}", lines.trim_end_matches('\t')) }
    }

    fn commented(&mut self, what: &str, comment: Option<&str>) -> String {
        let comment = comment.filter(|_| self.ctx.overrides.comments());
        if comment.is_some_and(|text| text.len() > comments::LONGEST) {
            self.left_out(&format!("the comment of {what}"), "it is longer than 64 kB");
        }
        comments::lines(comment)
    }

    fn column(&mut self, column: &OutColumn<'_>) -> String {
        let mut out = format!("{} {}", sqlite_ident(&column.name), column.declared);
        let source = column.source;
        let in_key =
            self.table.source.keys.iter().any(|key| key.primary && key.columns.contains(&source.name));
        if source.not_null || in_key {
            out.push_str(" NOT NULL");
        }
        if source.generated {
            let computed = self.table.computed.iter().any(|c| c.name == column.name);
            match expression_of(&self.table.columns, column) {
                Ok(sql) if computed => out.push_str(&format!(" GENERATED ALWAYS AS ({sql}) STORED")),
                Ok(_) => self.left_values(source, "SQLite computes no keys"),
                Err(reason) => self.left_values(source, &reason.0),
            }
        } else if source.sequence.is_some() {
            self.left_out(
                &format!("the sequence of column {}", source.name),
                "SQLite numbers the rows of an INTEGER PRIMARY KEY only",
            );
        } else if let Some(expression) = &source.default {
            match default(expression, column) {
                Ok(Some(sql)) => out.push_str(&format!(" DEFAULT {sql}")),
                Ok(None) => {}
                Err(reason) => self.left_out(&format!("the default of column {}", source.name), reason),
            }
        }
        if column.nocase {
            out.push_str(" COLLATE NOCASE");
        }
        if self.ctx.overrides.checks() {
            self.column_checks(column).iter().for_each(|check| out.push_str(&format!(" CHECK ({check})")));
        }
        out
    }

    /// What the type of a column allows.
    fn column_checks(&mut self, column: &OutColumn<'_>) -> Vec<String> {
        let (name, mut out) = (sqlite_ident(&column.name), vec![]);
        if let Some(labels) = &column.source.labels {
            let list: Vec<String> = labels.iter().map(|label| sqlite_literal(label)).collect();
            out.push(format!("{name} IN ({})", list.join(", ")));
        }
        match column.rule.family {
            Family::Json => out.push(format!("json_valid({name})")),
            Family::JsonBlob => out.push(format!("json_valid({name}, 8)")),
            _ => {}
        }
        for expression in &column.source.domain_checks {
            match condition(expression, &Scope::of(std::iter::empty()), Some(column)) {
                Ok(sql) => out.push(sql),
                Err(reason) => {
                    self.left_out(&format!("a check of the domain of column {}", column.source.name), reason)
                }
            }
        }
        out
    }

    fn key(&mut self, key: &Key) -> Option<String> {
        let what = format!("key {}", key.name);
        let Some(columns) = self.names(&key.columns).map(ident_list) else {
            self.left_out(&what, "a column of it is left out");
            return None;
        };
        if key.deferrable {
            self.left_out(&format!("DEFERRABLE of {what}"), "SQLite checks keys at each row");
        }
        if key.nulls_not_distinct {
            self.left_out(&format!("NULLS NOT DISTINCT of {what}"), "NULLs are distinct in SQLite");
        }
        let kind = if key.primary { "PRIMARY KEY" } else { "UNIQUE" };
        Some(format!("CONSTRAINT {} {kind} ({columns})", sqlite_ident(&key.name)))
    }

    fn check(&mut self, check: &Check) -> Option<String> {
        let what = format!("check {}", check.name);
        if !check.validated {
            self.left_out(&what, "it was never proven for the rows");
            return None;
        }
        match condition(&check.expression, &self.scope(), None) {
            Ok(sql) => Some(format!("CONSTRAINT {} CHECK ({sql})", sqlite_ident(&check.name))),
            Err(reason) => {
                self.left_out(&what, reason);
                None
            }
        }
    }

    fn foreign_key(&mut self, key: &ForeignKey) -> Option<String> {
        let what = format!("foreign key {}", key.name);
        let Some(columns) = self.names(&key.columns).map(ident_list) else {
            self.left_out(&what, "a column of it is left out");
            return None;
        };
        let Some(parent) = self.parents.get(&key.parent) else {
            let is_it = |table: &&Table| table.id == key.parent && table.schema != self.table.source.schema;
            let reason = match self.ctx.by_schema && self.ctx.catalog.tables.iter().any(|t| is_it(&t)) {
                true => "in another file",
                false => "not exported",
            };
            self.left_out(&what, format!("table {} is {reason}", key.parent_name));
            return None;
        };
        let Some(referenced) = parent.key(&key.parent_columns).map(ident_list) else {
            self.left_out(&what, format!("table {} has no such key in the file", key.parent_name));
            return None;
        };
        if key.match_full && key.columns.len() > 1 {
            self.left_out(&format!("MATCH FULL of {what}"), "SQLite does not know it");
        }
        let mut out = format!(
            "CONSTRAINT {} FOREIGN KEY ({columns}) REFERENCES {} ({referenced})",
            sqlite_ident(&key.name),
            sqlite_ident(&parent.name)
        );
        for (event, action) in [("DELETE", key.on_delete), ("UPDATE", key.on_update)] {
            if action.sql() != "NO ACTION" {
                out.push_str(&format!(" ON {event} {}", action.sql()));
            }
        }
        if key.deferrable {
            out.push_str(" DEFERRABLE INITIALLY ");
            out.push_str(if key.initially_deferred { "DEFERRED" } else { "IMMEDIATE" });
        }
        Some(out)
    }

    fn index(&mut self, index: &Index, names: &mut Names) -> Option<String> {
        let what = format!("index {}", index.name);
        if index.invalid {
            self.left_out(&what, "it is not valid");
            return None;
        }
        if !matches!(index.method.as_str(), "btree" | "hash") {
            self.left_out(&what, format!("SQLite has no indexes of method {}", index.method));
            return None;
        }
        let mut keys = vec![];
        for key in &index.keys {
            let printed = match &key.column {
                Some(column) => match self.name(column) {
                    Some(name) => sqlite_ident(name),
                    None => {
                        self.left_out(&what, format!("its key {} is not in the file", key.expression));
                        return None;
                    }
                },
                None => match self::key(&key.expression, &self.scope()) {
                    Ok(sql) => format!("({sql})"),
                    Err(reason) => {
                        self.left_out(&what, reason);
                        return None;
                    }
                },
            };
            keys.push(printed + if key.descending { " DESC" } else { "" });
        }
        let scope = self.scope();
        let filter = match index.predicate.as_deref().map(|sql| condition(sql, &scope, None)) {
            None => String::new(),
            Some(Ok(sql)) => format!(" WHERE {sql}"),
            Some(Err(reason)) => {
                self.left_out(&what, reason);
                return None;
            }
        };
        if index.nulls_not_distinct {
            self.left_out(&format!("NULLS NOT DISTINCT of {what}"), "NULLs are distinct in SQLite");
        }
        let unique = if index.unique { "UNIQUE " } else { "" };
        let name = names.take_and_tell(&index.name, &what, self.findings);
        let (name, table) = (sqlite_ident(&name), sqlite_ident(&self.table.name));
        Some(format!("CREATE {unique}INDEX {name} ON {table} ({}){filter}", keys.join(", ")))
    }
}
