//! Columns with vectors: their type where pgvector can be had and where it cannot, their index, and what is to be said of
//! ChromaDB's collections.

use std::collections::HashMap;

use super::extensions;
use super::object::{IndexKey, IndexKeys, Method, Object};
use super::table::DecidedTable;
use crate::catalog::Column;
use crate::chroma::replay::State;
use crate::chroma::{Collection, MODULE};
use crate::contents::collections::is_collection;
use crate::finding::{Finding, Fix, Kind, counted};
use crate::plan::context::Context;
use crate::plan::model::Phase;
use crate::plan::resolve::names::{Scope, make_object_name};
use crate::sqltext::{ident, qualified};
use crate::types::ColumnProfile;
use crate::value::PgType;
use crate::value::batch::OnInvalid;
use crate::vectors::{self, Element, PGVECTOR};

/// Ids that a finding names.
const NAMED: usize = 20;

/// pgvector's schema as SQL.
fn schema(ctx: &Context<'_>) -> Option<String> {
    extensions::schema(ctx, PGVECTOR).map(|name| if name == "public" { name.to_owned() } else { ident(name) })
}

/// The type of a column that the file says to hold vectors.
pub fn natural(ctx: &Context<'_>, column: &Column) -> Option<PgType> {
    column.vectors.as_ref().map(|of| vectors::pg_type(of, schema(ctx).as_deref()))
}

/// pgvector's type as a plan names it: by its schema, and with the dimension that every blob has where the plan gives none.
pub fn explicit(
    ctx: &Context<'_>,
    named: &PgType,
    column: &Column,
    profile: Option<&ColumnProfile>,
) -> Option<PgType> {
    let PgType::Vector(name) = named else { return None };
    let in_schema = match schema(ctx) {
        Some(schema) if !name.contains('.') => format!("{schema}.{name}"),
        _ => name.clone(),
    };
    let length =
        profile.filter(|p| p.blobs > 0 && p.blob.min_bytes == p.blob.max_bytes).map(|p| p.blob.max_bytes);
    let length = length.filter(|length| length % 4 == 0 && *length > 0);
    let said = column.vectors.as_ref().and_then(|vectors| vectors.dimension).map(u64::from);
    let dimension = said.or(length.map(|length| length / 4));
    let dimension = dimension.map(|n| format!("({n})")).filter(|_| !name.contains('('));
    Some(PgType::Vector(in_schema + &dimension.unwrap_or_default()))
}

/// Plans the indexes of a fresh table, and the extension.
pub fn index(
    ctx: &Context<'_>,
    table: &mut DecidedTable<'_>,
    relations: &mut Scope,
    findings: &mut Vec<Finding>,
) {
    let is_vector = |pg_type: &PgType| matches!(pg_type.base(), PgType::Vector(_));
    let wanted: Vec<&str> =
        table.columns.iter().filter(|c| is_vector(&c.pg_type)).map(|c| c.source.name.as_str()).collect();
    match schema(ctx) {
        Some(_) if !wanted.is_empty() => table.extensions.push(PGVECTOR),
        None => wanted.iter().for_each(|column| {
            let object = format!("{}.{column}", table.source.name);
            let finding = Kind::Vectors.blocking(object, "the extension vector cannot be had");
            let fix = Fix::of_column(&table.source.name, column, "type", "real[]");
            findings.push(finding.fix(fix, " to load its vectors as arrays"));
        }),
        Some(_) => {}
    }
    let columns = table.columns.iter().filter_map(|c| Some((c, c.source.vectors?)));
    let columns: Vec<_> =
        columns.map(|(c, of)| (c.target.clone(), c.pg_type.clone(), c.source.name.clone(), of)).collect();
    for (target, pg_type, source, of) in columns {
        let object = format!("{}.{source}", table.source.name);
        let key = match schema(ctx) {
            Some(schema) => vectors::index_key(&of, &ident(&target), &pg_type, Some(&schema)),
            None => {
                if let Some(finding) = without_pgvector(table, (&target, &pg_type), &object, &of) {
                    table.report(findings, finding);
                }
                continue;
            }
        };
        let (key, class) = match key {
            Ok(key) => key,
            Err(why) => {
                let message = format!("no index is made for its vectors: {why}");
                let finding = Kind::Vectors.info(&object, message);
                let too_many = matches!(pg_type.base(), PgType::Vector(_)) && of.metric.is_some();
                table.report(
                    findings,
                    match of.dimension {
                        Some(_) if too_many => {
                            finding.hint("Create an index in after, over an expression that has fewer.")
                        }
                        _ => finding,
                    },
                );
                continue;
            }
        };
        let name = make_object_name(&table.target, &target, "idx");
        if !table.settings.indexes.take(&name) {
            continue;
        }
        if vectors::is_rounded(&of) {
            let message = "its index is over vectors of half precision: pgvector indexes at most 2,000 dimensions of whole ones";
            let hint =
                "Order by the same expression, as in ORDER BY embedding::halfvec(n) <=> $1, to use it.";
            table.report(findings, Kind::Vectors.info(&object, message).hint(hint));
        }
        let name = relations.claim(&name);
        let keys = IndexKeys {
            keys: vec![IndexKey { class: Some(class), ..IndexKey::plain(key) }],
            method: Method::Hnsw,
            options: vectors::options(&of),
            ..IndexKeys::default()
        };
        if !table.extensions.contains(&PGVECTOR) {
            table.extensions.push(PGVECTOR);
        }
        table.objects.push(Object::Index { name, unique: false, keys, phase: Phase::Indexes });
    }
}

/// What is to be done when pgvector is there: statements, which no key of a plan stands for.
fn without_pgvector(
    table: &DecidedTable<'_>,
    (target, pg_type): (&str, &PgType),
    object: &str,
    of: &vectors::Vectors,
) -> Option<Finding> {
    // Another type was asked for.
    if *pg_type != vectors::pg_type(of, None) {
        return None;
    }
    let on = qualified(&table.settings.schema, &table.target);
    let becomes = match of.element {
        Element::Bit => "no index is made for its bits",
        Element::Float | Element::Int8 => "its vectors become real[], and no index is made",
    };
    Some(match vectors::later(of, &on, &ident(target)) {
        Ok(statements) => {
            let message = format!("the extension vector cannot be had: {becomes}");
            let hint = format!("Install pgvector and import again; or later: {};", statements.join("; "));
            Kind::Vectors.warning(object, message).hint(hint)
        }
        Err(why) => Kind::Vectors.info(object, format!("{why}: {becomes}")),
    })
}

/// What is to be said of ChromaDB's collections.
pub fn report(ctx: &Context<'_>, tables: &[DecidedTable<'_>], findings: &mut Vec<Finding>) {
    let catalog = ctx.source.catalog;
    let kept = catalog
        .tables
        .iter()
        .filter(|t| matches!(&t.kind, crate::catalog::TableKind::Shadow { of } if of == MODULE));
    if catalog.collections.is_empty() {
        return;
    }
    let message = format!(
        "the file is ChromaDB's: {} {} its collections in, and {} not loaded",
        counted(kept.clone().count() as u64, "table is", "tables are"),
        "what it keeps",
        if kept.count() == 1 { "is" } else { "are" },
    );
    let fix = Fix::of_plan("chroma", false);
    findings.push(Kind::ShadowTable.info("chroma", message).fix(fix, " to load these tables instead"));
    let by_name: HashMap<&str, &DecidedTable<'_>> = tables
        .iter()
        .filter(|table| is_collection(table.source))
        .map(|table| (table.source.name.as_str(), table))
        .collect();
    for collection in &catalog.collections {
        of_collection(&by_name, collection, findings);
    }
}

fn of_collection(
    tables: &HashMap<&str, &DecidedTable<'_>>,
    collection: &Collection,
    findings: &mut Vec<Finding>,
) {
    let object = format!("collection {}", collection.table);
    if let Some(why) = &collection.refused {
        let message = format!("is not loaded: {why}");
        let hint = "Copy the collection into a local folder with the chromadb library, and import that.";
        findings.push(Kind::Vectors.warning(&object, message).hint(hint));
        return;
    }
    let own = tables.get(collection.table.as_str());
    let Some(table) = own.or_else(|| tables.get(crate::chroma::SINGLE)) else { return };
    let Some(column) = table.column("embedding") else { return };
    let (found, place) = (&collection.vectors, format!("{}.embedding", table.source.name));
    if !found.missing.is_empty() {
        let why = match (&found.state, &found.why) {
            (Some(State::Lost), Some(why)) => format!("; the index is lost: {why}"),
            _ => String::new(),
        };
        let message = format!(
            "{} of collection \"{}\" no vector in the folder: {}{why}",
            counted(found.missing.len() as u64, "record has", "records have"),
            collection.name,
            ids(&found.missing),
        );
        findings.push(match column.on_invalid {
            OnInvalid::Null => Kind::Vectors.warning(&place, message + "; they get NULL"),
            OnInvalid::Reject => {
                Kind::Vectors.warning(&place, message + "; they go to sqlite_migrate.reject")
            }
            OnInvalid::Error | OnInvalid::Text => {
                let finding = Kind::Vectors.blocking(&place, message).of(table.id);
                let fix = Fix::of_column(&table.source.name, "embedding", "on_invalid", "null");
                finding.fix(fix, " to load them without a vector, or to \"reject\" to leave them out")
            }
        });
    }
    if found.restored > 0 {
        let message = format!(
            "{} of collection \"{}\" restored to within float rounding: its index has normalised them",
            counted(found.restored, "vector is", "vectors are"),
            collection.name,
        );
        findings.push(Kind::Vectors.info(&place, message));
    }
    if found.stray > 0 {
        let message = format!(
            "{} of no record of collection \"{}\" and not loaded",
            counted(found.stray, "vector is", "vectors are"),
            collection.name,
        );
        findings.push(Kind::Vectors.info(&place, message));
    }
}

fn ids(missing: &[String]) -> String {
    let named: Vec<String> =
        missing.iter().take(NAMED).map(|id| format!("\"{}\"", id.escape_debug())).collect();
    match missing.len() - named.len() {
        0 => named.join(", "),
        others => format!("{} and {others} others", named.join(", ")),
    }
}
