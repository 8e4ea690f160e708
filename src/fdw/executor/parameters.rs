//! The parameters of a remote query: expressions of the plan, evaluated and bound when a scan starts.

use pgrx::{PgLogLevel, PgSqlErrorCode, pg_sys};

use super::column_writer::ColumnWriter;
use crate::error::{Error, sqlstate};
use crate::pg::datum::{self, Reader};
use crate::pg::executor::evaluate;
use crate::pg::memory;
use crate::pg::nodes;
use pg_sqlite_migrate_core::remote::{Parameter, ParameterForm, Type, canonical};
use pg_sqlite_migrate_core::value::CellBuf;
use pg_sqlite_migrate_core::value::native::Native;

/// Of one remote query.
pub struct Parameters {
    context: *mut pg_sys::ExprContext,
    expressions: Vec<Expression>,
    slots: Vec<Slot>,
}

struct Expression {
    state: *mut pg_sys::ExprState,
    type_oid: pg_sys::Oid,
    reader: Reader,
}

/// One `?`.
struct Slot {
    /// Of its expression.
    index: usize,
    /// Where the value is an array.
    elements: Option<Elements>,
    binding: Binding,
}

/// The form in which a value is bound.
pub enum Binding {
    Query(Parameter),
    /// That of the column which stores it; NULL where that cannot.
    Stored(Box<ColumnWriter>),
    /// 1 where the column cannot store it, else 0.
    Refused(Box<ColumnWriter>),
}

impl Parameters {
    /// Prepares `expressions` for evaluation in the node's context; `bindings` are those of the query's `?`.
    ///
    /// # Safety
    /// `expressions` is the plan's list and `node` its initialised state; both outlive the result. Called in the
    /// query's memory context.
    pub unsafe fn new(
        expressions: *mut pg_sys::List,
        node: *mut pg_sys::PlanState,
        bindings: Vec<(Parameter, Binding)>,
    ) -> Parameters {
        // SAFETY: the plan's list holds expressions, and outlives the states that ExecInitExprList makes of them, one
        // for each and in the same order.
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
        let slot = |(Parameter { index, form, .. }, binding): (Parameter, Binding)| {
            let is_array = form == ParameterForm::JsonArray;
            let array = expressions.get(index).filter(|_| is_array);
            Slot { index, elements: array.map(|e| Elements::new(e.type_oid)), binding }
        };
        let slots = bindings.into_iter().map(slot).collect();
        // SAFETY: ExecInitForeignScan has given the node its expression context before it calls Begin.
        Parameters { context: unsafe { (*node).ps_ExprContext }, expressions, slots }
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Evaluates, in the current memory context, in which the values live.
    pub fn evaluate<'a>(&mut self) -> Vec<Native<'a>> {
        // SAFETY: `new` is given a node that outlives this, and with it states and context; a datum has its
        // expression's type.
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

    /// The cells for the values that `evaluate` gave.
    pub fn bind<'a>(&self, values: &'a [Native<'_>]) -> Result<Vec<CellBuf<'a>>, Error> {
        let bind = |(slot, value): (&Slot, &'a Native<'_>)| match &slot.binding {
            Binding::Stored(writer) => Ok(writer.storable(value)?.unwrap_or(CellBuf::Null)),
            Binding::Refused(writer) => Ok(CellBuf::Integer(writer.storable(value)?.is_none().into())),
            Binding::Query(parameter) => canonical::parameter(parameter.type_, parameter.form, value)
                .map_err(|fault| Error::Foreign {
                    sqlstate: sqlstate(fault.sqlstate),
                    message: fault.message,
                    detail: None,
                    hint: None,
                }),
        };
        self.slots.iter().zip(values).map(bind).collect()
    }

    /// The error of the first value that its column cannot store, should a row come to take it.
    pub fn refusal(&self, values: &[Native<'_>]) -> Option<Error> {
        self.slots.iter().zip(values).find_map(|(slot, value)| match &slot.binding {
            Binding::Refused(writer) => writer.encode(value).err(),
            _ => None,
        })
    }
}

/// How the elements of one array type are taken out of it.
struct Elements {
    type_oid: pg_sys::Oid,
    reader: Reader,
}

impl Elements {
    fn new(array: pg_sys::Oid) -> Elements {
        // SAFETY: a look-up in the catalog; InvalidOid where the type is no array.
        let type_oid = unsafe { pg_sys::get_base_element_type(array) };
        Elements { type_oid, reader: Reader::new(type_oid) }
    }

    /// The elements' canonical forms as a JSON array; nested arrays are flat, as `= ANY` sees them.
    ///
    /// # Safety
    /// `array` is of the array type.
    unsafe fn to_json(&self, array: pg_sys::Datum) -> String {
        // SAFETY: `array` is an array of these elements; `deconstruct` gives a flag for each value, and values of the
        // reader's type.
        let elements = unsafe {
            let (values, nulls) = datum::deconstruct(array, self.type_oid);
            values.iter().zip(nulls).map(|(value, null)| self.reader.read(*value, *null))
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
