"""Two readings of one page, and which of them to believe."""

from __future__ import annotations

import re
from collections import Counter

_WORD = re.compile(r"\w+")
_FENCE = re.compile(r"^```[a-z]*[ \t]*\n(.*?)\n?^```[ \t]*$", re.MULTILINE | re.DOTALL)
_PICTURE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_TABLE_ROW = re.compile(r"^\|.*\|[ \t]*$", re.MULTILINE)
_RULE_ROW = re.compile(r"^\|[\s:|-]+\|[ \t]*$")
_MIN_RECALL = 0.85
_MIN_ORDER = 0.8
_LONG_CELL = 4
_MAX_CONTINUED = 0.35


def clean_markdown(markdown: str) -> str:
    """A page's Markdown without picture marks and without code fences that hold no word."""
    kept = _FENCE.sub(lambda m: m[0] if _WORD.search(m[1]) else "", markdown)
    return _PICTURE.sub("", kept).strip()


def has_words(text: str) -> bool:
    """Whether a reader finds a letter or a digit."""
    return _WORD.search(text.replace("_", "")) is not None


def prefer_plain(markdown: str, plain: str) -> bool:
    """Whether the plain extraction is the better reading of a page.

    It is when the Markdown lost words, or made a scrambled table of prose: a table whose order
    disagrees with the plain reading and whose cells mostly go on in the middle of a sentence.
    """
    expected, got = _words(plain), _words(markdown)
    if not expected:
        return False
    if _recall(expected, got) < _MIN_RECALL:
        return True
    return _is_scrambled_table(markdown) and _order(expected, got) < _MIN_ORDER


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _recall(expected: list[str], got: list[str]) -> float:
    # Words broken at a line's end are joined in one reading and not in the other: count letters.
    missing = Counter(expected) - Counter(got)
    joined = "".join(got)
    lost = sum(len(word) * n for word, n in missing.items() if word not in joined)
    return 1 - lost / sum(map(len, expected))


def _order(expected: list[str], got: list[str]) -> float:
    """The share of four-word runs that both readings have."""
    runs, found = Counter(_runs(expected)), Counter(_runs(got))
    total = sum(runs.values())
    return sum((runs & found).values()) / total if total else 1.0


def _runs(words: list[str]) -> zip[tuple[str, str, str, str]]:
    return zip(words, words[1:], words[2:], words[3:], strict=False)


def _is_scrambled_table(markdown: str) -> bool:
    cells = [
        cell.strip()
        for row in _TABLE_ROW.findall(markdown)
        if not _RULE_ROW.match(row)
        for cell in row.strip("| \t").split("|")
    ]
    long = [cell for cell in cells if len(cell.split()) >= _LONG_CELL]
    continued = sum(cell[0].islower() for cell in long)
    return bool(long) and continued > _MAX_CONTINUED * len(long)
