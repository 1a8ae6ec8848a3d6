"""An embedder in one file: counts letters. A real one would ask a service or a model."""

from __future__ import annotations

import time
from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from clients.embedder import EmbedderPlugin, EmbeddingAnswer, EmbeddingSpace, unit_vectors
from pipeline.packing import RequestLimits
from pipeline.settings import Settings

LETTERS = "abcdefghijklmnopqrstuvwxyz"


class LetterEmbedder:
    """Embeds a text as how often it has each letter.

    Args:
        weight: of the first letter, to show an option.
    """

    def __init__(self, weight: float = 1.0) -> None:
        self._weight = weight

    @property
    def space(self) -> EmbeddingSpace:
        """Vectors of another model, dimension or version are never compared with these."""
        return EmbeddingSpace("letters", f"letters-{self._weight:g}", len(LETTERS))

    @property
    def tokenizer_name(self) -> str:
        """How texts are measured for chunks and limits."""
        return "cl100k_base"

    @property
    def limits(self) -> RequestLimits:
        """Texts in a request, tokens in it, tokens of one text."""
        return RequestLimits(64, 100_000, 8_000)

    @property
    def price_per_million_tokens(self) -> Decimal:
        """In US dollars."""
        return Decimal(0)

    @property
    def concurrency(self) -> int:
        """Requests under way at once."""
        return 1

    async def embed(self, texts: Sequence[str]) -> EmbeddingAnswer:
        """Embed one request's worth of texts."""
        started = time.perf_counter()
        counts = [[1.0 + text.lower().count(letter) for letter in LETTERS] for text in texts]
        vectors = np.array(counts, dtype=np.float32)
        vectors[:, 0] *= self._weight
        seconds = time.perf_counter() - started
        return EmbeddingAnswer(unit_vectors(vectors, "letters"), 0, None, seconds)

    async def close(self) -> None:
        """Nothing to give back."""


def open_letters(settings: Settings) -> LetterEmbedder:
    """The embedder of `NAVIGATOR_EMBEDDER_OPTIONS`."""
    return LetterEmbedder(float(settings.embedder_options.get("weight", "1")))


PLUGIN = EmbedderPlugin("how often a text has each letter", open_letters)
