"""The embedded Postgres: it stops with its last holder, whoever started it last."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest
import sqlalchemy as sa

from pipeline.store.embedded import open_embedded, other_holders, start_embedded, stop_embedded
from pipeline.store.embedded_tools import is_ready, postmaster, postmaster_pid
from pipeline.store.engine import Database
from pipeline.worker_identity import worker_name
from tests import postgres_restarts
from tests.app.navigating import Navigator

_HOLD = (
    "import sys, pathlib; from pipeline.store.embedded import start_embedded; "
    "start_embedded(pathlib.Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
)


def test_a_holder_stops_the_postgres_that_another_one_started_again(scratch: Path) -> None:
    """Killed, started again by a second holder that is killed too: the first one still stops it."""
    folder = scratch / "held-twice"
    start_embedded(folder)
    first = postmaster_pid(folder)
    assert first is not None
    killed = psutil.Process(first)
    killed.kill()
    psutil.wait_procs([killed], timeout=60)
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as second:
        assert second.stdout is not None
        assert second.stdout.readline() == b"held\n"
        second.kill()
    again = postmaster_pid(folder)
    assert again not in (None, first)
    assert is_ready(folder)
    started = psutil.Process(again)
    stop_embedded(folder)
    _, alive = psutil.wait_procs([started], timeout=60)
    assert alive == []


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module")
def held(scratch: Path) -> Path:
    """The folder of a Postgres that the module starts and stops."""
    return scratch / "embedded"


async def test_one_that_died_is_started_again_by_who_needs_it_next(held: Path) -> None:
    """Its process is killed while it is held: the next transaction starts it, and goes on."""
    database = Database.at(open_embedded(held))
    killed = postmaster(held)
    assert killed is not None
    killed.kill()
    psutil.wait_procs([killed], timeout=60)
    async with database.login() as connection:
        assert await connection.scalar(sa.text("SELECT 1")) == 1
    assert postmaster_pid(held) not in (None, killed.pid)
    await database.close()


def test_one_that_somebody_restarted_is_taken_over(held: Path) -> None:
    """Restarted by hand: who comes next neither stops it nor breaks off what is done in it."""
    url = start_embedded(held)
    postgres_restarts.restart(held)
    restarted = postmaster_pid(held)
    with psycopg.connect(url) as session:
        _hold_and_end(held)
        assert session.execute("SELECT 1").fetchone() == (1,)
    assert postmaster_pid(held) == restarted


def _hold_and_end(folder: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", _HOLD, str(folder)]
    subprocess.run(command, stdin=subprocess.DEVNULL, env=environment, check=True, timeout=120)


def test_the_number_of_a_dead_holder_is_nobody(held: Path) -> None:
    """A holder that was killed, and whose process number another one has got, holds nothing."""
    start_embedded(held)
    notes = held.with_name(f".{held.name}.holders")
    noted = json.loads(notes.read_text())
    machine, _, _ = worker_name().rpartition("/")[0].rpartition("/")
    noted["holders"] += [f"{machine}/{os.getppid()}/1.00", os.getppid()]
    notes.write_text(json.dumps(noted))
    assert other_holders(held) == []
    running = postmaster(held)
    assert running is not None
    stop_embedded(held)
    assert psutil.wait_procs([running], timeout=60)[1] == []


def test_another_homes_postgres_is_never_taken_for_it(held: Path, scratch: Path) -> None:
    """After a reboot its number may be that of another home's Postgres, which stays alone."""
    start_embedded(held)
    other = scratch / "other-home"
    start_embedded(other)
    stale = (other / "postmaster.pid").read_text()
    stop_embedded(other)
    theirs = postmaster(held)
    assert theirs is not None
    lines = stale.splitlines(keepends=True)
    (other / "postmaster.pid").write_text("".join([f"{theirs.pid}\n", *lines[1:]]))
    assert postmaster(other) is None
    start_embedded(other)
    stop_embedded(other)
    assert postmaster(held) == theirs
    assert is_ready(held)
    stop_embedded(held)


def test_data_that_were_never_finished_are_made_again(scratch: Path) -> None:
    """Killed while its data are made for the first time: the next one makes them anew."""
    folder = scratch / "unfinished"
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(folder)],
        stdin=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as first:
        until((folder / "PG_VERSION").exists)
        first.kill()
    assert not (folder / "log").exists()
    start_embedded(folder)
    assert is_ready(folder)
    stop_embedded(folder)


def test_what_killed_commands_leave_is_ended_by_the_next(scratch: Path) -> None:
    """`navigator up` and its keeper killed with SIGKILL: Postgres ends with the next command."""
    navigator = Navigator(scratch / "killed")
    folder = navigator.home / "postgres"
    up = navigator.start("up", "--only", "postgres")
    until(lambda: is_ready(folder) and bool(json.loads(
        (navigator.home / ".postgres.holders").read_text() or "{}").get("holders")))  # fmt: skip
    left = postmaster(folder)
    assert left is not None
    everybody = [psutil.Process(up.pid), *psutil.Process(up.pid).children(recursive=True)]
    for each in everybody:
        each.suspend()  # so that none sees another one die
    for each in everybody:
        each.kill()
    up.communicate(timeout=60)
    assert left.is_running()
    assert navigator("status", "--json").code == 0
    assert psutil.wait_procs([left], timeout=60)[1] == []
