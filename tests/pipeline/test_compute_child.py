"""A child that computes beside a run, and what becomes of the run when the child ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline.child_processes import child_environment

_BEGIN = """
import asyncio, contextlib, ctypes, json, os, signal, threading, time
from pipeline import compute_child
from pipeline.compute_child import compute_beside, computing_beside, running
from pipeline.concurrency import PriorityLock

here = PriorityLock()
compute_child.can_fork = lambda: threading.active_count() == 1  # also on one processor

def where(seconds_in_the_child=0.0):
    if os.getpid() != parent:
        time.sleep(seconds_in_the_child)
        return "child"
    return "here"

def is_shown():
    return ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)  # PR_GET_DUMPABLE

def nothing():
    pass

def first():
    global did
    did = "first"

def slow():
    time.sleep(0.2)

def what_was_done():
    return globals().get("did", "nothing")

parent = os.getpid()

def ask(*arguments):
    return asyncio.run(compute_beside(here, where, *arguments))
"""
_ALL = """
found = {"before": ask()}
with computing_beside(nothing):
    child = running()[0].pid
    found["pid"], found["asked"] = child, ask()
    found["shown"] = asyncio.run(compute_beside(here, is_shown))
    found["files"] = asyncio.run(compute_beside(here, os.listdir, "/dev/fd"))
    os.kill(child, signal.SIGINT)
    found["interrupted"] = ask()
    try:
        asyncio.run(compute_beside(here, int, "no number"))
    except ValueError as error:
        found["raised"] = str(error)

    async def both():
        first = asyncio.create_task(compute_beside(here, where, 0.3))
        await asyncio.sleep(0.1)
        return [await compute_beside(here, os.getpid), await first]

    found["both"] = asyncio.run(both())

    async def cancelled():
        asked = asyncio.create_task(compute_beside(here, bytes, 40_000_000))
        await asyncio.sleep(0.01)
        asked.cancel()
        return await compute_beside(here, os.getpid)

    found["after a cancelled one"] = asyncio.run(cancelled())

    async def killed():
        asked = asyncio.create_task(compute_beside(here, where, 60.0))
        await asyncio.sleep(0.1)
        os.kill(child, signal.SIGKILL)
        return await asked

    found["killed"], found["then"] = asyncio.run(killed()), ask()
    found["running"] = len(running())
with computing_beside(first, nothing):
    others = [each.pid for each in running()]

    async def two():
        at_once = [compute_beside(here, os.getpid) for _ in others]
        found["two"] = sorted(await asyncio.gather(*at_once)) == sorted(others)
        found["loaded"] = await compute_beside(here, what_was_done, loaded=first)
        found["not loaded"] = await compute_beside(here, what_was_done)
        os.kill(others[0], signal.SIGKILL)
        found["its loss"] = await compute_beside(here, where, loaded=first)
        found["other left"] = await compute_beside(here, where)

    while not all(each.is_free for each in running()):
        time.sleep(0.01)
    asyncio.run(two())
with computing_beside(slow):
    found["ready at first"], found["asked while it loads"] = running()[0].is_free, ask()
for other in others:
    try:
        os.kill(other, 0)
    except ProcessLookupError:
        found["over"] = found.get("over", 0) + 1
# asyncio.run has ended its threads; this one stays.
threading.Thread(target=time.sleep, args=(5,), daemon=True).start()
with computing_beside(nothing):
    found["with threads"] = len(running())
print(json.dumps(found), flush=True)
os._exit(0)
"""
_KILLED = """
with computing_beside(nothing):
    print(json.dumps({"pid": running()[0].pid}), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is forked")


def _run(script: str) -> dict[str, Any]:
    """What a program of its own says; a test's own process has threads."""
    command = [sys.executable, "-P", "-c", _BEGIN + textwrap.dedent(script)]
    done = subprocess.run(
        command, env=child_environment(os.environ), capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found | {"said": done.stdout + done.stderr}


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """What a program saw that went through all of it."""
    return _run(_ALL)


def test_a_child_computes(found: dict[str, Any]) -> None:
    """Without one this process does; errors come back as they were raised."""
    assert (found["before"], found["asked"]) == ("here", "child")
    assert "no number" in found["raised"]


def test_a_child_is_hidden_and_has_none_of_the_parents_files(found: dict[str, Any]) -> None:
    """A parser's worker of the same account may not read its memory, where keys are."""
    assert found["shown"] == 0
    assert len(found["files"]) <= 5, "standard streams, its connection, and what listed them"


def test_what_finds_the_child_busy_waits_for_it(found: dict[str, Any]) -> None:
    """This process loads no model while there is a child that has it."""
    assert found["both"] == [found["pid"], "child"]


def test_who_is_cancelled_takes_no_answer_of_others(found: dict[str, Any]) -> None:
    """Its answer is heard by the thread that it left behind, before the next is asked."""
    assert found["after a cancelled one"] == found["pid"]


def test_children_compute_at_once(found: dict[str, Any]) -> None:
    """Both processors work; the gate is asked where it is loaded, and only there."""
    assert found["two"]
    assert (found["loaded"], found["not loaded"]) == ("first", "nothing")
    assert (found["its loss"], found["other left"]) == ("here", "child")


def test_a_child_that_still_loads_is_not_free(found: dict[str, Any]) -> None:
    """Who is loaded is asked before it; what it is asked all the same it does then."""
    assert (found["ready at first"], found["asked while it loads"]) == (False, "child")


def test_an_interruption_is_the_parents_to_understand(found: dict[str, Any]) -> None:
    """Ctrl-C reaches every process of a terminal; the child goes on."""
    assert found["interrupted"] == "child"


def test_a_killed_child_costs_time_alone(found: dict[str, Any]) -> None:
    """What it was at is computed here, and so is what comes then; its end is told once."""
    assert (found["killed"], found["then"], found["running"]) == ("here", "here", 0)
    assert found["said"].count("compute_child_ended") == 2, "one in each of two runs"


def test_a_child_ends_with_what_it_is_for(found: dict[str, Any]) -> None:
    """Nothing is left when the run is over."""
    assert found["over"] == 2


def test_a_process_with_threads_has_no_child(found: dict[str, Any]) -> None:
    """A fork would not have them, and might wait for one of their locks for ever."""
    assert found["with threads"] == 0


def test_a_child_ends_with_its_parent() -> None:
    """The kernel ends it, however the parent ended."""
    child, deadline = _run(_KILLED)["pid"], time.monotonic() + 60
    while _is_alive(child):
        assert time.monotonic() < deadline, "the child lives on"
        time.sleep(0.02)


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
