"""Scores of a reading against what the page says. Pure functions over texts and cells."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

_WORD = re.compile(r"[^\W_]+")
_BORDER = re.compile(r"(?<!\\)\|")
_QUOTES = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "\u2011": "-", "\u2010": "-"})

Row = Sequence[str]


@dataclass(slots=True)
class Share:
    """How many of how many."""

    found: int = 0
    of: int = 0

    def __iadd__(self, other: Share) -> Share:
        self.found += other.found
        self.of += other.of
        return self

    @property
    def share(self) -> float:
        """0 to 1; 1 of nothing."""
        return self.found / self.of if self.of else 1.0

    def __str__(self) -> str:
        return f"{self.share:.4f}" if self.of else "–"


def words(text: str) -> list[str]:
    """The runs of letters and digits of a text, in lower case."""
    return _WORD.findall(text.lower())


def words_found(expected: str, got: str) -> Share:
    """Words of the expected text that stand in the other one, each as often as it is expected.

    A word that is joined to another one counts as found: a line's end breaks words, and readers
    differ in whether they make them whole.
    """
    wanted, own = Counter(words(expected)), words(got)
    missing = wanted - Counter(own)
    joined = "".join(own)
    lost = sum(count for word, count in missing.items() if word not in joined)
    total = sum(wanted.values())
    return Share(total - lost, total)


def words_right(expected: str, got: str) -> Share:
    """Words of the reading that stand in the expected text at all: what it made up, it lacks."""
    known = set(words(expected))
    joined = "".join(words(expected))
    own = words(got)
    return Share(sum(word in known or word in joined for word in own), len(own))


def neighbors_found(expected: str, got: str) -> Share:
    """Neighboring words of the expected text that are neighbors in the other one."""
    pairs = Counter(pairwise(words(expected)))
    own = set(pairwise(words(got)))
    return Share(sum(n for pair, n in pairs.items() if pair in own), sum(pairs.values()))


def plain_cell(cell: str) -> str:
    """A cell as it is compared: without white space, case, kinds of quotes and rows of dashes."""
    squeezed = re.sub(r"[\s\\*]+", "", cell.translate(_QUOTES)).lower()
    return re.sub(r"[-–—_]+", "", squeezed)


def markdown_rows(text: str) -> list[list[str]]:
    """The rows of all Markdown tables in a text."""
    lines = (line.strip() for line in text.splitlines())
    rows = [_BORDER.split(line)[1:-1] for line in lines if line.startswith("|")]
    return [[cell.strip().replace("\\|", "|") for cell in row] for row in rows]


def is_whole(wanted: Row, rows: Iterable[Row]) -> bool:
    """Whether one of the rows holds all wanted cells, in their order.

    Cells may stand between them, since what is merged over columns may be repeated in each.
    """
    cells = [plain for cell in wanted if cell and (plain := plain_cell(cell))]
    return any(_in_order(cells, [plain_cell(cell) for cell in row]) for row in rows)


def _in_order(wanted: Sequence[str], row: Sequence[str]) -> bool:
    position = 0
    for cell in wanted:
        while position < len(row) and row[position] != cell:
            position += 1
        if position == len(row):
            return False
        position += 1
    return True
