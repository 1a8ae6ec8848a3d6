"""Lists OpenAI's embedding models with dimension and price."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from pipeline.errors import ConfigurationError


@dataclass(frozen=True)
class KnownModel:
    """What the vendor says of a model; the price is in US dollars a million tokens."""

    dimension: int
    price: Decimal
    shortens: bool = True


KNOWN_MODELS = {
    "text-embedding-3-small": KnownModel(1536, Decimal("0.02")),
    "text-embedding-3-large": KnownModel(3072, Decimal("0.13")),
    "text-embedding-ada-002": KnownModel(1536, Decimal("0.10"), shortens=False),
}


def dimension_of(model: str, asked: int | None) -> int:
    """The dimension of a model's vectors: what is asked for, or the known model's own.

    Raises:
        ConfigurationError: nothing is known and nothing asked, or the model has no such vectors.
    """
    known = KNOWN_MODELS.get(model)
    if known is None and asked is None:
        raise ConfigurationError(
            f"The dimension of the model {model} is not known.",
            remedy="Set NAVIGATOR_EMBEDDING_DIMENSION to the length of its vectors.",
        )
    dimension = asked if asked is not None else known.dimension if known else 0
    too_long = known is not None and dimension > known.dimension
    if dimension < 1 or too_long or (known and not known.shortens and dimension != known.dimension):
        raise ConfigurationError(
            f"The model {model} has no vectors of {dimension} dimensions.",
            remedy="Unset NAVIGATOR_EMBEDDING_DIMENSION, or choose another model.",
        )
    return dimension
