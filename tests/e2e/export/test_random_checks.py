"""Constraints that an exported file has of PostgreSQL's take and refuse the same rows: random CHECKs and unique indexes on
expressions, over values at the edges.

PROPERTY_SEED (the first) and PROPERTY_COUNT choose others than the suite's.
"""

import os
import sqlite3

import pytest

import check_generator
from exports import export, schema

SEEDS = range(1, 5)
# Puts the rows into a table one after the other; what became of each: taken, refused, or no answer where PostgreSQL has an error.
TRY = """CREATE FUNCTION attempts(target regclass) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE row record;
BEGIN
    FOR row IN SELECT * FROM rows ORDER BY id LOOP
        BEGIN
            EXECUTE format('INSERT INTO %s SELECT * FROM rows WHERE id = %s', target, row.id);
            RETURN NEXT 'taken';
        EXCEPTION WHEN check_violation OR unique_violation THEN RETURN NEXT 'refused';
            WHEN OTHERS THEN RETURN NEXT 'error';
        END;
    END LOOP;
END $$"""


def seeds():
    first, count = int(os.environ.get("PROPERTY_SEED", SEEDS.start)), int(os.environ.get("PROPERTY_COUNT", len(SEEDS)))
    return range(first, first + count)


@pytest.mark.parametrize("seed", seeds())
def test_the_same_rows_are_taken(t, seed):
    case = check_generator.generate(seed)
    session = t.session()
    session.run(f"{case.script}; {TRY}")
    # An expression may have another type than was thought, or be no immutable one.
    made = [table for table, sql in case.constraints.items() if session.attempt(sql).error is None]
    assert len(made) > check_generator.TABLES / 2, len(made)
    path, _ = export(t)
    declared = schema(path)
    carried = [table for table in made if f"{table}_drawn" in declared.get(table, "") or f"{table}_drawn" in declared]
    for table in carried:
        expected = [answer for answer, in session.run(f"SELECT attempts('{table}')").rows]
        found = attempts(path, table, expected)
        wrong = [number for number, (one, other) in enumerate(zip(expected, found)) if one != other]
        assert not wrong, (case.constraints[table], declared.get(f"{table}_drawn") or declared[table].split("CONSTRAINT")[-1],
                           [(expected[number], session.value(f"SELECT r FROM rows r WHERE id = {number}")) for number in wrong[:3]])
    assert len(carried) > len(made) / 5, f"{len(carried)} of {len(made)} are carried over"


def attempts(path, table, expected):
    db = sqlite3.connect(path)
    try:
        return [attempt(db, table, number) if answer != "error" else "error" for number, answer in enumerate(expected)]
    finally:
        db.close()


def attempt(db, table, number):
    try:
        db.execute(f'INSERT INTO "{table}" SELECT * FROM "rows" WHERE id = {number}')
        return "taken"
    except sqlite3.IntegrityError:
        return "refused"
