"""Cuts a text into its words, and each word into lexemes: what search compares.

A word is what stands between spaces and signs; those that join (``accident/illness``, ``HO-3``,
``12(a)``, ``d&o``) are found whole and by their parts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import NamedTuple

from pipeline.text import fold
from pipeline.words import codes, scripts
from pipeline.words.amounts import NUMBER, SIZES, multiplied, value
from pipeline.words.languages import known, stem, stop_words

_LETTER = r"[^\W_]"
_JOINED = "{letter}++(?:[-/.,'&]{letter}++)*+(?:\\({letter}{{1,4}}+\\))*+%?"
_PART = r"[0-9]++(?:[.,'][0-9]++)++(?!{letter})|{letter}++"
_SIZED = re.compile(rf"\A({NUMBER.pattern})(k)\Z")
# A longer word is none that anybody asks for; Postgres refuses lexemes beyond 2 kB.
_MOST_CHARACTERS = 100
_MOST_WHOLE = 3
_GROUP = 3
_MARKS_BETWEEN = (0x300, 0x11000)

_CURRENCY = r"[$€£¥₹]|\b(?:USD|EUR|GBP|CHF|CAD|AUD|INR|Rs\.?)"
_SIZE = "|".join(sorted((each for each in SIZES if len(each) > 2), key=len, reverse=True))
_PERCENT = r"%|(?:percent|per\ cent|pct|prozent|pour\ cent|por\ ciento|per\ cento|por\ cento)\b"
# What begins with a class of characters is looked for quickly; that it begins a number is asked
# afterwards.
_NUMBER = r"(?P<number>[0-9](?<![\w.,'].)[0-9]*+(?:[.,'][0-9]++)*+)"
_BESIDE = re.compile(
    rf"""{_NUMBER}
         (?: \ ?(?P<share>{_PERCENT}) | \ ?(?P<size>{_SIZE})\b
         | (?P<spaced>(?:\ [0-9]{{3}}(?![0-9]))++)(?P<cents>,[0-9]{{1,2}}(?![0-9]))?+
           (?P<behind>\ ?(?:{_CURRENCY}|kr|zł|Kč|Ft))?+ )""",
    re.VERBOSE | re.IGNORECASE,
)
_SHORT_SIZE = re.compile(rf"{_NUMBER}\ ?(?P<size>k|mm|mn|m|bn|b)\b", re.IGNORECASE)
_CURRENCY_BEFORE = re.compile(rf"(?:{_CURRENCY})\ ?\Z", re.IGNORECASE)


class Lexeme(NamedTuple):
    """What a word is found by, and how much of the word it is, 0 to 1."""

    text: str
    share: float = 1.0


@cache
def _patterns(*, ascii_only: bool) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Find words, and the parts of a word."""
    letter = _LETTER if ascii_only else letters_with_marks()
    return re.compile(_JOINED.format(letter=letter)), re.compile(_PART.format(letter=letter))


def letters_with_marks() -> str:
    """A character class: letters, digits, and the marks that vowels of many scripts are."""
    found: list[list[int]] = []
    for code in range(*_MARKS_BETWEEN):
        if unicodedata.category(chr(code))[0] != "M":
            continue
        if found and found[-1][1] == code - 1:
            found[-1][1] = code
        else:
            found.append([code, code])
    marks = "".join(f"{chr(first)}-{chr(last)}" for first, last in found)
    return rf"(?:[^\W_]|[{marks}])"


def words_of(
    text: str, language: str, *, asked: bool = False
) -> Iterator[tuple[str, tuple[Lexeme, ...]]]:
    """The words of a text in order, each as it stands and with its lexemes, none for a stop word.

    After them come the lexemes of several words together: spaced codes, ``1.5 million``, ``12 %``.

    Args:
        language: ISO 639-1, empty when unknown. asked: the text is a question.
    """
    language, text = known(language), unified(text)
    for word in cut(text):
        yield word, lexemes(word, language, asked)
    for whole in together(text, language, asked=asked):
        yield whole, (Lexeme(whole),)


def unified(text: str) -> str:
    """A text as words are cut from it: folded, the sign for a section as the word."""
    return fold(text).replace("\u00a7", " section ")


def cut(text: str) -> list[str]:
    """The words of a unified text, as they stand."""
    words, _ = _patterns(ascii_only=text.isascii())
    found = words.findall(text)
    if max(map(len, found), default=0) > _MOST_CHARACTERS:
        return [part for word in found for part in _bounded(word)]
    return found


def _bounded(word: str) -> Iterator[str]:
    """The beginning of a long word; a sentence without spaces in parts that share a character."""
    end = len(word) - 1 if scripts.is_unspaced(word) else 1
    for start in range(0, end, _MOST_CHARACTERS - 1):
        yield word[start : start + _MOST_CHARACTERS]


def together(text: str, language: str, *, asked: bool = False) -> Iterator[str]:
    """The lexemes of several words together in a unified text."""
    for found in _BESIDE.finditer(text):
        if made := _beside(found, language):
            yield made
    for found in _SHORT_SIZE.finditer(text):
        before = text[max(found.start() - 4, 0) : found.start()]
        if _CURRENCY_BEFORE.search(before) and (
            made := multiplied(found["number"], found["size"], language)
        ):
            yield made
    nothing = stop_words(language) if asked else frozenset()
    for code in codes.spaced(text, as_typed=asked):
        if code.rstrip("0123456789") not in nothing:
            yield code


def _beside(found: re.Match[str], language: str) -> str | None:
    number = found["number"]
    if found["size"]:
        return multiplied(number, found["size"], language)
    if found["share"]:
        # without a space it is a word by itself
        plain = value(number, language) if found[0][-1] != "%" or " " in found[0] else None
        return f"{plain}%" if plain else None
    before = found.string[max(found.start() - 4, 0) : found.start()]
    is_money = found["cents"] or found["behind"] or _CURRENCY_BEFORE.search(before)
    if not is_money or not number.isdigit() or len(number) > _GROUP:
        return None
    return value(f"{number}{found['spaced'].replace(' ', '')}{found['cents'] or ''}", "fr")


@lru_cache(maxsize=50_000)
def lexemes(word: str, language: str, asked: bool) -> tuple[Lexeme, ...]:
    """What a word is found by.

    Args:
        word: as `words_of` finds it, folded. language: ISO 639-1.
    """
    word = word.lower()
    if word.isalpha():
        return tuple(map(Lexeme, _simple(word, language, asked)))
    if (amount := _amount(word, language)) is not None:
        return amount
    _, parts = _patterns(ascii_only=word.isascii())
    found = parts.findall(word)
    whole = list(dict.fromkeys(_whole(word, found, language)))
    if len(found) == 1 and not whole:
        return tuple(map(Lexeme, _simple(found[0], language, asked)))
    is_code = any(character.isdigit() for each in whole for character in each)
    if whole and all(len(part) == 1 for part in found) and not is_code:  # U.S.A., d&o, n/a
        return (Lexeme(whole[0]),)
    made = [Lexeme(each) for each in whole]
    for part in found:
        plain = value(part, language) if NUMBER.fullmatch(part) else None
        simple = [plain] if plain else _simple(part, language, asked)
        share = 0.5 if is_code else 1.0
        made += [Lexeme(each, share) for each in simple if each not in whole]
    return tuple(made)


def _simple(word: str, language: str, asked: bool) -> list[str]:
    """The lexemes of a word without signs in it."""
    if not word.isascii() and scripts.is_unspaced(word):
        runs, others = scripts.cut(word)
        found = [gram for run in runs for gram in scripts.grams(run, asked=asked)]
        return [*found, *others]
    if word in stop_words(language):
        return []
    return [stem(word, language) if not _has_digit(word) else word]


def _has_digit(word: str) -> bool:
    return not word.isalpha() and any(map(str.isdigit, word))


def _amount(word: str, language: str) -> tuple[Lexeme, ...] | None:
    number = word.removesuffix("%")
    if (sized := _SIZED.match(number)) is not None:
        made = multiplied(sized[1], sized[2], language)
        return (Lexeme(number), Lexeme(made)) if made else None
    if NUMBER.fullmatch(number) is None or (plain := value(number, language)) is None:
        return None
    if number != word:
        return Lexeme(f"{plain}%"), Lexeme(plain, 0.5)
    # 4.10 may also be a clause
    is_clause = "." in number and "." in plain and plain != number
    return (Lexeme(plain), Lexeme(number)) if is_clause else (Lexeme(plain),)


def _whole(word: str, parts: list[str], language: str) -> Iterator[str]:
    """A joined word as one: in the spelling that its other spellings are brought to."""
    plain, *within = re.split(r"[()]+", word.removesuffix("%").rstrip(")"))
    pieces = re.split(r"[-/.,'&]", plain)
    is_date = "/" in plain or "," in plain
    if not is_date and (code := codes.glued(pieces, numbers="." not in plain)):
        yield code
    if within:
        yield from ("".join(pieces + within[:count]) for count in range(1, len(within) + 1))
    elif "/" in plain:
        if plain.count("/") < _MOST_WHOLE:
            yield plain
    elif "&" in plain:
        yield plain
    elif "." in plain:
        is_initials = all(len(piece) == 1 and piece.isalpha() for piece in pieces)
        yield "".join(pieces) if is_initials else plain
    elif "-" in plain and not any(map(_has_digit, pieces)) and len(pieces) <= _MOST_WHOLE + 1:
        yield stem("".join(pieces), language)
