"""Several things at once, and whose turn it is to compute."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Iterator

import pytest

from pipeline.concurrency import PriorityLock, batch_priority, gather_bounded


async def test_calls_run_side_by_side_and_answer_in_order() -> None:
    """Never more than the width at once, each taken only when there is room."""
    under_way, most, taken = 0, 0, 0

    async def call(number: int) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        # The first of them end last.
        await asyncio.sleep(0.01 / (number + 1))
        under_way -= 1
        return number

    def calls() -> Iterator[Awaitable[int]]:
        nonlocal taken
        for number in range(9):
            taken += 1
            assert taken - number == 1
            assert under_way < 3
            yield call(number)

    assert await gather_bounded(3, calls()) == list(range(9))
    assert most == 3


async def test_no_calls_give_no_results() -> None:
    """Nothing to do is no error."""
    assert await gather_bounded(4, iter(list[Awaitable[int]]())) == []


async def test_after_an_error_what_is_under_way_ends_and_nothing_is_begun() -> None:
    """The first error is raised, and only when nothing runs any more."""
    ended: list[int] = []

    async def call(number: int) -> None:
        if number == 1:
            raise ValueError("the second")
        await asyncio.sleep(0.02)
        ended.append(number)

    with pytest.raises(ValueError, match="the second"):
        await gather_bounded(2, (call(number) for number in range(8)))
    assert ended == [0]


async def test_an_error_of_who_gives_the_calls_waits_for_them_too() -> None:
    """What was given is finished before the error is raised."""
    ended: list[int] = []

    async def call(number: int) -> None:
        await asyncio.sleep(0.02)
        ended.append(number)

    async def calls() -> AsyncIterator[Awaitable[None]]:
        yield call(0)
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        await gather_bounded(2, calls())
    assert ended == [0]


async def test_one_computes_at_a_time_the_oldest_batch_first() -> None:
    """Turns are given by age, not by who asked first; a single document waits behind no batch."""
    turns, order = PriorityLock(), list[str]()
    at_once = threading.Semaphore(1)
    free = threading.Event()

    def compute(name: str) -> None:
        assert at_once.acquire(blocking=False)
        if name == "holder":
            assert free.wait(5)
        order.append(name)
        at_once.release()

    async def batch(name: str, documents: int, asks: asyncio.Event) -> None:
        with batch_priority(documents):
            await asks.wait()
            await turns.compute(compute, name)

    events = {name: asyncio.Event() for name in ("holder", "old", "new", "single")}
    tasks = []
    for name, asks in events.items():
        tasks.append(asyncio.create_task(batch(name, 1 if name == "single" else 512, asks)))
        await asyncio.sleep(0)
    for name in ("holder", "new", "single", "old"):
        events[name].set()
        await asyncio.sleep(0.01)
    free.set()
    await asyncio.gather(*tasks)
    assert order == ["holder", "single", "old", "new"]


async def test_who_gives_up_or_fails_passes_its_turn_on() -> None:
    """A cancelled waiter and an error leave the turn to the next."""
    turns, free = PriorityLock(), threading.Event()
    holder = asyncio.create_task(turns.compute(free.wait, 5))
    await asyncio.sleep(0.01)
    gives_up = asyncio.create_task(turns.compute(lambda: pytest.fail("it was cancelled")))
    fails = asyncio.create_task(turns.compute(lambda: 1 // 0))
    last = asyncio.create_task(turns.compute(lambda: "done"))
    await asyncio.sleep(0.01)
    gives_up.cancel()
    free.set()
    assert await last == "done"
    assert await holder
    with pytest.raises(ZeroDivisionError):
        await fails
    with pytest.raises(asyncio.CancelledError):
        await gives_up


async def test_a_turn_given_to_a_waiter_that_is_cancelled_at_once_is_not_lost() -> None:
    """The turn was set, the waiter never saw it: the next one gets it."""
    turns, free = PriorityLock(), threading.Event()
    holder = asyncio.create_task(turns.compute(free.wait, 5))
    await asyncio.sleep(0.01)
    waiter = asyncio.create_task(turns.compute(lambda: None))
    await asyncio.sleep(0.01)
    holder.add_done_callback(lambda _: waiter.cancel())
    free.set()
    await asyncio.wait([holder, waiter])
    assert await asyncio.wait_for(turns.compute(lambda: "free"), 60) == "free"
