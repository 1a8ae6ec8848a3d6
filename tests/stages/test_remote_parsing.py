"""Parsing by LlamaParse against a mock server that bills: one job for each content."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mocks import LlamaParseMock
from pipeline.errors import CostCapReached, DatabaseUnavailable, QuotaExhausted, ServiceUnavailable
from pipeline.identity import user_id
from pipeline.job_notes import gaps_of
from pipeline.sources import find_files
from pipeline.store import registration
from stages import planning
from stages.services import Services
from tests.flows.corpus import Opener, change, corpus, documents, policy, query, states
from tests.ingesting import ingest, outdated
from tests.pipeline.parsing.made_files import packed_pdf, pdf

ANNA, BEN = user_id("anna"), user_id("ben")


async def reservations(services: Services) -> list[tuple[Any, ...]]:
    """State, hold and job of every row of `parsed_files`."""
    found = await query(
        services,
        "SELECT state, claimed_by, remote_job_id IS NOT NULL FROM upload_pipeline.parsed_files",
    )
    return [tuple(row.values()) for row in found]


async def test_the_same_bytes_are_one_job(
    paying: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """Two names and a second run: one job; another user's equal file is that user's own job."""
    first = policy(folder, "home")
    (folder / "copy.md").write_bytes(first.read_bytes())
    async with paying() as services:
        await ingest(services, [folder], ANNA)
        assert await states(services) == {"home.md": "complete", "copy.md": "complete"}
        await ingest(services, [folder], ANNA)
        assert llamaparse.stats()["jobs"] == 1
        await ingest(services, [first], BEN)
        assert llamaparse.stats()["jobs"] == 2
        bills = await query(services, "SELECT cost_usd FROM upload_pipeline.upload_jobs")
        paid = sorted(row["cost_usd"] for row in bills)
        assert paid[0] == 0 < paid[1] == paid[2], "a copy is free, another user's file is not"
        assert await reservations(services) == [("done", None, True)] * 2


async def test_two_workers_submit_the_same_bytes_once(
    paying: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """Two workers at the same content at once: one submits, the other takes the stored text."""
    first = policy(folder, "home")
    copy = folder / "copy.md"
    copy.write_bytes(first.read_bytes())
    llamaparse.faults({"match": {"path": "/api/v2/parse"}, "fault": {"kind": "latency"}})
    async with paying() as services:
        other = replace(services, worker="another-host/1/1/1")
        await asyncio.gather(ingest(services, [first], ANNA), ingest(other, [copy], ANNA))
        assert await states(services) == {"home.md": "complete", "copy.md": "complete"}
    assert llamaparse.stats()["jobs"] == llamaparse.stats()["uploads"] == 1


@pytest.mark.parametrize(
    "path", ["/api/v1/beta/files", "/api/v2/parse"], ids=["upload", "submission"]
)
async def test_an_answer_lost_while_submitting_pays_nothing_twice(
    path: str, paying: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """The service took the file or the job, we never heard: the next attempt finds it there."""
    policy(folder, "home")
    llamaparse.faults({"match": {"method": "POST", "path": path}, "fault": "drop", "schedule": [1]})
    async with paying() as services:
        await ingest(services, [folder], ANNA)
        assert await states(services) == {"home.md": "complete"}
        found = await query(
            services,
            """
            SELECT outcome, cost_usd FROM upload_pipeline.service_calls
            WHERE service = 'llamaparse'
            """,
        )
        assert sorted((row["outcome"], row["cost_usd"] > 0) for row in found) == [
            ("ok", True),
            ("service_unavailable", False),
        ]
    assert llamaparse.stats()["jobs"] == llamaparse.stats()["uploads"] == 1


async def test_a_job_whose_result_was_not_fetched_is_asked_again(
    paying: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """The service fails while we wait: its job is kept, and the next run waits for the same one."""
    policy(folder, "home")
    failing = {"kind": "status", "status": 503}
    llamaparse.faults({"match": {"method": "GET", "path": "/api/v2/parse/"}, "fault": failing})
    async with paying() as services:
        with pytest.raises(ServiceUnavailable):
            await ingest(services, [folder], ANNA)
        assert await reservations(services) == [("reserved", None, True)]
        llamaparse.faults()
        await ingest(services, [folder], ANNA)
        assert await states(services) == {"home.md": "complete"}
    assert llamaparse.stats()["jobs"] == 1


@pytest.mark.answers_lost(1, "the service has lost a job, with what it cost")
async def test_a_job_that_the_service_lost_is_submitted_once_more(
    paying: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """Unknown at the service: forgotten here, and submitted anew in the same run."""
    policy(folder, "home")
    llamaparse.faults({"match": {"path": "/api/v2/parse"}, "fault": "lost", "times": 1})
    async with paying() as services:
        await ingest(services, [folder], ANNA)
        assert await states(services) == {"home.md": "complete"}
    assert llamaparse.stats()["jobs"] == 2


async def test_failed_jobs_end_their_documents_with_a_remedy(
    paying: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """Each of the service's codes ends its own document as failed_parse; the others go on."""
    codes = {
        "PDF_IS_PROTECTED": "file_is_encrypted",
        "PDF_IS_BROKEN": "file_is_broken",
        "NO_DATA_FOUND_IN_FILE": "no_text_layer",
        "UNSUPPORTED_FILE_TYPE": "unsupported_file_type",
        "DOCUMENT_TOO_LARGE": "file_too_large",
        "TOO_MANY_PAGES": "too_many_pages",
        "TIMEOUT": "parse_timeout",
        "NEVER_HEARD_OF": "parser_crashed",
    }
    policy(folder, "fine")
    for code in codes:
        policy(folder, code.lower().replace("_", "-"))
    # The upload names nothing of a file but its text, so each rule knows its own by that.
    llamaparse.faults(
        *(
            {
                "match": {"contains": f"# Policy {code.lower().replace('_', '-')}"},
                "fault": {"kind": "job_error", "code": code},
            }
            for code in codes
        )
    )
    async with paying() as services:
        run = await ingest(services, [folder], ANNA)
        ended = await documents(services, run)
        assert ended.pop("fine.md").state == "complete"
        for code, expected in codes.items():
            document = ended[f"{code.lower().replace('_', '-')}.md"]
            assert (document.state, document.error_code) == ("failed_parse", expected)
            assert (document.error_message or "").startswith("LlamaParse ")
            assert (document.error_message or "").count(".") == 1
            assert document.error_remedy
        assert await reservations(services) == [("done", None, True)]
        jobs = llamaparse.stats()["jobs"]
        await ingest(services, [folder], ANNA)
        assert llamaparse.stats()["jobs"] == jobs == len(codes) + 1


@pytest.mark.answers_lost(1, "the service tells no cost of a job that is cancelled")
async def test_a_job_that_never_ends_has_a_deadline(
    paying: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """Past the deadline the job is cancelled and the document fails as timed out."""
    policy(folder, "home")
    llamaparse.faults("stuck")
    async with paying(deadline_seconds=0.3) as services:
        run = await ingest(services, [folder], ANNA)
        document = (await documents(services, run))["home.md"]
        assert (document.state, document.error_code) == ("failed_parse", "parse_timeout")
        assert document.error_message == "LlamaParse did not end the job within 0.3 s."
        assert await reservations(services) == []


async def test_a_page_that_failed_is_kept_as_failed(
    paying: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """One page of several could not be rendered: the rest is published, the page is named."""
    pdf = Path(__file__).parents[2] / "samples/files/homeowners-policy.pdf"
    llamaparse.faults({"fault": {"kind": "page_error", "pages": [2]}})
    async with paying() as services:
        run = await ingest(services, [pdf], ANNA)
        document = (await documents(services, run))[pdf.name]
        assert document.state == "complete_with_gaps"
        [gap] = gaps_of(document.notes)
        assert gap.message == "LlamaParse could not read page 2."
        pages = await query(services, "SELECT page_first FROM upload_pipeline.document_chunks")
        assert 2 not in {row["page_first"] for row in pages}
        assert 3 in {row["page_first"] for row in pages}


async def test_a_429_waits_and_uses_up_no_attempt(
    paying: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """Asked to slow down while submitting and while waiting: published in the first attempt."""
    policy(folder, "home")
    refusal = {"kind": "rate_limit", "retry_after": "0.05"}
    llamaparse.faults(
        {"match": {"method": "POST", "path": "/api/v2/parse"}, "fault": refusal, "times": 3},
        {"match": {"method": "GET", "path": "/api/v2/parse/"}, "fault": refusal, "times": 8},
    )
    async with paying() as services:
        await ingest(services, [folder], ANNA)
        found = await query(
            services, "SELECT state, attempt, failures FROM upload_pipeline.upload_jobs"
        )
        ended = [(row["state"], row["attempt"], row["failures"]) for row in found]
        assert ended == [("complete", 1, 0)]
    assert llamaparse.stats()["jobs"] == 1
    assert llamaparse.stats()["statuses"]["429"] == 11


async def test_credits_and_cost_are_on_job_run_and_ledger(
    paying: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """What the service billed stands with the job, the run, the call and the parsed file."""
    pdf = Path(__file__).parents[2] / "samples/files/homeowners-policy.pdf"
    async with paying(llama_cloud_usd_per_credit=Decimal("0.5")) as services:
        run = await ingest(services, [pdf, policy(folder, "home")], ANNA)
        credits = Decimal(str(llamaparse.stats()["credits"]))
        ended = (await documents(services, run)).values()
        assert {each.state for each in ended} == {"complete"}
        assert sum((each.cost_usd for each in ended), Decimal(0)) == credits / 2
        runs = await query(
            services, "SELECT cost_usd, reserved_usd FROM upload_pipeline.ingest_runs"
        )
        assert [(row["cost_usd"], row["reserved_usd"]) for row in runs] == [(credits / 2, 0)]
        calls = await query(
            services,
            """
            SELECT operation, outcome, cost_usd, user_id, run_id
            FROM upload_pipeline.service_calls WHERE service = 'llamaparse'
            """,
        )
        assert sum(call["cost_usd"] for call in calls) == credits / 2
        assert {tuple(call.values())[:2] for call in calls} == {("parse", "ok")}
        assert {(call["user_id"], call["run_id"]) for call in calls} == {(ANNA, run)}
        files = await query(services, "SELECT sum(credits) FROM upload_pipeline.parsed_files")
        assert files[0]["sum"] == credits


async def test_a_bill_that_is_not_told_is_the_lists(
    paying: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """The service tells no credits: the ledger has those of the list for the pages that came."""
    pdf = Path(__file__).parents[2] / "samples/files/homeowners-policy.pdf"
    llamaparse.faults("no_usage")
    async with paying(llama_cloud_usd_per_credit=Decimal("0.5")) as services:
        run = await ingest(services, [pdf], ANNA)
        credits = Decimal(str(llamaparse.stats()["credits"]))
        assert (await documents(services, run))[pdf.name].cost_usd == credits / 2 > 0


@pytest.mark.parametrize(
    "event",
    ["INSERT ON upload_pipeline.service_calls", "UPDATE ON upload_pipeline.parsed_files"],
    ids=["the bill", "the job's id"],
)
async def test_a_job_outlives_bookkeeping_that_fails(
    event: str, paying: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """A deadlock ends what is written after an answer: the same job is asked, and billed once."""
    policy(folder, "home")
    when = "NEW.service = 'llamaparse'" if "calls" in event else "NEW.remote_job_id IS NOT NULL"
    async with paying() as services:
        async with services.database.owner() as connection:
            for statement in (
                "CREATE SEQUENCE upload_pipeline.tries",
                "CREATE FUNCTION upload_pipeline.fail_the_first() RETURNS trigger "
                "LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN "
                "IF nextval('upload_pipeline.tries') = 1 THEN "
                "RAISE EXCEPTION USING ERRCODE = '40P01'; END IF; RETURN NEW; END $$",
                f"CREATE TRIGGER fail_the_first BEFORE {event} FOR EACH ROW "
                f"WHEN ({when}) EXECUTE FUNCTION upload_pipeline.fail_the_first()",
            ):
                await connection.exec_driver_sql(statement)
        with pytest.raises(DatabaseUnavailable):
            await ingest(services, [folder], ANNA)
        assert llamaparse.stats()["jobs"] == 1
        await ingest(services, [folder], ANNA)
        assert await states(services) == {"home.md": "complete"}
        found = await query(services, "SELECT sum(cost_usd) FROM upload_pipeline.service_calls")
        price = services.settings.llama_cloud_usd_per_credit
        assert found[0]["sum"] == price * Decimal(str(llamaparse.stats()["credits"]))
    assert llamaparse.stats()["jobs"] == llamaparse.stats()["uploads"] == 1


async def test_no_credits_left_stops_the_run(
    paying: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """402: the run stops, the documents wait and go on when the window is over and paid for."""
    policy(folder, "home")
    llamaparse.faults("quota")
    async with paying() as services:
        with pytest.raises(QuotaExhausted, match="no credits left"):
            await ingest(services, [folder], ANNA)
        assert await states(services) == {"home.md": "parse_queued"}
        llamaparse.faults()
        await change(services, "UPDATE upload_pipeline.provider_budgets SET opened_until = now()")
        await ingest(services, [folder], ANNA)
        assert await states(services) == {"home.md": "complete"}


async def test_the_cost_cap_holds_for_parsing(
    paying: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """Files that would pass the cap are not submitted; a refusal frees nobody else's promise."""
    for number in range(6):
        policy(folder, f"policy-{number}")
    llamaparse.faults({"match": {"method": "POST"}, "fault": {"kind": "latency", "seconds": 0.2}})
    async with paying(llama_cloud_usd_per_credit=Decimal(1)) as services:
        with pytest.raises(CostCapReached):
            await ingest(services, [folder], ANNA, max_cost_usd=Decimal(7))
        assert llamaparse.stats()["credits"] == 6
        assert llamaparse.stats()["jobs"] == 2
        await ingest(services, [folder], ANNA)
        assert set((await states(services)).values()) == {"complete"}
    assert llamaparse.stats()["jobs"] == 6


@pytest.mark.parametrize("fits", [True, False], ids=["fits", "is too little"])
async def test_a_plan_a_cap_and_a_bill_count_the_same_pages(
    paying: Opener, llamaparse: LlamaParseMock, folder: Path, fits: bool
) -> None:
    """Pages in a packed object stream are promised like others: nothing is sent beyond a cap."""
    (folder / "packed.pdf").write_bytes(packed_pdf(20))
    async with paying() as services:
        plan = await planning.plan(services, find_files([str(folder)]), ANNA)
        price = plan.cost_usd
        assert price == 20 * 3 * services.settings.llama_cloud_usd_per_credit
        if fits:
            run = await ingest(services, [folder], ANNA, max_cost_usd=price)
            assert (await documents(services, run))["packed.pdf"].cost_usd == price
        else:
            with pytest.raises(CostCapReached):
                await ingest(services, [folder], ANNA, max_cost_usd=price - Decimal("0.001"))
        assert llamaparse.stats()["jobs"] == int(fits)


@pytest.mark.parametrize("cap", [Decimal("0.01"), Decimal(100)], ids=["small", "large"])
async def test_a_file_whose_pages_cannot_be_counted_stops_no_run(
    paying: Opener, llamaparse: LlamaParseMock, folder: Path, cap: Decimal
) -> None:
    """It is promised as many pages as it may have; where they pass the cap, it alone is refused."""
    (folder / "locked.pdf").write_bytes(pdf(["One."] * 3, password="secret"))
    policy(folder, "home")
    async with paying() as services:
        plan = await planning.plan(services, find_files([str(folder)]), ANNA)
        assert Decimal("0.01") < plan.cost_usd < 100
        await ingest(services, [folder], ANNA, max_cost_usd=cap)
        assert await states(services) == {"locked.pdf": "failed_parse", "home.md": "complete"}
        [row] = await query(services, "SELECT reserved_usd FROM upload_pipeline.ingest_runs")
        assert row["reserved_usd"] == 0
    assert llamaparse.stats()["uploads"] == (1 if cap < 1 else 2)


async def test_a_run_without_a_cap_counts_no_pages(
    paying: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """Nobody asked for a price, so no process is started to tell it."""
    (folder / "packed.pdf").write_bytes(packed_pdf(2))
    async with paying() as services:
        await ingest(services, [folder], ANNA)
        assert services.parser.pids == ()
        assert await states(services) == {"packed.pdf": "complete"}


async def test_text_lost_from_the_storage_is_fetched_from_the_same_job(
    paying: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """A parsed object that vanished or was damaged is made again without a new job."""
    policy(folder, "home")
    async with paying() as services:
        await ingest(services, [folder], ANNA)
        clean = await corpus(services)
        found = await query(services, "SELECT parsed_key FROM upload_pipeline.upload_jobs")
        key = found[0]["parsed_key"]
    await services.storage.delete([key])
    for copy in ("first.md", "second.md"):
        (folder / copy).write_bytes((folder / "home.md").read_bytes())
        async with paying() as services:
            await ingest(services, [folder], ANNA)
            assert (await states(services))[copy] == "complete"
            assert [chunk[2:] for chunk in await corpus(services) if chunk[0] == copy] == [
                chunk[2:] for chunk in clean
            ]
            await services.storage.put(key, b"[]")
            spent = await query(services, "SELECT sum(cost_usd) FROM upload_pipeline.ingest_runs")
            assert spent[0]["sum"] == Decimal("0.001") * int(llamaparse.stats()["credits"])
    assert llamaparse.stats()["jobs"] == 1


async def test_other_chunk_sizes_do_not_parse_again(
    paying: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """Documents made with an older chunker are made anew from the stored text."""
    policy(folder, "home", sections=6)
    async with paying() as services:
        await ingest(services, [folder], ANNA)
        before = await corpus(services)
    async with paying(chunk_tokens=150) as services:
        sources = await outdated(services)
        assert [source.name for source in sources] == ["home.md"]
        run = await ingest(services, [folder], ANNA)
        assert (await documents(services, run))["home.md"].state == "complete"
        assert len(await corpus(services)) < len(before)
        assert await outdated(services) == []
        async with services.database.service() as connection:
            again = await registration.look_up(connection, ANNA, sources, services.version)
        assert [each.outcome for each in again] == [registration.Outcome.UNCHANGED]
    assert llamaparse.stats()["jobs"] == 1
