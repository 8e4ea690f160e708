//! Which rows of a table a load has written, as their headers tell: whoever inserted or changed them last, and with
//! which command.
//!
//! A transaction counts its commands from beginning to end, those of subtransactions among them, so that a transaction
//! id and a command id together name one command. What was there before has another one of them: the same id of a
//! transaction of four billion transactions ago aside, which a row of the same block with the same command would need.

use pgrx::pg_sys;

use super::xact;

/// The rows that commands of this transaction have written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadedRows {
    pub commands: Vec<Command>,
    /// No such row lies before this block.
    pub first_block: u32,
}

/// One command of this transaction's, or all that its (sub)transaction has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Command {
    pub transaction: u32,
    pub number: Option<u32>,
}

impl Command {
    /// The one that writes now.
    pub fn current() -> Command {
        // SAFETY: inside a transaction; a transaction id is assigned where there is none. `true`: what follows does
        // not take the same id.
        let (transaction, number) =
            unsafe { (pg_sys::GetCurrentTransactionId(), pg_sys::GetCurrentCommandId(true)) };
        Command { transaction: transaction.into_inner(), number: Some(number) }
    }

    /// The one that writes next.
    pub fn next() -> Command {
        xact::command_counter_increment();
        // SAFETY: inside a transaction; a transaction id is assigned where there is none. `false`: the id is only
        // looked at, so that the next statement has it.
        let (transaction, number) =
            unsafe { (pg_sys::GetCurrentTransactionId(), pg_sys::GetCurrentCommandId(false)) };
        Command { transaction: transaction.into_inner(), number: Some(number) }
    }
}

impl LoadedRows {
    pub fn by(command: Command) -> LoadedRows {
        LoadedRows { commands: vec![command], first_block: 0 }
    }

    /// Rows that a further command has written, wherever they have gone.
    pub fn also_by(&mut self, command: Command) {
        self.commands.push(command);
        self.first_block = 0;
    }
}
