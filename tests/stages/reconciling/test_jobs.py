"""Jobs, runs and arrivals that nobody attends to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import pytest

from pipeline.finding_kinds import FACTS, Kind, Mending
from pipeline.findings import Tally
from pipeline.identity import user_id
from pipeline.store import findings, runs, uploads
from pipeline.worker_identity import worker_name
from stages.reconciling.inspection import KEPT_OF_A_KIND, Inspection, reconcile
from stages.reconciling.new_findings import in_words, news_for_a_person
from stages.run_lease import run_lease, stop_run
from stages.services import Services
from tests.flows.corpus import Opener, change, policy, query
from tests.ingesting import accept
from tests.stages.reconciling.looking import (
    FOR_A_PERSON,
    assert_mended,
    look,
    tallies,
)

ANNA = user_id("anna")
AGED = "UPDATE upload_pipeline.upload_jobs SET updated_at = now() - interval '20 minutes'"
DEAD = f"{worker_name().rpartition('/')[0].rpartition('/')[0]}/4194305/1.00"
"""A process of this machine that there never was."""


@pytest.fixture
def waiting(local: Opener, folder: Path) -> Callable[[Services], Awaitable[None]]:
    """Accepts a document, of which nobody does anything."""
    file = policy(folder, "a")

    async def made(services: Services) -> None:
        await accept(services, [file], ANNA)

    return made


Waiting = Callable[[Services], Awaitable[None]]


async def test_what_no_sweep_takes_up_is_told(local: Opener, waiting: Waiting) -> None:
    """A document that waits for a quarter of an hour; one that a living run owns does not count."""
    async with local() as services:
        await waiting(services)
        assert await tallies(services) == {}
        await change(services, AGED)
        assert await tallies(services, fix=True) == {Kind.JOB_UNATTENDED: FOR_A_PERSON}
        [row] = await query(services, "SELECT run_id FROM upload_pipeline.upload_jobs")
        async with run_lease(services, row["run_id"]):
            assert await tallies(services) == {}


async def test_what_was_stopped_waits_for_a_person(local: Opener, waiting: Waiting) -> None:
    """It is listed by its run, and no mending touches it."""
    async with local() as services:
        await waiting(services)
        [row] = await query(services, "SELECT run_id FROM upload_pipeline.upload_jobs")
        await stop_run(services, row["run_id"], None)
        await change(services, AGED)
        outcome = await look(services, fix=True)
        assert outcome.tallies == {Kind.JOB_STOPPED: FOR_A_PERSON}
        assert outcome.findings[0].subject == f"run {row['run_id']}"
        [row] = await query(services, "SELECT stopped FROM upload_pipeline.upload_jobs")
        assert row["stopped"] == "stopped_by_person"


@pytest.mark.parametrize("column", ["not_before", "lease_until"])
async def test_what_is_postponed_beyond_measure_is_due(
    local: Opener, waiting: Waiting, column: str
) -> None:
    """No sweep would see it for days."""
    async with local() as services:
        await waiting(services)
        await change(
            services,
            f"UPDATE upload_pipeline.upload_jobs SET {column} = now() + interval '2 days'",
        )
        await assert_mended(services, Kind.JOB_OUT_OF_SIGHT)


async def test_a_run_that_died_is_written_down(local: Opener, waiting: Waiting) -> None:
    """At once when its process is seen to be gone, else when it was silent for minutes."""
    held = "UPDATE upload_pipeline.ingest_runs SET finished_at = NULL, held_by = :by, held_until = "
    async with local() as services:
        await waiting(services)
        await change(services, f"{held} now() + interval '1 minute'", by=DEAD)
        await assert_mended(services, Kind.RUN_DEAD)
        await change(services, f"{held} now() - interval '1 minute'", by="elsewhere/1/2/3")
        assert await tallies(services) == {}
        await change(services, f"{held} now() - interval '6 minutes'", by="elsewhere/1/2/3")
        await assert_mended(services, Kind.RUN_DEAD)


async def test_a_run_that_nobody_ends_is_closed(local: Opener, waiting: Waiting) -> None:
    """Not while it has a document that waits."""
    old = "UPDATE upload_pipeline.ingest_runs SET started_at = now() - interval '2 days'"
    async with local() as services:
        await waiting(services)
        await change(services, old)
        assert await tallies(services) == {}
        async with services.database.service() as connection:
            await runs.start_run(connection, uuid4(), ANNA, "ingest")
        await change(services, old)
        await assert_mended(services, Kind.RUN_NEVER_FINISHED)


async def test_an_upload_that_never_came_is_forgotten(local: Opener) -> None:
    """When the sweep has not done so an hour after it should have."""
    async with local() as services:
        async with services.database.service() as connection:
            await uploads.announce(
                connection, uuid4(), ANNA, source=None, name="a.pdf", tags=(),
                declared_bytes=1, seconds=60,
            )  # fmt: skip
        await change(
            services,
            "UPDATE upload_pipeline.uploads SET expires_at = now() - interval '24 hours'",
        )
        assert await tallies(services) == {}
        await change(
            services,
            "UPDATE upload_pipeline.uploads SET expires_at = now() - interval '26 hours'",
        )
        await assert_mended(services, Kind.UPLOAD_EXPIRED)


async def test_an_answer_that_nobody_asks_for(local: Opener, waiting: Waiting) -> None:
    """A lost webhook's document is due at once; one that failed meanwhile waits for a retry."""
    submitted = """
        INSERT INTO upload_pipeline.parsed_files
            (user_id, file_sha256, parser, remote_job_id, submitted_at)
        SELECT user_id, file_sha256, parser, 'remote-1', now() - interval '3 hours'
        FROM upload_pipeline.upload_jobs
    """
    async with local() as services:
        await waiting(services)
        await change(services, submitted)
        postponed = "UPDATE upload_pipeline.upload_jobs SET not_before = now() + interval '1 hour'"
        await change(services, postponed)
        await assert_mended(services, Kind.PARSE_OVERDUE)
        await change(
            services,
            "UPDATE upload_pipeline.upload_jobs SET state = 'failed_parse', not_before = NULL",
        )
        assert await tallies(services, fix=True) == {Kind.PARSE_OVERDUE: FOR_A_PERSON}


async def test_findings_are_bounded_and_all_are_counted(local: Opener) -> None:
    """Of many findings of a kind the first are kept with their ids."""
    number = KEPT_OF_A_KIND + 5
    async with local() as services:
        async with services.database.service() as connection:
            for _ in range(number):
                await runs.start_run(connection, uuid4(), ANNA, "ingest")
        await change(
            services,
            "UPDATE upload_pipeline.ingest_runs SET started_at = now() - interval '2 days'",
        )
        outcome = await look(services)
        assert outcome.tallies == {Kind.RUN_NEVER_FINISHED: Tally(number)}
        assert len(outcome.findings) == KEPT_OF_A_KIND


async def test_only_what_is_new_is_news(local: Opener, waiting: Waiting) -> None:
    """A finding that waited for a person at the look before is told once."""
    from stages.reconciling.checks import CHECKS
    from stages.reconciling.maintenance_run import run_maintenance

    async with local() as services:
        await waiting(services)
        first = await run_maintenance(Inspection(services), CHECKS)
        assert first.fresh == {}
        await change(services, AGED)
        second = await run_maintenance(Inspection(services), CHECKS)
        assert second.fresh == {Kind.JOB_UNATTENDED: 1}
        assert "anna" not in in_words(second.fresh)
        third = await run_maintenance(Inspection(services), CHECKS)
        assert (third.fresh, third.run.person, third.left) == ({}, 1, 1)
        async with services.database.service() as connection:
            kept = await findings.latest(connection)
        assert kept == third.run
        assert kept.tallies == {Kind.JOB_UNATTENDED: FOR_A_PERSON}
        outcome = await reconcile(Inspection(services), CHECKS)
        assert news_for_a_person(outcome, None) == {Kind.JOB_UNATTENDED: 1}


async def test_looks_are_forgotten_after_thirty_days(local: Opener) -> None:
    """The table does not grow for ever."""
    from stages.reconciling.maintenance_run import run_maintenance

    async with local() as services:
        await run_maintenance(Inspection(services), {})
        await change(
            services,
            "UPDATE upload_pipeline.maintenance_runs SET finished_at = now() - interval '31 days'",
        )
        await run_maintenance(Inspection(services), {})
        found = await query(services, "SELECT count(*) AS n FROM upload_pipeline.maintenance_runs")
        assert found[0]["n"] == 1


def test_every_kind_says_what_is_to_be_said() -> None:
    """What it is and why it matters; what mends it, or what a person is to do."""
    assert set(FACTS) == set(Kind)
    for kind, facts in FACTS.items():
        assert facts.title, kind
        assert facts.why.endswith("."), kind
        if facts.mending in (Mending.SAFE, Mending.PAID, Mending.ASKED):
            assert facts.mended.endswith("."), kind
        if facts.mending in (Mending.PAID, Mending.ASKED, Mending.PERSON):
            assert facts.remedy.endswith("."), kind
        if facts.mending.asks:
            assert f"--also {kind}" in facts.remedy, kind
