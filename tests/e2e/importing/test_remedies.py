"""The fix of a finding resolves it: with the fix in the plan the finding is gone, the import succeeds, and it costs no more rows and
values than the finding has said."""

import json
import re

import pytest

import finding_samples
import real_files
from harness import ROOT, quote, shared
from scenario import Scenario

KINDS = re.findall(r'^    \w+ = "(\w+)",$', (ROOT / "core/src/finding/kind.rs").read_text(), re.M)
# More fixes than any of the files needs one after the other.
ROUNDS = 12


def merged(t, plan, *fixes):
    patches = ", ".join(f"{quote(json.dumps(fix))}::jsonb" for fix in fixes)
    return json.loads(t.value(f"SELECT sqlite_plan_merge({quote(json.dumps(plan))}, {patches})"))


def same(finding):
    return finding["severity"], finding["kind"], finding["object"], finding["message"]


def blocking(findings):
    return [f for f in findings if f["severity"] == "blocking"]


def check_fix(t, path, plan, finding):
    """One fix by itself: the finding is gone, and the import succeeds once what else blocks it is resolved as well."""
    fixed = merged(t, plan, finding["fix"])
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
        plan = merged(t, plan, *(f["fix"] for f in stopping))
        used = used + stopping
        left = t.findings(path, plan)
    assert not blocking(left), f"still blocked after {ROUNDS} rounds: {blocking(left)}, plan {plan}"
    said = [int(n.replace(",", "")) for f in used for n in re.findall(r"\d[\d,]*", f["message"] + f["hint"])]
    s = t.session()
    s.run("BEGIN")
    rejected = sum(int(row.split("|")[0]) for row in s.run(f"SELECT coalesce(rejected, 0) FROM sqlite_import({quote(str(path))}, {quote(json.dumps(plan))})").out.split())
    s.run("ROLLBACK")
    s.close()
    assert rejected <= sum(said), f"{rejected} rows are rejected, {used} have said {said}"
    return plan


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


def test_patches_are_merged_in_order(t):
    assert json.loads(t.value("""SELECT sqlite_plan_merge('{"names": "lower", "tables": {"t": {"skip": true}}}', '{"names": null}', NULL, '{"tables": {"t": {"skip": null, "target": "u"}}}')""")) == {
        "tables": {"t": {"target": "u"}}}
    assert t.value("SELECT sqlite_plan_merge(NULL, VARIADIC ARRAY['{\"names\": \"lower\"}']::jsonb[])") == '{"names": "lower"}'
    assert t.value("SELECT sqlite_plan_merge('{}', VARIADIC NULL::jsonb[])") == "{}"
