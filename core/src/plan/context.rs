//! What every decision may depend on.

use super::given::naming::NameRules;
use super::given::overrides::Overrides;
use super::given::settings::Settings;
use super::given::words::Names;
use super::rules::Rules;
use super::target::Target;
use crate::catalog::{Catalog, KeyFact};
use crate::damage::Damage;
use crate::types::{TableProfile, times};
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
    /// How the numbers of the file's times are read, where its columns agree.
    pub file_epoch: Option<Format>,
}

impl<'a> Context<'a> {
    pub fn new(
        source: &'a Source<'a>,
        target: &'a Target,
        overrides: &'a Overrides,
        rules: &'a Rules,
    ) -> Context<'a> {
        let mut plan = Settings::of_plan(overrides, target.default_nocase());
        plan.texts.of_bytes = target.texts_of_bytes;
        let profiled = source.catalog.tables.iter().zip(source.profiles);
        let profiled = profiled.filter_map(|(table, profile)| Some((table, profile.as_ref()?)));
        let name_rules = overrides.names.clone().unwrap_or_default();
        let names = name_rules.case;
        let file_epoch = times::unit_of_file(profiled);
        Context { source, target, overrides, plan, names, name_rules, rules, file_epoch }
    }
}
