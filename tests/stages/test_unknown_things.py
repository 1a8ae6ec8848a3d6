"""A question whose thing is not in the documents, and one in other words; with both embedders.

The local embedder's similarities were fitted. The other's, of a service, were not: there the words
and their meaning are judged, by the vectors that come with the program.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from clients.local import word_vectors as local_words
from pipeline.errors import ConfigurationError
from pipeline.identity import user_id
from stages.search import Question, SearchAnswer, answer
from stages.services import Services
from tests.flows.corpus import Opener
from tests.ingesting import ingest

ANNA = user_id("anna")
POLICY = """# Boat policy

## Theft

We pay for theft of the boat, its motor or its trailer from a locked yard or a mooring. The
deductible is $500 for each theft.

## Personal injury protection

Personal injury protection pays medical expenses of everyone on board, up to $10,000 a person.

## Towing

If the motor fails at sea, we pay for towing to the nearest harbor, at most $1,500 a year.

## Exclusions

Damage by ice, by insects or by racing is not covered. Form HO-3 of your home is not part of this.

## Cancellation

You may cancel this policy at any time in writing; we return the premium of the days that are left.
"""
ANSWERED = [
    "Is the boat's engine insured when it is stolen?",
    "What does PIP pay?",
    "Who tows me if the motor breaks down on the water?",
    "Do I get my premium back when I end the contract?",
    "What is the deductable for theft?",
    "Is form HO3 part of the policy?",
]
NOT = [
    "Are dental crowns for my grandmother covered?",
    "Is my beehive insured against wolves?",
    "Who pays for eyeglasses?",
    "How do I bake sourdough bread?",
]


@pytest.fixture
async def default(local: Opener, policy: Path) -> AsyncIterator[Services]:
    """The policy in the space of the default embedder."""
    async with local() as opened:
        await ingest(opened, [policy], ANNA)
        yield opened


@pytest.fixture
async def service(remote: Opener, policy: Path) -> AsyncIterator[Services]:
    """The policy in the space of an embedding service."""
    async with remote() as opened:
        await ingest(opened, [policy], ANNA)
        yield opened


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """One document of six passages."""
    path = tmp_path / "boat.md"
    path.write_text(POLICY)
    return path


async def ask(services: Services, text: str, mode: str = "hybrid") -> SearchAnswer:
    """An answer to Anna's question."""
    return await answer(Question(text, mode), ANNA, services.database, services.embedder)


async def fitting(services: Services, questions: list[str], mode: str = "hybrid") -> list[str]:
    """The questions that something fits."""
    found = [(text, await ask(services, text, mode)) for text in questions]
    for _, each in found:
        assert all(a.relevance >= b.relevance for a, b in pairwise(each.passages))  # type: ignore[operator]
    return [text for text, each in found if each.fits]


async def test_with_the_local_embedder(default: Services) -> None:
    """What the policy says in other words fits in each mode; what it does not name does not."""
    for mode in ("hybrid", "vector", "text"):
        assert await fitting(default, ANSWERED, mode) == ANSWERED
        assert await fitting(default, NOT, mode) == []


async def test_with_the_embedder_of_a_service(service: Services) -> None:
    """The same where nothing is known of the space's similarities."""
    assert await fitting(service, ANSWERED) == ANSWERED
    assert await fitting(service, NOT) == []


async def test_without_word_vectors(default: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their files are damaged: answers are judged by the words that they hold, and are given."""

    def damaged() -> None:
        raise ConfigurationError("The files of wordllama are missing or damaged.")

    damaged.cache_info = local_words.word_vectors.cache_info  # type: ignore[attr-defined]
    monkeypatch.setattr(local_words, "word_vectors", damaged)
    assert (await ask(default, "What is the deductible for theft of the boat?")).fits
    assert not (await ask(default, "How do I bake sourdough bread?")).fits
