"""Views, generated columns, expressions of indexes and CHECKs of any schema: what is carried over means the same in both."""

import sqlite3

from client import fails
from exports import call, cells, export, findings, schema
from harness import quote

TABLES = """
    CREATE TABLE person (id int PRIMARY KEY, name text, nick varchar(9), born date, seen timestamptz, active boolean, boss int REFERENCES person, code text COLLATE "C", prices numeric);
    INSERT INTO person SELECT n, nullif('name ' || n % 4, 'name 3'), left(md5(n::text), n % 5), date '1999-12-28' + n, timestamptz '2024-05-01Z' + n * interval '1 h',
                              nullif(n % 3, 2) = 0, nullif(n / 3, 0), chr(60 + n), n / 7.0 FROM generate_series(1, 40) n;
    CREATE TABLE "Order" (nr bigint PRIMARY KEY, person int, "Amount" int, note text, parts smallint);
    INSERT INTO "Order" SELECT n, nullif(n % 45, 0), 2147483000 - n, CASE n % 5 WHEN 0 THEN NULL WHEN 1 THEN 'a_b' WHEN 2 THEN 'A*b' WHEN 3 THEN '[x]' ELSE 'é%' END, -n % 7 FROM generate_series(1, 90) n;
"""

# Each by name; those that are told as not carried over, with a part of the reason.
VIEWS = {
    "plain": "SELECT id, name, seen, prices, active FROM person",
    "filtered": "SELECT id AS \"Key\", born FROM person WHERE active AND born >= '2000-01-05' AND NOT (boss IS NULL) AND name IN ('name 1', 'name 2')",
    "joined": "SELECT p.id, o.nr, b.name AS boss FROM person p JOIN \"Order\" o ON o.person = p.id LEFT JOIN person b ON b.id = p.boss AND b.active WHERE o.parts <> 0",
    "grouped": "SELECT name, count(*) AS n, count(DISTINCT active) AS kinds, sum(id) AS total, min(born) AS first FROM person GROUP BY name HAVING count(*) > 3",
    "aggregated": "SELECT count(boss) AS bosses, min(code) AS least, max(born) AS last, sum(id) FROM person WHERE id < 0",
    "distinct_ones": "SELECT DISTINCT name, active FROM person",
    "computed": "SELECT nr, \"Amount\" / 7 AS q, -\"Amount\" % 7 AS r, nr * 3 - parts AS s, note || '!' || nr AS t, COALESCE(note, 'none') AS c, NULLIF(parts, 0) AS z, abs(parts) AS a, length(note) AS l, CASE WHEN parts > 3 THEN 'big' WHEN parts IS NULL THEN NULL ELSE 'small' END AS size, note LIKE '%\\_b' AS under, note LIKE 'a%' AS lower, note NOT LIKE '[_]' AS no, parts IS DISTINCT FROM 2 AS other, (parts > 2) IS NOT TRUE AS few FROM \"Order\"",
    "combined": "SELECT id, name FROM person UNION SELECT person, note FROM \"Order\" UNION ALL SELECT id, code FROM person",
    "sorted": "SELECT code, boss FROM person ORDER BY boss DESC, code NULLS FIRST",
    "over": "SELECT \"Key\" + 1 AS next, born FROM filtered",
    "several": "SELECT a.id, b.nr FROM person a, \"Order\" b WHERE a.id = b.person AND b.note = 'A*b'",
}
REFUSED = {
    "averaged": ("SELECT avg(id) FROM person", "function avg()"),
    "limited": ("SELECT id FROM person ORDER BY id LIMIT 3", "LIMIT"),
    "lowered": ("SELECT lower(name) FROM person", "ASCII letters only"),
    "windowed": ("SELECT row_number() OVER (ORDER BY id) FROM person", "row_number()"),
    "language": ("SELECT id FROM person WHERE nick > 'b'", "rules of a language"),
    "decimal": ("SELECT prices * 2 AS p FROM person", "operator *"),
    "clock": ("SELECT id FROM person WHERE seen < now()", "now()"),
    "recursive": ("WITH RECURSIVE r (n) AS (SELECT 1 UNION SELECT n + 1 FROM r WHERE n < 5) SELECT n FROM r", "no SELECT"),
    "over_refused": ("SELECT avg FROM averaged", "averaged, which is not in the file"),
}


def create_views(views):
    return "; ".join(f"CREATE VIEW {name} AS {query}" for name, query in views.items())


def rows(path, relation):
    return cells(path, f"SELECT * FROM {relation}")


def test_views_have_the_rows_that_they_have_in_postgresql(t):
    """The oracle is a table that PostgreSQL has filled from the view."""
    t.sql(f"{TABLES}; {create_views(VIEWS)}; {create_views({name: query for name, (query, _) in REFUSED.items()})}; CREATE SCHEMA copies")
    for name in VIEWS:
        t.sql(f"CREATE TABLE copies.{name}_rows AS SELECT * FROM {name}")
    path, _ = export(t, plan={"schemas": ["public", "copies"]})
    made = schema(path)
    assert {name for name in made if made[name].startswith("CREATE VIEW")} == set(VIEWS)
    for name in VIEWS:
        found, expected = rows(path, name), rows(path, f"{name}_rows")
        assert found and sorted(map(repr, found)) == sorted(map(repr, expected)), name
    assert rows(path, "sorted") == rows(path, "sorted_rows")
    told = findings(t)
    for name, (_, reason) in REFUSED.items():
        assert any(line.startswith(f"{name}: the view is not carried over") and reason in line for line in told), (name, told)
    # Comparing finds every view alike, and one that is not.
    compare = lambda: {(row["table"], row["column"]): row["detail"] for row in t.rows(f"SELECT * FROM verify_export({quote(str(path))}) WHERE NOT ok")}  # noqa: E731
    assert compare() == {}
    compared = t.value(f"SELECT count(DISTINCT \"table\") FROM verify_export({quote(str(path))}) WHERE detail IS NULL AND rows = rows_in_file")
    assert compared == str(len(VIEWS) + 2)
    db = sqlite3.connect(path)
    db.executescript("DROP VIEW plain; CREATE VIEW plain AS SELECT id, name || '' AS name, seen, prices, NOT active AS active FROM person; CREATE INDEX another ON person (boss); CREATE TRIGGER one AFTER DELETE ON person BEGIN SELECT 1; END")
    db.close()
    found = compare()
    assert found.pop(("person", None)) == "the file has 1 indexes where 0 are expected; the file has 1 triggers where 0 are expected"
    assert found == {("plain", None): "values differ", ("plain", "active"): None}
    assert [name for name in schema(export(t, "no.db", {"views": False})[0]) if name in VIEWS] == []
    assert "plain" not in schema(export(t, "less.db", {"exclude": ["pl*"], "tables": {"filtered": {"skip": True}}})[0])
    with fails("22023", "plan.tables.plain: is a view, of which only"):
        t.sql(call(t.dir / "x.db", {"tables": {"plain": {"target": "other"}}}))


def test_a_view_reads_what_its_tables_hold_in_the_file(t):
    """The rows of children are none of the parent's in SQLite, and a value that has become another is no ground for a view."""
    t.role("stranger")
    t.sql("""CREATE TABLE parent (a int); CREATE TABLE child (b int) INHERITS (parent); INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2, 3);
             CREATE TABLE f (x float8, n int); INSERT INTO f VALUES ('NaN', 1);
             CREATE VIEW of_parent AS SELECT a FROM parent; CREATE VIEW of_child AS SELECT b FROM child; CREATE VIEW of_f AS SELECT n FROM f WHERE x IS NOT NULL;
             CREATE TABLE hidden (a int); CREATE VIEW secret AS SELECT a FROM hidden; ALTER VIEW secret OWNER TO stranger; ALTER TABLE hidden OWNER TO stranger""")
    plan = {"on_invalid": "null"}
    path, _ = export(t, plan=plan)
    assert {name for name, sql in schema(path).items() if sql.startswith("CREATE VIEW")} == set()
    path, _ = export(t, "b.db", {"tables": {"f": {"columns": {"x": {"on_invalid": "null"}}}}})
    assert {name for name, sql in schema(path).items() if sql.startswith("CREATE VIEW")} == {"of_child", "secret"}
    lines = t.rows(f"SELECT detail FROM verify_export({quote(str(path))}, '{{\"tables\": {{\"f\": {{\"columns\": {{\"x\": {{\"on_invalid\": \"null\"}}}}}}}}}}') WHERE \"table\" = 'secret'")
    assert [line["detail"] for line in lines] == ["not compared: it, or what it reads, belongs to another role"]


def test_what_is_computed_is_computed_alike(t):
    """Generated columns, and keys and conditions of indexes that are expressions; SQLite's own results are the oracle's."""
    t.sql("""CREATE TABLE g (n int, s text, twice int GENERATED ALWAYS AS (n * 2) STORED, full_name text GENERATED ALWAYS AS (COALESCE(s, '?') || '-' || n::text) STORED,
                             up text GENERATED ALWAYS AS (upper(s)) STORED, positive boolean GENERATED ALWAYS AS (n > 0) STORED, id int GENERATED ALWAYS AS (n + 1000) STORED PRIMARY KEY,
                             CHECK (n % 7 < 7 AND (s LIKE 'a%' OR s IS NULL OR s NOT LIKE '%z_') AND CASE WHEN n < 0 THEN s IS NOT NULL ELSE true END));
             INSERT INTO g (n, s) SELECT n - 3, nullif(repeat('a', abs(n - 5)), '') FROM generate_series(1, 12) n;
             CREATE UNIQUE INDEX by_sum ON g ((n * 3 - 1) DESC, length(s)) WHERE (n + 1) <> 0; CREATE INDEX by_lower ON g (lower(s)); CREATE INDEX by_case ON g ((CASE WHEN positive THEN 'p' ELSE 'n' END))""")
    path, _ = export(t)
    made = schema(path)
    assert made["g"].count("GENERATED ALWAYS AS") == 3 and "NOT GLOB '*z?'" in made["g"]
    assert sorted(made) == ["by_case", "by_sum", "g"]
    expected = t.rows("SELECT n, s, twice, full_name, up, positive::int AS positive, id FROM g ORDER BY n")
    found = cells(path, "SELECT n, s, twice, full_name, up, positive, id FROM g ORDER BY n")
    assert [[None if v is None else str(v) for v in row] for row in found] == [[row[key] for key in row] for row in expected] or [list(map(str, row)) for row in found] == [list(map(str, row.values())) for row in expected]
    assert t.rows(f"SELECT * FROM verify_export({quote(str(path))}) WHERE NOT ok") == []
    # An expression is used, and refuses what PostgreSQL's refuses.
    plan = cells(path, "EXPLAIN QUERY PLAN SELECT * FROM g WHERE n * 3 - 1 = 5 AND (n + 1) <> 0")
    assert "by_sum" in str(plan)
    db = sqlite3.connect(path)
    for sql in ("INSERT INTO g (n, s, id, up) VALUES (3, 'a', 1, '')", "INSERT INTO g (n, s, id) VALUES (-9, NULL, 2)", "INSERT INTO g (n, s, id) VALUES (-9, 'bzz', 2)"):
        try:
            db.execute(sql)
        except sqlite3.IntegrityError:
            continue
        raise AssertionError(sql)
    db.close()
    told = findings(t)
    for part in ("the expression of column up of g: it is not carried over: function upper() of SQLite knows ASCII letters only", "index by_lower of g", "the expression of column id of g"):
        assert any(line.startswith(part) for line in told), (part, told)
