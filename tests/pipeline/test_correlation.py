"""The correlation id: bound where something happens, carried to whoever is asked."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from pipeline import correlation


def test_one_id_is_the_current_one_and_several_are_not() -> None:
    """A batch belongs to all of its jobs' ids; a request to a service is sent for one only."""
    one, two = uuid4(), uuid4()
    assert (correlation.current(), correlation.ids(), correlation.headers()) == (None, (), {})
    with correlation.bound([one, two, one]):
        assert (correlation.current(), correlation.ids()) == (None, (one, two))
        with correlation.bound([one]):
            assert correlation.current() == one
            assert correlation.headers() == {"X-Correlation-ID": str(one)}
        assert correlation.headers() == {}
    assert correlation.ids() == ()


async def test_tasks_keep_their_own() -> None:
    """Requests that are answered at once do not get into each other's."""

    async def seen() -> bool:
        mine = uuid4()
        with correlation.bound([mine]):
            await asyncio.sleep(0)
            return correlation.current() == mine

    assert all(await asyncio.gather(*(seen() for _ in range(50))))


@pytest.mark.parametrize(
    "given", ["", "7", "x" * 36, "../../etc", "0" * 37, "{" + "0" * 32 + "}\n", "é" * 32, None]
)
def test_what_is_no_uuid_is_no_id(given: str | None) -> None:
    """A header says what its sender likes; only a UUID is ever written down."""
    assert correlation.read(given) is None


def test_a_uuid_is_taken_in_any_spelling() -> None:
    """With hyphens or without."""
    made = uuid4()
    assert correlation.read(str(made)) == correlation.read(made.hex) == made
