"""What several test files stand on: a real PostgreSQL, workspaces on either database, the shared data."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

# test files are imported without their folder on the path
sys.path.insert(0, str(Path(__file__).resolve().parent))
from engagement import make_workspace, with_teams

from playbook.report.engine import preload

with preload.late_grammar():  # compiling it takes each test process seconds, and almost none needs it
    import jsonschema  # noqa: F401

START = dt.date(2026, 11, 2)
SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
EXPORTS = Path(__file__).resolve().parent / "fixtures" / "exports"
SERVER_USER = "postgres"
LONG = ("test_notebooks_in_lab.py", "test_workspace.py")
"""Files so long, and so late in the alphabet, that one worker would end with each alone."""

_numbers = itertools.count(1)


def pytest_collection_modifyitems(items):
    """These files begin first."""
    items.sort(key=lambda item: item.path.name not in LONG)


def missing_package(reason: str) -> None:
    """Skip for a missing system package; on CI, where it must be there, fail."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"CI=true and {reason}")
    pytest.skip(reason)


def _server_programs() -> Path | None:
    found = shutil.which("pg_ctl")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists() and (place / "postgres").exists()), None)


def _free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


@pytest.fixture(scope="session")
def postgres_url():
    """The URL of a PostgreSQL server of this test run's own, on loopback, with no password."""
    programs = _server_programs()
    if programs is None:
        missing_package("no PostgreSQL server found (initdb, pg_ctl); install the package postgresql")
    pytest.importorskip("psycopg", reason="psycopg is not installed; install transition-playbook[postgres]")
    prefix = ["runuser", "-u", SERVER_USER, "--"] if os.geteuid() == 0 else []  # PostgreSQL refuses to run as root
    with tempfile.TemporaryDirectory(prefix="playbook-pg-", ignore_cleanup_errors=True) as temporary:
        home = Path(temporary)
        if prefix:
            shutil.chown(home, SERVER_USER)
        data = home / "data"

        def run(program, *arguments):
            command = [*prefix, str(programs / program), *arguments]
            return subprocess.run(command, check=True, cwd="/", capture_output=True, text=True, timeout=120)

        run("initdb", "-D", str(data), "-U", "playbook", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")

        def start(tries):
            # another test worker may take the free port first
            port = _free_port()
            options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home}"
            options += "".join(f" -c {safety}=off" for safety in ("fsync", "synchronous_commit", "full_page_writes"))
            try:
                run("pg_ctl", "-D", str(data), "-l", str(home / "log"), "-w", "-o", options, "start")
            except subprocess.CalledProcessError:
                if tries == 1:
                    raise
                return start(tries - 1)
            return port

        port = start(tries=3)
        try:
            yield f"postgresql://playbook@127.0.0.1:{port}/postgres"
        finally:
            with contextlib.suppress(subprocess.SubprocessError):
                run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request):
    """What `Workspace.create` takes as its database: None for SQLite, a URL with a schema of the test's own."""
    if request.param == "sqlite":
        return None
    return f"{request.getfixturevalue('postgres_url')}?schema=test_{os.getpid()}_{next(_numbers)}"


def _workspace(folder, database=None):
    from playbook.io.workspace import Workspace

    return Workspace.create(folder, organisation="Acme", start=START, database=database)


@pytest.fixture
def workspace(tmp_path, database):
    """A new workspace without teams, on SQLite (a copy, as `tmp_workspace`) and on PostgreSQL."""
    folder = tmp_path / "engagement"
    return _workspace(folder, database) if database else make_workspace(folder)


@pytest.fixture
def tmp_workspace(tmp_path):
    """A new workspace without teams, on SQLite only: a copy, as making one takes longer than most tests."""
    return make_workspace(tmp_path / "engagement")


@pytest.fixture
def ws(tmp_workspace):
    """A new workspace of two teams, on SQLite only."""
    return with_teams(tmp_workspace)


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """One workspace of two teams that many generated files are thrown at."""
    return with_teams(_workspace(tmp_path_factory.mktemp("busy") / "engagement"))


@pytest.fixture
def bring(ws, tmp_path):
    """Import an export of the fixtures by its name, or a text written as a file here."""
    from playbook.io.intake import bring_in

    def read(content, name="export.csv", **how):
        path = EXPORTS / content
        if "\n" in content:
            path = tmp_path / name
            path.write_bytes(content.encode())
        return bring_in(ws, path, team="content", **how)

    return read


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real input beside the repository."""
    if not SHARED.is_dir():
        pytest.skip(f"the shared data are not at {SHARED}")
    return SHARED
