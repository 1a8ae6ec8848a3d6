"""What backfills do with documents: made anew, judged or read again, paused, broken off."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from checks.suites_in_force import suite_versions
from mocks import LlamaParseMock, OpenAIMock
from pipeline.backfill_choice import BackfillChoice
from pipeline.errors import RunPaused, UsageError
from pipeline.identity import user_id
from pipeline.run_options import RunOptions
from pipeline.store import backfills, backlog, dead_runs, job_owners, run_jobs
from pipeline.store.backlog import Selection
from stages import backfill_runs, backfilling
from stages.backfill_plan import plan_backfill
from stages.backfill_runs import begin_backfill
from stages.backfilling import BackfillOrder
from stages.run_lease import record_dead_run
from stages.service_waits import DocumentsWait
from stages.services import Services
from tests.flows.corpus import Opener, change, corpus, policy, query, states
from tests.ingesting import ingest, work_off

ANNA = user_id("anna")
EVERYTHING = BackfillOrder("outdated")


async def begun(services: Services, order: BackfillOrder, cap: str | None = None) -> UUID:
    """A backfill that is written down and has chosen its documents."""
    options = RunOptions(max_cost_usd=Decimal(cap) if cap else None)
    run = (await begin_backfill(services, uuid4(), order, options, None)).run_id
    await backfilling.take_up(services, order, run)
    return run


async def finish(services: Services, run: UUID) -> None:
    """What the flow does with the chosen documents."""
    async with services.database.service() as connection:
        jobs = [each.job_id for each in await run_jobs.waiting_jobs(connection, run)]
    await work_off(services, jobs, run)


async def swept(services: Services) -> int:
    """How many documents the sweep would take up."""
    async with services.database.service() as connection:
        found = await backlog.waiting(connection, Selection(orphans_at_once=True))
    return sum(map(len, found.values()))


async def stood(services: Services, run: UUID) -> backfills.Backfill:
    """The backfill as it stands."""
    async with services.database.service() as connection:
        found = await backfills.backfill(connection, run)
    assert found is not None
    return found


async def test_outdated_documents_cost_what_the_plan_says(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """Cut otherwise they are embedded again, to the token, for each user that has the same text."""
    for name in ("home", "car"):
        policy(folder, name)
    async with remote() as services:
        await ingest(services, [folder], ANNA)
        await ingest(services, [folder / "car.md"], user_id("ben"))
        assert (await plan_backfill(services, EVERYTHING)).documents == 0
    async with remote(chunk_tokens=40) as services:
        before = openai.stats()["billed_tokens"]
        plan = await plan_backfill(services, EVERYTHING)
        assert (plan.documents, openai.stats()["billed_tokens"]) == (3, before)  # nothing is paid
        await finish(services, await begun(services, EVERYTHING))
        assert openai.stats()["billed_tokens"] - before == plan.tokens > 0
        assert set((await states(services)).values()) == {"complete"}
        assert (await plan_backfill(services, EVERYTHING)).documents == 0


async def test_a_text_that_was_paid_for_costs_nothing_in_a_plan(
    paying: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """The pages of LlamaParse are not priced again when only the chunks are to be others."""
    policy(folder, "home")
    async with paying() as services:
        await ingest(services, [folder], ANNA)
    async with paying(chunk_tokens=40) as services:
        plan = await plan_backfill(services, EVERYTHING)
    assert (plan.documents, plan.cost_usd, plan.estimated) == (1, Decimal(0), False)


async def test_what_other_suites_judged_is_judged_again_for_nothing(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """The versions that judged a document are kept with it; readers see it all the time."""
    policy(folder, "home")
    async with remote() as services:
        await ingest(services, [folder], ANNA)
        (row,) = await query(services, "SELECT suites FROM upload_pipeline.upload_jobs")
        assert row["suites"] == suite_versions(services.settings)
    limits = {"chunks_substantial": {"severity": "warning", "limit": 0.01}}
    async with remote(gate_limits=limits) as services:
        assert suite_versions(services.settings) != row["suites"]
        asked, seen = openai.stats()["requests"], await corpus(services)
        run = await begun(services, BackfillOrder("rejudge"))
        assert await corpus(services) == seen
        await finish(services, run)
        (row,) = await query(services, "SELECT suites, state FROM upload_pipeline.upload_jobs")
        assert (row["suites"], row["state"]) == (suite_versions(services.settings), "complete")
        assert openai.stats()["requests"] == asked
        assert not await backfilling.chosen(services, BackfillOrder("rejudge"), uuid4(), None)


async def test_the_night_has_the_service_read_what_the_stand_in_read(
    paying: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """Not while its circuit is open, and once only: then the text is the service's."""
    policy(folder, "home")
    llamaparse.faults({"fault": {"kind": "status", "status": 503}})
    night = BackfillOrder("nightly")
    async with paying(llama_cloud_fallback="local") as services:
        with pytest.raises(DocumentsWait):
            await ingest(services, [folder], ANNA)
        await ingest(services, [folder], ANNA)  # its circuit is open now
        assert await states(services) == {"home.md": "complete"}
        parsed = "SELECT parsed_key AS key FROM upload_pipeline.upload_jobs"
        (row,) = await query(services, parsed)
        assert (await _parser(services, row["key"])).startswith("local")
        assert not await backfilling.chosen(services, night, uuid4(), None)
        llamaparse.faults()
        await change(services, "UPDATE upload_pipeline.provider_budgets SET circuit = 'closed'")
        await finish(services, await begun(services, night))
        assert (await _parser(services, row["key"])).startswith("llamaparse")
        assert not await backfilling.chosen(services, night, uuid4(), None)
        assert llamaparse.stats()["jobs"] == 1


async def _parser(services: Services, key: str) -> str:
    from pipeline.documents import ParsedDocument

    return ParsedDocument.from_json(await services.storage.get(key)).parser


async def test_a_paused_backfill_waits_for_a_person(remote: Opener, folder: Path) -> None:
    """No sweep takes its documents up, and begun again it stays paused, until it is resumed."""
    for name in ("home", "car"):
        policy(folder, name)
    async with remote() as services:
        await ingest(services, [folder], ANNA)
    async with remote(chunk_tokens=40) as services:
        run = await begun(services, EVERYTHING)
        assert await swept(services) == 2
        assert await backfill_runs.pause(services, run) == 2
        assert await swept(services) == 0
        again = await begin_backfill(services, run, EVERYTHING, RunOptions(), None)
        assert again.ending == ("Paused", backfills.PAUSED)
        assert (await stood(services, run)).paused
        assert await states(services) == {"home.md": "uploaded", "car.md": "uploaded"}
        resumed = await begin_backfill(services, run, EVERYTHING, RunOptions(), None, resume=True)
        assert (resumed.selected, resumed.order) == (True, EVERYTHING)
        await finish(services, run)
        assert set((await states(services)).values()) == {"complete"}
        assert not (await stood(services, run)).paused


async def test_a_pause_undoes_what_is_being_chosen(
    remote: Opener, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A group that is chosen while a person pauses is not taken up behind their back."""
    policy(folder, "home")
    async with remote() as services:
        await ingest(services, [folder], ANNA)
    async with remote(chunk_tokens=40) as services:
        run = (await begin_backfill(services, uuid4(), EVERYTHING, RunOptions(), None)).run_id
        await backfill_runs.pause(services, run)
        with pytest.raises(RunPaused):
            await backfilling.take_up(services, EVERYTHING, run)
        assert await states(services) == {"home.md": "complete"}
        assert (await stood(services, run)).documents == 0


async def test_a_selection_that_was_broken_off_goes_on(
    remote: Opener, openai: OpenAIMock, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a death between two groups the rest is chosen, and nothing twice."""
    for number in range(5):
        policy(folder, f"policy-{number}", sections=1)
    monkeypatch.setattr(backfilling, "GROUP", 2)
    async with remote() as services:
        await ingest(services, [folder], ANNA)
    async with remote(chunk_tokens=40) as services:
        run = (await begin_backfill(services, uuid4(), EVERYTHING, RunOptions(), None)).run_id
        with monkeypatch.context() as patched:
            patched.setattr(backfilling, "failpoint", _die)
            with pytest.raises(_Died):
                await backfilling.take_up(services, EVERYTHING, run)
        there = await stood(services, run)
        assert (there.documents, there.selected) == (2, False)
        again = await begin_backfill(services, run, BackfillOrder(), RunOptions(), None)
        assert (again.order, again.selected) == (EVERYTHING, False)
        assert await backfilling.take_up(services, again.order, run) == 3
        await finish(services, run)
        there = await stood(services, run)
        assert (there.documents, there.published, there.selected) == (5, 5, True)
        assert openai.stats()["repeated_inputs"] == 0


class _Died(Exception):
    pass


def _die(name: str) -> None:
    raise _Died(name)


async def test_newer_bytes_are_not_taken_back(remote: Opener, folder: Path) -> None:
    """What was uploaded after a document was chosen stays its newest version."""
    file = policy(folder, "home")
    async with remote() as services:
        await ingest(services, [folder], ANNA)
    async with remote(chunk_tokens=40) as services:
        run = (await begin_backfill(services, uuid4(), EVERYTHING, RunOptions(), None)).run_id
        [(candidate, work)] = await backfilling.chosen(services, EVERYTHING, run, None)
        file.write_text(file.read_text() + "\nA newer clause.\n")
        await ingest(services, [folder], ANNA)
        newest = "SELECT latest_job_id AS job FROM upload_pipeline.documents"
        before = await query(services, newest)
        await backfilling._take(services, run, work, [candidate])
        assert await query(services, newest) == before
        assert await states(services) == {"home.md": "complete"}


async def test_a_dead_backfill_with_a_cap_waits_for_a_person(remote: Opener, folder: Path) -> None:
    """A sweep would finish it without its cap; without one it does."""
    policy(folder, "home")
    async with remote() as services:
        await ingest(services, [folder], ANNA)
    for cap, taken in (("1", 0), (None, 1)):
        async with remote(chunk_tokens=40 if cap else 50) as services:
            run = await begun(services, EVERYTHING, cap)
            await _die_holding(services, run)
            async with services.database.service() as connection:
                [dead] = await dead_runs.dead_runs(connection)
            await record_dead_run(services, dead, cancelled=False)
            assert await swept(services) == taken
            if cap:
                await backfill_runs.go_on(services, run, None)
            await finish(services, run)


async def _die_holding(services: Services, run: UUID) -> None:
    async with services.database.service() as connection:
        await job_owners.acquire_run_lease(connection, run, "gone-host/1/1/1", 60)
    past = (
        "UPDATE upload_pipeline.ingest_runs SET held_until = now() - interval '1 s' WHERE id = :r"
    )
    await change(services, past, r=run)


async def test_everything_is_never_meant_by_saying_nothing(local: Opener) -> None:
    """Without a set and without a filter nothing is chosen."""
    async with local() as services:
        with pytest.raises(UsageError, match="not said which documents"):
            await begin_backfill(services, uuid4(), BackfillOrder(), RunOptions(), None)
        found = await begin_backfill(services, uuid4(), BackfillOrder("failed"), RunOptions(), None)
        assert found.ending == ("Nothing to do", "No document fits.")


async def test_a_large_plan_is_reckoned_from_a_part(
    remote: Opener, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not looked into is reckoned by its bytes, and said to be an estimate."""
    for number in range(4):
        policy(folder, f"policy-{number}", sections=2)
    async with remote() as services:
        await ingest(services, [folder], ANNA)
    async with remote(chunk_tokens=40) as services:
        whole = await plan_backfill(services, EVERYTHING)
        monkeypatch.setattr("stages.backfill_plan.MOST_READ", 2)
        part = await plan_backfill(services, EVERYTHING)
        assert (part.documents, part.looked_into, part.estimated) == (4, 2, True)
        assert 0.8 < part.tokens / whole.tokens < 1.2
        one = BackfillOrder("outdated", BackfillChoice(source=str(folder / "policy-1.md")))
        assert (await plan_backfill(services, one)).documents == 1
