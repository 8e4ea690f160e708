"""The HTML as people open it: in Debian's chromium at three widths, light and dark, and printed (tests/browser/page.mjs).

`scripts/browser.sh` installs what is needed; where it is missing, these are skipped."""

import json
import os
import shutil
import subprocess

import pytest

import app_db
from harness import ROOT, ident, quote
from test_progress import cancelled, sleeping

PACKAGES = ROOT / "target" / "browser" / "node_modules"
SCREENSHOTS = os.environ.get("SCREENSHOTS")


@pytest.fixture(autouse=True)
def browser():
    missing = [name for name in ("node", "chromium") if not shutil.which(name)] + ([] if PACKAGES.exists() else [str(PACKAGES)])
    if missing:
        pytest.skip(f"no {', no '.join(missing)}: scripts/browser.sh installs it")


def opened(t, name, page, widths=(380,)):
    """What a browser finds in a page. No view has an error, a request, a bar to scroll sideways, or a violation of accessibility."""
    file = t.dir / f"{name}.html"
    file.write_text(page, encoding="ascii")
    folder = []
    if SCREENSHOTS:
        os.makedirs(f"{SCREENSHOTS}/{name}", exist_ok=True)
        folder = [f"{SCREENSHOTS}/{name}"]
    command = ["node", ROOT / "tests" / "browser" / "page.mjs", PACKAGES, file, ",".join(map(str, widths)), *folder]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["problems"] == []
    assert [(view["width"], view["colorScheme"]) for view in found["views"]] == [
        (width, scheme) for width in widths for scheme in ("light", "dark")]
    for view in found["views"]:
        assert (view["overflow"], view["violations"]) == (0, []), view
    return found


def test_a_browser_reads_the_report_of_the_demo(t):
    app_db.build(t.dir / "app.db")
    t.import_(t.own(t.dir / "app.db"), {"names": "snake_case"})
    t.sql("INSERT INTO sqlite_migrate.log_verification (run, kind, target_schema, target_table, object, ok, verdict, counts)"
          " SELECT 1, 'values', target_schema, target_table, 'id', ordinal <> 3, 'x', '{\"compared\": 7}' FROM sqlite_migrate.run_table")
    found = opened(t, "demo", t.value("SELECT sqlite_report(format => 'html')"), (380, 800, 1400))
    assert (found["verdict"], found["title"]) == ("roll back", "roll back: import of app.db")
    assert "3,883" in found["text"] and "1 value differs: " in found["text"] and "1 of 29 columns: values differ from the file" in found["text"]
    # A table a page at least; the plan is not printed.
    assert 5 < found["pages"] < 40


def test_a_browser_reads_what_is_evil_and_what_is_long(t):
    evil = "<script>alert(1)</script>&\"' \u05e9\u05dc\u05d5\u05dd \u202eabc \U0001f4a5"
    names = [evil, "x" * 300, *(f"t{n}" for n in range(70))]
    tables = "".join(f"CREATE TABLE {ident(name)} ({ident(evil)} INTEGER, b TEXT); INSERT INTO {ident(name)} VALUES ('{'v' * 10000}', 'b');" for name in names)
    t.import_(t.file("evil.db", tables), {"on_invalid": "reject", "types": {"INTEGER": "bigint"}, "tables": {
        name: {"columns": {evil: {"type": "bigint"}}} for name in names}})
    found = opened(t, "evil", t.value("SELECT sqlite_report(format => 'html')"))
    assert found["verdict"] == "roll back" and "<script>alert(1)</script>" in found["text"]


def test_a_browser_reads_an_assessment(t):
    path = t.file("shop.db", "CREATE TABLE a (id INTEGER PRIMARY KEY, b DATETIME); CREATE VIEW v AS SELECT 1; INSERT INTO a VALUES (1, 'x')")
    found = opened(t, "assessment", t.value(f"SELECT sqlite_report(path => {quote(str(path))}, format => 'html')"))
    assert found["title"].endswith(": assessment of shop.db") and found["title"].startswith(found["verdict"])


def test_a_browser_reads_the_page_of_running_imports(t):
    session = t.session()
    sleeping(t, session)
    # A page that loads itself again is against the accessibility guidelines; 0 is for those who mind.
    found = opened(t, "running", t.value("SELECT sqlite_progress_page(refresh => 0)"))
    assert found["title"] == "after: after 1" and "Running imports" in found["text"]
    cancelled(t, session)
