"""Neo Alexandria goes back to SQLite: the application's queries find in the exported file what they find in PostgreSQL. JSONB is JSON
text there, arrays are JSON arrays, a tsvector is an FTS5 table, and times with a zone are texts in UTC."""

import sqlite3
import sys
from pathlib import Path

import pytest

import new_rows
from applications import Migration
from exports import export, findings
from harness import quote

sys.path.append(str(Path(__file__).parents[1] / "orms"))

from test_app_alexandria import NULLS  # noqa: E402

# What the application asks, in the words of either side. Numbers with a fraction are rounded, since sums have no order.
QUERIES = {
    "unread, newest first": ("SELECT title, round(quality_score, 3) FROM resources WHERE NOT read AND created_at IS NOT NULL ORDER BY created_at DESC, title LIMIT 50",
                             "SELECT title, round(quality_score::numeric, 3)::float8 FROM resources WHERE NOT read AND created_at IS NOT NULL ORDER BY created_at DESC, title COLLATE \"C\" LIMIT 50"),
    "by subject": ("SELECT v.value, count(*) FROM resources, json_each(CASE json_type(subject) WHEN 'array' THEN subject ELSE '[]' END) v GROUP BY 1 ORDER BY 1",
                   "SELECT v, count(*) FROM resources, jsonb_array_elements_text(CASE jsonb_typeof(subject) WHEN 'array' THEN subject ELSE '[]' END) v GROUP BY 1 ORDER BY v COLLATE \"C\""),
    "JSON that is null, and none": ("SELECT count(*) FILTER (WHERE relation IS NULL), count(*) FILTER (WHERE json_type(relation) = 'null'), count(*) FILTER (WHERE json_type(relation) = 'object') FROM resources",
                                    "SELECT count(*) FILTER (WHERE relation IS NULL), count(*) FILTER (WHERE jsonb_typeof(relation) = 'null'), count(*) FILTER (WHERE jsonb_typeof(relation) = 'object') FROM resources"),
    "inside JSON": ("SELECT count(*), sum(json_extract(relation, '$.order')), round(sum(json_extract(relation, '$.weights.b[0]')), 3) FROM resources WHERE json_extract(relation, '$.isPartOf') IS NOT NULL",
                    "SELECT count(*), sum((relation ->> 'order')::int), round(sum((relation #>> '{weights,b,0}')::numeric), 3)::float8 FROM resources WHERE relation ->> 'isPartOf' IS NOT NULL"),
    "the digits of JSON": ("SELECT count(*), max(json_extract(edge_metadata, '$.score')) FROM graph_edges WHERE json_extract(edge_metadata, '$.method') = 'co-citation'",
                           "SELECT count(*), max((edge_metadata ->> 'score')::float8) FROM graph_edges WHERE edge_metadata ->> 'method' = 'co-citation'"),
    "arrays": ("SELECT count(embedding), sum(json_array_length(embedding)), max(json_extract(embedding, '$[3]')), min(json_extract(embedding, '$[0]')) FROM chunks",
               "SELECT count(embedding), sum(cardinality(embedding)), max(embedding[4]), min(embedding[1]) FROM chunks"),
    "arrays of singles": ("SELECT count(*) FILTER (WHERE json_array_length(embedding) = 0), sum((SELECT count(*) FROM json_each(embedding) e WHERE e.type = 'null')) FROM annotations",
                          "SELECT count(*) FILTER (WHERE embedding = '{}'), sum((SELECT count(*) FROM unnest(embedding) e WHERE e IS NULL)) FROM annotations"),
    "by month in UTC": ("SELECT strftime('%Y-%m', updated_at), count(*) FROM resources WHERE updated_at IS NOT NULL GROUP BY 1 ORDER BY 1",
                        "SELECT to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM'), count(*) FROM resources WHERE updated_at IS NOT NULL GROUP BY 1 ORDER BY 1"),
    "between two moments": ("SELECT count(*) FROM resources WHERE updated_at >= '2025-03-01 00:00:00' AND updated_at < '2025-06-01 00:00:00'",
                            "SELECT count(*) FROM resources WHERE updated_at >= '2025-03-01 00:00:00+00' AND updated_at < '2025-06-01 00:00:00+00'"),
    "dates": ("SELECT min(date_published), max(date_published), count(DISTINCT date_published) FROM resources",
              "SELECT to_char(min(date_published), 'YYYY-MM-DD'), to_char(max(date_published), 'YYYY-MM-DD'), count(DISTINCT date_published) FROM resources"),
    "bytes": ("SELECT lower(hex(content_hash)) FROM resources WHERE content_hash IS NOT NULL ORDER BY content_hash LIMIT 20",
              "SELECT encode(content_hash, 'hex') FROM resources WHERE content_hash IS NOT NULL ORDER BY content_hash LIMIT 20"),
    "annotations of readers": ("SELECT u.email, count(a.id), sum(a.end_offset - a.start_offset) FROM users u LEFT JOIN annotations a ON a.user_id = u.id LEFT JOIN resources r ON r.id = a.resource_id GROUP BY u.id ORDER BY u.id",
                               "SELECT u.email, count(a.id), sum(a.end_offset - a.start_offset) FROM users u LEFT JOIN annotations a ON a.user_id = u.id LEFT JOIN resources r ON r.id = a.resource_id GROUP BY u.id ORDER BY u.id"),
    "the tree of collections": ("WITH RECURSIVE tree (id, name, level) AS (SELECT id, name, 0 FROM collections WHERE parent_id IS NULL UNION ALL SELECT c.id, c.name, level + 1 FROM tree JOIN collections c ON c.parent_id = tree.id) SELECT level, count(*) FROM tree GROUP BY 1 ORDER BY 1",
                                "WITH RECURSIVE tree (id, name, level) AS (SELECT id, name, 0 FROM collections WHERE parent_id IS NULL UNION ALL SELECT c.id, c.name, level + 1 FROM tree JOIN collections c ON c.parent_id = tree.id) SELECT level, count(*) FROM tree GROUP BY 1 ORDER BY 1"),
    "citations of citations": ("SELECT a.edge_type, b.edge_type, count(*), round(sum(a.weight * b.weight), 3) FROM graph_edges a JOIN graph_edges b ON b.source_id = a.target_id GROUP BY 1, 2 ORDER BY 1, 2",
                               "SELECT a.edge_type, b.edge_type, count(*), round(sum(a.weight * b.weight)::numeric, 3)::float8 FROM graph_edges a JOIN graph_edges b ON b.source_id = a.target_id GROUP BY 1, 2 ORDER BY 1, 2"),
    "kinds": ("SELECT type, visibility, count(*) FROM resources r JOIN collection_resources l ON l.resource_id = r.id JOIN collections c ON c.id = l.collection_id GROUP BY 1, 2 ORDER BY 1, 2",
              "SELECT type, visibility, count(*) FROM resources r JOIN collection_resources l ON l.resource_id = r.id JOIN collections c ON c.id = l.collection_id GROUP BY 1, 2 ORDER BY type::text COLLATE \"C\", visibility::text COLLATE \"C\""),
}


@pytest.fixture
def m(t):
    """Alexandria in PostgreSQL, where somebody has worked with it."""
    m = Migration(t, NULLS, "postgres")
    m.import_()
    session = t.session()
    maker = new_rows.Maker(t, session, m.app.samples)
    for table in m.tables():
        maker.insert(table)
    session.run("""UPDATE resources SET subject = subject || jsonb_build_array('Ω, "quoted"') WHERE jsonb_typeof(subject) = 'array' AND read;
        UPDATE resources SET updated_at = '2025-04-01 01:30:00+02' WHERE quality_score > 0.9; UPDATE chunks SET embedding = embedding || ARRAY[1e-300::float8, 0.1] WHERE id % 5 = 0;
        UPDATE resources SET created_at = date_trunc('second', created_at) WHERE quality_score < 0.2; DELETE FROM annotations WHERE start_offset > end_offset - 3""")
    return m


def same_answers(m, path, queries):
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    for name, (of_file, of_target) in queries.items():
        found = [list(row) for row in db.execute(of_file)]
        there = [list(row.values()) for row in m.t.shown_rows(f"SELECT * FROM ({of_target}) AS q ({', '.join(f'c{n}' for n in range(len(found[0])))})")]
        assert found == there, (name, [pair for pair in zip(found, there) if pair[0] != pair[1]][:3])
    db.close()


def test_the_tables_of_a_run(m):
    """As the file was: identifiers without dashes, durations as times since 1970, the full-text table."""
    path, _ = export(m.t, "back.db", run=1)
    assert m.t.rows(f"SELECT * FROM verify_export({quote(str(path))}, run => 1) WHERE NOT ok") == []
    same_answers(m, path, QUERIES)
    same_answers(m, path, {
        "full text": ("SELECT count(*) FROM resources_fts WHERE resources_fts MATCH 'lighthouse'", "SELECT count(*) FROM resources WHERE to_tsvector('simple', title) @@ 'lighthouse'"),
        "one by its key": ("SELECT id, title FROM resources ORDER BY id LIMIT 5", "SELECT replace(id::text, '-', ''), title FROM resources ORDER BY id LIMIT 5"),
        "durations": ("SELECT processing_time, count(*) FROM resources WHERE processing_time IS NOT NULL GROUP BY 1 ORDER BY 1",
                      "SELECT to_char(timestamp '1970-01-01' + processing_time, 'YYYY-MM-DD HH24:MI:SS.US'), count(*) FROM resources WHERE processing_time IS NOT NULL GROUP BY processing_time ORDER BY processing_time"),
        "moments": ("SELECT updated_at FROM resources WHERE updated_at LIKE '%.%' ORDER BY 1 LIMIT 5", "SELECT to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') FROM resources WHERE extract(microseconds FROM updated_at)::int % 1000000 <> 0 ORDER BY updated_at LIMIT 5")})


def test_a_schema_that_was_never_imported(m):
    """The same schema exported as one that somebody made."""
    m.t.sql("ALTER TABLE chunks ADD words tsvector GENERATED ALWAYS AS (to_tsvector('simple', content)) STORED; CREATE INDEX ON chunks USING gin (words)")
    path, _ = export(m.t, "schema.db")
    said = " | ".join(findings(m.t))
    for part in ("search_vector", "ix_resources_subject", "chunks_fts"):
        assert part in said, said
    assert m.t.rows(f"SELECT * FROM verify_export({quote(str(path))}) WHERE NOT ok") == []
    words = m.value("SELECT string_agg(DISTINCT w, ' ') FROM (SELECT unnest(tsvector_to_array(words)) AS w FROM chunks ORDER BY id LIMIT 40) q WHERE w ~ '^[a-z]+$'").split()[:5]
    assert words
    same_answers(m, path, QUERIES | {f"full text: {word}": (f"SELECT count(*), min(c.id), max(c.id) FROM chunks_fts f JOIN chunks c ON c.id = f.rowid WHERE chunks_fts MATCH '{word}'",
                                                           f"SELECT count(*), min(id), max(id) FROM chunks WHERE words @@ '{word}'::tsquery") for word in words})
    same_answers(m, path, {"one by its key": ("SELECT id, title FROM resources ORDER BY id LIMIT 5", "SELECT id::text, title FROM resources ORDER BY id LIMIT 5"),
                           "durations": ("SELECT processing_time, count(*) FROM resources WHERE processing_time IS NOT NULL GROUP BY 1 ORDER BY 1",
                                         "SELECT processing_time::text AS d, count(*) FROM resources WHERE processing_time IS NOT NULL GROUP BY 1 ORDER BY processing_time::text COLLATE \"C\""),
                           "moments": ("SELECT updated_at FROM resources WHERE updated_at IS NOT NULL ORDER BY updated_at LIMIT 5",
                                       "SELECT to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00:00' FROM resources WHERE updated_at IS NOT NULL ORDER BY updated_at LIMIT 5")})
    # And it finds a row that the application writes into the file.
    db = sqlite3.connect(path)
    if sqlite3.sqlite_version_info >= (3, 35):
        db.execute("UPDATE chunks SET content = 'palimpsest' WHERE id = (SELECT min(id) FROM chunks)")
        assert db.execute("SELECT count(*) FROM chunks_fts WHERE chunks_fts MATCH 'palimpsest'").fetchone() == (1,)
    db.close()
