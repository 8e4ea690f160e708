//! What the collections of a ChromaDB folder become: `chroma`.

use serde_json::{Map, Value, json};

use super::keys::did_you_mean;
use super::overrides::{ColumnOverrides, Overrides, PlanError, TableOverrides, invalid};
use super::shapes::{check_text, check_word, unknown_key, wrong};
use crate::chroma::{COLUMNS, Collection, METADATA};
use crate::path::join;

/// Whether collections are tables, and which.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chroma {
    pub on: bool,
    /// One table has the records of all.
    pub single: bool,
    /// By name.
    collections: Vec<(String, Destination)>,
}

/// Where a collection goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Destination {
    target: Option<String>,
    /// Columns of the target, and what they get; `None` for the usual ones.
    columns: Option<Vec<(String, String)>>,
}

pub const KEYS: [&str; 2] = ["layout", "collections"];
/// Collections that an error lists.
const SHOWN: usize = 20;
const LAYOUTS: [&str; 2] = ["tables", "single"];

impl Chroma {
    /// Reads a value of the right shape.
    pub fn read(value: &Value) -> Chroma {
        let Some(object) = value.as_object() else {
            return Chroma { on: value.as_bool().unwrap_or(true), ..Chroma::default() };
        };
        let collections = object.get("collections").and_then(Value::as_object).into_iter().flatten();
        let collection = |value: &Value| Destination {
            target: value.get("target").and_then(Value::as_str).map(str::to_owned),
            columns: value.get("columns").and_then(Value::as_object).map(|columns| {
                columns
                    .iter()
                    .filter_map(|(to, from)| Some((to.clone(), from.as_str()?.to_owned())))
                    .collect()
            }),
        };
        Chroma {
            on: true,
            single: object.get("layout").and_then(Value::as_str) == Some("single"),
            collections: collections.map(|(name, value)| (name.clone(), collection(value))).collect(),
        }
    }

    /// As it stands in a plan, whose tables have the rest.
    pub fn json(&self) -> Value {
        if self.single { json!({"layout": "single"}) } else { self.on.into() }
    }
}

/// The key of the metadata whose value a column has.
pub fn key(column: &str) -> Option<&str> {
    let (head, key) = column.split_at_checked(METADATA.len())?;
    (head.eq_ignore_ascii_case(METADATA) && !key.is_empty()).then_some(key)
}

/// Says of each collection's table what the key says of the collection.
pub(super) fn apply(overrides: &mut Overrides, listed: &[Collection]) -> Result<(), PlanError> {
    let Some(chroma) = overrides.chroma.clone() else { return Ok(()) };
    for (name, collection) in chroma.collections {
        let path = join("plan.chroma.collections", &name);
        let name = table(listed, &name, &path)?;
        let at = overrides.tables.iter().position(|(table, _)| table.eq_ignore_ascii_case(name));
        let at = at.unwrap_or_else(|| {
            overrides.tables.push((name.to_owned(), TableOverrides::default()));
            overrides.tables.len() - 1
        });
        let Some((_, table)) = overrides.tables.get_mut(at) else { continue };
        table.target = table.target.take().or(collection.target);
        let Some(columns) = collection.columns else { continue };
        for (to, from) in &columns {
            let column = entry(table, from);
            if column.name.as_ref().is_some_and(|name| name != to) {
                let message = format!("column \"{from}\" is loaded into \"{to}\" and into another column");
                return Err(invalid(join(&path, "columns"), message, "Compute one of them in after."));
            }
            column.name = Some(to.clone());
        }
        for unused in COLUMNS.iter().filter(|own| !columns.iter().any(|(_, from)| from == *own)) {
            let column = entry(table, unused);
            column.skip = column.skip.or(Some(true));
        }
    }
    Ok(())
}

fn within(collection: &Collection) -> String {
    format!("{}.{}", collection.database, collection.name)
}

fn whole(collection: &Collection) -> String {
    format!("{}.{}", collection.tenant, within(collection))
}

/// The collections that a name may mean: those of this name, or with database, or tenant and database before it, or that
/// have such a table.
fn meant<'l>(listed: &'l [Collection], name: &str) -> Vec<&'l Collection> {
    let ways: [fn(&Collection, &str) -> bool; 4] = [
        |collection, name| collection.name == name,
        |collection, name| within(collection) == name,
        |collection, name| whole(collection) == name,
        |collection, name| collection.table == name,
    ];
    let mut found = ways.iter().map(|way| listed.iter().filter(|c| way(c, name)).collect::<Vec<_>>());
    found.find(|found| !found.is_empty()).unwrap_or_default()
}

/// The shortest name that means one collection alone.
fn shortest(listed: &[Collection], collection: &Collection) -> String {
    let names = [collection.name.clone(), within(collection), whole(collection)];
    let alone =
        |name: &String| matches!(meant(listed, name).as_slice(), [one] if one.table == collection.table);
    names.into_iter().find(alone).unwrap_or_else(|| collection.table.clone())
}

/// The table of the collection that a plan names.
fn table<'l>(listed: &'l [Collection], name: &str, path: &str) -> Result<&'l str, PlanError> {
    let quoted = |collections: &[&Collection]| {
        let first = collections.iter().take(SHOWN).map(|c| format!("\"{}\"", shortest(listed, c)));
        let first = first.collect::<Vec<_>>().join(", ");
        match collections.len().saturating_sub(SHOWN) {
            0 => first,
            others => format!("{first} and {others} others"),
        }
    };
    match meant(listed, name).as_slice() {
        [one] => match &one.refused {
            None => Ok(&one.table),
            Some(why) => {
                let message = format!("the collection is not loaded: {why}");
                Err(invalid(path, message, "Leave it out of chroma.collections."))
            }
        },
        [] if listed.is_empty() => {
            let hint = "Leave chroma.collections out, or give the path of a chroma.sqlite3.";
            Err(invalid(path, "the file has no collections of ChromaDB's", hint))
        }
        [] => {
            let guess = did_you_mean(name, listed.iter().map(|c| c.name.as_str()));
            let hint = format!("Collections are {}.", quoted(&listed.iter().collect::<Vec<_>>()));
            Err(invalid(path, format!("the file has no collection of this name{guess}"), hint))
        }
        several => {
            let message = "several databases have a collection of this name";
            Err(invalid(path, message, format!("Name one of them: {}.", quoted(several))))
        }
    }
}

fn entry<'t>(table: &'t mut TableOverrides, name: &str) -> &'t mut ColumnOverrides {
    let at = table.columns.iter().position(|(column, _)| column.eq_ignore_ascii_case(name));
    let at = at.unwrap_or_else(|| {
        table.columns.push((name.to_owned(), ColumnOverrides::default()));
        table.columns.len() - 1
    });
    &mut table.columns[at].1
}

/// The shape of the value, for the JSON Schema.
pub fn schema(text: Value) -> Value {
    let columns = json!({ "type": "object", "additionalProperties": text.clone() });
    let properties = json!({ "target": text, "columns": columns });
    let collection = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    let collections = json!({ "type": "object", "additionalProperties": collection });
    let properties = json!({ "layout": { "enum": LAYOUTS }, "collections": collections });
    let object = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    json!({ "anyOf": [{ "type": "boolean" }, object] })
}

/// Checks the shape of a value.
pub(super) fn check(value: &Value, path: &str) -> Result<(), PlanError> {
    if value.is_boolean() {
        return Ok(());
    }
    let map = value.as_object().ok_or_else(|| wrong(path, "true, false or an object", value))?;
    for (name, value) in map {
        let path = join(path, name);
        match name.as_str() {
            "layout" => check_word(&LAYOUTS, value, &path)?,
            "collections" if map.get("layout").and_then(Value::as_str) == Some("single") => {
                let message = "one table has the records of all collections";
                return Err(invalid(path, message, "Leave layout out, or name the table in tables."));
            }
            "collections" => {
                for (name, value) in object(value, &path)? {
                    let path = join(&path, name);
                    for (key, value) in object(value, &path)? {
                        let path = join(&path, key);
                        match key.as_str() {
                            "target" => drop(check_text(value, &path)?),
                            "columns" => check_columns(object(value, &path)?, &path)?,
                            _ => return Err(unknown_key(&path, key, &["target", "columns"])),
                        }
                    }
                }
            }
            _ => return Err(unknown_key(&path, name, &KEYS)),
        }
    }
    Ok(())
}

fn object<'v>(value: &'v Value, path: &str) -> Result<&'v Map<String, Value>, PlanError> {
    value.as_object().ok_or_else(|| wrong(path, "an object", value))
}

/// Target column -> column of the collection, or one value of its metadata.
fn check_columns(columns: &Map<String, Value>, path: &str) -> Result<(), PlanError> {
    columns.iter().try_for_each(|(name, value)| {
        let path = join(path, name);
        let from = check_text(value, &path)?;
        if COLUMNS.contains(&from) || key(from).is_some() {
            return Ok(());
        }
        let guess = did_you_mean(from, COLUMNS.into_iter());
        let hint = format!("Columns are {}, and metadata.KEY.", COLUMNS.join(", "));
        Err(invalid(path, format!("a collection has no column \"{from}\"{guess}"), hint))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::given::overrides::parse;

    fn listed() -> Vec<Collection> {
        let collection = |(tenant, database, name, table): (&str, &str, &str, &str)| Collection {
            tenant: tenant.into(),
            database: database.into(),
            name: name.into(),
            table: table.into(),
            ..Collection::default()
        };
        let mut listed: Vec<Collection> = [
            ("t", "d", "docs", "docs"),
            ("t", "d", "embeddings", "d.embeddings"),
            ("t", "d", "notes", "d.notes"),
            ("t", "e", "notes", "e.notes"),
            ("u", "e", "notes", "u.e.notes"),
            ("t", "d", "far", "far"),
        ]
        .map(collection)
        .into();
        if let Some(far) = listed.last_mut() {
            far.refused = Some("its vectors are elsewhere".into());
        }
        listed
    }

    fn named(collections: Value) -> Result<Overrides, PlanError> {
        let mut given = parse(&json!({"chroma": {"collections": collections}}))?;
        given.name_collections(&listed())?;
        Ok(given)
    }

    #[test]
    fn a_collection_goes_into_a_table_of_the_application() {
        let given = named(json!({"docs": {"target": "vector_embeddings", "columns":
            {"id": "id", "user_id": "metadata.userId", "content": "document"}}}))
        .unwrap_or_default();
        assert_eq!(given.chroma.as_ref().map(Chroma::json), Some(json!(true)));
        let table = given.table("docs");
        assert_eq!(table.and_then(|t| t.target.as_deref()), Some("vector_embeddings"));
        let column = |name: &str| {
            let column = table.and_then(|t| t.column(name));
            column.map(|c| (c.name.as_deref(), c.skip))
        };
        assert_eq!(column("metadata.userId"), Some((Some("user_id"), None)));
        assert_eq!(column("document"), Some((Some("content"), None)));
        assert_eq!(column("embedding"), Some((None, Some(true))));
        assert_eq!(given.keys_of_metadata(), [("docs".to_owned(), vec!["userId".to_owned()])]);
    }

    #[test]
    fn a_collection_is_named_by_its_name_and_not_by_that_of_a_table() {
        let table = |name: &str| named(json!({name: {"target": "x"}})).map(|given| given.tables[0].0.clone());
        for (name, wanted) in [
            ("embeddings", "d.embeddings"),
            ("d.embeddings", "d.embeddings"),
            ("d.notes", "d.notes"),
            ("t.e.notes", "e.notes"),
            ("u.e.notes", "u.e.notes"),
        ] {
            assert_eq!(table(name).as_deref(), Ok(wanted), "{name}");
        }
        let refused = |name: &str| match table(name) {
            Err(PlanError::Invalid { path, message, hint }) => [path, message, hint],
            other => [format!("{other:?}"), String::new(), String::new()],
        };
        let names = "\"d.notes\", \"t.e.notes\", \"u.e.notes\"";
        assert_eq!(
            refused("notes")[1..],
            [
                "several databases have a collection of this name".to_owned(),
                format!("Name one of them: {names}.")
            ]
        );
        assert_eq!(refused("e.notes")[2], "Name one of them: \"t.e.notes\", \"u.e.notes\".");
        let [path, message, hint] = refused("Docs");
        assert_eq!(path, "plan.chroma.collections.Docs");
        assert_eq!(message, "the file has no collection of this name, did you mean \"docs\"?");
        assert_eq!(hint, format!("Collections are \"docs\", \"embeddings\", {names}, \"far\"."));
        assert_eq!(refused("far")[1], "the collection is not loaded: its vectors are elsewhere");
        let mut plain = parse(&json!({"chroma": {"collections": {"docs": {}}}})).unwrap_or_default();
        let plain = plain.name_collections(&[]).map_err(|e| e.to_string());
        assert_eq!(
            plain,
            Err("plan.chroma.collections.docs: the file has no collections of ChromaDB's".into())
        );
        let twice = named(json!({"docs": {"columns": {"x": "id", "y": "id"}}})).map(drop);
        let message = "plan.chroma.collections.docs.columns: column \"id\" is loaded into \"y\" and into another column";
        assert_eq!(twice.map_err(|e| e.to_string()), Err(message.into()));
    }

    #[test]
    fn other_shapes_are_refused() {
        let refused = |value: Value| parse(&json!({ "chroma": value })).map(drop).map_err(|e| e.to_string());
        for value in [json!(true), json!(false), json!({}), json!({"layout": "single"})] {
            assert_eq!(refused(value), Ok(()));
        }
        for (value, message) in [
            (json!(1), "plan.chroma: expected true, false or an object, not a number"),
            (json!({"layot": 1}), "plan.chroma.layot: unknown key, did you mean \"layout\"?"),
            (json!({"layout": "x"}), "plan.chroma.layout: invalid value \"x\""),
            (
                json!({"collections": {"a": {"columns": {"x": "documnt"}}}}),
                "plan.chroma.collections.a.columns.x: a collection has no column \"documnt\", did you mean \"document\"?",
            ),
            (
                json!({"layout": "single", "collections": {}}),
                "plan.chroma.collections: one table has the records of all collections",
            ),
        ] {
            assert_eq!(refused(value), Err(message.to_owned()));
        }
    }
}
