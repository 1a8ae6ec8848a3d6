"""Golden questions are asked of two spaces and every night; the gate refuses a worse space."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import pytest

from clients.embedder import Embedder, EmbeddingAnswer
from flows.report_builder import report_data
from mocks import OpenAIMock
from pipeline.identity import user_id
from stages.golden.comparison import compare, objections
from stages.golden.nightly import check_golden
from stages.golden.questions import Expected, GoldenQuestion
from stages.services import Services
from stages.spaces.embedder_in_space import EmbedderInSpace
from tests.flows.corpus import Opener, policy, query
from tests.ingesting import ingest
from tests.stages.spaces.building import SMALL, built, large

ANNA = user_id("anna")
QUESTIONS = [
    GoldenQuestion(
        question=f"what does policy {name} pay for a loss of kind {number}",
        expected=(Expected(document=f"{name}.md", quote=f"{number}00 dollars for a loss"),),
        user="anna",
    )
    for name in ("home", "car")
    for number in (1, 2, 3)
]


class Blind(EmbedderInSpace):
    """An embedder that asks for something else than the question."""

    async def embed(self, texts: Sequence[str]) -> EmbeddingAnswer:
        """Embed as many other texts."""
        return await super().embed(["nothing of the kind"] * len(texts))


async def filled(services: Services, folder: Path) -> None:
    """Two documents, published."""
    for name in ("home", "car"):
        policy(folder, name)
    await ingest(services, [folder], ANNA)


async def test_two_spaces_are_asked_and_the_same_is_no_worse(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """Every question is asked of both; what is no worse may answer."""
    async with remote(**SMALL) as services:
        await filled(services, folder)
        space, _ = await built(services, large(openai))
        after = await services.embedders.of(space)
        compared = await compare(services, services.embedder, after, QUESTIONS)
        assert compared.questions == len(QUESTIONS)
        assert compared.after.ndcg.mean > 0.5
        assert compared.after.usd > 0
        assert objections(compared, compared.lacking) == ()
        figures = compared.figures()
        assert not any(each.question in str(figures) for each in QUESTIONS)


async def test_a_worse_space_is_refused_with_its_figures(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """A space whose vectors mean nothing loses questions, and the gate says by how much."""
    async with remote(**SMALL) as services:
        await filled(services, folder)
        space, _ = await built(services, large(openai))
        good: Embedder = await services.embedders.of(space)
        blind = Blind(good, good.space)
        compared = await compare(services, services.embedder, blind, QUESTIONS)
        assert compared.ndcg.mean < 0
        said = objections(compared, 0)
        assert said
        assert f"on {len(QUESTIONS)} golden questions" in said[0]


def test_what_was_not_measured_is_refused() -> None:
    """Without golden questions, or with documents lacking, the gate says so."""
    assert objections(None, 3) == (
        "It lacks 3 published documents.",
        "There are no golden questions to compare the two by.",
    )


async def test_every_night_is_judged_kept_and_shown(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """A night is a row a rule; a fall since the night before is told; the report shows both."""
    async with remote(**SMALL) as services:
        await filled(services, folder)
        first = await check_golden(services, QUESTIONS, uuid4())
        assert (first.questions, first.lost, first.fallen) == (len(QUESTIONS), 0, ())
        wrong = [
            each.model_copy(update={"expected": (Expected(document="nowhere.pdf"),)})
            for each in QUESTIONS
        ]
        second = await check_golden(services, wrong, uuid4())
        assert second.lost == len(QUESTIONS)
        assert len(second.fallen) == 2
        data = await report_data(services.database)
        assert [each.lost for each in data.golden] == [0, len(QUESTIONS)]
        assert data.golden[0].ndcg == pytest.approx(first.means.ndcg, abs=1e-4)
        assert data.golden[0].model.endswith(SMALL["embedding_model"])
        assert not [each for each in data.suites if each.suite == "golden"]
        kept = await query(services, "SELECT * FROM upload_pipeline.quality_results")
        assert not any(each.question in str(kept) for each in QUESTIONS)
