//! The state of each declared object, with the reason for what is not as declared.

use std::collections::{HashMap, HashSet};

use crate::finding::{Finding, Kind};
use crate::plan::{Declared, DeclaredKind, DeclaredTable, Made, RowQuestion};

use super::excuses::{excuses, explaining, is_integrity, is_weaker, says_open, stays_open};
use super::found::{FoundTable, Server};
use super::matching::{DEFAULT_COLLATION, Match, Matching, same_name};
use super::state::State;
use super::unclaimed::{Unclaimed, unclaimed};

/// What was noticed about an object of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    pub object: String,
    pub kind: String,
    pub message: String,
}

impl From<&Finding> for Explanation {
    fn from(finding: &Finding) -> Explanation {
        Explanation {
            object: finding.object.clone(),
            kind: finding.kind.as_str().into(),
            message: finding.message.clone(),
        }
    }
}

/// A declared object with its state, before its rows are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    pub schema: String,
    pub table: String,
    pub kind: DeclaredKind,
    pub name: Option<String>,
    pub columns: Vec<String>,
    pub declared: String,
    pub found: Option<String>,
    pub state: State,
    pub reason: Option<String>,
    /// The plan or a finding lets it be as it is.
    pub explained: bool,
    pub question: Option<RowQuestion>,
    /// What findings about it call it.
    pub object: String,
}

/// Holds declared tables against found ones.
pub struct Judge {
    /// By object.
    explanations: HashMap<String, Vec<Explanation>>,
}

/// What the run log says of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableFacts {
    /// It was there before the run: it has the objects that its owner has given it.
    pub kept: bool,
    /// Why it was not loaded.
    pub unloaded: Option<String>,
}

/// A type, as its column is found.
const VECTOR: &str = "pg_catalog.tsvector";

const KEPT: &str = "the table was there before and keeps its own keys, indexes, checks and defaults";

impl Judge {
    pub fn new(explanations: impl IntoIterator<Item = Explanation>) -> Judge {
        let mut by_object: HashMap<String, Vec<Explanation>> = HashMap::new();
        for explanation in explanations {
            by_object.entry(explanation.object.clone()).or_default().push(explanation);
        }
        Judge { explanations: by_object }
    }

    /// The objects of a table, and what it has beyond them.
    pub fn table(
        &self,
        declared: &DeclaredTable,
        found: Option<&FoundTable>,
        facts: &TableFacts,
        server: &mut Server<'_>,
    ) -> (Vec<Judged>, Vec<Unclaimed>) {
        if is_view(declared) {
            return (self.of_view(declared, found, server), vec![]);
        }
        let absent = self.absent(declared, found, facts);
        let Some(found) = found.filter(|_| absent.is_none()) else {
            let of_table = |object: &Declared| self.object_of_absent(declared, object, absent.as_ref());
            let objects: Vec<Judged> = declared.objects.iter().filter_map(of_table).collect();
            return (absent.into_iter().chain(objects).collect(), vec![]);
        };
        let matching = Matching { table: found, schema: &declared.schema };
        let mut claimed = HashSet::new();
        let mut judge = |object: &Declared| {
            let (judged, names) = self.object(declared, object, &matching, facts, server);
            claimed.extend(names);
            judged
        };
        let mut objects: Vec<Judged> = declared.objects.iter().map(&mut judge).collect();
        if !facts.kept {
            objects.extend(collations(declared, found));
        }
        objects.extend(self.vectors(declared, found));
        (objects, unclaimed(declared, found, &claimed))
    }

    /// Search vectors that the load has left alone: a trigger or the application fills them.
    fn vectors(&self, declared: &DeclaredTable, found: &FoundTable) -> Vec<Judged> {
        let unfilled = |object: &String| {
            let said = self.explanations.get(object).map_or(&[][..], Vec::as_slice);
            said.iter().any(|said| said.kind == Kind::ColumnUnfilled.as_str())
        };
        let vectors = found.columns.iter().filter(|c| c.type_name == VECTOR && !c.generated);
        let of_source = vectors.map(|c| (format!("{}.{}", declared.source, c.name), c.name.clone()));
        let of_source = of_source.filter(|(object, _)| unfilled(object));
        let judged = |(object, column): (String, String)| Judged {
            schema: declared.schema.clone(),
            table: declared.target.clone(),
            kind: DeclaredKind::Search,
            name: None,
            columns: vec![column.clone()],
            declared: String::new(),
            found: Some("tsvector".into()),
            state: State::Holds,
            reason: None,
            explained: false,
            question: Some(RowQuestion::Unfilled { column }),
            object,
        };
        of_source.map(judged).collect()
    }

    /// A row for a table without rows to speak of: one that takes no part, or that is not there.
    fn absent(
        &self,
        declared: &DeclaredTable,
        found: Option<&FoundTable>,
        facts: &TableFacts,
    ) -> Option<Judged> {
        let elsewhere = found.is_some_and(|found| !matches!(found.relkind, 'r' | 'p'));
        let (state, reason) = match (&declared.left_out, &facts.unloaded) {
            (Some(key), _) => {
                let said = self.explanations.get(&declared.source).and_then(|all| all.first());
                let said = said.map(|explanation| explanation.message.clone());
                (State::LeftOut, said.unwrap_or_else(|| format!("the plan leaves it out: {key}")))
            }
            (None, Some(why)) => (State::Missing, why.clone()),
            (None, None) if found.is_none() => (State::Missing, "the table does not exist".to_owned()),
            (None, None) if elsewhere && facts.kept => {
                (State::LeftOut, "its rows go into a relation that is no table".to_owned())
            }
            (None, None) if elsewhere => (State::Missing, "another relation has its name".to_owned()),
            (None, None) => return None,
        };
        Some(Judged {
            schema: declared.schema.clone(),
            table: declared.target.clone(),
            kind: DeclaredKind::Table,
            name: Some(declared.target.clone()),
            columns: vec![],
            declared: format!("table {}", declared.source),
            found: None,
            state,
            reason: Some(reason),
            explained: state == State::LeftOut,
            question: None,
            object: declared.source.clone(),
        })
    }

    /// What a table that takes part would have; nothing of one that does not.
    fn object_of_absent(
        &self,
        declared: &DeclaredTable,
        object: &Declared,
        absent: Option<&Judged>,
    ) -> Option<Judged> {
        let missing = Match { state: State::Missing, name: None, found: None, reason: None };
        match absent {
            Some(table) if table.state == State::LeftOut => None,
            Some(table) if !object.made.is_empty() => {
                let reason = table.reason.clone();
                Some(judged(declared, object, Match { reason, ..missing }, false, None))
            }
            _ => Some(self.left_out(declared, object, missing)),
        }
    }

    /// A view and its triggers.
    fn of_view(
        &self,
        declared: &DeclaredTable,
        found: Option<&FoundTable>,
        server: &mut Server<'_>,
    ) -> Vec<Judged> {
        let judge = |object: &Declared| match (object.kind, found) {
            (DeclaredKind::Trigger, Some(found)) => {
                let matching = Matching { table: found, schema: &declared.schema };
                Some(self.object(declared, object, &matching, &TableFacts::default(), server).0)
            }
            (DeclaredKind::Trigger, None) => self.object_of_absent(declared, object, None),
            _ => Some(self.view(declared, object, found)),
        };
        declared.objects.iter().filter_map(judge).collect()
    }

    /// A view, whoever has made it: names are all that is compared.
    fn view(&self, table: &DeclaredTable, declared: &Declared, found: Option<&FoundTable>) -> Judged {
        let of = |state, reason: Option<&str>, found: Option<&str>| Match {
            state,
            name: Some(table.target.clone()),
            found: found.map(str::to_owned),
            reason: reason.map(str::to_owned),
        };
        match found.map(|found| found.relkind) {
            Some('v') => judged(table, declared, of(State::Holds, None, Some("view")), false, None),
            Some('m') => {
                judged(table, declared, of(State::Holds, None, Some("materialized view")), false, None)
            }
            Some('r') if declared.made.iter().any(|made| matches!(made, Made::Table)) => {
                judged(table, declared, of(State::Holds, None, Some("table")), false, None)
            }
            _ if self.explanation(declared).is_some() => {
                self.left_out(table, declared, of(State::Missing, None, None))
            }
            Some(_) => {
                let reason = Some("another relation has its name");
                judged(table, declared, of(State::Missing, reason, None), false, None)
            }
            None => {
                let reason = Some("the view does not exist");
                judged(table, declared, of(State::Missing, reason, None), false, None)
            }
        }
    }

    fn object(
        &self,
        table: &DeclaredTable,
        declared: &Declared,
        matching: &Matching<'_>,
        facts: &TableFacts,
        server: &mut Server<'_>,
    ) -> (Judged, Vec<String>) {
        let question = declared.question.clone();
        let mut matches: Vec<Match> = declared.made.iter().map(|made| matching.of(made, server)).collect();
        let names: Vec<String> = matches.iter().filter_map(|found| found.name.clone()).collect();
        matches.sort_by_key(|found| found.state);
        let Some(found) = matches.into_iter().next() else {
            return (
                Judged { question, ..self.left_out(table, declared, trigger(matching, declared)) },
                names,
            );
        };
        let said = self.explanation(declared);
        let message = || said.map(|said| said.message.clone());
        let excused = said.is_some_and(|said| excuses(said, found.state, declared, matching.table));
        let (state, explained, reason) = match found.state {
            // It is as the plan made it, which is less than the file declares.
            State::Holds | State::OtherName if is_weaker(declared) => (State::LeftOut, true, message()),
            State::NotValidated if stays_open(declared) || said.is_some_and(says_open) => {
                (State::NotValidated, true, message())
            }
            State::Missing | State::Differs if excused => (State::LeftOut, true, message()),
            State::Missing | State::Differs if facts.kept && !is_integrity(declared, matching.table) => {
                (State::LeftOut, false, Some(KEPT.to_owned()))
            }
            State::Missing if facts.kept => (State::Missing, false, Some(KEPT.to_owned())),
            state => (state, false, None),
        };
        let reason = reason.or(found.reason.clone());
        (judged(table, declared, Match { state, reason, ..found }, explained, question), names)
    }

    /// An object that the plan does not carry over.
    fn left_out(&self, table: &DeclaredTable, declared: &Declared, found: Match) -> Judged {
        if found.state != State::Missing {
            return judged(table, declared, found, true, None);
        }
        let said = self.explanation(declared).map(|said| said.message.clone());
        let reason = Some(said.unwrap_or_else(|| format!("the plan leaves it out: {}", declared.plan_key)));
        judged(table, declared, Match { state: State::LeftOut, reason, ..found }, true, None)
    }

    fn explanation(&self, declared: &Declared) -> Option<&Explanation> {
        let kinds = explaining(declared.kind);
        let found = self.explanations.get(&declared.object)?;
        found.iter().find(|said| kinds.iter().any(|kind| kind.as_str() == said.kind))
    }
}

fn is_view(declared: &DeclaredTable) -> bool {
    declared.objects.iter().any(|object| object.kind == DeclaredKind::View)
}

/// A trigger that has been written anew by the same name, and is disabled.
fn trigger(matching: &Matching<'_>, declared: &Declared) -> Match {
    let missing = Match { state: State::Missing, name: None, found: None, reason: None };
    let name = declared.name.as_ref().filter(|_| declared.kind == DeclaredKind::Trigger);
    let found =
        name.and_then(|name| matching.table.triggers.iter().find(|t| t.name.eq_ignore_ascii_case(name)));
    let Some(found) = found else { return missing };
    let state = if found.enabled { State::Missing } else { State::Disabled };
    Match { state, name: Some(found.name.clone()), found: Some(found.definition.clone()), reason: None }
}

fn judged(
    table: &DeclaredTable,
    declared: &Declared,
    found: Match,
    explained: bool,
    question: Option<RowQuestion>,
) -> Judged {
    let planned = declared.made.iter().find_map(|made| match made {
        Made::Object(object) => object.name().map(str::to_owned),
        _ => None,
    });
    Judged {
        schema: table.schema.clone(),
        table: table.target.clone(),
        kind: declared.kind,
        name: found.name.or(planned).or_else(|| declared.name.clone()),
        columns: declared.columns.clone(),
        declared: declared.text.clone(),
        found: found.found,
        state: found.state,
        reason: found.reason,
        explained,
        question,
        object: declared.object.clone(),
    }
}

/// Text columns of a table that the run has made, and whose collation is another one now.
fn collations<'a>(declared: &'a DeclaredTable, found: &'a FoundTable) -> impl Iterator<Item = Judged> + 'a {
    let changed = |name: &String| {
        let collation = found.column(name)?.collation.as_ref()?;
        (!same_name(collation, DEFAULT_COLLATION)).then(|| Judged {
            schema: declared.schema.clone(),
            table: declared.target.clone(),
            kind: DeclaredKind::Collation,
            name: None,
            columns: vec![name.clone()],
            declared: "COLLATE BINARY".into(),
            found: Some(format!("COLLATE {collation}")),
            state: State::Differs,
            reason: Some("the import gave the column the database's collation".into()),
            explained: false,
            question: None,
            object: format!("{}.{name}", declared.source),
        })
    };
    declared.bytewise.iter().filter_map(changed)
}
