//! A direct modification: an UPDATE or DELETE of one table that ships whole. Pure.

use super::literal::cell_literal;
use super::{Printer, cell};
use crate::remote::shippable::{condition, place, type_of, value};
use crate::remote::{
    Affinity, DirectModification, Expr, Output, Parameter, ParameterForm, Tables, Type, Var,
};
use crate::sqltext::{sqlite_ident, sqlite_literal};
use crate::value::PgType;
use crate::value::encode::Encoder;

/// An UPDATE or DELETE of one table.
#[derive(Debug, Clone, Copy)]
pub struct Modification<'a> {
    pub relation: u32,
    /// Attribute and new value; `None` is a DELETE.
    pub set: Option<&'a [(i16, Expr)]>,
    pub conditions: &'a [Expr],
    pub returning: &'a [i16],
}

/// `None` where a part of it does not ship.
pub fn direct_modification(change: &Modification<'_>, tables: &Tables) -> Option<DirectModification> {
    let table = tables.get(&change.relation)?;
    if table.is_view || !change.conditions.iter().all(|c| condition(c, tables)) {
        return None;
    }
    let mut printer = Printer::new(tables);
    let name = printer.table(change.relation);
    let mut sql = match change.set {
        None => format!("DELETE FROM {name}"),
        Some(set) => {
            let mut assignments = vec![];
            for (attribute, expr) in set {
                let var = Var { relation: change.relation, attribute: *attribute };
                assignments.push(printer.assignment(var, expr)?);
            }
            // As for single rows: a conflict clause of the file's own must not decide.
            format!("UPDATE OR ABORT {name} SET {}", assignments.join(", "))
        }
    };
    sql += &printer.where_clause(change.conditions);
    let mut outputs = vec![];
    let mut names = vec![];
    for attribute in change.returning {
        let var = Var { relation: change.relation, attribute: *attribute };
        names.push(sqlite_ident(&place(var, tables)?.column.name));
        outputs.push(Output { attribute: *attribute, decode: cell(var, tables) });
    }
    if !names.is_empty() {
        sql += &format!(" RETURNING {}", names.join(", "));
    }
    let stored = std::mem::take(&mut printer.stored);
    Some(DirectModification { remote: printer.remote(sql, outputs), stored })
}

impl Printer<'_> {
    fn assignment(&mut self, var: Var, expr: &Expr) -> Option<String> {
        let column = place(var, self.tables)?.column;
        if column.generated {
            return None;
        }
        let name = sqlite_ident(&column.name);
        Some(match expr {
            Expr::Const(_, value) => {
                let zone = self.tables.get(&var.relation)?.timezone.clone().unwrap_or_default();
                let encoder = Encoder::new(&column.pg_type, column.format, column.affinity, &zone);
                // What the column cannot keep is refused when a row is written, not before.
                format!("{name} = {}", cell_literal(&encoder.encode(value).ok()?))
            }
            Expr::Param { index, type_ } => {
                let stored = self.stored(var, *index, *type_, ParameterForm::Canonical);
                if self.stores_canonical(var, expr) {
                    return Some(format!("{name} = {stored}"));
                }
                let refused = self.stored(var, *index, *type_, ParameterForm::Refused);
                let refuse = format!("pg_refuse({})", sqlite_literal(&column.name));
                format!("{name} = CASE WHEN {refused} THEN {refuse} ELSE {stored} END")
            }
            _ if self.stores_canonical(var, expr) => format!("{name} = {}", self.expr(expr)),
            _ => return None,
        })
    }

    /// A parameter that is bound by the rules of the column that it goes to.
    fn stored(&mut self, var: Var, index: usize, type_: Type, form: ParameterForm) -> String {
        self.parameters.push(Parameter { index, type_, form });
        self.stored.push((self.parameters.len() - 1, var.attribute));
        format!("?{}", self.parameters.len())
    }

    /// The canonical form is what the column stores, and its affinity leaves it alone.
    fn stores_canonical(&self, var: Var, expr: &Expr) -> bool {
        let Some(place) = place(var, self.tables) else { return false };
        let column = place.column;
        if type_of(expr, self.tables) != Some(column.type_) || !value(expr, self.tables) {
            return false;
        }
        match (column.type_, column.affinity) {
            (
                Type::Int2 | Type::Int4 | Type::Int8 | Type::Bool,
                Affinity::Integer | Affinity::Numeric | Affinity::Blob,
            ) => true,
            (Type::Text, Affinity::Text | Affinity::Blob) => column.pg_type == PgType::Text,
            _ => false,
        }
    }
}
