"""Asks golden questions of an embedding space, as the search asks, and scores the answers."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.identity import user_id
from stages.costs import embedding_price
from stages.golden.matching import hits
from stages.golden.questions import GoldenQuestion
from stages.golden.scores import Interval, Score, interval, score
from stages.query_embedding import counted
from stages.search import Question, answer

if TYPE_CHECKING:
    from clients.embedder import Embedder
    from stages.services import Services

PLACES = 10
"""How many passages of an answer count."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it was answered: its scores, the place of the first hit, and how long it took.

    Attributes:
        first: from 1; None when nothing that was expected is among the answers.
    """

    question: GoldenQuestion
    score: Score
    first: int | None
    seconds: float


@dataclass(frozen=True, slots=True)
class SpaceScore:
    """How a space answers the golden questions.

    Attributes:
        usd: what embedding the questions costs at list price.
    """

    asked: tuple[Asked, ...]
    ndcg: Interval
    recall: Interval
    median_seconds: float
    slow_seconds: float
    usd: Decimal


async def ask_questions(
    services: Services,
    embedder: Embedder,
    questions: Sequence[GoldenQuestion],
    heard: Callable[[], Awaitable[None]] | None = None,
) -> SpaceScore:
    """Ask every question of the space that the embedder belongs to.

    Raises:
        TransientError: a service or the database does not answer.
    """
    asked = []
    for question in questions:
        asked.append(await _asked(services, embedder, question))
        if heard is not None:
            await heard()
    tokens = sum(counted(each.question, embedder) for each in questions)
    seconds = sorted(each.seconds for each in asked) or [0.0]
    return SpaceScore(
        tuple(asked),
        interval([each.score.ndcg for each in asked]),
        interval([each.score.recall for each in asked]),
        seconds[len(seconds) // 2],
        seconds[min(len(seconds) - 1, len(seconds) * 95 // 100)],
        embedding_price(embedder, tokens),
    )


async def _asked(services: Services, embedder: Embedder, question: GoldenQuestion) -> Asked:
    owner = user_id(question.user or services.settings.user)
    started = time.perf_counter()
    found = await answer(
        Question(question.question, limit=PLACES), owner, services.database, embedder
    )
    seconds = time.perf_counter() - started
    met = hits(found.passages, question.expected)
    met += [None] * (PLACES - len(met))
    first = next((place for place, each in enumerate(met, 1) if each is not None), None)
    return Asked(question, score(met, len(question.expected)), first, seconds)
