"""Knows the abbreviations of the field: a question with one also asks for its long form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

_CAPITALS = "only in capitals"
_WORD = re.compile(r"[^\W_]+(?:&[^\W_]+)*")


class _Known(NamedTuple):
    """Long forms by their abbreviation in capitals, those that mean it in capitals alone."""

    long_forms: dict[str, list[str]]
    in_capitals: frozenset[str]


@cache
def _known() -> _Known:
    read = files("pipeline.words").joinpath("abbreviations.yaml").read_text("utf-8")
    forms: dict[str, list[str]] = {}
    capitals: set[str] = set()
    section = ""
    for line in read.splitlines():
        name, colon, told = line.partition(":")
        if not colon or name.startswith("#"):
            continue
        if not line.startswith(" "):
            section = name
            continue
        forms[name.strip()] = [form.strip() for form in told.split(";")]
        if section == _CAPITALS:
            capitals.add(name.strip())
    return _Known(forms, frozenset(capitals))


@cache
def _by_long_form() -> dict[tuple[str, ...], list[str]]:
    found: dict[tuple[str, ...], list[str]] = {}
    known = _known()
    for name, forms in known.long_forms.items():
        for form in forms if name not in known.in_capitals else ():
            found.setdefault(_plain(form), []).append(name)
    return found


def long_forms(word: str) -> list[str]:
    """What a word of a question is short for.

    Args:
        word: as it was typed.
    """
    known = _known()
    name = word.upper()
    if name in known.in_capitals and word != name:
        return []
    return known.long_forms.get(name, [])


def short_forms(question: str) -> Iterator[str]:
    """The abbreviations of those long forms that stand in a question.

    None that capitals alone tell from a word: what is stored has no capitals.
    """
    words = _plain(question)
    forms = _by_long_form()
    longest = max(map(len, forms))
    for start in range(len(words)):
        for end in range(start + 1, min(start + longest, len(words)) + 1):
            yield from forms.get(words[start:end], ())


def _plain(text: str) -> tuple[str, ...]:
    """Its words in small letters, those of a plural as of one."""
    return tuple(
        word.removesuffix("s") if len(word) > 3 else word for word in _WORD.findall(text.lower())
    )
