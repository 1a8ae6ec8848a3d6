"""Text that Postgres, tokenizers and embedding APIs can all take, and what is counted in it."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text import REPLACEMENT, count_visible, count_words, normalise

# Characters of every kind, lone surrogates and NUL included.
ANY_TEXT = st.text(st.characters(exclude_categories=[]))


@given(text=ANY_TEXT)
def test_normalising_twice_changes_nothing(text: str) -> None:
    """What was normalised stays as it is, and nothing more is counted."""
    once = normalise(text)
    assert normalise(once.text) == (once.text, 0)


@given(text=ANY_TEXT)
def test_no_text_keeps_what_cannot_be_stored(text: str) -> None:
    """No NUL and no lone surrogate is left: the text encodes as UTF-8, in NFC, with plain ends."""
    clean, replaced = normalise(text)
    assert "\x00" not in clean
    assert clean.encode("utf-8").decode("utf-8") == clean
    assert unicodedata.is_normalized("NFC", clean)
    assert "\r" not in clean
    assert replaced == sum(c == "\x00" or "\ud800" <= c <= "\udfff" for c in text)


@given(text=st.text(st.characters(codec="ascii", exclude_characters="\x00\r")))
def test_plain_text_is_untouched(text: str) -> None:
    """ASCII with plain line ends comes back as it was."""
    assert normalise(text) == (text, 0)


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
    assert normalise(given_) == expected


@given(text=st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(" \t_.,-aé9²")))
def test_words_and_visible_characters_are_counted_as_python_tells_them(text: str) -> None:
    """By bytes, but as the regular expression and `str.split` would, beyond ASCII too."""
    assert count_words(text) == len(re.findall(r"[^\W_]+", text))
    assert count_visible(text) == sum(map(len, text.split()))
