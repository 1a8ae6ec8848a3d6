"""Calibrated relevance: bounded, monotone, and of nothing but the question and its passages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.local.word_vectors import word_vectors
from pipeline.ranking.calibration import Calibration, calibration_of
from pipeline.ranking.relevance import Evidence, in_order, relevance
from pipeline.ranking.terms import weights
from pipeline.ranking.wording import WordVectors

MODES = ("hybrid", "vector", "text")
DATA = json.loads((files("pipeline.ranking") / "calibration.json").read_text("utf-8"))
ASKED = "Is hail damage to the roof covered?"


@dataclass(frozen=True)
class Passage:
    text: str
    similarity: float | None = 0.3
    vector_rank: int | None = 1
    text_rank: int | None = 1
    heading_path: Sequence[str] = ()
    context: str = ""


@dataclass(frozen=True)
class Scored:
    chunk_id: UUID
    score: float


def evidence(near: Sequence[float] = (0.3,), worded: Sequence[float] = (5.0,)) -> Evidence:
    """Two rankings of the same passages."""
    return Evidence.of(
        [Scored(UUID(int=n), score) for n, score in enumerate(near)],
        [Scored(UUID(int=n), score) for n, score in enumerate(worded)],
    )


def judged(passage: Passage, found: Evidence, calibration: Calibration) -> tuple[float, float]:
    """The relevance of the answer and of its passage."""
    result = relevance(ASKED, [passage], found, calibration, vectors_for(calibration))
    return result.answer, result.passages[0]


def vectors_for(calibration: Calibration) -> WordVectors | None:
    """Those that a calibration needs."""
    return word_vectors() if calibration.wording else None


def every_calibration() -> list[Calibration]:
    """Of each space and mode, and of words without word vectors."""
    found = [calibration_of(space, mode) for space in ("local", "onnx", "x") for mode in MODES]
    return [*found, calibration_of("local", "hybrid", wording=False)]


def test_known_signs_are_kept() -> None:
    """No coefficient but that of the length is below zero: that is what monotone means here."""
    fits = [
        DATA["text"],
        DATA["words"],
        *(fit for space in DATA["spaces"].values() for fit in space.values()),
    ]
    for fit in fits:
        for model in (fit["answer"], fit["passage"]):
            for name, coefficient in model["coefficients"].items():
                assert name == "length" or coefficient >= 0, name


@given(st.floats(-1, 1), st.floats(0, 1))
def test_nearer_is_never_less_relevant(near: float, more: float) -> None:
    """The same passage, nearer to the question; whatever the space."""
    nearer = min(1.0, near + more)
    for calibration in every_calibration():
        before = judged(Passage("hail", near), evidence([near, 0.1]), calibration)
        after = judged(Passage("hail", nearer), evidence([nearer, 0.1]), calibration)
        assert all(0 <= a <= b + 1e-12 <= 1 + 1e-9 for a, b in zip(before, after, strict=True))


@given(st.sets(st.sampled_from(["hail", "damage", "roof", "covered"])))
def test_more_of_the_question_is_never_less_relevant(held: set[str]) -> None:
    """A passage that holds more of the question's words, in every mode."""
    for calibration in every_calibration():
        less = judged(Passage(" ".join(sorted(held))), evidence(), calibration)
        more = judged(Passage(" ".join(sorted({*held, "hail"}))), evidence(), calibration)
        assert all(a <= b + 1e-12 for a, b in zip(less, more, strict=True))


@given(st.integers(0, 5_000), st.integers(0, 5_000))
def test_more_looked_through_is_never_more_relevant(some: int, more: int) -> None:
    """Among many passages the nearest is near by chance; in every mode."""
    for calibration in every_calibration():
        few = judged(Passage("hail"), replace(evidence(), scope=some), calibration)
        many = judged(Passage("hail"), replace(evidence(), scope=some + more), calibration)
        assert all(a >= b - 1e-12 for a, b in zip(few, many, strict=True))


def test_the_size_of_what_was_looked_through_counts() -> None:
    """The same passage says less among thousands; what was not fitted on is no other."""
    calibration = calibration_of("local", "hybrid")
    one, small, large, more = (
        judged(Passage("hail damage"), replace(evidence(), scope=scope), calibration)[0]
        for scope in (1, 30, 1_000, 5_000)
    )
    assert one == small > large == more


def test_nothing_found_is_not_relevant() -> None:
    """Without passages the answer's relevance is 0."""
    for calibration in every_calibration():
        assert relevance(ASKED, [], Evidence(), calibration, word_vectors()).answer == 0


def test_headings_and_context_are_what_a_passage_says() -> None:
    """A word of the question may stand in the heading above it, or in its table's caption."""
    calibration = calibration_of("local", "hybrid")
    bare = Passage("We pay for it.")
    for held in (replace(bare, heading_path=["Hail"]), replace(bare, context="Hail")):
        assert judged(held, evidence(), calibration) > judged(bare, evidence(), calibration)


def test_words_in_another_form_count() -> None:
    """Covers, covered and coverage are one term; so are damage and damages."""
    calibration = calibration_of("local", "hybrid", wording=False)
    other = judged(Passage("The coverage of damages by hail on roofs."), evidence(), calibration)
    same = judged(Passage("covered damage hail roof"), evidence(), calibration)
    assert other == pytest.approx(same)


def test_stop_words_ask_nothing() -> None:
    """A rare word weighs more than a common one, and words of every question weigh nothing."""
    found = weights("What is the capital of France, and how do I insure a crown?")
    assert set(found) == {"capital", "franc", "insur", "crown"}
    assert found["insur"] > found["capital"]


def test_a_corpus_of_one_passage_is_judged_as_others_are() -> None:
    """One passage has nothing to stand out from, and is no answer or a sure one for it."""
    calibration = calibration_of("local", "hybrid")
    right = judged(
        Passage("Hail damage to the roof is covered.", 0.6), evidence([0.6]), calibration
    )
    wrong = judged(Passage("Cats and dogs.", 0.05, 1, None), evidence([0.05], []), calibration)
    assert right[0] > calibration.threshold > wrong[0]


@given(st.text(max_size=400), st.text(max_size=400))
def test_any_text_is_judged(question: str, text: str) -> None:
    """Empty, of signs, of any script."""
    for calibration in every_calibration():
        vectors = vectors_for(calibration)
        found = relevance(question, [Passage(text)], evidence(), calibration, vectors)
        assert 0 <= found.answer <= 1
        assert 0 <= found.passages[0] <= 1


def test_similarities_of_an_unknown_space_say_nothing() -> None:
    """What a model's cosines mean is not known before it was fitted: its words are judged."""
    calibration = calibration_of("openai", "hybrid")
    near, far = (
        judged(Passage("Hail on the roof.", each), evidence([each, 0.1]), calibration)
        for each in (0.9, 0.2)
    )
    assert near == far


@given(st.lists(st.floats(0, 1), max_size=30))
def test_no_passage_is_more_relevant_than_one_before_it(found: list[float]) -> None:
    """In their order; what was in order stays, and the first ten depend on nothing behind them."""
    ordered = in_order(found)
    assert len(ordered) == len(found)
    assert all(a >= b - 1e-12 for a, b in pairwise(ordered))
    assert sum(ordered[:10]) == pytest.approx(sum(found[:10]))
    assert ordered[:10] == in_order(found[:10])
    falling = sorted(found, reverse=True)
    assert in_order(falling) == falling


def test_passages_in_the_wrong_order_share_their_relevance() -> None:
    """A passage that is more relevant than the one before it tells something of both."""
    assert in_order([0.9, 0.2, 0.6, 0.1]) == pytest.approx([0.9, 0.4, 0.4, 0.1])
