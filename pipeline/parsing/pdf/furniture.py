"""Removes running headers, footers and page numbers, recognized over pages."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from pipeline.layout import RegionKind
from pipeline.parsing.pdf.pieces import PageDraft, Piece, TextLine, piece_box

# The part of a page's height, and of its width, in which running lines stand.
_TOP, _BOTTOM, _SIDE = 0.13, 0.11, 0.09
_MIN_PAGES = 3
_LONGEST = 300
# A running line stands at one height; documents that were put together waver a little.
_WAVER = 12.0
_NUMBER = re.compile(r"\d{1,5}")
_ROMAN = re.compile(r"\A[-–—\s]*+[ivxlc]{1,7}+[-–—\s]*+", re.IGNORECASE)
_PAGE = re.compile(r"(?:page|pages|pg\.?|p\.|seite|p[aá]gina|pag\.?|stran[ay]|sida)[\s#:]*$")
_COUNTED = re.compile(
    r"(?:section|article|part|chapter|clause|schedule|exhibit|appendix|annex|form|plan|tier|level"
    r"|year|option|item|coverage|step|table|figure|no\.?|number)[\s#:]*+$|#[\s:]*+$"
)
_WORDS_OF_NUMBERS = re.compile(
    r"\A[\W\d_]*+(?:(?:page|pages|pg|p|seite|pagina|página)[\W\d_]*+)?"
    r"(?:(?:of|von|di|de|sur)[\W\d_]*+)?",
    re.IGNORECASE,
)

_Key = tuple[str, int]


def take_out_furniture(pages: Sequence[PageDraft]) -> int:
    """Moves running lines from the pages' pieces to their furniture; the first of each stays.

    Returns:
        How many pages something was taken from.
    """
    seen: dict[_Key, list[tuple[int, float]]] = defaultdict(list)
    for page in pages:
        for piece, line in _marginal(page):
            for key in _keys(line.text, page.number, piece.kind):
                seen[key].append((page.number, _height(line)))
    running = {key: places for key, places in seen.items() if _is_running(places)}
    if not running:
        return 0
    kept: set[str] = set()
    return sum(_clear(page, running, kept) for page in pages)


def _marginal(page: PageDraft) -> Iterator[tuple[Piece, TextLine]]:
    width, height = page.width, page.height
    for piece in page.pieces:
        if piece.kind is RegionKind.TABLE:
            continue
        for line in piece.lines:
            box = line.box
            at_side = box.right <= _SIDE * width or box.left >= (1 - _SIDE) * width
            if len(line.text) > _LONGEST:
                continue
            if (
                box.bottom <= _TOP * height
                or box.top >= (1 - _BOTTOM) * height
                or at_side
                or piece.kind is RegionKind.ANNOTATION
            ):
                yield piece, line


def _keys(text: str, number: int, kind: RegionKind) -> Iterator[_Key]:
    """What lines of a running header share: all of the text, or all but a number that counts."""
    words = " ".join(text.split()).lower()
    yield words, -1
    for match in _NUMBER.finditer(words):
        before, after = words[: match.start()], words[match.end() :]
        # "Section 2" as a heading counts too, and says something.
        named = _PAGE.search(before) is not None
        if named or (kind is not RegionKind.HEADING and _counts_pages(before, after)):
            # What grows with the page is its number; amounts differ as well.
            yield f"{before}\x00{after}", int(match[0]) - number + 100_000
    if _ROMAN.fullmatch(words):
        yield "\x00roman", -2


def _counts_pages(before: str, after: str) -> bool:
    """Whether a number can be a page's: at an end of its line, or a word of its own."""
    if _COUNTED.search(before):
        return False
    alone = before[-1:] in ("", " ") and after[:1] in ("", " ")
    return alone or not before.strip("-–— |") or not after.strip("-–— |")


def _height(line: TextLine) -> float:
    return (line.box.top + line.box.bottom) / 2


def _is_running(places: Sequence[tuple[int, float]]) -> bool:
    heights = sorted(height for _, height in places)
    middle = heights[len(heights) // 2]
    near = {number for number, height in places if abs(height - middle) <= _WAVER}
    return len(near) >= _MIN_PAGES


def _clear(page: PageDraft, running: dict[_Key, list[tuple[int, float]]], kept: set[str]) -> bool:
    gone: set[int] = set()
    for piece, line in _marginal(page):
        keys = [key for key in _keys(line.text, page.number, piece.kind) if key in running]
        if not keys:
            continue
        name = min(keys)[0]
        is_number = _WORDS_OF_NUMBERS.fullmatch(line.text) is not None or name == "\x00roman"
        if is_number or name in kept:
            page.furniture.append(line.text)
            gone.add(id(line))
        kept.add(name)
    for piece in page.pieces:
        if any(id(line) in gone for line in piece.lines):
            piece.lines = [line for line in piece.lines if id(line) not in gone]
            if piece.lines:
                piece.box = piece_box(piece.lines)
    page.pieces = [piece for piece in page.pieces if piece.lines or piece.table is not None]
    return bool(gone)
