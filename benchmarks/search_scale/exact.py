"""Works out the exact ten best of every question from the made-up passages, without Postgres.

BM25 over all passages of the user, and cosine similarity with all their vectors: another program
than the one that is measured, so that both can be wrong only separately.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.search_scale.passages import (
    PASSAGES_OF_DOCUMENT,
    VOCABULARY,
    Asked,
    Passages,
    groups,
    passage_ids,
)

TOP = 10
_K1, _B = 1.2, 0.75
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Counted:
    """How often the questions' words are in passages, and how many different words each has."""

    words: NDArray[np.int16]
    passages: NDArray[np.int32]
    places: NDArray[np.uint8]
    lengths: NDArray[np.int16]


def exact_answers(asked: Sequence[Asked], passages: int, users: int) -> dict[str, list[Any]]:
    """For each question the ids of its ten best by words, and by vector, in hexadecimal."""
    wanted = np.unique([number for each in asked for number in each.numbers])
    place = np.full(VOCABULARY, -1, np.int16)
    place[wanted] = np.arange(len(wanted))
    vectors = np.stack([each.vector for each in asked])
    owners = np.array([each.user.int - 1 for each in asked])
    nearest = _Nearest(vectors, owners, users)
    counted: list[_Counted] = []
    for group in groups(passages):
        counted.append(_count(group, place, len(wanted)))
        nearest.add(group)
    ids = passage_ids(0, passages)
    by_words = _ByWords(counted, len(wanted), passages, users, ids)
    return {
        "words": [by_words.best(place[list(each.numbers)], each.user.int - 1) for each in asked],
        "vectors": [[ids[number].tobytes().hex() for number in row] for row in nearest.numbers],
    }


def _count(group: Passages, place: NDArray[np.int16], words: int) -> _Counted:
    found = place[group.words]
    rows, columns = np.nonzero(found >= 0)
    keys, places = np.unique(rows * words + found[rows, columns], return_counts=True)
    different = 1 + np.count_nonzero(np.diff(np.sort(group.words, axis=1), axis=1), axis=1)
    return _Counted(
        (keys % words).astype(np.int16),
        (group.first + keys // words).astype(np.int32),
        places.astype(np.uint8),
        different.astype(np.int16),
    )


class _ByWords:
    def __init__(
        self,
        counted: Sequence[_Counted],
        words: int,
        passages: int,
        users: int,
        ids: NDArray[np.void],
    ) -> None:
        numbers = np.concatenate([each.words for each in counted])
        order = np.argsort(numbers, kind="stable")
        self._starts = np.searchsorted(numbers[order], np.arange(words + 1))
        self._passages = np.concatenate([each.passages for each in counted])[order]
        self._places = np.concatenate([each.places for each in counted])[order]
        self._lengths = np.concatenate([each.lengths for each in counted]).astype(np.float64)
        self._users, self._ids = users, ids
        documents = np.arange(passages) // PASSAGES_OF_DOCUMENT
        self._sizes = np.bincount(documents % users, minlength=users)

    def best(self, words: NDArray[np.int16], owner: int) -> list[str]:
        lists = [self._list(int(word), owner) for word in words]
        having = np.unique(np.concatenate([passages for passages, _ in lists]))
        mean, size = self._lengths[having].mean(), self._sizes[owner]
        scores = np.zeros(len(self._lengths))
        for passages, places in lists:
            rarity = np.log(1 + (size - len(passages) + 0.5) / (len(passages) + 0.5))
            shortness = _K1 * (1 - _B + _B * self._lengths[passages] / mean)
            scores[passages] += rarity * places * (_K1 + 1) / (places + shortness)
        last = np.sort(scores[having])[-TOP:][0]
        chosen = having[scores[having] >= last]
        names = [self._ids[number].tobytes() for number in chosen]
        best = sorted(zip(-scores[chosen], names, strict=True))[:TOP]
        return [name.hex() for _, name in best]

    def _list(self, word: int, owner: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        here = slice(self._starts[word], self._starts[word + 1])
        passages, places = self._passages[here], self._places[here]
        if self._users > 1:
            own = passages // PASSAGES_OF_DOCUMENT % self._users == owner
            passages, places = passages[own], places[own]
        return passages, places.astype(np.float64)


class _Nearest:
    """The ten nearest passages of each question, over the groups that were added."""

    def __init__(self, vectors: NDArray[np.float32], owners: Numbers, users: int) -> None:
        self._vectors, self._owners, self._users = vectors, owners, users
        self.numbers = np.zeros((len(vectors), TOP), np.int64)
        self._similarities = np.full((len(vectors), TOP), -2, np.float32)

    def add(self, group: Passages) -> None:
        found = self._vectors @ group.vectors.T
        if self._users > 1:
            found[self._owners[:, None] != (group.documents % self._users)[None, :]] = -2
        numbers = np.broadcast_to(group.first + np.arange(len(group.words)), found.shape)
        together = np.concatenate([self._similarities, found], axis=1)
        numbers = np.concatenate([self.numbers, numbers], axis=1)
        best = np.argpartition(-together, TOP, axis=1)[:, :TOP]
        self._similarities = np.take_along_axis(together, best, axis=1)
        self.numbers = np.take_along_axis(numbers, best, axis=1)
