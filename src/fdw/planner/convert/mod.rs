//! The server's expressions as `remote::Expr`, as far as they can be said.

pub(crate) mod builtin;
mod call;
pub(crate) mod converter;
pub(crate) mod params;
