"""Finds which terms a passage defines, and which defined terms another one uses.

Forms that are known: a quoted or bold term or one that begins a sentence, with a verb that defines
("Accident" means …, Unfall bedeutet …, por Accidente se entiende …); and, where a chunk's role is
definition, ``Accident: …`` and the rows of a glossary.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from pipeline.chunk_roles import Role
from pipeline.companions.words import words_of
from pipeline.text import fold

_MAX_WORDS = 6
_MAX_CHARACTERS = 700
"""A definition is shown up to here; some lists of what a "family member" is are pages long."""

_VERB = (
    "means|mean|shall mean|will mean|refers? to|is defined as|are defined as|has the meaning|"
    "indicates|bedeutet|bezeichnet|significa|significan|se entiende|se entenderá|si intende|"
    "si intendono|désigne|désignent|signifie"
).replace(" ", "[ ]")
_ANY_VERB = re.compile(rf"\b(?:{_VERB})\b")
_WORD = r"[\w'’/&().-]{1,40}"
_BEGIN = (
    r"(?:\A|(?<=\n)|(?<=[.;:!?][ ]))[#*•\- ]{0,8}"
    r"(?:\(?(?:\d{1,3}|[a-z])(?:\.\d{1,3}){0,3}[.)]{0,2}[ ]{1,3})?"
)
_DEFINES = re.compile(
    rf"""
      ["“„«](?P<quoted>[^"“”„«»\n]{{2,80}})["”“»][^."“”\n]{{0,50}}?\s(?:{_VERB})\b
    | \*\*[ ]?["“]?(?P<bold>[^*"“”\n]{{2,80}}?)["”]?[ ]?:?\*\*\s{{0,2}}(?::|–|-|(?:{_VERB})\b)
    | {_BEGIN}(?P<plain>[A-ZÀ-Þ]{_WORD}(?:[ ]{_WORD}){{0,5}}?)
        (?:,[^.\n]{{0,40}}?,)?\s(?:{_VERB})\b
    """,
    re.VERBOSE,
)
_ENTRY = re.compile(
    rf"{_BEGIN}(?P<entry>[A-ZÀ-Þ]{_WORD}(?:[ ]{_WORD}){{0,5}}?)[ ]?:(?=\s)", re.VERBOSE
)
_ROW = re.compile(
    r"(?:\A|(?<=\n))\|\s{0,2}\*{0,2}(?P<row>[^|*\n]{2,80}?)\*{0,2}\s{0,2}\|(?P<cell>[^|\n]{2})"
)
_PARAGRAPH_END = re.compile(r"\n\n(?![ ]{0,8}(?:[-*•]|\(?\w{1,4}[.)])[ ])")
_SHORT = 40
_LIST_MARK = re.compile(r"\(?\w{1,3}[.)]")
_VERB_AT_END = re.compile(rf"[ ](?:{_VERB})\Z")
_TOKEN = re.compile(r"\w+")
# Words that begin a sentence with "means" without being a term.
_NO_TERM = words_of(
    "this it which that these they what such we you he she there by if when in for note please "
    "any each no the following example examples your yours our ours us his her its "
    "todo todos esto lo el questo ciò dies das ceci cela"
)


class Definition(NamedTuple):
    """A term, and where in its chunk's text the definition stands."""

    term: str
    start: int
    end: int


def definitions_in(text: str, role: str) -> list[Definition]:
    """The definitions of a chunk, in their order; each ends where the next one begins."""
    if role != Role.DEFINITION and not _ANY_VERB.search(text) and "**" not in text:
        return []  # seen much faster without the forms of definitions
    found = sorted({each.start(): each for each in _matches(text, role)}.items())
    starts = [start for start, _ in found] + [len(text)]
    made = []
    for (start, match), end in zip(found, starts[1:], strict=True):
        term = _term(match)
        if term:
            made.append(Definition(term, start, _end(text, start, end)))
    return made


def _end(text: str, start: int, end: int) -> int:
    """Where a definition ends: with its paragraph, and the list that may follow it."""
    end = min(end, start + _MAX_CHARACTERS)
    for gap in _PARAGRAPH_END.finditer(text, start + _SHORT, end):
        if not text[start : gap.start()].rstrip(" *_").endswith(":"):
            return gap.start()
    return end


def _matches(text: str, role: str) -> Iterator[re.Match[str]]:
    yield from _DEFINES.finditer(text)
    if role == Role.DEFINITION:
        yield from _ENTRY.finditer(text)
        yield from _ROW.finditer(text)


def _term(match: re.Match[str]) -> str:
    term = str(match[str(match.lastgroup if match.lastgroup != "cell" else "row")]).strip(" .,:-*")
    term = _VERB_AT_END.sub("", term)
    words = _TOKEN.findall(fold(term).lower())
    if not 0 < len(words) <= _MAX_WORDS or words[0] in _NO_TERM or _LIST_MARK.match(term):
        return ""
    return term


def key_of(term: str) -> tuple[str, ...]:
    """A term's words as they are compared: folded, in small letters, in the singular."""
    return tuple(_singular(word) for word in _TOKEN.findall(fold(term).lower()))


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and word[-2] not in "su" else word


def phrases_in(text: str) -> set[tuple[str, ...]]:
    """All that could be a term in a text: its runs of up to six words, as `key_of` gives them."""
    words = key_of(text)
    return {
        words[start : start + length]
        for length in range(1, _MAX_WORDS + 1)
        for start in range(len(words) - length + 1)
    }
