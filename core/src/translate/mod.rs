//! SQLite SQL -> PostgreSQL SQL, through SQLite's own grammar; never by pattern. Pure.
//!
//! For every value, a translated expression has the same result as the original. If that cannot be shown, the result is
//! `Untranslatable` with a reason. docs/translate.md lists both. Assumes that the columns of a scope hold what their
//! `pg_type` and `format` say.

mod arith;
mod beginning;
mod cast;
mod compare;
mod datetime;
mod default;
mod expr;
mod function;
mod glob;
pub mod helper;
mod json;
mod like;
mod listed;
mod literal;
mod member;
mod node;
mod parse;
mod path;
pub mod program;
mod random;
mod size;
mod temporal;
#[cfg(test)]
mod tests;
mod textual;

use sqlite3_parser::Bump;

use crate::types::TypeClass;
use crate::value::{Format, PgType, Timezone};

pub use listed::{Listed, listed, may_name};
pub use node::Collation;
pub use size::Size;

/// The columns that an expression may name, with what became of them.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    pub columns: Vec<ScopeColumn>,
    /// How times without an offset are read.
    pub timezone: Timezone,
}

#[derive(Debug, Clone)]
pub struct ScopeColumn {
    /// The name in SQLite; matched without regard to ASCII case.
    pub source: String,
    /// The name in PostgreSQL.
    pub target: String,
    pub pg_type: PgType,
    /// How numbers of the source column were read (an epoch), for comparisons with literals.
    pub format: Option<Format>,
    /// How SQLite compares its texts.
    pub collation: Collation,
    /// Its type is citext or an enum, of which an expression reads the text.
    pub read_as_text: bool,
    /// Of its numbers.
    pub size: Size,
}

/// Why an expression has no PostgreSQL form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Untranslatable {
    /// Lower case, no full stop: `function "soundex" has no equivalent`.
    pub reason: String,
    /// The innermost expression or table of a statement that it is about, as SQL.
    pub near: Option<String>,
}

/// A translated expression and the family of its result.
#[derive(Debug, Clone, PartialEq)]
pub struct Translated {
    pub sql: String,
    pub class: TypeClass,
    /// Depends on nothing but its columns, as indexes, generated columns and CHECKs need it.
    pub immutable: bool,
}

/// Translates a scalar expression (index expression, generated column): always immutable.
pub fn expression(sql: &str, scope: &Scope) -> Result<Translated, Untranslatable> {
    let node = walk(sql, scope)?;
    if node.class == TypeClass::Other && !node.is_column() {
        return node::refuse("the expression has no type in PostgreSQL");
    }
    let node = match node.collate {
        Some(collation) => compare::side(&node, collation, false),
        None => node,
    };
    // A bare string or NULL has no type of its own.
    let node = if node.text_literal().is_some() || node.is_null() {
        node.cast("text", TypeClass::Text)
    } else {
        node
    };
    Ok(Translated { sql: node.sql, class: node.class, immutable: node.immutable })
}

/// Translates a condition (CHECK, partial index) to a boolean expression: always immutable.
pub fn condition(sql: &str, scope: &Scope) -> Result<String, Untranslatable> {
    Ok(walk(sql, scope)?.truth()?.sql)
}

/// Translates the expression of a generated column of `pg_type`: always immutable.
pub fn generated(
    sql: &str,
    scope: &Scope,
    pg_type: &PgType,
    format: Option<Format>,
) -> Result<String, Untranslatable> {
    let node = walk(sql, scope)?;
    let class = TypeClass::of(pg_type);
    match node.literal() {
        Some(node::Lit::Null) => Ok("NULL".into()),
        Some(lit) => Ok(literal::stored(lit, class, format, &scope.timezone)?.sql),
        None => {
            let node = default::assign(&node, class, format)?;
            match pg_type {
                PgType::Int2 if !node.size.fits(16) => {
                    node::refuse("the result can be out of range for smallint")
                }
                PgType::Int4 if !node.size.fits(32) => {
                    node::refuse("the result can be out of range for integer")
                }
                PgType::Float4 if !node.size.within(-1e38, 1e38) || node.size.tiny < 1e-37 => {
                    node::refuse("the result can be out of range for real")
                }
                _ => Ok(node.sql),
            }
        }
    }
}

/// Translates a DEFAULT for a column of `pg_type`; `Ok(None)` when it is NULL.
/// A literal default is converted as a stored value would be (`DEFAULT 0` on a boolean becomes `false`).
pub fn default(
    sql: &str,
    pg_type: &PgType,
    format: Option<Format>,
    timezone: &Timezone,
) -> Result<Option<String>, Untranslatable> {
    default::default(sql, pg_type, format, timezone)
}

fn walk(sql: &str, scope: &Scope) -> Result<node::Node, Untranslatable> {
    let bump = Bump::new();
    let node = expr::Walk::new(scope).expr(parse::parse(sql, &bump)?)?;
    if !node.immutable {
        return node::refuse("the expression is not immutable");
    }
    Ok(node)
}
