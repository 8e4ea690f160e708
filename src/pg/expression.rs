//! An expression over a table as the catalogs would have it: what `cookDefault`, `cookConstraint` and
//! `transformIndexStmt` make of its text, printed by `pg_get_expr`. It is parsed and analysed, and neither planned nor
//! executed; nothing is created.

use std::ffi::CString;

use pgrx::{IntoDatum, pg_sys};

use super::rights::Acting;
use super::settings::{LocalSettings, Reads};
use super::{encoding, nodes, xact};

/// What the expression is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A condition of a constraint.
    Check,
    /// A column's default: its type and modifier.
    Default(pg_sys::Oid, i32),
    Generated(pg_sys::Oid, i32),
    IndexKey,
    IndexPredicate,
}

/// An expression that the server takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Analysed {
    /// As `pg_get_expr` prints it.
    pub text: String,
    /// It is nothing but this attribute.
    pub attnum: Option<i16>,
    pub collation: pg_sys::Oid,
}

/// Names in the expression are the server's own; what is not found there is looked up as the caller would. `Err` is the
/// server's message. The relation is held by the caller.
///
/// The input functions of types read constants, and those of types that are made of domains run the domains' checks: with the
/// rights of `author`, who wrote the expression, where that is not the caller.
pub fn analyse(
    relation: pg_sys::Oid,
    sql: &str,
    purpose: Purpose,
    author: Option<pg_sys::Oid>,
) -> Result<Analysed, String> {
    if author == Some(pg_sys::InvalidOid) {
        return Err("not compared: the role whose plan it is does not exist any more".into());
    }
    let attempt = |own_path: bool| {
        let analysed = || -> Result<Analysed, String> {
            let _undone = LocalSettings::undoing();
            let _settings = (!own_path).then(printed_alike);
            let _acting = author.map(Acting::restricted_as);
            // A line comment ends with the line.
            let sql = encoding::to_server(&format!("SELECT ({sql}\n)")).map_err(|nul| nul.to_string())?;
            // SAFETY: a NUL-terminated text in the server's encoding; inside a transaction.
            unsafe { of_text(relation, &sql, purpose) }
        };
        xact::attempt(analysed).map_err(|caught| caught.message).and_then(|analysed| analysed)
    };
    attempt(false).or_else(|message| attempt(true).map_err(|_| message))
}

/// The settings under which expressions are printed alike in every session.
pub fn printed_alike() -> Option<LocalSettings> {
    LocalSettings::printing(Reads::Everything)
}

/// # Safety
/// `sql` is a SELECT of one expression in the server's encoding.
unsafe fn of_text(relation: pg_sys::Oid, sql: &CString, purpose: Purpose) -> Result<Analysed, String> {
    // SAFETY: the parser's trees live in the current memory context; the relation stays open while they are read. An
    // error closes it with the subtransaction.
    unsafe {
        let Some(raw) = expression(pg_sys::raw_parser(sql.as_ptr(), pg_sys::RawParseMode::RAW_PARSE_DEFAULT))
        else {
            return Err("it is not one expression".into());
        };
        let lock = pg_sys::AccessShareLock as i32;
        let opened = pg_sys::relation_open(relation, lock);
        let state = pg_sys::make_parsestate(std::ptr::null_mut());
        (*state).p_sourcetext = sql.as_ptr();
        let item =
            pg_sys::addRangeTableEntryForRelation(state, opened, lock, std::ptr::null_mut(), false, true);
        pg_sys::addNSItemToQuery(state, item, true, true, true);
        let node = transformed(state, raw, purpose);
        let analysed = node.map(|node| printed(relation, node, purpose));
        pg_sys::free_parsestate(state);
        pg_sys::relation_close(opened, lock);
        analysed.ok_or_else(|| "it cannot be converted to the column's type".to_owned())
    }
}

/// The expression of `SELECT expression`, if the statements are one of this kind.
///
/// # Safety
/// `statements` are the parser's.
unsafe fn expression(statements: *mut pg_sys::List) -> Option<*mut pg_sys::Node> {
    // SAFETY: the raw parser gives a list of RawStmt; the tag tells what a statement is, and a target is a ResTarget.
    unsafe {
        let only = |list: *mut pg_sys::List| nodes::length(list) == 1;
        let raw = nodes::items::<pg_sys::RawStmt>(statements).next().filter(|_| only(statements))?;
        let select = (*raw).stmt.cast::<pg_sys::SelectStmt>();
        if !nodes::is(select.cast(), pg_sys::NodeTag::T_SelectStmt) || !(*select).fromClause.is_null() {
            return None;
        }
        let targets = (*select).targetList;
        let target = nodes::items::<pg_sys::ResTarget>(targets).next().filter(|_| only(targets))?;
        Some((*target).val)
    }
}

/// # Safety
/// A parse state with the relation, and a tree of the raw parser's.
unsafe fn transformed(
    state: *mut pg_sys::ParseState,
    raw: *mut pg_sys::Node,
    purpose: Purpose,
) -> Option<*mut pg_sys::Node> {
    use pg_sys::ParseExprKind::*;
    let kind = match purpose {
        Purpose::Check => EXPR_KIND_CHECK_CONSTRAINT,
        Purpose::Default(..) => EXPR_KIND_COLUMN_DEFAULT,
        Purpose::Generated(..) => EXPR_KIND_GENERATED_COLUMN,
        Purpose::IndexKey => EXPR_KIND_INDEX_EXPRESSION,
        Purpose::IndexPredicate => EXPR_KIND_INDEX_PREDICATE,
    };
    // SAFETY: by this function's contract; what one call returns is an expression for the next.
    unsafe {
        let node = pg_sys::transformExpr(state, raw, kind);
        let node = match purpose {
            Purpose::Check => pg_sys::coerce_to_boolean(state, node, c"CHECK".as_ptr()),
            Purpose::IndexPredicate => pg_sys::coerce_to_boolean(state, node, c"WHERE".as_ptr()),
            Purpose::Default(type_oid, typmod) | Purpose::Generated(type_oid, typmod) => {
                pg_sys::coerce_to_target_type(
                    state,
                    node,
                    pg_sys::exprType(node),
                    type_oid,
                    typmod,
                    pg_sys::CoercionContext::COERCION_ASSIGNMENT,
                    pg_sys::CoercionForm::COERCE_IMPLICIT_CAST,
                    -1,
                )
            }
            Purpose::IndexKey => node,
        };
        if node.is_null() {
            return None;
        }
        pg_sys::assign_expr_collations(state, node);
        Some(node)
    }
}

/// # Safety
/// An analysed expression over the relation.
unsafe fn printed(relation: pg_sys::Oid, node: *mut pg_sys::Node, purpose: Purpose) -> Analysed {
    // SAFETY: by this function's contract; a node's tag tells its type. pg_get_expr takes a tree's text, as
    // nodeToString writes it, and the relation of its variables.
    unsafe {
        let collation = pg_sys::exprCollation(node);
        let mut inner = node;
        // As ComputeIndexAttrs: the collation of a key is not part of its expression.
        while purpose == Purpose::IndexKey && nodes::is(inner, pg_sys::NodeTag::T_CollateExpr) {
            inner = (*inner.cast::<pg_sys::CollateExpr>()).arg.cast();
        }
        let variable =
            nodes::is(inner, pg_sys::NodeTag::T_Var).then(|| (*inner.cast::<pg_sys::Var>()).varattno);
        let tree = pg_sys::cstring_to_text(pg_sys::nodeToString(inner.cast()));
        let arguments = [Some(pg_sys::Datum::from(tree)), relation.into_datum()];
        // A default of the caller's names is printed as the others are.
        let _settings = printed_alike();
        let text = pgrx::direct_function_call_as_datum(pg_sys::pg_get_expr, &arguments);
        let text = text.map(|text| encoding::from_server(pg_sys::text_to_cstring(text.cast_mut_ptr())));
        Analysed { text: text.unwrap_or_default(), attnum: variable.filter(|attnum| *attnum > 0), collation }
    }
}
