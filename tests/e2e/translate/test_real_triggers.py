"""The triggers of real files: which are made, and that they do what they do in SQLite."""

import os
import random
import re
import sqlite3

import pglast
import pytest

import client
import real_files
import trigger_pair
from harness import shared
from trigger_pair import findings, triggers

SEED = os.environ.get("TRIGGER_SEED", "1")


@pytest.fixture
def pair(t):
    with trigger_pair.pairs(t) as make:
        yield make


# Of the triggers of each file: how many are made, how many are not needed, and how many are left out.
REAL = {"llm_logs.db": (0, 6, 0), "calibre_metadata.db": (62, 8, 4), "calibre_web_metadata.db": (32, 3, 4), "gpkg_example.db": (0, 54, 0)}


@pytest.mark.parametrize("name", sorted(REAL))
def test_triggers_of_real_files(t, name):
    path = t.copy_of(shared("data", name))
    said = findings(t, path, {**real_files.plan_of(name), "orphans": "keep", "on_invalid": "text"})
    t.import_(path, {**real_files.plan_of(name), "orphans": "keep", "on_invalid": "text"})
    count = lambda kind: sum(f["kind"] == kind for f in said.values())  # noqa: E731
    left = {name: f["message"] for name, f in said.items() if f["kind"] == "trigger"}
    assert (len(triggers(t)), count("trigger_unneeded"), len(left)) == REAL[name], left
    # Those that are left out call functions of the application.
    assert all(re.search('function (title_sort|uuid4)\\(\\) is the application', message) for message in left.values()), left


def calibre_statement(generator, number):
    book, other = generator.randint(1, 8), generator.randint(1, 8)
    link = generator.choice(["authors", "tags", "publishers", "ratings", "series"])
    column = link.rstrip("s") if link != "series" else "series"
    return generator.choice([
        f"INSERT INTO books (id, title, path) VALUES ({100 + number}, 'Book {number}', '')",
        f"INSERT INTO books_{link}_link (id, book, {column}) VALUES ({1000 + number}, {book}, {other})",
        f"UPDATE books_{link}_link SET book = {book} WHERE id = {1000 + generator.randint(0, number + 1)}",
        f"UPDATE books_{link}_link SET {column} = {other} WHERE book = {book}",
        f"DELETE FROM {link} WHERE id = {other}",
        f"DELETE FROM books WHERE id = {book}",
        f"DELETE FROM books WHERE id > {100 + number - 3}",
        f"INSERT INTO comments (id, book, text) VALUES ({1000 + number}, {book}, 'text')",
        f"UPDATE comments SET book = {other}",
        f"INSERT INTO custom_column_1 (id, book, value) VALUES ({1000 + number}, {book}, 'v')",
        f"INSERT INTO tags (id, name) VALUES ({generator.randint(1, 30)}, 'tag {number}')",
        f"INSERT INTO identifiers (id, book, type, val) VALUES ({1000 + number}, {book}, 'isbn', '{number}')",
    ])


def test_calibre_s_triggers_do_what_they_do_in_sqlite(t, pair):
    """Without the four that call functions of calibre, and the full-text index that PostgreSQL does not have."""
    path = t.copy_of(shared("data", "calibre_metadata.db"))
    source = sqlite3.connect(path)
    for name in ("books_insert_trg", "books_update_trg", "series_insert_trg", "series_update_trg", "annotations_fts_insert_trg",
                 "annotations_fts_update_trg", "annotations_fts_delete_trg"):
        source.execute(f"DROP TRIGGER {name}")
    source.commit()
    source.close()
    made = pair(path)
    generator = random.Random(SEED)
    refused = sum(made.both(calibre_statement(generator, number))[0] is not None for number in range(200))
    assert 40 < refused < 190
    made.same("authors", "tags", "publishers", "ratings", "series", "comments", "custom_column_1", "identifiers", "books_authors_link", "books_tags_link",
              "books_publishers_link", "books_ratings_link", "books_series_link", "data")
    made.same("books", columns="id, title, path").same("books_pages_link", columns="book, pages")


def queries(node):
    """The expressions and statements of a function's tree."""
    if isinstance(node, list):
        return [query for item in node for query in queries(item)]
    if isinstance(node, dict):
        own = [node["PLpgSQL_expr"]["query"]] if "PLpgSQL_expr" in node else []
        return own + [query for item in node.values() for query in queries(item)]
    return []


@pytest.mark.parametrize("name", ["calibre_metadata.db", "calibre_web_metadata.db"])
def test_postgresql_s_own_parser_takes_every_statement(t, name):
    path = t.copy_of(shared("data", name))
    made = [row["sql"] for row in t.rows(t.call("sqlite_ddl", path)) if row["phase"] == "triggers"]
    assert len(made) == REAL[name][0]
    for sql in made:
        function, trigger = client.statements(sql)
        pglast.parse_sql(trigger)
        found = queries(pglast.parse_plpgsql(function))
        assert found, function
        for query in found:
            pglast.parse_sql(query if query.split()[0] in ("INSERT", "UPDATE", "DELETE", "WITH") else f"SELECT {query}")
