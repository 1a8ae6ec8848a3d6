"""Places values of form fields among the printed words: each beside its label, once."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.layout import Box
from pipeline.parsing.pdf.ink import Field, PageInk, Word, holds
from pipeline.parsing.pdf.tiles import Tiles

BESIDE = 220.0
"""How far from each other a label and its value on the same line may stand, in points."""

_MARGIN = 1.0
_LINE_HEIGHT = 14.0


def with_fields(ink: PageInk, words: list[Word]) -> tuple[list[Word], dict[int, Word]]:
    """The words with each field's value in its place, and by their order the values' labels."""
    if not ink.fields:
        return words, {}
    places = Tiles((word.box, word) for word in words)
    drawn: set[int] = set()
    values = []
    for field in ink.fields:
        drawn |= {id(word) for word in _drawn_values(field, places.over(field.box))}
        height = min(field.box.bottom - field.box.top, _LINE_HEIGHT)
        middle = (field.box.top + field.box.bottom) / 2
        box = Box(field.box.left, middle - height / 2, field.box.right, middle + height / 2)
        values.append(Word(field.value, box, height * 0.75, filled=True))
    printed = [word for word in words if id(word) not in drawn]
    for order, word in enumerate((*printed, *values)):
        word.order = order
    labels: dict[int, Word] = {}
    places = Tiles((word.box, word) for word in printed)
    for field, value in zip(ink.fields, values, strict=True):
        if (label := _label_of(field, places.over(_beside(field)))) is not None:
            labels[value.order] = label
    return [*printed, *values], labels


def _beside(field: Field) -> Box:
    left, top, right, bottom = field.box
    return Box(left - BESIDE, top, right + BESIDE, bottom)


def _drawn_values(field: Field, words: Sequence[Word]) -> list[Word]:
    """The words that are a field's value as the file draws it."""
    inside = [word for word in words if holds(field.box, *word.middle, _MARGIN)]
    if field.is_tick:
        return [word for word in inside if len(word.text) == 1]
    value = set(field.value.split())
    return [word for word in inside if word.text in value]


def _label_of(field: Field, words: Sequence[Word]) -> Word | None:
    """The printed word nearest to a field on its line: before a value, at either side of a tick."""
    middle = (field.box.top + field.box.bottom) / 2
    line = [w for w in words if not w.turn and w.box.top - 2 <= middle <= w.box.bottom + 2]
    before = max(
        (w for w in line if w.box.right <= field.box.left + 2),
        key=lambda w: w.box.right,
        default=None,
    )
    after = min(
        (w for w in line if w.box.left >= field.box.right - 2),
        key=lambda w: w.box.left,
        default=None,
    )
    gap_before = field.box.left - before.box.right if before else BESIDE + 1
    gap_after = after.box.left - field.box.right if after else BESIDE + 1
    if field.is_tick and gap_after <= min(gap_before, BESIDE):
        return after
    return before if gap_before <= BESIDE else None
