"""LlamaParse away or slow: one circuit for all, a fallback that says so, nothing left behind."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from uuid import uuid4

import pytest

from mocks import LlamaParseMock
from pipeline.documents import ParsedDocument
from pipeline.errors import QuotaExhausted, ServiceUnavailable
from pipeline.identity import user_id
from pipeline.states import WORKING
from pipeline.store import deletion, runs
from pipeline.store.transitions import Actor
from stages import batch, parsing, validating
from stages.garbage_collection import remove_orphaned_objects
from stages.services import Services
from tests.flows.corpus import Opener, change, policy, query, states
from tests.ingesting import accept, ingest

ANNA = user_id("anna")


async def circuit(services: Services) -> str:
    """The state of LlamaParse's circuit."""
    (row,) = await query(
        services,
        "SELECT circuit FROM upload_pipeline.provider_budgets WHERE provider = 'llamaparse'",
    )
    return str(row["circuit"])


async def _ends(services: Services, folder: Path, error: type[Exception]) -> None:
    with pytest.raises(error):
        await ingest(services, [folder], ANNA)


async def test_a_failing_service_is_left_alone(
    paying: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """After five failures nobody asks; after the window one does, and then all do again."""
    policy(folder, "home")
    llamaparse.faults({"fault": {"kind": "status", "status": 503}})
    async with paying() as services:
        for _ in range(2):  # four attempts each: the fifth failure in a row opens it
            await _ends(services, folder, ServiceUnavailable)
        assert llamaparse.stats()["requests"] == 5
        assert await circuit(services) == "open"
        asked = llamaparse.stats()["requests"]
        await _ends(services, folder, ServiceUnavailable)
        assert llamaparse.stats()["requests"] == asked
        llamaparse.faults()
        await change(services, "UPDATE upload_pipeline.provider_budgets SET opened_until = now()")
        await ingest(services, [folder], ANNA)
        assert await circuit(services) == "closed"
        assert await states(services) == {"home.md": "complete"}


async def test_an_account_without_credits_is_asked_once(
    paying: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """The run stops, and so does every other until the window is over."""
    policy(folder, "home")
    llamaparse.faults("quota")
    async with paying() as services:
        await _ends(services, folder, QuotaExhausted)
        asked = llamaparse.stats()["requests"]
        await _ends(services, folder, QuotaExhausted)
        assert llamaparse.stats()["requests"] == asked


async def test_a_429_makes_everybody_wait(
    paying: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """The pause that one is told holds for all; no attempt is used up."""
    for name in ("home", "car", "boat"):
        policy(folder, name)
    llamaparse.faults({"fault": {"kind": "rate_limit", "retry_after": 1}, "schedule": [1]})
    async with paying() as services:
        began = time.monotonic()
        await ingest(services, [folder], ANNA)
        assert time.monotonic() - began > 1
        assert set((await states(services)).values()) == {"complete"}
        assert await circuit(services) == "closed"


async def test_the_limit_of_requests_is_shared(
    paying: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """Two workers together begin no more parses in a minute than the settings allow."""
    async with paying(llama_cloud_requests_per_minute=600) as services:
        await change(services, "UPDATE upload_pipeline.provider_budgets SET requests_left = 1")
        for name in ("home", "car", "boat", "hut"):
            policy(folder, name)
        began = time.monotonic()
        await ingest(services, [folder], ANNA)
        assert time.monotonic() - began > 0.25
        assert set((await states(services)).values()) == {"complete"}


@pytest.fixture
def falling(paying: Opener) -> Callable[..., AbstractAsyncContextManager[Services]]:
    """The same with the local parser to fall back to."""
    return lambda **settings: paying(llama_cloud_fallback="local", **settings)


async def parsed_by(services: Services) -> dict[str, str]:
    """Which parser made the text of each document, as the text itself says."""
    found = await query(
        services,
        """
        SELECT d.name, j.parsed_key FROM upload_pipeline.upload_jobs AS j
        JOIN upload_pipeline.documents AS d ON d.id = j.document_id
        """,
    )
    return {
        row["name"]: ParsedDocument.from_json(
            await services.storage.get(row["parsed_key"])
        ).parser
        for row in found
    }  # fmt: skip


@pytest.mark.answers_lost(1, "the service tells no cost of a job that is cancelled")
async def test_the_local_parser_takes_over_when_the_deadline_has_passed(
    falling: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """The text says who made it, the history says why, and the job's parser names both."""
    policy(folder, "home")
    llamaparse.faults({"match": {"path": "/api/v2/parse"}, "fault": "stuck"})
    async with falling(deadline_seconds=0.3) as services:
        await ingest(services, [folder], ANNA)
        assert await states(services) == {"home.md": "complete"}
        (job,) = await query(services, "SELECT parser FROM upload_pipeline.upload_jobs")
        assert job["parser"].startswith("llamaparse-v2-cost_effective-1-or-")
        local = job["parser"].partition("-or-")[2]
        assert await parsed_by(services) == {"home.md": local}
        (event,) = await query(
            services,
            "SELECT event, details FROM upload_pipeline.job_events WHERE event = 'fell_back'",
        )
        assert event["details"]["parser"] == local
        assert event["details"]["code"] == "parse_timeout"
        (bill,) = await query(services, "SELECT cost_usd FROM upload_pipeline.upload_jobs")
        assert bill["cost_usd"] == 0


async def test_the_local_parser_takes_over_when_the_circuit_is_open(
    falling: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """One failure is tried again; it falls back once the service is known to be away."""
    policy(folder, "home")
    llamaparse.faults({"fault": {"kind": "status", "status": 503}})
    async with falling() as services:
        await _ends(services, folder, ServiceUnavailable)
        await ingest(services, [folder], ANNA)
        assert await states(services) == {"home.md": "complete"}
        assert not next(iter((await parsed_by(services)).values())).startswith("llamaparse")


async def test_without_trouble_nothing_falls_back(
    falling: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """The service parses, and the text says so."""
    policy(folder, "home")
    async with falling() as services:
        await ingest(services, [folder], ANNA)
        assert await parsed_by(services) == {"home.md": "llamaparse-v2-cost_effective-1"}
        assert llamaparse.stats()["jobs"] == 1


async def test_allowing_a_fallback_buys_nothing_again(
    paying: Opener, falling: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """It is another parser by name, so a new version; the text that was paid for is its text."""
    policy(folder, "home")
    async with paying() as services:
        await ingest(services, [folder], ANNA)
    async with falling() as services:
        await ingest(services, [folder], ANNA)
        found = await query(services, "SELECT state FROM upload_pipeline.upload_jobs")
        assert sorted(row["state"] for row in found) == ["complete", "superseded"]
        assert set((await parsed_by(services)).values()) == {"llamaparse-v2-cost_effective-1"}
    assert llamaparse.stats()["jobs"] == 1


async def test_a_text_that_nobody_wants_any_more_is_removed(
    paying: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """Deleted while the service parses: neither the text nor a record of it stays."""
    path = policy(folder, "home")
    async with paying() as services:
        jobs = await accept(services, [path], ANNA)
        run_id = uuid4()
        async with services.database.service() as connection:
            await runs.start_run(connection, run_id, ANNA, "ingest")
        async with batch.claim_batch(services, jobs, run_id) as held:
            await validating.queue(services, held)
            mine = await batch.jobs_at(services, held, *WORKING)
            llamaparse.faults({"match": {"method": "GET"}, "fault": {"kind": "latency"}})
            parse = asyncio.create_task(parsing.parse_jobs(services, mine, run_id))
            while not llamaparse.stats()["jobs"]:  # noqa: ASYNC110 (a counter of another thread)
                await asyncio.sleep(0.02)
            async with services.database.service() as connection:
                await deletion.delete_documents(connection, [mine[0].document_id], Actor("person"))
            await remove_orphaned_objects(services.database, services.storage)
            await parse
        assert await query(services, "SELECT * FROM upload_pipeline.parsed_files") == []
        stored = Path(services.settings.home) / "objects"
        assert [each for each in stored.rglob("*") if each.is_file()] == []


async def test_a_jobs_correlation_reaches_the_service(
    paying: Opener, llamaparse: LlamaParseMock, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Every request for a document names its job's correlation id; the mock server logs it."""
    policy(folder, "home")
    async with paying() as services:
        with caplog.at_level(logging.INFO, "mocks"):
            await ingest(services, [folder], ANNA)
        (job,) = await query(services, "SELECT correlation_id FROM upload_pipeline.upload_jobs")
    taken = [record for record in caplog.records if record.name == "mocks"]
    heard = {record.__dict__["correlation_id"] for record in taken}
    assert heard == {str(job["correlation_id"])}
