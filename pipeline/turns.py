"""Whose turn it is to compute: one batch of a process at a time, the oldest first.

The interpreter runs one thread at a time anyway. Were it shared out evenly, all batches would
compute together and then wait for Postgres together; in turns one computes while another's rows
are written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from heapq import heappop, heappush
from itertools import count
from typing import TypeVar

Result = TypeVar("Result")

_numbers = count()
_place: ContextVar[tuple[bool, int]] = ContextVar("place_in_line", default=(False, -1))


@contextmanager
def in_line(documents: int) -> Iterator[None]:
    """What computes in this block waits behind older batches; a single document behind none."""
    token = _place.set((documents > 1, next(_numbers)))
    try:
        yield
    finally:
        _place.reset(token)


class Turns:
    """The turns of one event loop."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: list[tuple[tuple[bool, int], int, asyncio.Future[None]]] = []

    async def compute(self, function: Callable[..., Result], *arguments: object) -> Result:
        """Run a function in a thread when it is our turn."""
        await self._take()
        try:
            return await asyncio.to_thread(function, *arguments)
        finally:
            self._pass_on()

    async def _take(self) -> None:
        if not self._taken:
            self._taken = True
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (_place.get(), next(_numbers), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            turn = heappop(self._waiting)[2]
            if not turn.done():
                turn.set_result(None)
                return
        self._taken = False
