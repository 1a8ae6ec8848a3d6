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
    places = np.frombuffer(counts, np.uint8) ^ np.uint8(0x80)
    return decoded_ordinals(ordinals), places.astype(np.float64)


def decoded_ordinals(ordinals: bytes) -> Ordinals:
    """Numbers as they are stored, two bytes each."""
    return (np.frombuffer(ordinals, ">u2") ^ np.uint16(0x8000)).astype(np.intp)


def decoded_lengths(lengths: bytes) -> Floats:
    """The lengths of a segment's chunks as they are stored."""
    return (np.frombuffer(lengths, ">u2") ^ np.uint16(0x8000)).astype(np.float64)


# Sums in another order differ in their last digits; so much is left when scores are compared.
_SLACK = 1 - 1e-9
_FEW = 4


def best(
    parts: Sequence[Postings], weights: Sequence[float], size: int, limit: int
) -> list[Candidate]:
    """The `limit` chunks with the highest scores, with all that tie with the last in its segment.

    Exact, though most of the long lists of frequent words is never added up: what only they could
    bring cannot reach the best that are known already (MaxScore, Turtle and Flood, 1995).

    Args:
        weights: of the question's words.
        size: how many chunks there are in all.
    """
    if not any(part.lists for part in parts):
        return []
    mean = _mean_length(parts)
    rarity = _rarities(parts, len(weights), size)
    factors = [weight * rare for weight, rare in zip(weights, rarity, strict=True)]
    found: list[Candidate] = []
    least = 0.0
    for part in sorted(parts, key=lambda each: -len(each.lengths)):
        found += _candidates(part, factors, mean, least, limit)
        found.sort(key=lambda each: -each.score)
        if len(found) >= limit:
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
        # no dot product: it would start a thread for each processor, which costs more than it saves
        total += float((part.lengths * has).sum())
        number += int(np.count_nonzero(has))
    return total / number


def _rarities(parts: Sequence[Postings], words: int, size: int) -> Iterator[float]:
    for word in range(words):
        having = sum(len(part.lists[word][0]) for part in parts if word in part.lists)
        yield float(np.log(1 + (size - having + 0.5) / (having + 0.5)))


def _candidates(
    part: Postings, factors: Sequence[float], mean: float, least: float, limit: int
) -> list[Candidate]:
    """The chunks of a segment whose score reaches `least`, no more than are needed."""
    words = sorted(part.lists, key=lambda word: -factors[word])
    # What the words from each on can add at most: a chunk that is nothing but that word.
    ceilings = [sum(factors[word] for word in words[i:]) * (K1 + 1) for i in range(len(words))]
    needed = [word for word, ceiling in zip(words, ceilings, strict=True) if ceiling >= least]
    rest = ceilings[len(needed)] if len(needed) < len(words) else 0.0
    shortness = K1 * (1 - B + B * part.lengths / mean)
    scores = np.zeros(len(part.lengths))
    for word in needed:
        ordinals, places = part.lists[word]
        added = places + shortness.take(ordinals)
        np.add.at(scores, ordinals, factors[word] * (K1 + 1) * places / added)
    chosen = _reaching(scores, least, rest, limit)
    exact = _exact(part, chosen, factors, shortness)
    kept = np.flatnonzero(exact >= least)
    kept = kept[np.lexsort((chosen[kept], -exact[kept]))][:limit]
    return [Candidate(float(exact[i]), part.segment, int(chosen[i])) for i in kept]


def _reaching(scores: Floats, least: float, rest: float, limit: int) -> Ordinals:
    """The places of scores that are among the best when `rest` is added at most."""
    floor = max((least - rest) * _SLACK, np.finfo(float).tiny)
    chosen = np.flatnonzero(scores >= floor)
    if len(chosen) > _FEW * limit:
        # Scores only grow, so the last of the best as they stand is a bound already.
        highest = scores[chosen]
        bound = float(np.partition(highest, -limit)[-limit])
        chosen = chosen[highest >= (bound - rest) * _SLACK]
    return chosen


def _exact(part: Postings, chosen: Ordinals, factors: Sequence[float], shortness: Floats) -> Floats:
    """The scores of these chunks, added up in the order of the words as the scan does."""
    scores = np.zeros(len(chosen))
    for word, (ordinals, places) in sorted(part.lists.items()):
        at = np.minimum(np.searchsorted(ordinals, chosen), len(ordinals) - 1)
        counts = np.where(ordinals.take(at) == chosen, places.take(at), 0.0)
        scores += factors[word] * counts * (K1 + 1) / (counts + shortness.take(chosen))
    return scores
