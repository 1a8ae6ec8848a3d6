"""The embedded Postgres goes on for a while after a command, and ends by itself."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pipeline.store.embedded import stop_embedded
from pipeline.store.embedded_notes import noted, read_notes
from pipeline.store.embedded_tools import postmaster, postmaster_pid
from pipeline.workers import process_of
from tests.app.navigating import Navigator
from tests.pipeline.store.test_embedded import until


@pytest.fixture
def navigator(scratch: Path) -> Iterator[Navigator]:
    """A home whose Postgres nobody holds when the test ends."""
    home = scratch / "kept"
    yield Navigator(home)
    stop_embedded(home / "postgres")
    shutil.rmtree(home, ignore_errors=True)


def keeper_of(folder: Path) -> int | None:
    """The process that is to stop it."""
    with noted(folder) as file:
        name = read_notes(file).keeper
    return process_of(name) if name else None


def test_the_next_command_finds_it_running(navigator: Navigator) -> None:
    """And leaves it to the same keeper; one that was killed has a successor."""
    folder = navigator.home / "postgres"
    kept = {"NAVIGATOR_DATABASE_IDLE_SECONDS": "3600"}
    assert navigator("status", **kept).code == 0
    first, keeper = postmaster_pid(folder), keeper_of(folder)
    assert first is not None
    assert keeper is not None
    assert navigator("status", **kept).code == 0
    assert (postmaster_pid(folder), keeper_of(folder)) == (first, keeper)
    psutil.Process(keeper).kill()
    until(lambda: keeper_of(folder) is None)
    assert navigator("status", **kept).code == 0
    assert postmaster_pid(folder) == first
    assert keeper_of(folder) not in (None, keeper)
    running = psutil.Process(first)
    assert navigator("reset", "--yes", **kept).code == 0
    assert not folder.exists()
    assert psutil.wait_procs([running], timeout=60)[1] == []


def test_it_ends_when_nobody_comes(navigator: Navigator) -> None:
    """No process is left, neither Postgres nor its keeper."""
    folder = navigator.home / "postgres"
    assert navigator("status", NAVIGATOR_DATABASE_IDLE_SECONDS="0.5").code == 0
    until(lambda: postmaster(folder) is None and keeper_of(folder) is None)


def test_without_it_a_command_stops_it(navigator: Navigator) -> None:
    """0 seconds: at once."""
    assert navigator("status", NAVIGATOR_DATABASE_IDLE_SECONDS="0").code == 0
    assert postmaster(navigator.home / "postgres") is None
