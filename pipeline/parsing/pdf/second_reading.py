"""Reads every page a second way, to see whether words or their order were lost.

PDFium's plain text knows no layout: it has the words in the order of the file. Words broken at a
line's end are joined in one reading and not in the other, and either may glue two words, so what
is missing by words is looked for by letters too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TYPE_CHECKING

from pipeline.text import normalize

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfTextPage

_WORD = re.compile(r"[^\W_]+")
# PDFium's marks for a hyphen that broke a word at the end of a line.
_LINE_END_HYPHEN = re.compile("[\x02\ufffe](?:\r?\n)?")
# So many characters of a page are asked for their font's map; of more, every second or third.
_SAMPLE = 2_000
_MOST_LOOKS, _MOST_LINES = 5_000, 20_000


@dataclass(slots=True)
class Agreement:
    """How two readings agree, summed over pages: letters and pairs, expected and found."""

    letters: int = 0
    letters_found: int = 0
    pairs: int = 0
    pairs_found: int = 0

    @property
    def words_found(self) -> float | None:
        """The share of the second reading's words, by letters, that the first one has."""
        return self.letters_found / self.letters if self.letters else None

    @property
    def order_agreement(self) -> float | None:
        """The share of the second reading's neighboring words that are neighbors in the first."""
        return self.pairs_found / self.pairs if self.pairs else None

    def __iadd__(self, other: Agreement) -> Agreement:
        self.letters += other.letters
        self.letters_found += other.letters_found
        self.pairs += other.pairs
        self.pairs_found += other.pairs_found
        return self


def plain_text(layer: PdfTextPage) -> str:
    """The text of a page in the order of the file."""
    return normalize(_LINE_END_HYPHEN.sub("", layer.get_text_range())).text.strip()


def unmapped(layer: PdfTextPage) -> int:
    """About how many of a page's characters have fonts that do not say what they are."""
    from pypdfium2 import raw

    count: int = layer.count_chars()
    step = 1 + count // _SAMPLE
    failed: Iterator[bool] = (
        raw.FPDFText_HasUnicodeMapError(layer, n) == 1 for n in range(0, count, step)
    )
    found = sum(failed)
    return step * found


def on_page(document: PdfDocument, number: int, lines: Sequence[str]) -> list[str]:
    """Those of the lines that lie on a page, not outside its edges.

    Args:
        document: its pages are not rotated.
    """
    if not lines:
        return []
    with closing(document[number - 1]) as page, closing(page.get_textpage()) as layer:
        shown = "".join(words(_LINE_END_HYPHEN.sub("", layer.get_text_bounded())))
    return [line for line in lines if all(word in shown for word in words(line))]


def words(text: str) -> list[str]:
    """The runs of letters and digits of a text, in lower case."""
    return _WORD.findall(text.lower())


def compare(ours: str, plain: str) -> Agreement:
    """How our reading of a page agrees with the plain one."""
    expected, got = words(plain), words(ours)
    missing = _missing(expected, got)
    lost = sum(len(word) * count for word, count in missing.items())
    letters = sum(map(len, expected))
    pairs, own = Counter(pairwise(expected)), set(pairwise(got))
    found = sum(count for pair, count in pairs.items() if pair in own)
    return Agreement(letters, letters - lost, sum(pairs.values()), found)


def _missing(expected: list[str], got: list[str]) -> Counter[str]:
    missing = Counter(expected) - Counter(got)
    if not missing:
        return missing
    joined = "".join(got)
    # Each look costs the page's length; a page that lacks more words than this lacks them all.
    glued = {word for word, _ in islice(missing.items(), _MOST_LOOKS) if word in joined}
    return Counter({word: n for word, n in missing.items() if word not in glued})


def lost_lines(ours: str, plain: str) -> list[str]:
    """The lines of the plain reading most of whose letters are nowhere in ours."""
    got = words(ours)
    joined, left = "".join(got), Counter(got)
    lost: list[str] = []
    for line in plain.splitlines()[:_MOST_LINES]:
        spoken = words(line)
        absent = [word for word in spoken if left[word] <= 0 and word not in joined]
        left.subtract(spoken)
        if len("".join(absent)) > 0.6 * len("".join(spoken)) and "".join(spoken):
            lost.append(" ".join(line.split()))
    return lost
