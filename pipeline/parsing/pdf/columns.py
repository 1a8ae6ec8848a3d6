"""Orders pages with columns of text: down the left one, then down the right one."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.layout import RegionKind
from pipeline.parsing.pdf.ink import around
from pipeline.parsing.pdf.pieces import Piece

# Columns are parted by at least so many points.
_GUTTER = 6.0
# A column holds text: so many words, and so many for each of its pieces. Labels with their values
# beside them stand in two columns too, and are read across.
_MIN_WORDS, _WORDS_PER_PIECE = 40, 9.0
# What crosses the gutter may hold so many of the page's words.
_MAX_CROSSING = 0.5
# White space across both columns that parts what is above it from what is below it.
_BREAK = 32.0
_MOST_PIECES = 1_000


def in_reading_order(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces of a page, each column of text from top to bottom before the next one."""
    gutter = _gutter(pieces)
    if gutter is None:
        return list(pieces)
    ordered: list[Piece] = []
    band: list[Piece] = []
    for piece in sorted(pieces, key=lambda p: p.box.top):
        if _crosses(piece, gutter):
            ordered += _by_column(band, gutter)
            ordered.append(piece)
            band = []
        elif band and piece.box.top - around(p.box for p in band).bottom > _BREAK:
            ordered += _by_column(band, gutter)
            band = [piece]
        else:
            band.append(piece)
    return ordered + _by_column(band, gutter)


def _by_column(band: Sequence[Piece], gutter: float) -> list[Piece]:
    left = [piece for piece in band if piece.box.right <= gutter]
    right = [piece for piece in band if piece.box.right > gutter]
    if not left or not right:
        return in_reading_order(band) if len(band) > 3 else list(band)
    return [*in_reading_order(left), *in_reading_order(right)]


def _crosses(piece: Piece, gutter: float) -> bool:
    return piece.box.left < gutter < piece.box.right


def _gutter(pieces: Sequence[Piece]) -> float | None:
    """Where a gutter between two columns of text runs, if one does."""
    if not 4 <= len(pieces) <= _MOST_PIECES:
        return None
    total = sum(map(_words, pieces))
    best: tuple[int, float] | None = None
    for edge in sorted({piece.box.right for piece in pieces}):
        gutter = edge + _GUTTER / 2
        left = [piece for piece in pieces if piece.box.right <= gutter]
        right = [piece for piece in pieces if piece.box.left >= gutter]
        crossing = total - sum(map(_words, left)) - sum(map(_words, right))
        if not (_is_column(left) and _is_column(right)) or crossing > _MAX_CROSSING * total:
            continue
        width = min(p.box.left for p in right) - max(p.box.right for p in left)
        held = min(sum(map(_words, left)), sum(map(_words, right)))
        if width >= _GUTTER and (best is None or held > best[0]):
            best = (held, gutter)
    return best[1] if best else None


def _is_column(pieces: Sequence[Piece]) -> bool:
    text = [
        piece for piece in pieces if piece.table is None and piece.kind is not RegionKind.HEADING
    ]
    words = sum(map(_words, text))
    return len(text) > 1 and words >= max(_MIN_WORDS, _WORDS_PER_PIECE * len(text))


def _words(piece: Piece) -> int:
    return sum(len(line.text.split()) for line in piece.lines)
