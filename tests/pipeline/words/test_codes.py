"""Codes of forms, procedures and clauses are found whole, in each of their spellings."""

from __future__ import annotations

import pytest

from pipeline.words import asked_words, lexemes_of

SAME = [
    ("HO-3", "HO 3", "HO\u20113", "HO3"),
    ("CG 00 01", "CG0001", "CG 0001", "CG-00-01"),
    ("CG 00 01 04 13", "CG 0001 0413"),
    ("\u00a7 12(a)", "Section 12(a)", "12(a)"),
    ("12(a)(1)", "Section 12(a)(1)"),
    ("401(k)", "401k"),
    ("E11.9", "E119", "e11.9"),
    ("D2740", "d2740"),
    ("99213", "99213"),
    ("J1885", "j1885"),
]


@pytest.mark.parametrize("spellings", SAME, ids=str)
def test_each_spelling_finds_each_other(spellings: tuple[str, ...]) -> None:
    """A text with one has a telling lexeme that a question with any other asks for."""
    for text in spellings:
        stored = lexemes_of(f"Form {text} applies.", "en")
        for question in spellings:
            whole = {each.lexeme for each in asked_words(question, ["en"]) if each.weight == 1}
            assert whole & stored - {"section"}, (question, text)


def test_a_form_is_found_without_its_edition() -> None:
    """CG 00 01 is asked for, CG 00 01 04 13 is found by more than its parts; CG 00 02 is not."""
    [asked] = [each.lexeme for each in asked_words("cg0001", ["en"])]
    assert asked in lexemes_of("Form CG 00 01 04 13", "en")
    assert asked not in lexemes_of("Form CG 00 02 04 13", "en")


def test_the_whole_counts_more_than_its_parts() -> None:
    """Of HO-3 the form is what is asked for, not every 3."""
    weights = {each.lexeme: each.weight for each in asked_words("HO-3", ["en"])}
    assert weights["ho3"] > weights["3"]


def test_small_letters_are_a_code_in_a_question_alone() -> None:
    """People type `ho 3`; in a text small letters before a number are words."""
    assert "ho3" in {each.lexeme for each in asked_words("ho 3", ["en"])}
    assert "in5" not in {each.lexeme for each in asked_words("in 5 days", ["en"])}
    assert "year2" not in lexemes_of("In year 2", "en")
