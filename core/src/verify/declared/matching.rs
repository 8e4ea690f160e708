//! Which found object does the work of a declared one, whatever its name.

use std::collections::HashSet;

use crate::catalog::Deferrable;
use crate::plan::trigger::{Fires, TriggerPlan};
use crate::plan::{ForeignKey, IndexKey, IndexKeys, Made, Method, Object};

use super::found::{
    Canonical, ConstraintKind, Expression, FoundConstraint, FoundIndex, FoundKey, FoundTable, FoundTrigger,
    Server,
};
use super::state::State;

/// What was found in the place of a declared object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    pub state: State,
    /// Of the constraint or index that was found.
    pub name: Option<String>,
    /// PostgreSQL's words for it.
    pub found: Option<String>,
    pub reason: Option<String>,
}

impl Match {
    fn missing() -> Match {
        Match { state: State::Missing, name: None, found: None, reason: None }
    }

    fn of(state: State, found: impl Into<String>) -> Match {
        Match { state, found: Some(found.into()), ..Match::missing() }
    }

    fn because(self, reason: impl Into<String>) -> Match {
        Match { reason: Some(reason.into()), ..self }
    }
}

/// Compares one table with what the plan makes of it.
pub struct Matching<'m> {
    pub table: &'m FoundTable,
    /// The schema, in which the plan's collation is.
    pub schema: &'m str,
}

impl Matching<'_> {
    pub fn of(&self, made: &Made, server: &mut Server<'_>) -> Match {
        match made {
            Made::Object(object) => self.object(object, server),
            Made::NotNull(column) => self.not_null(column),
            Made::Default(column, sql) => self.default(column, sql, server),
            Made::Generated(column, sql) => self.generated(column, sql, server),
            Made::Identity(column) => self.identity(column),
            Made::Collation(column, clause) => self.collation(column, clause),
            Made::Type(column, name) => self.type_of(column, name),
            Made::Trigger(trigger) => self.trigger(trigger),
            // Views are looked for by their names.
            Made::Table => Match { state: State::Missing, name: None, found: None, reason: None },
        }
    }

    fn object(&self, object: &Object, server: &mut Server<'_>) -> Match {
        match object {
            Object::PrimaryKey { name, columns } => self.primary_key(name, columns),
            Object::Unique { name, columns } => self.unique(name, columns),
            Object::Check { name, condition, .. } => self.check(name, condition, server),
            Object::ForeignKey { name, key, .. } => self.foreign_key(name, key),
            Object::Index { name, unique, keys, .. } => self.index(name, *unique, keys, server),
            Object::Exclude { name, keys, .. } => self.exclude(name, keys, server),
            Object::Orphans(_) | Object::Computed(_) => Match::missing(),
        }
    }

    /// A trigger by its name. Whether its function does what the file's trigger does is not known.
    fn trigger(&self, made: &TriggerPlan) -> Match {
        let is = |t: &&FoundTrigger| match made.is_own() {
            true => t.name.eq_ignore_ascii_case(&made.name),
            false => t.name == made.name,
        };
        let Some(found) = self.table.triggers.iter().find(is) else {
            return Match::missing().because("the table has no trigger of its name");
        };
        let state = if found.enabled { State::Holds } else { State::Disabled };
        let differs =
            made.fires.as_ref().and_then(|fires| differs(fires, (&made.schema, &made.function), found));
        let state = if differs.is_some() { State::Differs } else { state };
        Match { name: Some(found.name.clone()), reason: differs, ..Match::of(state, &found.definition) }
    }

    fn constraints(&self, kind: ConstraintKind) -> impl Iterator<Item = &FoundConstraint> {
        self.table.constraints.iter().filter(move |c| c.kind == kind)
    }

    /// The best of those that match: by name, else the first.
    fn best<'c>(
        &self,
        name: &str,
        mut found: impl Iterator<Item = &'c FoundConstraint> + Clone,
    ) -> Option<&'c FoundConstraint> {
        found.clone().find(|c| c.name == name).or_else(|| found.next())
    }

    /// A constraint that is the one, as far as it is in force.
    fn in_force(&self, name: &str, found: &FoundConstraint) -> Match {
        let index = self.table.index(&found.name);
        let state = match () {
            () if index.is_some_and(|index| !index.valid) => State::Invalid,
            () if !found.enforced => State::NotEnforced,
            () if found.disabled => State::Disabled,
            () if !found.validated => State::NotValidated,
            () if found.name != name => State::OtherName,
            () => State::Holds,
        };
        Match { state, name: Some(found.name.clone()), found: Some(found.definition.clone()), reason: None }
    }

    fn differs(&self, found: &FoundConstraint, reason: impl Into<String>) -> Match {
        let differs = Match::of(State::Differs, &found.definition).because(reason);
        Match { name: Some(found.name.clone()), ..differs }
    }

    fn primary_key(&self, name: &str, columns: &[String]) -> Match {
        if let Some(found) = self.constraints(ConstraintKind::PrimaryKey).next() {
            return match same_set(&found.columns, columns) {
                true if found.deferrable == Deferrable::No => self.in_force(name, found),
                true => self.differs(found, "it is deferrable"),
                false => self.differs(found, "it is over other columns"),
            };
        }
        match self.unique(name, columns) {
            found if found.state == State::Missing => found,
            found => Match { state: State::Differs, ..found }.because("it is no primary key"),
        }
    }

    fn unique(&self, name: &str, columns: &[String]) -> Match {
        let keys =
            self.constraints(ConstraintKind::Unique).chain(self.constraints(ConstraintKind::PrimaryKey));
        let keys: Vec<&FoundConstraint> = keys.filter(|c| same_set(&c.columns, columns)).collect();
        let usual = keys.iter().copied().filter(|c| c.deferrable == Deferrable::No && !self.joins_nulls(c));
        if let Some(found) = self.best(name, usual) {
            return self.in_force(name, found);
        }
        let whole = |index: &&FoundIndex| index.predicate.is_none() && index.is_over(columns, self.table);
        let indexes: Vec<&FoundIndex> =
            self.table.indexes.iter().filter(|i| !i.constraint).filter(whole).collect();
        if let Some(found) = indexes.iter().find(|i| i.unique && !i.nulls_not_distinct) {
            return of_index(name, found);
        }
        if let Some(found) = self.best(name, keys.iter().copied()) {
            let why = if self.joins_nulls(found) { "it takes NULLs for equal" } else { "it is deferrable" };
            return self.differs(found, why);
        }
        let named = self.table.constraints.iter().find(|c| c.name == name);
        match (named, indexes.first(), self.table.index(name)) {
            (Some(found), _, _) => self.differs(found, "it is over other columns"),
            (None, Some(found), _) => other_index(found, "it is not unique"),
            (None, None, Some(found)) => other_index(found, "it is another index"),
            (None, None, None) => Match::missing(),
        }
    }

    fn joins_nulls(&self, found: &FoundConstraint) -> bool {
        self.table.index(&found.name).is_some_and(|index| index.nulls_not_distinct)
    }

    fn check(&self, name: &str, condition: &str, server: &mut Server<'_>) -> Match {
        let wanted = server(self.table, Expression::Check(condition));
        let text = wanted.as_ref().ok().map(|canonical| canonical.text.as_str());
        let same = |c: &&FoundConstraint| text.is_some() && c.expression.as_deref() == text;
        let checks: Vec<&FoundConstraint> = self.constraints(ConstraintKind::Check).collect();
        if let Some(found) = self.best(name, checks.iter().copied().filter(same)) {
            return self.in_force(name, found);
        }
        let reason = wanted.as_ref().err().map_or("its condition is another one", String::as_str);
        match checks.iter().find(|c| c.name == name) {
            Some(found) => self.differs(found, reason),
            None => Match { reason: wanted.err(), ..Match::missing() },
        }
    }

    fn foreign_key(&self, name: &str, key: &ForeignKey) -> Match {
        let pairs: HashSet<_> = key.columns.iter().zip(&key.parent_columns).collect();
        let same = |c: &&FoundConstraint| {
            let to = |(schema, table, columns): &(String, String, Vec<String>)| {
                let found: HashSet<_> = c.columns.iter().zip(columns).collect();
                (schema, table) == (&key.parent_schema, &key.parent) && found == pairs
            };
            c.parent.as_ref().is_some_and(to)
        };
        let keys: Vec<&FoundConstraint> = self.constraints(ConstraintKind::ForeignKey).collect();
        let as_declared = |c: &&FoundConstraint| same(c) && differences(key, c).is_none();
        if let Some(found) = self.best(name, keys.iter().copied().filter(as_declared)) {
            return self.in_force(name, found);
        }
        if let Some(found) = self.best(name, keys.iter().copied().filter(same)) {
            return self.differs(found, differences(key, found).unwrap_or_default());
        }
        let alike = |c: &&&FoundConstraint| c.name == name || same_set(&c.columns, &key.columns);
        match keys.iter().find(alike) {
            Some(found) => self.differs(found, "it is over other columns or points elsewhere"),
            None => Match::missing(),
        }
    }

    fn index(&self, name: &str, unique: bool, keys: &IndexKeys, server: &mut Server<'_>) -> Match {
        let wanted = match self.wanted(keys, server) {
            Ok(wanted) => wanted,
            Err(why) => return self.unlike(name, &why),
        };
        let same = |index: &&FoundIndex| wanted.is(index, keys.method);
        let indexes: Vec<&FoundIndex> = self.table.indexes.iter().filter(same).collect();
        // A unique index does a plain one's work.
        let fits = |index: &&&FoundIndex| (index.unique && !index.nulls_not_distinct) || !unique;
        let fitting: Vec<&&FoundIndex> = indexes.iter().filter(fits).collect();
        let best = fitting.iter().find(|i| i.name == name).or_else(|| fitting.first());
        match (best, indexes.first()) {
            (Some(found), _) => of_index(name, found),
            (None, Some(found)) if found.unique => other_index(found, "it takes NULLs for equal"),
            (None, Some(found)) => other_index(found, "it is not unique"),
            (None, None) => self.unlike(name, "its columns or its condition are others"),
        }
    }

    fn exclude(&self, name: &str, keys: &IndexKeys, server: &mut Server<'_>) -> Match {
        let Ok(wanted) = self.wanted(keys, server) else {
            return self.unlike(name, "it is another constraint");
        };
        let over = |c: &&FoundConstraint| {
            self.table.index(&c.name).is_some_and(|index| wanted.is(index, Method::Hash))
        };
        let found: Vec<&FoundConstraint> = self.constraints(ConstraintKind::Exclude).filter(over).collect();
        match self.best(name, found.into_iter()) {
            Some(found) => self.in_force(name, found),
            None => self.unlike(name, "it is another constraint"),
        }
    }

    /// What has the name, if anything has.
    fn unlike(&self, name: &str, why: &str) -> Match {
        self.table.index(name).map_or_else(Match::missing, |found| other_index(found, why))
    }

    fn wanted(&self, keys: &IndexKeys, server: &mut Server<'_>) -> Result<Wanted, String> {
        let nocase = crate::sqltext::qualified(self.schema, "sqlite_nocase");
        let mut out = Wanted::default();
        for key in &keys.keys {
            let found = server(self.table, Expression::Key(&key.sql))?;
            let collation = if key.nocase { Some(nocase.clone()) } else { found.collation.clone() };
            out.keys.push((Canonical { collation, ..found }, key.clone()));
        }
        if let Some(sql) = &keys.predicate {
            out.predicate = Some(server(self.table, Expression::Predicate(sql))?.text);
        }
        Ok(out)
    }

    fn not_null(&self, column: &str) -> Match {
        let Some(found) = self.table.column(column) else { return gone(column) };
        match (found.not_null, found.not_null_valid) {
            (true, true) => Match::of(State::Holds, "NOT NULL"),
            (true, false) => Match::of(State::NotValidated, "NOT NULL NOT VALID"),
            (false, _) => Match::missing(),
        }
    }

    fn default(&self, column: &str, sql: &str, server: &mut Server<'_>) -> Match {
        let Some(found) = self.table.column(column) else { return gone(column) };
        let Some(there) = found.default.as_ref().filter(|_| !found.generated) else {
            return Match::missing();
        };
        let words = format!("DEFAULT {there}");
        match server(self.table, Expression::Default { column, sql }) {
            Ok(wanted) if wanted.text == *there => Match::of(State::Holds, words),
            Ok(wanted) => Match::of(State::Differs, words).because(format!("the plan's is {}", wanted.text)),
            Err(why) => Match::of(State::Differs, words).because(why),
        }
    }

    fn generated(&self, column: &str, sql: &str, server: &mut Server<'_>) -> Match {
        let Some(found) = self.table.column(column) else { return gone(column) };
        let Some(there) = found.default.as_ref().filter(|_| found.generated) else {
            return Match::missing().because("the column is a plain one");
        };
        let words = format!("GENERATED ALWAYS AS ({there})");
        match server(self.table, Expression::Generated { column, sql }) {
            Ok(wanted) if wanted.text == *there => Match::of(State::Holds, words),
            Ok(wanted) => Match::of(State::Differs, words).because(format!("the plan's is {}", wanted.text)),
            Err(why) => Match::of(State::Differs, words).because(why),
        }
    }

    fn identity(&self, column: &str) -> Match {
        let Some(found) = self.table.column(column) else { return gone(column) };
        match &found.sequence {
            Some(sequence) if found.identity => Match::of(State::Holds, format!("identity, {sequence}")),
            Some(sequence) => Match::of(State::Holds, format!("DEFAULT nextval, {sequence}")),
            None => Match::missing().because("no sequence numbers the column"),
        }
    }

    fn collation(&self, column: &str, clause: &str) -> Match {
        let Some(found) = self.table.column(column) else { return gone(column) };
        let wanted = clause.trim_start_matches(" COLLATE ");
        let there = found.collation.as_deref().unwrap_or(DEFAULT_COLLATION);
        let state = if same_name(there, wanted) { State::Holds } else { State::Differs };
        Match::of(state, format!("COLLATE {there}"))
    }

    fn type_of(&self, column: &str, name: &str) -> Match {
        let Some(found) = self.table.column(column) else { return gone(column) };
        let state = if same_name(&found.type_name, name) { State::Holds } else { State::Differs };
        Match::of(state, found.type_name.clone())
    }
}

/// The collation of a column that has none of its own.
pub const DEFAULT_COLLATION: &str = "pg_catalog.\"default\"";

fn gone(column: &str) -> Match {
    Match::missing().because(format!("column \"{column}\" does not exist"))
}

fn of_index(name: &str, found: &FoundIndex) -> Match {
    let state = match () {
        () if !found.valid => State::Invalid,
        () if found.name != name => State::OtherName,
        () => State::Holds,
    };
    Match { name: Some(found.name.clone()), ..Match::of(state, &found.definition) }
}

fn other_index(found: &FoundIndex, why: &str) -> Match {
    let differs = Match::of(State::Differs, &found.definition).because(why);
    Match { name: Some(found.name.clone()), ..differs }
}

/// What a foreign key does otherwise than the file says.
fn differences(key: &ForeignKey, found: &FoundConstraint) -> Option<String> {
    let mut out = vec![];
    for (event, wanted, there) in
        [("UPDATE", key.on_update, found.on_update), ("DELETE", key.on_delete, found.on_delete)]
    {
        if wanted != there {
            out.push(format!("ON {event} {} instead of {}", there.as_sql(), wanted.as_sql()));
        }
    }
    if key.deferrable != found.deferrable {
        out.push("it is deferred otherwise".to_owned());
    }
    if found.full {
        out.push("it is MATCH FULL".to_owned());
    }
    (!out.is_empty()).then(|| out.join(", "))
}

/// An index as the catalogs would have it.
#[derive(Debug, Default)]
struct Wanted {
    keys: Vec<(Canonical, IndexKey)>,
    predicate: Option<String>,
}

impl Wanted {
    fn is(&self, index: &FoundIndex, method: Method) -> bool {
        let key = |((wanted, made), found): (&(Canonical, IndexKey), &FoundKey)| {
            let same = match (&wanted.column, &found.column) {
                (Some(wanted), Some(found)) => wanted == found,
                (None, None) => found.text == wanted.text || found.text == format!("({})", wanted.text),
                _ => false,
            };
            let collation = match (&wanted.collation, &found.collation) {
                (Some(wanted), Some(found)) => same_name(wanted, found),
                (wanted, found) => wanted.is_none() && found.is_none(),
            };
            let class = made.class.as_ref().is_none_or(|class| same_name(class, &found.class));
            same && collation && class && made.descending == found.descending
        };
        index.method == method.as_str()
            && self.keys.len() == index.keys.len()
            && self.predicate == index.predicate
            && self.keys.iter().zip(&index.keys).all(key)
    }
}

impl FoundIndex {
    /// Its keys are these columns, as they compare themselves.
    fn is_over(&self, columns: &[String], table: &FoundTable) -> bool {
        let names: Option<Vec<String>> = self.keys.iter().map(|key| key.column.clone()).collect();
        let own = |key: &FoundKey| {
            let column = key.column.as_ref().and_then(|name| table.column(name));
            let collation = column.and_then(|c| c.collation.as_deref()).unwrap_or(DEFAULT_COLLATION);
            key.collation.as_deref().is_none_or(|found| same_name(found, collation))
        };
        names.is_some_and(|names| same_set(&names, columns)) && self.keys.iter().all(own)
    }
}

fn same_set(one: &[String], other: &[String]) -> bool {
    let set = |names: &[String]| names.iter().cloned().collect::<HashSet<_>>();
    set(one) == set(other)
}

/// Names as SQL writes them, quoted or not.
pub fn same_name(one: &str, other: &str) -> bool {
    one.replace('"', "") == other.replace('"', "")
}

/// What is otherwise than the plan makes it.
fn differs(fires: &Fires, function: (&String, &String), found: &FoundTrigger) -> Option<String> {
    let when = format!("{} {}", fires.time.as_sql(), fires.event.as_sql());
    if found.fires != when {
        return Some(format!("it fires {}, not {when}", found.fires));
    }
    let columns = same_set(&found.columns, &fires.columns);
    match () {
        () if !found.row => Some("it fires for each statement".into()),
        () if !columns => Some("it fires for other columns".into()),
        () if found.conditional != fires.conditional => Some("its WHEN is another one".into()),
        () if (&found.function.0, &found.function.1) != function => Some("it calls another function".into()),
        () => None,
    }
}
