"""Judges how relevant an answer is, with the word vectors that come with the program."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipeline.errors import ConfigurationError
from pipeline.logs import logger
from pipeline.ranking.calibration import calibration_of
from pipeline.ranking.relevance import in_order, relevance

if TYPE_CHECKING:
    from clients.embedder import EmbeddingSpace
    from pipeline.ranking.relevance import Evidence
    from pipeline.ranking.wording import WordVectors
    from pipeline.store.search import Passage

_LOG = logger("navigator.search")


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer with its relevance.

    Attributes:
        passages: each with its own, none above that of one before it.
        relevance: of the answer. fits: whether that is enough.
    """

    passages: list[Passage]
    relevance: float
    fits: bool


async def judged(
    question: str,
    mode: str,
    least: float | None,
    space: EmbeddingSpace,
    found: Sequence[Passage],
    evidence: Evidence,
) -> Judged:
    """Judge what was found, whatever of it is shown.

    Args:
        mode: hybrid, vector or text. least: below it nothing fits; the calibration's when None.
    """
    vectors = await _word_vectors()
    calibration = calibration_of(space.provider, mode, wording=vectors is not None)
    result = relevance(question, found, evidence, calibration, vectors)
    passages = _with_relevance(found, result.passages)
    enough = calibration.threshold if least is None else least
    return Judged(passages, result.answer, bool(found) and result.answer >= enough)


def judged_again(passages: Sequence[Passage]) -> list[Passage]:
    """The passages in another order than they were judged in, none above one before it."""
    return _with_relevance(passages, in_order([each.relevance or 0.0 for each in passages]))


def _with_relevance(passages: Sequence[Passage], found: Sequence[float]) -> list[Passage]:
    return [replace(passage, relevance=each) for passage, each in zip(passages, found, strict=True)]


async def _word_vectors() -> WordVectors | None:
    from clients.local.word_vectors import word_vectors

    try:
        if word_vectors.cache_info().currsize:
            return word_vectors()
        return await asyncio.to_thread(word_vectors)
    except ConfigurationError as error:
        # An answer need not wait for a repair: the words that a passage holds say something too.
        _LOG.warning("judged_without_word_vectors", code=error.code, reason=error.message)
        return None
