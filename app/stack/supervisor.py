"""Supervises services: starts them in order, restarts what dies, stops them in reverse.

A library was looked for first: honcho starts processes but neither orders nor restarts them;
circus and supervisord restart, but know no health and no order by health, and are daemons with
files of their own. What is needed beyond the standard library is little, and here.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.stack.liveness import Patience
from app.stack.service_process import ServiceProcess
from app.stack.services import UP, Service, State
from pipeline.child_processes import how_it_ended
from pipeline.errors import ConfigurationError

LOOK_SECONDS = 3.0

_START_LOOK_SECONDS = 0.2
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_STEADY_SECONDS = 60.0
_SHORT_STOP_SECONDS = 5.0
OTHER_RELEASE = "another release was deployed"
LAPSE_SECONDS = 15.0
"""Between two looks at what a task had done."""


@dataclass
class Supervised:
    """A supervised service and its state.

    Attributes:
        since: when its state began, by the monotonic clock.
        healthy_since: when it last became healthy.
        answer_seconds: how long the last look took.
        note: why it is as it is, when that is not as it should be.
        ended: how it ended before its last restart.
        memory: bytes.
    """

    service: Service
    state: State = State.WAITING
    since: float = field(default_factory=time.monotonic)
    healthy_since: float | None = None
    answer_seconds: float | None = None
    note: str = ""
    ended: str = ""
    restarts: int = 0
    memory: int = 0
    child: ServiceProcess | None = None
    up: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def pid(self) -> int | None:
        """Its process, while it runs."""
        return self.child.pid if self.child else None


Changed = Callable[[Supervised], None]


class Supervisor:
    """Runs services until it is asked to stop.

    Args:
        services: in an order in which each comes after what it needs.
        environment: of every service.
        logs: the folder of their logs.
        changed: told of every change of state.
    """

    def __init__(
        self,
        services: Sequence[Service],
        environment: Mapping[str, str],
        logs: Path,
        changed: Changed,
    ) -> None:
        self.all = [Supervised(service) for service in services]
        self._by_name = {each.service.name: each for each in self.all}
        self._environment = environment
        self._logs = logs
        self._changed = changed
        self._stopping = False
        self._taken_down: Supervised | None = None

    @property
    def is_up(self) -> bool:
        """Whether everything runs as it should."""
        return all(each.state in UP for each in self.all)

    async def run_until(self, stop: asyncio.Event) -> None:
        """Keep every service running until `stop`, then end them in reverse order."""
        keepers = {each.service.name: asyncio.create_task(self._keep(each)) for each in self.all}
        measuring = asyncio.create_task(self._measure())
        asked = asyncio.create_task(stop.wait())
        failing = asyncio.create_task(_first_failure(keepers.values()))
        try:
            # A keeper ends by an error of ours only; everything goes down with it, in order.
            await asyncio.wait([asked, failing], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._stopping = True  # what ends now is not started again
            for task in (measuring, asked, failing):
                task.cancel()
            for each in reversed(self.all):
                await self._end(each, keepers[each.service.name])
        for keeper in keepers.values():
            if not keeper.cancelled() and (error := keeper.exception()):
                raise error

    def kill(self) -> None:
        """End every service at once."""
        for each in self.all:
            if each.child is not None:
                each.child.kill()

    async def _end(self, each: Supervised, keeper: asyncio.Task[None]) -> None:
        keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(keeper, return_exceptions=True)
        by_itself = await each.child.stop() if each.child else True
        each.memory = 0
        self._enter(each, State.STOPPED, "" if by_itself else "had to be killed")

    async def _keep(self, each: Supervised) -> None:
        for name in each.service.needs:
            await self._by_name[name].up.wait()
        pause = _FIRST_PAUSE
        while True:
            reason = await self._live(each)
            if each.state is State.DONE and not self._stopping:
                reason = await self._until_lapsed(each)
            if self._stopping or not reason:
                return
            if reason == OTHER_RELEASE:
                each.healthy_since = None
                continue
            steady = each.healthy_since and time.monotonic() - each.healthy_since > _STEADY_SECONDS
            pause = _FIRST_PAUSE if steady else pause
            each.restarts += 1
            each.ended = reason
            each.healthy_since = None
            self._enter(each, State.RESTARTING, f"{reason}; again in {pause:g} s")
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _until_lapsed(self, each: Supervised) -> str:
        """Why a task that has ended well has to be done again; empty when it never has."""
        if each.service.lapsed is None:
            return ""
        while True:
            if why := await asyncio.to_thread(each.service.lapsed):
                return why
            await asyncio.sleep(LAPSE_SECONDS)

    async def _live(self, each: Supervised) -> str:
        """From a start to its end; why it ended."""
        log = self._logs / f"{each.service.name}.log"
        each.child = child = ServiceProcess(each.service, self._environment, log)
        self._enter(each, State.STARTING)
        try:
            await child.start()
        except OSError as error:
            self._give_turn(each)
            return f"cannot be started ({error.strerror})"
        except ConfigurationError as error:
            self._give_turn(each)
            return f"cannot be started: {error.message}"
        ended = asyncio.create_task(child.wait())
        try:
            reason = await self._until_unwell(each, ended)
        finally:
            if not ended.done():
                ended.cancel()
        # For another release it ends as at the end of everything: runs give back their claims.
        seconds = None if reason == OTHER_RELEASE else _SHORT_STOP_SECONDS
        if not await child.stop(seconds):
            reason += ", and had to be killed"
        return reason

    async def _until_unwell(self, each: Supervised, ended: asyncio.Task[int]) -> str:
        assert each.child is not None, "it was just started"
        patience = Patience(each.child.at_work, each.service.ready_seconds)
        while True:
            pause = _START_LOOK_SECONDS if each.state is State.STARTING else LOOK_SECONDS
            await asyncio.wait([ended], timeout=pause)
            if ended.done():
                self._give_turn(each)
                return self._why_ended(each, ended.result())
            if each.service.is_task:
                continue
            if each.child.is_outdated and self._takes_turn(each):
                return OTHER_RELEASE
            if await self._answers(each):
                patience.answered()
                self._give_turn(each)
                self._enter(each, State.HEALTHY)
            elif each.state is State.STARTING:
                if reason := await asyncio.to_thread(patience.ends, starting=True):
                    self._give_turn(each)  # it is down by itself
                    return reason
            elif reason := await asyncio.to_thread(patience.ends):
                if self._takes_turn(each):
                    return reason
                self._enter(each, State.UNHEALTHY, f"{reason}; waits for its turn")
            else:
                self._enter(each, State.UNHEALTHY, patience.note)

    def _takes_turn(self, each: Supervised) -> bool:
        """Whether it may be ended: at no time are two of them down by our own hand."""
        if self._taken_down in (None, each):
            self._taken_down = each
        return self._taken_down is each

    def _give_turn(self, each: Supervised) -> None:
        if self._taken_down is each:
            self._taken_down = None

    async def _answers(self, each: Supervised) -> bool:
        began = time.monotonic()
        answered = await asyncio.to_thread(each.service.health)
        each.answer_seconds = time.monotonic() - began if answered else None
        return answered

    def _why_ended(self, each: Supervised, code: int) -> str:
        if each.service.is_task and code == 0:
            self._enter(each, State.DONE)
            return ""
        how = how_it_ended(code)
        words = each.child.last_words() if each.child else ""
        return f"{how}: {words}" if words and code > 0 else how

    def _enter(self, each: Supervised, state: State, note: str = "") -> None:
        if (each.state, each.note) == (state, note):
            return
        if state is not each.state:
            each.since = time.monotonic()
        each.state, each.note = state, note
        if state in UP:
            each.healthy_since = each.healthy_since or time.monotonic()
            each.up.set()
        self._changed(each)

    async def _measure(self) -> None:
        while True:
            for each in self.all:
                child = each.child
                each.memory = await asyncio.to_thread(child.memory) if child else 0
            await asyncio.sleep(LOOK_SECONDS)


async def _first_failure(keepers: Collection[asyncio.Task[None]]) -> None:
    await asyncio.wait(keepers, return_when=asyncio.FIRST_EXCEPTION)
