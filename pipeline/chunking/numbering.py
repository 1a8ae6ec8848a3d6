"""Reads the reach of headings from their numbers, where size and weight of print mislead."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

# Each kind of label with its words in the languages of the policies at hand.
_KINDS = {
    "part": "part|parte|teil",
    "chapter": "chapter|capitolo|capitulo|capítulo|kapitel|titolo|titulo|título|title",
    "section": "section|secton|sezione|seccion|sección|abschnitt",
    "article": "article|articolo|articulo|artículo|artikel|art",
    "clause": "clause|clausola|clausula|cláusula",
    "endorsement": "endorsement|rider",
    "annex": "annex|annexure|appendix|allegato|anexo|anhang|exhibit|attachment",
}
_WORDS = "|".join(f"(?P<{kind}>{words})" for kind, words in _KINDS.items())
_LABEL = re.compile(
    rf"""[^\w(]{{0,4}}(?:
        (?:{_WORDS})\b [\s.:#-]{{0,4}} (?:(?:no|nr|num|n)\b[\s.°º]{{0,3}})?
            (?P<own>\d{{1,4}}(?:\.\d{{1,3}}){{0,4}}|[IVXLC]{{1,7}}|[A-Z])\b
      | (?P<number>\d{{1,3}}(?:\.\d{{1,3}}){{0,4}})(?:[.)]+|\s?(?=(?-i:[A-ZÀ-Þ])))(?=\s?[^\d\s])
      | (?P<roman>[IVX]{{1,5}})[.)]\s | \(?(?P<small>[a-z])[.)]\s
    )""",
    re.VERBOSE | re.IGNORECASE,
)


class Label(NamedTuple):
    """How a heading is numbered: ``Art. 5.2`` is an article with the number (5, 2)."""

    kind: str
    number: tuple[int, ...]

    def extends(self, other: Label) -> bool:
        """Whether it is numbered as a part of the other one, like 5.2 of 5."""
        longer = len(self.number) > len(other.number)
        return (
            self.kind == other.kind and longer and self.number[: len(other.number)] == other.number
        )

    def follows(self, other: Label) -> bool:
        """Whether it comes after the other one in one numbering, like 6 and 5.3 after 5.2."""
        depth = len(self.number)
        return (
            self.kind == other.kind
            and depth <= len(other.number)
            and self.number[: depth - 1] == other.number[: depth - 1]
            and self.number[depth - 1] > other.number[depth - 1]
        )


@lru_cache(4096)
def label_of(title: str) -> Label | None:
    """The label that a heading begins with."""
    found = _LABEL.match(title)
    if found is None:
        return None
    kind = str(found.lastgroup)
    if kind == "own":
        named = found.groupdict()
        return Label(next(each for each in _KINDS if named[each]), _numbers(found["own"]))
    if kind == "number":
        return Label(kind, _numbers(found[kind]))
    if kind == "roman":
        return Label(kind, _numbers(found[kind]))
    letter = found["small"]
    return Label("small" if letter.islower() else "capital", (ord(letter.lower()) - 96,))


def kinds_of(labels: Sequence[Label | None]) -> Counter[str]:
    """How many headings there are of each kind."""
    return Counter(label.kind for label in labels if label is not None)


def ends(label: Label, other: Label, kinds: Mapping[str, int]) -> bool:
    """Whether a heading ends the reach of one above it, however large that one is printed.

    It does when it comes after it in one numbering; when it is of the same kind of part (there is
    no article in an article); and when it is of a kind of which the document has fewer, because
    chapters hold articles and articles numbered clauses.

    Args:
        kinds: how many headings of each kind the document has.
    """
    if label.kind == other.kind:
        named = label.kind in _KINDS
        return label.follows(other) or (named and not label.extends(other))
    if label.kind in _KINDS and other.kind in _KINDS:
        return 2 * kinds[label.kind] < kinds[other.kind]
    return label.kind in _KINDS and kinds[label.kind] <= kinds[other.kind]


def _numbers(written: str) -> tuple[int, ...]:
    if written[0].isdigit():
        return tuple(int(part) for part in written.split("."))
    return (_roman(written.upper()),)


def _roman(letters: str) -> int:
    """The value of a Roman number; a single letter that is none counts by the alphabet."""
    values = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
    if any(letter not in values for letter in letters):
        return ord(letters[0]) - ord("A") + 1
    total = 0
    for letter, following in zip(letters, [*letters[1:], ""], strict=True):
        value = values[letter]
        total += -value if following and values[following] > value else value
    return total
