//! What every decision may depend on.

use super::given::naming::NameRules;
use super::given::overrides::Overrides;
use super::given::settings::{Settings, Usual};
use super::given::words::Names;
use super::rules::Rules;
use super::systems::Places;
use super::target::Target;
use crate::catalog::{Catalog, KeyFact};
use crate::damage::Damage;
use crate::orm::names::Names as KeyNames;
use crate::orm::signs::Recognised;
use crate::types::TableProfile;
use crate::value::Format;

/// What the source says, as far as decisions need it.
pub struct Source<'a> {
    pub catalog: &'a Catalog,
    /// One per `catalog.tables` entry; `None` where it was not profiled.
    pub profiles: &'a [Option<TableProfile>],
    /// What only a query over the whole file can say about keys.
    pub key_facts: &'a [KeyFact],
    /// What migration tools have recorded in the file: table, and its levels in order.
    pub levels: &'a [(String, Vec<String>)],
    pub damage: &'a Damage,
    /// The programs that wrote it, as far as the plan lets them be recognised.
    pub orms: &'a [Recognised],
}

/// What every decision may depend on.
pub struct Context<'a> {
    pub source: &'a Source<'a>,
    pub target: &'a Target,
    pub overrides: &'a Overrides,
    pub plan: Settings,
    /// The case of names.
    pub names: Names,
    pub name_rules: NameRules,
    pub rules: &'a Rules,
    /// How the numbers of the file's times are read, each unit once; known when the tables are resolved.
    pub file_epochs: Vec<Format>,
    /// Where the file's systems of coordinates are in the database.
    pub systems: Places,
}

impl<'a> Context<'a> {
    /// How the file's program names keys.
    pub fn key_names(&self) -> KeyNames {
        self.source.orms.first().map_or(KeyNames::Postgres, |recognised| recognised.orm.conventions.names)
    }

    pub fn new(
        source: &'a Source<'a>,
        target: &'a Target,
        overrides: &'a Overrides,
        rules: &'a Rules,
    ) -> Context<'a> {
        let usual = Usual::new(target.default_nocase(), source.orms);
        let mut plan = Settings::of_plan(overrides, usual);
        plan.texts.of_bytes = target.texts_of_bytes;
        let name_rules = overrides.names.clone().unwrap_or_default();
        let names = name_rules.case;
        let systems = Places::of(source.catalog, target);
        Context { source, target, overrides, plan, names, name_rules, rules, file_epochs: vec![], systems }
    }
}
