"""Two readings of one page, and which of them to believe.

The Markdown reading knows headings and tables, and sometimes loses words, tears a table apart or
makes a table of prose. The plain reading has every word in the order of the file, and no structure.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

from pipeline.parsing.page_tables import PageTable, page_tables, words

_FENCE = re.compile(r"^```[a-z]*[ \t]*\n(.*?)\n?^```[ \t]*$", re.MULTILINE | re.DOTALL)
_PICTURE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_MIN_RECALL = 0.85
_MAX_SURPLUS = 0.05
_MIN_ROW_AGREEMENT = 0.6
_MAX_ODD_ROWS = 0.3
_LONG_CELL = 4
_MAX_CONTINUED = 0.35


def clean_markdown(markdown: str) -> str:
    """A page's Markdown without picture marks and without code fences that hold no word."""
    kept = _FENCE.sub(lambda m: m[0] if has_words(m[1]) else "", markdown)
    return _PICTURE.sub("", kept).strip()


def has_words(text: str) -> bool:
    """Whether a reader finds a letter or a digit."""
    return re.search(r"[^\W_]", text) is not None


def is_trustworthy(markdown: str, plain: str) -> bool:
    """Whether the Markdown reading of a page agrees with the plain one.

    It does not when words are lost (fewer than 85 % of the letters are found again) or a table in
    it is not sound: see `is_sound`.
    """
    if not has_words(plain):
        return True
    spoken = words(plain)
    if _recall(spoken, words(markdown)) < _MIN_RECALL:
        return False
    return all(is_sound(table, spoken) for table in page_tables(markdown))


def is_sound(table: PageTable, spoken: list[str]) -> bool:
    """Whether a table can be one of the page whose words, in the plain reading, are `spoken`.

    It cannot when a whole column of it is empty (its cells went elsewhere), when it says words
    more often than the page does, when its rows do not run through the plain reading, or when its
    cells go on in the middle of a sentence (lines of prose, set side by side).
    """
    return not (
        table.has_empty_column()
        or _surplus(table, spoken) > _MAX_SURPLUS
        or _odd_rows(table, spoken) > _MAX_ODD_ROWS
        or _is_prose(table)
    )


def _recall(expected: list[str], got: list[str]) -> float:
    # Words broken at a line's end are joined in one reading and not in the other: count letters.
    missing = Counter(expected) - Counter(got)
    joined = "".join(got)
    lost = sum(len(word) * n for word, n in missing.items() if word not in joined)
    return 1 - lost / max(1, sum(map(len, expected)))


def _surplus(table: PageTable, spoken: list[str]) -> float:
    said = Counter(table.words())
    return sum((said - Counter(spoken)).values()) / max(1, sum(said.values()))


def _odd_rows(table: PageTable, spoken: list[str]) -> float:
    """The share of rows whose neighbouring words are mostly no neighbours in the plain reading."""
    neighbours = set(pairwise(spoken))
    rows = [row for row in map(words, map(" ".join, table.rows)) if len(row) > 1]
    odd = 0
    for row in rows:
        pairs = list(pairwise(row))
        odd += sum(pair in neighbours for pair in pairs) < _MIN_ROW_AGREEMENT * len(pairs)
    return odd / len(rows) if rows else 0.0


def _is_prose(table: PageTable) -> bool:
    cells = [cell for row in table.rows for cell in row if len(cell.split()) >= _LONG_CELL]
    continued = sum(cell[0].islower() for cell in cells)
    return len(table.rows) > 2 and continued > _MAX_CONTINUED * max(1, len(cells))
