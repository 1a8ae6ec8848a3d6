"""Reads form fields (AcroForm) and annotations: what was filled in or put on after printing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.layout import Box
from pipeline.parsing.pdf.ink import TICKED, UNTICKED, Annotation, Field
from pipeline.text import normalize

if TYPE_CHECKING:
    import liteparse

_PASSWORD_FLAG = 1 << 13
_TICKS = ("checkbox", "radiobutton", "radio", "check")
_BUTTONS = ("pushbutton", "button")
# Marks on a text that say nothing of their own, unless somebody typed a remark into them.
_SILENT = frozenset({"link", "popup", "widget", "printermark", "trapnet"})


def field_of(field: liteparse.FormField) -> Field | None:
    """A form field as a reader sees it; None for one that is empty, a button, or no place."""
    if field.rect is None or field.type.lower() in _BUTTONS:
        return None
    box = Box(
        field.rect.x,
        field.rect.y,
        field.rect.x + field.rect.width,
        field.rect.y + field.rect.height,
    )
    label = _clean(field.alternate_name or "")
    if field.type.lower() in _TICKS:
        return Field(TICKED if field.checked else UNTICKED, box, label, is_tick=True)
    if field.field_flags & _PASSWORD_FLAG:
        return Field("[hidden]", box, label) if field.value else None
    chosen = ", ".join(each for each in field.selected_options if each) or (field.value or "")
    if field.type.lower() == "signature":
        return Field("[signed]", box, label) if field.value else None
    value = _clean(chosen)
    return Field(value, box, label) if value else None


def annotation_of(annotation: liteparse.DocumentAnnotation) -> Annotation | None:
    """A remark on a page; None for links, pop-ups and marks without words."""
    text = _clean(annotation.contents or "")
    if annotation.rect is None or not text or annotation.subtype.lower() in _SILENT:
        return None
    rect = annotation.rect
    box = Box(rect.x, rect.y, rect.x + rect.width, rect.y + rect.height)
    return Annotation(text, box)


def _clean(text: str) -> str:
    return " ".join(normalize(text).text.split())
