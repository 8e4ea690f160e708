"""The server, the scenarios' fixture, and what a failure is reported with.

    make e2e                     everything
    make e2e ONLY=existing       what pytest -k selects
    SETTINGS_SEED=…              draws other session settings for the scenarios (rotation.py)
    ACCEPT=1                     takes the output of the *.sql scripts as expected from now on: read the diff

Whatever is needed of a server is asked of scripts/server.sh, which goes by PG_MAJOR and PG_CONFIG.
"""

import os
import subprocess

import pytest

import applications
import rotation
from cluster import Server
from scenario import TEMPLATE, Scenario


@pytest.fixture(scope="session")
def server():
    """A cluster of the test process's own: pytest-xdist's workers share none."""
    server = Server("e2e" + os.environ.get("PYTEST_XDIST_WORKER", ""))
    server.start()
    try:
        server.run("postgres", f"CREATE DATABASE {TEMPLATE}")
        server.run(TEMPLATE, "CREATE EXTENSION pg_sqlite_migrate")
        yield server
    finally:
        server.stop()


@pytest.fixture
def settings(request):
    """The session settings of a scenario, drawn from its name wherever its file is."""
    return rotation.drawn(name_of(request.node))


@pytest.fixture
def t(server, settings, request):
    """A scenario: a database with the extension, and a directory. Afterwards the server's log has no crash to tell of."""
    with Scenario(server, name_of(request.node), settings) as scenario:
        yield scenario


@pytest.fixture(params=["owner", "superuser"])
def m(t, application, request):
    """The migration of an application (applications.py), under either role."""
    return applications.Migration(t, application, "postgres" if request.param == "superuser" else applications.owner(t))


@pytest.fixture
def small_disk(t):
    """A directory with room for 4 MB."""
    place = t.dir / "disk"
    place.mkdir()
    if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m,mode=755", "none", place], capture_output=True).returncode:
        pytest.skip("a file system can be mounted by root only")
    try:
        yield t.own(place)
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def name_of(item):
    """`fdw_write.copy_from`, whatever folder the file is in."""
    return f"{item.path.stem.removeprefix('test_')}.{item.name.removeprefix('test_')}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure is told with the settings that it came under."""
    outcome = yield
    report = outcome.get_result()
    if report.failed and "settings" in getattr(item, "funcargs", {}):
        said = f"{rotation.described(item.funcargs['settings'])}; SETTINGS_SEED={os.environ.get('SETTINGS_SEED', '')}"
        report.sections.append(("session settings", said))
