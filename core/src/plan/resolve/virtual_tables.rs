//! What is said of virtual tables and of the shadow tables that hold their data: which are tables like any other, and
//! why the others are not loaded.

use crate::catalog::{Catalog, Content, Table, TableId, TableKind};
use crate::chroma;
use crate::finding::{Finding, Fix, Kind, counted};
use crate::search::declared::{self, Declared};

/// Modules that show what a full-text index consists of.
const AUXILIARY: [&str; 3] = ["fts5vocab", "fts4aux", "fts3tokenize"];

/// What is searched in the place of a full-text table.
pub struct Searched {
    pub id: TableId,
    /// `column "search_vector"`; `Err` is why there is none.
    pub made: Result<String, String>,
}

type Made<'m> = Option<&'m Result<String, String>>;

/// About a virtual table that is loaded.
pub fn loaded(table: &Table, made: Made<'_>) -> Option<Finding> {
    let Content::Own(rows) = table.content else { return None };
    let TableKind::Virtual { module, .. } = &table.kind else { return None };
    if module == chroma::MODULE {
        let records = counted(rows, "record becomes", "records become");
        let message = match table.name.as_str() {
            chroma::SINGLE => format!("records of ChromaDB's collections: {records} a table"),
            _ => format!("collection of ChromaDB's: its {records} a table"),
        };
        return Some(Kind::VirtualTable.info(&table.name, message));
    }
    let rows = counted(rows, "row becomes", "rows become");
    let key = match table.primary_key.as_ref().and_then(|key| key.columns.first()) {
        Some(key) if table.is_full_text() || table.is_geopoly() => {
            format!(", and the rowid becomes column \"{key}\"")
        }
        _ => String::new(),
    };
    let (with, without) = match made {
        Some(Ok(_)) => (searched(made, |made| format!(" with {made}")), String::new()),
        _ => (String::new(), searched(made, str::to_owned)),
    };
    let message = format!("virtual table of module \"{module}\": its {rows} a table{with}{key}{without}");
    let contentless = |declared: Declared| matches!(declared.content, declared::Content::Contentless { .. });
    if Declared::parse(&table.sql).is_ok_and(contentless) {
        let message = format!("{message}; the texts of the columns that are indexed are not in the file");
        return Some(Kind::VirtualTable.warning(&table.name, message));
    }
    let finding = Kind::VirtualTable.info(&table.name, message);
    Some(if table.is_geopoly() { with_polygons(&table.name, finding) } else { finding })
}

/// What is made, or why nothing is.
fn searched(made: Made<'_>, says: impl Fn(&str) -> String) -> String {
    match made {
        None => String::new(),
        Some(Ok(made)) => says(made),
        Some(Err(why)) => format!("; nothing is made to search it by: {why}"),
    }
}

/// geopoly keeps pairs of 32-bit numbers in a form of its own.
fn with_polygons(table: &str, finding: Finding) -> Finding {
    let using = "replace(replace(geopoly_json(_shape), '[', '('), ']', ')')";
    let of = |key, value| Fix::of_column(table, "_shape", key, value);
    let before = "Column \"_shape\" keeps geopoly's own form.";
    finding.fix_amid(
        before,
        of("using", using).and(of("type", "polygon")),
        " to make polygons of it",
        "It writes six digits of each number.",
    )
}

/// About the tables that hold the data of a virtual table, those that are not loaded.
pub fn shadows(table: &Table, unloaded: &[&str]) -> Option<Finding> {
    let names: Vec<String> = unloaded.iter().map(|name| format!("\"{name}\"")).collect();
    let message = match names.as_slice() {
        [] => return None,
        [one] => format!("table {one} holds its data and is not loaded"),
        _ => format!("tables {} hold its data and are not loaded", names.join(", ")),
    };
    Some(Kind::ShadowTable.info(&table.name, message))
}

/// About a table that is not loaded, and that the plan does not leave out.
pub fn left_out(catalog: &Catalog, table: &Table, made: Made<'_>) -> Option<Finding> {
    match &table.kind {
        TableKind::Ordinary | TableKind::Shadow { .. } => None,
        TableKind::Virtual { module, usable: false } => Some(match stand_in(catalog, table) {
            Some(shadow) => read_elsewhere(table, module, shadow, made),
            None => unusable(catalog, table, module),
        }),
        TableKind::Virtual { module, usable: true } => usable(table, module, made),
    }
}

/// The shadow table whose rows are read in the place of a virtual table's.
pub fn stand_in<'c>(catalog: &'c Catalog, table: &Table) -> Option<&'c Table> {
    catalog.tables.iter().find(|t| t.stands_for.as_ref() == Some(&table.name))
}

fn read_elsewhere(table: &Table, module: &str, shadow: &Table, made: Made<'_>) -> Finding {
    let rows = match table.content {
        Content::Own(rows) => counted(rows, "row is", "rows are"),
        _ => "rows are".into(),
    };
    let message = format!(
        "virtual table cannot be read by its module \"{module}\": its {rows} read from table \"{}\"{}",
        shadow.name,
        searched(made, |made| format!(", and it gets {made}"))
    );
    match Declared::parse(&table.sql).ok().and_then(|declared| declared.compress) {
        None => Kind::VirtualTable.info(&table.name, message),
        Some((function, _)) => {
            let message =
                format!("{message}, as function \"{function}\" of the application has compressed them");
            let hint =
                "Decompress them in after, or copy the table into an ordinary one with the application.";
            Kind::VirtualTable.warning(&table.name, message).hint(hint)
        }
    }
}

fn unusable(catalog: &Catalog, table: &Table, module: &str) -> Finding {
    let own = match table.content {
        Content::Own(rows) => format!(", and {}", stored_only_there(rows)),
        _ => String::new(),
    };
    let message = format!("virtual table is not loaded: its module \"{module}\" is not available{own}");
    let shadows = catalog.tables.iter().filter(|t| t.kind == TableKind::Shadow { of: table.name.clone() });
    let held: Vec<String> = shadows.map(held).collect();
    let held = match held.is_empty() {
        true => String::new(),
        false => format!("Its data is in {}. ", held.join(", ")),
    };
    let hint =
        format!("{held}Copy its content into an ordinary table with the application that has the module.");
    Kind::VirtualTable.warning(&table.name, message).hint(hint)
}

fn held(shadow: &Table) -> String {
    let rows = shadow.stored_rows.map(|rows| format!(" ({})", counted(rows, "row", "rows")));
    format!("\"{}\"{}", shadow.name, rows.unwrap_or_default())
}

fn usable(table: &Table, module: &str, made: Made<'_>) -> Option<Finding> {
    let object = &table.name;
    let said = |why: &str| format!("virtual table of module \"{module}\" is not loaded: {why}");
    let load = |finding: Finding| {
        let fix = Fix::of_table(object, "skip", false);
        finding.fix(fix, " to load its rows into an ordinary table")
    };
    Some(match &table.content {
        // The plan leaves it out.
        Content::Own(_) => return None,
        Content::Computed if table.is_of_module(&AUXILIARY) => {
            let message = said("it is an auxiliary table, which shows what a full-text index consists of");
            load(Kind::VirtualTable.info(object, message))
        }
        Content::Computed => {
            load(Kind::VirtualTable.warning(object, said("its module computes its content")))
        }
        Content::Of(of) if table.is_rtree() => {
            let message = said(&format!("its content is derived from the geometries of table \"{of}\""));
            let hint = "An index on the column with the geometries does what it does.";
            Kind::VirtualTable.info(object, message).hint(hint)
        }
        Content::Of(of) => {
            let searched = searched(made, |made| format!(", which gets {made}"));
            let message = said(&format!("its content is derived from table \"{of}\"{searched}"));
            match made {
                Some(Ok(_)) => Kind::VirtualTable.info(object, message),
                Some(Err(_)) => load(Kind::VirtualTable.warning(object, message)),
                None => {
                    let fix = Fix::of_table(of, "fts", true);
                    Kind::VirtualTable.warning(object, message).fix(fix, " for a search vector")
                }
            }
        }
        Content::Index(rows) => {
            let rows = rows.map_or_else(|| "rows".to_owned(), |rows| counted(rows, "row", "rows"));
            let message = said(&format!("it is an index of {rows} whose texts are not in the file"));
            let hint = "Create a text search index in after, where the texts are.";
            Kind::VirtualTable.warning(object, message).hint(hint)
        }
    })
}

fn stored_only_there(rows: u64) -> String {
    let rows = counted(rows, "row is", "rows are");
    format!("its {rows} stored only there")
}
