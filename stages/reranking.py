"""Reads the best passages again with a cross-encoder, which sees question and passage together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.settings import Settings
    from pipeline.store.search import Passage

CANDIDATES = 20
"""How many passages are read again; those behind them are not worth the time."""


def reranker_of(settings: Settings) -> Path:
    """The folder of the model that reads passages again.

    Raises:
        UsageError: there is none.
    """
    if settings.reranker_folder is None:
        raise UsageError(
            "There is no model that reads passages again.",
            code="no_reranker",
            remedy="Install a cross-encoder: navigator models install FOLDER, then "
            "navigator models use NAME.",
        )
    return settings.reranker_folder


async def reranked(
    question: str, passages: Sequence[Passage], folder: Path, limit: int
) -> list[Passage]:
    """The passages in the order in which they answer, the first `CANDIDATES` of them read again.

    Raises:
        ConfigurationError: the model's files are missing or damaged.
    """
    read, rest = passages[:CANDIDATES], passages[CANDIDATES:]
    if not read:
        return []
    scores = await asyncio.to_thread(_scores, question, [_text(each) for each in read], folder)
    scored = [
        replace(passage, rerank_score=score) for passage, score in zip(read, scores, strict=True)
    ]
    ordered = sorted(scored, key=lambda each: -(each.rerank_score or 0.0))
    return [*ordered, *rest][:limit]


def _scores(question: str, texts: list[str], folder: Path) -> list[float]:
    from clients.local.reranker import cross_encoder

    return [float(score) for score in cross_encoder(folder).scores(question, texts)]


def _text(passage: Passage) -> str:
    """What a reader sees: a row of a table says little without its columns."""
    return f"{passage.context}\n{passage.text}" if passage.context else passage.text
