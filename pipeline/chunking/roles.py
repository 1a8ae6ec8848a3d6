"""Which role a passage has in an insurance document, by its headings, else by its wording."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from pipeline.chunking.heading_rules import HEADING_RULES, MENTION, SAYS_NOTHING, SECTION
from pipeline.chunking.headings import can_be_heading
from pipeline.chunking.numbering import label_of
from pipeline.chunking.role_rules import Rule, phrases_in
from pipeline.chunking.wording_rules import WORDING_RULES
from pipeline.roles import Role
from pipeline.text import fold

_OPENING_CHARS = 700
"""So much of a passage is looked at: what it is, it says at its beginning."""
_LINE_CHARS = 161
_MANY_LEADERS = 2
"""With so many lines of dots a passage is (part of) a table of contents."""
_CLEAR = 3
"""The score from which wording tells a role."""
_TIMES = 3
"""A phrase counts no more often than this."""
_HEADINGS_KEPT = 4096


class _Told(NamedTuple):
    """What a heading tells."""

    role: Role
    weight: int


def role_of(titles: Sequence[str], text: str, context: str = "") -> Role:
    """The role of a passage.

    The nearest heading decides when it tells a role; else one further out that names a section;
    else the wording of the passage's beginning. (What headings further out only mention was right
    once in four, when it was measured.)

    Args:
        titles: the headings above it, outermost first.
        context: what stands beside it, such as the columns of a table.
    """
    if len(_LEADERS.findall(text[:_OPENING_CHARS])) >= _MANY_LEADERS:
        return Role.OTHER
    if (told := _nearest([*_own_title(text), *titles[-1:]], MENTION)) is not None:
        return _among(titles, told)
    if (told := _nearest(titles[-2::-1], SECTION)) is not None:
        return told.role
    return _by_wording(f"{context}\n{text[:_OPENING_CHARS]}") or Role.OTHER


def _nearest(titles: Sequence[str], least: int) -> _Told | None:
    """What the first of the headings tells that tells enough."""
    for title in titles:
        told = _told_by(title)
        if told is not None and told.weight >= least:
            return told
    return None


def _among(titles: Sequence[str], told: _Told) -> Role:
    """A heading's role; but what is only mentioned among definitions is a term, defined there."""
    if told.weight == MENTION:
        for title in titles[:-1]:
            above = _told_by(title)
            if above is not None and above.role is Role.DEFINITION:
                return Role.DEFINITION
    return told.role


def _own_title(text: str) -> list[str]:
    """The first line of a passage where it is a heading in all but its mark."""
    line = text.lstrip("# \n")[:_LINE_CHARS].partition("\n")[0].rstrip()
    title = line.strip("* ")
    if not title or not can_be_heading(title):
        return []
    bold = line.startswith("**") and line.endswith("**")
    return [title] if bold or title.isupper() or label_of(title) is not None else []


@lru_cache(_HEADINGS_KEPT)
def _told_by(title: str) -> _Told | None:
    words = _NOTHING.sub(" ", fold(title))
    first = min((_number(found) for found in _HEADING.finditer(words)), default=None)
    return None if first is None else _Told(_BY_WEIGHT[first].role, _BY_WEIGHT[first].weight)


def _by_wording(text: str) -> Role | None:
    scores: Counter[Role] = Counter()
    times: Counter[str] = Counter()
    for found in _WORDING.finditer(fold(text)):
        rule = WORDING_RULES[_number(found)]
        phrase = found.group().lower()
        times[phrase] += 1
        if times[phrase] <= _TIMES:
            scores[rule.role] += rule.weight
    best = max(scores, key=lambda role: scores[role], default=None)
    return best if best is not None and scores[best] >= _CLEAR else None


def _any_of(phrases: Sequence[str]) -> str:
    longest_first = sorted(phrases, key=len, reverse=True)
    return "|".join(
        r"\s+".join(re.escape(word).replace(r"\*", r"\w*+") for word in phrase.split())
        for phrase in longest_first
    )


def _pattern(rules: Sequence[Rule]) -> re.Pattern[str]:
    """One pattern for all rules: its groups are numbered like them, an earlier one goes first."""
    groups = (f"(?P<_{number}>{_any_of(rule.phrases)})" for number, rule in enumerate(rules))
    return re.compile(rf"\b(?:{'|'.join(groups)})\b", re.IGNORECASE)


def _number(found: re.Match[str]) -> int:
    return int((found.lastgroup or "_0")[1:])


_LEADERS = re.compile(r"\.{6,}|(?:\. ){6,}")
_NOTHING = re.compile(rf"\b(?:{_any_of(phrases_in(SAYS_NOTHING))})\b", re.IGNORECASE)
_BY_WEIGHT = sorted(HEADING_RULES, key=lambda rule: -rule.weight)
_HEADING = _pattern(_BY_WEIGHT)
_WORDING = _pattern(WORDING_RULES)
