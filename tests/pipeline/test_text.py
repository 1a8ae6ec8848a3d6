"""Text that Postgres, tokenizers and embedding APIs can all take, and what is counted in it."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text import (
    APART,
    REPLACEMENT,
    count_visible,
    count_words,
    fold,
    fold_in_place,
    normalize,
)

# Characters of every kind, lone surrogates and NUL included.
ANY_TEXT = st.text(st.characters(exclude_categories=[]))


@given(text=ANY_TEXT)
def test_normalizing_twice_changes_nothing(text: str) -> None:
    """What was normalized stays as it is, and nothing more is counted."""
    once = normalize(text)
    assert normalize(once.text) == (once.text, 0)


@given(text=ANY_TEXT)
def test_no_text_keeps_what_cannot_be_stored(text: str) -> None:
    """No NUL and no lone surrogate is left: the text encodes as UTF-8, in NFC, with plain ends."""
    clean, replaced = normalize(text)
    assert "\x00" not in clean
    assert clean.encode("utf-8").decode("utf-8") == clean
    assert unicodedata.is_normalized("NFC", clean)
    assert "\r" not in clean
    assert replaced == sum(c == "\x00" or "\ud800" <= c <= "\udfff" for c in text)


@given(text=st.text(st.characters(codec="ascii", exclude_characters="\x00\r")))
def test_plain_text_is_untouched(text: str) -> None:
    """ASCII with plain line ends comes back as it was."""
    assert normalize(text) == (text, 0)


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("a\x00b", (f"a{REPLACEMENT}b", 1)),
        ("\ud83d alone \udc00", (f"{REPLACEMENT} alone {REPLACEMENT}", 2)),
        ("\U0001f600", ("\U0001f600", 0)),
        ("e\u0301", ("\u00e9", 0)),
        ("one\r\ntwo\rthree\n", ("one\ntwo\nthree\n", 0)),
        (f"{REPLACEMENT}", (REPLACEMENT, 0)),
        ("", ("", 0)),
    ],
)
def test_examples(given_: str, expected: tuple[str, int]) -> None:
    """NUL, halves of pairs, accents and line ends, each as documented."""
    assert normalize(given_) == expected


@given(text=st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(" \t_.,-aé9²")))
def test_words_and_visible_characters_are_counted_as_python_tells_them(text: str) -> None:
    """By bytes, but as the regular expression and `str.split` would, beyond ASCII too."""
    assert count_words(text) == len(re.findall(r"[^\W_]+", text))
    assert count_visible(text) == sum(map(len, text.split()))


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("The \ufb01nancial bene\ufb01ts of the o\ufb03ce", "The financial benefits of the office"),
        ("de\u00adduct\u200bible\ufeff", "deductible"),
        ("non\u2011network, member\u2019s \u201ccover\u201d", 'non-network, member\'s "cover"'),
        ("\uff21\uff22\uff11", "AB1"),
        ("$250\u00b9", "$250 1 "),
        ("\u00b9Subject", " 1 Subject"),
        ("2\u00bd", "2 1/2 "),
        ("10\u00b9\u00b2", "10 12 "),
        ("CO\u2082", "CO2"),
        ("5\u00a0%", "5 %"),
    ],
)
def test_folding_examples(given_: str, expected: str) -> None:
    """Ligatures, soft hyphens, quotes, widths; a raised mark is never part of a number."""
    assert fold(given_) == expected


@given(text=ANY_TEXT.map(lambda text: normalize(text).text))
def test_folding_in_place_is_a_part_of_folding(text: str) -> None:
    """It keeps every offset, and folding goes on from it as from the text itself."""
    assert len(fold_in_place(text)) == len(text)
    assert fold(fold_in_place(text)) == fold(text)


def test_what_is_set_apart_is_what_unicode_calls_raised_circled_or_a_fraction() -> None:
    """Exactly the characters whose decomposition says so."""
    apart = re.compile(f"[{APART}]")
    kinds = ("<super>", "<circle>", "<fraction>")
    for character in map(chr, range(0x110000)):
        raised = unicodedata.decomposition(character).startswith(kinds)
        assert raised == bool(apart.match(character)), hex(ord(character))
