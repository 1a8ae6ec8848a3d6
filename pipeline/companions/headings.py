"""Compares headings: which stand above most of a document, which name the same coverage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from pipeline.companions.words import words_of

_MOST, _MANY_SECTIONS = 0.6, 4
# What headings of any coverage say.
_EMPTY = words_of(
    "to of in by on or an as at be it we us if no do so up di de la le il el los las der die das "
    "coverage coverages cover covered what the and for not are is section part article clause "
    "insurance insuring agreement policy benefit benefits schedule table general specific "
    "exclusion exclusions excluded limit limits limitation limitations liability conditions "
    "condition definitions definition additional other your our with under this that from "
    "garanzia garanzie copertura assicurazione esclusioni condizioni cobertura coberturas "
    "exclusiones condiciones versicherung ausschlüsse bedingungen art all any pay will how "
    "warning scope provisions provision annexure annex claims claim plan service services"
)


def shared_titles(paths: Iterable[Sequence[str]]) -> int:
    """How many outermost headings stand above most of a document: its title, not a section."""
    counted = [tuple(path) for path in paths]
    depth = 0
    while counted:
        [(path, times)] = Counter(each[: depth + 1] for each in counted).most_common(1)
        below = {each for each in counted if each[: depth + 1] == path}
        if times < _MOST * len(counted) or len(path) <= depth or len(below) <= _MANY_SECTIONS:
            break
        depth += 1
    return depth


def shared(one: Sequence[str], other: Sequence[str]) -> int:
    """How many outermost headings two paths have in common."""
    length = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        length += 1
    return length


def coverage_of(titles: Sequence[str]) -> frozenset[str]:
    """The words that name the coverage of a passage: of the outermost heading that names one."""
    named = (coverage_words([title]) for title in titles)
    return next((words for words in named if words), frozenset())


def coverage_words(titles: Iterable[str]) -> frozenset[str]:
    """The words by which headings name a coverage: ``baggage delay`` of "B. Baggage delay"."""
    return frozenset().union(*map(words_of, titles)) - _EMPTY
