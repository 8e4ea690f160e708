import collections, os
import pytest
from translated import Oracle

def show(outcomes):
    for o in outcomes:
        if o.kind in ("wrong", "assumption") or os.environ.get("ALL"):
            print(f"[{o.kind}] {o.statement}\n   -> {o.translated}\n   {o.said}")
    for o in outcomes:
        if o.kind in ("refused", "invalid"):
            print(f"[{o.kind}] {o.statement}   :: {o.said}")
    print(collections.Counter(o.kind for o in outcomes))

def split(name):
    text = open(f"/tmp/revb/{name}").read()
    return [l.strip() for l in text.splitlines() if l.strip() and not l.startswith("#")]

@pytest.mark.parametrize("name", [n for n in os.environ.get("REVB", "a").split(",")])
def test_it(t, name):
    path = t.file(f"{name}.db", open(f"/tmp/revb/{name}.sql").read())
    plan = open(f"/tmp/revb/{name}.plan").read() if os.path.exists(f"/tmp/revb/{name}.plan") else "{}"
    o = Oracle(t, path, plan)
    print(t.sql("SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema='public'").out)
    show(o.judge_all(split(f"{name}.q"), lambda s: "ORDER BY" in s.rsplit(")", 1)[-1]))
    o.close()
