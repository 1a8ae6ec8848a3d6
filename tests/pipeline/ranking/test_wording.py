"""The wording of a passage beside a question: near words, one window, abbreviations and codes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clients.local.word_vectors import word_vectors
from pipeline.ranking.terms import weights
from pipeline.ranking.wording import NOTHING, Wording, wordings


def beside(question: str, *passages: str) -> list[Wording]:
    """The wording of passages."""
    return wordings(question, weights(question), passages, word_vectors())


def held(question: str, *passages: str) -> list[float]:
    """What each passage holds of a question."""
    return [each.held for each in beside(question, *passages)]


def test_a_near_word_is_nearly_held() -> None:
    """A dog is an animal and a car a vehicle; a policy is neither."""
    same, near, other = held(
        "Is my dog in the car covered?",
        "A dog in a car is covered.",
        "An animal in a vehicle is covered.",
        "The policy of the company is covered.",
    )
    assert same == pytest.approx(1)
    assert same > near > other + 0.2


def test_a_word_in_another_form_is_held() -> None:
    """By its term, whatever its vector."""
    question = "Is hail damage to the roof covered?"
    assert held(question, "The coverage of damages by hail on roofs.") == pytest.approx([1.0])


def test_a_mistyped_word_is_nearly_held() -> None:
    """Its parts are those of the right one."""
    right, mistyped = held("deductable", "The deductible is $500.", "The premium is due.")
    assert right > mistyped + 0.3


@pytest.mark.parametrize(
    ("question", "passage"),
    [
        ("What does PIP pay?", "Personal injury protection pays $10,000."),
        ("What does personal injury protection pay?", "PIP pays $10,000."),
        ("Is form HO3 an open-peril form?", "Form HO-3 is an open-peril form."),
    ],
)
def test_what_the_field_says_in_two_ways_is_held(question: str, passage: str) -> None:
    """An abbreviation by its long form, and the other way round; a form with a hyphen or none."""
    assert held(question, passage)[0] > 0.95


def test_words_far_apart_are_no_near_window() -> None:
    """The same words in one sentence, and strewn over a page."""
    words, filler = ["flood", "sewer", "basement"], "the insured shall notify us in writing " * 8
    question = "Is a flood from the sewer in my basement covered?"
    close, strewn = beside(
        question,
        f"{filler}A flood from the sewer in the basement is covered. {filler}",
        " ".join(f"{word} {filler}" for word in [*words, "covered"]),
    )
    assert close.held == pytest.approx(strewn.held)
    assert close.window > strewn.window + 0.1


def test_what_stands_after_the_nearest_window_changes_nothing() -> None:
    """A long passage says what its best sentence says."""
    sentence = "Water that backs up through a sewer is not covered by this policy. " * 3
    short, long = beside(
        "Does the policy cover sewer backup?", sentence, sentence + "Bees make honey. " * 200
    )
    assert long.window >= short.window


def test_nothing_is_held_of_nothing() -> None:
    """A question of stop words, an empty passage."""
    assert beside("What is it?", "A dog.") == [NOTHING]
    assert beside("Is a dog covered?", "", "A dog.")[0] == NOTHING
    assert beside("Is a dog covered?", "") == [NOTHING]


@given(st.text(max_size=60), st.lists(st.text(max_size=120), max_size=3))
def test_any_text_has_a_wording(question: str, passages: Sequence[str]) -> None:
    """Of any script and signs, within its bounds."""
    for each in beside(question, *passages):
        assert 0 <= each.held <= 1
        assert -1.001 <= each.window <= 1.001
        assert np.isfinite(each.window)
