"""Makes up passages: Zipf's law over their words, topics of documents, vectors around them.

Passages of a document share a topic, in words and in direction, so there are near-duplicates. The
same numbers are made at every run.
"""

from __future__ import annotations

from collections.abc import Iterator
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


def passage_id(number: int) -> UUID:
    """The id of a passage: spread like our own, and always the same."""
    mixed = np.random.SeedSequence(number).generate_state(2, np.uint64)
    return UUID(bytes=mixed.tobytes())


def user_of(document: int, users: int) -> UUID:
    """Whose a document is."""
    return UUID(int=document % users + 1)


def groups(count: int) -> Iterator[Passages]:
    """All passages, a group at a time."""
    shared = np.random.default_rng(1)
    # what topics there are: their words, among the less frequent, and their directions
    topic_words = shared.integers(200, VOCABULARY // 4, (TOPICS, TOPIC_WORDS))
    centers = shared.standard_normal((TOPICS, DIMENSION)).astype(np.float32)
    chances = np.arange(1, VOCABULARY + 1, dtype=np.float64) ** -_EXPONENT
    cumulated = np.cumsum(chances) / chances.sum()
    for first in range(0, count, AT_ONCE):
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
    """A made-up question: words of one passage, and a vector near it."""

    user: UUID
    text: str
    vector: NDArray[np.float32]


def questions(count: int, passages: int, users: int, words: int = 6) -> list[Asked]:
    """Questions about passages drawn at random: their words in proportion, so frequent ones too."""
    random = np.random.default_rng(99)
    wanted = np.sort(random.choice(passages, count, replace=False))
    asked = []
    for group in groups(passages):
        for number in wanted[(wanted >= group.first) & (wanted < group.first + AT_ONCE)]:
            row = int(number) - group.first
            picked = random.choice(group.words[row], words, replace=False)
            text = " ".join(word(int(each)) for each in picked)
            vector = unit(group.vectors[row] + 0.03 * random.standard_normal(DIMENSION))
            asked.append(Asked(user_of(int(group.documents[row]), users), text, vector))
    random.shuffle(asked)
    return asked
