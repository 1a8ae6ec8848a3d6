"""The ledger of calls against runs and documents, to the token and the cent."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from pipeline.finding_kinds import Kind
from pipeline.identity import user_id
from tests.flows.corpus import Opener, change, policy, query
from tests.ingesting import ingest
from tests.stages.reconciling.looking import FOR_A_PERSON, assert_mended, look, tallies

ANNA = user_id("anna")
LATER = """
    UPDATE upload_pipeline.ingest_runs SET started_at = started_at - interval '1 hour',
        finished_at = now() - interval '1 hour'
"""
EARLIER_CALLS = "UPDATE upload_pipeline.service_calls SET at = at - interval '1 hour'"


async def test_a_runs_cost_is_that_of_its_calls(remote: Opener, folder: Path) -> None:
    """A cost that bookkeeping lost is set to the sum of the ledger; a run under way is left."""
    policy(folder, "a")
    async with remote() as services:
        run = await ingest(services, [folder], ANNA)
        await change(services, "UPDATE upload_pipeline.ingest_runs SET cost_usd = 0")
        assert await tallies(services) == {}
        await change(services, LATER)
        await assert_mended(services, Kind.RUN_COST_DIFFERS)
        [row] = await query(
            services,
            "SELECT r.cost_usd, (SELECT sum(cost_usd) FROM upload_pipeline.service_calls"
            " WHERE run_id = r.id) AS paid FROM upload_pipeline.ingest_runs AS r WHERE id = :id",
            id=run,
        )
        assert row["cost_usd"] == row["paid"] > 0


async def test_what_a_dead_run_had_promised_is_given_back(remote: Opener, folder: Path) -> None:
    """Not while its lease, or that of a job of it, still runs."""
    policy(folder, "a")
    promised = "UPDATE upload_pipeline.ingest_runs SET reserved_usd = 0.5"
    leased = "UPDATE upload_pipeline.upload_jobs SET run_id = :run, lease_until = now() + {}"
    async with remote() as services:
        run = await ingest(services, [folder], ANNA, max_cost_usd=Decimal(1))
        await change(services, promised)
        assert await tallies(services) == {}
        await change(services, LATER)
        await change(services, leased.format("interval '1 minute'"), run=run)
        assert await tallies(services) == {}
        await change(services, leased.format("NULL"), run=run)
        await assert_mended(services, Kind.COST_PROMISE_LOST)
        [row] = await query(services, "SELECT reserved_usd FROM upload_pipeline.ingest_runs")
        assert row["reserved_usd"] == 0


async def test_documents_that_do_not_add_up_to_the_calls_are_told(
    remote: Opener, folder: Path
) -> None:
    """Nobody can say which document the difference belongs to: it is left, and said by how much.

    What questions cost belongs to no document, and makes no difference.
    """
    policy(folder, "a")
    async with remote() as services:
        await ingest(services, [folder], ANNA)
        await change(services, LATER)
        await change(services, "INSERT INTO upload_pipeline.service_calls (user_id, service,"
                     " operation, outcome, seconds, tokens, cost_usd)"
                     " SELECT u, 'asked', 'question', 'ok', 1, 9, 1"
                     " FROM unnest(ARRAY[NULL, CAST(:user AS uuid)]) AS u", user=ANNA)  # fmt: skip
        await change(services, EARLIER_CALLS)
        assert await tallies(services) == {}
        await change(services, "UPDATE upload_pipeline.upload_jobs SET billed_tokens = 7")
        outcome = await look(services, fix=True)
        assert outcome.tallies == {Kind.USER_BILL_DIFFERS: FOR_A_PERSON}
        assert outcome.findings[0].detail.startswith("7 instead of ")
        assert await tallies(services, fix=True) == {Kind.USER_BILL_DIFFERS: FOR_A_PERSON}
