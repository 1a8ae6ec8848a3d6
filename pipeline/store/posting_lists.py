"""Scores chunks by BM25 from posting lists, segment by segment, in numpy.

It is the same formula as the scan's (`pipeline.store.word_scan`), to the last addition: a test
holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

K1, B = 1.2, 0.75
"""The constants of BM25 as most engines set them."""

Floats = NDArray[np.float64]
Ordinals = NDArray[np.intp]


@dataclass(slots=True)
class Postings:
    """The words of a question in one segment, or in the chunks that were scanned.

    Attributes:
        segment: its id; None for scanned chunks.
        lengths: of each chunk, how many different words it has.
        living: which chunks are not gone; None: all of them.
        lists: for words by their place in the question, the chunks and the word's places in each.
    """

    segment: int | None
    lengths: Floats
    living: NDArray[np.bool_] | None = None
    lists: dict[int, tuple[Ordinals, Floats]] = field(default_factory=dict)

    def add(self, word: int, ordinals: Ordinals, places: Floats) -> None:
        """Add a word's list, without the chunks that are gone."""
        if self.living is not None:
            here = self.living[ordinals]
            ordinals, places = ordinals[here], places[here]
        if len(ordinals):
            self.lists[word] = ordinals, places


class Candidate(NamedTuple):
    """A chunk that may be among the best: ordered as it is to be answered, without its id."""

    score: float
    segment: int | None
    ordinal: int


def decoded(ordinals: bytes, counts: bytes) -> tuple[Ordinals, Floats]:
    """A posting list as it is stored: two bytes an ordinal, one a count, both moved down."""
    numbers = np.frombuffer(ordinals, ">u2") ^ np.uint16(0x8000)
    places = np.frombuffer(counts, np.uint8) ^ np.uint8(0x80)
    return numbers.astype(np.intp), places.astype(np.float64)


def decoded_lengths(lengths: bytes) -> Floats:
    """The lengths of a segment's chunks as they are stored."""
    return (np.frombuffer(lengths, ">u2") ^ np.uint16(0x8000)).astype(np.float64)


def best(
    parts: Sequence[Postings], weights: Sequence[float], size: int, limit: int
) -> list[Candidate]:
    """The candidates for the `limit` best chunks: with all that tie with the last in its segment.

    Args:
        weights: of the question's words.
        size: how many chunks there are in all.
    """
    if not any(part.lists for part in parts):
        return []
    mean = _mean_length(parts)
    rarity = _rarities(parts, len(weights), size)
    factors = [weight * rare for weight, rare in zip(weights, rarity, strict=True)]
    found = [each for part in parts for each in _best_of(part, factors, mean, limit)]
    found.sort(key=lambda each: -each.score)
    if len(found) > limit:
        least = found[limit - 1].score
        found = [each for each in found if each.score >= least]
    return found


def _mean_length(parts: Sequence[Postings]) -> float:
    """Of the chunks that have any of the words."""
    total = number = 0.0
    for part in parts:
        has = np.zeros(len(part.lengths), bool)
        for ordinals, _ in part.lists.values():
            has[ordinals] = True
        total += float(part.lengths[has].sum())
        number += int(has.sum())
    return total / number


def _rarities(parts: Sequence[Postings], words: int, size: int) -> Iterator[float]:
    for word in range(words):
        having = sum(len(part.lists[word][0]) for part in parts if word in part.lists)
        yield float(np.log(1 + (size - having + 0.5) / (having + 0.5)))


def _best_of(
    part: Postings, factors: Sequence[float], mean: float, limit: int
) -> Iterator[Candidate]:
    if not part.lists:
        return
    shortness = K1 * (1 - B + B * part.lengths / mean)
    scores = np.zeros(len(part.lengths))
    for word, (ordinals, places) in sorted(part.lists.items()):
        scores[ordinals] += factors[word] * places * (K1 + 1) / (places + shortness[ordinals])
    kept = _highest(scores, limit)
    for ordinal in kept:
        yield Candidate(float(scores[ordinal]), part.segment, int(ordinal))


def _highest(scores: Floats, limit: int) -> Ordinals:
    """The places of the `limit` highest scores above zero, ties by place, as a set."""
    if len(scores) > limit:
        least = np.partition(scores, -limit)[-limit]
        above = np.flatnonzero(scores > max(least, 0.0))
        ties = np.flatnonzero(scores == least)[: limit - len(above)] if least > 0 else above[:0]
        return np.concatenate([above, ties])
    return np.flatnonzero(scores > 0)
