//! Search vectors: what the full-text index of a table becomes, in the table that has the texts.
//!
//! A generated column is filled when it is added, after the load, which rewrites the table once: so a text that is too
//! long for a vector cannot end the load, and with `on_error` `continue` the rows stay without it.

use std::collections::HashMap;

use super::collate::Folding;
use super::extensions;
use super::generated::{self, Generated};
use super::object::{Computed, IndexKey, IndexKeys, Method, Object};
use super::sizes;
use super::table::{DecidedColumn, DecidedTable, Tried};
use super::trial::accepted;
use super::unique::MAX_KEYS;
use crate::catalog::{Table, TableId};
use crate::finding::{Finding, Fix, Kind};
use crate::plan::context::Context;
use crate::plan::given::fts::{Fts, Index};
use crate::plan::given::words::Generation;
use crate::plan::model::Phase;
use crate::plan::resolve::names::{SYSTEM_COLUMNS, Scope, make_object_name};
use crate::plan::resolve::virtual_tables::Searched;
use crate::plan::trial::{Oversized, Part};
use crate::search::config::{self, Asked, Rule};
use crate::search::declared::{Content, Declared, Module};
use crate::search::query::Syntax;
use crate::search::vector::{self, Weight};
use crate::sqltext::{ident, literal};
use crate::translate::program::Search;
use crate::value::PgType;

/// The column's name, unless the plan gives another.
const COLUMN: &str = "search_vector";

/// The extension with indexes of trigrams.
const TRIGRAMS: &str = "pg_trgm";

/// Characters of all columns together that a vector holds whatever they are: a word of one character takes up to nine bytes
/// of its megabyte, and another character stands beside it.
const SAFE: usize = 220_000;

/// Plans a vector and an index for each full-text table of the file whose texts are carried over, and says what became of
/// it.
pub fn decide(
    ctx: &Context<'_>,
    tables: &mut [DecidedTable<'_>],
    relations: &mut HashMap<String, Scope>,
    findings: &mut Vec<Finding>,
) -> Vec<Searched> {
    let mut out = vec![];
    for (id, source) in ctx.source.catalog.tables_with_ids().filter(|(_, table)| table.is_full_text()) {
        let Ok(declared) = Declared::parse(&source.sql) else { continue };
        let made = match with_texts(ctx, tables, source, &declared) {
            Ok(Some(table)) if table.settings.fts.makes() => {
                let scope = relations.entry(table.settings.schema.clone()).or_default();
                Case { ctx, id, source, declared: &declared }.make(table, scope, findings)
            }
            Ok(_) => continue,
            Err(why) => Err(why),
        };
        out.push(Searched { id, made });
    }
    out
}

/// The table of the plan with the texts; `None` where they take no part in it.
fn with_texts<'d, 'a>(
    ctx: &Context<'_>,
    tables: &'d mut [DecidedTable<'a>],
    source: &Table,
    declared: &Declared,
) -> Result<Option<&'d mut DecidedTable<'a>>, String> {
    let catalog = ctx.source.catalog;
    match &declared.content {
        Content::Own => {
            let is_it = |d: &&mut DecidedTable<'_>| d.source.called() == source.name;
            Ok(tables.iter_mut().find(is_it))
        }
        Content::External { table: of, .. } => {
            if catalog.views.iter().any(|view| view.name.eq_ignore_ascii_case(of)) {
                return Err(format!("\"{of}\" is a view, whose rows have no column that could hold one"));
            }
            if catalog.table(of).is_none() {
                return Err(format!("the file has no table \"{of}\""));
            }
            Ok(tables.iter_mut().find(|d| d.source.name.eq_ignore_ascii_case(of)))
        }
        Content::Contentless { .. } => Ok(None),
    }
}

/// One full-text table.
struct Case<'c> {
    ctx: &'c Context<'c>,
    id: TableId,
    source: &'c Table,
    declared: &'c Declared,
}

/// A column whose words are searched: an immutable expression of type text, and its place among the decided ones.
struct Text {
    sql: String,
    at: usize,
    weight: Weight,
}

impl Case<'_> {
    /// What was made, for a message; `Err` is why nothing was.
    fn make(
        &self,
        table: &mut DecidedTable<'_>,
        relations: &mut Scope,
        findings: &mut Vec<Finding>,
    ) -> Result<String, String> {
        if !table.fresh() {
            self.existing(table);
            return Err(format!("table \"{}\" is there already, and stays as it is", table.title()));
        }
        let texts = self.texts(table, findings)?;
        let fts = table.settings.fts.clone();
        let asked = Asked { config: fts.config.as_deref(), unaccent: fts.unaccent };
        let (rule, notes) = Rule::of(self.declared, asked, self.ctx.target.utf8);
        let rule = self.possible(rule, findings);
        for note in notes {
            findings.push(Kind::Search.info(&self.source.name, note));
        }
        match rule {
            Rule::Trigram { .. } => self.trigrams(table, relations, &texts),
            rule => self.vector(table, relations, (&rule, texts, &fts), findings),
        }
    }

    /// An existing table's generated vector is what an import made before, if it is called so.
    fn existing(&self, table: &mut DecidedTable<'_>) {
        let name = table.settings.fts.column.clone().unwrap_or_else(|| COLUMN.to_owned());
        let there = table.existing.and_then(|existing| existing.column(&name));
        if !there.is_some_and(|c| c.generated && c.pg_type.to_string().ends_with("tsvector")) {
            return;
        }
        let fts = &table.settings.fts;
        let asked = Asked { config: fts.config.as_deref(), unaccent: fts.unaccent };
        let (rule, _) = Rule::of(self.declared, asked, self.ctx.target.utf8);
        let Ok(texts) = self.texts(table, &mut vec![]) else { return };
        let columns: Vec<usize> = texts.iter().map(|text| text.at).collect();
        let weights: Vec<Weight> = texts.iter().map(|text| text.weight).collect();
        let search = self.search(table, name, &rule, &columns, &weights);
        table.searches.push(search);
    }

    /// The columns that are searched. One that is no text is none that is searched in PostgreSQL.
    fn texts(&self, table: &DecidedTable<'_>, findings: &mut Vec<Finding>) -> Result<Vec<Text>, String> {
        let searched: Vec<&str> = match self.declared.columns.is_empty() {
            // FTS4 takes those of the content table.
            true => self.source.columns.iter().filter(|c| !c.hidden).map(|c| c.name.as_str()).collect(),
            false => self.declared.searched().map(|c| c.name.as_str()).collect(),
        };
        let fts = &table.settings.fts;
        let asked = Asked { config: fts.config.as_deref(), unaccent: fts.unaccent };
        let (rule, _) = Rule::of(self.declared, asked, self.ctx.target.utf8);
        let trigrams = matches!(rule, Rule::Trigram { .. });
        let mut texts = vec![];
        let mut unsearched = |name: &str, why: &str| {
            let message = format!("column \"{name}\" is not searched: {why}");
            findings.push(Kind::Search.info(&self.source.name, message));
        };
        for (place, name) in searched.into_iter().enumerate() {
            if !table.source.columns.iter().any(|c| c.called().eq_ignore_ascii_case(name)) {
                return Err(format!("table \"{}\" has no column \"{name}\"", table.source.name));
            }
            let is_it = |c: &DecidedColumn<'_>| c.source.called().eq_ignore_ascii_case(name);
            let at = table.columns.iter().position(is_it);
            let Some((at, column)) = at.and_then(|at| Some((at, table.columns.get(at)?))) else {
                unsearched(name, "the plan leaves it out");
                continue;
            };
            let given = table.settings.fts.weights.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
            let weight = given.map_or_else(|| Weight::of_place(place), |(_, weight)| *weight);
            match text(column, trigrams) {
                Some(sql) => texts.push(Text { sql, at, weight }),
                None => unsearched(name, &format!("it is {}", column.printed_type())),
            }
        }
        if texts.is_empty() { Err("no column has texts".into()) } else { Ok(texts) }
    }

    /// The rule, or PostgreSQL's own where the functions that it needs cannot be created.
    fn possible(&self, rule: Rule, findings: &mut Vec<Finding>) -> Rule {
        let forbidden = self.ctx.overrides.helpers == Some(false);
        if vector::needs(&rule).is_empty() || (self.ctx.target.helpers.is_some() && !forbidden) {
            return rule;
        }
        let name = match &rule {
            Rule::Configuration { name, .. } => name.clone(),
            _ => config::SIMPLE.to_owned(),
        };
        let said = |why: &str| {
            let message =
                format!("words are those of text search configuration \"{name}\", not SQLite's: {why}");
            Kind::Search.warning(&self.source.name, message)
        };
        findings.push(match forbidden {
            true => said("the plan does without helper functions").fix(Fix::of_plan("helpers", true), ""),
            false => said("the caller cannot create functions in schema \"sqlite_compat\"")
                .hint("It takes the right CREATE in the database, or in that schema."),
        });
        Rule::Configuration { name, unaccent: false }
    }

    fn trigrams(
        &self,
        table: &mut DecidedTable<'_>,
        relations: &mut Scope,
        texts: &[Text],
    ) -> Result<String, String> {
        let schema = extensions::schema(self.ctx, TRIGRAMS)
            .ok_or("its trigrams need the extension pg_trgm, which cannot be had")?;
        let class = Some(format!("{}.gin_trgm_ops", ident(schema)));
        let key = |text: &Text| IndexKey { class: class.clone(), ..IndexKey::plain(text.sql.clone()) };
        let keys: Vec<IndexKey> = texts.iter().take(MAX_KEYS).map(key).collect();
        let first = texts.first().and_then(|text| table.columns.get(text.at)).map(|c| c.target.clone());
        let wanted = make_object_name(&table.target, &first.unwrap_or_default(), "trgm_idx");
        let name = relations.claim(&wanted);
        let message = format!("index \"{name}\" of trigrams");
        table.extensions.push(TRIGRAMS);
        let keys = IndexKeys { keys, method: Method::Gin, ..IndexKeys::default() };
        table.objects.push(Object::Index { name, unique: false, keys, phase: Phase::Indexes });
        Ok(message)
    }

    fn vector(
        &self,
        table: &mut DecidedTable<'_>,
        relations: &mut Scope,
        (rule, texts, fts): (&Rule, Vec<Text>, &Fts),
        findings: &mut Vec<Finding>,
    ) -> Result<String, String> {
        let part = Part::Search(self.id.index());
        let expression = |texts: &[Text]| {
            let parts: Vec<vector::Part> =
                texts.iter().map(|t| vector::Part { text: t.sql.clone(), weight: t.weight }).collect();
            vector::expression(rule, &parts).ok_or_else(|| "no column has texts".to_owned())
        };
        let mut sql = expression(&texts)?;
        if let Rule::Configuration { .. } = rule
            && vector::needs(rule).is_empty()
        {
            let tried = accepted(self.ctx, table, part, Tried::Expression(format!("({sql}) IS NOT NULL")));
            if let Err(why) = tried {
                let config = literal(fts.config.as_deref().unwrap_or(config::SIMPLE));
                let finding = Kind::ExpressionRefused
                    .blocking(&self.source.name, format!("fts.config {config}: {why}"));
                let fix = Fix::of_table(&table.source.name, "fts", true);
                findings.push(finding.fix(fix, " to search as SQLite does").of(table.id));
                return Err(why);
            }
        }
        let helpers = vector::needs(rule);
        let columns: Vec<usize> = texts.iter().map(|text| text.at).collect();
        let weights: Vec<Weight> = texts.iter().map(|text| text.weight).collect();
        if let Some(found) = sizes::vectors(self.ctx, table, (part, &sql), &columns) {
            let most = SAFE / texts.len().max(1);
            let cut = |text: Text| Text { sql: format!("pg_catalog.left({}, {most})", text.sql), ..text };
            let cut: Vec<Text> = texts.into_iter().map(cut).collect();
            findings.push(too_long(&self.source.name, found, most));
            sql = expression(&cut)?;
        }
        table.helpers.extend(helpers);
        let name = self.column(table, relations, sql, fts, findings);
        let search = self.search(table, name.clone(), rule, &columns, &weights);
        table.searches.push(search);
        Ok(format!("column \"{name}\""))
    }

    /// Adds the column, with its index.
    fn column(
        &self,
        table: &mut DecidedTable<'_>,
        relations: &mut Scope,
        expression: String,
        fts: &Fts,
        findings: &mut Vec<Finding>,
    ) -> String {
        let wanted = fts.column.as_deref().unwrap_or(COLUMN);
        let mut names = Scope::default();
        SYSTEM_COLUMNS.iter().for_each(|name| _ = names.reserve(name));
        table.columns.iter().for_each(|column| _ = names.reserve(&column.target));
        let computed = table.objects.iter_mut().find_map(|object| match object {
            Object::Computed(columns) => Some(columns),
            _ => None,
        });
        computed.iter().flat_map(|columns| columns.iter()).for_each(|column| _ = names.reserve(&column.name));
        let name = names.claim(wanted);
        if name != wanted {
            let message = format!("its column \"{wanted}\" becomes \"{name}\": the name is taken");
            findings.push(Kind::NameChanged.info(&self.source.name, message));
        }
        let column = Computed { name: name.clone(), pg_type: "pg_catalog.tsvector", expression };
        match computed {
            Some(columns) => columns.push(column),
            None => table.objects.push(Object::Computed(vec![column])),
        }
        let method = match fts.index {
            Index::Gin => Some(Method::Gin),
            Index::Gist => Some(Method::Gist),
            Index::None => None,
        };
        let index = make_object_name(&table.target, &name, "idx");
        if let Some(method) = method.filter(|_| table.settings.indexes.take(&index)) {
            let keys = IndexKeys { method, ..IndexKeys::plain(std::slice::from_ref(&name)) };
            let name = relations.claim(&index);
            table.objects.push(Object::Index { name, unique: false, keys, phase: Phase::Indexes });
        }
        name
    }

    /// What MATCH of the full-text table becomes.
    fn search(
        &self,
        table: &DecidedTable<'_>,
        vector: String,
        rule: &Rule,
        columns: &[usize],
        weights: &[Weight],
    ) -> Search {
        let name =
            |at: &usize| table.columns.get(*at).map(|c| c.source.called().to_owned()).unwrap_or_default();
        Search {
            source: self.source.name.clone(),
            of: table.source.called().to_owned(),
            vector,
            rule: rule.clone(),
            syntax: if self.declared.module == Module::Fts5 { Syntax::Fts5 } else { Syntax::Fts4 },
            tokenizer: self.declared.tokenizer.text(),
            existing: !table.fresh(),
            columns: columns.iter().map(name).zip(weights.iter().copied()).collect(),
        }
    }
}

/// The text of a column, as SQLite shows it, by an expression that no setting changes. A generated column can be computed
/// of ordinary ones only, and an index be over one only if it is stored: what computes the column stands in its place.
fn text(column: &DecidedColumn<'_>, indexed: bool) -> Option<String> {
    let apart = |of: &&Generated| !(indexed && of.generation == Generation::Stored);
    let name = match column.generated.as_ref().filter(apart) {
        Some(generated) => format!("({})", generated::value(&generated.expression, &column.pg_type)),
        None => ident(&column.target),
    };
    let cast = || format!("({name}::pg_catalog.text)");
    match column.pg_type.base() {
        _ if column.enumeration.is_some() => None,
        PgType::Text if matches!(column.folding, Some(Folding::Citext(_))) => Some(cast()),
        PgType::Text | PgType::Varchar(_) => Some(name),
        PgType::Int2 | PgType::Int4 | PgType::Int8 | PgType::Bpchar(_) | PgType::Jsonb | PgType::Json => {
            Some(cast())
        }
        _ => None,
    }
}

fn too_long(table: &str, found: &Oversized, most: usize) -> Finding {
    let what = format!("the search vector has the words of the first {most} characters of each text");
    let message = match (found.rows.first(), &found.untried) {
        (Some(first), _) => format!("{what}: that of {} would be longer than a megabyte", first.name),
        (None, why) => {
            let why = why.as_deref().unwrap_or_default();
            format!("{what}: texts may be too long for one, which could not be tried: {why}")
        }
    };
    Kind::Search.warning(table, message).hint("The texts themselves are loaded whole.")
}
