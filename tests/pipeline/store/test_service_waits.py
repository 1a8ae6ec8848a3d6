"""Jobs that wait for a service: one probes when it may, all go on when it answers."""

from __future__ import annotations

from uuid import UUID

import pytest
import sqlalchemy as sa

from pipeline.alerts import Alert, Severity
from pipeline.errors import ServiceUnavailable
from pipeline.retry_policy import FAILURES_TO_OPEN
from pipeline.store import alerts, backlog, circuit_breaker, claims, rate_limits, service_waits
from pipeline.store.backlog import Selection
from pipeline.store.engine import Database
from pipeline.store.rate_limits import RateLimits
from pipeline.store.schema import SCHEMA
from tests.pipeline.store.making import FIRST, claim, registered_jobs

PROVIDER = "openai/small"
AWAY = ServiceUnavailable("The embedder is away.", code="circuit_open")


async def fail(database: Database, times: int = FAILURES_TO_OPEN) -> None:
    """Let the provider's circuit open."""
    async with database.service() as connection:
        await rate_limits.ensure_limits(connection, RateLimits(PROVIDER))
        for _ in range(times):
            await circuit_breaker.record_failure(connection, PROVIDER, "It answers 503.")


async def answer(database: Database) -> None:
    """Let it close."""
    async with database.service() as connection:
        await circuit_breaker.record_success(connection, PROVIDER)


async def pass_window(database: Database) -> None:
    """As if the circuit had been open for its time."""
    statement = sa.text(f"UPDATE {SCHEMA}.provider_budgets SET opened_until = now()")
    async with database.service() as connection:
        await connection.execute(statement)


async def wait_for(database: Database, jobs: list[UUID], provider: str | None = PROVIDER) -> None:
    """Jobs that were begun, and wait."""
    held = [each.claim for each in await claim(database, jobs)]
    async with database.service() as connection:
        for _ in range(12):  # the pause would be half an hour at least
            await claims.note_trouble(connection, held, FIRST, AWAY, provider)
        await claims.release(connection, held, FIRST)


async def selected(database: Database, days: float | None = None) -> set[UUID]:
    """What a sweep would take up."""
    async with database.service() as connection:
        found = await backlog.waiting(connection, Selection(older_than_days=days))
    return {job for jobs in found.values() for job in jobs}


async def test_while_the_circuit_is_open_one_job_probes_at_a_time(store: Database) -> None:
    """None before the window is over, then the one that waits longest; what failed goes behind."""
    jobs = await registered_jobs(store, 3)
    await fail(store)
    for job in jobs:
        await wait_for(store, [job])
    assert await selected(store) == set()
    await pass_window(store)
    assert await selected(store) == {jobs[0]}
    await wait_for(store, [jobs[0]])
    assert await selected(store) == {jobs[1]}


@pytest.mark.parametrize("days", [None, 1.0])
async def test_when_the_circuit_closes_all_go_on_at_once(
    store: Database, days: float | None
) -> None:
    """Neither their pause nor the age that a sweep asks for keeps them back."""
    jobs = await registered_jobs(store, 3)
    await fail(store)
    await wait_for(store, jobs)
    await answer(store)
    assert await selected(store, days) == set(jobs)


async def test_who_was_not_answered_by_itself_waits_for_its_pause(store: Database) -> None:
    """A circuit that closes says nothing of a request that fails by itself."""
    jobs = await registered_jobs(store, 2)
    await fail(store)
    await wait_for(store, jobs, provider=None)
    await answer(store)
    assert await selected(store) == set()


async def test_how_many_wait_is_counted_by_service(store: Database) -> None:
    """For whoever watches."""
    await wait_for(store, await registered_jobs(store, 2))
    async with store.service() as connection:
        assert await service_waits.waited_for(connection) == {PROVIDER: 2}


async def test_an_outage_is_told_once(store: Database) -> None:
    """Whoever meets it first tells; an answer closes its alert, so the next one is told anew."""
    told = Alert(circuit_breaker.OUTAGE, PROVIDER, Severity.CRITICAL, "It is away.")

    async def is_told() -> bool:
        async with store.service() as connection:
            return (await alerts.raise_alert(connection, told, 3600)).is_told

    await fail(store, FAILURES_TO_OPEN)
    assert [await is_told() for _ in range(3)] == [True, False, False]
    await answer(store)
    async with store.service() as connection:
        [closed] = await alerts.all_alerts(connection, 10)
    assert (closed.count, closed.closed_why) == (3, "It answers again.")
    await fail(store)
    assert await is_told()
