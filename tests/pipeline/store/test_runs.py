"""Runs: the cost cap under concurrency, and what a run tells."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.errors import CostCapReached
from pipeline.sources import RejectedFile
from pipeline.states import JobState
from pipeline.store import cost_caps, registration, run_jobs, runs, service_calls
from pipeline.store.engine import Database, records
from pipeline.store.run_jobs import WaitingJob
from tests.pipeline.store.making import (
    ANNA,
    BEN,
    FIRST,
    VERSION,
    claim,
    job_row,
    published,
    source,
    step,
    table,
)


async def capped(database: Database, cap: str | None) -> UUID:
    """A run with a cost cap in dollars."""
    run_id = uuid4()
    usd = Decimal(cap) if cap else None
    async with database.service() as connection:
        await runs.start_run(connection, run_id, ANNA, "ingest", max_cost_usd=usd)
    return run_id


async def reserve(
    database: Database, run_id: UUID, usd: str, ceiling: Decimal | None = None
) -> bool:
    """Whether the money was promised."""
    try:
        async with database.service() as connection:
            await cost_caps.reserve_cost(connection, run_id, Decimal(usd), ceiling)
    except CostCapReached:
        return False
    return True


async def test_concurrent_promises_never_pass_the_cap(store: Database) -> None:
    """Of sixty requests at once as many are promised as fit, to the cent."""
    run_id = await capped(store, "1.00")
    granted = await asyncio.gather(*(reserve(store, run_id, "0.03") for _ in range(60)))
    assert sum(granted) == 33
    [run] = await table(store, "ingest_runs")
    assert run["reserved_usd"] == Decimal("0.99")


async def test_a_cap_is_raised_up_to_the_ceiling_and_no_further(store: Database) -> None:
    """By a quarter each time, for many at once, and each raise is written down."""
    run_id = await capped(store, "1.00")
    granted = await asyncio.gather(
        *(reserve(store, run_id, "0.03", Decimal("1.50")) for _ in range(60))
    )
    assert sum(granted) == 50
    [run] = await table(store, "ingest_runs")
    assert (run["reserved_usd"], run["max_cost_usd"]) == (Decimal("1.50"), Decimal("1.50"))
    assert [each["cause"] for each in await table(store, "machine_answers")] == ["money"] * 2


class _Overtaken:
    """A connection whose first statement is followed by what others commit meanwhile."""

    def __init__(self, connection: AsyncConnection, others: Callable[[], Awaitable[object]]):
        self._connection = connection
        self._others: Callable[[], Awaitable[object]] | None = others

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)

    async def execute(self, *arguments: Any) -> Any:
        """As of a connection; the others come after the first one."""
        answer = await self._connection.execute(*arguments)
        others, self._others = self._others, None
        if others is not None:
            await others()
        return answer


async def test_a_cap_that_others_raised_to_the_ceiling_meanwhile_holds_what_fits(
    store: Database,
) -> None:
    """Refused under the old cap, a request is asked again under the one that is there now."""
    run_id = await capped(store, "0.02")

    async def others() -> None:
        assert await reserve(store, run_id, "0.03", Decimal("0.10"))
        assert await reserve(store, run_id, "0.03", Decimal("0.10"))
        async with store.service() as other:
            raise_to = sa.text("UPDATE ingest_runs SET max_cost_usd = 0.10 WHERE id = :id")
            await other.execute(raise_to, {"id": run_id})

    async with store.service() as connection:
        overtaken = cast(AsyncConnection, _Overtaken(connection, others))
        await cost_caps.reserve_cost(overtaken, run_id, Decimal("0.03"), Decimal("0.10"))
    [run] = await table(store, "ingest_runs")
    assert (run["reserved_usd"], run["max_cost_usd"]) == (Decimal("0.09"), Decimal("0.10"))


async def test_what_was_spent_and_promised_stays_below_the_cap_all_the_time(
    store: Database,
) -> None:
    """Requests that cost less, the same or nothing: the sum never passes the cap on the way."""
    run_id = await capped(store, "0.50")
    sums: list[Decimal] = []

    async def request(number: int) -> None:
        for turn in range(6):
            if not await reserve(store, run_id, "0.02"):
                continue
            spent = Decimal("0.005") * ((number + turn) % 5)
            async with store.service() as connection:
                promised = Decimal("0.02")
                await cost_caps.settle_cost(
                    connection, run_id, reserved=promised, usd=min(spent, promised)
                )
            [run] = await table(store, "ingest_runs")
            sums.append(run["cost_usd"] + run["reserved_usd"])

    await asyncio.gather(*(request(number) for number in range(8)))
    assert max(sums) <= Decimal("0.50")
    [run] = await table(store, "ingest_runs")
    assert run["reserved_usd"] == 0
    assert run["cost_usd"] > Decimal("0.3")


async def test_a_released_promise_can_be_given_again(store: Database) -> None:
    """A request that failed frees its money, one that was answered keeps it."""
    run_id = await capped(store, "0.10")
    assert await reserve(store, run_id, "0.10")
    assert not await reserve(store, run_id, "0.01")
    async with store.service() as connection:
        await cost_caps.settle_cost(connection, run_id, reserved=Decimal("0.10"), usd=Decimal(0))
    assert await reserve(store, run_id, "0.10")
    async with store.service() as connection:
        await cost_caps.settle_cost(
            connection, run_id, reserved=Decimal("0.10"), usd=Decimal("0.10")
        )
    assert not await reserve(store, run_id, "0.000001")


@pytest.mark.parametrize(("cap", "usd"), [(None, "1000000"), ("0.00", "0")])
async def test_no_cap_and_no_price_never_stop_a_run(
    store: Database, cap: str | None, usd: str
) -> None:
    """Without a cap everything is promised; a free embedder goes under a cap of nothing."""
    assert await reserve(store, await capped(store, cap), usd)


async def test_a_bill_is_shared_out_without_loss(store: Database) -> None:
    """Charges of concurrent requests to one job add up exactly."""
    job = await published(store, "a.md", "one")
    share = [(job.job_id, 7, Decimal("0.0000013"))]

    async def charge() -> None:
        async with store.service() as connection:
            await service_calls.bill(connection, share)

    await asyncio.gather(*(charge() for _ in range(20)))
    row = await job_row(store, job.job_id)
    assert (row["billed_tokens"], row["cost_usd"]) == (140, Decimal("0.0000260"))


async def test_opening_a_run_twice_keeps_the_first(store: Database) -> None:
    """A retried flow finds its run, its cap and what it spent."""
    run_id = await capped(store, "0.10")
    await reserve(store, run_id, "0.04")
    async with store.service() as connection:
        await runs.start_run(connection, run_id, ANNA, "backfill", max_cost_usd=Decimal(9))
    [run] = await table(store, "ingest_runs")
    assert (run["kind"], run["max_cost_usd"]) == ("ingest", Decimal("0.10"))
    assert run["reserved_usd"] == Decimal("0.04")


async def test_a_run_tells_where_its_documents_stand(store: Database) -> None:
    """Progress counts by state without the unchanged; waiting are those that have not ended."""
    await published(store, "same.md", "same")
    run_id = await capped(store, None)
    files = [source("same.md", "same"), source("b.md"), source("c.md")]
    async with store.service() as connection:
        found = await registration.register(
            connection, ANNA, files, VERSION, run_id=run_id, actor=FIRST
        )
    [job] = await claim(store, [found[1].job_id])
    await step(store, job, JobState.UPLOADED, JobState.FAILED_PARSE)
    async with store.service() as connection:
        progress = await runs.progress(connection, run_id)
        waiting = await run_jobs.waiting_jobs(connection, run_id)
        lines = await runs.run_documents(connection, run_id)
    assert progress.by_state == {"failed_parse": 1, "uploaded": 1}
    assert progress.documents == 2
    assert [each.job_id for each in waiting] == [found[2].job_id]
    assert [(line.name, line.outcome) for line in lines] == [
        ("b.md", "new"),
        ("c.md", "new"),
        ("same.md", "unchanged"),
    ]


async def test_rejected_files_are_kept_with_the_run(store: Database) -> None:
    """Files that could not be taken in add up over several calls, each with its reason.

    Those of another user, whose documents the run works on, are not filed under this one.
    """
    run_id = await capped(store, None)
    files = [RejectedFile(f"/{n}.pdf", "file_missing", "It is gone.", "Put it back.") for n in "ab"]
    for each in files:
        async with store.service() as connection:
            await runs.reject(connection, run_id, ANNA, [each])
            await runs.reject(connection, run_id, ANNA, [])
            await runs.reject(connection, run_id, BEN, [each])
    async with store.service() as connection:
        assert await runs.rejected_files(connection, run_id) == files


async def test_a_statement_whose_columns_are_not_the_fields_is_refused(database: Database) -> None:
    """Rows become records by position, so the names must agree first."""
    statement = sa.text("SELECT 'a' AS name, gen_random_uuid() AS job_id, 1::bigint AS file_bytes")
    async with database.service() as connection:
        with pytest.raises(TypeError, match="WaitingJob"):
            await records(connection, WaitingJob, statement)
