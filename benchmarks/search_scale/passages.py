"""Makes up passages: Zipf's law over their words, topics of documents, vectors around them.

Passages of a document share a topic, in words and in direction, so there are near-duplicates. The
same numbers are made at every run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

DIMENSION = 256
WORDS = 150
"""Of a passage, without stop words."""
VOCABULARY = 400_000
TOPICS, TOPIC_WORDS = 2_000, 200
_TOPIC_SHARE = 0.3
_EXPONENT = 1.05
_GROUPS_ASKED = 10
PASSAGES_OF_DOCUMENT = 20
AT_ONCE = 10_000
_SYLLABLES = [c + v for c in "bdfgklmnprstvz" for v in "aiou"]


@dataclass(frozen=True, slots=True)
class Passages:
    """A group of passages.

    Attributes:
        words: the number of each word, shape (passages, WORDS). documents: the number of each's
            document. vectors: of length one.
    """

    first: int
    words: NDArray[np.int64]
    documents: NDArray[np.int64]
    vectors: NDArray[np.float32]


def word(number: int) -> str:
    """The word of this rank: the rarer, the longer."""
    base, made = len(_SYLLABLES), ""
    number += 1
    while number:
        number, rest = divmod(number, base)
        made += _SYLLABLES[rest]
    return made + "x"  # no ending that stemming takes off


def passage_ids(first: int, count: int) -> NDArray[np.void]:
    """The ids of passages, 16 bytes each: spread like our own, and always the same."""
    numbers = np.arange(first, first + count, dtype=np.uint64)
    halves = np.stack([_mixed(numbers), _mixed(numbers + np.uint64(1 << 40))], axis=1)
    return halves.view("V16")[:, 0]


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """No two numbers become the same (splitmix64)."""
    mixed = (numbers + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def user_of(document: int, users: int) -> UUID:
    """Whose a document is."""
    return UUID(int=document % users + 1)


def groups(count: int, only: Collection[int] | None = None) -> Iterator[Passages]:
    """All passages, a group at a time.

    Args:
        only: the first numbers of the groups that are wanted; None: all of them.
    """
    shared = np.random.default_rng(1)
    # what topics there are: their words, among the less frequent, and their directions
    topic_words = shared.integers(200, VOCABULARY // 4, (TOPICS, TOPIC_WORDS))
    centers = shared.standard_normal((TOPICS, DIMENSION)).astype(np.float32)
    chances = np.arange(1, VOCABULARY + 1, dtype=np.float64) ** -_EXPONENT
    cumulated = np.cumsum(chances) / chances.sum()
    for first in range(0, count, AT_ONCE) if only is None else sorted(only):
        random = np.random.default_rng((7, first))
        size = min(AT_ONCE, count - first)
        documents = (first + np.arange(size)) // PASSAGES_OF_DOCUMENT
        topics = (documents * 7919) % TOPICS
        words = np.searchsorted(cumulated, random.random((size, WORDS)))
        picks = topic_words[topics[:, None], random.integers(0, TOPIC_WORDS, (size, WORDS))]
        words = np.where(random.random((size, WORDS)) < _TOPIC_SHARE, picks, words)
        yield Passages(first, words, documents, _vectors(random, centers[topics], documents))


def _vectors(
    random: np.random.Generator, centers: NDArray[np.float32], documents: NDArray[np.int64]
) -> NDArray[np.float32]:
    own = np.stack(
        [
            np.random.default_rng((3, int(document))).standard_normal(DIMENSION)
            for document in np.unique(documents)
        ]
    )
    places = np.unique(documents, return_inverse=True)[1]
    noise = random.standard_normal((len(documents), DIMENSION))
    made = centers + 0.8 * own[places] + 0.6 * noise
    return unit(made)


def unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """The vectors at length one."""
    units: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(
        np.float32
    )
    return units


@dataclass(frozen=True, slots=True)
class Asked:
    """A made-up question: words of one passage, their numbers, and a vector near it."""

    user: UUID
    numbers: tuple[int, ...]
    text: str
    vector: NDArray[np.float32]


def questions(count: int, passages: int, users: int, words: int = 6) -> list[Asked]:
    """Questions about passages drawn at random: their words in proportion, so frequent ones too.

    They are drawn from a few groups, so that to ask needs not all of them to be made.
    """
    random = np.random.default_rng(99)
    firsts = np.arange(0, passages, AT_ONCE)
    chosen = random.choice(firsts, min(_GROUPS_ASKED, len(firsts)), replace=False)
    asked = []
    for place, group in enumerate(groups(passages, chosen.tolist())):
        size = count // len(chosen) + (place < count % len(chosen))
        for row in random.choice(len(group.words), size, replace=False):
            picked = random.choice(group.words[row], words, replace=False)
            numbers = tuple(dict.fromkeys(picked.tolist()))
            text = " ".join(map(word, numbers))
            vector = unit(group.vectors[row] + 0.03 * random.standard_normal(DIMENSION))
            user = user_of(int(group.documents[row]), users)
            asked.append(Asked(user, numbers, text, vector))
    random.shuffle(asked)  # type: ignore[arg-type]
    return asked
