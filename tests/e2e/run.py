#!/usr/bin/env python3
"""Runs the end-to-end scenarios against a private server; its last line is `N passed, M failed`.

    run.py [PATTERN …]     only scenarios whose name contains one of the patterns
    run.py --list          their names
    ACCEPT=1 run.py        takes the output of the *.sql scripts as expected from now on: read the diff
    SETTINGS_SEED=… run.py draws other session settings for the scenarios

Two kinds: `*.sql` scripts whose output is compared with expected/*.out as pg_regress does, and functions in test_*.py.
"""

import difflib
import importlib
import os
import pathlib
import re
import subprocess
import sys
import time
import traceback

sys.path[:0] = [str(pathlib.Path(__file__).parent), str(pathlib.Path(__file__).parents[1] / "fixtures")]
import app_db  # noqa: E402
import rotation  # noqa: E402
from harness import Scenario, Server, Skip  # noqa: E402

HERE = pathlib.Path(__file__).parent


def scenarios():
    """Name and function of every scenario, in a fixed order."""
    for script in sorted(HERE.glob("*.sql")):
        yield script.name, lambda t, script=script: compare(t, script)
    for path in sorted(HERE.glob("test_*.py")):
        module = importlib.import_module(path.stem)
        for name, value in list(vars(module).items()):
            if name.startswith("test_") and callable(value):
                yield f"{path.stem[5:]}.{name[5:]}", value
        if hasattr(module, "cases"):
            yield from ((f"{path.stem[5:]}.{name}", function) for name, function in module.cases())


def compare(t, script):
    """Runs a script with psql and compares what it prints with what it should print."""
    prepare(t, script)
    run = subprocess.run(t.server.command(t.database, "postgres", "-a", "-v", f"dir={t.dir}"), input=script.read_bytes(),
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=t.dir, timeout=300)
    actual = normalise(run.stdout.decode(errors="replace"), t.dir)
    expected = HERE / "expected" / f"{script.stem}.out"
    if os.environ.get("ACCEPT"):
        expected.write_text(actual)
    if not expected.exists():
        raise AssertionError(f"no {expected.name} yet: `ACCEPT=1 make e2e ONLY={script.name}` makes it, then read it")
    if actual != expected.read_text():
        diff = difflib.unified_diff(expected.read_text().splitlines(), actual.splitlines(), "expected", "actual", "", "", 2)
        raise AssertionError("\n".join(list(diff)[:80]))


def prepare(t, script):
    """Makes the fixtures that a script's `-- fixture: NAME …` lines ask for."""
    for name in re.findall(r"^-- fixture: (.*)$", script.read_text(), re.M):
        for fixture in name.split():
            if fixture == "app":
                app_db.build(t.dir / "app.db")
                t.own(t.dir / "app.db")
            else:
                t.fixture(fixture)


def normalise(text, directory):
    """Removes what differs from run to run: the directory and places in the source."""
    text = text.replace(str(directory), "/fixtures")
    return re.sub(r"^LOCATION:.*\n", "", text, flags=re.M)


def run_one(server, name, function):
    """`ok`, `skip` or `FAILED`, with a text."""
    t = Scenario(server, name)
    try:
        with t:
            function(t)
        return "ok", ""
    except Skip as reason:
        return "skip", str(reason)
    except AssertionError as failure:
        where = traceback.extract_tb(failure.__traceback__)
        lines = [f"{pathlib.Path(f.filename).name}:{f.lineno}" for f in where if "e2e" in f.filename][1:]
        return "FAILED", f"{str(failure) or where[-1].line}\n({' < '.join(reversed(lines))})\n{circumstances(t)}"
    except Exception:  # a broken scenario is a failed one
        return "FAILED", f"{traceback.format_exc()}{circumstances(t)}"


def circumstances(t):
    return f"settings: {rotation.described(t.settings)}; SETTINGS_SEED={os.environ.get('SETTINGS_SEED', '')}"


def main(arguments):
    chosen = [(n, f) for n, f in scenarios() if not arguments or any(a in n for a in arguments)]
    if arguments == ["--list"]:
        print("\n".join(name for name, _ in scenarios()))
        return 0
    server = Server()
    server.start()
    counts = {"ok": 0, "skip": 0, "FAILED": 0}
    try:
        template = "CREATE DATABASE extension_template; \\c extension_template\nCREATE EXTENSION pg_sqlite_migrate"
        server.run("postgres", template).ok()
        for name, function in chosen:
            start = time.monotonic()
            outcome, text = run_one(server, name, function)
            counts[outcome] += 1
            print(f"{name:<60} {outcome:<6} {time.monotonic() - start:6.1f} s", flush=True)
            if text:
                print("    " + text.replace("\n", "\n    "), flush=True)
            server.wait_until_up()
    finally:
        server.stop()
    if counts["skip"]:
        print(f"{counts['skip']} skipped")
    print(f"{counts['ok']} passed, {counts['FAILED']} failed")
    return 1 if counts["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
