"""Which role a passage has in an insurance document, by its headings, else by its wording."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from pipeline.chunking.headings import can_be_heading
from pipeline.chunking.numbering import label_of
from pipeline.chunking.role_rules import (
    HEADING_RULES,
    HINT,
    MENTION,
    SAYS_NOTHING,
    WORDING_RULES,
    Rule,
)
from pipeline.roles import Role
from pipeline.text import fold

_OPENING_CHARS = 700
"""So much of a passage is looked at: what it is, it says at its beginning."""
_LINE_CHARS = 161
_MANY_LEADERS = 2
"""With so many lines of dots a passage is (part of) a table of contents."""
_CLEAR = 3
"""The score from which wording tells a role."""
_TIMES = 2
"""A phrase counts no more often than this."""
_HEADINGS_KEPT = 4096


class _Told(NamedTuple):
    """What a heading tells."""

    role: Role
    weight: int


def role_of(titles: Sequence[str], text: str, context: str = "") -> Role:
    """The role of a passage.

    The nearest heading that tells a role decides; where none does, the wording of its beginning;
    where that does not either, a heading that hints at one.

    Args:
        titles: the headings above it, outermost first.
        context: what stands beside it, such as the columns of a table.
    """
    if len(_LEADERS.findall(text[:_OPENING_CHARS])) >= _MANY_LEADERS:
        return Role.OTHER
    nearest_first = [*_own_title(text), *reversed(titles)]
    told = [one for title in nearest_first if (one := _told_by(title)) is not None]
    clear = [one for one in told if one.weight > HINT]
    if clear:
        return _nearest(clear)
    if (role := _by_wording(f"{context}\n{text[:_OPENING_CHARS]}")) is not None:
        return role
    # A hint is worth something only right above the passage.
    hint = next(map(_told_by, nearest_first), None)
    return hint.role if hint is not None else Role.OTHER


def _own_title(text: str) -> list[str]:
    """The first line of a passage where it is a heading in all but its mark."""
    line = text.lstrip("#* \n")[:_LINE_CHARS].partition("\n")[0]
    title = line.strip("* ")
    if not title or not can_be_heading(title):
        return []
    seems = title.isupper() or line.endswith("**") or label_of(title) is not None
    return [title] if seems else []


def _nearest(told: Sequence[_Told]) -> Role:
    """The nearest one's role; but what is named among definitions is a term, and defined there."""
    among_definitions = any(one.role is Role.DEFINITION for one in told)
    return Role.DEFINITION if told[0].weight == MENTION and among_definitions else told[0].role


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
    """One pattern for all rules, whose groups are numbered like them; an earlier rule goes first."""
    groups = (f"(?P<_{number}>{_any_of(rule.phrases)})" for number, rule in enumerate(rules))
    return re.compile(rf"\b(?:{'|'.join(groups)})\b", re.IGNORECASE)


def _number(found: re.Match[str]) -> int:
    return int((found.lastgroup or "_0")[1:])


_LEADERS = re.compile(r"\.{6,}|(?:\. ){6,}")
_NOTHING = re.compile(rf"\b(?:{_any_of(SAYS_NOTHING)})\b", re.IGNORECASE)
_BY_WEIGHT = sorted(HEADING_RULES, key=lambda rule: -rule.weight)
_HEADING = _pattern(_BY_WEIGHT)
_WORDING = _pattern(WORDING_RULES)
