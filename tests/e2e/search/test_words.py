"""The words that helper functions make are SQLite's own, for every character there is, on a server of any locale, and after a
dump was restored where the extension is not."""

import json
import sqlite3

import pytest

from client import fails
from documents import texts
from harness import quote

CHARACTERS = [chr(code) for code in range(1, 0x110000) if not 0xD800 <= code <= 0xDFFF]
SIZE = 4000


def made(t, tokenizer, run=None):
    """Makes the helper functions; the name of the one that makes a vector."""
    run = run or (lambda sql: t.sql(sql).out)
    run("CREATE SCHEMA IF NOT EXISTS sqlite_compat")
    [vector] = t.rows(f"SELECT * FROM sqlite_fts_vector('{{x}}', weights => 'D', tokenizer => {quote(tokenizer)})")
    for helper in vector["helpers"]:
        run(helper)
    return vector["expression"].split("(")[0]


def sqlites_words(tokenizer, text):
    db = sqlite3.connect(":memory:")
    db.execute(f'CREATE VIRTUAL TABLE d USING fts5(x, tokenize="{tokenizer}")')
    db.execute("CREATE VIRTUAL TABLE v USING fts5vocab(d, instance)")
    db.execute("INSERT INTO d VALUES (?)", (text,))
    return [word for word, in db.execute("SELECT term FROM v ORDER BY offset")]


@pytest.mark.parametrize("tokenizer", ["unicode61", "unicode61 remove_diacritics 0", "unicode61 remove_diacritics 2", "ascii"])
def test_every_character_is_read_as_sqlite_reads_it(t, tokenizer):
    """Between two letters, and before one; words are numbered, so that few positions are needed."""
    vector = made(t, tokenizer)
    session = t.session()
    for start in range(0, len(CHARACTERS), SIZE):
        text = " ".join(f"q{i}a{c}b {c}c" for i, c in enumerate(CHARACTERS[start:start + SIZE]))
        [[words]] = session.execute(f"SELECT array_to_json(array_agg(lexeme ORDER BY positions[1])) FROM unnest({vector}({quote(text)}))").rows
        expected = sqlites_words(tokenizer, text)
        words = json.loads(words)
        # A vector has each word once, where it is first.
        assert words == list(dict.fromkeys(expected)), [pair for pair in zip(words, dict.fromkeys(expected)) if pair[0] != pair[1]][:3]


def test_stems_are_sqlites(t):
    """Over every ending that the rules know, after stems of every kind."""
    vector = made(t, "porter")
    endings = ("s es ies sses ed eed ing at bl iz y ational tional enci anci izer abli bli alli entli eli ousli ization ation ator alism iveness fulness ousness aliti iviti "
               "biliti logi icate ative alize iciti ical ful ness al ance ence er ic able ible ant ement ment ent ion sion tion ou ism ate iti ous ive ize e ll ly ably ibly ology").split()
    stems = "a b by bay tr oat tree trouble oaten ivy private hop fall fil sky happ relat rad technol possib str trekk revv savv yakk ñandú straß é xyz ye yy oyo syzyg conting".split()
    words = [stem + ending for stem in stems for ending in ["", *endings]] + [word for title, body in texts(400) for word in body.split() if word.isascii()]
    words = [word.lower() for word in dict.fromkeys(words) if word.isalpha()]
    expected = dict(zip(words, sqlites_words("porter", " ".join(words))))
    listed = quote("{" + ",".join(words) + "}")
    stems = f"SELECT json_object_agg(word, btrim(split_part({vector}(word)::text, ':', 1), chr(39))) FROM unnest({listed}::text[]) word"
    found = json.loads(t.value(stems))
    assert len(words) > 1000 and found == expected, [(word, expected[word], found[word]) for word in words if expected[word] != found[word]]


OTHERS = {"LATIN1": "crème Ünter", "EUC_JP": "東京タワー", "SQL_ASCII": "crème 東京"}


@pytest.mark.parametrize("encoding", OTHERS)
def test_in_other_encodings_characters_beyond_ascii_are_words(t, encoding):
    name = t.other_database(encoding.lower(), f"ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    run = lambda sql: t.server.run(name, "SET client_encoding = 'UTF8'; " + sql).out  # noqa: E731
    run("CREATE SCHEMA sqlite_compat")
    [vector] = run("SELECT expression FROM sqlite_fts_vector('{x}')").splitlines()
    for helper in run("SELECT array_to_json(helpers) FROM sqlite_fts_vector('{x}')").strip()[2:-2].split('","'):
        run(helper.replace('\\"', '"').replace("\\\\", "\\"))
    text = OTHERS[encoding]
    for word in text.split():
        query = f"SELECT v @@ sqlite_fts_query({quote(word)}) FROM (SELECT {vector.strip()} AS v FROM (SELECT {quote('One, ' + text + '-Two')}::text AS x) d) w"
        assert run(query).strip() == "t", word


def test_a_dump_is_restored_without_the_extension(t):
    vector = made(t, "porter unicode61 remove_diacritics 2")
    t.sql(f"CREATE TABLE d (id int, x text, v tsvector GENERATED ALWAYS AS ({vector}(x)) STORED); CREATE INDEX ON d USING gin (v);"
          "INSERT INTO d VALUES (1, 'Running Việt'); DROP EXTENSION pg_sqlite_migrate CASCADE")
    name = t.empty_database("restored")
    t.server.restore(name, t.server.dump(t.database, "postgres").stdout)
    assert t.server.run(name, "INSERT INTO d VALUES (2, 'He runs'); SELECT id, v FROM d ORDER BY id").out == "1|'run':1 'viet':2\n2|'he':1 'run':2\n"
    assert t.server.run(name, "SET default_text_search_config = 'german'; SELECT count(*) FROM d WHERE v @@ 'run & viet'").out == "1\n"


def test_anyone_may_ask_and_nothing_of_a_session_matters(t):
    t.role("reader")
    for setting in ("default_text_search_config = 'german'", "search_path = ''", "search_path = public, pg_catalog", "standard_conforming_strings = off"):
        said = t.sql(f"SET {setting}; SELECT public.sqlite_fts_query('Häuser + foo*'), public.sqlite_fts_query('the running', 'pg_catalog.english')", user="reader").out
        assert said == "'hauser' <-> 'foo':*|'run'\n", setting


def test_what_is_wrong_is_named(t):
    ask = lambda arguments: t.sql(f"SELECT sqlite_fts_query({arguments})")  # noqa: E731
    assert ask("NULL").out == "\n"
    with fails("42601", 'syntax error near "\\."', "double quotes") as failure:
        ask("E'one\\n two.three'")
    assert "line 2, column 5" in failure.detail
    with fails("42703", "no such column: bar", "columns"):
        ask("'foo-bar', columns => '{title,NULL}'")
    with fails("0A000", "no columns are given"):
        ask("'title : x'")
    with fails("0A000", "first word", "docs/search.md"):
        ask("'^x'")
    with fails("0A000", "weight D"):
        ask("'e : x', columns => '{a,b,c,d,e}'")
    with fails("22023", 'unknown query syntax "fts6"', "fts5"):
        ask("'x', syntax => 'fts6'")
    with fails("22023", "one letter of A to D"):
        ask("'x', columns => '{a,b}', weights => 'A'")
    with fails("22023", "icu is the application's own"):
        ask("'x', tokenizer => 'icu de_DE'")
    with fails("22023", "LIKE"):
        ask("'x', tokenizer => 'trigram'")
    with fails("54000", "nested deeper"):
        ask("repeat('(', 5000) || 'a'")
    with fails("54000", "longer than"):
        ask("repeat('a ', 40000)")
    with fails("22023", "columns must name"):
        t.sql("SELECT * FROM sqlite_fts_vector(NULL)")


def test_a_configuration_makes_words_as_its_vectors_have_them(t):
    """Stop words are passed over; a hyphenated word, an address and a sign are what PostgreSQL's parser makes of them."""
    text = "The state-of-the-art cats at http://example.com/path?q=1 ran -42 times"
    for query, finds in {"cat": True, "\"state-of-the-art cats\"": True, "the": False, "the AND ran": True, "NEAR(cat run, 9)": False, "cats NOT dogs": True,
                         '"http://example.com/path?q=1" AND time*': True, '"cat state"': False}.items():
        said = t.value(f"SELECT to_tsvector('english', {quote(text)}) @@ sqlite_fts_query({quote(query)}, 'english')")
        assert said == ("t" if finds else "f"), query
    assert t.value("SELECT sqlite_fts_query('well-known Straße', tokenizer => '')") == "'well-known' <-> 'well' <-> 'known' & 'straße'"
    assert t.value("SELECT expression FROM sqlite_fts_vector('{a,b}', 'english')") == (
        "setweight(to_tsvector('pg_catalog.english'::regconfig, coalesce(\"a\", '')), 'A') || setweight(to_tsvector('pg_catalog.english'::regconfig, coalesce(\"b\", '')), 'B')")
