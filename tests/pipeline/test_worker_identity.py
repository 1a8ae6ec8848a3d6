"""Who holds a claim: dead processes of this machine are known, all others are trusted."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Iterator

import pytest

from pipeline.worker_identity import dead_workers, lives_here, worker_name

PROGRAM = """
import sys
from pipeline.worker_identity import worker_name
print(worker_name(), flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    """Another worker on this machine, waiting for a line."""
    started = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield started
    started.kill()
    started.communicate()


def test_a_process_is_dead_once_it_is_gone_and_not_before(process: subprocess.Popen[str]) -> None:
    """It lives, is killed and not yet buried, is buried: dead from the second on."""
    assert process.stdout is not None
    name = process.stdout.readline().strip()
    assert dead_workers([name, worker_name()]) == []
    process.kill()
    process.communicate()
    assert dead_workers([name, worker_name()]) == [name]


def test_this_process_has_one_name_and_lives() -> None:
    """The name stays the same, so that a worker finds its own claims."""
    assert worker_name() == worker_name()
    assert dead_workers([worker_name()]) == []


def test_a_process_number_given_to_another_process_is_a_dead_worker() -> None:
    """The same number with another start is another process."""
    host, boot, pid, started = worker_name().rsplit("/", 3)
    earlier = f"{host}/{boot}/{pid}/{float(started) - 100:.2f}"
    assert dead_workers([earlier]) == [earlier]


def test_a_machine_that_is_named_anew_is_the_same(process: subprocess.Popen[str]) -> None:
    """Its processes are still here: nothing of theirs is taken away, and none is called dead."""
    assert process.stdout is not None
    _, boot, pid, started = process.stdout.readline().strip().rsplit("/", 3)
    before = f"before/{boot}/{pid}/{started}"
    assert lives_here(before)
    assert not lives_here(f"before/another/{pid}/{started}")
    process.kill()
    process.communicate()
    assert not lives_here(before)
    assert dead_workers([before]) == []  # its lease has to run out


def test_a_worker_of_another_machine_is_never_called_dead() -> None:
    """Its processes cannot be seen from here; only its lease can run out."""
    _, boot, pid, started = worker_name().rsplit("/", 3)
    assert dead_workers([f"elsewhere/{boot}/{pid}/{started}", "elsewhere/1/999999/1"]) == []


def test_a_machine_of_the_same_name_is_another_machine() -> None:
    """Containers often share a host name: another boot is not taken for a restart of this one."""
    assert dead_workers([f"{platform.node()}/other-boot/999999/1"]) == []


@pytest.mark.parametrize("name", ["", "person", "a/b", "host/x/y/z", "1/2/3"])
def test_a_name_of_another_form_is_not_called_dead(name: str) -> None:
    """What was written by somebody else's rules is left to its lease."""
    assert dead_workers([name]) == []


def test_a_host_name_may_hold_slashes() -> None:
    """The parts are read from the right."""
    assert dead_workers(["rack/7/host/1/2/3"]) == []
