"""The canary corpus through real stages and a real database, without Prefect."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from deployments.verification import canary_documents
from deployments.verification.baseline import CanaryDocument
from deployments.verification.canary_corpus import clean, take_canaries_in
from deployments.verification.canary_costs import require_consent
from deployments.verification.canary_flow import Batch
from deployments.verification.collecting import CorpusRuns, Wanted, corpus_runs, say_nothing
from deployments.verification.recording import NoBaseline, require_ends
from mocks import OpenAIMock
from pipeline.errors import ServiceUnavailable, UsageError
from pipeline.identity import CANARY, combined_sha256, sha256_hex
from pipeline.settings import load_settings
from pipeline.store import canaries
from pipeline.store.smoke_test import AUDIT, stored_rows
from pipeline.worker_identity import RELEASE
from stages.services import Services, open_services
from tests.deployments.verification.making import here

BYTES = "941564cdd11b2a2cb5a0f4aa618067ddaaebde021c0c1f2befc1b31daa1f5a73"
"""Of the corpus; with another one, `CORPUS` is another number too."""

WANTED = Wanted(repetitions=3, seconds=600, max_cost_usd=Decimal(0))
IMPATIENT = replace(WANTED, seconds=0)


@pytest.fixture
async def parts(database_url: str, tmp_path: Path) -> AsyncIterator[Services]:
    """Services of this machine alone."""
    settings = load_settings(
        database_url=database_url, home=tmp_path / "home", embedder="wordllama", parse_workers=1
    )
    async with open_services(settings) as opened:
        yield opened


@asynccontextmanager
async def runs_of(parts: Services, wanted: Wanted = WANTED) -> AsyncIterator[CorpusRuns]:
    """The corpus to oneself, worked off in this process."""
    async with corpus_runs(parts, here(parts), wanted, time.monotonic(), say_nothing) as runs:
        yield runs


async def left(parts: Services) -> tuple[dict[str, int], list[str], int]:
    """What is there of the canaries: rows but the audit's, stored files, runs."""
    async with parts.database.service() as connection:
        rows = await stored_rows(connection, CANARY)
        runs = await connection.scalar(sa.text("SELECT count(*) FROM ingest_runs"))
    listed = [key async for keys in parts.storage.listing() for key in keys]
    kept = {name: count for name, count in rows.items() if count and name not in AUDIT}
    return kept, [key for key in listed if str(CANARY) in key], int(runs or 0)


async def test_corpus(parts: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every canary ends as it is made to, each time with the same ids, and nothing is left."""
    monkeypatch.setenv(RELEASE, "r7")
    async with runs_of(parts) as runs:
        await runs.repeat(2)
        found = runs.corpus()
        require_ends(canary_documents.canary_documents(), found.documents, {})
    assert found.varying == ()
    assert (found.stranger, found.releases) == (0, ("r7",))
    assert len(found.documents) == 8
    first, *_, nothing = found.answers
    assert first.documents[0] == "policy.md"
    assert nothing.passages == ()
    assert set(found.repetitions[0].stages) == {
        "parse", "validate", "chunk", "embed", "publish", "all stages", "search",
    }  # fmt: skip
    assert all(seconds >= 0 for seconds in found.repetitions[0].stages.values())
    assert await left(parts) == ({}, [], 0)


async def test_failure_leaves_nothing(parts: Services) -> None:
    """A worker that fails half-way ends the verification, and nothing is left."""

    async def fail(batch: Batch) -> None:
        assert (await left(parts))[0]["upload_jobs"] == 7
        raise ServiceUnavailable("The worker died.")

    with pytest.raises(ServiceUnavailable, match="died"):
        async with corpus_runs(parts, fail, WANTED, time.monotonic(), say_nothing) as runs:
            await runs.repeat(1)
    assert await left(parts) == ({}, [], 0)


async def test_what_a_killed_one_left_is_removed(parts: Services) -> None:
    """The canaries and the run of a process that is gone are taken over and removed."""
    async with parts.database.service() as connection:
        machine = parts.worker.rpartition("/")[0].rpartition("/")[0]
        assert await canaries.take(connection, f"{machine}/999999/1.00", 60, None)
    await take_canaries_in(parts, canary_documents.canary_documents())
    assert (await left(parts))[0]["upload_jobs"] == 7
    async with runs_of(parts, IMPATIENT):  # its lease is not waited for
        assert (await left(parts))[:2] == ({}, [])
    assert await left(parts) == ({}, [], 0)


async def test_one_at_a_time(parts: Services) -> None:
    """While a living process has the corpus, another one is told so."""
    async with parts.database.service() as connection:
        assert await canaries.take(connection, "elsewhere/boot/1/1.00", 60, None)
    with pytest.raises(ServiceUnavailable, match="Another verification"):
        async with runs_of(parts, IMPATIENT):
            pass
    async with parts.database.service() as connection:
        assert await connection.scalar(sa.text("SELECT count(*) FROM ingest_runs")) == 1


def test_a_canary_that_ends_otherwise_is_no_baseline() -> None:
    """What does not end as it is made to end cannot be recorded."""
    made = canary_documents.canary_documents()
    ends = {each.name: CanaryDocument(state=each.ends or "") for each in made}
    require_ends(made, ends, {})
    ends["policy.md"] = ends["misread.txt"]
    with pytest.raises(NoBaseline, match=r"policy\.md ended as quarantined"):
        require_ends(made, ends, {})
    del ends["policy.md"]
    with pytest.raises(NoBaseline, match=r"policy\.md ended as nowhere"):
        require_ends(made, ends, {})


async def test_nothing_is_spent_unasked(database_url: str, tmp_path: Path) -> None:
    """With a paid embedder the corpus needs a cap, which the run then keeps; no request is made."""
    with OpenAIMock() as mock:
        settings = load_settings(
            database_url=database_url, home=tmp_path / "home", embedder="openai",
            openai_api_key="sk-test", openai_base_url=mock.base_url, parse_workers=1,
        )  # fmt: skip
        async with open_services(settings) as parts:
            with pytest.raises(UsageError, match="paid service") as raised:
                async with runs_of(parts):
                    pass
            documents = canary_documents.canary_documents()
            assert require_consent(parts, documents, 6, Decimal(1)) == Decimal(1)
        assert "--max-cost" in raised.value.remedy
        assert mock.stats()["requests"] == 0


def test_the_corpus_is_the_same_everywhere() -> None:
    """The canaries' bytes are those that baselines were recorded with."""
    made = [sha256_hex(each.content) for each in canary_documents.canary_documents()]
    assert canary_documents.CORPUS == "1"
    assert combined_sha256(made) == BYTES


async def test_clean_again(parts: Services) -> None:
    """Removing what is not there is no error."""
    await clean(parts)
    await clean(parts)
    assert await left(parts) == ({}, [], 0)
