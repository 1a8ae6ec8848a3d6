"""Filters ruled lines from all that is drawn: no underlines, no invisible edges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.layout import Box
from pipeline.parsing.pdf.ink import Fill, Rule, Word, holds
from pipeline.parsing.pdf.tiles import Tiles
from pipeline.parsing.pdf.underlines import without_underlines

if TYPE_CHECKING:
    import liteparse

# A line may lean by so many points and be horizontal or vertical to a reader.
_LEAN = 1.0
_SHORTEST = 4.0
# Narrower areas are lines, not the ground that something stands on.
_NARROW = 3.0
_WHITE = "ffffffff"
# A page with more lines is a drawing; of more areas at one place only the last ones are seen.
_MOST_LINES = 40_000
_MOST_GROUNDS = 200
# So near to an edge the color is looked at: white hairlines between areas are half a point wide.
_BESIDE = 0.2


def fills_of(drawn: liteparse.VectorGraphics) -> list[Fill]:
    """The filled areas of a page, in the order in which they are drawn."""
    fills = []
    for shape in drawn.shapes:
        left, top, width, height = shape.bbox
        if shape.fill and shape.fill_color and min(width, height) > _NARROW:
            fills.append(Fill(Box(left, top, left + width, top + height), shape.fill_color))
    return fills


def rules_of(
    drawn: liteparse.VectorGraphics, fills: Sequence[Fill], words: Sequence[Word]
) -> list[Rule]:
    """The lines that part something from something, as a reader sees them."""
    if len(drawn.lines) > _MOST_LINES:
        return []
    grounds = Grounds(fills)
    rules = []
    for line in drawn.lines:
        rule = _rule(line.x1, line.y1, line.x2, line.y2)
        if rule is None:
            continue
        stroked = line.stroke and not (line.stroke_color or "ff").startswith("00")
        if stroked or (line.fill and _is_edge(rule, line.fill_color or "ff000000", grounds)):
            rules.append(rule)
    return without_underlines(rules, words)


def _rule(x1: float, y1: float, x2: float, y2: float) -> Rule | None:
    if abs(y1 - y2) <= _LEAN and abs(x1 - x2) >= _SHORTEST:
        return Rule(True, (y1 + y2) / 2, min(x1, x2), max(x1, x2))
    if abs(x1 - x2) <= _LEAN and abs(y1 - y2) >= _SHORTEST:
        return Rule(False, (x1 + x2) / 2, min(y1, y2), max(y1, y2))
    return None


class Grounds:
    """The colors on which things stand."""

    def __init__(self, fills: Sequence[Fill]) -> None:
        self._fills = Tiles((fill.box, fill) for fill in fills)

    def color_at(self, x: float, y: float) -> str:
        """The color of the area that was drawn last at a point; white where there is none."""
        here = self._fills.at(x, y)[-_MOST_GROUNDS:]
        return next((fill.color for fill in reversed(here) if holds(fill.box, x, y)), _WHITE)


def _is_edge(rule: Rule, color: str, grounds: Grounds) -> bool:
    """Whether the edge of a filled area is seen: one side of it has another color."""
    middle = (rule.start + rule.end) / 2
    for offset in (-_BESIDE, _BESIDE):
        x, y = (middle, rule.at + offset) if rule.horizontal else (rule.at + offset, middle)
        if grounds.color_at(x, y) != color:
            return True
    return False
