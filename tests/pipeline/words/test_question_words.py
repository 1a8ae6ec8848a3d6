"""A question's words: abbreviations, near words, weights."""

from __future__ import annotations

import pytest

from pipeline.words import NearWord, asked_words, chunk_words, lexemes_of, spans
from pipeline.words.near_words import may_be_mistyped, near_lexemes, nearest_spelling


def weights(question: str, *languages: str) -> dict[str, float]:
    """How much each lexeme of a question counts."""
    return {each.lexeme: each.weight for each in asked_words(question, languages or ["en"])}


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("PIP", "personal injury protection"),
        ("pip", "Personal Injury Protection"),
        ("ACV", "actual cash value"),
        ("OOP", "out of pocket"),
        ("PCP", "primary care physicians"),
        ("UIM", "underinsured motorists"),
        ("D&O", "directors and officers"),
        ("NCB", "no claim bonus"),
        ("PPO's", "preferred provider organization"),
    ],
)
def test_an_abbreviation_and_its_long_form_meet(short: str, long: str) -> None:
    """A question with either asks for a lexeme of the other, which counts less than its own."""
    own, others = lexemes_of(short, "en"), lexemes_of(long, "en")
    asked = weights(short)
    assert others <= asked.keys()
    assert max(asked[each] for each in others) < max(asked[each] for each in own & asked.keys())
    back = weights(long)
    assert any(0 < back.get(each, 0) < 1 for each in own)


def test_a_long_form_counts_less_than_the_abbreviation() -> None:
    """All its words together, so that an exact hit stays first."""
    asked = weights("PIP")
    assert asked.pop("pip") == 1
    assert 0 < sum(asked.values()) < 1


def test_an_ordinary_word_is_no_abbreviation() -> None:
    """False friends mean the abbreviation in capitals alone."""
    assert "uninsur" not in weights("etwas um die Ecke", "de", "en")
    assert "uninsur" in weights("UM limits")
    assert "addit" not in weights("a pint of ale")
    assert "um" not in weights("uninsured motorists")


def test_a_near_word_counts_less_than_what_was_typed() -> None:
    """It is added; the word that was typed stays."""
    near = [NearWord("polcy", "policy", ("polici",))]
    asked = {each.lexeme: each.weight for each in asked_words("my polcy", ["en"], near)}
    assert 0 < asked["polici"] < asked["polci"] == 1


def test_short_words_and_numbers_are_not_taken_for_mistyped() -> None:
    """Too many others are near them."""
    assert may_be_mistyped("the hail on HO-3 form 12345 and polcy", ["en"]).keys() == {"polcy"}


def test_only_what_is_spelled_nearly_alike_is_near() -> None:
    """A near stem of another word is none: `house` is not `hours`."""
    assert near_lexemes({"hous"}, ["hour"], 1) == ["hour"]
    assert nearest_spelling("house", "hour", "Within two hours.", "en") is None
    assert nearest_spelling("houurs", "hour", "Within two hours.", "en") == "hours"


@pytest.mark.parametrize(
    ("question", "text", "marked"),
    [
        ("covered", "It covers hail, not covering wind.", ["covers", "covering"]),
        ("$1,500", "You pay $1,500.00 or 1500.", ["1,500.00", "1500"]),
        ("HO 3", "Form HO\u20113.", ["HO\u20113"]),
        ("benefits", "The bene\u00adfits of o\ufb03ces.", ["bene\u00adfits"]),
        ("offices", "The bene\u00adfits of o\ufb03ces.", ["o\ufb03ces"]),
        ("\u5730\u9707", "\u4e0d\u627f\u4fdd\u5730\u9707\u635f\u5931", ["\u5730\u9707"]),
        ("the", "the end", []),
    ],
)
def test_what_is_marked_is_what_was_found(question: str, text: str, marked: list[str]) -> None:
    """By the same rule, in the text as it stands."""
    lexemes = {each.lexeme for each in asked_words(question, ["en", "zh"])}
    lexemes.discard("the")
    assert [text[start:end] for start, end in spans(text, lexemes, "en")] == marked


def test_stop_words_of_the_questions_language_are_none_in_another() -> None:
    """Where several tell the language, they are not looked for in other documents either."""
    assert weights("what is the loss", "en", "it").keys() == {"loss"}
    assert weights("war exclusion", "en", "de")["war"] == 1


def test_an_english_chunk_of_a_foreign_document_has_english_words() -> None:
    """It is told by its smallest words, so that its words are as rare as those of its like."""
    text = "The policies of the insured are listed for the members of the family and to others."
    assert "'polici'" in chunk_words([], "", text, "it")
    assert "'polizz'" in chunk_words([], "", "le polizze della famiglia", "it")
