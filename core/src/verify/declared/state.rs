//! The states of a declared object, and what the rows say of it in the end.

use crate::plan::{DeclaredKind, RowQuestion};
use crate::sqltext::{ident, qualified};

use super::judge::Judged;

/// The worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Rows violate it.
    Broken,
    Missing,
    /// Something else is in its place.
    Differs,
    /// Its index is not valid.
    Invalid,
    /// Triggers that enforce it are disabled.
    Disabled,
    NotEnforced,
    NotValidated,
    /// It is there, and its rows could not be counted.
    NotProven,
    /// The plan or a finding says why it is not there as declared.
    LeftOut,
    /// It has another name than the plan would give it.
    OtherName,
    Holds,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            State::Broken => "broken",
            State::Missing => "missing",
            State::Differs => "differs",
            State::Invalid => "invalid",
            State::Disabled => "disabled",
            State::NotEnforced => "not enforced",
            State::NotValidated => "not validated",
            State::NotProven => "not proven",
            State::LeftOut => "left out",
            State::OtherName => "holds, other name",
            State::Holds => "holds",
        }
    }

    /// Nothing is to be done about it.
    pub fn is_ok(self) -> bool {
        matches!(self, State::Holds | State::OtherName | State::LeftOut)
    }
}

/// A row of `verify_constraints`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub schema: String,
    pub table: String,
    pub kind: DeclaredKind,
    pub name: Option<String>,
    pub columns: Vec<String>,
    pub declared: String,
    pub found: Option<String>,
    pub state: State,
    /// Rows that it does not allow; `None` where there is nothing to count, or they could not be counted.
    pub violations: Option<u64>,
    pub reason: Option<String>,
}

/// What helps where the rows themselves are sound.
fn remedy(schema: &str, table: &str, question: Option<&RowQuestion>) -> Option<String> {
    let Some(RowQuestion::Unfilled { column }) = question else { return None };
    let (table, column) = (qualified(schema, table), ident(column));
    Some(format!(
        "no row has a value, so that no search finds one: UPDATE {table} SET {column} = to_tsvector(...), or any UPDATE \
         that fires the trigger which fills it"
    ))
}

/// The state of an object once its rows were counted, if there was something to count. Rows that the plan lets stand are
/// no news.
pub fn conclude(judged: Judged, counted: Option<Result<u64, String>>) -> Row {
    let (mut state, mut reason) = (judged.state, judged.reason);
    let violations = match counted {
        Some(Ok(count)) => {
            if count > 0 && !judged.explained {
                state = State::Broken;
                reason = reason.or_else(|| remedy(&judged.schema, &judged.table, judged.question.as_ref()));
            }
            Some(count)
        }
        Some(Err(why)) => {
            if state.is_ok() && state != State::LeftOut {
                state = State::NotProven;
            }
            let why = format!("rows were not counted: {why}");
            reason = Some(reason.map_or(why.clone(), |reason| format!("{reason}; {why}")));
            None
        }
        None => None,
    };
    Row {
        schema: judged.schema,
        table: judged.table,
        kind: judged.kind,
        name: judged.name,
        columns: judged.columns,
        declared: judged.declared,
        found: judged.found,
        state,
        violations,
        reason,
    }
}
