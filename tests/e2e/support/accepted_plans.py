"""What an import accepts is valid by docs/plan.schema.json, so that an editor that goes by it underlines nothing right."""

import functools
import json

import jsonschema

from harness import ROOT


@functools.cache
def validator():
    return jsonschema.Draft202012Validator(json.loads((ROOT / "docs/plan.schema.json").read_text()))


def check(plan):
    errors = [f"{error.json_path}: {error.message:.300}" for error in validator().iter_errors(plan)]
    assert not errors, f"the plan was accepted, and docs/plan.schema.json refuses it: {errors}"
