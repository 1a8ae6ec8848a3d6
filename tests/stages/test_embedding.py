"""Embedding against a mock server that bills: each text once, whatever the service does."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from pydantic import SecretStr

from clients.openai.embedder import OpenAIEmbedder
from mocks import OpenAIMock
from mocks.vectors import tokens_of, vectors_of
from pipeline.documents import embedding_text
from pipeline.errors import (
    CostCapReached,
    QuotaExhausted,
    ServiceUnavailable,
    SpendingCapReached,
)
from pipeline.identity import user_id
from pipeline.retry_policy import FAILURES_TO_OPEN
from pipeline.store import vector_buffer
from stages.services import Services
from tests.conftest import clone
from tests.flows.corpus import (
    Opener,
    change,
    corpus,
    documents,
    policy,
    query,
    states,
)
from tests.ingesting import ingest

ANNA, BEN = user_id("anna"), user_id("ben")
SHARED = "# General\n\n" + "Both parties keep to the law of the land where the house stands. " * 3
SLOW_DOWN = {"kind": "status", "status": 429, "code": "rate_limit_exceeded", "type": "tokens"}
NO_HINT = {**SLOW_DOWN, "message": "Too many requests."}
SERVER_ERROR = {"fault": {"kind": "status", "status": 500}}
QUOTA = {"fault": "quota"}


async def assert_vectors_are_right(services: Services) -> None:
    """Every published chunk has the vector that the service gives for exactly its text."""
    found = await query(
        services,
        """
        SELECT c.heading_path, c.text, v.embedding::text AS vector
        FROM upload_pipeline.document_chunks AS c
        LEFT JOIN upload_pipeline.chunk_vectors AS v ON v.chunk_id = c.id
        """,
    )
    texts = [embedding_text(row["heading_path"], row["text"]) for row in found]
    expected = vectors_of(tokens_of(texts), 1536)
    actual = np.array([np.fromstring(row["vector"].strip("[]"), sep=",") for row in found])
    np.testing.assert_allclose(actual, expected, atol=1e-5)


async def circuit(services: Services) -> dict[str, Any]:
    """The embedder's shared budget row."""
    found = await query(
        services,
        """
        SELECT circuit, failures, reason,
               extract(epoch FROM paused_until - clock_timestamp())::float AS paused
        FROM upload_pipeline.provider_budgets WHERE provider = :provider
        """,
        provider=services.provider,
    )
    return dict(found[0])


async def let_window_pass(services: Services) -> None:
    """As if the time for which the circuit is open were over."""
    await change(
        services,
        "UPDATE upload_pipeline.provider_budgets SET opened_until = now() - interval '1 s'",
    )


async def attempts(services: Services) -> list[tuple[int, int]]:
    """Of each job: how often it was claimed, and its troubles."""
    found = await query(services, "SELECT attempt, failures FROM upload_pipeline.upload_jobs")
    return [(row["attempt"], row["failures"]) for row in found]


@pytest.mark.parametrize("shared", [False, True])
async def test_a_text_is_sent_once_for_each_user(
    remote: Opener, openai: OpenAIMock, folder: Path, shared: bool
) -> None:
    """Two workers at once, several documents: a user's equal texts are sent and paid once.

    Where an operator shares vectors, those of both users together are.
    """
    anna, ben = folder / "anna", folder / "ben"
    for home in (anna, ben):
        home.mkdir()
        for number in range(3):
            policy(home, f"policy-{number}", extra=SHARED)
    openai.faults({"fault": {"kind": "latency", "seconds": 0.3}})
    async with remote(embedding_batch_inputs=4, share_vectors=shared) as services:
        other = replace(services, worker="another-host/1/1/1")
        await asyncio.gather(ingest(services, [anna], ANNA), ingest(other, [ben], BEN))
        chunks = await corpus(services)
        texts = {chunk[2] for chunk in chunks}
        assert len(chunks) > 2 * len(texts)
        left = "SELECT 1 FROM upload_pipeline.document_vector_buffer"
        assert await query(services, left) == []
        await assert_vectors_are_right(services)
    stats = openai.stats()
    assert stats["unique_inputs"] == len(texts)
    assert stats["inputs"] == len(texts) * (1 if shared else 2)


async def test_a_run_that_broke_off_goes_on_with_what_is_missing(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """Answers that came before a failure are kept: the next run sends only the other texts."""
    policy(folder, "home", sections=10)
    openai.faults({"fault": "reset", "schedule": {"from": 3}})
    async with remote(embedding_batch_inputs=2, embedding_concurrency=1) as services:
        with pytest.raises(ServiceUnavailable):
            await ingest(services, [folder], ANNA)
        assert openai.stats()["inputs"] == 4
        assert await states(services) == {"home.md": "chunks_stored"}
        openai.faults()
        await let_window_pass(services)
        await ingest(services, [folder], ANNA)
        assert await states(services) == {"home.md": "complete"}
        await assert_vectors_are_right(services)
    assert openai.stats()["repeated_inputs"] == 0


async def test_a_storm_of_429_fails_no_document_and_uses_up_no_attempt(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """Nine of ten requests refused without Retry-After: all is published in the first attempt."""
    for number in range(4):
        policy(folder, f"policy-{number}")
    hint = {**SLOW_DOWN, "message": "Rate limit reached. Please try again in 20ms."}
    openai.faults({"fault": hint, "rate": 0.9, "seed": 7})
    async with remote(embedding_batch_inputs=4) as services:
        await ingest(services, [folder], ANNA)
        assert set((await states(services)).values()) == {"complete"}
        assert await attempts(services) == [(1, 0)] * 4
        assert (await circuit(services))["circuit"] == "closed"
    stats = openai.stats()
    assert stats["statuses"]["429"] > 3 * stats["statuses"]["200"]
    assert stats["repeated_inputs"] == 0


@pytest.mark.parametrize("header", ["Mon, 01 Jan 2001 00:00:00 GMT", "NaN", "-7", "1e999"])
async def test_a_senseless_retry_after_means_our_own_pause(
    header: str, remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """A past date or no number: neither a crash nor a busy loop, but a pause and the answer."""
    policy(folder, "home", sections=1)
    openai.faults({"fault": {**NO_HINT, "retry_after": header}, "times": 1})
    started = time.monotonic()
    async with remote() as services:
        await ingest(services, [folder], ANNA)
        assert await states(services) == {"home.md": "complete"}
    assert openai.stats()["requests"] == 2
    assert time.monotonic() - started > 0.25


async def test_a_long_retry_after_holds_everybody_back_and_can_be_broken_off(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """Retry-After of 121 s: a pause of 120 s for all workers; a cancelled run leaves no hold."""
    policy(folder, "home", sections=1)
    openai.faults({"fault": {**NO_HINT, "retry_after": "121"}, "times": 1})
    async with remote() as services:
        run = asyncio.create_task(ingest(services, [folder], ANNA))
        while openai.stats()["requests"] == 0:  # noqa: ASYNC110 - the mock server is no event
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        assert 100 < (await circuit(services))["paused"] <= 120
        assert openai.stats()["requests"] == 1
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        held = await query(
            services,
            """
            SELECT 1 FROM upload_pipeline.upload_jobs WHERE claimed_by IS NOT NULL
            UNION ALL SELECT 1 FROM upload_pipeline.document_vector_buffer
            """,
        )
        assert held == []
        await change(services, "UPDATE upload_pipeline.provider_budgets SET paused_until = NULL")
        await ingest(services, [folder], ANNA)
        assert await states(services) == {"home.md": "complete"}


async def test_an_account_without_money_stops_the_run_and_is_asked_once_a_window(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """Quota 429: stopped, recorded, one request for each window; when lifted the run goes on."""
    for number in range(3):
        policy(folder, f"policy-{number}")
    openai.faults(QUOTA)
    async with remote(embedding_batch_inputs=2, embedding_concurrency=4) as services:
        with pytest.raises(QuotaExhausted, match="no credit"):
            await ingest(services, [folder], ANNA)
        # what was in flight when the first refusal came, nothing after it
        asked = openai.stats()["requests"]
        assert asked <= 4
        for window in range(2):
            with pytest.raises(QuotaExhausted, match="no credit"):
                await ingest(services, [folder], ANNA)
            assert openai.stats()["requests"] == asked + window
            await let_window_pass(services)
            with pytest.raises(QuotaExhausted, match="no credit"):
                await ingest(services, [folder], ANNA)
            assert openai.stats()["requests"] == asked + window + 1
        row = await circuit(services)
        assert row["circuit"] == "open"
        assert "no credit" in row["reason"]
        assert set((await states(services)).values()) == {"chunks_stored"}
        openai.faults()
        await let_window_pass(services)
        await ingest(services, [folder], ANNA)
        assert set((await states(services)).values()) == {"complete"}
        row = await circuit(services)
        assert (row["circuit"], row["failures"], row["reason"]) == ("closed", 0, None)


async def test_only_the_document_with_a_refused_text_fails(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """A 400 for one text of a shared request: it is found by halving, the others are published."""
    for number in range(4):
        policy(folder, f"policy-{number}")
    policy(folder, "poisoned", extra="## Extra\n\nThis clause holds the word arsenic. " * 3)
    refusal = {"kind": "status", "status": 400, "message": "'$.input' is invalid."}
    openai.faults({"match": {"contains": "arsenic"}, "fault": refusal})
    async with remote(embedding_batch_inputs=64) as services:
        run = await ingest(services, [folder], ANNA)
        ended = await documents(services, run)
        bad = ended.pop("poisoned.md")
        assert (bad.state, bad.error_code) == ("failed_embedding", "embedding_failed")
        assert "refused the text" in (bad.error_message or "")
        assert bad.error_remedy == "Look at the chunk's text, then retry it."
        assert {each.state for each in ended.values()} == {"complete"}
        assert not [chunk for chunk in await corpus(services) if chunk[0] == "poisoned.md"]
        await assert_vectors_are_right(services)
    stats = openai.stats()
    assert stats["repeated_inputs"] == 0
    assert stats["statuses"]["400"] <= 6


async def test_a_request_that_is_too_large_is_halved(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """`max_tokens_per_request` fails no document: the halves are sent."""
    policy(folder, "home", sections=6)
    code = "max_tokens_per_request"
    openai.faults({"fault": {"kind": "status", "status": 400, "code": code}, "times": 1})
    async with remote() as services:
        await ingest(services, [folder], ANNA)
        assert await states(services) == {"home.md": "complete"}
        await assert_vectors_are_right(services)
    assert openai.stats()["statuses"] == {"400": 1, "200": 2}


async def test_an_answer_that_cannot_be_right_is_never_published(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """Wrong count or dimension, NaN, a zero vector, cut JSON: not kept, but asked for anew.

    Once, and the document is published in the same run; always, and it waits with the reason.
    """
    kinds = ("wrong_count", "wrong_dimension", "nan", "zero_vector", "truncated_json")
    async with remote() as services:
        for kind in kinds:
            path = policy(folder, kind.replace("_", "-"))
            openai.faults({"fault": kind, "times": 1})
            await ingest(services, [path], ANNA)
            assert (await states(services))[path.name] == "complete", kind
            path = policy(folder, f"always-{kind}".replace("_", "-"))
            openai.faults(kind)
            with pytest.raises(ServiceUnavailable):
                await ingest(services, [path], ANNA)
            assert (await states(services))[path.name] == "chunks_stored", kind
            left = "SELECT 1 FROM upload_pipeline.document_vector_buffer"
            assert await query(services, left) == [], kind
            openai.faults()
            await let_window_pass(services)
            await ingest(services, [path], ANNA)
        assert set((await states(services)).values()) == {"complete"}
        await assert_vectors_are_right(services)
        calls = await query(services, "SELECT sum(tokens) FROM upload_pipeline.service_calls")
        assert calls[0]["sum"] == openai.stats()["billed_tokens"], "they are billed all the same"


async def test_an_answer_in_another_order_is_sorted(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """Vectors that come in another order than their texts still reach the right chunks."""
    policy(folder, "home", sections=6)
    openai.faults("wrong_order")
    async with remote() as services:
        await ingest(services, [folder], ANNA)
        assert await states(services) == {"home.md": "complete"}
        await assert_vectors_are_right(services)


@pytest.mark.answers_lost(1, "the connection ends after the bill")
async def test_an_answer_lost_on_the_way_is_the_only_one_paid_again(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """Dropped after it was billed: at most that request's texts are paid twice."""
    policy(folder, "home", sections=8)
    openai.faults({"fault": "drop", "schedule": [2]})
    async with remote(embedding_batch_inputs=3, embedding_concurrency=1) as services:
        await ingest(services, [folder], ANNA)
        assert await states(services) == {"home.md": "complete"}
    assert 0 < openai.stats()["repeated_inputs"] <= 3


@pytest.mark.answers_lost(1, "the time is over in the middle of an answer")
async def test_a_service_that_never_answers_costs_its_timeout(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """A hanging or dripping answer ends with the timeout, and the request is sent again."""
    async with remote() as opened:
        key = SecretStr("sk-test")
        patient = OpenAIEmbedder(key, base_url=openai.base_url, timeout=1)
        services = replace(opened, embedder=patient)
        for kind in ("hang", "slow_body"):
            openai.faults({"fault": {"kind": kind, "seconds": 3600}, "times": 1})
            path = policy(folder, kind, sections=2)
            await ingest(services, [path], ANNA)
            assert (await states(services))[path.name] == "complete"
        calls = await query(
            services,
            "SELECT outcome FROM upload_pipeline.service_calls ORDER BY id",
        )
        assert [call["outcome"] for call in calls] == ["service_unavailable", "ok"] * 2
        await patient.close()


async def test_the_fifth_failure_opens_the_circuit(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """A failing service is left in peace; after the window one request tries it again."""
    policy(folder, "home")
    openai.faults(SERVER_ERROR)
    async with remote() as services:
        for _ in range(3):
            with pytest.raises(ServiceUnavailable):
                await ingest(services, [folder], ANNA)
            assert openai.stats()["requests"] == FAILURES_TO_OPEN
        assert (await circuit(services))["circuit"] == "open"
        await let_window_pass(services)
        with pytest.raises(ServiceUnavailable):
            await ingest(services, [folder], ANNA)
        assert openai.stats()["requests"] == FAILURES_TO_OPEN + 1
        openai.faults()
        await let_window_pass(services)
        await ingest(services, [folder], ANNA)
        assert await states(services) == {"home.md": "complete"}
        assert (await circuit(services))["circuit"] == "closed"


@pytest.mark.parametrize("status", [400, 429])
async def test_any_answer_to_the_first_request_after_the_window_closes_the_circuit(
    status: int, remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """A service that refuses a text or asks to slow down is back: the run goes on by itself."""
    policy(folder, "home")
    policy(folder, "poisoned", extra="## Extra\n\nThis clause holds the word arsenic. " * 3)
    openai.faults(QUOTA)
    async with remote() as services:
        with pytest.raises(QuotaExhausted):
            await ingest(services, [folder], ANNA)
        await let_window_pass(services)
        refusal = {**NO_HINT, "status": status}
        openai.faults({"match": {"contains": "arsenic"}, "fault": refusal,
                       **({"times": 1} if status == 429 else {})})  # fmt: skip
        await ingest(services, [folder], ANNA)
        expected = "complete" if status == 429 else "failed_embedding"
        assert await states(services) == {"home.md": "complete", "poisoned.md": expected}


async def test_the_cost_cap_stops_before_it_is_passed(
    remote: Opener, openai: OpenAIMock, folder: Path, postgres_url: str, template: str
) -> None:
    """A capped run spends no more than its cap; the next one ends where a clean run ends."""
    for number in range(4):
        policy(folder, f"policy-{number}", sections=4)
    price = Decimal(1000)
    options = {"embedding_batch_inputs": 2, "embedding_usd_per_million_tokens": price}
    with clone(postgres_url, template) as url:
        async with remote(**options, database_url=url) as services:
            await ingest(services, [folder], ANNA)
            clean = await corpus(services)
    whole = price * openai.stats()["billed_tokens"] / 1_000_000
    openai.reset()
    async with remote(**options) as services:
        cap = whole / 3
        with pytest.raises(CostCapReached):
            await ingest(services, [folder], ANNA, max_cost_usd=cap)
        spent = price * openai.stats()["billed_tokens"] / 1_000_000
        assert cap / 3 < spent <= cap
        found = await query(
            services, "SELECT cost_usd, reserved_usd FROM upload_pipeline.ingest_runs"
        )
        assert [(row["cost_usd"], row["reserved_usd"]) for row in found] == [(spent, 0)]
        assert set((await states(services)).values()) == {"chunks_stored"}
        await ingest(services, [folder], ANNA, max_cost_usd=whole)
        assert await corpus(services) == clean
    assert openai.stats()["repeated_inputs"] == 0


async def test_a_users_month_cap_stops_that_user_alone(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """No request passes it; another user goes on, and a higher cap ends where it stopped."""
    for number in range(4):
        policy(folder, f"policy-{number}", sections=4)
    price = Decimal(1000)
    options = {"embedding_batch_inputs": 2, "embedding_usd_per_million_tokens": price}
    cap = Decimal("0.15")
    async with remote(**options, user_month_cap_usd=cap) as services:
        with pytest.raises(SpendingCapReached, match="NAVIGATOR_USER_MONTH_CAP_USD"):
            await ingest(services, [folder], ANNA)
        spent = price * openai.stats()["billed_tokens"] / 1_000_000
        assert cap / 3 < spent <= cap
        assert set((await states(services)).values()) == {"chunks_stored"}
        others = folder.with_name("ben")
        others.mkdir()
        policy(others, "small", sections=1)
        await ingest(services, [others], BEN)
        assert (await states(services))["small.md"] == "complete"
        with pytest.raises(SpendingCapReached):  # it is the month's, not a run's
            await ingest(services, [folder], ANNA)
    async with remote(**options, user_month_cap_usd=Decimal(10)) as services:
        await ingest(services, [folder], ANNA)
        assert set((await states(services)).values()) == {"complete"}
    assert openai.stats()["repeated_inputs"] == 0


async def test_a_refused_request_gives_its_promise_back(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """However often the service asks to slow down: the run's cap is spent on answers alone."""
    policy(folder, "home")
    price = Decimal(1000)
    hint = {**SLOW_DOWN, "message": "Please try again in 10ms."}
    async with remote(embedding_usd_per_million_tokens=price) as services:
        await ingest(services, [folder], ANNA)
        cost = price * openai.stats()["billed_tokens"] / 1_000_000
        openai.faults({"fault": hint, "times": 5})
        policy(folder, "flat")
        await ingest(services, [folder], ANNA, max_cost_usd=cost * 2)
        assert openai.stats()["statuses"]["429"] == 5
        assert await states(services) == {"home.md": "complete", "flat.md": "complete"}
        found = await query(services, "SELECT reserved_usd FROM upload_pipeline.ingest_runs")
        assert {row["reserved_usd"] for row in found} == {0}


async def test_an_answer_is_kept_through_a_lost_connection(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """Postgres ends the transaction that keeps an answer: it is kept in the next, bought once."""
    policy(folder, "home")
    async with remote() as services:
        async with services.database.owner() as connection:
            for statement in (
                "CREATE SEQUENCE upload_pipeline.tries",
                "CREATE FUNCTION upload_pipeline.end_the_first() RETURNS trigger "
                "LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN "
                "IF nextval('upload_pipeline.tries') = 1 THEN "
                "PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NEW; END $$",
                "CREATE TRIGGER end_the_first BEFORE UPDATE ON "
                "upload_pipeline.document_vector_buffer FOR EACH ROW "
                "WHEN (NEW.embedding IS NOT NULL) EXECUTE FUNCTION upload_pipeline.end_the_first()",
            ):
                await connection.exec_driver_sql(statement)
        run = await ingest(services, [folder], ANNA)
        assert await states(services) == {"home.md": "complete"}
        ended = (await documents(services, run)).values()
        assert sum(each.billed_tokens for each in ended) == openai.stats()["billed_tokens"]
    assert openai.stats()["repeated_inputs"] == 0


async def test_what_is_wholly_answered_is_not_looked_for_again(
    remote: Opener, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several requests at once that are all answered: nothing is counted again, or given back."""

    async def needless(*arguments: Any, **named: Any) -> None:
        raise AssertionError("there is nothing left to look for")

    policy(folder, "home")
    monkeypatch.setattr(vector_buffer, "count_missing", needless)
    monkeypatch.setattr(vector_buffer, "release", needless)
    async with remote(embedding_batch_inputs=1) as services:
        await ingest(services, [folder], ANNA)
        assert await states(services) == {"home.md": "complete"}


async def test_the_ledgers_agree_with_the_bill(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """Tokens and dollars of jobs, run and calls add up to what was billed, call by call."""
    for number in range(5):
        policy(folder, f"policy-{number}", sections=number + 1, extra=SHARED)
    hint = {**SLOW_DOWN, "message": "Please try again in 10ms."}
    openai.faults({"fault": hint, "times": 2})
    async with remote(embedding_batch_inputs=3) as services:
        run = await ingest(services, [folder], ANNA)
        billed = openai.stats()["billed_tokens"]
        cost = Decimal("0.02") * billed / 1_000_000
        ended = (await documents(services, run)).values()
        assert sum(each.billed_tokens for each in ended) == billed
        assert sum((each.cost_usd for each in ended), Decimal(0)) == cost
        found = await query(services, "SELECT cost_usd FROM upload_pipeline.ingest_runs")
        assert found[0]["cost_usd"] == cost
        calls = await query(services, "SELECT * FROM upload_pipeline.service_calls ORDER BY id")
        assert len(calls) == openai.stats()["requests"]
        assert [call["outcome"] for call in calls].count("rate_limited") == 2
        fine = [call for call in calls if call["outcome"] == "ok"]
        assert sum(call["tokens"] for call in fine) == billed
        assert sum(call["cost_usd"] for call in fine) == cost
        assert sum(call["inputs"] for call in fine) == openai.stats()["inputs"]
        assert all(call["request_id"].startswith("req_") for call in fine)
        whose: set[tuple[UUID, UUID]] = {(call["user_id"], call["run_id"]) for call in fine}
        assert whose == {(ANNA, run)}
