//! The plan that a survey gives, facing what the target database has, as far as each caller may go.

use std::collections::BTreeSet;

use super::Survey;
use crate::error::Error;
use crate::import::{asked, existing, source, trial, untranslatable};
use crate::pg::settings::LocalSettings;
use pg_sqlite_migrate_core::plan::given::words::Create;
use pg_sqlite_migrate_core::plan::{self, Extension, Planned, Target};
use pg_sqlite_migrate_core::{contents, finding};

/// Makes the plan for a survey, against what the target database has now.
pub fn planned(survey: &mut Survey) -> Result<Planned, Error> {
    Ok(facing_target(survey)?.1)
}

/// The plan, and what the target database has now.
pub fn facing_target(survey: &mut Survey) -> Result<(Target, Planned), Error> {
    let _path = LocalSettings::safe_search_path();
    let (mut target, mut planned) = unasked(survey)?;
    if asked::recount(survey, &planned)? {
        planned = plan::build(&survey.facts(), &target, &survey.overrides)?;
    }
    if asked::answer(survey, &planned, &mut target)? {
        planned = plan::build(&survey.facts(), &target, &survey.overrides)?;
    }
    asked::know_rejecting(survey, &planned)?;
    planned.findings.extend(source::findings(&survey.source, &survey.catalog));
    planned.findings.extend(survey.broken.iter().cloned());
    planned.findings.extend(survey.unrun());
    planned.findings.extend(untranslatable::findings(&planned));
    finding::say_once(&mut planned.findings);
    Ok((target, planned))
}

/// The same as far as profile, catalogs and a trial tell, for who loads nothing.
pub fn unasked(survey: &Survey) -> Result<(Target, Planned), Error> {
    let _path = LocalSettings::safe_search_path();
    let (mut target, mut planned) = untried(survey)?;
    target.refused = trial::refusals(&planned.trials);
    if !target.refused.is_empty() {
        planned = plan::build(&survey.facts(), &target, &survey.overrides)?;
    }
    target.refused_views = trial::refused_views(&planned, &survey.search_path);
    if !target.refused_views.is_empty() {
        planned = plan::build(&survey.facts(), &target, &survey.overrides)?;
    }
    target.refused_triggers = trial::refused_triggers(&planned);
    if !target.refused_triggers.is_empty() {
        planned = plan::build(&survey.facts(), &target, &survey.overrides)?;
    }
    Ok((target, planned))
}

/// The same without a trial, which executes expressions of the plan: it may be another role's. Of tables that exist nothing
/// is tried. The relations that a plan would load are held before they are judged: whoever owns their schema could otherwise
/// put others in their place.
pub fn untried(survey: &Survey) -> Result<(Target, Planned), Error> {
    let _path = LocalSettings::safe_search_path();
    let (citext, mut held) = (existing::citext(), BTreeSet::new());
    let extensions = extensions(survey);
    let systems = existing::systems::read(&survey.catalog, &extensions);
    let helpers = existing::extensions::helpers();
    loop {
        let mut target = Target {
            citext: citext.clone(),
            extensions: extensions.clone(),
            systems: systems.clone(),
            helpers,
            texts_of_bytes: survey.needs.texts_of_bytes,
            ..existing::read(&survey.needs.schemas)
        };
        let mut wanted = plan::relations(&survey.facts(), &target, &survey.overrides)?;
        wanted.retain(|oid| held.insert(*oid));
        if !wanted.is_empty() {
            existing::hold(&wanted);
            continue;
        }
        existing::read_held(&mut target, &held);
        let planned = plan::build(&survey.facts(), &target, &survey.overrides)?;
        return Ok((target, planned));
    }
}

/// The plan that an empty database would get. Existing tables count only where the plan creates none: what a database happens
/// to hold does not change what is said of a file.
pub fn apart(survey: &mut Survey) -> Result<Planned, Error> {
    let tables = survey.overrides.tables.iter().map(|(_, table)| &table.common);
    if tables.chain([&survey.overrides.common]).any(|common| common.create == Some(Create::Never)) {
        return Ok(unasked(survey)?.1);
    }
    let _path = LocalSettings::safe_search_path();
    let extensions = extensions(survey);
    let target = Target {
        citext: existing::citext(),
        systems: existing::systems::read(&survey.catalog, &extensions),
        extensions,
        helpers: existing::extensions::helpers(),
        texts_of_bytes: survey.needs.texts_of_bytes,
        ..existing::read(&[])
    };
    let planned = plan::build(&survey.facts(), &target, &survey.overrides)?;
    match asked::recount(survey, &planned)? {
        true => Ok(plan::build(&survey.facts(), &target, &survey.overrides)?),
        false => Ok(planned),
    }
}

/// Extensions that the plan may make use of.
pub fn extensions(survey: &Survey) -> Vec<Extension> {
    let mut names = contents::extensions(&survey.catalog, survey.overrides.wants_vectors());
    if survey.overrides.names_postgis() && !names.contains(&"postgis") {
        names.push("postgis");
    }
    existing::extensions::read(&names)
}
