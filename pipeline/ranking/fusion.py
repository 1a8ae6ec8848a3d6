"""Fuses the ranking by meaning and the ranking by words into one, as the embedding space needs.

Both rankings have scores that say how far apart their passages are; ranks do not: by reciprocal
rank a passage in the middle of both lists beats the first of one. So scores are fused (a convex
combination), each scaled over its own ranking: the best is 1, the last candidate 0. How much words
weigh depends on the embedding space: the weaker its vectors, the more. `docs/retrieval.md` has what
was measured, and against what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol
from uuid import UUID

CANDIDATES = 50
"""Of each ranking, at least: what is scaled is scaled over them."""

# A word score of half the best or more is never scaled to nothing, however few passages have the
# words at all: two passages that hold them about as well stay close.
_FLOOR = 0.5


class Scored(Protocol):
    """A passage in a ranking."""

    @property
    def chunk_id(self) -> UUID:
        """Which."""
        ...

    @property
    def score(self) -> float:
        """Cosine similarity or BM25."""
        ...


@dataclass(frozen=True, slots=True)
class Fusion:
    """How two rankings become one.

    Attributes:
        words: weight of the words, between 0 and 1; meaning has the rest.
        source: where the weight comes from.
    """

    name: str
    words: float
    source: str

    def scores(self, vectors: Sequence[Scored], words: Sequence[Scored]) -> dict[UUID, float]:
        """A score between 0 and 1 for each passage of either ranking.

        Args:
            vectors, words: best first.
        """
        fused: dict[UUID, float] = {}
        for weight, scaled in (
            (1 - self.words, _scaled(vectors, floor=1.0)),
            (self.words, _scaled(words, floor=_FLOOR)),
        ):
            for chunk, score in scaled.items():
                fused[chunk] = fused.get(chunk, 0.0) + weight * score
        return fused


def _scaled(ranking: Sequence[Scored], *, floor: float) -> dict[UUID, float]:
    """Scores between 0 and 1 over a ranking; all 1 where they do not differ.

    Args:
        floor: the lowest score is taken to be at most this share of the best.
    """
    if not ranking:
        return {}
    best = ranking[0].score
    lowest = min(ranking[-1].score, floor * best)
    if best <= lowest:
        return {each.chunk_id: 1.0 for each in ranking}
    return {each.chunk_id: (each.score - lowest) / (best - lowest) for each in ranking}


STATIC = Fusion(
    "static",
    0.65,
    "wordllama on seven sets: docs/retrieval.md",
)
"""A vector for each token, averaged: weaker than words on most questions."""

TRANSFORMER = Fusion("transformer", 0.4, "all-MiniLM-L6-v2 (int8) on two sets: docs/retrieval.md")
"""A small sentence-embedding model on this machine: about as strong as words."""

LARGE = Fusion("large", 0.4, "not measured here; larger models are stronger than words")
"""A provider's model."""

UNKNOWN = Fusion("unknown", 0.55, "between the measured ones; a tie goes to the words")

_BY_PROVIDER: Mapping[str, Fusion] = MappingProxyType(
    {"local": STATIC, "onnx": TRANSFORMER, "openai": LARGE}
)


def fusion_of(provider: str) -> Fusion:
    """How the rankings of an embedding space are fused, by the provider of its vectors."""
    return _BY_PROVIDER.get(provider, UNKNOWN)
