"""What the words of a text are: joined ones, stems by language, scripts without spaces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text import normalize
from pipeline.words import asked_words, chunk_words, lexemes_of


@pytest.mark.parametrize("word", ["accident", "illness", "illnesses", "accident/illness"])
def test_words_on_both_sides_of_a_slash(word: str) -> None:
    """Each is found, and the two together."""
    stored = lexemes_of("We pay for accident/illness claims.", "en")
    assert {each.lexeme for each in asked_words(word, ["en"])} <= stored


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("co-insurance", "coinsurance"),
        ("co\u2011insurance", "coinsurance"),
        ("e-mail", "email"),
        ("U.S.A.", "USA"),
        ("D&O", "d&o"),
        ("the insured's", "insured"),
        ("and/or", "and/or"),
    ],
)
def test_joined_words_meet_their_other_spelling(one: str, other: str) -> None:
    """A hyphen, dots or an apostrophe hide no word."""
    assert lexemes_of(one, "en") & lexemes_of(other, "en")


@pytest.mark.parametrize(
    ("language", "asked", "text"),
    [
        ("de", "Versicherung", "Versicherungen gegen Diebstahl"),
        ("fr", "assurance", "les assurances"),
        ("es", "póliza", "las pólizas"),
        ("it", "assicurazione", "dell'assicurazione, le assicurazioni"),
        ("ru", "страхование", "страхования"),
        ("en", "policy", "policies"),
        ("zh", "地震", "但不承保地震损失"),
        ("zh", "车辆被盗", "车辆被盗赔偿上限为五万元"),
        ("zh", "火", "本保险合同承保火灾损失"),
        ("ja", "保険", "火災保険の契約"),
        ("ko", "보험", "자동차보험은"),
        ("th", "ประกัน", "การประกันภัยรถยนต์"),
        ("hi", "बीमा", "यह बीमा है"),
        ("sw", "bima", "Bima ya afya"),
    ],
)
def test_a_word_is_found_in_its_language(language: str, asked: str, text: str) -> None:
    """By its stem, by pairs of characters, or, in a language without a stemmer, as it is."""
    wanted = {each.lexeme for each in asked_words(asked, [language])}
    assert wanted
    assert wanted <= lexemes_of(text, language)


def test_stop_words_are_no_words() -> None:
    """Those of the text's language, and no other's."""
    assert lexemes_of("It is what it is", "en") == frozenset()
    assert lexemes_of("die Haftung und der Schutz", "de") == {"haftung", "schutz"}
    assert "die" in lexemes_of("They die", "en")


def test_a_question_asks_in_each_language_of_the_reader() -> None:
    """Its own is uncertain; the same lexeme is asked for once."""
    found = [each.lexeme for each in asked_words("Versicherungen", ["en", "de", "sw"])]
    assert found == ["versicherungen", "versicher"]


def test_a_chunks_words_are_a_tsvector() -> None:
    """Headings are weighted A, context B; each lexeme has a place for each time it is there."""
    made = chunk_words(["Limits"], "Fees", "We pay $500, and $500 again.", "en")
    assert made == "'limit':1A 'fee':2B 'pay':3 '500':4,5"


def test_places_and_words_are_bounded() -> None:
    """Postgres takes no place beyond its last and no word of 2 kB."""
    made = chunk_words([], "", "hail " * 20_000 + "x" * 5_000, "en")
    assert "16384" not in made
    assert "x" * 101 not in made


def test_a_long_sentence_without_spaces_loses_nothing() -> None:
    """Each pair of its characters is found, wherever it is cut."""
    text = "".join(chr(0x4E00 + n) for n in range(350))
    pairs = {text[at : at + 2] for at in range(len(text) - 1)}
    assert pairs <= lexemes_of(text, "zh")


def test_a_word_that_is_there_twice_counts_twice() -> None:
    """Also within what no space divides."""
    assert "'hail':1,2" in chunk_words([], "", "hail,hail", "en")
    assert "'\u8eca\u8f1b':3,6" in chunk_words([], "", "\u8eca\u8f1b \u8eca\u8f1b", "zh")


@given(st.text(max_size=200), st.sampled_from(["", "en", "de", "zh", "hi", "xx"]))
def test_any_text_has_words_that_need_no_escape(text: str, language: str) -> None:
    """No lexeme holds a quote, a backslash or a space, nor is one empty."""
    for lexeme in lexemes_of(normalize(text).text, language):
        assert lexeme
        assert not set(lexeme) & set("'\\ \n\x00")


@given(st.text(max_size=80))
def test_a_text_finds_itself(text: str) -> None:
    """What a question asks for of a text's own words is in the text."""
    plain = normalize(text).text
    whole = {each.lexeme for each in asked_words(plain, ["en"]) if each.weight == 1}
    spaced = {each for each in whole if any(map(str.isdigit, each))}
    assert whole - spaced <= lexemes_of(plain, "en")
