//! What the file declares, object by object, with what an import makes of each in tables of its own.
//!
//! It is the plan's answer, whether or not a run has created the table: one that was there before is held against the
//! same answer.

mod model;
mod words;

use crate::catalog::{self, Check, Column, Index, Origin, Table, TableId, Trigger, View};
use crate::path;
use crate::plan::context::Context;
use crate::plan::decide::collate;
use crate::plan::decide::object::{Computed, IndexKey as Key, Object};
use crate::plan::decide::table::{DecidedColumn, DecidedTable};
use crate::plan::given::words::Form;
use crate::plan::resolve::exclusions::{check_name, foreign_key_name};
use crate::plan::resolve::names::{LIMIT, clip, fold};
use crate::plan::resolve::select::{Selection, is_internal};
use crate::plan::resolve::table::Disposition;
use crate::plan::trial::Part;
use crate::plan::trigger::TriggerPlan;
use crate::sqltext::{ident, sqlite_ident};

use super::ddl;

pub use self::model::{Declared, DeclaredKind, DeclaredTable, Made, RowQuestion};
use self::words::{distinct, foreign_key_text, keys_text, listed};

/// Every table of the file that the plan could load, in the file's order.
pub fn declared(
    ctx: &Context<'_>,
    selection: &Selection<'_>,
    decided: &[DecidedTable<'_>],
    made: &[TriggerPlan],
) -> Vec<DeclaredTable> {
    let triggers = Triggers { declared: &ctx.source.catalog.triggers, made };
    let of_table = |(id, source): (TableId, &Table)| {
        if let Some(table) = decided.iter().find(|d| d.id == id) {
            return Some(Describe { triggers, tables: decided, table }.table());
        }
        let ordinary = source.kind == catalog::TableKind::Ordinary && !is_internal(source);
        let given = selection.overrides.get(id.index()).copied().flatten();
        ordinary.then(|| DeclaredTable {
            source: source.name.clone(),
            schema: ctx.plan.of_table(given).schema,
            target: source.name.clone(),
            left_out: Some(path::of_table(&source.name, "skip")),
            objects: vec![],
            bytewise: vec![],
        })
    };
    let tables = ctx.source.catalog.tables_with_ids().filter_map(of_table);
    tables.chain(ctx.source.catalog.views.iter().map(|view| of_view(ctx, triggers, view))).collect()
}

fn of_view(ctx: &Context<'_>, triggers: Triggers<'_>, view: &View) -> DeclaredTable {
    let name = fold(ctx.names, &ctx.name_rules.table(&view.name));
    let table = ctx.overrides.views.as_ref().and_then(|views| views.form(&view.name)) == Some(Form::Table);
    let declared = Declared {
        kind: DeclaredKind::View,
        name: Some(view.name.clone()),
        columns: vec![],
        text: view.sql.clone(),
        object: format!("view {}", view.name),
        made: table.then_some(Made::Table).into_iter().collect(),
        plan_key: "plan.views".into(),
        question: None,
    };
    DeclaredTable {
        source: view.name.clone(),
        schema: ctx.plan.schema.clone(),
        target: clip(&name, LIMIT).to_owned(),
        left_out: None,
        objects: std::iter::once(declared).chain(triggers.of(&view.name)).collect(),
        bytewise: vec![],
    }
}

/// The triggers of the file, and those that the plan makes.
#[derive(Clone, Copy)]
struct Triggers<'c> {
    declared: &'c [Trigger],
    made: &'c [TriggerPlan],
}

impl Triggers<'_> {
    /// Those of a table or view.
    fn of(self, table: &str) -> Vec<Declared> {
        let of_table = |t: &&Trigger| t.table.eq_ignore_ascii_case(table);
        self.declared.iter().filter(of_table).map(|trigger| of_trigger(trigger, self.made)).collect()
    }
}

fn of_trigger(trigger: &Trigger, made: &[TriggerPlan]) -> Declared {
    let made = made.iter().filter(|made| made.source == trigger.name).cloned();
    Declared {
        kind: DeclaredKind::Trigger,
        name: Some(trigger.name.clone()),
        columns: vec![],
        text: trigger.sql.clone(),
        object: format!("trigger {}", trigger.name),
        made: made.map(Made::Trigger).collect(),
        plan_key: "plan.triggers".into(),
        question: None,
    }
}

/// A table that takes part.
struct Describe<'c, 'a> {
    triggers: Triggers<'c>,
    tables: &'c [DecidedTable<'a>],
    table: &'c DecidedTable<'a>,
}

impl Describe<'_, '_> {
    fn table(&self) -> DeclaredTable {
        let (table, source) = (self.table, self.table.source);
        let mut objects: Vec<Declared> = self.primary_key().into_iter().collect();
        let indexes = source.indexes.iter().enumerate();
        objects.extend(
            indexes
                .clone()
                .filter(|(_, i)| i.origin == Origin::Unique)
                .map(|(i, index)| self.unique(i, index)),
        );
        let keys = source.foreign_keys.iter().enumerate();
        objects.extend(keys.map(|(i, key)| self.foreign_key(i, key)));
        objects.extend(source.checks.iter().enumerate().map(|(i, check)| self.check(i, check)));
        objects.extend(source.columns.iter().filter(|c| !c.hidden).flat_map(|column| self.column(column)));
        objects.extend(
            indexes.filter(|(_, i)| i.origin == Origin::Created).map(|(i, index)| self.index(i, index)),
        );
        objects.extend(self.searching());
        objects.extend(self.triggers.of(&source.name));
        let bytewise = |c: &&DecidedColumn<'_>| {
            let declared = c.source.collation.as_deref().unwrap_or("BINARY");
            c.pg_type.is_text()
                && c.folding.is_none()
                && c.enumeration.is_none()
                && declared.eq_ignore_ascii_case("BINARY")
        };
        DeclaredTable {
            bytewise: table.columns.iter().filter(bytewise).map(|c| c.target.clone()).collect(),
            source: source.name.clone(),
            schema: table.settings.schema.clone(),
            target: table.target.clone(),
            left_out: (table.disposition == Disposition::Absent).then(|| table.path("create")),
            objects,
        }
    }

    fn made(&self, part: Part) -> Vec<Made> {
        let search = |object: &&Object| !matches!(object, Object::Orphans(_));
        self.table.made(part).filter(search).cloned().map(Made::Object).collect()
    }

    /// The target's names of columns of the file, or the file's own where one is not carried over.
    fn names(&self, columns: &[String]) -> Vec<String> {
        let name = |n: &String| self.table.column(n).map_or_else(|| n.clone(), |c| c.target.clone());
        columns.iter().map(name).collect()
    }

    fn primary_key(&self) -> Option<Declared> {
        let (table, source) = (self.table, self.table.source);
        let key = source.primary_key.as_ref().filter(|key| !key.columns.is_empty())?;
        let made = self.made(Part::PrimaryKey);
        Some(Declared {
            kind: DeclaredKind::PrimaryKey,
            name: key.name.clone(),
            columns: self.names(&key.columns),
            text: format!("PRIMARY KEY ({})", listed(&key.columns)),
            object: format!("primary key of {}", source.name),
            question: self.duplicates(&made, &key.columns, true),
            plan_key: table.path("keys"),
            made,
        })
    }

    fn unique(&self, i: usize, index: &Index) -> Declared {
        let (table, source) = (self.table, self.table.source);
        let columns = distinct(index);
        let made = self.made(Part::Index(i));
        Declared {
            kind: DeclaredKind::Unique,
            name: index.constraint_name.clone(),
            columns: self.names(&columns),
            text: format!("UNIQUE ({})", keys_text(index, source)),
            object: format!("unique constraint on {}({})", source.name, columns.join(", ")),
            question: self.duplicates(&made, &columns, false),
            plan_key: table.path("keys"),
            made,
        }
    }

    fn index(&self, i: usize, index: &Index) -> Declared {
        let columns = distinct(index);
        let made = self.made(Part::Index(i));
        let unique = if index.unique { "UNIQUE " } else { "" };
        let predicate = index.predicate.iter().map(|sql| format!(" WHERE {sql}")).collect::<String>();
        let question = index.unique.then(|| self.duplicates(&made, &columns, false)).flatten();
        // What is left of a partial key would be another one.
        let question = question.filter(|_| index.predicate.is_none() || !made.is_empty());
        Declared {
            kind: DeclaredKind::Index,
            name: Some(index.name.clone()),
            columns: self.names(&columns),
            text: format!(
                "CREATE {unique}INDEX {} ON {} ({}){predicate}",
                sqlite_ident(&index.name),
                sqlite_ident(&self.table.source.name),
                keys_text(index, self.table.source)
            ),
            object: format!("index {}", index.name),
            question,
            plan_key: self.table.path("indexes"),
            made,
        }
    }

    /// What rows are found by in place of a virtual table: columns of search vectors, and indexes that are of no index of the file.
    fn searching(&self) -> Vec<Declared> {
        let (table, source) = (self.table, self.table.source);
        let of_part = |at: usize| table.made_for.iter().any(|(_, places)| places.contains(&at));
        let others = table.objects.iter().enumerate().filter(|(at, _)| !of_part(*at));
        let declared = |kind, columns: Vec<String>, name: &str, made, key: &str| Declared {
            kind,
            name: Some(name.to_owned()),
            text: self.searched(&columns),
            columns,
            object: source.name.clone(),
            made: vec![made],
            plan_key: table.path(key),
            question: None,
        };
        let of_object = |(_, object): (usize, &Object)| match object {
            Object::Computed(columns) => {
                let of = |column: &Computed| {
                    let made = Made::Generated(column.name.clone(), column.expression.clone());
                    declared(DeclaredKind::Search, vec![column.name.clone()], &column.name, made, "fts")
                };
                columns.iter().map(of).collect()
            }
            Object::Index { name, keys, .. } => {
                let is = |column: &&Computed| keys.keys.iter().any(|key| key.sql == ident(&column.name));
                let computed = table.objects.iter().flat_map(|object| match object {
                    Object::Computed(columns) => columns.as_slice(),
                    _ => &[],
                });
                let columns = computed.filter(is).map(|column| column.name.clone()).collect();
                vec![declared(DeclaredKind::Index, columns, name, Made::Object(object.clone()), "indexes")]
            }
            _ => vec![],
        };
        others.flat_map(of_object).collect()
    }

    /// The virtual table for which these columns are searched, or which the table itself is in the file.
    fn searched(&self, columns: &[String]) -> String {
        let of = self.table.searches.iter().find(|search| columns.contains(&search.vector));
        let of = of.or(self.table.searches.first());
        match of.filter(|search| search.source != self.table.source.name) {
            Some(search) => format!("full-text table {}", search.source),
            None if self.table.source.kind == catalog::TableKind::Ordinary => "a full-text table".into(),
            None => self.table.source.sql.clone(),
        }
    }

    /// Over what was made, which compares as SQLite does, else over the columns.
    fn duplicates(&self, made: &[Made], columns: &[String], primary: bool) -> Option<RowQuestion> {
        // Where there are several, the last refuses more.
        let last = made.iter().rev().find_map(|made| match made {
            Made::Object(object) => Some(object),
            _ => None,
        });
        let keys = match last {
            Some(Object::Index { keys, .. } | Object::Exclude { keys, .. }) => {
                let schema = &self.table.settings.schema;
                let key = |key: &Key| {
                    let collation = if key.nocase { collate::clause(schema) } else { String::new() };
                    format!("{}{collation}", key.sql)
                };
                let predicate = keys.predicate.clone();
                return Some(RowQuestion::Duplicates {
                    keys: keys.keys.iter().map(key).collect(),
                    predicate,
                    primary,
                });
            }
            _ => self.table.targets(columns).ok()?,
        };
        let all = !keys.is_empty()
            && columns.iter().filter_map(|c| self.table.column(c)).all(|c| !c.pg_type.is_unordered());
        let keys = keys.iter().map(|name| ident(name)).collect();
        all.then_some(RowQuestion::Duplicates { keys, predicate: None, primary })
    }

    fn foreign_key(&self, i: usize, key: &catalog::ForeignKey) -> Declared {
        let (table, source) = (self.table, self.table.source);
        let parent = self.tables.iter().find(|d| d.source.name.eq_ignore_ascii_case(&key.parent));
        let question = parent.and_then(|parent| {
            let same = key.columns.len() == key.parent_columns.len() && !key.columns.is_empty();
            Some(RowQuestion::Orphans {
                columns: table.targets(&key.columns).ok().filter(|_| same)?,
                parent_schema: parent.settings.schema.clone(),
                parent: parent.target.clone(),
                parent_columns: parent.targets(&key.parent_columns).ok()?,
            })
        });
        Declared {
            kind: DeclaredKind::ForeignKey,
            name: key.name.clone().or_else(|| Some(foreign_key_name(source, key))),
            columns: self.names(&key.columns),
            text: foreign_key_text(key),
            object: format!("foreign key {}({})", source.name, key.columns.join(", ")),
            made: self.made(Part::ForeignKey(i)),
            plan_key: table.path("foreign_keys"),
            question,
        }
    }

    fn check(&self, i: usize, check: &Check) -> Declared {
        let (table, source) = (self.table, self.table.source);
        let named = check.name.as_deref().map(|n| format!(" {n}")).unwrap_or_default();
        let mut made = self.made(Part::Check(i));
        let condition = made.iter().find_map(|made| match made {
            Made::Object(Object::Check { condition, .. }) => Some(condition.clone()),
            _ => None,
        });
        let listed = table.columns.iter().find(|c| c.enumeration.as_ref().is_some_and(|e| e.check == i));
        made.extend(listed.map(|c| Made::Type(c.target.clone(), c.printed_type())));
        let reads =
            |c: &&DecidedColumn<'_>| condition.as_ref().is_some_and(|sql| sql.contains(&ident(&c.target)));
        let columns = match listed {
            Some(column) => vec![column.target.clone()],
            None => table.columns.iter().filter(reads).map(|c| c.target.clone()).collect(),
        };
        Declared {
            kind: DeclaredKind::Check,
            name: check.name.clone().or_else(|| Some(check_name(source, check))),
            columns,
            text: format!("CHECK ({})", check.expression),
            object: format!("check{named} of {}", source.name),
            question: condition.map(|condition| RowQuestion::Broken { condition }),
            plan_key: table.path("checks"),
            made,
        }
    }

    fn column(&self, column: &Column) -> Vec<Declared> {
        let (table, source) = (self.table, &self.table.source.name);
        let decided = table.column(&column.name);
        let apart = table.apart.iter().any(|c| c.source.name.eq_ignore_ascii_case(&column.name));
        let target = decided.map_or_else(|| column.name.clone(), |c| c.target.clone());
        let declared = |kind: DeclaredKind, text: String, made: Option<Made>, key: &str| Declared {
            kind,
            name: None,
            columns: vec![target.clone()],
            text,
            object: format!("{source}.{}", column.name),
            made: made.into_iter().collect(),
            plan_key: path::of_column(
                source,
                &column.name,
                match decided {
                    Some(_) => key,
                    None if apart => "generated",
                    None => "skip",
                },
            ),
            question: None,
        };
        let name = || target.clone();
        let mut out = vec![];
        if column.not_null {
            let made = decided.filter(|c| c.not_null).map(|_| Made::NotNull(name()));
            let question = decided.map(|_| RowQuestion::Nulls { column: name() });
            let not_null = declared(DeclaredKind::NotNull, "NOT NULL".into(), made, "nullable");
            out.push(Declared { question, ..not_null });
        }
        if let Some(sql) = &column.default {
            let made = decided.and_then(|c| c.default.clone()).map(|sql| Made::Default(name(), sql));
            out.push(declared(DeclaredKind::Default, format!("DEFAULT {sql}"), made, "default"));
        }
        if let Some(generated) = &column.generated {
            let made = decided.and_then(|c| c.generated.clone());
            let made = made.map(|generated| Made::Generated(name(), generated.expression));
            let kind = if generated.stored { "STORED" } else { "VIRTUAL" };
            let text = format!("GENERATED ALWAYS AS ({}) {kind}", generated.expression);
            out.push(declared(DeclaredKind::Generated, text, made, "generated"));
        }
        if self.is_rowid(column) {
            let made = decided.filter(|c| ddl::is_identity(c)).map(|_| Made::Identity(name()));
            let text = if table.source.autoincrement {
                "INTEGER PRIMARY KEY AUTOINCREMENT"
            } else {
                "INTEGER PRIMARY KEY"
            };
            out.push(declared(DeclaredKind::Identity, text.into(), made, "type"));
        }
        if let Some(collation) = column.collation.as_ref().filter(|c| !c.eq_ignore_ascii_case("BINARY")) {
            let made = decided.and_then(|c| self.collation(c));
            let text = format!("COLLATE {collation}");
            out.push(Declared {
                plan_key: table.path("nocase"),
                ..declared(DeclaredKind::Collation, text, made, "skip")
            });
        }
        out
    }

    fn is_rowid(&self, column: &Column) -> bool {
        let key = self.table.source.primary_key.as_ref().filter(|key| key.rowid_alias);
        key.is_some_and(|key| key.columns.iter().any(|name| name.eq_ignore_ascii_case(&column.name)))
    }

    fn collation(&self, column: &DecidedColumn<'_>) -> Option<Made> {
        let target = column.target.clone();
        column.folding.as_ref().map(|folding| match folding {
            collate::Folding::Collation => {
                Made::Collation(target, column.collation(&self.table.settings.schema))
            }
            collate::Folding::Citext(name) => Made::Type(target, name.clone()),
        })
    }
}
