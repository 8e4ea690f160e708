use super::catalog::*;
use super::decide::decide;
use super::plan::{Overrides, Run, RunTable, Since, read};
use super::planned::{OutTable, Planned};
use crate::finding::Kind;
use crate::value::PgType;
use serde_json::{Value, json};

mod views;

fn column(name: &str, type_name: &str) -> Column {
    Column {
        name: name.into(),
        pg_type: PgType::parse(type_name),
        type_name: type_name.into(),
        labels: None,
        not_null: false,
        default: None,
        generated: false,
        sequence: None,
        collation: Collation::Language("en_US".into()),
        domain_checks: vec![],
        comment: None,
    }
}

fn table(id: u32, name: &str, columns: Vec<Column>) -> Table {
    Table {
        id,
        schema: "public".into(),
        name: name.into(),
        kind: TableKind::Table,
        query: None,
        refused: None,
        heirs: vec![],
        extension: None,
        columns,
        keys: vec![],
        checks: vec![],
        foreign_keys: vec![],
        indexes: vec![],
        exclusions: vec![],
        triggers: vec![],
        comment: None,
    }
}

fn key(name: &str, primary: bool, columns: &[&str]) -> Key {
    let columns = columns.iter().map(|c| (*c).to_string()).collect();
    Key { name: name.into(), primary, columns, deferrable: false, nulls_not_distinct: false }
}

fn catalog(tables: Vec<Table>) -> Catalog {
    Catalog { tables, ..Catalog::default() }
}

fn overrides(plan: Value) -> Overrides {
    read(Some(plan), None).unwrap()
}

fn kinds(planned: &Planned<'_>) -> Vec<(Kind, String)> {
    planned.findings.iter().map(|f| (f.kind, format!("{}: {}", f.object, f.message))).collect()
}

fn checked(of: Column, expression: &str) -> Result<String, String> {
    let mut t = table(
        1,
        "t",
        vec![
            of,
            column("n", "integer"),
            column("s", "text"),
            column("d", "date"),
            column("y", "numeric(9,2)"),
        ],
    );
    t.checks.push(Check { name: "c".into(), expression: expression.into(), validated: true });
    let (catalog, overrides) = (catalog(vec![t]), overrides(json!({})));
    let planned = decide(&catalog, &overrides, None).unwrap();
    let create = &planned.tables[0].create;
    match create.split_once("CHECK (") {
        Some((_, check)) => Ok(check.strip_suffix(")\n)").unwrap_or(check).to_string()),
        None => Err(planned.findings[0].message.clone()),
    }
}

#[test]
fn conditions_are_carried_over_where_they_mean_the_same() {
    for (expression, sql) in [
        ("(n > 0)", "(\"n\" > 0)"),
        ("((n >= 0) AND (n <= 5))", "((\"n\" >= 0) AND (\"n\" <= 5))"),
        (
            "((s)::text = ANY ((ARRAY['a'::character varying, 'b''c'::character varying])::text[]))",
            "(\"s\" IN ('a', 'b''c'))",
        ),
        ("(s <> ALL (ARRAY['a'::text, 'b'::text]))", "(\"s\" NOT IN ('a', 'b'))"),
        ("(NOT (s IS NULL))", "(NOT (\"s\" IS NULL))"),
        ("(length(s) > 3)", "(length(\"s\") > 3)"),
        ("(d >= '2020-01-01'::date)", "(\"d\" >= '2020-01-01')"),
        ("(n <> '-1'::integer)", "(\"n\" <> -1)"),
        ("((n)::numeric > 0.5)", "(\"n\" > 0.5)"),
        ("(s <> ''::text)", "(\"s\" <> '')"),
        ("(s <> ''''::bpchar)", "(\"s\" <> '''')"),
        ("(s <> 'a''  '::bpchar)", "(\"s\" <> 'a''')"),
        ("((n)::bigint > 5)", "(\"n\" > 5)"),
        ("(n = ANY ((ARRAY[1, 2])::bigint[]))", "(\"n\" IN (1, 2))"),
        ("((n + 1) > 0)", "((\"n\" + 1) > 0)"),
        ("(((n * (- x)) % '-3'::integer) = 0)", "(((\"n\" * (- \"x\")) % -3) = 0)"),
        ("(s ~~ 'a%'::text)", "(\"s\" GLOB 'a*')"),
        ("(s !~~ 'a\\_%'::text)", "(\"s\" NOT GLOB 'a_*')"),
        ("((s || n) = 'a1'::text)", "((\"s\" || CAST(\"n\" AS TEXT)) = 'a1')"),
        ("((s || (n)::text) = 'a1'::text)", "((\"s\" || CAST(\"n\" AS TEXT)) = 'a1')"),
        ("(n IS DISTINCT FROM 1)", "(\"n\" IS NOT 1)"),
        ("((n > 0) IS NOT TRUE)", "((\"n\" > 0) IS NOT 1)"),
        ("(COALESCE(n, 0) > 0)", "(coalesce(\"n\", 0) > 0)"),
        ("(NULLIF(s, ''::text) IS NOT NULL)", "(nullif(\"s\", '') IS NOT NULL)"),
        ("(abs(n) < 5)", "(abs(\"n\") < 5)"),
        (
            "CASE WHEN (n > 0) THEN (s = 'a'::text) ELSE false END",
            "(CASE WHEN (\"n\" > 0) THEN (\"s\" = 'a') ELSE 0 END)",
        ),
        ("(CASE s WHEN 'a'::text THEN 1 ELSE 2 END = 1)", "((CASE \"s\" WHEN 'a' THEN 1 ELSE 2 END) = 1)"),
    ] {
        let printed = checked(column("x", "bigint"), expression);
        assert_eq!(printed.as_deref(), Ok(sql), "{expression}");
    }
    for (expression, reason) in [
        ("(s > 'a'::text)", "rules of a language"),
        ("(s ~ '^a'::text)", "operator ~"),
        ("(s ~~ s)", "no constant"),
        ("(s ~~* 'a%'::text)", "operator ~~*"),
        ("((y + 1.5) > 0)", "operator +"),
        ("((y)::double precision / 2 > 0)", "operator /"),
        ("(CASE WHEN (n > 0) THEN 1 ELSE NULL::integer END IS NULL) AND (n + 1 + 2 > 0)", "operator +"),
        ("(COALESCE(s, 'a'::text) > 'a'::text)", "rules of a language"),
        ("(COALESCE((n)::text, s) < 'b'::text)", "rules of a language"),
        ("(GREATEST(n, 1) > 0)", "function GREATEST()"),
        ("(n IS DISTINCT FROM NULL::integer)", "not of one kind"),
        ("(lower(s) = 'a'::text)", "function lower()"),
        ("(n = ANY (ARRAY[1, NULL]))", "not of one kind"),
        ("(x > 0)", "compares otherwise"),
        ("(s = n)", "not of one kind"),
        ("(n > 12345678901234567890)", "more digits"),
        ("(n = 'NaN'::numeric)", "finite"),
        ("n", "no condition"),
        ("(n = ('1 ) OR (1'::text)::integer)", "finite"),
        ("(n <> '--5'::integer)", "finite"),
        ("(n <> '1-'::integer)", "finite"),
        ("(n <> '1.'::numeric)", "finite"),
        ("((y)::integer = 5)", "a cast to integer"),
        ("((n)::smallint = 5)", "a cast to smallint"),
        ("((s)::character varying(2) = 'ab'::text)", "of a given length"),
        ("((s)::bpchar = 'ab'::bpchar)", "a cast to bpchar"),
        ("(n = (1.5)::integer)", "a cast to integer"),
        ("(n = ANY ((ARRAY[1.5, 2.5])::integer[]))", "a cast to integer"),
        ("(s = ('[1,5]'::int4range)::text)", "a cast to text"),
        ("(n > 0) x", "not understood"),
        ("(n IS DOCUMENT)", "IS with"),
    ] {
        let refused = checked(column("x", "numeric"), expression).unwrap_err();
        assert!(refused.contains(reason), "{expression}: {refused}");
    }
    let many = |count: usize| vec!["(n > 0)"; count].join(" AND ");
    assert!(checked(column("x", "numeric"), &many(500)).is_ok());
    assert!(checked(column("x", "numeric"), &many(502)).unwrap_err().contains("too many conditions"));
    assert!(
        checked(column("x", "numeric"), &format!("{}n > 0{}", "(".repeat(5000), ")".repeat(5000))).is_err()
    );
}

#[test]
fn defaults_are_carried_over_where_they_mean_the_same() {
    for (type_name, expression, sql) in [
        ("boolean", "true", Some("1")),
        ("integer", "'-1'::integer", Some("-1")),
        ("integer", "(-1)", Some("-1")),
        ("text", "'it''s'::text", Some("'it''s'")),
        ("text", "NULL::text", None),
        ("numeric(10,2)", "1.50", Some("1.50")),
        ("numeric", "1.50", Some("'1.50'")),
        ("date", "'2020-01-01'::date", Some("'2020-01-01'")),
        ("bytea", "'\\x00ff'::bytea", Some("x'00ff'")),
        ("jsonb", "'{}'::jsonb", Some("'{}'")),
        ("timestamptz", "now()", Some("(strftime('%Y-%m-%d %H:%M:%f000+00:00', 'now'))")),
        ("timestamptz", "CURRENT_TIMESTAMP", Some("(strftime('%Y-%m-%d %H:%M:%f000+00:00', 'now'))")),
        ("timestamp", "now()", None),
        ("date", "CURRENT_DATE", None),
        ("text", "lower('A'::text)", None),
        ("text", "('a'::text || 'b'::text)", None),
        ("timestamp", "'infinity'::timestamp without time zone", None),
        ("double precision", "'NaN'::double precision", None),
        ("numeric(10,2)", "'1--2'::numeric", None),
        ("double precision", "'--5'::double precision", None),
        ("text", "'abc'::character varying(2)", None),
        ("text", "('1.50'::real)::text", None),
        ("numeric", "(5.7)::integer", None),
        ("character(3)", "'a'''::bpchar", Some("'a'''")),
    ] {
        let column = Column { default: Some(expression.into()), ..column("c", type_name) };
        let catalog = catalog(vec![table(1, "t", vec![column])]);
        let overrides = overrides(json!({"checks": false}));
        let planned = decide(&catalog, &overrides, None).unwrap();
        let create = &planned.tables[0].create;
        let printed = create.split_once(" DEFAULT ").map(|(_, sql)| sql.trim_end_matches("\n)"));
        assert_eq!(printed, sql, "{type_name} {expression}");
        assert_eq!(sql.is_none() && expression != "NULL::text", !planned.findings.is_empty(), "{expression}");
    }
}

fn shop() -> Catalog {
    let id =
        || Column { not_null: true, sequence: Some(Sequence { last: Some(9) }), ..column("id", "bigint") };
    let mut person = table(
        1,
        "person",
        vec![id(), column("Name", "text"), column("name", "varchar(5)"), column("search", "tsvector")],
    );
    person.keys.push(key("person_pkey", true, &["id"]));
    person.keys.push(key("person_name", false, &["name"]));
    let mut orders = table(2, "orders", vec![column("nr", "uuid"), column("person", "bigint")]);
    orders.keys.push(key("orders_pkey", true, &["nr"]));
    orders.foreign_keys.push(ForeignKey {
        name: "fk".into(),
        columns: vec!["person".into()],
        parent: 1,
        parent_name: "person".into(),
        parent_columns: vec!["id".into()],
        on_delete: Action::Cascade,
        on_update: Action::NoAction,
        match_full: false,
        deferrable: true,
        initially_deferred: true,
        validated: true,
    });
    let part = |column: &str, descending| IndexKey {
        column: Some(column.into()),
        expression: column.into(),
        descending,
    };
    orders.indexes.push(Index {
        name: "Person".into(),
        unique: false,
        method: "btree".into(),
        keys: vec![part("person", true)],
        predicate: Some("(person IS NOT NULL)".into()),
        nulls_not_distinct: false,
        invalid: false,
    });
    catalog(vec![person, orders])
}

#[test]
fn tables_have_their_keys_and_indexes() {
    let (catalog, overrides) = (shop(), overrides(json!({})));
    let planned = decide(&catalog, &overrides, None).unwrap();
    let [person, orders] = planned.tables.as_slice() else { panic!("two tables") };
    assert_eq!(
        person.create,
        "CREATE TABLE \"person\" (\n\t\"id\" INTEGER PRIMARY KEY AUTOINCREMENT,\n\t\"Name\" TEXT,\n\t\"name_2\" VARCHAR(5),\n\t\
         CONSTRAINT \"person_name\" UNIQUE (\"name_2\")\n)"
    );
    assert_eq!(person.sequence, Some(9));
    assert_eq!(
        orders.create,
        "CREATE TABLE \"orders\" (\n\t\"nr\" UUID NOT NULL,\n\t\"person\" BIGINT,\n\tCONSTRAINT \"orders_pkey\" PRIMARY KEY (\"nr\"),\n\t\
         CONSTRAINT \"fk\" FOREIGN KEY (\"person\") REFERENCES \"person\" (\"id\") ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED\n)"
    );
    assert_eq!(
        orders.indexes,
        ["CREATE INDEX \"Person_2\" ON \"orders\" (\"person\" DESC) WHERE (\"person\" IS NOT NULL)"]
    );
    let kinds: Vec<Kind> = kinds(&planned).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [Kind::NameChanged, Kind::NameChanged, Kind::LeftOut]);
}

#[test]
fn a_plan_is_its_own_fixed_point() {
    let catalog = shop();
    for plan in [
        json!({}),
        json!({"schema": "public", "numeric": "real", "strict": true, "tables": {"person": {"columns": {"Name": {"skip": true}}}}}),
        json!({"exclude": ["ord*"], "tables": {"orders": {"skip": true}, "person": {"target": "P", "columns": {"id": {"name": "ID"}}}}}),
    ] {
        let given = overrides(plan);
        let first = decide(&catalog, &given, None).unwrap().plan;
        let given = overrides(first.clone());
        assert_eq!(decide(&catalog, &given, None).unwrap().plan, first);
    }
}

/// Any partial plan of valid keys is completed to one that completes to itself.
#[test]
fn random_partial_plans_have_a_fixed_point() {
    use super::keys::{KEYS, Kind as KeyKind, Level};
    let mut catalog = shop();
    catalog.tables[1].schema = "other".into();
    catalog.tables[0].columns[3].generated = true;
    catalog.tables[0].columns[3].default = Some("to_tsvector('simple'::regconfig, \"Name\")".into());
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let mut said = 0;
    for _ in 0..300 {
        let mut plan = serde_json::Map::new();
        for key in KEYS.iter().filter(|key| key.level == Level::Plan) {
            let value = match key.kind {
                KeyKind::Flag => json!(next(2) == 0),
                KeyKind::Word(words) => json!(words[next(words.len())]),
                KeyKind::PageSize => json!(512 << next(8)),
                KeyKind::Number => json!(next(1000)),
                KeyKind::Timezone => json!(["Europe/Berlin", "UTC", "+05:30"][next(3)]),
                KeyKind::Globs => Value::from(vec![["*", "p*", "nothing", "other.*"][next(4)]]),
                KeyKind::Names => json!(["public", "other"]),
                _ => continue,
            };
            if next(4) == 0 {
                plan.insert(key.name.into(), value);
            }
        }
        let mut columns = json!({});
        for name in ["id", "Name", "name", "search"] {
            match next(5) {
                0 => columns[name]["skip"] = true.into(),
                1 => columns[name]["name"] = "x".into(),
                2 => columns[name]["on_invalid"] = "text".into(),
                _ => {}
            }
        }
        if next(2) == 0 {
            plan.insert(
                "tables".into(),
                json!({"person": {"columns": columns}, "other.orders": {"skip": next(2) == 0}}),
            );
        }
        let plan = Value::Object(plan);
        let given = overrides(plan.clone());
        let Ok(first) = decide(&catalog, &given, None) else { continue };
        said += 1;
        let given = overrides(first.plan.clone());
        let again = decide(&catalog, &given, None).unwrap();
        assert_eq!(again.plan, first.plan, "{plan}");
        let made = |planned: &Planned<'_>| -> Vec<String> {
            let creates = planned.tables.iter().map(|table| table.create.clone());
            let virtual_tables = planned.virtual_tables.iter().map(|table| table.create.clone());
            let views = planned.views.iter().map(|view| view.create.clone());
            let triggers = planned.triggers.iter().map(|trigger| trigger.create.clone());
            creates.chain(virtual_tables).chain(views).chain(triggers).collect()
        };
        assert_eq!(made(&again), made(&first), "{plan}");
        for name in given.keys() {
            assert!(KEYS.iter().any(|key| key.name == name && key.level == Level::Plan), "{name}");
        }
        let complete = KEYS.iter().filter(|key| key.level == Level::Plan);
        for key in complete.filter(|key| !matches!(key.name, "schema" | "run")) {
            assert!(first.plan.get(key.name).is_some(), "{} is not in the complete plan", key.name);
        }
    }
    assert!(said > 250, "{said}");
}

#[test]
fn a_run_gives_names_and_formats_back() {
    let catalog =
        catalog(vec![table(5, "person", vec![column("created_at", "timestamptz"), column("note", "text")])]);
    let run = Run {
        tables: vec![RunTable {
            source: "Person".into(),
            schema: "public".into(),
            table: "person".into(),
            since: Since::Same,
        }],
        plan: json!({"timezone": "Europe/Berlin", "tables": {"Person": {"columns": {
            "createdAt": {"name": "created_at", "type": "timestamp with time zone", "format": "unixepoch_ms"},
            "Note": {"name": "note", "type": "text", "format": null}}}}}),
        source: json!({"user_version": 7, "page_size": 1024, "encoding": "UTF-16le"}),
        ..Run::default()
    };
    let given = read(None, Some(3)).unwrap();
    let planned = decide(&catalog, &given, Some(&run)).unwrap();
    assert_eq!(
        planned.tables[0].create,
        "CREATE TABLE \"Person\" (\n\t\"createdAt\" TIMESTAMPTZ,\n\t\"Note\" TEXT\n)"
    );
    assert_eq!((planned.file.user_version, planned.file.page_size), (7, 1024));
    assert_eq!(planned.plan["run"], 3);
    let given = read(Some(planned.plan.clone()), Some(3)).unwrap();
    assert_eq!(decide(&catalog, &given, Some(&run)).unwrap().plan, planned.plan);
}

#[test]
fn a_number_that_is_a_text_now_stays_one() {
    let catalog = catalog(vec![table(5, "t", vec![column("price", "text"), column("kept", "text")])]);
    let run = Run {
        tables: vec![RunTable {
            source: "t".into(),
            schema: "public".into(),
            table: "t".into(),
            since: Since::Same,
        }],
        plan: json!({"tables": {"t": {"columns": {
            "price": {"name": "price", "type": "numeric(10,2)"}, "kept": {"name": "kept", "type": "text"}}}}}),
        source: json!({"declared": {"t": {"columns": {
            "price": {"type": "DECIMAL(10,2)"}, "kept": {"type": "DECIMAL(9)"}}}}}),
        ..Run::default()
    };
    let given = read(None, Some(3)).unwrap();
    let planned = decide(&catalog, &given, Some(&run)).unwrap();
    assert_eq!(planned.tables[0].create, "CREATE TABLE \"t\" (\n\t\"price\" TEXT,\n\t\"kept\" DECIMAL(9)\n)");
}

#[test]
fn what_cannot_be_read_blocks() {
    let refused = Table {
        refused: Some(Refusal::Denied("permission denied".into())),
        ..table(1, "t", vec![column("a", "text")])
    };
    let catalog = catalog(vec![refused]);
    let given = overrides(json!({}));
    let planned = decide(&catalog, &given, None).unwrap();
    assert_eq!(planned.findings[0].patch(), Some(json!({"tables": {"t": {"skip": true}}})));
    let given = overrides(planned.findings[0].patch().unwrap());
    assert!(decide(&catalog, &given, None).unwrap().findings.iter().all(|f| f.kind == Kind::NoTables));
    let given = overrides(json!({"tables": {"T": {}}}));
    let error = decide(&catalog, &given, None).err().unwrap().to_string();
    assert_eq!(error, "plan.tables.T: matches no table, did you mean \"t\"?");
}

#[test]
fn what_is_named_is_left_out_only_where_the_plan_says_so() {
    let denied = Table {
        refused: Some(Refusal::Denied("permission denied".into())),
        ..table(1, "denied", vec![column("a", "text")])
    };
    let of_extension =
        Table { extension: Some("x".into()), ..table(2, "of_extension", vec![column("a", "text")]) };
    let view = Table {
        kind: TableKind::View,
        query: Some(" SELECT t.a\n   FROM public.t;".into()),
        ..table(3, "v", vec![column("a", "integer")])
    };
    let bare = table(5, "bare", vec![column("a", "integer")]);
    let catalog =
        catalog(vec![bare, denied, of_extension, table(4, "t", vec![column("a", "integer")]), view]);
    for own in [json!({}), json!({"skip": false})] {
        let bare = json!({"columns": {"a": {"skip": true}}});
        let given = overrides(json!({"exclude": ["other"], "tables": {
            "v": own, "denied": own, "of_extension": own, "bare": bare}}));
        let first = decide(&catalog, &given, None).unwrap();
        assert_eq!(
            (&first.plan["tables"]["v"], &first.plan["tables"]["denied"], &first.plan["tables"]["bare"]),
            (&own, &own, &json!({"skip": true}))
        );
        let given = overrides(first.plan.clone());
        let again = decide(&catalog, &given, None).unwrap();
        assert_eq!(again.plan, first.plan);
        assert_eq!((first.views.len(), again.views.len()), (1, 1));
        assert_eq!((first.tables.len(), again.tables.len()), (2, 2));
        assert!(
            kinds(&again)
                .contains(&(Kind::Denied, "denied: the table cannot be read: permission denied".into()))
        );
    }
}

/// They have no oids by which they could be told apart.
#[test]
fn each_table_that_is_gone_is_skipped_by_its_name() {
    let gone = |name: &str| Table {
        refused: Some(Refusal::Other("it does not exist any more".into())),
        ..table(0, name, vec![])
    };
    let catalog = catalog(vec![gone("a"), gone("b")]);
    let given = overrides(json!({"tables": {"a": {"skip": true}}}));
    let first = decide(&catalog, &given, None).unwrap();
    let told: Vec<&str> = first.findings.iter().map(|f| f.object.as_str()).collect();
    assert_eq!(told, ["b", "the file"]);
    let given = overrides(json!({"tables": {"a": {"skip": true}, "b": {"skip": true}}}));
    assert!(decide(&catalog, &given, None).unwrap().findings.iter().all(|f| f.kind == Kind::NoTables));
}

#[test]
fn rows_of_tables_that_inherit_are_missed() {
    let mut parent = table(1, "a", vec![column("n", "integer")]);
    parent.heirs = vec![(2, "b".into()), (3, "other.c".into())];
    let catalog = catalog(vec![parent, table(2, "b", vec![column("n", "integer")])]);
    let given = overrides(json!({}));
    let planned = decide(&catalog, &given, None).unwrap();
    let message = "a: the rows of tables that inherit from it are not carried over: other.c";
    assert_eq!(kinds(&planned), [(Kind::LeftOut, message.to_string())]);
}

#[test]
fn no_program_is_recognised_in_an_exported_file() {
    use crate::catalog as file;
    let (catalog, overrides) = (shop(), overrides(json!({})));
    let planned = decide(&catalog, &overrides, None).unwrap();
    let of_file = |table: &OutTable<'_>| file::Table {
        name: table.name.clone(),
        sql: table.create.clone(),
        columns: vec![file::Column::default(); 2],
        // As PostgreSQL names keys, and Prisma.
        foreign_keys: vec![file::ForeignKey { name: Some("a_b_fkey".into()), ..Default::default() }],
        ..Default::default()
    };
    let read = file::Catalog { tables: planned.tables.iter().map(of_file).collect(), ..Default::default() };
    assert_eq!(crate::orm::signs::recognise(&read), []);
}

fn exported(tables: Vec<Table>) -> (Vec<String>, Vec<String>) {
    let (catalog, overrides) = (catalog(tables), overrides(json!({})));
    let planned = decide(&catalog, &overrides, None).unwrap();
    let tables = planned.tables.iter().flat_map(|t| [&t.create].into_iter().chain(&t.indexes));
    let made = tables.chain(planned.views.iter().map(|v| &v.create)).cloned().collect();
    (made, planned.findings.iter().map(|f| format!("{}: {}", f.object, f.message)).collect())
}

#[test]
fn generated_columns_and_expressions_of_indexes_are_computed() {
    let computed = |name: &str, type_name: &str, expression: &str| Column {
        generated: true,
        default: Some(expression.into()),
        ..column(name, type_name)
    };
    let mut t = table(
        1,
        "t",
        vec![
            computed("twice", "bigint", "((n)::bigint * 2)"),
            column("n", "integer"),
            column("s", "text"),
            computed("low", "text", "lower(s)"),
            computed("named", "text", "(s || 'x'::text)"),
        ],
    );
    let index = |name: &str, expression: &str| Index {
        name: name.into(),
        unique: true,
        method: "btree".into(),
        keys: vec![IndexKey { column: None, expression: expression.into(), descending: true }],
        predicate: None,
        nulls_not_distinct: false,
        invalid: false,
    };
    t.indexes = vec![index("i", "length(s)"), index("j", "lower(s)"), index("k", "((n % 7) + twice)")];
    let (made, told) = exported(vec![t]);
    assert_eq!(
        made,
        [
            "CREATE TABLE \"t\" (\n\t\"twice\" BIGINT GENERATED ALWAYS AS ((\"n\" * 2)) STORED,\n\t\"n\" INTEGER,\n\t\"s\" TEXT,\n\t\"low\" TEXT,\n\t\"named\" TEXT GENERATED ALWAYS AS ((\"s\" || 'x')) STORED\n)",
            "CREATE UNIQUE INDEX \"i\" ON \"t\" ((length(\"s\")) DESC)",
            "CREATE UNIQUE INDEX \"k\" ON \"t\" ((((\"n\" % 7) + \"twice\")) DESC)",
        ]
    );
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().all(|line| line.contains("lower() of SQLite knows ASCII letters only")), "{told:?}");
}
