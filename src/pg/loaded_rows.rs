//! Which rows of a table a load has written, as their headers tell: whoever inserted or changed them last, and with
//! which command.
//!
//! A transaction numbers all its commands, including those of its subtransactions, so that a transaction id and a
//! command id together identify one command. An existing row has other ids, with one exception: the transaction id
//! could be the same after four billion transactions. Such a row would also have to be in the same blocks and have the
//! same command id.

use pgrx::pg_sys;

use super::xact;

/// The rows that commands of this transaction have written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadedRows {
    pub commands: Vec<Command>,
    /// No such row is in a block before this one.
    pub first_block: u32,
}

/// One command of this transaction, or all commands of a (sub)transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Command {
    pub transaction: u32,
    pub number: Option<u32>,
}

impl Command {
    /// The current command.
    pub fn current() -> Command {
        // SAFETY: inside a transaction; a transaction id is assigned if there is none. `true`: the next command gets
        // another id.
        let (transaction, number) =
            unsafe { (pg_sys::GetCurrentTransactionId(), pg_sys::GetCurrentCommandId(true)) };
        Command { transaction: transaction.into_inner(), number: Some(number) }
    }

    /// The next command.
    pub fn next() -> Command {
        xact::command_counter_increment();
        // SAFETY: inside a transaction; a transaction id is assigned if there is none. `false`: reading the id does not
        // use it up, so that the next statement has it.
        let (transaction, number) =
            unsafe { (pg_sys::GetCurrentTransactionId(), pg_sys::GetCurrentCommandId(false)) };
        Command { transaction: transaction.into_inner(), number: Some(number) }
    }
}

impl LoadedRows {
    pub fn by(command: Command) -> LoadedRows {
        LoadedRows { commands: vec![command], first_block: 0 }
    }

    /// Adds the rows that a further command has written, in any block.
    pub fn also_by(&mut self, command: Command) {
        self.commands.push(command);
        self.first_block = 0;
    }
}
