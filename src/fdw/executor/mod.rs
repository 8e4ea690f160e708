//! What a query does with foreign tables: the executor's callbacks, from Begin to End, and those of utility commands.

pub(crate) mod analyze;
mod column_input;
mod column_writer;
mod decode;
pub(crate) mod direct;
pub(crate) mod explain;
pub(crate) mod insert;
pub(crate) mod modify;
mod parameters;
mod row;
mod row_statement;
pub(crate) mod scan;
pub(crate) mod tid;
pub(crate) mod utility;
