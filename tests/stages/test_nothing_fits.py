"""What fits and what does not, end to end with the local embedder, and whose documents decide."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest
import yaml

from pipeline.identity import user_id
from pipeline.settings import Settings
from pipeline.store.search import Query, SearchMode, search_with_evidence
from samples.make_samples import FILES, SAMPLES
from stages.search import Question, SearchAnswer, answer
from stages.services import Services, open_services
from tests.ingesting import ingest

ANNA, BEN, CARL = map(user_id, ("anna", "ben", "carl"))
ASKED = [each["question"] for each in yaml.safe_load((SAMPLES / "questions.yaml").read_text())]
GENERAL = [
    "What is the capital of France?", "Who wrote Romeo and Juliet?", "How do bees make honey?",
    "How do I bake sourdough bread?", "What is the boiling point of water?", "Why is the sky blue?",
    "How many strings does a violin have?", "What is the chemical symbol of gold?",
    "Who painted the Mona Lisa?", "How do I set up a Minecraft server?",
]  # fmt: skip
FLOOD = "# Flood\n\nFlood is not covered. Water that backs up through a sewer is not covered.\n"
HONEY = "# Bees\n\nBees make honey from nectar. The capital of France is Paris.\n"


@pytest.fixture(scope="module")
def settings(module_database_url: str, scratch: Path) -> Iterator[Settings]:
    """Anna has the samples; Ben has one policy of one passage."""
    folder = scratch / "fits"
    folder.mkdir()
    (folder / "flood.md").write_text(FLOOD)
    (folder / "honey.md").write_text(HONEY)
    settings = Settings(_env_file=None, home=folder / "home", database_url=module_database_url)
    asyncio.run(_publish(settings, folder))
    yield settings


async def _publish(settings: Settings, folder: Path) -> None:
    async with open_services(settings) as services:
        await ingest(services, [FILES], ANNA)
        await ingest(services, [folder / "flood.md"], BEN)


@asynccontextmanager
async def asking(settings: Settings) -> AsyncIterator[Services]:
    """The services, as a search has them."""
    async with open_services(settings) as services:
        yield services


async def ask(services: Services, texts: Sequence[str], user: object = ANNA) -> list[SearchAnswer]:
    """The answers to several questions."""
    return [
        await answer(Question(text), user, services.database, services.embedder)  # type: ignore[arg-type]
        for text in texts
    ]


async def test_questions_with_an_answer_fit(settings: Settings) -> None:
    """Of the samples' own questions hardly one is lost."""
    async with asking(settings) as services:
        found = await ask(services, ASKED)
    assert sum(each.fits for each in found) >= 0.9 * len(found)


async def test_general_knowledge_does_not_fit(settings: Settings) -> None:
    """What no insurance document says is told as nothing, with the nearest beside it."""
    async with asking(settings) as services:
        found = await ask(services, GENERAL)
    assert sum(not each.fits for each in found) >= 0.9 * len(found)
    assert all(each.passages for each in found)


async def test_one_passage_is_found_and_no_more_is_claimed(settings: Settings) -> None:
    """A corpus of a single passage answers what it says, and nothing else."""
    async with asking(settings) as services:
        right = await ask(services, ["Is flood covered?", "Is water from a sewer covered?"], BEN)
        wrong = await ask(services, GENERAL, BEN)
    assert [each.fits for each in right] == [True, True]
    assert sum(not each.fits for each in wrong) >= 0.9 * len(wrong)


async def test_a_limit_changes_no_relevance(settings: Settings) -> None:
    """How many passages are wanted has nothing to do with whether they answer."""
    async with asking(settings) as services:
        for text in (*ASKED[:3], *GENERAL[:2]):
            one, many = [
                await answer(
                    Question(text, limit=limit), ANNA, services.database, services.embedder
                )
                for limit in (1, 30)
            ]
            assert len(one.passages) == 1
            assert (one.relevance, one.fits) == (many.relevance, many.fits)
            assert one.passages[0] == many.passages[0]


async def test_nobody_elses_documents_change_a_relevance(settings: Settings) -> None:
    """Another user takes in what would answer: to the last digit nothing changes for Ben."""
    questions = [*GENERAL, "Is flood covered?"]
    async with asking(settings) as services:
        before = await ask(services, questions, BEN)
        await ingest(services, [settings.home.parent / "honey.md"], CARL)
        after = await ask(services, questions, BEN)
        known = await ask(services, ["How do bees make honey?"], CARL)
    assert known[0].fits
    for first, second in zip(before, after, strict=True):
        assert (first.relevance, first.fits) == (second.relevance, second.fits)
        assert [p.relevance for p in first.passages] == [p.relevance for p in second.passages]


async def test_what_was_looked_through_is_counted_of_the_readers_own(settings: Settings) -> None:
    """In every mode, and where the search is limited to a document."""
    async with asking(settings) as services:
        space = services.embedder.space
        vector = (await services.embedder.embed(["flood"])).vectors[0]

        async def counted(user: UUID, mode: SearchMode, *documents: UUID) -> tuple[int, UUID]:
            query = Query("flood", mode, space.id, space.dimension, vector, documents=documents)
            async with services.database.reader(user) as connection:
                passages, evidence = await search_with_evidence(connection, query)
            return evidence.scope, passages[0].document_id

        for mode in SearchMode:
            assert (await counted(BEN, mode))[0] == 1
            whole, document = await counted(ANNA, mode)
            assert 1 <= (await counted(ANNA, mode, document))[0] < whole
