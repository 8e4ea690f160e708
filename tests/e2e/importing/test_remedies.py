"""The fix of a finding resolves it: with the fix in the plan the finding is gone, the import succeeds, and it costs no more rows and
values than the finding has said.

REMEDY_SEED (the first) and REMEDY_COUNT choose other tables of odd columns than the suite's.
"""

import contextlib
import json
import os
import re
import sqlite3

import pytest

import finding_samples
import odd_columns
import real_files
from harness import ROOT, SHARED, ident, quote, shared
from scenario import Scenario

KINDS = re.findall(r'^    \w+ = "(\w+)",$', (ROOT / "core/src/finding/kind.rs").read_text(), re.M)
# More fixes than any of the files needs one after the other.
ROUNDS = 12
# How many rows an error concerns is not known.
ANY = 1_000_000


def numbers(text):
    return [int(n.replace(",", "")) for n in re.findall(r"\d[\d,]*", text)]


def same(finding):
    return finding["severity"], finding["kind"], finding["object"], finding["message"]


def blocking(findings):
    return [f for f in findings if f["severity"] == "blocking"]


def check_fix(t, path, plan, finding):
    """One fix by itself: the finding is gone, and the import succeeds once what else blocks it is resolved as well."""
    fixed = t.merged(plan, finding["fix"])
    left = t.findings(path, fixed)
    assert same(finding) not in map(same, left), f"{finding} is still there with {fixed}"
    check_import(t, path, fixed, left, [finding, *left])


def check_import(t, path, plan, left, used):
    """Follows the fixes of blocking findings until none is left, and imports. Gives the plan, or None where only the data can be corrected."""
    for _ in range(ROUNDS):
        stopping = blocking(left)
        if not stopping:
            break
        if any(f["fix"] is None for f in stopping):
            return None
        plan = t.merged(plan, *(f["fix"] for f in stopping))
        used = used + stopping
        left = t.findings(path, plan)
    assert not blocking(left), f"still blocked after {ROUNDS} rounds: {blocking(left)}, plan {plan}"
    said = [number for f in used for number in numbers(f["message"] + f["hint"])]
    s = t.session()
    loaded = imported(t, s, path, plan, said)
    rejected = sum(int(count) for _, count, _ in loaded)
    nulls = sum(made_null(s, path, target) for target, count, _ in loaded if not int(count))
    s.run("ROLLBACK")
    s.close()
    assert rejected <= sum(said), f"{rejected} rows are rejected, {used} have said {said}"
    assert nulls <= sum(said), f"{nulls} values are NULL, {used} have said {said}"
    return plan


LISTED = "SELECT format('%I.%I', schema, \"table\"), coalesce(rejected, 0), detail FROM sqlite_import({}, {}) WHERE status = 'loaded'"


def imported(t, s, path, plan, said):
    """Tables and rejected rows of an import. What only the load can see is an error; its fix is followed, whatever it costs."""
    for _ in range(ROUNDS):
        s.run("BEGIN")
        result = s.attempt(LISTED.format(quote(str(path)), quote(json.dumps(plan))))
        if not result.error:
            # What the plan asked for, and only the load could count, is in the result.
            asked = '"on_invalid"' in json.dumps(plan)
            said += [number for *_, detail in result.rows if asked for number in numbers(detail or "")]
            return result.rows
        s.run("ROLLBACK")
        fix = re.search(r"As a plan: (\{.*\})", result.error.hint or "")
        assert fix, f"an error without a fix: {result.error}"
        plan = t.merged(plan, json.loads(fix[1]))
        said.append(ANY)
    raise AssertionError(f"still an error after {ROUNDS} rounds: {result.error}")


def made_null(s, path, target):
    """How many cells of a loaded table are NULL that are not NULL in the file, by names that are the same in both. 0 where Python cannot read it."""
    with contextlib.suppress(sqlite3.DatabaseError), contextlib.closing(sqlite3.connect(path)) as db:
        db.text_factory = lambda text: text.decode(errors="replace")
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'") if target.endswith((f".{name}", f".{ident(name)}"))]
        if not tables:
            return 0
        source = ident(tables[0])
        there = {row[1] for row in db.execute(f"PRAGMA table_info({source})")}
        found = s.run(f"SELECT attname FROM pg_attribute WHERE attrelid = {quote(target)}::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''").rows
        counts = "+".join(["0", *(f"count({ident(name)})" for (name,) in found if name in there)])
        count = lambda rows, relation: [int(n) for n in rows(f"SELECT count(*), {counts} FROM {relation}")]  # noqa: E731
        rows, cells = count(lambda sql: db.execute(sql).fetchone(), source)
        loaded, kept = count(lambda sql: s.run(sql).rows[0], target)
        return cells - kept if loaded == rows else 0
    return 0


def check_all(t, path, plan):
    """Every fix of a file, one of a kind and object at a time, and all of the blocking ones together."""
    findings = t.findings(path, plan)
    tried = set()
    for finding in findings:
        key = finding["kind"], json.dumps(list(leaves(finding["fix"])))
        if finding["fix"] is not None and key not in tried:
            tried.add(key)
            check_fix(t, path, plan, finding)
    check_import(t, path, plan, findings, findings)
    return {f["kind"] for f in findings}


def leaves(fix):
    """The keys and values that a fix sets, without the names of tables and columns."""
    for name, value in (fix or {}).items():
        if isinstance(value, dict):
            yield from leaves(value)
        else:
            yield name, value


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind(t, kind):
    if kind in finding_samples.ELSEWHERE:
        name = finding_samples.ELSEWHERE[kind]
        assert (ROOT / "tests/e2e" / name).exists()
        pytest.skip(f"{kind} is made by scenarios of {name}")
    if kind in finding_samples.FILES:
        path, plan = finding_samples.FILES[kind](t)
        assert kind in check_all(t, path, plan)
        return
    if kind in finding_samples.NEEDS:
        t.needs(finding_samples.NEEDS[kind])
    for n, (script, schema, plan) in enumerate(finding_samples.SAMPLES[kind]):
        with Scenario(t.server, f"{kind} {n}", t.settings) as sample:
            path = sample.file("a.db", script)
            sample.sql(schema)
            assert kind in check_all(sample, path, plan), f"no finding of kind {kind} in sample {n}: {sample.findings(path, plan)}"


@pytest.mark.parametrize("name", real_files.NAMES)
def test_real_files(t, name):
    check_all(t, t.copy_of(shared("data", f"{name}.db")), {})


def cases():
    return sorted(path.name.removesuffix(".sql") for path in SHARED.glob("cases/*.sql") if not path.name.endswith(".pg.sql"))


@pytest.mark.parametrize("name", cases() or ["all"])
def test_cases(t, name):
    path = t.file("case.db", shared("cases", f"{name}.sql").read_text())
    there = SHARED / "cases" / f"{name}.pg.sql"
    if there.exists():
        t.sql(there.read_text())
    check_all(t, path, {"create": "never"} if there.exists() else {})


SEEDS = range(int(os.environ.get("REMEDY_SEED", 1)), int(os.environ.get("REMEDY_SEED", 1)) + int(os.environ.get("REMEDY_COUNT", 40)))


@pytest.mark.parametrize("seed", SEEDS)
def test_odd_columns(t, seed):
    script, there, plan = odd_columns.generate(seed)
    try:
        path = t.file("odd.db", script)
        t.sql(there)
        check_all(t, path, plan)
    except AssertionError as failure:
        raise AssertionError(f"REMEDY_SEED={seed}: {failure}\n{script}\n{there}\nplan: {json.dumps(plan)}") from failure


def test_patches_are_merged_in_order(t):
    assert json.loads(t.value("""SELECT sqlite_plan_merge('{"names": "lower", "tables": {"t": {"skip": true}}}', '{"names": null}', NULL, '{"tables": {"t": {"skip": null, "target": "u"}}}')""")) == {
        "tables": {"t": {"target": "u"}}}
    assert t.value("SELECT sqlite_plan_merge(NULL, VARIADIC ARRAY['{\"names\": \"lower\"}']::jsonb[])") == '{"names": "lower"}'
    assert t.value("SELECT sqlite_plan_merge('{}', VARIADIC NULL::jsonb[])") == "{}"
