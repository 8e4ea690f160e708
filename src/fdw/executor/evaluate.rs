//! The local expressions of a scan, evaluated when it starts.

use pgrx::{PgLogLevel, PgSqlErrorCode, pg_sys};

use super::datum::{self, Reader};
use crate::pg::executor::evaluate;
use crate::pg::memory;
use crate::pg::nodes;
use pg_sqlite_migrate_core::remote::{Parameter, ParameterForm, Type, canonical};
use pg_sqlite_migrate_core::value::native::Native;

/// The parameters of one remote query.
pub struct Parameters {
    context: *mut pg_sys::ExprContext,
    expressions: Vec<Expression>,
    /// Per `?`.
    slots: Vec<Slot>,
}

struct Expression {
    state: *mut pg_sys::ExprState,
    type_oid: pg_sys::Oid,
    reader: Reader,
}

/// Which expression is bound, and the element's type where it is bound as an array.
struct Slot {
    index: usize,
    elements: Option<Elements>,
}

impl Parameters {
    /// Prepares `expressions` for evaluation in the node's context.
    ///
    /// # Safety
    /// `expressions` is the plan's list and `node` its initialised state; both outlive the result. Called in the
    /// query's memory context.
    pub unsafe fn new(
        expressions: *mut pg_sys::List,
        node: *mut pg_sys::PlanState,
        parameters: &[Parameter],
    ) -> Parameters {
        // SAFETY: the caller vouches for the list of expressions; their states are made in the same order.
        let expressions: Vec<Expression> = unsafe {
            let states = nodes::items::<pg_sys::ExprState>(pg_sys::ExecInitExprList(expressions, node));
            let expressions = nodes::items::<pg_sys::Node>(expressions);
            (states.zip(expressions))
                .map(|(state, node)| {
                    let type_oid = pg_sys::exprType(node);
                    Expression { state, type_oid, reader: Reader::new(type_oid) }
                })
                .collect()
        };
        let slots = (parameters.iter())
            .map(|parameter| {
                let is_array = parameter.form == ParameterForm::JsonArray;
                let array = expressions.get(parameter.index).filter(|_| is_array);
                Slot { index: parameter.index, elements: array.map(|e| Elements::new(e.type_oid)) }
            })
            .collect();
        // SAFETY: the node is initialised.
        Parameters { context: unsafe { (*node).ps_ExprContext }, expressions, slots }
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Evaluates, in the current memory context, in which the values live.
    pub fn evaluate<'a>(&mut self) -> Vec<Native<'a>> {
        // SAFETY: states and context live as long as the query; a datum has its expression's type.
        unsafe {
            let datums: Vec<(pg_sys::Datum, bool)> =
                self.expressions.iter().map(|e| evaluate(e.state, self.context)).collect();
            (self.slots.iter())
                .map(|slot| match (datums.get(slot.index), &slot.elements) {
                    (None, _) => Native::Null,
                    (Some((_, true)), _) => Native::Null,
                    (Some((datum, _)), Some(elements)) => Native::Text(elements.to_json(*datum).into()),
                    (Some((datum, null)), None) => self.expressions[slot.index].reader.read(*datum, *null),
                })
                .collect()
        }
    }
}

/// How the elements of one array type are taken out of it.
struct Elements {
    type_oid: pg_sys::Oid,
    length: i16,
    by_value: bool,
    align: std::ffi::c_char,
    reader: Reader,
}

impl Elements {
    fn new(array: pg_sys::Oid) -> Elements {
        let (mut length, mut by_value, mut align) = (0, false, 0);
        // SAFETY: results are local; raises an error for an unknown type.
        let type_oid = unsafe {
            let element = pg_sys::get_base_element_type(array);
            pg_sys::get_typlenbyvalalign(element, &mut length, &mut by_value, &mut align);
            element
        };
        Elements { type_oid, length, by_value, align, reader: Reader::new(type_oid) }
    }

    /// The elements' canonical forms as a JSON array; nested arrays are flat, as `= ANY` sees them.
    ///
    /// # Safety
    /// `array` is of the array type.
    unsafe fn to_json(&self, array: pg_sys::Datum) -> String {
        let (mut values, mut nulls, mut count) = (std::ptr::null_mut(), std::ptr::null_mut(), 0);
        // SAFETY: the caller vouches for the array; deconstruct_array returns `count` values and flags.
        let elements = unsafe {
            let array = pg_sys::pg_detoast_datum(array.cast_mut_ptr()).cast();
            let (oid, length) = (self.type_oid, i32::from(self.length));
            pg_sys::deconstruct_array(
                array,
                oid,
                length,
                self.by_value,
                self.align,
                &mut values,
                &mut nulls,
                &mut count,
            );
            (0..count as usize).map(|i| self.reader.read(*values.add(i), *nulls.add(i)))
        };
        match canonical::json_array(elements) {
            Ok(Some(json)) => json,
            Ok(None) => refuse(datum::type_of(self.type_oid)),
            Err(_) => memory::exhausted("a parameter of a remote query"),
        }
    }
}

#[cold]
fn refuse(type_: Type) -> ! {
    let message = format!("an array of {type_:?} cannot be a remote parameter");
    pg_sys::panic::ErrorReport::new(PgSqlErrorCode::ERRCODE_FDW_INVALID_DATA_TYPE, message, "refuse")
        .report(PgLogLevel::ERROR);
    unreachable!("an ERROR does not return")
}
