"""Sentences that the layout reader cut apart: a line in bold is no heading when it goes on."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.layout import RegionKind
from pipeline.parsing.pdf.ink import around
from pipeline.parsing.pdf.pieces import Piece

# A line follows the one before it when so many of its heights lie between them at most.
_NEAR = 1.2
_ENDS = ".:;!?"
_OPENS = (RegionKind.HEADING, RegionKind.PARAGRAPH, RegionKind.LIST)


def join_sentences(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces, those that go on in the middle of a sentence joined to the one before."""
    joined: list[Piece] = []
    for piece in pieces:
        before = joined[-1] if joined else None
        if before is not None and _goes_on(before, piece):
            if before.kind is RegionKind.HEADING:
                before.kind, before.level = RegionKind.PARAGRAPH, 0
            before.lines = [*before.lines, *piece.lines]
            before.box = around((before.box, piece.box))
        else:
            joined.append(piece)
    return joined


def _goes_on(before: Piece, piece: Piece) -> bool:
    if before.kind not in _OPENS or piece.kind is not RegionKind.PARAGRAPH:
        return False
    if before.keeps_lines or piece.keeps_lines or not before.lines:
        return False
    last, first = before.lines[-1], piece.lines[0]
    if not first.text[:1].islower() or last.text[-1:] in _ENDS:
        return False
    height = max(last.box.bottom - last.box.top, 1.0)
    below = -0.5 * height <= first.box.top - last.box.bottom <= _NEAR * height
    in_column = min(last.box.right, first.box.right) > max(last.box.left, first.box.left)
    return below and in_column
