//! What only the SQL text of a definition holds: CHECKs, constraint names, generated and index expressions.
//!
//! Structure comes from `sqlite3-parser`'s tree; the text of an expression is the slice of the original
//! between two of SQLite's own tokens, so that nothing is lost or reworded. Texts are untrusted: they are
//! bounded in length and nesting before they are parsed (`tokens`), and the tree is never walked recursively.

mod clock;
mod module;
pub mod resolve;
pub mod statement;
mod tokens;
mod whole;

use sqlite3_parser::ast::{
    Cmd, ColumnConstraint, ColumnDefinition, CreateTableBody, DeferSubclause, Expr, ForeignKeyClause,
    InitDeferredPred, NamedColumnConstraint, NamedTableConstraint, OneSelect, SortedColumn, Stmt,
    TableConstraint,
};
use sqlite3_parser::dialect::TokenType;
use sqlite3_parser::lexer::sql::Parser;
use sqlite3_parser::{Bump, FallibleIterator};

pub use self::clock::reads_clock;
pub use self::module::{module, module_arguments};
pub use self::tokens::words;
use self::tokens::{
    Token, matching_parenthesis, parenthesized_after, problem, split_at_commas, text, tokens,
};
pub use self::whole::virtual_table;
use crate::catalog::{Check, Deferrable};
use crate::sqltext::{sqlite_literal, sqlite_unquote};

/// What the text of a `CREATE TABLE` adds to the pragmas' facts.
#[derive(Debug, Default, PartialEq)]
pub struct TableDdl {
    pub columns: Vec<ColumnDdl>,
    pub primary_key_name: Option<String>,
    pub uniques: Vec<UniqueDdl>,
    pub checks: Vec<Check>,
    /// In the order of their declaration.
    pub foreign_keys: Vec<ForeignKeyDdl>,
}

#[derive(Debug, Default, PartialEq)]
pub struct ColumnDdl {
    pub name: String,
    /// The type's name without its size, as written.
    pub type_name: String,
    /// A DEFAULT that is a bare or double-quoted word, as the string literal that SQLite takes it for.
    pub default_word: Option<String>,
    pub generated: Option<String>,
    pub not_null: bool,
}

#[derive(Debug, Default, PartialEq)]
pub struct UniqueDdl {
    pub name: Option<String>,
    pub columns: Vec<String>,
}

#[derive(Debug, Default, PartialEq)]
pub struct ForeignKeyDdl {
    pub name: Option<String>,
    pub parent: String,
    pub deferrable: Deferrable,
}

/// What the text of a `CREATE INDEX` adds.
#[derive(Debug, Default, PartialEq)]
pub struct IndexDdl {
    /// The text of each key, without its sort order and outermost COLLATE.
    pub keys: Vec<String>,
    pub predicate: Option<String>,
}

/// Reads a `CREATE TABLE`; the error is a reason for a person.
pub fn table(sql: &str) -> Result<TableDdl, String> {
    let tokens = tokens(sql)?;
    let bump = Bump::new();
    let Some(Cmd::Stmt(Stmt::CreateTable { body, .. })) = first_command(&bump, sql)? else {
        return Err("not a CREATE TABLE statement".into());
    };
    let CreateTableBody::ColumnsAndConstraints { columns, constraints, .. } = body else {
        return Err("the table is declared without columns".into());
    };
    let mut reader = TableReader {
        checks: parenthesized_after(sql, &tokens, TokenType::TK_CHECK).into_iter(),
        generated: parenthesized_after(sql, &tokens, TokenType::TK_AS).into_iter(),
        ddl: TableDdl::default(),
    };
    for column in &columns {
        reader.column(column)?;
    }
    for constraint in constraints.unwrap_or_default() {
        reader.table_constraint(constraint)?;
    }
    match (reader.checks.next(), reader.generated.next()) {
        (None, None) => Ok(reader.ddl),
        _ => Err(OUT_OF_STEP.into()),
    }
}

/// Walks the tree in the order of the text, and the expressions' texts along with it.
struct TableReader {
    checks: std::vec::IntoIter<String>,
    generated: std::vec::IntoIter<String>,
    ddl: TableDdl,
}

impl TableReader {
    fn column(&mut self, definition: &ColumnDefinition<'_>) -> Result<(), String> {
        let mut column = ColumnDdl {
            name: sqlite_unquote(definition.col_name.0),
            type_name: definition.col_type.as_ref().map(|t| sqlite_unquote(t.name)).unwrap_or_default(),
            ..ColumnDdl::default()
        };
        for constraint in definition.constraints {
            self.column_constraint(&mut column, constraint)?;
        }
        self.ddl.columns.push(column);
        Ok(())
    }

    fn column_constraint(
        &mut self,
        column: &mut ColumnDdl,
        named: &NamedColumnConstraint<'_>,
    ) -> Result<(), String> {
        let name = named.name.as_ref().map(|n| sqlite_unquote(n.0));
        match &named.constraint {
            ColumnConstraint::PrimaryKey { .. } => self.ddl.primary_key_name = name,
            ColumnConstraint::Unique(_) => {
                self.ddl.uniques.push(UniqueDdl { name, columns: vec![column.name.clone()] });
            }
            ColumnConstraint::Check(_) => self.check(name)?,
            ColumnConstraint::Default(value) => column.default_word = word(value),
            ColumnConstraint::ForeignKey { clause, defer_clause } => {
                self.foreign_key(name, clause, defer_clause.as_ref());
            }
            ColumnConstraint::Defer(clause) => self.defer(clause),
            ColumnConstraint::Generated { .. } => column.generated = Some(next(&mut self.generated)?),
            ColumnConstraint::NotNull { nullable, .. } => column.not_null = !nullable,
            ColumnConstraint::Collate { .. } => {}
        }
        Ok(())
    }

    fn table_constraint(&mut self, named: &NamedTableConstraint<'_>) -> Result<(), String> {
        let name = named.name.as_ref().map(|n| sqlite_unquote(n.0));
        match &named.constraint {
            TableConstraint::PrimaryKey { .. } => self.ddl.primary_key_name = name,
            TableConstraint::Unique { columns, .. } => {
                let columns = columns.iter().map(column_name).collect();
                self.ddl.uniques.push(UniqueDdl { name, columns });
            }
            TableConstraint::Check(..) => self.check(name)?,
            TableConstraint::ForeignKey { clause, defer_clause, .. } => {
                self.foreign_key(name, clause, defer_clause.as_ref());
            }
        }
        Ok(())
    }

    fn check(&mut self, name: Option<String>) -> Result<(), String> {
        let expression = next(&mut self.checks)?;
        self.ddl.checks.push(Check { name, expression });
        Ok(())
    }

    fn foreign_key(
        &mut self,
        name: Option<String>,
        clause: &ForeignKeyClause<'_>,
        defer: Option<&DeferSubclause>,
    ) {
        let deferrable = defer.map(deferrable).unwrap_or_default();
        self.ddl.foreign_keys.push(ForeignKeyDdl {
            name,
            parent: sqlite_unquote(clause.tbl_name.0),
            deferrable,
        });
    }

    /// `REFERENCES t DEFERRABLE`: SQLite parses DEFERRABLE as a constraint of its own, which changes the foreign key
    /// before it.
    fn defer(&mut self, clause: &DeferSubclause) {
        if let Some(last) = self.ddl.foreign_keys.last_mut() {
            last.deferrable = deferrable(clause);
        }
    }
}

const OUT_OF_STEP: &str = "its constraints could not be matched with its statement";

fn next(texts: &mut std::vec::IntoIter<String>) -> Result<String, String> {
    texts.next().ok_or_else(|| OUT_OF_STEP.to_owned())
}

fn deferrable(clause: &DeferSubclause) -> Deferrable {
    match (clause.deferrable, clause.init_deferred) {
        (false, _) => Deferrable::No,
        (true, Some(InitDeferredPred::InitiallyDeferred)) => Deferrable::InitiallyDeferred,
        (true, _) => Deferrable::InitiallyImmediate,
    }
}

/// `DEFAULT word` and `DEFAULT "word"` mean `'word'`; TRUE and FALSE mean themselves.
fn word(value: &Expr<'_>) -> Option<String> {
    let raw = match value {
        Expr::Id(id) => id.0,
        Expr::Name(name) => name.0,
        Expr::Parenthesized(inner) => match inner.as_slice() {
            [Expr::Id(id)] => id.0,
            _ => return None,
        },
        _ => return None,
    };
    let is_boolean = ["true", "false"].iter().any(|b| raw.eq_ignore_ascii_case(b));
    (!is_boolean).then(|| sqlite_literal(&sqlite_unquote(raw)))
}

fn column_name(column: &SortedColumn<'_>) -> String {
    let expr = match &column.expr {
        Expr::Collate(inner, _) => inner,
        other => other,
    };
    match expr {
        Expr::Id(id) => sqlite_unquote(id.0),
        Expr::Name(name) => sqlite_unquote(name.0),
        Expr::Literal(sqlite3_parser::ast::Literal::String(text)) => sqlite_unquote(text),
        _ => String::new(),
    }
}

/// Reads a `CREATE INDEX`; the error is a reason for a person.
pub fn index(sql: &str) -> Result<IndexDdl, String> {
    let tokens = tokens(sql)?;
    let bump = Bump::new();
    let Some(Cmd::Stmt(Stmt::CreateIndex { columns, .. })) = first_command(&bump, sql)? else {
        return Err("not a CREATE INDEX statement".into());
    };
    let open = tokens.iter().position(|t| t.kind == TokenType::TK_LP).ok_or(OUT_OF_STEP)?;
    let close = open + matching_parenthesis(&tokens[open..]).ok_or(OUT_OF_STEP)?;
    let keys: Vec<&[Token]> = split_at_commas(&tokens[open + 1..close]);
    if keys.len() != columns.len() {
        return Err(OUT_OF_STEP.into());
    }
    let keys = keys.into_iter().zip(columns).map(|(tokens, column)| key_text(sql, tokens, column)).collect();
    Ok(IndexDdl { keys, predicate: predicate(sql, &tokens[close + 1..]) })
}

fn key_text(sql: &str, mut tokens: &[Token], column: &SortedColumn<'_>) -> String {
    while let [rest @ .., last] = tokens
        && (column.nulls.is_some()
            && matches!(last.kind, TokenType::TK_FIRST | TokenType::TK_LAST | TokenType::TK_NULLS)
            || column.order.is_some() && matches!(last.kind, TokenType::TK_ASC | TokenType::TK_DESC))
    {
        tokens = rest;
    }
    if matches!(column.expr, Expr::Collate(..))
        && let [rest @ .., collate, _name] = tokens
        && collate.kind == TokenType::TK_COLLATE
    {
        tokens = rest;
    }
    text(sql, tokens)
}

fn predicate(sql: &str, after_keys: &[Token]) -> Option<String> {
    let [first, rest @ ..] = after_keys else { return None };
    if first.kind != TokenType::TK_WHERE {
        return None;
    }
    let end = rest.iter().position(|t| t.kind == TokenType::TK_SEMI).unwrap_or(rest.len());
    Some(text(sql, &rest[..end]))
}

/// Makes sure that `WHERE (text⏎)` is one condition and nothing else.
pub fn check_expression(condition: &str) -> Result<(), String> {
    const FORBIDDEN: [TokenType; 2] = [TokenType::TK_SEMI, TokenType::TK_VARIABLE];
    let tokens = tokens(condition)?;
    if tokens.iter().any(|t| FORBIDDEN.contains(&t.kind)) {
        return Err("parameters and semicolons are not allowed".into());
    }
    let bump = Bump::new();
    let sql = format!("SELECT 1 WHERE ({condition}\n)");
    let command = first_command(&bump, &sql)?;
    let Some(Cmd::Stmt(Stmt::Select(select))) = command else { return Err("not an expression".into()) };
    match &select.body.select {
        OneSelect::Select { where_clause: Some(Expr::Parenthesized(inner)), .. } if inner.len() == 1 => {
            Ok(())
        }
        _ => Err("not one expression".into()),
    }
}

fn first_command<'a>(bump: &'a Bump, sql: &'a str) -> Result<Option<Cmd<'a>>, String> {
    Parser::new(bump, sql.as_bytes()).next().map_err(|e| problem(&e))
}

#[cfg(test)]
mod tests {
    use super::tokens::LONGEST;
    use super::*;

    #[test]
    fn expressions_are_the_original_text() {
        let ddl = table(
            "CREATE TABLE \"od\"\"d\" (\n  a INTEGER CHECK ( a  IN (0,1) /* ) */ ),\n\
             b text CONSTRAINT \"b not empty\" CHECK (b <> ''')''') DEFAULT word,\n\
             c AS (lower( b ) || ')') STORED, d Int GENERATED ALWAYS AS (a+1), e DEFAULT \"x'y\" DEFAULT (true),\n\
             CONSTRAINT both CHECK (a IS NULL -- why\n OR b IS NULL), CHECK (CAST(a AS TEXT) > ''))",
        )
        .unwrap();
        let checks: Vec<_> = ddl.checks.iter().map(|c| (c.name.as_deref(), c.expression.as_str())).collect();
        assert_eq!(
            checks,
            [
                (None, "a  IN (0,1)"),
                (Some("b not empty"), "b <> ''')'''"),
                (Some("both"), "a IS NULL -- why\n OR b IS NULL"),
                (None, "CAST(a AS TEXT) > ''"),
            ]
        );
        let generated: Vec<_> = ddl.columns.iter().map(|c| c.generated.as_deref()).collect();
        assert_eq!(generated, [None, None, Some("lower( b ) || ')'"), Some("a+1"), None]);
        let types: Vec<_> = ddl.columns.iter().map(|c| c.type_name.as_str()).collect();
        assert_eq!(types, ["INTEGER", "text", "", "Int", ""]);
        assert_eq!(ddl.columns[1].default_word.as_deref(), Some("'word'"));
        assert_eq!(ddl.columns[4].default_word, None);
    }

    #[test]
    fn constraints_keep_their_names_and_deferral() {
        let ddl = table(
            "CREATE TABLE t(id INTEGER CONSTRAINT pk PRIMARY KEY, a CONSTRAINT u UNIQUE,\
             b CONSTRAINT f1 REFERENCES p DEFERRABLE INITIALLY DEFERRED,\
             c REFERENCES [q r](x) ON DELETE CASCADE NOT DEFERRABLE,\
             UNIQUE('b', \"c\" COLLATE nocase),\
             CONSTRAINT f3 FOREIGN KEY (b, c) REFERENCES p(x, y) DEFERRABLE)",
        )
        .unwrap();
        assert_eq!(ddl.primary_key_name.as_deref(), Some("pk"));
        let uniques: Vec<_> = ddl.uniques.iter().map(|u| (u.name.as_deref(), u.columns.join(","))).collect();
        assert_eq!(uniques, [(Some("u"), "a".to_owned()), (None, "b,c".to_owned())]);
        let keys: Vec<_> =
            ddl.foreign_keys.iter().map(|f| (f.name.as_deref(), f.parent.as_str(), f.deferrable)).collect();
        assert_eq!(
            keys,
            [
                (Some("f1"), "p", Deferrable::InitiallyDeferred),
                (None, "q r", Deferrable::No),
                (Some("f3"), "p", Deferrable::InitiallyImmediate),
            ]
        );
    }

    #[test]
    fn index_keys_and_predicate() {
        let ddl = index(
            "CREATE UNIQUE INDEX IF NOT EXISTS \"i(\" ON t (lower(a, ',') DESC, b || c COLLATE nocase,\
             (d) COLLATE RTRIM ASC) WHERE a IS NOT NULL AND (b > 1) -- end",
        )
        .unwrap();
        assert_eq!(ddl.keys, ["lower(a, ',')", "b || c COLLATE nocase", "(d)"]);
        assert_eq!(ddl.predicate.as_deref(), Some("a IS NOT NULL AND (b > 1)"));
        assert_eq!(index("CREATE INDEX i ON t(a)").unwrap().predicate, None);
    }

    #[test]
    fn one_condition_is_one_condition() {
        for good in ["a = 1", "a IN (SELECT b FROM c) -- x", "(a, b) = (1, 2)", "a = ')' AND \"b;\" > 0"] {
            assert_eq!(check_expression(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "1) OR (1",
            "1; DROP TABLE t",
            "a, b",
            "a /*",
            "a = ?",
            "a = :x",
            "1) UNION SELECT (1",
            "a b",
        ] {
            assert!(check_expression(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn hostile_texts_are_refused_or_read_without_harm() {
        let deep = format!("CREATE TABLE t(a CHECK ({}1{}))", "(".repeat(100_000), ")".repeat(100_000));
        assert!(table(&deep).unwrap_err().contains("nested"));
        assert!(table(&format!("CREATE TABLE t(a CHECK ({}1))", "- ".repeat(100_000))).is_ok());
        assert!(table(&format!("CREATE TABLE t(a CHECK (1{}))", "+1".repeat(100_000))).is_ok());
        assert!(table(&" ".repeat(LONGEST + 1)).is_err());
        for text in [
            "",
            "CREATE TABLE",
            "CREATE TABLE t(a",
            "CREATE TABLE t(a))",
            "SELECT 1",
            "'",
            "\"",
            "[",
            "x'",
            "é",
        ] {
            assert!(table(text).is_err(), "{text}");
            assert!(index(text).is_err(), "{text}");
        }
        assert!(table("CREATE TABLE t AS SELECT 1").is_err());
    }

    #[test]
    fn mutilated_definitions_never_panic() {
        let sql = "CREATE TABLE \"t\"(a INT CONSTRAINT x CHECK (a > 'é') DEFAULT (1), b AS (a+1) STORED,\
                   UNIQUE(a, b), FOREIGN KEY (a) REFERENCES p(`x`) DEFERRABLE) STRICT, WITHOUT ROWID";
        let chars: Vec<char> = sql.chars().collect();
        for cut in 0..chars.len() {
            for extra in ["", "(", ")", "'", "\"", "CHECK", " AS (", ",", "\0", ";"] {
                let text: String = chars[..cut].iter().collect::<String>() + extra;
                let tail: String = chars.get(cut + 1..).unwrap_or_default().iter().collect();
                let _ = (table(&text), table(&(text + &tail)));
            }
        }
    }
}
