"""sqlite_report: one run, or one file, in four formats. The others show nothing that JSON lacks; nothing of a file is markup."""

import html.parser
import json
import re

import jsonschema
import pytest

import sqlstates as s
from client import fails
from harness import ROOT, quote

SHOP = """
    CREATE TABLE customer (id INTEGER PRIMARY KEY, mail TEXT UNIQUE, "bornAt" DATETIME);
    CREATE TABLE sale (id INTEGER PRIMARY KEY, customer INTEGER REFERENCES customer, cents INTEGER CHECK (cents > 0));
    CREATE VIEW big AS SELECT taxed(cents) FROM sale WHERE cents > 150;
    INSERT INTO customer VALUES (1, 'a@x', '2024-01-02 03:04:05'), (2, 'b@x', 1700000000);
    INSERT INTO sale VALUES (1, 1, 100), (2, 2, 200), (3, 9, 300), (4, 9, 400);"""
PLAN = {"orphans": "reject"}
FORMATS = ("text", "markdown", "html", "json")
SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text())
# Names and values that would be markup, steer a terminal, turn the direction of a text, or need other characters.
EVIL = "<script>alert(1)</script>&\"'`|*_[x](y)@all\x1b[31m\u202eabc \u05e9\u05dc\u05d5\u05dd \U0001f4a5"


def report(t, arguments="", user="postgres"):
    return t.value(f"SELECT sqlite_report({arguments})", user)


def as_json(t, arguments="", user="postgres"):
    found = json.loads(report(t, f"{arguments}{', ' if arguments else ''}format => 'json'", user))
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    return found


class Page(html.parser.HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.texts, self.open = [], [], [], []
        self.feed(text)
        self.text = " ".join("".join(self.texts).split())

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, *attribute) for attribute in attributes]
        if tag not in ("meta", "wbr", "path", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if self.open and self.open[-1] != "style":
            self.texts.append(text)


def test_a_run_in_four_formats(t):
    t.import_(t.file("shop.db", SHOP), PLAN)
    found = as_json(t)
    assert (found["report"], found["verdict"]["verdict"], found["run"]["path"]) == ("run", "roll back", str(t.dir / "shop.db"))
    assert found["verdict"]["next"] == "SELECT * FROM migration_verdict(run => 1);"
    totals = found["totals"]
    assert [totals[name] for name in ("tables", "loaded", "skipped_tables", "failed", "imported", "rejected")] == [2, 2, 0, 0, 4, 2]
    tables = {table["source"]: table for table in found["tables"]}
    assert [(n, x["status"], x["imported"], x["rejected"]) for n, x in sorted(tables.items())] == [
        ("customer", "loaded", 2, 0), ("sale", "loaded", 2, 2)]
    # What the log says, and in its order.
    assert [phase["phase"] for phase in found["phases"]] == t.value(
        "SELECT phase FROM sqlite_migrate.run_phase ORDER BY started_at").splitlines()
    assert sum(phase["steps"] for phase in found["phases"]) == int(t.value("SELECT count(*) FROM sqlite_migrate.run_step"))
    assert all(span["from"] <= span["to"] for phase in found["phases"] for span in phase["spans"])
    findings = [(group["severity"], group["kind"], finding["object"]) for group in found["findings"] for finding in group["findings"]]
    assert sorted(findings) == sorted(tuple(row.values()) for row in t.rows("SELECT severity, kind, object FROM sqlite_migrate.finding"))
    assert {group["about"] for group in found["findings"] if group["kind"] == "view"} == {"A view is not carried over."}
    types = {(table["source"], column["source"]): column for table in found["types"] for column in table["columns"]}
    assert types["customer", "bornAt"]["type"] == t.type_of("customer", "bornAt")
    assert types["customer", "bornAt"]["reason"].startswith("1 of 2 values")
    [rejects] = found["rejects"]
    assert (rejects["source"], rejects["count"], len(rejects["first"])) == ("sale", 2, 2)
    assert json.loads(rejects["first"][0]["values"])["id"] in (3, 4)
    assert found["plan"] == t.rows("SELECT plan FROM sqlite_migrate.run")[0]["plan"]
    # The same in the other formats, the default being text; the second argument is the format.
    text = report(t)
    assert text == report(t, "1, 'text'") == report(t, "run => 1, format => NULL")
    assert text.startswith("Run 1: ROLL BACK\n") and "Tables: 2 of 2 loaded, 4 rows" in text and "sale: 2 rows" in text
    page = Page(report(t, "format => 'html'"))
    assert page.open == [] and page.text.startswith("roll back: import of shop.db")
    markdown = report(t, "format => 'markdown'")
    assert markdown.startswith("# Import of `shop.db`\n\n**Verdict: roll back**")
    for shown in (text, page.text, markdown):
        for word in ("customer", "sale", "bornAt", "rejected", "of 2 values", "migration_verdict(run => 1)"):
            assert word.replace("_", "") in shown.replace("\\", "").replace("_", ""), (word, shown)


def test_nothing_of_a_file_is_markup(t):
    from harness import ident
    value = EVIL * 200
    path = t.file(f"{EVIL.replace('/', '')}.db", f"""
        CREATE TABLE {ident(EVIL)} ({ident('c' + EVIL)} INTEGER, n BLOB);
        INSERT INTO {ident(EVIL)} VALUES ({quote(value.replace(chr(27), ''))}, x'00'), (1, 'ok');""")
    t.import_(path, {"on_invalid": "reject", "names": "preserve", "tables": {EVIL: {"columns": {"c" + EVIL: {"type": "bigint"}}}}})
    page = report(t, "format => 'html'")
    assert page.isascii() and "charset=\"utf-8\"" in page
    parsed = Page(page)
    assert parsed.open == []
    assert {"script", "b", "img", "iframe", "a"} & set(parsed.tags) == {"a"}
    assert all(value.startswith("#") for tag, name, value in parsed.attributes if name in ("href", "src"))
    assert not [name for _, name, _ in parsed.attributes if name.startswith("on")]
    assert "<script>alert(1)</script>" in parsed.text and "\U0001f4a5" in parsed.text
    # What turns the direction of the text around it, or steers a terminal, is spelt out.
    for shown in (parsed.text, report(t), report(t, "format => 'markdown'")):
        assert "\\u{202e}" in shown and "\u202e" not in shown and "\x1b" not in shown
    markdown = report(t, "format => 'markdown'")
    assert not re.search(r"<script>", re.sub(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", "", markdown, flags=re.S))
    found = as_json(t)
    assert found["tables"][0]["source"] == EVIL and found["types"][0]["source"] == EVIL
    reject = found["rejects"][0]["first"][0]
    assert len(reject["values"]) == 2003 and reject["values"].endswith("...")


def verified(t, kind, ok, name, counts, verdict=None, table="sale"):
    t.sql("INSERT INTO sqlite_migrate.log_verification (run, kind, target_schema, target_table, object, ok, verdict, counts)"
          f" VALUES (1, '{kind}', 'public', '{table}', '{name}', {ok}, '{verdict or ('fine' if ok else 'bad')}', '{json.dumps(counts)}')")


def test_verification_gives_the_verdict(t):
    t.import_(t.file("shop.db", SHOP), {"foreign_keys": False, "orphans": "keep"})
    verified(t, "sequences", True, "sale_id_seq", {"next_value": 500})
    assert as_json(t)["verdict"]["verdict"] == "not verified", "sequences prove no value"
    verified(t, "values", True, "id", {"compared": 2, "different": 0, "missing_in_target": 0})
    verified(t, "values", True, "cents", {"compared": 3, "different": 0, "missing_in_target": 0})
    verdict = as_json(t)["verdict"]
    assert verdict == {"verdict": "pass", "reasons": ["Verified without a difference: 1 sequence and 2 columns."], "next": None} or verdict == {
        "verdict": "pass", "reasons": ["Verified without a difference: 2 columns and 1 sequence."], "next": None}
    for kind, counts, word in (("constraints", {"violations": 1}, None), ("values", {"different": 0, "missing_in_target": 0}, "not compared"),
                               ("counts", {"target_rows": None}, "not counted"), ("sequences", {}, "behind")):
        t.sql("DELETE FROM sqlite_migrate.log_verification WHERE NOT ok")
        verified(t, kind, False, "x", counts, word)
        assert as_json(t)["verdict"]["verdict"] == "investigate", kind
    t.sql("DELETE FROM sqlite_migrate.log_verification WHERE NOT ok")
    verified(t, "counts", False, "x", {"target_rows": 5}, "different")
    assert as_json(t)["verdict"]["verdict"] == "roll back", "more rows were added than the threshold allows"
    t.sql("DELETE FROM sqlite_migrate.log_verification WHERE NOT ok")
    verified(t, "counts", False, "x", {"target_rows": 3})
    assert as_json(t)["verdict"]["verdict"] == "roll back", "a row is missing"
    t.sql("DELETE FROM sqlite_migrate.log_verification WHERE NOT ok")
    verified(t, "constraints", False, "sale_pkey", {"violations": 2})
    verified(t, "values", False, "customer", {"compared": 4, "different": 1})
    found = as_json(t)
    assert (found["verdict"]["verdict"], found["verdict"]["next"]) == ("roll back", "SELECT * FROM verify_differences(run => 1);")
    assert found["verdict"]["reasons"][:2] == ["1 value differs: public.sale.customer.", "1 object is not in force: public.sale.sale_pkey."]
    sums = {kind["kind"]: (kind["objects"], kind["failed"], kind["sums"]) for kind in found["verification"]}
    assert sums == {"values": (3, 1, {"compared": 9, "different": 1, "missing_in_target": 0}), "constraints": (1, 1, {"violations": 2}),
                    "sequences": (1, 0, {})}
    assert [result["ok"] for result in found["verification"][0]["results"]] == [False, True, True], "what is not right comes first"
    page = Page(report(t, "format => 'html'"))
    assert ("body", "class", "roll-back") in page.attributes and "1 of 3 columns: values differ from the file" in page.text
    assert report(t).startswith("Run 1: ROLL BACK\n")


def test_rejected_rows_are_investigated_and_too_many_rolled_back(t):
    rows = ", ".join("('x')" if n % 200 == 7 else f"({n})" for n in range(1000))
    path = t.file("many.db", f"CREATE TABLE t (a INTEGER); INSERT INTO t VALUES {rows}")
    plan = {"on_invalid": "reject", "tables": {"t": {"columns": {"a": {"type": "bigint"}}}}}
    t.import_(path, plan)
    assert as_json(t)["verdict"] == {"verdict": "investigate", "next": "SELECT * FROM migration_verdict(run => 1);", "reasons": [
        "5 rows were rejected (0.500 % of the source's rows, within the threshold).", "No value has been compared with the file."]}
    t.import_(path, {**plan, "schema": "few", "tables": {"t": {**plan["tables"]["t"], "where": "a < 100 OR a > 'a'"}}})
    assert as_json(t)["verdict"]["verdict"] == "roll back"


def test_a_run_that_went_on_and_one_of_nothing(t):
    bad = t.file("bad.db", "CREATE TABLE good (a INTEGER); CREATE TABLE bad (a INTEGER); INSERT INTO good VALUES (1); INSERT INTO bad VALUES ('x')")
    t.import_(bad, {"on_error": "continue", "profile": "none", "tables": {"bad": {"columns": {"a": {"type": "bigint", "on_invalid": "error"}}}}})
    found = as_json(t)
    assert (found["verdict"]["verdict"], found["totals"]["failed"]) == ("investigate", 1)
    assert found["verdict"]["reasons"][0] == "1 table was not loaded."
    # Nobody has counted the rows of a table that was not loaded.
    assert {table["table"]: table["source_rows"] for table in found["tables"]} == {"good": 1, "bad": None}
    assert re.search(r"^ +– +0 +\S+ ms  public\.bad, failed", report(t), re.M)
    [failure] = found["failures"]
    assert failure["table"] == "bad" and "'x' cannot become bigint" in failure["error"]
    assert "Failed steps" in Page(report(t, "format => 'html'")).text
    t.import_(t.file("empty.db", "CREATE TABLE gone (a); DROP TABLE gone"), {})
    found = as_json(t)
    assert (found["run"]["id"], found["tables"], found["totals"]["imported"]) == (2, [], 0)
    for name in FORMATS:
        assert report(t, f"run => 2, format => '{name}'")
    assert as_json(t, "run => 1")["run"]["path"] == str(bad), "each run has its own"


def test_a_thousand_tables_are_still_a_page(t):
    t.import_(t.file("many.db", "".join(f"CREATE TABLE t{n} (a INTEGER);" for n in range(1000))), {})
    page = report(t, "format => 'html'")
    assert Page(page).text.count("public. t999") <= 1 and "940 more tables" in Page(page).text
    assert len(as_json(t)["tables"]) == 1000
    assert "and 901 more" in report(t)


def test_who_sees_a_report(t):
    owner, other, reader = t.role("owner", "pg_read_server_files"), t.role("other"), t.role("reader", "pg_read_all_data")
    t.sql('CREATE SCHEMA own AUTHORIZATION owner')
    t.sql(t.call("sqlite_import", t.file("shop.db", SHOP), {**PLAN, "schema": "own"}), owner)
    for who in (owner, reader, "postgres"):
        assert as_json(t, "run => 1", who)["run"]["role"] == owner
    for user, run in ((other, "run => 1"), (owner, "run => 7"), (other, "")):
        with fails(s.NO_RUN, "there is no recorded run"):
            report(t, run, user)
    with fails(s.NO_RUN, "there is no recorded run"):
        report(t, "", reader)
    with fails(s.PRIVILEGE, "permission denied to read SQLite files on the server"):
        report(t, f"path => {quote(str(t.dir / 'shop.db'))}", other)


@pytest.mark.parametrize("given, hint", [("htm", 'Did you mean "html"? '), ("", ""), ("HTML", 'Did you mean "html"? '), ("pdf", "")])
def test_an_unknown_format_is_an_error_that_lists_them(t, given, hint):
    t.import_(t.file("one.db", "CREATE TABLE t (a)"), {})
    for arguments in ("run => 1", f"path => {quote(str(t.dir / 'one.db'))}"):
        with fails(s.PLAN, f'format: "{given}" is not a format of a report', re.escape(f"{hint}Formats are: text, markdown, html, json.")):
            report(t, f"{arguments}, format => '{given}'")


def test_the_session_s_settings_change_nothing(t):
    t.import_(t.file("shop.db", SHOP), PLAN)
    odd = ("SET DateStyle = 'SQL, DMY'; SET TimeZone = 'Asia/Kathmandu'; SET extra_float_digits = -15; SET search_path = ''; SET bytea_output = 'escape';"
           " SET IntervalStyle = 'iso_8601'; SET quote_all_identifiers = on; SET standard_conforming_strings = off; SET lc_numeric = 'C';")
    for name in FORMATS:
        call = f"SELECT regexp_replace(public.sqlite_report(1, '{name}'), '(Written at|reported_at).*?(</time>|,)', '', 'g')"
        assert t.value(odd + call) == t.value(call), name


def test_an_assessment_in_four_formats(t):
    path = t.file("shop.db", SHOP)
    file = f"{quote(str(path))}, plan => {quote(json.dumps(PLAN))}"
    before = t.traces()
    found = as_json(t, file)
    assert t.traces() == before, "nothing was written"
    assert (found["report"], found["path"], found["rows"], found["bytes"]) == ("assessment", str(path), 6, path.stat().st_size)
    lines = t.rows(t.call("sqlite_assess", path, PLAN))
    assert [(line["subject"], line["level"]) for line in found["subjects"]] == [(line["subject"], line["level"]) for line in lines]
    assert found["level"] == lines[-1]["level"] and found["plan"] == t.plan(path, PLAN)
    assert [table["source"] for table in found["types"]] == ["customer", "sale"]
    assert report(t, file).startswith(f"Assessment: {found['level']}\n")
    page = Page(report(t, f"{file}, format => 'html'"))
    assert page.open == [] and page.text.startswith(f"{found['level']}: assessment of shop.db") and "data quality" in page.text
    assert report(t, f"{file}, format => 'markdown'").startswith("# Assessment of `shop.db`\n\n**Level: ")
    # What would stop the import is on top.
    blocked = Page(report(t, f"{quote(str(path))}, format => 'html'"))
    assert ("body", "class", "roll-back") in blocked.attributes and "one finding would stop the import" in blocked.text


@pytest.mark.parametrize("encoding", ["LATIN1", "EUC_JP", "SQL_ASCII"])
def test_a_report_in_another_encoding(t, encoding):
    path = t.file("é.db", """CREATE TABLE "tâche" (id INTEGER PRIMARY KEY, "東京" TEXT); INSERT INTO "tâche" VALUES (1, 'x');""")
    name = t.other_database(encoding.lower(), f"ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    run = lambda sql: t.server.run(name, f"SET client_encoding = 'UTF8'; {sql}").out  # noqa: E731
    spelt = "東京" if encoding == "SQL_ASCII" else "\\u{6771}\\u{4eac}"
    plan = {"tables": {"tâche": {"target": "task", "columns": {spelt: {"name": "tokyo"}}}}}
    for format in FORMATS:
        shown = run(f"SELECT sqlite_report({quote(str(path))}, {quote(json.dumps(plan, ensure_ascii=False))}, '{format}')")
        shown = Page(shown).text if format == "html" else json.dumps(json.loads(shown), ensure_ascii=False) if format == "json" else shown
        assert "東京" in shown.replace("\\", "") or "u{6771}" in shown, (format, shown)
        assert "tâche" in shown or "t\\u{e2}che" in shown, (format, shown)
