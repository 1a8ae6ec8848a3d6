"""Every spelling of an amount has one value, in the way of writing of its language."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.words import asked_words, lexemes_of

FIFTEEN_HUNDRED = ["$1,500", "1500", "$1,500.00", "$1.5k", "USD 1,500", "1.500,00 €", "1'500"]


@pytest.mark.parametrize("spelling", FIFTEEN_HUNDRED)
def test_spellings_of_an_amount_meet(spelling: str) -> None:
    """A text with any of them has the value that a question with any other asks for."""
    assert "1500" in lexemes_of(f"You pay {spelling} then.", "en")
    assert [each.lexeme for each in asked_words(spelling, ["en"]) if each.lexeme == "1500"]


@pytest.mark.parametrize(
    ("text", "language", "value"),
    [
        ("1.500 €", "de", "1500"),
        ("1.500", "en", "1.5"),
        ("12,5", "de", "12.5"),
        ("1,500", "de", "1.5"),
        ("€ 1 500", "fr", "1500"),
        ("1 500,50 €", "fr", "1500.5"),
        ("1\u202f500 €", "fr", "1500"),
        ("Rs. 5,00,000", "en", "500000"),
        ("2 lakh", "en", "200000"),
        ("$1.5 million", "en", "1500000"),
        ("1,5 Millionen", "de", "1500000"),
        ("$2M", "en", "2000000"),
        ("$3bn", "en", "3000000000"),
        ("0.50", "en", "0.5"),
        ("12.5%", "en", "12.5%"),
        ("12.5 %", "en", "12.5%"),
        ("12,5 Prozent", "de", "12.5%"),
        ("12.50 percent", "en", "12.5%"),
    ],
)
def test_a_value_by_its_language(text: str, language: str, value: str) -> None:
    """What separates thousands and decimals is the language's, unless the number tells."""
    assert value in lexemes_of(text, language)


@pytest.mark.parametrize(
    ("text", "absent"),
    [
        ("$1,000,000", {"1", "000", "1000"}),
        ("12.05.2024", {"12052024", "12.05"}),
        ("4.2.1", {"421", "4.2"}),
        ("5 m long", {"5000000"}),
        ("401(k)", {"401000"}),
        ("the years 150 500 were", {"150500"}),
    ],
)
def test_no_other_amount_is_made(text: str, absent: set[str]) -> None:
    """No part of an amount is an amount; dates, clauses and lengths are none."""
    assert not lexemes_of(text, "en") & absent


@given(st.integers(1, 10**12), st.sampled_from(["en", "de"]))
def test_groups_and_decimals_change_no_value(number: int, language: str) -> None:
    """However an amount is grouped, and with cents of zero or without, its value is the same."""
    grouped = f"{number:,}.00"
    if language == "de":
        grouped = grouped.translate(str.maketrans(",.", ".,"))
    assert lexemes_of(grouped, language) == {str(number)}
