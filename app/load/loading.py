"""Runs what `navigator load` was asked for: one load, or several and a forecast."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from app.load.forecast import Forecast, forecast
from app.load.permission import require_free, require_here
from app.load.running import Plan, Step, run
from app.stack.smoke_test import DEFAULT_URL
from app.stack.status_file import api_of_stack
from app.terminal.console import say
from pipeline.errors import UsageError
from pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asked for.

    Attributes:
        goal: times of the local load to forecast; None: nothing is.
        elsewhere: the API may be another machine's.
        spend: documents may cost money.
    """

    times: float
    seconds: float
    goal: float | None
    seed: int
    url: str | None
    elsewhere: bool
    spend: bool


async def load(settings: Settings, wanted: Wanted) -> tuple[list[Step], Forecast | None]:
    """Put the loads on the API one after the other, the largest last.

    Raises:
        UsageError: it may not be done so.
        NavigatorError: it could not be done.
    """
    url = (wanted.url or api_of_stack(settings.home.absolute()) or DEFAULT_URL).rstrip("/")
    require_here(url, elsewhere=wanted.elsewhere)
    require_free(settings, spend=wanted.spend)
    if wanted.seconds < 1:
        raise UsageError("A load lasts at least a second.", remedy="Give --for, such as 5m.")
    with _ended_by_term():
        steps = [
            await run(settings, url, Plan(times, wanted.seconds, wanted.seed, wanted.spend), say)
            for times in sizes(wanted)
        ]
    return steps, None if wanted.goal is None else forecast(steps, wanted.goal)


def sizes(wanted: Wanted) -> list[float]:
    """Times of the local load to measure: the one asked for, for a forecast also 1 and half."""
    if wanted.goal is None:
        return [wanted.times]
    if wanted.times <= 1:
        raise UsageError(
            "A forecast is fitted to several loads, the smallest of which is the local load.",
            remedy="Give --times more than 1, such as 10.",
        )
    return sorted({1.0, wanted.times / 2, wanted.times})


@contextmanager
def _ended_by_term() -> Iterator[None]:
    """SIGTERM ends the load as Ctrl-C does: its users are erased first."""
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
