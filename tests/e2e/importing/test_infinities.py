"""Infinity and NaN, as texts and as SQLite's own infinite reals."""

from harness import shared


def lines(t, query):
    return t.shown(query).split("\n")


def test_what_the_report_has(t):
    path = t.file("a.db", shared("cases", "30-nan-inf.sql").read_text())
    findings = {f["object"]: f for f in t.findings(path, {})}
    assert set(findings) == {"Float.m"}, findings
    assert "1 value" in findings["Float.m"]["hint"], findings
    plan = {"tables": {"Float": {"columns": {"m": {"type": "double precision", "on_invalid": "null"}}}}}
    row = t.import_(path, plan)["Float"]
    assert "1 value became NULL" in row["detail"], row
    assert [t.type_of(table, column) for table, column in [("Float", "n"), ("Float", "m"), ("Float", "t"), ("purereal", "r")]] == [
        "double precision", "double precision", "numeric", "double precision"]
    assert lines(t, 'SELECT n, m, t FROM "Float" ORDER BY id') == [
        "-Infinity||1", "Infinity|1.5|NaN", "NaN|2.5|Infinity", "2|-Infinity|-Infinity", "Infinity|0.1|3"]
    assert lines(t, "SELECT r FROM purereal ORDER BY id") == ["Infinity", "-Infinity", "0", "5e-324", "1.7976931348623157e+308"], "SQLite itself stores -0.0 as 0"


# What PostgreSQL reads whatever the C library of the server reads, and what it does not.
WORDS = ["NaN", "nan", "NAN", "inf", "Inf", "+inf", "-INF", "infinity", "+Infinity", "-infinity"]
OTHERS = ["nan(ind)", "1.#INF", "infin", "", "+-inf"]


def test_every_word_that_the_server_reads(t):
    for pg_type in ["double precision", "real", "numeric"]:
        rows = ", ".join(f"({n}, '{word}')" for n, word in enumerate(WORDS))
        path = t.file("a.db", f"CREATE TABLE w (id INTEGER PRIMARY KEY, v REAL, s TEXT); INSERT INTO w(id, v) VALUES {rows}; UPDATE w SET s = v;")
        t.import_(path, {"tables": {"w": {"columns": {"v": {"type": pg_type}}}}})
        assert t.value(f"SELECT count(*) FROM w WHERE v IS DISTINCT FROM s::{pg_type}") == "0", pg_type
        t.sql("DROP TABLE w")
    t.import_(path)
    assert t.type_of("w", "v") == "double precision"
    for word in OTHERS:
        path = t.file("a.db", f"CREATE TABLE o (v REAL); INSERT INTO o VALUES (1.5), ('{word}');")
        t.sql("DROP TABLE IF EXISTS o")
        assert t.import_(path)["o"]["imported"] == 2 and t.type_of("o", "v") == "text", word


def test_numeric_with_limits_takes_nan_only(t):
    t.sql("CREATE TABLE n (v numeric(5, 2))")
    path = t.file("a.db", "CREATE TABLE n (v NUMERIC); INSERT INTO n VALUES (1.5), ('NaN');")
    t.import_(path)
    assert lines(t, "SELECT v FROM n ORDER BY v") == ["1.50", "NaN"]
    path = t.file("a.db", "CREATE TABLE n (v NUMERIC); INSERT INTO n VALUES ('Infinity');")
    t.import_fails(path, {"existing_rows": "truncate"}, "22P02", 'value does not fit column "v" of table "n"')
