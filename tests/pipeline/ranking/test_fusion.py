"""Fused rankings: what weighs how much, and what never changes an order."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ranking.fusion import LARGE, STATIC, TRANSFORMER, UNKNOWN, fusion_of


@dataclass(frozen=True)
class Scored:
    chunk_id: UUID
    score: float


def ranking(**scores: float) -> list[Scored]:
    """Passages by a letter, best first."""
    found = [Scored(chunk(letter), score) for letter, score in scores.items()]
    return sorted(found, key=lambda each: -each.score)


def chunk(letter: str) -> UUID:
    return UUID(int=ord(letter))


SCORES = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0.01, 1), max_size=8)


def test_first_in_both_is_one() -> None:
    """The best of both rankings scores 1, what one ranking lacks scores less."""
    scores = STATIC.scores(ranking(a=0.8, b=0.3), ranking(a=9.0, c=8.0))
    assert scores[chunk("a")] == pytest.approx(1)
    assert scores[chunk("a")] > scores[chunk("c")] > scores[chunk("b")] >= 0


def test_the_middle_of_both_does_not_beat_the_first_of_one() -> None:
    """A passage far behind in both rankings stays behind one that words find by far best."""
    vectors = ranking(x=0.60, m=0.40, a=0.20)
    words = ranking(a=20.0, m=5.0, y=4.0)
    scores = STATIC.scores(vectors, words)
    assert max(scores, key=scores.__getitem__) == chunk("a")


@given(SCORES, SCORES)
def test_scores_lie_between_zero_and_one(
    vectors: dict[str, float], words: dict[str, float]
) -> None:
    """Whatever was found, also by one ranking alone or with equal scores."""
    scores = STATIC.scores(ranking(**vectors), ranking(**words))
    assert scores.keys() == {chunk(letter) for letter in {*vectors, *words}}
    assert all(0 <= score <= 1 + 1e-9 for score in scores.values())


@given(SCORES)
def test_one_ranking_keeps_its_order(words: dict[str, float]) -> None:
    """A better score is never fused to a lower one."""
    scores = STATIC.scores([], ranking(**words))
    ordered = [scores[each.chunk_id] for each in ranking(**words)]
    assert ordered == sorted(ordered, reverse=True)


@pytest.mark.parametrize(
    ("provider", "fusion"),
    [("local", STATIC), ("onnx", TRANSFORMER), ("openai", LARGE), ("acme", UNKNOWN)],
)
def test_each_space_has_its_fusion(provider: str, fusion: object) -> None:
    """The weaker the vectors, the more words weigh; an unknown space has a middle one."""
    assert fusion_of(provider) is fusion
    assert STATIC.words > TRANSFORMER.words >= LARGE.words
    assert LARGE.words <= UNKNOWN.words <= STATIC.words


def test_words_that_two_passages_share_leave_them_close() -> None:
    """The last of few candidates is not scaled to nothing when it is nearly as good."""
    scores = STATIC.scores([], ranking(a=5.2, b=5.0))
    assert scores[chunk("b")] > 0.9 * scores[chunk("a")]
