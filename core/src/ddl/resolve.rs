//! `ON CONFLICT` of a table's constraints: what becomes of a row that breaks one.

use sqlite3_parser::Bump;
use sqlite3_parser::ast::{
    Cmd, ColumnConstraint, ColumnDefinition, CreateTableBody, NamedTableConstraint, ResolveType, Stmt,
    TableConstraint,
};

use super::tokens::tokens;
use super::{column_name, first_command};
use crate::sqltext::sqlite_unquote;

/// The clauses of one CREATE TABLE.
#[derive(Debug, Default, PartialEq)]
pub struct Clauses {
    pub primary_key: Option<ResolveType>,
    /// By the columns of a UNIQUE constraint.
    pub uniques: Vec<(Vec<String>, ResolveType)>,
    /// By the column.
    pub not_null: Vec<(String, ResolveType)>,
}

impl Clauses {
    /// A new row may take the place of others.
    pub fn replaces(&self) -> bool {
        let clauses = self.uniques.iter().map(|(_, clause)| *clause).chain(self.primary_key);
        clauses.into_iter().any(|clause| clause == ResolveType::Replace)
    }

    /// Of a UNIQUE constraint over these columns.
    pub fn unique(&self, columns: &[String]) -> Option<ResolveType> {
        let same = |of: &[String]| {
            of.len() == columns.len() && of.iter().zip(columns).all(|(a, b)| a.eq_ignore_ascii_case(b))
        };
        self.uniques.iter().find(|(of, _)| same(of)).map(|(_, clause)| *clause)
    }

    /// Of a column's NOT NULL.
    pub fn not_null(&self, column: &str) -> Option<ResolveType> {
        self.not_null.iter().find(|(name, _)| name.eq_ignore_ascii_case(column)).map(|(_, clause)| *clause)
    }
}

/// Reads a `CREATE TABLE`; none of one that cannot be read.
pub fn clauses(sql: &str) -> Clauses {
    let mut clauses = Clauses::default();
    let bump = Bump::new();
    if !sql.to_ascii_uppercase().contains("CONFLICT") || tokens(sql).is_err() {
        return clauses;
    }
    let Ok(Some(Cmd::Stmt(Stmt::CreateTable { body, .. }))) = first_command(&bump, sql) else {
        return clauses;
    };
    let CreateTableBody::ColumnsAndConstraints { columns, constraints, .. } = body else { return clauses };
    for column in &columns {
        of_column(column, &mut clauses);
    }
    for constraint in constraints.unwrap_or_default() {
        of_table(constraint, &mut clauses);
    }
    clauses
}

fn of_column(column: &ColumnDefinition<'_>, clauses: &mut Clauses) {
    let name = sqlite_unquote(column.col_name.0);
    for named in column.constraints {
        match &named.constraint {
            ColumnConstraint::PrimaryKey { conflict_clause, .. } => clauses.primary_key = *conflict_clause,
            ColumnConstraint::Unique(clause) => {
                clauses.uniques.extend(clause.map(|clause| (vec![name.clone()], clause)));
            }
            ColumnConstraint::NotNull { nullable: false, conflict_clause } => {
                clauses.not_null.extend(conflict_clause.map(|clause| (name.clone(), clause)));
            }
            _ => {}
        }
    }
}

fn of_table(named: &NamedTableConstraint<'_>, clauses: &mut Clauses) {
    match &named.constraint {
        TableConstraint::PrimaryKey { conflict_clause, .. } => clauses.primary_key = *conflict_clause,
        TableConstraint::Unique { columns, conflict_clause } => {
            let columns = columns.iter().map(column_name).collect();
            clauses.uniques.extend(conflict_clause.map(|clause| (columns, clause)));
        }
        TableConstraint::Check(..) | TableConstraint::ForeignKey { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clauses_of_columns_and_of_the_table() {
        let found = clauses(
            "CREATE TABLE t(id INTEGER PRIMARY KEY ON CONFLICT REPLACE, a NOT NULL ON CONFLICT IGNORE DEFAULT 1, \
             b UNIQUE ON CONFLICT IGNORE, c UNIQUE, UNIQUE (a, \"c\") ON CONFLICT REPLACE)",
        );
        assert_eq!(found.primary_key, Some(ResolveType::Replace));
        assert_eq!(found.unique(&["B".into()]), Some(ResolveType::Ignore));
        assert_eq!(found.unique(&["c".into()]), None);
        assert_eq!(found.unique(&["a".into(), "c".into()]), Some(ResolveType::Replace));
        assert_eq!(found.not_null("A"), Some(ResolveType::Ignore));
        for odd in ["", "CREATE TABLE t(a CONFLICT", "CREATE TABLE conflict AS SELECT 1"] {
            assert_eq!(clauses(odd), Clauses::default());
        }
    }
}
