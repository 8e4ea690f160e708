"""The *.sql scripts, run by psql: what it prints is what expected/*.out says, as pg_regress does it.

ACCEPT=1 takes what is printed as expected from now on: read the diff.
"""

import difflib
import os
import pathlib
import re
import subprocess

import pytest

import app_db
import rotation

SCRIPTS = pathlib.Path(__file__).parent


@pytest.fixture
def settings():
    """A user sees the server's defaults."""
    return rotation.FIXED


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.sql")), ids=lambda path: path.name)
def test_script(t, script):
    make_fixtures(t, script)
    run = subprocess.run(t.server.psql(t.database, "postgres", "-a", "-v", f"dir={t.dir}"), input=script.read_bytes(),
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=t.dir, timeout=300)
    actual = normalise(run.stdout.decode(errors="replace"), t.dir)
    expected = SCRIPTS / "expected" / f"{script.stem}.out"
    if os.environ.get("ACCEPT"):
        expected.write_text(actual)
    assert expected.exists(), f"no {expected.name} yet: `ACCEPT=1 make e2e ONLY={script.stem}` makes it, then read it"
    diff = list(difflib.unified_diff(expected.read_text().splitlines(), actual.splitlines(), "expected", "actual", "", "", 2))
    assert not diff, "\n".join(diff[:80])


def make_fixtures(t, script):
    """Makes the files that a script's `-- fixture: NAME …` lines ask for."""
    for names in re.findall(r"^-- fixture: (.*)$", script.read_text(), re.M):
        for name in names.split():
            if name == "app":
                app_db.build(t.dir / "app.db")
                t.own(t.dir / "app.db")
            else:
                t.fixture(name)


def normalise(text, directory):
    """Removes what differs from run to run: the directory and places in the source."""
    text = text.replace(str(directory), "/fixtures")
    return re.sub(r"^LOCATION:.*\n", "", text, flags=re.M)
