"""The plan key using: a SQLite expression is read instead of a column, by everything that reads the file."""

import json
import re

import pytest

import damaged
from client import fails
from harness import ROOT, shared
from test_remedies import blocking, check_all


def lines(t, query):
    return t.shown(query).split("\n")


def columns(table, **keys):
    return {"tables": {table: {"columns": keys}}}


def recipes():
    """The expressions of the table in docs/plan.md, by what they are for."""
    page = (ROOT / "docs/plan.md").read_text()
    section = page.split("## Reading a column by an expression")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| `` ?(.+?) ?`` \|", section, re.M)
    return {what: json.loads(f"{{{example}}}")["using"] for what, example in rows}


def test_the_recipes_of_the_page(t):
    found = recipes()
    path = t.file("a.db", """CREATE TABLE t (id INTEGER PRIMARY KEY, price TEXT, day TEXT, code TEXT, name TEXT, full TEXT, email TEXT, at TEXT, flags TEXT);
        INSERT INTO t VALUES (1, '1.234,50', '31.12.2020', '20201231', '  Ann ', 'Ann Lee', 'ann@lee.org', '9:05 AM', '0xff'),
                             (2, '2,5', '01.02.2021', '20210201', 'Bob', 'Bob', 'bob@x.org', '12:15 AM', '0x10'), (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)""")
    keys = {
        "price": {"using": found["decimal commas, dots between thousands"], "type": "numeric"},
        "day": {"using": found["`dd.mm.yyyy`"], "type": "date"},
        "code": {"using": found["`yyyymmdd`"], "type": "date"},
        "name": {"using": found["blanks around a text"]},
        "full": {"using": found["the first word"]},
        "email": {"using": found["a mask"]},
    }
    assert len(found) == len(keys), found
    plan = columns("t", **keys, at={"skip": True}, flags={"skip": True})
    assert not blocking(t.findings(path, plan))
    assert t.import_(path, plan)["t"]["imported"] == 3
    assert lines(t, 'SELECT * FROM t ORDER BY id') == [
        "1|1234.50|2020-12-31|2020-12-31|Ann|Ann|user1@example.com", "2|2.5|2021-02-01|2021-02-01|Bob|Bob|user2@example.com", "3||||||user3@example.com"]
    assert t.plan(path, t.plan(path, plan)) == t.plan(path, plan)


def test_the_type_is_decided_from_the_expression(t):
    path = t.file("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, n REAL, d DATE, b BOOLEAN); INSERT INTO t VALUES (1, '1,5', '31.12.2020', 'j'), (2, '2,25', '01.01.2021', 'n')")
    plan = columns("t", n={"using": "CAST(replace(n, ',', '.') AS REAL)"}, d={"using": "substr(d, 7, 4) || '-' || substr(d, 4, 2) || '-' || substr(d, 1, 2)"}, b={"using": "b = 'j'"})
    assert {f["kind"] for f in t.findings(path)} >= {"type_missed"}
    assert "type_missed" not in {f["kind"] for f in t.findings(path, plan)}
    t.import_(path, plan)
    assert lines(t, "SELECT *, pg_typeof(n), pg_typeof(d) FROM t ORDER BY id") == ["1|1.5|2020-12-31|t|double precision|date", "2|2.25|2021-01-01|f|double precision|date"]


@pytest.mark.parametrize("using, reason", [
    ("missing + 1", "no such column: missing"), ("count(*)", "misuse of aggregate"), ("a, a", "not one expression"), ("a; SELECT 1", "semicolons"),
    ("load_extension('x')", "not authorized"), ("(SELECT x FROM elsewhere)", "no such table"), ("row_number() OVER ()", "misuse of window function"), ("?1", "parameters"),
])
def test_what_is_no_expression_is_refused(t, using, reason):
    path = t.file("a.db", "CREATE TABLE t (a); INSERT INTO t VALUES (1)")
    for function in ["sqlite_import", "sqlite_plan", "sqlite_findings"]:
        for plan in [{}, {"profile": "none"}, {"on_error": "continue"}]:
            with fails("22023", "for column t\\.a", hint="using"):
                t.sql(t.call(function, path, {**columns("t", a={"using": using}), **plan}))
    with fails("22023", reason):
        t.sql(t.call("sqlite_import", path, columns("t", a={"using": using})))


def test_bad_values_name_their_path(t):
    path = t.file("a.db", "CREATE TABLE t (a, b AS (a + 1)); INSERT INTO t VALUES (1)")
    with fails("22023", "plan.tables.t.columns.a.using: expected a string, not a number"):
        t.sql(t.call("sqlite_plan", path, columns("t", a={"using": 1})))
    with fails("22023", "plan.using: unknown key"):
        t.sql(t.call("sqlite_plan", path, {"using": "a"}))
    with fails("22023", "plan.tables.t.columns.b.using", hint="generated to false"):
        t.sql(t.call("sqlite_plan", path, columns("t", b={"using": "a", "generated": True})))
    t.import_(path, columns("t", b={"using": "a * 10"}))
    assert t.shown("SELECT * FROM t") == "1|10"


def test_keys_compare_what_is_loaded(t):
    path = t.file("a.db", """CREATE TABLE p (id TEXT PRIMARY KEY, code TEXT UNIQUE); INSERT INTO p VALUES ('a ', 'x'), ('a', 'X'), ('b', NULL), ('c', NULL);
        CREATE TABLE c (id INTEGER PRIMARY KEY, p TEXT REFERENCES p); INSERT INTO c VALUES (1, 'A'), (2, 'b'), (3, 'z');""")
    plan = t.merged(columns("p", id={"using": "trim(id)"}, code={"using": "lower(code)"}), columns("c", p={"using": "lower(p)"}))
    said = {f["object"]: (f["severity"], f["kind"], f["message"]) for f in t.findings(path, plan)}
    assert said["primary key of p"] == ("blocking", "duplicate_key", "1 group of rows shares a value (('a'))"), said
    assert said["unique constraint on p(code)"] == ("blocking", "duplicate_key", "1 group of rows shares a value by the plan's using (('x'))"), said
    check_all(t, path, plan)
    allowed = t.merged(plan, {"keys": "as_data_allows", "orphans": "keep"})
    assert t.import_(path, allowed)["p"]["imported"] == 4
    assert lines(t, "SELECT id, code FROM p ORDER BY id, code") == ["a|x", "a|x", "b|", "c|"]
    t.sql("DROP TABLE c, p")
    only_one = t.merged(plan, {"tables": {"p": {"where": "id <> 'a '"}}})
    assert [f["message"] for f in blocking(t.findings(path, only_one))] == ['1 row points to no row of "p" (rowid 3)'], t.findings(path, only_one)
    only_one = t.merged(only_one, {"tables": {"c": {"where": "id < 3"}}})
    assert not blocking(t.findings(path, only_one))
    t.import_(path, only_one)
    assert lines(t, "SELECT c.id, p.id FROM c JOIN p ON p.id = c.p ORDER BY 1") == ["1|a", "2|b"]


def test_orphans_are_searched_for_among_loaded_values(t):
    path = t.file("a.db", """CREATE TABLE p (id INTEGER PRIMARY KEY); INSERT INTO p VALUES (1), (2);
        CREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p); INSERT INTO c VALUES (10, 1), (11, 2), (12, 102);""")
    plan = {"orphans": "reject", **t.merged(columns("p", id={"using": "id + 100"}), columns("c", p={"using": "'10' || substr(p, -1)"}))}
    assert t.import_(path, plan)["c"]["rejected"] == 0
    assert lines(t, "SELECT id, p FROM c ORDER BY 1") == ["10|101", "11|102", "12|102"]
    assert t.value("INSERT INTO p DEFAULT VALUES RETURNING id") == "103"
    t.sql("DROP TABLE c, p")
    plan = {"orphans": "reject", **columns("p", id={"using": "id + 100"})}
    assert t.import_(path, plan)["c"]["rejected"] == 2
    assert lines(t, "SELECT id, p FROM c") == ["12|102"]


def test_checks_and_generated_columns_see_what_is_loaded(t):
    path = t.file("a.db", """PRAGMA ignore_check_constraints = 1; CREATE TABLE t (id INTEGER PRIMARY KEY, n NUMERIC CHECK (t.n < 10), twice NUMERIC AS (n * 2.5));
        INSERT INTO t (id, n) VALUES (1, '1,5'), (2, '20,5')""")
    plan = columns("t", n={"using": "replace(n, ',', '.')", "type": "numeric"})
    found = t.findings(path, plan)
    assert ["1 row breaks it: t.n < 10"] == [f["message"] for f in found if f["kind"] == "broken_check"], found
    assert ["generated_otherwise"] == [f["kind"] for f in found if f["object"] == "t.twice"], found
    t.import_(path, {**plan, "keys": "as_data_allows"})
    assert lines(t, "SELECT id, n, twice FROM t ORDER BY id") == ["1|1.5|3.75", "2|20.5|51.25"]


def test_rejected_rows_and_errors_show_the_expression_s_value(t):
    path = t.file("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, ip TEXT); INSERT INTO t VALUES (1, 'secret 10.0.0.1'), (2, 'secret x')")
    plan = columns("t", ip={"using": "replace(ip, 'secret ', '')", "type": "inet"})
    with fails("22P02", "'x'"):
        t.sql(t.call("sqlite_import", path, plan))
    t.import_(path, t.merged(plan, columns("t", ip={"on_invalid": "reject"})))
    assert t.value('SELECT "values"->>\'ip\' FROM sqlite_migrate.reject') == "x"


def test_an_existing_table_takes_the_expression_s_values(t):
    path = t.file("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, d TEXT); INSERT INTO t VALUES (1, '31.12.2020')")
    t.sql("CREATE TABLE t (id bigint PRIMARY KEY, d date)")
    using = "substr(d, 7, 4) || '-' || substr(d, 4, 2) || '-' || substr(d, 1, 2)"
    for plan in [{"on_conflict": "update"}, {"on_conflict": "skip"}]:
        assert t.import_(path, {**plan, **columns("t", d={"using": using})})["t"]["status"] == "loaded"
        assert t.shown("SELECT * FROM t") == "1|2020-12-31"


def test_a_table_without_rowids_and_a_sample(t):
    path = t.file("a.db", "CREATE TABLE w (k TEXT PRIMARY KEY, v) WITHOUT ROWID; INSERT INTO w VALUES ('a', '1,5'), ('b', '2,5')")
    plan = {"profile": "sample", **columns("w", v={"using": "replace(v, ',', '.')", "type": "numeric"}, k={"using": "upper(k)"})}
    assert t.import_(path, plan)["w"]["imported"] == 2
    assert lines(t, "SELECT * FROM w ORDER BY 1") == ["A|1.5", "B|2.5"]


def test_a_damaged_table_is_recovered_through_the_expression(t):
    path = t.dir / "d.db"
    damaged.build(path)
    broken = damaged.Bytes(path)
    broken.zero(damaged.pages(path, "t", "leaf")[4])
    broken.write()
    t.own(path)
    plan = {"on_error": "continue", "include": ["t"], **columns("t", v={"using": "upper(v)"}, n={"using": "n + 0.5", "type": "numeric"})}
    assert t.import_(path, plan)["t"]["imported"] > 1000
    assert t.value("SELECT bool_and(v = upper(v) AND n % 1 = 0.5) FROM t") == "t"


def using_fixes(t, path, plan=None):
    """The fixes of a file's findings that set using, by object."""
    return {f["object"]: f for f in t.findings(path, plan or {}) if f["fix"] and '"using"' in json.dumps(f["fix"])}


def test_findings_offer_expressions(t):
    path = t.file("66.db", shared("cases", "66-comma-decimals-dates.sql").read_text())
    found = using_fixes(t, path)
    assert set(found) == {"imp.d1", "imp.d2", "imp.n1", "imp.h", "imp.t"}, {k: f["message"] for k, f in found.items()}
    check_all(t, path, {})
    plan = t.merged({}, *(f["fix"] for f in found.values()))
    assert not using_fixes(t, path, plan), using_fixes(t, path, plan)
    assert t.import_(path, plan)["imp"]["imported"] == 2
    assert lines(t, "SELECT id, d1, d2, d3, n1, n2, b, h, t, '<' || blk || '>' FROM imp ORDER BY id") == [
        "1|2020-12-31|2020-12-31|Jan 5 2020|1.5|1.234|t|255|09:05:00|<     >", "2|2021-02-01|2021-01-02|Jan 6 2020|2.5|2.345|f|16|22:15:00|<abc  >"]
    types = [t.type_of("imp", column) for column in ("d1", "d2", "n1", "b", "h", "t")]
    assert types == ["date", "date", "double precision", "boolean", "bigint", "time without time zone"], types


@pytest.mark.parametrize("declared, values, expected", [
    ("DATE", "('31.12.2020'), (NULL)", "date 2020-12-31,-"),
    ("DATETIME", "(20201231), (20210102)", "timestamp without time zone 2020-12-31 00:00:00,2021-01-02 00:00:00"),
    ("DECIMAL(10,2)", "('1.234,50'), ('-0,05')", "numeric(10,2) 1234.50,-0.05"),
    ("REAL", "('0,1'), (0.30000000000000004)", "double precision 0.1,0.30000000000000004"),
    ("TIME", "('12:00 AM'), ('12:30:15 pm'), ('1:07PM')", "time without time zone 00:00:00,12:30:15,13:07:00"),
    ("INTEGER", "('0xFF'), ('0X7fffffff'), (5)", "bigint 255,2147483647,5"),
    # What jsonb() of SQLite makes, also beside documents.
    ("JSONB", "(x'0b'), (x'4c17611331'), ('{\"b\": 2}'), (NULL)", 'jsonb [],{"a": 1},{"b": 2},-'),
])
def test_every_spelling_is_read_as_it_is_meant(t, declared, values, expected):
    path = t.file("a.db", f'CREATE TABLE t ("a b" {declared}); INSERT INTO t VALUES {values}')
    fixes = using_fixes(t, path)
    assert fixes, t.findings(path)
    plan = t.merged({}, *(f["fix"] for f in fixes.values()))
    assert not [f for f in t.findings(path, plan) if f["kind"] in ("type_missed", "unread_numbers")]
    t.import_(path, plan)
    shown = t.shown("SELECT string_agg(coalesce(\"a b\"::text, '-'), ',') FROM t")
    assert f'{t.type_of("t", "a b")} {shown}' == expected


@pytest.mark.parametrize("declared, values", [
    ("DATE", "('31.12.2020'), ('x')"), ("DATE", "('31.13.2020')"), ("REAL", "('1,500'), ('2,250')"), ("REAL", "('1.234,5'), ('1.234')"),
    ("JSON", "(x'0b'), (x'ff')"), ("JSON", "(x'0b'), ('x')"), ("JSON", "(x'3761220a')"), ("JSON", "(x'246666')"), ("JSON", "(x'332d2d35')"), ("BLOB", "(x'0b')"), ("TIME", "('13:05 PM')"), ("INTEGER", "('0xZZ')"), ("TEXT", "('31.12.2020')"), ("INTEGER", "('1,5')"),
])
def test_nothing_is_offered_where_a_value_has_another_spelling(t, declared, values):
    path = t.file("a.db", f"CREATE TABLE t (a {declared}); INSERT INTO t VALUES {values}")
    assert not using_fixes(t, path)


def test_an_explicit_type_and_an_existing_column_get_the_expression_too(t):
    path = t.file("a.db", "CREATE TABLE t (d TEXT); INSERT INTO t VALUES ('31.12.2020'), ('01.02.2021')")
    plan = columns("t", d={"type": "date"})
    (finding,) = blocking(t.findings(path, plan))
    assert "using" in finding["fix"]["tables"]["t"]["columns"]["d"] and "to read dates as dd.mm.yyyy" in finding["hint"], finding
    check_all(t, path, plan)
    t.sql("CREATE TABLE t (d date)")
    (finding,) = blocking(t.findings(path))
    t.import_(path, t.merged({}, finding["fix"]))
    assert lines(t, "SELECT * FROM t ORDER BY 1") == ["2020-12-31", "2021-02-01"]


@pytest.mark.parametrize("pg_type", ["json", "jsonb"])
def test_sqlite_s_binary_json_into_an_existing_column(t, pg_type):
    path = t.file("a.db", "CREATE TABLE t (n INTEGER, j BLOB); INSERT INTO t VALUES (1, x'0b'), (2, x'4c17611331'), (3, NULL)")
    t.sql(f"CREATE TABLE t (n int, j {pg_type})")
    (finding,) = blocking(t.findings(path))
    # The error says the same.
    assert "json" in pasted(t.import_fails(path, {}, "22P02", 'column "j" of table "t"'))["tables"]["t"]["columns"]["j"]["using"]
    assert finding["fix"] == columns("t", j={"using": 'json("j")'}) and "to read JSON in SQLite's binary form" in finding["hint"], finding
    t.import_(path, t.merged({}, finding["fix"]))
    assert t.shown("SELECT string_agg(coalesce(j::jsonb::text, '-'), ' ' ORDER BY n) FROM t") == '[] {"a": 1} -'


# Expressions that fail, and that change

FAILING = [("json(v)", "malformed JSON", "'{'"), ("abs(v)", "integer overflow", "-9223372036854775807 - 1"), ("json_extract(v, '$')", "malformed JSON", "'['")]
KEYED = "CREATE TABLE t (a INTEGER, b TEXT, v, w, PRIMARY KEY (b, a)) WITHOUT ROWID; INSERT INTO t VALUES (1, 'x', {good}, 1), (2, 'it''s', {bad}, 2)"
ORDINARY = "CREATE TABLE t (id INTEGER PRIMARY KEY, v, w NOT NULL DEFAULT 5); INSERT INTO t VALUES (1, {good}, 1), (2, {bad}, 2), (5, {good}, 3)"


def pasted(failure):
    return json.loads(failure.hint.split("As a plan: ")[1])


@pytest.mark.parametrize("using, message, bad", FAILING)
@pytest.mark.parametrize("script", [ORDINARY, KEYED])
def test_an_expression_that_fails_is_named_with_its_row(t, script, using, message, bad):
    path = t.file("a.db", script.format(good=1, bad=bad))
    row = r"rowid 2" if script == ORDINARY else r"\"b\" = 'it''s', \"a\" = 2"
    for column in "vw":
        plan = columns("t", **{column: {"using": using}})
        for function in ["sqlite_findings", "sqlite_plan", "sqlite_import"]:
            for options in [{}, {"profile": "none"}]:
                if function != "sqlite_import" and options:
                    continue
                with fails("22000", f'expression "{re.escape(using)}" for column t.{column} of .* cannot be computed: {message}\n.*{row}', hint="using|where") as failure:
                    t.sql(t.call(function, path, {**plan, **options}))
        fixed = t.merged(plan, pasted(failure))
        assert not blocking(t.findings(path, fixed)), fixed
        left = 0 if script == KEYED or column == "v" else 1
        assert t.import_(path, {**fixed, "existing_rows": "replace"})["t"]["imported"] == (2 if script == KEYED else 3) - left
        if not left:
            assert t.value(f"SELECT count(*) FROM t WHERE {column} IS NULL") == "1"
        t.sql("DROP TABLE t")


def test_a_condition_that_fails_is_named_with_its_row(t):
    path = t.file("a.db", ORDINARY.format(good="'[]'", bad="'{'"))
    plan = {"tables": {"t": {"where": "json(v) = '[]' -- all"}}}
    with fails("22000", r'condition "json\(v\) = .* for table t .*malformed JSON\n.*rowid 2') as failure:
        t.sql(t.call("sqlite_import", path, plan))
    assert t.import_(path, t.merged(plan, pasted(failure)))["t"]["imported"] == 2
    both = {"tables": {"t": {"where": "id < 5", "columns": {"w": {"using": "json(v)"}}}}}
    with fails("22000", "t.w") as failure:
        t.sql(t.call("sqlite_import", path, both))
    assert pasted(failure) == {"tables": {"t": {"where": "(id < 5) AND rowid IS NOT 2"}}}
    assert t.import_(path, {**t.merged(both, pasted(failure)), "existing_rows": "replace"})["t"]["imported"] == 1


@pytest.mark.parametrize("profile", ["full", "none"])
def test_an_expression_that_fails_is_no_damage(t, profile):
    """A run that goes on leaves the table out, damaged or not, and recovers nothing of it."""
    path = t.dir / "d.db"
    damaged.build(path)
    broken = damaged.Bytes(path)
    broken.zero(damaged.pages(path, "t", "leaf")[4])
    broken.write()
    t.own(path)
    plan = {"on_error": "continue", "profile": profile, "include": ["t"], **columns("t", v={"using": "json(v)"})}
    row = t.import_(path, plan)["t"]
    assert row["status"] == "failed" and "cannot be computed: malformed JSON" in row["detail"] and "could not be read" not in row["detail"], row
    path = t.file("a.db", ORDINARY.format(good="'[]'", bad="'{'") + "; CREATE TABLE u (a); INSERT INTO u VALUES (1)")
    plan = {"on_error": "continue", "profile": profile, **columns("t", v={"using": "json(v)"})}
    rows = t.import_(path, plan)
    assert rows["u"]["imported"] == 1 and rows["t"]["status"] == "failed" and "rowid 2" in rows["t"]["detail"], rows
    if profile == "full":
        (finding,) = [f for f in t.findings(path, plan) if f["object"] == "t" and f["severity"] == "warning"]
        assert finding["kind"] == "failed_expression" and finding["fix"], finding
        assert t.import_(path, {**t.merged(plan, finding["fix"]), "existing_rows": "replace"})["t"]["imported"] == 3


@pytest.mark.parametrize("profile", ["full", "none"])
def test_what_is_random_is_refused(t, profile):
    path = t.file("a.db", "CREATE TABLE t (a); INSERT INTO t VALUES (1); CREATE VIEW dice AS SELECT random() AS n")
    for expression in ["random()", "hex(randomblob(a))", "a + (SELECT n FROM dice)"]:
        for plan in [columns("t", a={"using": expression}), {"tables": {"t": {"where": f"{expression} <> 0"}}}]:
            with fails("22023", r"not valid: random(blob)?\(\) gives another value each time"):
                t.sql(t.call("sqlite_import", path, {"profile": profile, **plan}))


def test_rows_that_the_clock_selects_are_not_counted_again(t):
    """A condition that selects a row no more when the rows of the file are counted, which is later than they are loaded."""
    path = t.file("a.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, at); INSERT INTO t VALUES (1, 'x')")
    plan = {"tables": {"t": {"where": "at = 'x' AND datetime('now') > '2000-01-01'", "columns": {"at": {"using": "date('now') > at"}}}}}
    found = {(f["severity"], f["object"]) for f in t.findings(path, plan) if f["kind"] == "reads_clock"}
    assert found == {("warning", "t"), ("info", "t.at")}, found
    row = t.import_(path, plan)["t"]
    assert row["imported"] == 1
    assert t.shown("SELECT source_rows IS NULL FROM sqlite_migrate.run_table") == "t"
    assert t.shown("SELECT source_rows, target_rows, ok FROM verify_counts()") == "1|1|t"
