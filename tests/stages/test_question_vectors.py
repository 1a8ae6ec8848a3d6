"""A question while the embedding service fails: in seconds, by words, and through its circuit."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from mocks import OpenAIMock
from pipeline.errors import NavigatorError, QuotaExhausted, RateLimited, ServiceUnavailable
from pipeline.identity import user_id
from pipeline.store import rate_limits
from pipeline.store.engine import rows
from pipeline.store.rate_limits import RateLimits
from stages import question_vectors
from stages.circuit_breaker import CIRCUIT_OPEN
from stages.question_vectors import provider_of
from stages.search import Question, SearchAnswer, answer
from stages.services import Services
from tests.flows.corpus import Opener
from tests.ingesting import ingest

ANNA = user_id("anna")
HAIL = "Hail damage to the roof is covered after the deductible."
DOWN = {"fault": {"kind": "status", "status": 500}}


@pytest.fixture
async def services(remote: Opener, tmp_path: Path) -> AsyncIterator[Services]:
    """Two published policies, embedded by the mock server."""
    files = tmp_path / "files"
    files.mkdir()
    (files / "hail.md").write_text(f"# Hail\n\n{HAIL}\n")
    (files / "theft.md").write_text("# Theft\n\nTheft of a bicycle is covered in the garage.\n")
    async with remote() as opened:
        await ingest(opened, [files], ANNA)
        yield opened


async def ask(services: Services, mode: str = "hybrid") -> SearchAnswer:
    """A question of Anna's."""
    question = Question("Is hail damage covered?", mode)
    return await answer(question, ANNA, services.database, services.embedder)


async def circuit(services: Services) -> tuple[str, int]:
    """The state of the service's circuit, and its failures in a row."""
    what = sa.text("SELECT circuit, failures FROM upload_pipeline.provider_budgets")
    async with services.database.service() as connection:
        row = (await rows(connection, what))[0]
    return row["circuit"], row["failures"]


@pytest.mark.parametrize(
    "fault",
    [
        DOWN,
        {"fault": "rate_limit"},
        {"fault": "quota"},
        {"fault": "reset"},
        {"fault": {"kind": "status", "status": 401}},
    ],
)
async def test_words_answer_while_the_service_is_away(
    fault: dict[str, object], services: Services, openai: OpenAIMock
) -> None:
    """A hybrid search finds the passage by its words and says so; the answer still fits."""
    openai.faults({**fault, "times": 1})
    found = await ask(services)
    assert (found.answered_by, found.fits) == ("text", True)
    assert HAIL in found.passages[0].text
    assert isinstance(found.away, NavigatorError)
    assert found.passages[0].vector_rank is None


async def test_a_search_by_vector_stays_an_error(services: Services, openai: OpenAIMock) -> None:
    """Nothing stands in for what was asked for by name."""
    openai.faults({**DOWN, "times": 1})
    with pytest.raises(ServiceUnavailable):
        await ask(services, "vector")


async def test_a_service_that_hangs_is_not_waited_for(
    services: Services, openai: OpenAIMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Words answer when the seconds are over that a person has."""
    monkeypatch.setattr(question_vectors, "QUESTION_SECONDS", 0.2)
    openai.faults({"fault": {"kind": "hang", "seconds": 30}, "times": 1})
    started = time.monotonic()
    found = await ask(services)
    assert found.answered_by == "text"
    assert HAIL in found.passages[0].text
    assert time.monotonic() - started < 20
    assert (await circuit(services)) == ("closed", 1)


async def test_failures_open_the_circuit_and_an_open_one_is_not_asked(
    services: Services, openai: OpenAIMock
) -> None:
    """The sixth question sends nothing: the five before it opened the circuit for everybody."""
    openai.faults(DOWN)
    for _ in range(5):
        await ask(services)
    assert (await circuit(services))[0] == "open"
    sent = openai.stats()["requests"]
    found = await ask(services)
    assert found.away is not None
    assert found.away.code == CIRCUIT_OPEN
    assert openai.stats()["requests"] == sent


async def test_an_answer_closes_the_circuit(services: Services, openai: OpenAIMock) -> None:
    """A question that is answered ends the count of failures."""
    openai.faults({**DOWN, "times": 2})
    await ask(services)
    await ask(services)
    assert (await circuit(services)) == ("closed", 2)
    found = await ask(services)
    assert (found.answered_by, found.away) == ("hybrid", None)
    assert (await circuit(services)) == ("closed", 0)


async def test_an_empty_account_opens_the_circuit_at_once(
    services: Services, openai: OpenAIMock
) -> None:
    """The next question does not ask a service that has no money for it."""
    openai.faults({"fault": "quota", "times": 1})
    assert isinstance((await ask(services)).away, QuotaExhausted)
    assert (await circuit(services))[0] == "open"


async def test_a_question_keeps_to_the_shared_rate_limit(
    services: Services, openai: OpenAIMock
) -> None:
    """A limit that is used up is not passed, and not waited for longer than a person does."""
    used = RateLimits(provider_of(services.embedder), requests_per_minute=1)
    async with services.database.service() as connection:
        await rate_limits.ensure_limits(connection, used)
        await rate_limits.acquire(connection, used.provider, 1)
    sent = openai.stats()["requests"]
    found = await ask(services)
    assert isinstance(found.away, RateLimited)
    assert openai.stats()["requests"] == sent
