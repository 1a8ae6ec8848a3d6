"""The questions of samples/, asked of the samples as they come out of the whole pipeline."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.identity import user_id
from pipeline.settings import Settings
from pipeline.store import runs
from pipeline.store.search import Passage, Query, SearchMode, search
from samples.make_samples import FILES, SAMPLES
from stages.services import Services, open_services
from tests.ingesting import ingest

QUESTIONS: list[dict[str, Any]] = yaml.safe_load((SAMPLES / "questions.yaml").read_text("utf-8"))
PLAIN = [q for q in QUESTIONS if "hard" not in q.get("tags", [])]
HARD = [q for q in QUESTIONS if "hard" in q.get("tags", [])]
USER = user_id("questions")


@dataclass(frozen=True)
class Asked:
    """Every question's ten best passages by mode, and the state of every document by name."""

    answers: dict[SearchMode, dict[str, list[Passage]]]
    states: dict[str, str]

    def place(self, question: dict[str, Any], mode: SearchMode) -> int:
        """Where the expected passage stands in the answer, from 1; 99 when it is not in it."""
        found = self.answers[mode][question["question"]]
        return next((place for place, p in enumerate(found, 1) if _is_right(question, p)), 99)

    def recall(self, questions: list[dict[str, Any]], mode: SearchMode, within: int) -> float:
        """The share of questions whose passage is among the first `within`."""
        return sum(self.place(q, mode) <= within for q in questions) / len(questions)


@pytest.fixture(scope="module")
def asked(module_database_url: str, scratch: Path) -> Iterator[Asked]:
    """The samples ingested once, and all questions asked in all modes."""
    settings = Settings(
        _env_file=None,
        home=scratch / "questions",
        database_url=module_database_url,
    )
    yield asyncio.run(_ask(settings))


async def _ask(settings: Settings) -> Asked:
    async with open_services(settings) as services:
        run_id = await ingest(services, [FILES], USER)
        async with services.database.service() as connection:
            documents = await runs.run_documents(connection, run_id)
        answers = {mode: await _answers(services, mode) for mode in SearchMode}
        return Asked(answers, {each.name: each.state for each in documents})


async def _answers(services: Services, mode: SearchMode) -> dict[str, list[Passage]]:
    texts = [question["question"] for question in QUESTIONS]
    space = services.embedder.space
    vectors = (await services.embedder.embed(texts)).vectors
    async with services.database.reader(USER) as connection:
        return {
            text: await search(
                connection, Query(text, mode, space.id, space.dimension, vector, limit=10)
            )
            for text, vector in zip(texts, vectors, strict=True)
        }


def _is_right(question: dict[str, Any], passage: Passage) -> bool:
    return passage.name == question["document"] and _plain(question["passage"]) in _plain(
        passage.text
    )


def _plain(text: str) -> str:
    return " ".join(text.split())


def test_whole_samples_are_published_and_bad_ones_are_not(asked: Asked) -> None:
    """Twelve samples end complete; the scanned, the broken and the encrypted one as failed."""
    failed = {name for name, state in asked.states.items() if state == "failed_parse"}
    assert failed == {
        "disability-certificate-scanned.pdf",
        "umbrella-policy-broken.pdf",
        "workers-compensation-encrypted.pdf",
    }
    assert [s for s in asked.states.values() if s != "failed_parse"] == ["complete"] * 12


@pytest.mark.parametrize("question", PLAIN, ids=lambda q: q["question"][:40])
def test_a_plain_question_finds_its_passage(asked: Asked, question: dict[str, Any]) -> None:
    """Hybrid search has the passage among the first five, with its page and heading."""
    found = asked.answers[SearchMode.HYBRID][question["question"]][:5]
    right = [passage for passage in found if _is_right(question, passage)]
    assert right, [(p.name, p.heading_path[-1:], p.text[:60]) for p in found]
    passage = right[0]
    if page := question.get("page"):
        assert passage.page_first is not None and passage.page_last is not None
        assert passage.page_first <= page <= passage.page_last
    if heading := question.get("heading"):
        assert _plain(heading) in [_plain(each) for each in passage.heading_path]


def test_hard_questions_are_mostly_found(asked: Asked) -> None:
    """In other words than the document's, more than half are in the first five, most in ten."""
    assert asked.recall(HARD, SearchMode.HYBRID, 5) >= 0.6
    assert asked.recall(HARD, SearchMode.HYBRID, 10) >= 0.8


def test_half_of_all_questions_are_answered_first(asked: Asked) -> None:
    """Over all questions the right passage comes first for more than half."""
    assert asked.recall(QUESTIONS, SearchMode.HYBRID, 1) >= 0.55


@pytest.mark.parametrize("mode", [SearchMode.VECTOR, SearchMode.TEXT])
def test_hybrid_finds_no_less_than_each_ranking_alone(asked: Asked, mode: SearchMode) -> None:
    """Joining the rankings loses nothing among the first five."""
    hybrid = asked.recall(QUESTIONS, SearchMode.HYBRID, 5)
    assert hybrid >= asked.recall(QUESTIONS, mode, 5)
