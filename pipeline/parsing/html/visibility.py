"""Decides what of a page a reader sees: hidden for good, or collapsed until opened."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bs4 import BeautifulSoup, Tag

from pipeline.parsing.html.elements import attribute, names, token, words
from pipeline.parsing.html.stylesheets import StyleSheets

_HIDING_STYLE = re.compile(
    r"(?:^|[;\s])(?:display\s{0,9}:\s{0,9}none|visibility\s{0,9}:\s{0,9}(?:hidden|collapse)"
    r"|opacity\s{0,9}:\s{0,9}0(?![.\d])|font-size\s{0,9}:\s{0,9}0(?![.\d])"
    r"|max-height\s{0,9}:\s{0,9}0(?![.\d])|(?:text-indent|left|top)\s{0,9}:\s{0,9}-\d{4})",
    re.IGNORECASE,
)
_WHITE = r"(?:white|#fff(?:fff)?|rgba?\(\s{0,3}255\s{0,3},\s{0,3}255\s{0,3},\s{0,3}255)"
_WHITE_TEXT = re.compile(rf"(?:^|[;\s])color\s{{0,9}}:\s{{0,9}}{_WHITE}", re.IGNORECASE)
_BACKGROUND = re.compile(r"(?:^|[;\s])background(?:-color|-image)?\s{0,9}:\s{0,9}([^;]{1,200})")
_IS_WHITE = re.compile(rf"{_WHITE}|none|transparent|initial", re.IGNORECASE)
_FOR_EARS = token("sr-only", "visually-?hidden", "screen-reader", "screenreader", "assistive-text")

_TOGGLED = token(
    "panel", "collaps", "accordion", "faq", "answer", "tab-?pane", "tab-?content", "tab-?panel",
    "toggle", "expand", "disclosure", "show-?more", "read-?more", "body-?text",
)  # fmt: skip
_TOGGLES = token("accordion", "toggle", "question", "trigger", "collaps", "expand", "faq", "tab")
_NO_TEXT_OF_THE_PAGE = token(
    "cookie", "consent", "gdpr", "modal", "pop-?up", "overlay", "lightbox", "menu", "nav",
    "drop-?down", "drawer", "tooltip", "toast", "spinner", "load", "template", "search", "login",
    "share", "alert", "error", "print",
)  # fmt: skip
_OTHER_ROLES = ("dialog", "alertdialog", "menu", "tooltip", "navigation", "alert", "status")
_CONTROLS = ("button", "summary", "dt", "label", "h1", "h2", "h3", "h4", "h5", "h6")
_MAX_CONTROL_CHARS = 300
_MIN_WORDS = 3


class Visibility:
    """Tells which elements of a page are hidden, and which of those a click would show."""

    def __init__(self, soup: BeautifulSoup) -> None:
        self._sheets = StyleSheets(soup)
        self._controlled = _controlled(soup)

    def is_hidden(self, element: Tag) -> bool:
        """Whether an element is not shown when the page opens."""
        style = attribute(element, "style")
        return (
            element.has_attr("hidden")
            or attribute(element, "aria-hidden") == "true"
            or (element.name == "dialog" and not element.has_attr("open"))
            or _is_closed_dialog(element)
            or (bool(style) and _HIDING_STYLE.search(style) is not None)
            or not self._sheets.hidden.isdisjoint(_selectors(element))
            or _FOR_EARS.search(names(element)) is not None
            or self._is_white_on_white(element)
        )

    def is_collapsed(self, element: Tag) -> bool:
        """Whether something on the page opens a hidden element: the panel of an accordion."""
        name, role = names(element), attribute(element, "role")
        if _NO_TEXT_OF_THE_PAGE.search(name) or role in _OTHER_ROLES or element.name == "dialog":
            return False
        if _FOR_EARS.search(name) or self._is_white_on_white(element):
            return False
        if len(words(element).split()) < _MIN_WORDS:
            return False
        return (
            attribute(element, "id") in self._controlled
            or role in ("tabpanel", "region")
            or _TOGGLED.search(name) is not None
            or any(_TOGGLED.search(names(above)) for above in _near(element))
            or _opens(_before(element))
        )

    def _is_white_on_white(self, element: Tag) -> bool:
        style = attribute(element, "style")
        is_white = attribute(element, "color").lower() in ("white", "#fff", "#ffffff")
        if not is_white and not (style and _WHITE_TEXT.search(style)):
            return False
        for each in (element, *element.parents):
            if match := _BACKGROUND.search(attribute(each, "style")):
                return _IS_WHITE.match(match[1].strip()) is not None
            if each.has_attr("bgcolor") or each.has_attr("background"):
                return attribute(each, "bgcolor").lower() in ("white", "#fff", "#ffffff")
        return self._sheets.known and not self._sheets.colored


def _is_closed_dialog(element: Tag) -> bool:
    """Whether an element is a dialog of a common framework, which scripts open."""
    classes = attribute(element, "class").lower().split()
    return "modal" in classes and ("fade" in classes or "hide" in classes)


def keeps_place(cell: Tag) -> bool:
    """Whether a hidden cell of a table still takes its place there."""
    style = attribute(cell, "style").replace(" ", "").lower()
    return not cell.has_attr("hidden") and "display:none" not in style


def _selectors(element: Tag) -> Iterable[str]:
    found = {f".{each}" for each in attribute(element, "class").lower().split()}
    return found | {f"#{attribute(element, 'id').lower()}"}


def _controlled(soup: BeautifulSoup) -> set[str]:
    """The ids of what buttons and links on the page open."""
    found: set[str] = set()
    for element in soup.find_all(True):
        found.update(attribute(element, "aria-controls").split())
        for name in ("data-target", "data-bs-target", "href"):
            target = attribute(element, name)
            if target.startswith("#"):
                found.add(target[1:])
    return found - {""}


def _near(element: Tag) -> list[Tag]:
    return [above for above, _ in zip(element.parents, range(3), strict=False)]


def _before(element: Tag) -> Tag | None:
    """The element before another: its elder sibling, or its parent's when it has none."""
    for each in (element, element.parent):
        found = each.find_previous_sibling() if each is not None else None
        if isinstance(found, Tag):
            return found
    return None


def _opens(element: Tag | None) -> bool:
    """Whether an element looks like what one clicks to open the next."""
    if element is None or len(words(element)) > _MAX_CONTROL_CHARS:
        return False
    return (
        element.name in _CONTROLS
        or element.has_attr("aria-expanded")
        or element.has_attr("onclick")
        or attribute(element, "role") in ("button", "tab")
        or attribute(element, "href").startswith("#")
        or _TOGGLES.search(names(element)) is not None
        or element.find(["button", "summary"]) is not None
    )
