"""Reads the values of form fields, as a reader of the page sees them."""

from __future__ import annotations

from bs4 import Tag

from pipeline.parsing.flowing.inline import box
from pipeline.parsing.html.elements import attribute

FIELDS = ("input", "select", "textarea")
_WITHOUT_VALUE = (
    "hidden", "password", "submit", "reset", "button", "image", "file", "search", "color", "range",
)  # fmt: skip


def field_text(field: Tag) -> str:
    """What a field shows: its value, its chosen options, ``[x]`` or ``[ ]``; no password."""
    match field.name:
        case "select":
            return f" {_chosen(field)} "
        case "textarea":
            return f" {field.get_text()} "
    kind = attribute(field, "type").lower()
    if kind in ("checkbox", "radio"):
        return box(field.has_attr("checked"))
    return "" if kind in _WITHOUT_VALUE else f" {attribute(field, 'value')} "


def _chosen(select: Tag) -> str:
    options = [each for each in select.find_all("option") if isinstance(each, Tag)]
    chosen = [each for each in options if each.has_attr("selected")]
    if not chosen and options and not select.has_attr("multiple"):
        chosen = options[:1]  # what a browser shows
    return ", ".join(_label(each) for each in chosen if not _is_prompt(each))


def _label(option: Tag) -> str:
    return " ".join((attribute(option, "label") or option.get_text()).split())


def _is_prompt(option: Tag) -> bool:
    """Whether an option only asks to choose one."""
    return option.has_attr("value") and not attribute(option, "value").strip()
