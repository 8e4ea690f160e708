//! Extensions that a table makes use of: the schema by which what is in them is named, and how they are created.

use crate::plan::context::Context;
use crate::plan::target::Extension;
use crate::sqltext::ident;

/// The schema where an extension is, or will be; `None` where it cannot be had.
pub fn schema<'c>(ctx: &'c Context<'_>, name: &str) -> Option<&'c str> {
    let extension = ctx.target.extensions.iter().find(|e| e.name == name)?;
    Some(of(ctx, extension))
}

fn of<'c>(ctx: &'c Context<'_>, extension: &'c Extension) -> &'c str {
    extension.schema.as_deref().unwrap_or(&ctx.plan.schema)
}

/// `CREATE EXTENSION`, where it is missing.
pub fn create(ctx: &Context<'_>, name: &str) -> Option<String> {
    let extension = ctx.target.extensions.iter().find(|e| e.name == name && !e.installed)?;
    Some(format!("CREATE EXTENSION IF NOT EXISTS {} SCHEMA {}", ident(name), ident(of(ctx, extension))))
}
