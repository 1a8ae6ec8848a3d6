"""Defines the embedder protocol, and validates the vectors that a provider sent back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from clients.network.provider_errors import BadAnswer
from pipeline.identity import space_id
from pipeline.packing import RequestLimits

if TYPE_CHECKING:
    from pipeline.settings import Settings

Vectors = NDArray[np.float32]

# Below it a vector has no direction to speak of, and dividing by it only makes noise.
SMALLEST_NORM = 1e-6


@dataclass(frozen=True)
class EmbeddingSpace:
    """Which vectors may be compared with each other.

    Attributes:
        version: ours; raised when the same model is used differently.
    """

    provider: str
    model: str
    dimension: int
    version: str = "1"

    @property
    def id(self) -> UUID:
        """The space's deterministic id."""
        return space_id(self.provider, self.model, self.dimension, self.version)


@dataclass(frozen=True)
class EmbeddingAnswer:
    """The vectors of one request.

    Attributes:
        vectors: shape (texts, dimension), float32, unit norm, in the order of the texts.
        tokens: as billed; 0 when the service does not say.
        request_id: the provider's, for its support.
        seconds: from sending to the checked answer.
    """

    vectors: Vectors
    tokens: int
    request_id: str | None
    seconds: float


class Embedder(Protocol):
    """Turns texts into vectors of one space. One event loop; safe for concurrent calls in it."""

    @property
    def space(self) -> EmbeddingSpace:
        """Where the vectors belong."""
        ...

    @property
    def tokenizer_name(self) -> str:
        """For `pipeline.tokens.tokenizer`: counts as the model does."""
        ...

    @property
    def limits(self) -> RequestLimits:
        """What one call of `embed` takes."""
        ...

    @property
    def price_per_million_tokens(self) -> Decimal:
        """In US dollars."""
        ...

    @property
    def concurrency(self) -> int:
        """How many calls of `embed` are worth having under way at once."""
        ...

    async def embed(self, texts: Sequence[str]) -> EmbeddingAnswer:
        """Embed one request's worth of texts; nothing is tried again in here.

        Raises:
            InputTooLarge: the request is too large; halve it.
            EmbeddingError: a text is refused; halve until it is alone.
            RateLimited, ServiceUnavailable: try again later (`BadAnswer` among them).
            QuotaExhausted, ConfigurationError: stop.
        """
        ...

    async def close(self) -> None:
        """Give back connections; the embedder cannot be used afterwards."""
        ...


@dataclass(frozen=True, slots=True)
class EmbedderPlugin:
    """An embedder that a setting can choose.

    Attributes:
        summary: one line for help texts.
        open: makes it of the settings. Raises ConfigurationError where a setting of its own is
            missing or wrong.
    """

    summary: str
    open: Callable[[Settings], Embedder]


def checked_vectors(
    rows: Sequence[Vectors], indices: Sequence[object], texts: int, dimension: int, service: str
) -> Vectors:
    """The rows in the order of their indices, as unit vectors of shape (texts, dimension).

    Args:
        indices: of each row, as the service gave them.
        texts: how many were sent.

    Raises:
        BadAnswer: the count, an index, the dimension or a value is wrong.
    """
    if len(rows) != texts:
        raise BadAnswer(f"{service} answered {len(rows)} vectors for {texts} texts.")
    positions = [index for index in indices if type(index) is int]
    if sorted(positions) != list(range(texts)):
        raise BadAnswer(f"{service} answered vectors whose numbers are not 0 to {texts - 1}.")
    ordered = np.empty((texts, dimension), dtype=np.float32)
    for position, row in zip(positions, rows, strict=True):
        if row.shape != (dimension,):
            raise WrongDimension(service, got=int(row.size), expected=dimension)
        ordered[position] = row
    return unit_vectors(ordered, service)


def unit_vectors(vectors: Vectors, service: str) -> Vectors:
    """Each row divided by its length.

    Raises:
        BadAnswer: a value is not finite, or a vector has no length.
    """
    if not np.isfinite(vectors).all():
        raise BadAnswer(f"{service} answered a vector with a value that is not finite.")
    norms = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    if norms.size and norms.min() < SMALLEST_NORM:
        raise BadAnswer(f"{service} answered a zero vector.")
    return np.asarray(vectors / norms, dtype=np.float32)


class WrongDimension(BadAnswer):
    """Vectors of another length than the embedding space has.

    Args:
        got, expected: dimensions.
    """

    def __init__(self, service: str, *, got: int, expected: int) -> None:
        super().__init__(f"{service} answered a vector of {got} dimensions instead of {expected}.")
        self.got = got
        self.expected = expected
