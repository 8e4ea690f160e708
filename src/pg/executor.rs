//! The executor's part in writing rows without a plan: defaults, stored generated columns, constraints.
//!
//! Everything is evaluated with the caller's rights and under the current search path, as by INSERT and COPY.

use pgrx::{PgMemoryContexts, pg_sys};

// executor/nodeModifyTable.h is not among pgrx's bindings; the same since PostgreSQL 14.
unsafe extern "C-unwind" {
    fn ExecComputeStoredGenerated(
        target: *mut pg_sys::ResultRelInfo,
        state: *mut pg_sys::EState,
        slot: *mut pg_sys::TupleTableSlot,
        command: pg_sys::CmdType::Type,
    );
}

/// The executor's state for one target relation. After an ERROR it is freed with its memory context.
pub(crate) struct Executor {
    state: *mut pg_sys::EState,
    target: *mut pg_sys::ResultRelInfo,
    context: *mut pg_sys::ExprContext,
    _memory: PgMemoryContexts,
}

/// The default of a column for which the row has no value.
#[derive(Clone, Copy)]
pub(crate) struct ColumnDefault {
    state: *mut pg_sys::ExprState,
    /// It may read the target table, and must see all rows before its own.
    pub may_look: bool,
}

impl Executor {
    /// # Safety
    /// The relation stays open for as long as the result is used.
    pub unsafe fn new(relation: pg_sys::Relation) -> Executor {
        let mut memory = PgMemoryContexts::new("pg_sqlite_migrate executor");
        // SAFETY: the executor's state lives in `memory`, the target in the state's own context. The target is in
        // no range table, as that of a referential trigger is not.
        let (state, target) = unsafe {
            let state = memory.switch_to(|_| pg_sys::CreateExecutorState());
            let query = (*state).es_query_cxt;
            let target = pg_sys::MemoryContextAllocZero(query, size_of::<pg_sys::ResultRelInfo>()).cast();
            within(query, || pg_sys::InitResultRelInfo(target, relation, 0, std::ptr::null_mut(), 0));
            (state, target)
        };
        // SAFETY: the state is alive: `memory` holds it, which this executor keeps.
        let context = unsafe { pg_sys::MakePerTupleExprContext(state) };
        Executor { state, target, context, _memory: memory }
    }

    /// The default that an INSERT without the attribute would use. A domain without a default must accept NULL. `None`
    /// if the value is just NULL.
    ///
    /// # Safety
    /// `attribute` is one of the relation's, neither dropped nor generated.
    pub unsafe fn default(&self, attribute: &pg_sys::FormData_pg_attribute) -> Option<ColumnDefault> {
        // SAFETY: the relation is open; expressions are made in the state's context, which outlives them.
        unsafe {
            within((*self.state).es_query_cxt, || {
                let relation = (*self.target).ri_RelationDesc;
                let mut expr = pg_sys::build_column_default(relation, i32::from(attribute.attnum));
                if expr.is_null() {
                    expr = null_of_domain(attribute)?;
                }
                let expr = pg_sys::expression_planner(expr.cast());
                let may_look = pg_sys::contain_volatile_functions_not_nextval(expr.cast());
                Some(ColumnDefault { state: pg_sys::ExecInitExpr(expr, std::ptr::null_mut()), may_look })
            })
        }
    }

    /// Value and null flag, which live until [`Executor::next_row`].
    pub fn evaluate(&self, default: ColumnDefault) -> (pg_sys::Datum, bool) {
        // SAFETY: the state was made by `default` of this executor.
        unsafe { within((*self.context).ecxt_per_tuple_memory, || evaluate(default.state, self.context)) }
    }

    /// Computes the stored generated columns of a row. Its slot then has a tuple of its own.
    ///
    /// # Safety
    /// The slot holds a row of the relation, in its own arrays; the relation has such columns.
    pub unsafe fn compute_generated(&self, slot: *mut pg_sys::TupleTableSlot) {
        // SAFETY: a row of the relation in the slot's own arrays, by this function's contract, which `RowMaker` keeps. Nothing here has a
        // destructor that an ERROR could skip.
        unsafe {
            pg_sys::ffi::pg_guard_ffi_boundary(|| {
                ExecComputeStoredGenerated(self.target, self.state, slot, pg_sys::CmdType::CMD_INSERT)
            })
        };
    }

    /// Raises the server's error for a row that breaks a NOT NULL or CHECK constraint.
    ///
    /// # Safety
    /// The slot holds a row of the relation, which has constraints.
    pub unsafe fn check(&self, slot: *mut pg_sys::TupleTableSlot) {
        // SAFETY: a row of the relation, by this function's contract, which `RowMaker` keeps.
        unsafe { pg_sys::ExecConstraints(self.target, slot, self.state) };
    }

    /// Frees the memory of the last row's expressions.
    pub fn next_row(&self) {
        // SAFETY: the expression context is this executor's.
        unsafe { pg_sys::MemoryContextReset((*self.context).ecxt_per_tuple_memory) };
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: made by `new`; its contexts are still there.
            unsafe { pg_sys::FreeExecutorState(self.state) };
        }
    }
}

/// The check of NULL against the attribute's domain; `None` if the type has no constraint.
unsafe fn null_of_domain(attribute: &pg_sys::FormData_pg_attribute) -> Option<*mut pg_sys::Node> {
    // SAFETY: syscache look-ups, and nodes in the current memory context.
    unsafe {
        let mut typmod = attribute.atttypmod;
        let base = pg_sys::getBaseTypeAndTypmod(attribute.atttypid, &mut typmod);
        if base == attribute.atttypid || !pg_sys::DomainHasConstraints(attribute.atttypid) {
            return None;
        }
        let null = pg_sys::makeNullConst(base, typmod, attribute.attcollation);
        Some(pg_sys::coerce_to_domain(
            null.cast(),
            base,
            typmod,
            attribute.atttypid,
            pg_sys::CoercionContext::COERCION_IMPLICIT,
            pg_sys::CoercionForm::COERCE_IMPLICIT_CAST,
            -1,
            false,
        ))
    }
}

/// `ExecEvalExpr`, in the current memory context.
///
/// # Safety
/// Both belong to one executor state.
pub(crate) unsafe fn evaluate(
    state: *mut pg_sys::ExprState,
    context: *mut pg_sys::ExprContext,
) -> (pg_sys::Datum, bool) {
    let mut is_null = true;
    // SAFETY: an initialised state has its function, which may raise an error: nothing here has a destructor.
    let datum = unsafe {
        pg_sys::ffi::pg_guard_ffi_boundary(|| match (*state).evalfunc {
            Some(function) => function(state, context, &mut is_null),
            None => pg_sys::Datum::from(0usize),
        })
    };
    (datum, is_null)
}

/// Runs `f` in a memory context. After an ERROR, the code that catches it restores the context.
unsafe fn within<T>(context: pg_sys::MemoryContext, f: impl FnOnce() -> T) -> T {
    // SAFETY: a living context, by this function's contract: all callers name one of this executor's.
    unsafe { PgMemoryContexts::For(context).switch_to(|_| f()) }
}
