//! Judgements of small tables: what the server would answer about an expression is its own text.

use super::found::{
    Canonical, ConstraintKind, Expression, FoundColumn, FoundConstraint, FoundIndex, FoundKey, FoundTable,
};
use super::judge::{Explanation, Judge, Judged, TableFacts};
use super::state::{State, conclude};
use super::unclaimed::Unclaimed;
use crate::catalog::{Action, Deferrable};
use crate::plan::{
    Declared, DeclaredKind, DeclaredTable, ForeignKey, IndexKey, IndexKeys, Made, Method, Object, Phase,
    RowQuestion,
};

/// As the catalogs print: columns without quotes, everything else in parentheses.
fn server(_: &FoundTable, asked: Expression<'_>) -> Result<Canonical, String> {
    let (Expression::Check(sql) | Expression::Key(sql) | Expression::Predicate(sql)) = asked else {
        let (Expression::Default { sql, .. } | Expression::Generated { sql, .. }) = asked else {
            return Err("no expression".into());
        };
        return Ok(Canonical { text: sql.into(), ..Canonical::default() });
    };
    if sql.contains("gone") {
        return Err("column \"gone\" does not exist".into());
    }
    let column = sql.strip_prefix('"').and_then(|sql| sql.strip_suffix('"')).map(str::to_owned);
    Ok(Canonical { text: sql.replace('"', ""), column, collation: None })
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn declared(kind: DeclaredKind, made: Vec<Made>) -> Declared {
    Declared {
        kind,
        name: None,
        columns: names(&["a"]),
        text: "declared".into(),
        object: "object".into(),
        made,
        plan_key: "plan.tables.t.keys".into(),
        question: Some(RowQuestion::Nulls { column: "a".into() }),
    }
}

fn judged(
    object: Declared,
    found: &FoundTable,
    kept: bool,
    said: &[(&str, &str)],
) -> (Judged, Vec<Unclaimed>) {
    let table = DeclaredTable {
        source: "t".into(),
        schema: "public".into(),
        target: "t".into(),
        left_out: None,
        objects: vec![object],
        bytewise: vec![],
    };
    let explanation = |(kind, message): &(&str, &str)| Explanation {
        object: "object".into(),
        kind: (*kind).into(),
        message: (*message).into(),
    };
    let judge = Judge::new(said.iter().map(explanation));
    let facts = TableFacts { kept, unloaded: None };
    let (mut judged, unclaimed) = judge.table(&table, Some(found), &facts, &mut server);
    assert_eq!(judged.len(), 1, "{judged:?}");
    (judged.remove(0), unclaimed)
}

fn state(object: &Declared, found: &FoundTable) -> State {
    judged(object.clone(), found, false, &[]).0.state
}

fn table() -> FoundTable {
    let column = |name: &str| FoundColumn {
        name: name.into(),
        type_name: "pg_catalog.int4".into(),
        not_null_valid: true,
        ..FoundColumn::default()
    };
    FoundTable { oid: 1, relkind: 'r', columns: vec![column("a"), column("b")], ..FoundTable::default() }
}

fn constraint(kind: ConstraintKind, name: &str, columns: &[&str]) -> FoundConstraint {
    FoundConstraint {
        kind,
        name: name.into(),
        columns: names(columns),
        definition: format!("definition of {name}"),
        validated: true,
        enforced: true,
        ..FoundConstraint::default()
    }
}

fn with(constraint: FoundConstraint) -> FoundTable {
    FoundTable { constraints: vec![constraint], ..table() }
}

fn index(name: &str, columns: &[&str]) -> FoundIndex {
    let key =
        |name: &&str| FoundKey { column: Some((*name).into()), text: (*name).into(), ..FoundKey::default() };
    FoundIndex {
        name: name.into(),
        method: "btree".into(),
        valid: true,
        keys: columns.iter().map(key).collect(),
        ..FoundIndex::default()
    }
}

fn with_index(index: FoundIndex) -> FoundTable {
    FoundTable { indexes: vec![index], ..table() }
}

fn foreign_key() -> (Declared, FoundConstraint) {
    let key = ForeignKey {
        columns: names(&["a", "b"]),
        parent_schema: "public".into(),
        parent: "p".into(),
        parent_columns: names(&["x", "y"]),
        on_update: Action::NoAction,
        on_delete: Action::Cascade,
        deferrable: Deferrable::InitiallyDeferred,
    };
    let made = Made::Object(Object::ForeignKey { name: "fk".into(), key, not_valid: false });
    let found = FoundConstraint {
        parent: Some(("public".into(), "p".into(), names(&["x", "y"]))),
        on_delete: Action::Cascade,
        deferrable: Deferrable::InitiallyDeferred,
        ..constraint(ConstraintKind::ForeignKey, "fk", &["a", "b"])
    };
    (declared(DeclaredKind::ForeignKey, vec![made]), found)
}

#[test]
fn a_foreign_key_is_the_same_pairs_and_what_happens_to_them() {
    let (object, found) = foreign_key();
    let of = |change: fn(&mut FoundConstraint)| {
        let mut changed = found.clone();
        change(&mut changed);
        state(&object, &with(changed))
    };
    assert_eq!(of(|_| ()), State::Holds);
    assert_eq!(of(|key| key.name = "other".into()), State::OtherName);
    let turned = |key: &mut FoundConstraint| {
        key.columns.reverse();
        key.parent.iter_mut().for_each(|parent| parent.2.reverse());
    };
    assert_eq!(of(turned), State::Holds);
    assert_eq!(of(|key| key.columns.reverse()), State::Differs);
    assert_eq!(of(|key| key.parent.iter_mut().for_each(|parent| parent.1 = "q".into())), State::Differs);
    assert_eq!(of(|key| key.on_delete = Action::Restrict), State::Differs);
    assert_eq!(of(|key| key.on_update = Action::Cascade), State::Differs);
    assert_eq!(of(|key| key.deferrable = Deferrable::No), State::Differs);
    assert_eq!(of(|key| key.full = true), State::Differs);
    assert_eq!(of(|key| key.validated = false), State::NotValidated);
    assert_eq!(of(|key| key.disabled = true), State::Disabled);
    // PostgreSQL 18: what is not enforced is not validated either.
    assert_eq!(of(|key| (key.enforced, key.validated) = (false, false)), State::NotEnforced);
    assert_eq!(state(&object, &table()), State::Missing);
}

#[test]
fn a_key_is_what_is_unique_over_its_columns() {
    let columns = names(&["a", "b"]);
    let made = Made::Object(Object::Unique { name: "u".into(), columns });
    let object = declared(DeclaredKind::Unique, vec![made]);
    let unique = |name: &str, columns: &[&str]| constraint(ConstraintKind::Unique, name, columns);
    assert_eq!(state(&object, &with(unique("u", &["b", "a"]))), State::Holds);
    assert_eq!(
        state(&object, &with(constraint(ConstraintKind::PrimaryKey, "pk", &["a", "b"]))),
        State::OtherName
    );
    assert_eq!(state(&object, &with(unique("u", &["a"]))), State::Differs);
    let deferrable =
        FoundConstraint { deferrable: Deferrable::InitiallyImmediate, ..unique("u", &["a", "b"]) };
    assert_eq!(state(&object, &with(deferrable)), State::Differs);
    let plain = index("u", &["a", "b"]);
    assert_eq!(state(&object, &with_index(plain.clone())), State::Differs);
    let whole = FoundIndex { unique: true, ..plain };
    assert_eq!(state(&object, &with_index(whole.clone())), State::Holds);
    assert_eq!(state(&object, &with_index(FoundIndex { valid: false, ..whole.clone() })), State::Invalid);
    assert_eq!(
        state(&object, &with_index(FoundIndex { nulls_not_distinct: true, ..whole.clone() })),
        State::Differs
    );
    assert_eq!(
        state(&object, &with_index(FoundIndex { predicate: Some("(a > 1)".into()), ..whole })),
        State::Differs
    );
}

#[test]
fn an_index_is_its_operator_classes() {
    let class = Some("\"public\".gin_trgm_ops".into());
    let keys = IndexKeys {
        keys: vec![IndexKey { class, ..IndexKey::plain("\"a\"".into()) }],
        method: Method::Gin,
        ..IndexKeys::default()
    };
    let made = Made::Object(Object::Index { name: "i".into(), unique: false, keys, phase: Phase::Indexes });
    let object = Declared { question: None, ..declared(DeclaredKind::Index, vec![made]) };
    let found = |class: &str| {
        let mut found = FoundIndex { method: "gin".into(), ..index("i", &["a"]) };
        found.keys[0].class = class.into();
        found
    };
    assert_eq!(state(&object, &with_index(found("public.gin_trgm_ops"))), State::Holds);
    assert_eq!(state(&object, &with_index(found("pg_catalog.gin_ops"))), State::Differs);
    let other = FoundIndex { keys: index("i", &["b"]).keys, ..found("public.gin_trgm_ops") };
    assert_eq!(state(&object, &with_index(other)), State::Differs);
}

#[test]
fn an_index_is_its_keys_their_order_and_its_condition() {
    let keys = IndexKeys {
        keys: vec![
            IndexKey { descending: true, ..IndexKey::plain("\"a\"".into()) },
            IndexKey::plain("lower(\"b\")".into()),
        ],
        predicate: Some("\"a\" > 1".into()),
        ..IndexKeys::default()
    };
    let made = |unique| {
        let keys = keys.clone();
        vec![Made::Object(Object::Index { name: "i".into(), unique, keys, phase: Phase::Indexes })]
    };
    let (plain, unique) =
        (declared(DeclaredKind::Index, made(false)), declared(DeclaredKind::Index, made(true)));
    let plain = Declared { question: None, ..plain };
    let mut found = index("i", &["a", "b"]);
    found.predicate = Some("a > 1".into());
    found.keys[0].descending = true;
    found.keys[1] = FoundKey { column: None, text: "(lower(b))".into(), ..FoundKey::default() };
    assert_eq!(state(&plain, &with_index(found.clone())), State::Holds);
    assert_eq!(state(&unique, &with_index(found.clone())), State::Differs);
    assert_eq!(state(&unique, &with_index(FoundIndex { unique: true, ..found.clone() })), State::Holds);
    for change in [
        |index: &mut FoundIndex| index.keys.swap(0, 1),
        |index: &mut FoundIndex| index.keys[0].descending = false,
        |index: &mut FoundIndex| index.keys[0].collation = Some("public.other".into()),
        |index: &mut FoundIndex| index.keys[1].text = "upper(b)".into(),
        |index: &mut FoundIndex| index.predicate = None,
        |index: &mut FoundIndex| index.method = "hash".into(),
        |index: &mut FoundIndex| drop(index.keys.pop()),
    ] {
        let mut other = found.clone();
        change(&mut other);
        assert_eq!(state(&plain, &with_index(other.clone())), State::Differs, "{other:?}");
    }
}

#[test]
fn checks_and_columns_are_compared_in_the_servers_words() {
    let check = |condition: &str| {
        let made = Object::Check { name: "c".into(), condition: condition.into(), not_valid: false };
        declared(DeclaredKind::Check, vec![Made::Object(made)])
    };
    let found = |expression: &str| {
        let expression = Some(expression.to_owned());
        with(FoundConstraint { expression, ..constraint(ConstraintKind::Check, "c", &["a"]) })
    };
    assert_eq!(state(&check("\"a\" > 0"), &found("a > 0")), State::Holds);
    assert_eq!(state(&check("\"a\" > 0"), &found("a > -1")), State::Differs);
    let (gone, _) = judged(check("\"gone\" > 0"), &found("a > 0"), false, &[]);
    assert_eq!(
        (gone.state, gone.reason.as_deref()),
        (State::Differs, Some("column \"gone\" does not exist"))
    );

    let column = |change: fn(&mut FoundColumn)| {
        let mut found = table();
        change(&mut found.columns[0]);
        found
    };
    let of = |kind, made| declared(kind, vec![made]);
    let not_null = of(DeclaredKind::NotNull, Made::NotNull("a".into()));
    assert_eq!(state(&not_null, &table()), State::Missing);
    assert_eq!(state(&not_null, &column(|c| c.not_null = true)), State::Holds);
    assert_eq!(
        state(&not_null, &column(|c| (c.not_null, c.not_null_valid) = (true, false))),
        State::NotValidated
    );
    let default = of(DeclaredKind::Default, Made::Default("a".into(), "5".into()));
    assert_eq!(state(&default, &table()), State::Missing);
    assert_eq!(state(&default, &column(|c| c.default = Some("5".into()))), State::Holds);
    assert_eq!(state(&default, &column(|c| c.default = Some("6".into()))), State::Differs);
    assert_eq!(
        state(&default, &column(|c| (c.default, c.generated) = (Some("5".into()), true))),
        State::Missing
    );
    let generated = of(DeclaredKind::Generated, Made::Generated("a".into(), "b * 2".into()));
    assert_eq!(state(&generated, &column(|c| c.default = Some("b * 2".into()))), State::Missing);
    assert_eq!(
        state(&generated, &column(|c| (c.default, c.generated) = (Some("b * 2".into()), true))),
        State::Holds
    );
    let identity = of(DeclaredKind::Identity, Made::Identity("a".into()));
    assert_eq!(state(&identity, &table()), State::Missing);
    assert_eq!(state(&identity, &column(|c| c.sequence = Some("public.s".into()))), State::Holds);
    let nocase = of(
        DeclaredKind::Collation,
        Made::Collation("a".into(), " COLLATE \"public\".\"sqlite_nocase\"".into()),
    );
    assert_eq!(state(&nocase, &table()), State::Differs);
    assert_eq!(state(&nocase, &column(|c| c.collation = Some("public.sqlite_nocase".into()))), State::Holds);
}

#[test]
fn findings_excuse_what_only_the_run_could_tell() {
    let made = Made::Object(Object::Unique { name: "u".into(), columns: names(&["a"]) });
    let object = || declared(DeclaredKind::Unique, vec![made.clone()]);
    let of = |object: Declared, found: &FoundTable, kept, said: &[(&str, &str)]| {
        judged(object, found, kept, said).0.state
    };
    assert_eq!(of(object(), &table(), false, &[("left_out", "refused")]), State::LeftOut);
    assert_eq!(of(object(), &table(), false, &[("duplicate_key", "becomes an index")]), State::Missing);
    assert_eq!(
        of(object(), &with_index(index("u", &["a"])), false, &[("duplicate_key", "becomes an index")]),
        State::LeftOut
    );
    assert_eq!(of(object(), &table(), false, &[("program", "about something else")]), State::Missing);
    // Nothing is made of it.
    let (left, _) = judged(declared(DeclaredKind::Unique, vec![]), &table(), false, &[]);
    assert_eq!(
        (left.state, left.reason.as_deref()),
        (State::LeftOut, Some("the plan leaves it out: plan.tables.t.keys"))
    );
    // A table that was there before.
    let default = || declared(DeclaredKind::Default, vec![Made::Default("a".into(), "5".into())]);
    assert_eq!(of(default(), &table(), true, &[]), State::LeftOut);
    assert_eq!(of(object(), &table(), true, &[]), State::Missing);
}

#[test]
fn rows_are_no_news_where_the_plan_lets_them_stand() {
    let made = Made::Object(Object::Unique { name: "u".into(), columns: names(&["a"]) });
    let found = with(constraint(ConstraintKind::Unique, "u", &["a"]));
    let of = |made: Vec<Made>, counted| {
        let (judged, _) = judged(declared(DeclaredKind::Unique, made), &found, false, &[]);
        let row = conclude(judged, counted);
        (row.state, row.violations, row.reason)
    };
    assert_eq!(of(vec![made.clone()], Some(Ok(0))), (State::Holds, Some(0), None));
    assert_eq!(of(vec![made.clone()], Some(Ok(2))).0, State::Broken);
    let denied = of(vec![made], Some(Err("permission denied".into())));
    assert_eq!(denied, (State::NotProven, None, Some("rows were not counted: permission denied".into())));
    assert_eq!(of(vec![], Some(Ok(2))).0, State::LeftOut);
    assert_eq!(of(vec![], Some(Err("no".into()))).0, State::LeftOut);
}

#[test]
fn what_only_the_target_has_is_left_over() {
    let made = Made::Object(Object::Unique { name: "u".into(), columns: names(&["a"]) });
    let mut found = with(constraint(ConstraintKind::Unique, "u", &["a"]));
    found.constraints.push(constraint(ConstraintKind::Check, "c", &["b"]));
    found.indexes.push(index("i", &["b"]));
    found.columns[1].not_null = true;
    let (_, left) = judged(declared(DeclaredKind::Unique, vec![made]), &found, true, &[]);
    let left: Vec<(String, bool)> = left.iter().map(|u| (u.object(), u.refuses)).collect();
    let wanted = [("check c of t", true), ("index i of t", false), ("t.b", true)];
    assert_eq!(left, wanted.map(|(object, refuses)| (object.to_owned(), refuses)));
}
