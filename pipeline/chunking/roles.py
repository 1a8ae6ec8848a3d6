"""Classifies a chunk's role in an insurance document, by its headings, else by its wording."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from pipeline.chunk_roles import Role
from pipeline.chunking.heading_rules import HEADING_RULES, MENTION, SAYS_NOTHING, SECTION
from pipeline.chunking.headings import can_be_heading
from pipeline.chunking.numbering import label_of
from pipeline.chunking.role_rules import Rule
from pipeline.chunking.wording_rules import WORDING_RULES
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
    if _is_contents(text[:_OPENING_CHARS]):
        return Role.OTHER
    if (told := _nearest([*_own_title(text), *titles[-1:]], MENTION)) is not None:
        return _among(titles, told)
    if (told := _nearest(titles[-2::-1], SECTION)) is not None:
        return told.role
    return _by_wording(f"{context}\n{text[:_OPENING_CHARS]}") or Role.OTHER


def _is_contents(opening: str) -> bool:
    # Nearly all texts have no such line, which is seen much faster without a pattern.
    if "......" not in opening and ". . . ." not in opening:
        return False
    return len(_LEADERS.findall(opening)) >= _MANY_LEADERS


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
    if len(line) == _LINE_CHARS or not title:
        return []
    bold = line.startswith("**") and line.endswith("**")
    seems = bold or title.isupper() or label_of(title) is not None
    return [title] if seems and can_be_heading(title) else []


@lru_cache(_HEADINGS_KEPT)
def _told_by(title: str) -> _Told | None:
    found = (number for number, _ in _HEADINGS.found_in(fold(title)))
    first = min((number for number in found if _BY_WEIGHT[number].weight), default=None)
    return None if first is None else _Told(_BY_WEIGHT[first].role, _BY_WEIGHT[first].weight)


def _by_wording(text: str) -> Role | None:
    scores: Counter[Role] = Counter()
    times: Counter[str] = Counter()
    for number, phrase in _WORDINGS.found_in(fold(text)):
        times[phrase] += 1
        if times[phrase] <= _TIMES:
            scores[WORDING_RULES[number].role] += WORDING_RULES[number].weight
    best = max(scores, key=lambda role: scores[role], default=None)
    return best if best is not None and scores[best] >= _CLEAR else None


class _Phrases:
    """The phrases of rules, sought where their first words are: all at once would be much slower.

    Where two begin at one place, the earlier rule's counts.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        by_letter: dict[str, list[tuple[int, list[str]]]] = {}
        self._needed: dict[str, list[frozenset[str]]] = {}
        self._begun: dict[str, list[frozenset[str]]] = {}
        for number, rule in enumerate(rules):
            for phrase in rule.phrases:
                own = by_letter.setdefault(phrase[0], [])
                if not own or own[-1][0] != number:
                    own.append((number, []))
                own[-1][1].append(phrase)
                self._note_words(phrase)
        self._by_letter = {letter: _pattern(own) for letter, own in by_letter.items()}

    def _note_words(self, phrase: str) -> None:
        """Note the phrase's words under the first, apart where that is only a word's beginning."""
        words = _WORD_OF_PHRASE.findall(phrase)
        whole = [word for word in words if not word.endswith("*")]
        kept = self._begun if words[0].endswith("*") else self._needed
        kept.setdefault(words[0].rstrip("*"), []).append(frozenset(whole))

    def _beginnings(self, lower: str) -> list[str]:
        """The first words of those phrases of which every word is in a text."""
        words = _words_of(lower)
        near = [(word, self._needed[word]) for word in self._needed.keys() & words]
        near += [(part, needed) for part, needed in self._begun.items() if part in lower]
        return [first for first, needed in near if any(each <= words for each in needed)]

    def found_in(self, text: str) -> Iterator[tuple[int, str]]:
        """The rule's number and the phrase, for each that is found; they do not overlap."""
        lower, end = text.lower(), 0
        if not (firsts := self._beginnings(lower)):
            return
        places = (found.start() for first in firsts for found in _at(first).finditer(lower))
        for start in sorted(set(places)):
            found = self._by_letter[lower[start]].match(lower, start) if start >= end else None
            if found is not None:
                end = found.end()
                yield int((found.lastgroup or "_0")[1:]), found.group()


def _words_of(text: str) -> set[str]:
    if not text.isascii():
        return set(_WORD.findall(text))
    # The same in a third of the time.
    return set(text.encode().translate(_ONLY_WORDS).decode().split())


@cache
def _at(word: str) -> re.Pattern[str]:
    """Where words begin so; what begins with a literal is looked for quickly."""
    return re.compile(rf"{re.escape(word)}(?<!\w{re.escape(word)})")


def _pattern(own: Sequence[tuple[int, Sequence[str]]]) -> re.Pattern[str]:
    groups = (f"(?P<_{number}>{_any_of(phrases)})" for number, phrases in own)
    return re.compile(rf"(?:{'|'.join(groups)})\b")


def _any_of(phrases: Sequence[str]) -> str:
    longest_first = sorted(phrases, key=len, reverse=True)
    return "|".join(
        r"\s+".join(re.escape(word).replace(r"\*", r"\w*+") for word in phrase.split())
        for phrase in longest_first
    )


_WORD, _WORD_OF_PHRASE = re.compile(r"\w+"), re.compile(r"\w+\*?")
_ONLY_WORDS = bytes(b if chr(b).isalnum() or chr(b) == "_" else 0x20 for b in range(256))
_LEADERS = re.compile(r"\.{6,}|(?:\. ){6,}")
_BY_WEIGHT = [
    Rule("tells nothing", Role.OTHER, 0, SAYS_NOTHING),
    *sorted(HEADING_RULES, key=lambda rule: -rule.weight),
]
_HEADINGS = _Phrases(_BY_WEIGHT)
_WORDINGS = _Phrases(WORDING_RULES)
