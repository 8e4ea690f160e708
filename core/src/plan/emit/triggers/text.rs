//! The text of a trigger: the statements that create its function and itself.

use crate::plan::resolve::names;
use crate::sqltext::{ident, ident_list, qualified};
use crate::translate::program::trigger::{Definition, Event, Trigger};

/// A function of a trigger.
pub struct Function<'a> {
    pub schema: &'a str,
    pub name: &'a str,
    /// It takes the place of one that is there.
    pub replaces: bool,
}

/// The statements that create function and trigger; none of a trigger that does nothing.
pub fn statements(
    definition: &Definition,
    made: &Trigger,
    name: &str,
    function: &Function<'_>,
) -> Option<String> {
    let event = event_sql(definition.on.event, &made.columns);
    let when = made.when.as_ref().map(|when| format!(" WHEN ({when})")).unwrap_or_default();
    Some(format!(
        "{};\nCREATE TRIGGER {} {} {event} ON {} FOR EACH ROW{when} EXECUTE FUNCTION {}()",
        create_function(function, made.body.as_ref()?),
        ident(name),
        definition.time.as_sql(),
        made.table,
        qualified(function.schema, function.name)
    ))
}

/// What it names is qualified or PostgreSQL's own, whatever the search path of who fires it.
fn create_function(function: &Function<'_>, body: &str) -> String {
    let mark = quote(body);
    let replace = if function.replaces { "OR REPLACE " } else { "" };
    format!(
        "CREATE {replace}FUNCTION {}() RETURNS trigger LANGUAGE plpgsql\n\
         SET search_path = pg_catalog, pg_temp\nAS {mark}{body}{mark}",
        qualified(function.schema, function.name)
    )
}

/// The quotes of a body.
pub fn quote(body: &str) -> String {
    let (mut mark, mut number) = ("$trigger$".to_owned(), 1);
    while body.contains(&mark) {
        number += 1;
        mark = format!("$trigger{number}$");
    }
    mark
}

fn event_sql(event: Event, columns: &[String]) -> String {
    match columns {
        [] => event.as_sql().to_owned(),
        _ => format!("{} OF {}", event.as_sql(), ident_list(columns)),
    }
}

/// The name of the setting that says that a function is running.
pub fn setting(schema: &str, function: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let name: String = format!("{schema}_{function}").chars().map(plain).collect();
    // FNV-1a, so that names that differ in other characters stay apart.
    let hash = format!("{schema}.{function}").bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("sqlite_trigger.{}_{:08x}", names::clip(&name, 40), hash as u32)
}
