"""The supervisor over small services: order, restarts, tasks, the end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psutil
import pytest

from app.stack import noted_restarts
from app.stack import supervisor as supervising
from app.stack.services import Service, State
from app.stack.status_file import ServiceState, StackState
from app.stack.supervisor import Supervised, Supervisor
from pipeline.machine_answers import MachineAnswer
from pipeline.store import machine_answers
from pipeline.store.engine import Database

SLEEP = "import time; time.sleep(60)"


def service(name: str, code: str = SLEEP, **rest: object) -> Service:
    """A service that is a line of Python."""
    command = [sys.executable, "-c", code]
    values: dict[str, object] = {"title": name, "health": lambda: True, **rest}
    return Service(name=name, command=command, **values)  # type: ignore[arg-type]


class Story:
    """A supervisor over services, and what it told of them."""

    def __init__(self, folder: Path, services: Sequence[Service]) -> None:
        self.lines: list[tuple[str, State, str]] = []
        self.supervisor = Supervisor(services, dict(os.environ), folder, self._changed)
        self._stop = asyncio.Event()

    def _changed(self, each: Supervised) -> None:
        self.lines.append((each.service.name, each.state, each.note))

    def states(self, name: str) -> list[State]:
        return [state for told, state, _ in self.lines if told == name]

    def notes(self, name: str) -> str:
        return " ".join(note for told, _, note in self.lines if told == name)

    async def until(self, name: str, state: State, times: int = 1) -> None:
        """Run until a service has been in a state so often, then stop."""
        running = asyncio.create_task(self.supervisor.run_until(self._stop))
        deadline = time.monotonic() + 240
        while self.states(name).count(state) < times:
            assert time.monotonic() < deadline, self.lines
            assert not running.done(), self.lines
            await asyncio.sleep(0.02)
        self._stop.set()
        await running


async def test_order_there_and_back(tmp_path: Path) -> None:
    """What is needed is up before what needs it, and goes after it."""
    story = Story(tmp_path, [service("first"), service("second", needs=["first"])])
    await story.until("second", State.HEALTHY)
    told = [(name, state) for name, state, _ in story.lines]
    assert told.index(("first", State.HEALTHY)) < told.index(("second", State.STARTING))
    assert told.index(("second", State.STOPPED)) < told.index(("first", State.STOPPED))


async def test_backoff(tmp_path: Path) -> None:
    """A service that cannot start is tried again after longer and longer pauses, with its words."""
    code = "import sys; sys.exit('the disk is full')"
    story = Story(tmp_path, [service("broken", code, health=lambda: False)])
    await story.until("broken", State.RESTARTING, times=3)
    notes = story.notes("broken")
    assert "ended with code 1: the disk is full; again in 0.5 s" in notes
    assert "again in 1 s" in notes and "again in 2 s" in notes
    assert "the disk is full" in (tmp_path / "broken.log").read_text()


async def test_a_task_ends_well_once(tmp_path: Path) -> None:
    """A task that has ended well counts as up and is not started again."""
    story = Story(
        tmp_path, [service("task", "pass", is_task=True), service("next", needs=["task"])]
    )
    await story.until("next", State.HEALTHY)
    assert story.states("task") == [State.STARTING, State.DONE, State.STOPPED]


async def test_a_task_is_done_again_when_its_work_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look finds what a task had done to be missing, and the task runs once more, and no more."""
    monkeypatch.setattr(supervising, "LAPSE_SECONDS", 0.05)
    looks = iter(["", "", "there is no deployment sweep"])
    task = service("task", "pass", is_task=True, lapsed=lambda: next(looks, ""))
    story = Story(tmp_path, [task, service("next", needs=["task"])])
    await story.until("task", State.DONE, times=2)
    expected = [State.STARTING, State.DONE, State.RESTARTING, State.STARTING, State.DONE]
    assert story.states("task") == [*expected, State.STOPPED]
    assert "there is no deployment sweep" in story.notes("task")


async def test_silence_is_not_health(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that runs but does not answer any more is started again."""
    monkeypatch.setattr(supervising, "LOOK_SECONDS", 0.05)
    answers = iter([True, True])
    story = Story(tmp_path, [service("mute", health=lambda: next(answers, False))])
    await story.until("mute", State.RESTARTING)
    assert State.UNHEALTHY in story.states("mute")
    assert "does not answer any more" in story.notes("mute")


async def test_slow_is_not_dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that computes and answers late is left alone; once it is stopped it is ended."""
    monkeypatch.setattr(supervising, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(supervising, "_SHORT_STOP_SECONDS", 0.2)
    answers = iter([True])
    story = Story(
        tmp_path, [service("busy", "while True: pass", health=lambda: next(answers, False))]
    )
    looks = 0
    running = asyncio.create_task(story.until("busy", State.RESTARTING))
    while looks < 15:
        await asyncio.sleep(0.1)
        looks += 1
        assert State.RESTARTING not in story.states("busy"), story.lines
    busy = story.supervisor.all[0]
    assert (busy.state, busy.note) == (State.UNHEALTHY, "is slow to answer")
    assert busy.pid is not None
    os.kill(busy.pid, signal.SIGSTOP)
    await running
    assert "does not answer any more" in story.notes("busy")


async def test_one_at_a_time_is_taken_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several dead services the next is ended only after the one before is healthy again."""
    monkeypatch.setattr(supervising, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(supervising, "_SHORT_STOP_SECONDS", 0.2)
    monkeypatch.setattr("app.stack.service_process.STOP_SECONDS", 0.2)
    stopped: set[int] = set()

    def alive(name: str) -> bool:
        pid = next(each.pid for each in story.supervisor.all if each.service.name == name)
        return pid is not None and pid not in stopped

    names = ("one", "two", "three")
    story = Story(tmp_path, [service(name, health=partial(alive, name)) for name in names])
    running = asyncio.create_task(story.until("three", State.RESTARTING))
    for each in story.supervisor.all:
        await each.up.wait()
    for each in story.supervisor.all:
        assert each.pid is not None
        os.kill(each.pid, signal.SIGSTOP)
        stopped.add(each.pid)
    await running
    down: set[str] = set()
    for name, state, _ in story.lines:
        if state is State.RESTARTING:
            down.add(name)
        elif state is State.HEALTHY:
            down.discard(name)
        elif state is State.STOPPED:
            break
        assert len(down) <= 1, story.lines
    assert "waits for its turn" in "".join(story.notes(name) for name in names)


async def test_the_stubborn_are_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that ignores the request to end is killed, with what it has started."""
    monkeypatch.setattr("app.stack.service_process.STOP_SECONDS", 0.3)
    mark = tmp_path / "started"
    code = (
        "import pathlib, signal, subprocess, sys, time; signal.signal(15, signal.SIG_IGN);"
        f"child = subprocess.Popen([sys.executable, '-c', {SLEEP!r}]);"
        f"pathlib.Path({str(mark)!r}).write_text(str(child.pid)); time.sleep(60)"
    )
    story = Story(tmp_path, [service("stubborn", code, health=mark.exists)])
    await story.until("stubborn", State.HEALTHY)
    assert story.lines[-1] == ("stubborn", State.STOPPED, "had to be killed")
    deadline = time.monotonic() + 240
    while _lives(int(mark.read_text())):
        assert time.monotonic() < deadline, "what it had started lives on"
        await asyncio.sleep(0.02)


def _lives(pid: int) -> bool:
    try:
        # In a container nobody may come to bury it.
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_a_restart_is_noted_once_with_how_it_ended(
    monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    """By the API, which reads the status file; another API after it notes nothing twice."""
    services = {"worker": ServiceState("healthy", "x", restarts=2, ended="was killed (SIGKILL)"),
                "api": ServiceState("healthy", "y")}  # fmt: skip
    monkeypatch.setattr(noted_restarts, "running_stack", lambda _: StackState(7, services))
    parts = SimpleNamespace(database=database, settings=SimpleNamespace(home=Path()))
    for _ in range(2):
        noting = noted_restarts.NotedRestarts(cast("Any", parts))
        await noting.look()
        await noting.look()
    async with database.service() as connection:
        [kept] = await machine_answers.since(connection, 60, [MachineAnswer.RESTART])
    assert kept.said == (
        "worker was started again, restart 2 of `navigator up` 7: it was killed (SIGKILL)."
    )
