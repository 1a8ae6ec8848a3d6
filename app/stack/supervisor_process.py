"""Runs the supervisor for `navigator up` and `down`, with its lock, signals and table."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from app.prefect.migrated_database import put_database
from app.prefect.resident_note import end_resident
from app.stack.plan import StackOptions, common_environment, plan
from app.stack.ports import require_free_ports
from app.stack.service_table import ServiceTable
from app.stack.services import Service
from app.stack.status_file import (
    ServiceState,
    StackState,
    holding_stack,
    running_stack,
    write_state,
)
from app.stack.supervisor import Supervised, Supervisor
from app.terminal.console import say
from pipeline.errors import UsageError
from pipeline.settings import Settings

DOWN_SECONDS = 120.0
_REDRAW_SECONDS = 1.0


def up(settings: Settings, options: StackOptions) -> None:
    """Run the system until SIGTERM or Ctrl-C.

    Raises:
        UsageError: it runs already on this home folder, a port is taken, or an option is wrong.
    """
    settings = settings.model_copy(update={"home": settings.home.absolute()})
    services = plan(settings, options)
    with holding_stack(settings.home), _prefect_kept(settings.home, services) as services:
        require_free_ports(services)
        names = [each.name for each in services]
        environment = {**os.environ, **common_environment(settings, options, names)}
        with ServiceTable(settings.home / "logs" / "stack.log") as view:
            asyncio.run(_Running(settings.home, services, environment, view).until_stopped())


class _Running:
    def __init__(
        self,
        home: Path,
        services: Sequence[Service],
        environment: dict[str, str],
        view: ServiceTable,
    ) -> None:
        self._home = home
        self._view = view
        self._supervisor = Supervisor(services, environment, home / "logs", self._changed)
        self._stop = asyncio.Event()
        self._was_up = False

    async def until_stopped(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal)
        drawing = asyncio.create_task(self._draw())
        try:
            await self._supervisor.run_until(self._stop)
        finally:
            drawing.cancel()
            self._view.show(self._supervisor.all)

    def _on_signal(self) -> None:
        if self._stop.is_set():
            self._view.say("Ending everything at once.")
            self._supervisor.kill()
        else:
            self._view.say("Stopping, the last started first.")
            self._stop.set()

    def _changed(self, each: Supervised) -> None:
        self._view.changed(each)
        write_state(self._home, _told(self._supervisor.all))
        if self._supervisor.is_up and not self._was_up:
            self._was_up = True
            self._view.say("Everything is up; `navigator dashboard` shows it.", self._view.seconds)
        self._view.show(self._supervisor.all)

    async def _draw(self) -> None:
        while True:
            self._view.show(self._supervisor.all)
            await asyncio.sleep(_REDRAW_SECONDS)


def _told(services: Sequence[Supervised]) -> StackState:
    told = {
        each.service.name: ServiceState(
            each.state.value,
            each.service.address,
            each.pid,
            each.restarts,
            each.child.release if each.child else None,
            each.ended,
        )
        for each in services
    }
    return StackState(os.getpid(), told)


@contextlib.contextmanager
def _prefect_kept(home: Path, services: Sequence[Service]) -> Iterator[Sequence[Service]]:
    """Keep other commands from starting a second Prefect server on the same files.

    The server inherits the lock, so that it is held as long as either of us lives.
    """
    if "prefect" not in [each.name for each in services]:
        yield services
        return
    folder = home / "prefect"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    end_resident(folder)  # that commands share
    with (folder / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("A command is under way with our Prefect server; this begins when it has ended.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        put_database(folder)
        held = (lock.fileno(),)
        yield [replace(each, inherits=held) if each.name == "prefect" else each
               for each in services]  # fmt: skip


def down(settings: Settings) -> bool:
    """Stop the system that runs on this home folder, and wait; False when none does.

    Raises:
        UsageError: it does not stop, or belongs to another user.
    """
    home = settings.home.absolute()
    if (found := running_stack(home)) is None:
        return False
    try:
        os.kill(found.pid, signal.SIGTERM)
    except PermissionError:
        raise UsageError(
            f"Process {found.pid} belongs to another user.", remedy="Stop it as that user."
        ) from None
    except ProcessLookupError:
        return False
    deadline = time.monotonic() + DOWN_SECONDS
    while (still := running_stack(home)) is not None and still.pid == found.pid:
        if time.monotonic() > deadline:
            raise UsageError(
                f"Process {found.pid} has not stopped in {DOWN_SECONDS:.0f} s.",
                remedy=f"Look into {home / 'logs' / 'stack.log'}; `kill -9 {found.pid}` ends it "
                "and, on Linux, what it started.",
            )
        time.sleep(0.1)
    return True
