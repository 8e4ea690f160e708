"""What every comparison needs: one private cluster, a directory that its server can read, the machine's name."""

import contextlib
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/e2e/support"), str(ROOT / "tests/fixtures")]
from client import Session  # noqa: E402
from cluster import Server  # noqa: E402

SIZE = float(os.environ.get("SIZE", "1"))
RUNS = int(os.environ.get("RUNS", "3"))
# What a server that takes in data should have; the same for every contender.
SETTINGS = """
fsync = on
shared_buffers = '1GB'
max_wal_size = '8GB'
maintenance_work_mem = '512MB'
checkpoint_timeout = '30min'
autovacuum = off
"""


def chosen(*names):
    """Those of the comparisons that ONLY leaves in: all of them when it is not set."""
    only = os.environ.get("ONLY")
    return [name for name in names if only is None or name in only.split(",")]


@contextlib.contextmanager
def ground():
    """The server, started, and a directory for the files."""
    server = Server("bench", SETTINGS)
    server.start()
    try:
        directory = ROOT / "target" / f"bench-{SIZE:g}"
        directory.mkdir(parents=True, exist_ok=True)
        if not reachable(directory):
            directory = pathlib.Path(tempfile.mkdtemp(prefix="pgsm-bench."))
        os.chmod(directory, 0o755)
        own(server, directory)
        yield server, directory
    finally:
        server.stop()


def reachable(directory):
    if os.getuid() != 0:
        return True
    return subprocess.run(["runuser", "-u", "postgres", "--", "test", "-x", directory]).returncode == 0


def own(server, path):
    if os.getuid() == 0:
        os.chown(path, server.user.pw_uid, server.user.pw_gid)


def psql(server, database, script):
    """What psql prints: scripts that it times by itself, with `\\timing`."""
    command = server.psql(database, "postgres", "-A", "-t", "-v", "ON_ERROR_STOP=1")
    return subprocess.run(command, input=script, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def psql_milliseconds(out):
    return sum(float(ms) for ms in re.findall(r"^Time: ([0-9.]+) ms", out, re.M))


def median(times, name):
    """Of what was measured under a name; None when nothing was."""
    return statistics.median(times[name]) if times.get(name) else None


def where(server):
    """Machine, server and number of runs, as the tables' first line."""
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown CPU")
    memory = int(re.search(r"MemTotal:\s+(\d+)", open("/proc/meminfo").read()).group(1)) >> 20
    version = server.value("postgres", "SHOW server_version")
    return f"{os.cpu_count()} × {cpu}, {memory} GB RAM, Linux; PostgreSQL {version}; medians of {RUNS}; size {SIZE:g}"


def grown(server, database, first, statement):
    """Bytes by which a backend has grown at most while it ran a statement; `first` loads what is needed at all."""
    session = Session(server, database, "postgres")
    session.run(first)
    before, highest = session.private_memory(), 0
    session.send(statement)
    while session.running():
        highest = max(highest, session.private_memory())
        time.sleep(0.02)
    session.wait()
    session.close()
    return highest - before


def report(title, times, base, shown, growth, of=None, rows=None):
    """Prints medians, the rows per second of each where their number is given, each divided by that of `base`, by how many bytes
    the backend has grown at most, and every run."""
    rate = lambda seconds: f" {rows / seconds:,.0f} |" if rows else ""  # noqa: E731
    print(f"\n{title}.\n\n| | time |{' rows/s |' if rows else ''} ÷ {shown} |\n|---|---|{'---|' if rows else ''}---|")
    whole = median(times, base)
    for name in times:
        seconds = median(times, name)
        print(f"| {name} | {seconds:.2f} s |{rate(seconds)} {seconds / whole:.2f} |")
    print(f"\n{of or shown}: the backend has grown by {growth / 1e6:.0f} MB at most.")
    print("\nEach run, in seconds:\n\n```json")
    print(json.dumps({name: [round(s, 3) for s in runs] for name, runs in times.items()}))
    print("```")
