//! Tries on PostgreSQL, while a plan is made, what only PostgreSQL can say of it: what would be refused when the table, its
//! keys, indexes and checks are made is known before anything is written.
//!
//! Each table that has something to try is made as an empty temporary one, in a subtransaction that is rolled back. Where
//! it cannot be made (a type that `before` makes, no right to temporary tables, a standby), nothing is known, and the plan
//! stands.

use std::convert::Infallible;

use pgrx::PgSqlErrorCode as Code;

use crate::pg::xact::Caught;
use crate::pg::{spi, xact};
use pg_sqlite_migrate_core::catalog::TableId;
use pg_sqlite_migrate_core::plan::trial;
use pg_sqlite_migrate_core::plan::trial::{Piece, Refusal, Trial};

/// What is refused of a plan.
pub fn refusals(trials: &[Trial]) -> Vec<Refusal> {
    if xact::in_recovery() { vec![] } else { trials.iter().flat_map(of_table).collect() }
}

fn of_table(trial: &Trial) -> Vec<Refusal> {
    let tried = xact::attempt(|| -> Result<Infallible, Vec<Refusal>> {
        spi::execute(&trial.create);
        let mut refusals = vec![];
        find(trial.table, &trial.pieces, &mut refusals);
        // An error rolls the table back.
        Err(refusals)
    });
    match tried {
        Ok(Err(refusals)) => refusals,
        Err(_) => vec![],
    }
}

/// Halves what is refused until it is one piece.
fn find(table: TableId, pieces: &[Piece], refusals: &mut Vec<Refusal>) {
    let Err(caught) = run(&trial::at_once(pieces)) else { return };
    let [piece] = pieces else {
        let (first, second) = pieces.split_at(pieces.len() / 2);
        find(table, first, refusals);
        return find(table, second, refusals);
    };
    piece.instead().iter().for_each(|sql| _ = spi::execute(sql));
    // A relation or schema that the plan's own words name may be still to be created; the statement is not to blame then.
    let to_come = [Code::ERRCODE_UNDEFINED_TABLE, Code::ERRCODE_INVALID_SCHEMA_NAME];
    if caught.is_of_value() && !to_come.iter().any(|code| caught.sqlstate == *code) {
        refusals.push(Refusal { table, part: piece.part, reason: caught.message });
    }
}

/// All of the statements or none.
fn run(statements: &[String]) -> Result<(), Caught> {
    let run = || -> Result<(), Infallible> {
        statements.iter().for_each(|sql| _ = spi::execute(sql));
        Ok(())
    };
    xact::attempt(run).map(|_| ())
}
