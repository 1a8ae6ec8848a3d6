"""Finds fields and remarks that the file hides from readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.layout import Box
from pipeline.parsing.pdf.frame import Frame
from pipeline.parsing.pdf.ink import PageInk

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

# Bits of an annotation's flags: hidden, and not shown on a screen.
_HIDDEN, _NO_VIEW = 1 << 1, 1 << 5
_MOST = 20_000
# Two readings give the same edge within so many points; few edges lie near the steps' ends.
_STEP, _OFFSET = 1.0, 0.123


def leave_out_hidden(ink: PageInk, page: PdfPage, frame: Frame) -> None:
    """Takes fields and remarks that no reader sees off a page's ink, and keeps their texts apart.

    Args:
        page: the same page, not rotated.
    """
    if not ink.fields and not ink.annotations:
        return
    hidden = _hidden_boxes(page, frame)
    if not hidden:
        return
    places = {_place(box) for box in hidden}
    ink.hidden += [field.value for field in ink.fields if _place(field.box) in places]
    ink.hidden += [note.text for note in ink.annotations if _place(note.box) in places]
    ink.fields = [field for field in ink.fields if _place(field.box) not in places]
    ink.annotations = [note for note in ink.annotations if _place(note.box) not in places]


def _place(box: Box) -> tuple[int, ...]:
    return tuple(round((edge + _OFFSET) / _STEP) for edge in box)


def _hidden_boxes(page: PdfPage, frame: Frame) -> list[Box]:
    from pypdfium2 import raw

    boxes = []
    rect = raw.FS_RECTF()
    for index in range(min(raw.FPDFPage_GetAnnotCount(page), _MOST)):
        annotation = raw.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        if raw.FPDFAnnot_GetFlags(annotation) & (_HIDDEN | _NO_VIEW) and raw.FPDFAnnot_GetRect(
            annotation, rect
        ):
            boxes.append(frame.place(rect.left, rect.bottom, rect.right, rect.top))
        raw.FPDFPage_CloseAnnot(annotation)
    return boxes
