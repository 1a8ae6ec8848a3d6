"""The words of a question, where they stand in a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.highlights import highlights, question_words
from pipeline.words import lexemes_of
from pipeline.words.highlighting import _made


def marked(question: str, text: str) -> list[str]:
    """The parts of a text that are marked."""
    return [text[start:end] for start, end in highlights(text, question_words(question))]


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        ("Is hail covered?", "Hail is cov\u00adered.", ["Hail", "cov\u00adered"]),
        ("benefits", "Bene\ufb01t, a bene\ufb01ts table", ["Bene\ufb01t", "bene\ufb01ts"]),
        ("a $1,500 deductible", "1500, $1,500.00, $15,000", ["1500", "1,500.00"]),
        ("exclusion of exclusions", "Exclusions:", ["Exclusions"]),
        ("what is the of", "what is the of", []),
        ("", "hail", []),
    ],
)
def test_words_of_the_question_are_found(question: str, text: str, expected: list[str]) -> None:
    """In other forms, in folded spelling and as other spellings of an amount; no stop words."""
    assert marked(question, text) == expected


@given(st.text(max_size=60), st.text(max_size=200))
def test_spans_are_in_order_and_within_the_text(question: str, text: str) -> None:
    """Whatever is asked of whatever text, the spans cut it without overlap."""
    end = 0
    for start, stop in highlights(text, question_words(question)):
        assert end <= start < stop <= len(text)
        end = stop


@given(
    st.text("abHOdeinstuvwkmXIC", min_size=1, max_size=45) | st.sampled_from(["percent", "CG"]),
    st.sampled_from(["", "en", "de", "fr", "zh", "xx"]),
)
def test_a_plain_word_is_found_by_the_lexemes_of_a_text(word: str, language: str) -> None:
    """What is cut short for a word of letters gives the lexemes of the text that it is."""
    assert _made(word, language) == lexemes_of(word, language)
