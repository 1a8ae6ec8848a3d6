"""The shared budget and circuit of a provider, asked over several connections at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa

from pipeline.retry_policy import FAILURES_TO_OPEN, OPEN_SECONDS, QUOTA_OPEN_SECONDS
from pipeline.store import circuit_breaker, rate_limits
from pipeline.store.circuit_breaker import Permit
from pipeline.store.engine import Database
from pipeline.store.rate_limits import RateLimits
from pipeline.store.schema import SCHEMA
from tests.pipeline.store.making import table

PROVIDER = "openai/small"


@pytest.fixture
async def other(store_url: str) -> AsyncIterator[Database]:
    """A second pool: another process, as far as the database can tell."""
    database = Database(store_url)
    yield database
    await database.close()


async def limit(database: Database, rpm: int | None = None, tpm: int | None = None) -> None:
    """Set the provider's limits."""
    async with database.service() as connection:
        await rate_limits.ensure_limits(connection, RateLimits(PROVIDER, rpm, tpm))


async def ask(database: Database, tokens: int = 1) -> Permit:
    """Ask in a transaction of its own."""
    async with database.service() as connection:
        return await rate_limits.acquire(connection, PROVIDER, tokens)


async def fail(database: Database, times: int = 1, *, quota: bool = False) -> None:
    """Failed requests in a row."""
    for _ in range(times):
        async with database.service() as connection:
            await circuit_breaker.record_failure(
                connection, PROVIDER, "It answers 503.", quota=quota
            )


async def succeed(database: Database) -> None:
    """An answered request."""
    async with database.service() as connection:
        await circuit_breaker.record_success(connection, PROVIDER)


async def pass_time(database: Database, seconds: float) -> None:
    """Let the provider's row be so much older."""
    statement = sa.text(
        f"""
        UPDATE {SCHEMA}.provider_budgets SET
            refilled_at = refilled_at - make_interval(secs => :s),
            paused_until = paused_until - make_interval(secs => :s),
            opened_until = opened_until - make_interval(secs => :s)
        """
    )
    async with database.service() as connection:
        await connection.execute(statement, {"s": seconds})


async def row(database: Database) -> Any:
    """The provider's row."""
    return (await table(database, "provider_budgets"))[0]


async def test_without_limits_everybody_sends(store: Database) -> None:
    """No limit of ours means no wait, however much is asked for."""
    await limit(store)
    assert [await ask(store, 10**9) for _ in range(5)] == [Permit(0)] * 5


async def test_two_processes_together_stay_within_the_requests(
    store: Database, other: Database
) -> None:
    """Eighty callers on two pools get no more permits than a minute allows."""
    await limit(store, rpm=30)
    permits = await asyncio.gather(*(ask(each) for _ in range(40) for each in (store, other)))
    granted = [permit for permit in permits if permit == Permit(0)]
    # the bucket refills by half a request a second while this runs
    assert 30 <= len(granted) <= 33
    assert all(0 < permit.wait_seconds <= 10 for permit in permits if permit not in granted)


async def test_two_processes_together_stay_within_the_tokens(
    store: Database, other: Database
) -> None:
    """The tokens granted at once never add up to more than a minute's."""
    await limit(store, tpm=6000)
    permits = await asyncio.gather(*(ask(each, 500) for _ in range(15) for each in (store, other)))
    assert 12 <= sum(permit == Permit(0) for permit in permits) <= 13


async def test_the_bucket_refills_up_to_one_minute(store: Database) -> None:
    """Half a minute gives half the requests back; a long rest gives no more than a minute's."""
    await limit(store, rpm=20)
    await asyncio.gather(*(ask(store) for _ in range(25)))
    await pass_time(store, 30)
    assert 10 <= sum([await ask(store) == Permit(0) for _ in range(15)]) <= 11
    await pass_time(store, 3600)
    assert 20 <= sum([await ask(store) == Permit(0) for _ in range(25)]) <= 21


async def test_a_request_larger_than_a_minute_goes_when_the_bucket_is_full(store: Database) -> None:
    """It is not refused for ever, and everybody pays for it with a longer wait."""
    await limit(store, tpm=1000)
    assert await ask(store, 3000) == Permit(0)
    await pass_time(store, 60)
    assert (await ask(store, 100)).wait_seconds > 0
    await pass_time(store, 120)
    assert await ask(store, 100) == Permit(0)


async def test_changed_limits_take_effect_at_once(store: Database) -> None:
    """New settings replace the old ones; the same settings again do not refill the bucket."""
    await limit(store, rpm=1)
    assert await ask(store) == Permit(0)
    await limit(store, rpm=1)
    assert (await ask(store)).wait_seconds > 0
    await limit(store, rpm=5)
    assert await ask(store) == Permit(0)
    await limit(store)
    assert (await row(store))["requests_per_minute"] is None


async def test_everybody_waits_for_a_pause(store: Database, other: Database) -> None:
    """What the provider told one process holds for all; a shorter pause does not cut a longer."""
    await limit(store)
    async with store.service() as connection:
        await rate_limits.pause(connection, PROVIDER, 30)
        await rate_limits.pause(connection, PROVIDER, 2)
    permit = await ask(other)
    assert 28 < permit.wait_seconds <= 30
    assert not permit.circuit_open
    await pass_time(store, 31)
    assert await ask(other) == Permit(0)


async def test_the_circuit_opens_at_the_fifth_failure_in_a_row(
    store: Database, other: Database
) -> None:
    """Four failures are bad luck, a success forgets them, five in a row close the door for all."""
    await limit(store)
    await fail(store, FAILURES_TO_OPEN - 1)
    assert await ask(other) == Permit(0)
    await succeed(store)
    await fail(store, FAILURES_TO_OPEN - 1)
    assert await ask(other) == Permit(0)
    await fail(store)
    permit = await ask(other)
    assert permit.circuit_open
    assert permit.reason == "It answers 503."
    assert 0 < permit.wait_seconds <= OPEN_SECONDS


async def test_the_fifth_failure_in_a_row_opens_the_circuit_for_15_seconds(
    store: Database,
) -> None:
    """The numbers themselves: four failures are let pass, an answer forgets them, five are not."""
    await limit(store)
    for _ in range(2):
        await fail(store, 4)
        assert await ask(store) == Permit(0)
        await succeed(store)
    await fail(store, 5)
    permit = await ask(store)
    assert permit.circuit_open
    assert 0 < permit.wait_seconds <= 15
    await pass_time(store, 15.1)
    assert await ask(store) == Permit(0)


async def test_after_the_wait_one_probe_is_sent(store: Database, other: Database) -> None:
    """Of twenty callers one may try; the others wait for what it hears."""
    await limit(store)
    await fail(store, FAILURES_TO_OPEN)
    await pass_time(store, OPEN_SECONDS + 1)
    permits = await asyncio.gather(*(ask(each) for _ in range(10) for each in (store, other)))
    assert sum(permit == Permit(0) for permit in permits) == 1
    assert sum(permit.wait_seconds > 0 for permit in permits) == 19
    assert (await row(store))["circuit"] == "half_open"


async def test_the_probe_decides(store: Database) -> None:
    """A failed probe opens the circuit anew, an answered one closes it."""
    await limit(store)
    await fail(store, FAILURES_TO_OPEN)
    await pass_time(store, OPEN_SECONDS + 1)
    assert await ask(store) == Permit(0)
    await fail(store)
    assert (await row(store))["circuit"] == "open"
    assert (await ask(store)).circuit_open
    await pass_time(store, OPEN_SECONDS + 1)
    assert await ask(store) == Permit(0)
    await succeed(store)
    closed = await row(store)
    assert (closed["circuit"], closed["failures"], closed["reason"]) == ("closed", 0, None)
    assert [await ask(store) for _ in range(3)] == [Permit(0)] * 3


async def test_a_probe_whose_process_died_is_followed_by_another(store: Database) -> None:
    """A probe without an answer does not keep the circuit closed to all for ever."""
    await limit(store)
    await fail(store, FAILURES_TO_OPEN)
    await pass_time(store, OPEN_SECONDS + 1)
    assert await ask(store) == Permit(0)
    await pass_time(store, 31)
    assert await ask(store) == Permit(0)


async def test_an_exhausted_quota_opens_the_circuit_at_once(store: Database) -> None:
    """One refusal for lack of money is enough, and the wait is longer."""
    await limit(store)
    await fail(store, quota=True)
    permit = await ask(store)
    assert permit.circuit_open
    assert OPEN_SECONDS < permit.wait_seconds <= QUOTA_OPEN_SECONDS


async def test_providers_do_not_share_their_troubles(store: Database) -> None:
    """An open circuit of one provider lets the others send."""
    await limit(store)
    async with store.service() as connection:
        await rate_limits.ensure_limits(connection, RateLimits("other"))
    await fail(store, FAILURES_TO_OPEN)
    async with store.service() as connection:
        assert await rate_limits.acquire(connection, "other", 1) == Permit(0)
