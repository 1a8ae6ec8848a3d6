"""Packs texts into provider requests (bin packing), by tokens and by count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from pipeline.errors import ConfigurationError, EmbeddingError

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What a provider takes in one request.

    Attributes:
        max_inputs: texts in a request.
        max_tokens: tokens of all texts of a request together.
        max_input_tokens: tokens of one text.
    """

    max_inputs: int
    max_tokens: int
    max_input_tokens: int

    def __post_init__(self) -> None:
        if min(self.max_inputs, self.max_tokens, self.max_input_tokens) < 1:
            raise ConfigurationError("Every limit of a request must be at least 1.")


def pack(tokens: Sequence[int], limits: RequestLimits) -> list[list[int]]:
    """Pack texts into as few requests as an in-order filling needs, evenly filled.

    Args:
        tokens: of each text.

    Returns:
        The indices of each request's texts. Joined they are ``0 … len(tokens) - 1`` in order, and
        the same input always gives the same requests.

    Raises:
        EmbeddingError: a text is too long for the provider; its index is in the message.
    """
    _refuse_oversized(tokens, limits)
    if not tokens:
        return []
    fewest = _filled(tokens, limits.max_inputs, limits.max_tokens)
    low = max(max(tokens), -(-sum(tokens) // len(fewest)))
    high = limits.max_tokens
    packed = fewest
    while high - low > low // 64:
        middle = (low + high) // 2
        candidate = _filled(tokens, limits.max_inputs, middle)
        if len(candidate) == len(fewest):
            high, packed = middle, candidate
        else:
            low = middle + 1
    return packed


def halve(batch: Sequence[Item]) -> tuple[list[Item], list[Item]]:
    """Split a batch that the provider refused (bisection), to find the text that it dislikes.

    Raises:
        ValueError: the batch holds fewer than two items, so the culprit is already alone.
    """
    if len(batch) < 2:
        raise ValueError("A batch of one cannot be halved.")
    middle = len(batch) // 2
    return list(batch[:middle]), list(batch[middle:])


def _refuse_oversized(tokens: Sequence[int], limits: RequestLimits) -> None:
    most = min(limits.max_input_tokens, limits.max_tokens)
    for index, count in enumerate(tokens):
        if count > most:
            raise EmbeddingError(
                f"Text {index} has {count} tokens; the provider takes at most {most}.",
                code="input_too_long",
                remedy="Lower the chunk size below the provider's limit, then ingest again.",
            )


def _filled(tokens: Sequence[int], max_inputs: int, max_tokens: int) -> list[list[int]]:
    requests: list[list[int]] = [[]]
    total = 0
    for index, count in enumerate(tokens):
        if requests[-1] and (len(requests[-1]) == max_inputs or total + count > max_tokens):
            requests.append([])
            total = 0
        requests[-1].append(index)
        total += count
    return requests
