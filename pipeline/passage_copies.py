"""Tells which passages say the same, so that a search shows each once and names its sources.

Two passages are the same when their words and figures are, in order, under the same nearest
heading, with the same context (a table's columns) and the same role: a list of perils under
"Covered" is not the one under "Not covered". Letter case, ligatures and widths of signs, line
breaks and Markdown's marks do not matter.

Two editions of a form that differ in nothing but what edition they are count once too: they are the
same but for the edition that is printed in them ("CG 00 01 04 13", "Rev. 01-2024"), copyright
notices, page numbers, and articles. Any other word may turn the meaning, as "flood" for "theft"
does in a passage of two hundred words, so a share of equal words is no measure here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from uuid import UUID

from pipeline.editions import without_editions
from pipeline.text import fold

_MARKS = "*_`#|\\"
# Letters that stand in no ligature: how often they occur is told in a microsecond, and passages
# that differ in it are not the same.
_COUNTED = "aeonrd"
# Two editions differ in a notice and some articles: in few of these letters.
_MOST_OTHERS = 30
_PAGE_NUMBER = re.compile(r"\bpage \d{1,4}(?: of \d{1,4})?\b", re.IGNORECASE)
_COPYRIGHT = re.compile(
    r"(?:©|\(c\)|\bcopyright\b)[^\d\n]{0,80}(?:19|20)\d\d(?:[-, ]{1,2}(?:19|20)\d\d)?\b",
    re.IGNORECASE,
)
_FIGURE = re.compile(r"\d")
# Characters at a passage's end: it mostly tells by itself with which words every edition ends.
_END = 200
_LAST_WORDS = 2
_ARTICLES = frozenset(("a", "an", "the", "this", "that", "these", "those", "such"))


@dataclass(frozen=True)
class Candidate:
    """A passage that may be another one's copy."""

    chunk_id: UUID
    document_id: UUID
    text: str
    context: str
    role: str
    heading: str

    @cached_property
    def section(self) -> tuple[str, str, str]:
        """Where it stands: other than this, nothing is a copy of it."""
        return self.role, _plain(self.heading), _plain(self.context)

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """Equal for passages that say the same, and for few others."""
        lower = self.text.lower()
        return tuple(lower.count(letter) for letter in _COUNTED)

    @cached_property
    def key(self) -> bytes:
        """Equal for passages that say the same."""
        return sha256(repr((self.section, _plain(self.text))).encode()).digest()

    @cached_property
    def of_any_edition(self) -> str:
        """Its words without what tells one edition from another."""
        return _of_any_edition(self.text)

    @cached_property
    def last_of_any_edition(self) -> tuple[str, ...]:
        """The last of these words, mostly told in a tenth of the time."""
        # What tells an edition ends with a figure, or with a bracket behind one.
        behind = _FIGURE.split(_unmarked(self.text[-_END:]))[-1]
        # The first word may be cut, or be that bracket.
        words = _telling(" ".join(behind.split()[1:]))
        if len(words) < _LAST_WORDS:
            words = self.of_any_edition.split()
        return tuple(words[-_LAST_WORDS:])


def _plain(text: str) -> str:
    return " ".join(_unmarked(text).casefold().split())


def _unmarked(text: str) -> str:
    plain = fold(text)
    for mark in _MARKS:
        plain = plain.replace(mark, " ")
    return plain


def _of_any_edition(text: str) -> str:
    plain = without_editions(_unmarked(text))
    for expression in (_COPYRIGHT, _PAGE_NUMBER):
        plain = expression.sub(" ", plain)
    return " ".join(_telling(plain))


def _telling(plain: str) -> list[str]:
    return [word for word in plain.casefold().split() if word not in _ARTICLES]


@dataclass(slots=True)
class Group:
    """Passages that say the same, the best first.

    Attributes:
        same: those that say it word for word as the first one.
    """

    members: list[Candidate]
    same: set[UUID] = field(default_factory=set)

    @property
    def first(self) -> Candidate:
        """The one that is shown."""
        return self.members[0]


def grouped(candidates: Sequence[Candidate]) -> list[Group]:
    """Passages that say the same, together; groups and members in the order given."""
    alike = Counter(each.counts for each in candidates)
    by_key: dict[object, Group] = {}
    for each in candidates:
        group = by_key.setdefault(each.counts if alike[each.counts] == 1 else each.key, Group([]))
        group.members.append(each)
        group.same.add(each.chunk_id)
    by_section: dict[tuple[str, str, str], list[Group]] = {}
    for group in by_key.values():
        by_section.setdefault(group.first.section, []).append(group)
    joined = {id(each) for groups in by_section.values() for each in _join_editions(groups)}
    return [group for group in by_key.values() if id(group) not in joined]


def _join_editions(groups: Sequence[Group]) -> Iterable[Group]:
    """Add to each passage what is another edition of it; those that were added to another."""
    if len(groups) == 1:
        return
    # Most passages end as no other does: of them no more needs to be told.
    ends = Counter(group.first.last_of_any_edition for group in groups)
    first_of: dict[str, Group] = {}
    for group in groups:
        if ends[group.first.last_of_any_edition] == 1 or not any(
            _may_be_editions(group.first, each.first) for each in groups
        ):
            continue
        first = first_of.setdefault(group.first.of_any_edition, group)
        if first is not group:
            first.members += group.members
            yield group


def _may_be_editions(one: Candidate, other: Candidate) -> bool:
    others = sum(abs(n - m) for n, m in zip(one.counts, other.counts, strict=True))
    return one.document_id != other.document_id and others <= _MOST_OTHERS
