"""Bounds concurrency in one event loop: a bounded gather, and a lock with priorities."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from heapq import heappop, heappush
from itertools import count
from typing import TypeVar

T = TypeVar("T")


async def gather_bounded(
    width: int, calls: Iterable[Awaitable[T]] | AsyncIterable[Awaitable[T]]
) -> list[T]:
    """Await calls, at most `width` at once (backpressure); their results in order.

    Args:
        calls: taken one by one as there is room, so that what they hold need not all be there.

    Raises:
        The first error, of a call or of who gives them, once the calls under way have ended; no
            further one is begun.
    """
    coming = aiter(calls if isinstance(calls, AsyncIterable) else _each(calls))
    results: dict[int, T] = {}
    errors: list[Exception] = []
    numbers, next_one = count(), asyncio.Lock()

    async def work() -> None:
        while not errors:
            try:
                async with next_one:
                    call = await anext(coming, None)
                    number = next(numbers)
                if call is None:
                    return
                results[number] = await call
            except Exception as error:
                errors.append(error)

    await asyncio.gather(*(work() for _ in range(width)))
    if errors:
        raise errors[0]
    return [results[number] for number in sorted(results)]


async def _each(calls: Iterable[Awaitable[T]]) -> AsyncIterator[Awaitable[T]]:
    for call in calls:
        yield call


_numbers = count()
_place: ContextVar[tuple[bool, int]] = ContextVar("place_in_line", default=(False, -1))


@contextmanager
def batch_priority(documents: int) -> Iterator[None]:
    """Give what computes in this block its priority: older batches and single documents first."""
    token = _place.set((documents > 1, next(_numbers)))
    try:
        yield
    finally:
        _place.reset(token)


class PriorityLock:
    """A lock with priorities: computes in threads, one batch at a time, the oldest first.

    The interpreter runs one thread at a time anyway. Were it shared out evenly, all batches would
    compute together and then wait for Postgres together; in turns one computes while another's
    rows are written.
    """

    def __init__(self) -> None:
        self._taken = False
        self._waiting: list[tuple[tuple[bool, int], int, asyncio.Future[None]]] = []

    @property
    def is_taken(self) -> bool:
        """Whether somebody computes."""
        return self._taken

    @property
    def waiting(self) -> int:
        """How many compute or wait for their turn."""
        return self._taken + len(self._waiting)

    async def compute(self, function: Callable[..., T], *arguments: object) -> T:
        """Run a function in a thread when it is our turn."""
        async with self._turn():
            return await asyncio.to_thread(function, *arguments)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._taken:
            turn = asyncio.get_running_loop().create_future()
            heappush(self._waiting, (_place.get(), next(_numbers), turn))
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._pass_on()
                raise
        self._taken = True
        try:
            yield
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        while self._waiting:
            turn = heappop(self._waiting)[2]
            if not turn.done():
                turn.set_result(None)
                return
        self._taken = False
