"""Globs of indexes, foreign keys and checks that are left out."""

import re

from client import fails
from harness import ROOT, quote

FILE = """CREATE TABLE users (id INTEGER PRIMARY KEY);
    CREATE TABLE posts (id INTEGER PRIMARY KEY, author INTEGER REFERENCES users, editor INTEGER REFERENCES users, title TEXT CHECK (title <> ''),
        n INTEGER CONSTRAINT positive CHECK (n > 0), CONSTRAINT same FOREIGN KEY (n) REFERENCES users);
    CREATE INDEX idx_old_title ON posts (title); CREATE INDEX Idx_Old_n ON posts (n); CREATE UNIQUE INDEX by_author ON posts (author);
    CREATE INDEX idx_old_users ON users (id); INSERT INTO users VALUES (1); INSERT INTO posts VALUES (1, 1, NULL, 'a', 1);"""


def indexes(t, table):
    return t.value(f"SELECT string_agg(indexrelid::regclass::text, ' ' ORDER BY indexrelid::regclass::text) FROM pg_index WHERE indrelid = {quote(table)}::regclass")


def names(t, kind):
    return t.value(f"SELECT string_agg(conname, ' ' ORDER BY conname) FROM pg_constraint WHERE conrelid = 'posts'::regclass AND contype = '{kind}'")


def test_the_example_of_the_page(t):
    section = (ROOT / "docs/plan.md").read_text().split("## Leaving objects out")[1]
    (example,) = re.findall(r"```sql\n(.*?)\n```", section.split("\n## ")[0], re.S)
    path = t.file("a.db", FILE)
    t.sql(example.replace("'/srv/app/dev.db'", quote(str(path))))
    assert (indexes(t, "posts"), indexes(t, "users")) == ("by_author posts_pkey", "users_pkey")
    assert (names(t, "f"), names(t, "c")) == ("posts_author_fkey same", "positive")


def test_a_table_s_own_globs_and_the_printed_plan(t):
    path = t.file("a.db", FILE)
    plan = {"indexes": {"exclude": ["idx_old_*"]}, "tables": {"posts": {"indexes": {"exclude": ["BY_*"]}, "foreign_keys": {"exclude": ["*"]}, "checks": {"exclude": ["posi*"]}}}}
    printed = t.plan(path, plan)
    assert t.plan(path, printed) == printed and printed["tables"]["users"]["indexes"] == {"exclude": ["idx_old_*"]}
    t.import_(path, printed)
    assert (indexes(t, "posts"), indexes(t, "users")) == ('"Idx_Old_n" idx_old_title posts_pkey', "users_pkey")
    assert (names(t, "f"), names(t, "c")) == ("", "posts_title_check")
    # An existing table keeps what it has, and the printed plan asks for nothing there.
    assert not [f for f in t.findings(path, {**printed, "existing_rows": "append"}) if f["kind"] == "no_effect" and "indexes" in f["message"] and f["object"] == "users"]


def test_orphans_of_a_key_that_is_left_out_do_not_matter(t):
    path = t.file("a.db", "PRAGMA foreign_keys = OFF;" + FILE + "INSERT INTO posts (id, editor) VALUES (2, 99)")
    assert "orphans" in {f["kind"] for f in t.findings(path)}
    plan = {"foreign_keys": {"exclude": ["posts_editor_fkey"]}}
    assert "orphans" not in {f["kind"] for f in t.findings(path, plan)}
    assert t.import_(path, plan)["posts"]["imported"] == 2


def test_a_glob_that_matches_nothing_is_an_error(t):
    path = t.file("a.db", FILE)
    for plan, message in [
        ({"indexes": {"exclude": ["idx_old_*", "by_autor"]}}, r'plan.indexes.exclude\[1\]: "by_autor" matches no index, did you mean "by_author"'),
        ({"tables": {"users": {"indexes": {"exclude": ["by_author"]}}}}, r"plan.tables.users.indexes.exclude\[0\]"),
        ({"foreign_keys": {"exclude": ["posts_title_fkey"]}}, "matches no foreign key"), ({"checks": {"exclude": "x"}}, "plan.checks.exclude: expected a list"),
        ({"checks": None}, "expected true, false or an object"),
    ]:
        with fails("22023", message):
            t.sql(t.call("sqlite_plan", path, plan))
