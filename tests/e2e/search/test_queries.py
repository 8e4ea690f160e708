"""The rows that a MATCH finds in SQLite, and the same text in PostgreSQL: the same rows, whatever the text and the tokenizer.

SEARCH_SEED=… draws other documents and queries.
"""

import collections
import os
import sqlite3

import pytest

from client import fails
from documents import Queries, texts
from harness import quote

SEED = int(os.environ.get("SEARCH_SEED", "1"))
COUNT = 5000


class Both:
    """The same documents in an FTS table of SQLite's and in a table with a vector."""

    def __init__(self, t, documents, declaration, tokenizer=None, syntax="fts5", weights=None):
        self.t, self.documents = t, documents
        self.sqlite = sqlite3.connect(":memory:")
        self.sqlite.execute(f"CREATE VIRTUAL TABLE d USING {declaration}")
        self.sqlite.executemany("INSERT INTO d(rowid, title, body) VALUES (?, ?, ?)", [(i, *d) for i, d in enumerate(documents, 1)])
        self.arguments = f"columns => '{{title,body}}', syntax => {quote(syntax)}" + (f", tokenizer => {quote(tokenizer)}" if tokenizer else "")
        self.arguments += f", weights => {quote(weights)}" if weights else ""
        [made] = t.rows(f"SELECT * FROM sqlite_fts_vector({self.arguments})")
        t.sql("CREATE SCHEMA IF NOT EXISTS sqlite_compat; CREATE TABLE d (id integer PRIMARY KEY, title text, body text)")
        for helper in made["helpers"]:
            t.sql(helper)
        rows = [f"({i}, {quote(title)}, {quote(body)})" for i, (title, body) in enumerate(documents, 1)]
        t.session().execute([f"INSERT INTO d VALUES {', '.join(rows[i:i + 500])}" for i in range(0, len(rows), 500)])
        t.sql(f"ALTER TABLE d ADD COLUMN search_vector tsvector GENERATED ALWAYS AS ({made['expression']}) STORED; CREATE INDEX ON d USING gin (search_vector); ANALYZE d")

    def in_sqlite(self, query):
        return {row for row, in self.sqlite.execute("SELECT rowid FROM d WHERE d MATCH ?", (query,))}

    def in_postgresql(self, query):
        rows = self.t.value(f"SELECT coalesce(string_agg(id::text, ' '), '') FROM d WHERE search_vector @@ sqlite_fts_query({quote(query)}, {self.arguments})")
        return set(map(int, rows.split()))

    def compare(self, queries):
        """How many queries agree, find nothing or are refused; a difference fails."""
        kinds = collections.Counter()
        for query in queries:
            try:
                expected = self.in_sqlite(query)
            except sqlite3.OperationalError:
                with fails("42601", "cannot be read"):
                    self.in_postgresql(query)
                kinds["refused"] += 1
                continue
            found = self.in_postgresql(query)
            assert found == expected, f"{query}\n  {self.t.value(f'SELECT sqlite_fts_query({quote(query)}, {self.arguments})')}\n  only SQLite: " + "".join(
                f"{i} {self.documents[i - 1]!r} " for i in sorted(expected - found)[:2]) + "\n  only PostgreSQL: " + "".join(f"{i} {self.documents[i - 1]!r} " for i in sorted(found - expected)[:2])
            kinds["found" if found else "nothing"] += 1
        return kinds


def test_unicode61_finds_the_same_rows(t):
    documents = texts(COUNT, SEED)
    both = Both(t, documents, "fts5(title, body)")
    kinds = both.compare(Queries(documents, SEED).fts5(300))
    assert kinds["found"] > 200, kinds


# Tokenizers as FTS5 has them.
TOKENIZERS = ["unicode61 remove_diacritics 0", "unicode61 remove_diacritics 2", "unicode61 tokenchars '-_.@''' separators 'x²'", "ascii", "ascii tokenchars '-\\'",
              "porter", "porter unicode61 remove_diacritics 2", "porter ascii"]


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_other_tokenizers_find_the_same_rows(t, tokenizer):
    documents = texts(1500, SEED + 1)
    both = Both(t, documents, f'fts5(title, body, tokenize="{tokenizer}")', tokenizer)
    kinds = both.compare(Queries(documents, SEED + 1).fts5(90))
    assert kinds["found"] > 60, kinds


FTS4 = {"fts4(title, body)": None, "fts4(title, body, tokenize=porter)": "porter", "fts3(title, body, tokenize=unicode61)": "unicode61",
        'fts4(title, body, tokenize=unicode61 "remove_diacritics=2" "tokenchars=-_")': 'unicode61 "remove_diacritics=2" "tokenchars=-_"'}


@pytest.mark.parametrize("declaration", FTS4)
def test_fts4_finds_the_same_rows(t, declaration):
    documents = texts(1500, SEED + 2)
    both = Both(t, documents, declaration, FTS4[declaration], "fts4")
    kinds = both.compare(Queries(documents, SEED + 2).fts4(90))
    assert kinds["found"] > 60, kinds
