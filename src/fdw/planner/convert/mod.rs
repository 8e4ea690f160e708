//! The server's expressions as `remote::Expr`, as far as they can be said.

pub(crate) mod builtin;
pub(crate) mod call;
pub(crate) mod expr;
pub(crate) mod params;
