//! A view or a trigger that an application creates itself, for `sqlite_translate`: over the tables of a plan, whether they are
//! still to be made or are there already, and beside the triggers that the file has.

use super::patterns::left_out;
use super::surroundings::Surroundings;
use super::text::{self, Function};
use super::touches::Touches;
use crate::catalog::Catalog;
use crate::plan::given::overrides::Overrides;
use crate::plan::given::settings::{Settings, Usual};
use crate::plan::resolve::names;
use crate::sqltext::{ident, qualified};
use crate::translate::program::trigger::{self, Asked, Definition, Time};
use crate::translate::program::{
    self, Declaration, Declares, Refusal, Relation, Schema, Statement, WritableColumn,
};

/// What is created, as PostgreSQL's statements. Without tables nothing of a plan is known, and a view gets no schema.
pub fn declared(
    catalog: &Catalog,
    schema: &Schema,
    overrides: &Overrides,
    sql: &str,
    of: &Declaration,
) -> Result<Statement, Refusal> {
    match of.kind {
        Declares::View => view(schema, overrides, sql, of),
        Declares::Trigger => trigger(catalog, schema, overrides, sql, of),
    }
}

fn view(schema: &Schema, overrides: &Overrides, sql: &str, of: &Declaration) -> Result<Statement, Refusal> {
    let rules = overrides.names.clone().unwrap_or_default();
    let fold = |name: &str| names::clip(&names::fold(rules.case, name), names::LIMIT).to_owned();
    let view = program::view(sql, schema, fold)?;
    let name = fold(&rules.table(&of.name));
    let (word, name) = match of.temporary {
        true => ("TEMPORARY VIEW", ident(&name)),
        false if schema.relations.is_empty() => ("VIEW", ident(&name)),
        false => ("VIEW", qualified(&Settings::of_plan(overrides, Usual::default()).schema, &name)),
    };
    Ok(Statement { sql: format!("CREATE {word} {name} {}", view.sql), notes: view.notes })
}

fn trigger(
    catalog: &Catalog,
    schema: &Schema,
    overrides: &Overrides,
    sql: &str,
    of: &Declaration,
) -> Result<Statement, Refusal> {
    let refuse = |reason: String| {
        Err(Refusal { reason, place: None, near: None, with_schema: !schema.relations.is_empty() })
    };
    let definition = Definition::read(sql)?;
    if of.temporary {
        return refuse(
            "a TEMP trigger fires for its session only, which no trigger of PostgreSQL does".into(),
        );
    }
    if let Some(known) = left_out(catalog, &definition) {
        return refuse(format!("the trigger is not needed: {}", known.reason()));
    }
    let named = |r: &&Relation| r.source.eq_ignore_ascii_case(&definition.on.table);
    let found = schema.relations.iter().find(named);
    let Some((relation, (in_schema, _))) = found.and_then(|r| Some((r, parts(r.target.as_ref().ok()?)?)))
    else {
        // It says why there is none.
        let made = trigger::trigger(sql, &definition, schema, &Asked::default());
        return made.and_then(|_| refuse(format!("no table {}", definition.on.table)));
    };
    if let Some(reason) = misplaced(relation, &definition, overrides) {
        return refuse(reason);
    }
    let taken = overrides.triggers.clone().unwrap_or_default();
    let others = catalog.triggers.iter().filter(|other| !other.name.eq_ignore_ascii_case(&of.name));
    let others = others.filter(|other| taken.take(&other.name) && taken.own(&other.name).is_none());
    let (names, mut definitions): (Vec<&str>, Vec<Option<Definition>>) =
        others.map(|other| (other.name.as_str(), Definition::read(&other.sql).ok())).unzip();
    let at = definitions.len();
    definitions.push(Some(definition.clone()));
    let touches = Touches::of(catalog, &definitions);
    let around = Surroundings { catalog, definitions: &definitions, touches: &touches };
    let case = overrides.names.clone().unwrap_or_default().case;
    let name = names::clip(&names::fold(case, &of.name), names::LIMIT).to_owned();
    let asked = Asked {
        running: touches.is_recursive(at).then(|| text::setting(&in_schema, &name)),
        alone: around.beside(&definition) < 2,
        computed: computed(schema, relation, |facts| facts.generated),
        unstored: computed(schema, relation, |facts| facts.unstored),
        unfinished: false,
    };
    let made = trigger::trigger(sql, &definition, schema, &asked)?;
    let function = Function { schema: &in_schema, name: &name, replaces: false };
    let Some(sql) = text::statements(&definition, &made, &name, &function) else {
        return refuse("the statements of the trigger change nothing".into());
    };
    let before = Touches::of(catalog, definitions.get(..at).unwrap_or_default());
    let again = names
        .into_iter()
        .enumerate()
        .filter(|(of, _)| touches.is_recursive(*of) && !before.is_recursive(*of));
    let again = again.map(|(_, name)| {
        format!("trigger {name} of the file can fire itself through it, where SQLite does not fire a trigger that is running")
    });
    let notes = made.notes.into_iter().chain(around.notes(at, &definition, relation)).chain(again).collect();
    Ok(Statement { sql, notes })
}

/// Why it cannot be on this table or view.
fn misplaced(relation: &Relation, definition: &Definition, overrides: &Overrides) -> Option<String> {
    let instead = definition.time == Time::InsteadOf;
    let stored = overrides.views.as_ref().is_some_and(|views| views.form(&relation.source).is_some());
    match relation.view.is_some() {
        true if stored => Some(format!("{} is no view in the target", relation.source)),
        true if !instead => Some("a trigger on a view is one of INSTEAD OF".into()),
        false if instead => Some("a trigger of INSTEAD OF is on a view".into()),
        _ => None,
    }
}

/// PostgreSQL's names of the columns that it computes.
fn computed(schema: &Schema, relation: &Relation, is: fn(&WritableColumn) -> bool) -> Vec<String> {
    let facts = schema.writables.get(&relation.source.to_ascii_lowercase());
    let columns = relation.columns.iter().zip(facts.iter().flat_map(|facts| &facts.columns));
    columns.filter(|(_, facts)| is(facts)).map(|(column, _)| column.column.target.clone()).collect()
}

/// The two names of `"a"."b"`.
fn parts(qualified: &str) -> Option<(String, String)> {
    let text = qualified.strip_prefix('"')?.strip_suffix('"')?;
    let mut at = 0;
    while let Some(found) = text.get(at..)?.find('"') {
        let rest = text.get(at + found..)?;
        if let Some(name) = rest.strip_prefix("\".\"") {
            let plain = |quoted: &str| quoted.replace("\"\"", "\"");
            return Some((plain(text.get(..at + found)?), plain(name)));
        }
        // A quote within a name is doubled.
        at += found + 2;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qualified_names_are_read_back() {
        for (schema, name) in [("public", "t"), ("a\".\"b", "c"), ("\"", "\".\""), ("é.", "x\"")] {
            assert_eq!(parts(&qualified(schema, name)), Some((schema.to_owned(), name.to_owned())));
        }
        assert_eq!(parts("\"t\""), None);
    }
}
