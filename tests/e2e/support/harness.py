"""Places, names and small helpers that scenarios, generators and benches share; nothing here talks to a server."""

import pathlib
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[3]
FIXTURES = ROOT / "tests" / "fixtures"
# Real files, too large to be kept in this repository.
SHARED = ROOT.parent / "shared"


def shared(*parts):
    """A file or folder of ../shared. Without that folder the scenario is skipped; a file that is missing in it is a failure."""
    path = SHARED.joinpath(*parts)
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not there")
    assert path.exists(), f"{SHARED} is there, but {path} is missing"
    return path


def quote(text):
    """A literal that means the same whatever standard_conforming_strings is."""
    return "'" + text.replace("'", "''") + "'" if "\\" not in text else " E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def ident(name):
    return '"' + name.replace('"', '""') + '"'


def until(condition, what, seconds=60):
    """Waits for something that another process brings about."""
    for _ in range(seconds * 20):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"never happened: {what}")
