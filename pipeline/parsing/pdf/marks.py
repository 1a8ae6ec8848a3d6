"""Separates superscripts inside a word: ``$250`` and its footnote ``1``."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

from pipeline.layout import Box
from pipeline.parsing.pdf.frame import Frame
from pipeline.parsing.pdf.glyphs import Glyph, Run, glyphs_of
from pipeline.parsing.pdf.ink import Word, holds
from pipeline.parsing.pdf.lines import MARK_SIZE, is_mark, with_mark

if TYPE_CHECKING:
    from pypdfium2 import PdfTextPage

# The lower edge of a raised run lies so far above that of its word, in parts of the word's height:
# letters on the line end a fifth above it.
_ABOVE = 0.3
# The foot of a raised character is so much higher than its neighbors', in parts of their height.
_RAISED = 0.1
_MAX_MARK = 6
# Signs that stand high in every word are lower than most marks, in parts of the word's height.
_LOW, _HIGH_SIGNS = 0.3, frozenset("-–—’‘'\"“”·•˙ʼ")
_SIGNS = "*†‡§¶#)]"
# Words are looked up by rows of so many points.
_ROW = 16.0
_MOST_RUNS, _MOST_MARKS, _MOST_NEAR = 20_000, 1_000, 500


def possible_marks(layer: PdfTextPage) -> array[float]:
    """The pieces of a page's text that are no longer than a mark: four edges of each."""
    runs = map(layer.get_rect, range(min(layer.count_rects(), _MOST_RUNS)))
    # Some programs set each character by itself: thousands of pages of them are kept for a while.
    return array("f", chain.from_iterable(run for run in runs if _is_small(run)))


def _is_small(run: Run) -> bool:
    left, bottom, right, top = run
    across, up = right - left, top - bottom
    # Text that stands sideways in the file may stand upright on its page.
    return across <= _MAX_MARK * up and up <= _MAX_MARK * across


def suspects(words: Sequence[Word], edges: array[float], frame: Frame) -> list[tuple[Run, Word]]:
    """Short pieces of text that stand high in a word, each with its word."""
    if not edges:
        return []
    rows: dict[int, list[Word]] = defaultdict(list)
    for word in words:
        if not word.turn and len(word.text) > 1:
            for row in range(int(word.box.top // _ROW), int(word.box.bottom // _ROW) + 1):
                rows[row].append(word)
    found: list[tuple[Run, Word]] = []
    for run in zip(*[iter(edges)] * 4, strict=True):
        box = frame.place(*run)
        x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
        for word in rows.get(int(y // _ROW), ())[:_MOST_NEAR]:
            if holds(word.box, x, y) and _may_be_mark(box, word):
                found.append((run, word))
                break
    return found


def _may_be_mark(box: Box, word: Word) -> bool:
    """Whether a piece stands high in its word, and is none of its hyphens or apostrophes."""
    height = word.box.bottom - word.box.top
    if word.box.bottom - box.bottom < _ABOVE * height:
        return False
    if box.bottom - box.top < _LOW * height and not _HIGH_SIGNS.isdisjoint(word.text):
        return False
    if box.right >= word.box.right - 1.0:
        return word.text[-1].isalnum() or word.text[-1] in _SIGNS
    if box.left <= word.box.left + 1.0:
        return word.text[0].isalnum() or word.text[0] in _SIGNS
    return True


def split_marks(glued: Sequence[tuple[Run, Word]], layer: PdfTextPage, frame: Frame) -> None:
    """Parts superscripts from the words that the layout reader glued them to.

    Args:
        glued: the suspects of the page.
        layer: the text of the same page, not rotated.
    """
    done: set[int] = set()
    for run, word in glued:
        if word.order not in done and len(done) < _MOST_MARKS:
            done.add(word.order)
            if glyphs := glyphs_of(word, run, layer, frame):
                _split(word, glyphs)


def _split(word: Word, glyphs: Sequence[Glyph]) -> None:
    """Take the raised characters at a word's end, or at its beginning, or within it, off it."""
    largest = max(glyph.height for glyph in glyphs)
    foot = max(glyph.foot for glyph in glyphs if glyph.height > MARK_SIZE * largest)
    raised = [
        glyph.height <= MARK_SIZE * largest and foot - glyph.foot >= _RAISED * largest
        for glyph in glyphs
    ]
    if not any(raised):
        return
    first = raised.index(True)
    end = next((n for n in range(first, len(raised)) if not raised[n]), len(raised))
    head, mark, tail = (
        "".join(glyph.text for glyph in part)
        for part in (glyphs[:first], glyphs[first:end], glyphs[end:])
    )
    if head + mark + tail != word.text or not is_mark(mark):
        return
    if not tail:
        word.text, word.mark = head, mark
    elif not head:
        word.text = f"[{mark.strip('[]()')}] {tail}"
    else:
        word.text = with_mark(head, mark) + tail
