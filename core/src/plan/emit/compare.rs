//! The schema of the file and that of the target, side by side: what each has of everything that a plan has noticed.

use crate::catalog::{Column, Table, TableKind};
use serde_json::Value;

use crate::finding::{Finding, Severity};
use crate::plan::context::Source;
use crate::plan::model::{Planned, TablePlan};
use crate::plan::resolve::bookkeeping;
use crate::plan::target::{ExistingColumn, ExistingTable, Target};

/// A row of `sqlite_compare`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    pub object: String,
    /// What the file has, `None` where it has no such thing.
    pub in_source: Option<String>,
    /// What the target has, `None` where it has no such thing.
    pub in_target: Option<String>,
    pub severity: Severity,
    pub message: String,
    pub hint: String,
    /// The merge patch of a plan that resolves it.
    pub fix: Option<Value>,
}

/// Every finding of the plan, and the tables of the target that nothing goes into; the worst first.
pub fn compare(source: &Source<'_>, target: &Target, planned: &Planned) -> Vec<Compared> {
    let both = Both { source, target, planned };
    let compared = |finding: &Finding| {
        let (in_source, in_target) = both.sides(&finding.object);
        Compared {
            object: finding.object.clone(),
            in_source,
            in_target,
            severity: finding.severity,
            message: finding.message.clone(),
            hint: finding.hint.clone(),
            fix: finding.patch(),
        }
    };
    let mut out: Vec<Compared> = planned.findings.iter().map(compared).collect();
    out.extend(both.untouched());
    out.sort_by_key(|row| std::cmp::Reverse(row.severity));
    out
}

struct Both<'a> {
    source: &'a Source<'a>,
    target: &'a Target,
    planned: &'a Planned,
}

type Sides = (Option<String>, Option<String>);

/// The words by which findings name what is neither a table nor a column.
const PARTS: &[&str] =
    &["index", "view", "trigger", "check", "primary key", "unique constraint", "foreign key"];

impl<'a> Both<'a> {
    /// `users`, `users.email`, `index users_email`.
    fn sides(&self, object: &str) -> Sides {
        let mut tables = self.source.catalog.tables.iter().enumerate();
        if let Some((i, table)) = tables.clone().find(|(_, t)| t.name == object) {
            let kind = match &table.kind {
                TableKind::Ordinary => "table".to_string(),
                TableKind::Virtual { module, .. } => format!("virtual table of module \"{module}\""),
                TableKind::Shadow { of } => format!("table of virtual table \"{of}\""),
            };
            let profile = self.source.profiles.get(i).and_then(Option::as_ref);
            let in_source = with_rows(kind, profile.filter(|p| !p.sampled).map(|p| p.rows));
            return (Some(in_source), self.counterpart(table).map(target_table));
        }
        let column = tables.find_map(|(_, table)| {
            let name = object.strip_prefix(table.name.as_str())?.strip_prefix('.')?;
            self.columns(table, name)
        });
        column.or_else(|| self.part(object)).unwrap_or_default()
    }

    /// A column of the file, or one that only the target has.
    fn columns(&self, table: &Table, name: &str) -> Option<Sides> {
        let there = self.counterpart(table);
        let exactly = table.columns.iter().find(|c| c.name == name);
        let only_there = || there.and_then(|t| t.column(name)).map(|c| (None, Some(target_column(c))));
        let of_source = |column: &Column| {
            // The plan's name for it, else its own.
            let planned = self.plan_of(table).map_or(&[][..], |t| &t.columns);
            let planned = planned.iter().find(|c| c.source == column.name).and_then(|c| c.target.as_ref());
            let there = there.and_then(|t| t.column(planned.unwrap_or(&column.name)));
            (Some(source_column(column)), there.map(target_column))
        };
        exactly.map(of_source).or_else(only_there).or_else(|| table.column(name).map(of_source))
    }

    /// The file's, unless it is a foreign key that the target has.
    fn part(&self, object: &str) -> Option<Sides> {
        let part =
            PARTS.iter().find(|p| object.strip_prefix(**p).is_some_and(|rest| rest.starts_with(' ')))?;
        let (name, table) = object.strip_prefix("foreign key ").and_then(|o| o.rsplit_once(" of ")).unzip();
        let table = table.and_then(|name| self.source.catalog.tables.iter().find(|t| t.name == name));
        let there = table.and_then(|t| self.counterpart(t));
        if there.is_some_and(|t| t.foreign_keys.iter().any(|key| Some(key.name.as_str()) == name)) {
            return Some((None, Some(part.to_string())));
        }
        Some((Some(part.to_string()), None))
    }

    fn plan_of(&self, table: &Table) -> Option<&'a TablePlan> {
        self.planned.table(self.source.catalog.id(&table.name)?)
    }

    fn counterpart(&self, table: &Table) -> Option<&'a ExistingTable> {
        let plan = self.plan_of(table)?;
        let here = |r: &&ExistingTable| r.schema == plan.schema && r.name == plan.target;
        self.target.relations.iter().find(here)
    }

    /// Tables of the target that nothing goes into.
    fn untouched(&self) -> impl Iterator<Item = Compared> {
        let goes_to = |r: &ExistingTable| {
            self.planned.tables.iter().any(|t| t.schema == r.schema && t.target == r.name)
        };
        let table = |r: &&ExistingTable| matches!(r.relkind, 'r' | 'p') && !r.partition;
        let records = |r: &ExistingTable| bookkeeping::of_target(r).is_some();
        let found = self.target.relations.iter().filter(table);
        found.filter(move |r| !goes_to(r) && !records(r)).map(|r| Compared {
            object: format!("{}.{}", r.schema, r.name),
            in_source: None,
            in_target: Some(target_table(r)),
            severity: Severity::Info,
            message: "no table of the file goes into it".into(),
            hint: String::new(),
            fix: None,
        })
    }
}

fn with_rows(kind: String, rows: Option<u64>) -> String {
    match rows {
        None => kind,
        Some(1) => format!("{kind}, 1 row"),
        Some(n) => format!("{kind}, {n} rows"),
    }
}

fn target_table(table: &ExistingTable) -> String {
    let kind = match table.relkind {
        'r' => "table",
        'p' => "partitioned table",
        'v' => "view",
        'm' => "materialized view",
        'f' => "foreign table",
        'S' => "sequence",
        'i' | 'I' => "index",
        'c' => "composite type",
        _ => "relation",
    };
    with_rows(kind.into(), table.rows)
}

fn source_column(column: &Column) -> String {
    let declared = if column.declared.is_empty() { "no type" } else { column.declared.as_str() };
    let made = match &column.generated {
        Some(_) => ", generated",
        None if column.default.is_some() => ", with a default",
        None => "",
    };
    format!("{declared}{}{made}", if column.not_null { " NOT NULL" } else { "" })
}

fn target_column(column: &ExistingColumn) -> String {
    let made = if column.generated {
        ", generated"
    } else if column.identity.is_some() {
        ", identity"
    } else if column.has_default {
        ", with a default"
    } else {
        ""
    };
    format!("{}{}{made}", column.pg_type, if column.not_null { " NOT NULL" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use crate::damage::Damage;
    use crate::finding::Kind;
    use crate::plan::build;
    use crate::plan::given::overrides::parse;
    use crate::plan::target::ExistingForeignKey;
    use crate::types::TableProfile;
    use crate::value::PgType;
    use serde_json::json;

    fn column(name: &str, declared: &str) -> Column {
        Column { name: name.into(), declared: declared.into(), ..Column::default() }
    }

    fn there(name: &str, relkind: char, columns: &[(&str, &str)]) -> ExistingTable {
        let column = |(name, pg_type): &(&str, &str)| ExistingColumn::new(*name, PgType::parse(pg_type));
        ExistingTable {
            schema: "public".into(),
            name: name.into(),
            relkind,
            columns: columns.iter().map(column).collect(),
            insertable: true,
            ..ExistingTable::default()
        }
    }

    fn catalog() -> Catalog {
        let not_null = Column { not_null: true, default: Some("0".into()), ..column("a.b", "INT") };
        let users = Table {
            name: "users".into(),
            columns: vec![column("id", "INTEGER"), not_null, column("loose", "")],
            ..Table::default()
        };
        Catalog { tables: vec![users], ..Catalog::default() }
    }

    fn planned(target: &Target, findings: Vec<Finding>) -> Planned {
        let catalog = catalog();
        let source = Source {
            catalog: &catalog,
            profiles: &[],
            key_facts: &[],
            levels: &[],
            damage: &Damage::default(),
            orms: &[],
        };
        let mut planned =
            build(&source, target, &parse(&json!({})).unwrap()).unwrap_or_else(|e| panic!("{e}"));
        planned.findings = findings;
        planned
    }

    fn rows(target: &Target, findings: Vec<Finding>) -> Vec<(String, Sides)> {
        let catalog = catalog();
        let profiles = [Some(TableProfile { rows: 120, ..TableProfile::default() })];
        let source = Source {
            catalog: &catalog,
            profiles: &profiles,
            key_facts: &[],
            levels: &[],
            damage: &Damage::default(),
            orms: &[],
        };
        let found = compare(&source, target, &planned(target, findings));
        found.into_iter().map(|row| (row.object, (row.in_source, row.in_target))).collect()
    }

    fn info(object: &str) -> Finding {
        Kind::TableKept.info(object, "")
    }

    fn says(object: &str, source: Option<&str>, target: Option<&str>) -> (String, Sides) {
        (object.into(), (source.map(str::to_string), target.map(str::to_string)))
    }

    #[test]
    fn each_side_says_what_it_has() {
        let mut users = there("users", 'r', &[("id", "bigint"), ("a.b", "integer"), ("extra", "text")]);
        users.rows = Some(1);
        users.columns[2].not_null = true;
        users.foreign_keys = vec![ExistingForeignKey { name: "fk".into(), ..ExistingForeignKey::default() }];
        let target = Target { relations: vec![users], ..Target::default() };
        let objects = ["users", "users.a.b", "users.loose", "users.extra", "users.none", "index users_id"];
        let found =
            rows(&target, objects.iter().chain(&["foreign key fk of users"]).map(|o| info(o)).collect());
        assert_eq!(
            found,
            [
                says("users", Some("table, 120 rows"), Some("table, 1 row")),
                says("users.a.b", Some("INT NOT NULL, with a default"), Some("integer")),
                says("users.loose", Some("no type"), None),
                says("users.extra", None, Some("text NOT NULL")),
                says("users.none", None, None),
                says("index users_id", Some("index"), None),
                says("foreign key fk of users", None, Some("foreign key")),
            ]
        );
    }

    #[test]
    fn tables_that_nothing_goes_into_come_after_what_is_worse() {
        let partition = ExistingTable { partition: true, ..there("log_1", 'r', &[]) };
        let relations = vec![
            there("log", 'p', &[]),
            partition,
            there("alembic_version", 'r', &[("version_num", "text")]),
            there("v", 'v', &[]),
            there("users_pkey", 'i', &[]),
        ];
        let target = Target { relations, ..Target::default() };
        let found = rows(&target, vec![info("users.id"), Kind::TableExists.blocking("users", "")]);
        assert_eq!(
            found,
            [
                says("users", Some("table, 120 rows"), None),
                says("users.id", Some("INTEGER"), None),
                says("public.log", None, Some("partitioned table")),
            ]
        );
    }
}
