"""Tells a site's own furniture (menus, banners, header, footer) from the text of a page."""

from __future__ import annotations

from bs4 import Tag

from pipeline.parsing.html.elements import attribute, names, token, words

_COOKIES = token("cookie", "consent", "gdpr", "onetrust", "ccpa")
_BREADCRUMBS = token("breadcrumb", "skip-?(?:link|nav|to-content)")
_MENUS = token("nav(?:bar|igation)?[\\W_]", "menu", "dropdown-menu", "top-?bar", "toolbar")
_MENU_LINKED = 0.7
"""The share of a menu's characters that stand in links; a table of contents is like that too."""
_TEXT_AREAS = ("main", "article", "section")
_WHOLE_PAGE = ("html", "body", "main", "article")
_MAX_BANNER_CHARS = 3000
_MAX_FURNITURE_CHARS = 300
"""A site's header or footer with more words than this outside of links has something to say."""
_TOGGLE_MARKS = (
    "aria-expanded", "aria-controls", "data-toggle", "data-bs-toggle", "data-target",
    "data-bs-target",
)  # fmt: skip
_TOGGLES = token("accordion", "collaps", "toggle", "faq", "question", "expand", "tab")


def is_boilerplate(element: Tag) -> bool:
    """Whether an element is a menu, a cookie banner, or the header or footer of the site."""
    role = attribute(element, "role")
    if element.name == "nav" or role in ("navigation", "search", "menu", "menubar"):
        return True
    if element.name in ("header", "footer") or role in ("banner", "contentinfo"):
        return _is_of_the_site(element)
    if element.name in _WHOLE_PAGE:
        return False
    name = names(element)
    if _COOKIES.search(name):
        holds_page = element.find(["h1", "main", "article"]) is not None
        return not holds_page and len(words(element)) <= _MAX_BANNER_CHARS
    is_path = _BREADCRUMBS.search(name) is not None
    if not is_path and not _MENUS.search(name):
        return False
    if element.find(["h1", "table", "p"]) is not None:
        return False
    return is_path or _linked_share(element) >= _MENU_LINKED


def _linked_share(element: Tag) -> float:
    linked = sum(len(words(link)) for link in element.find_all(["a", "nav", "button"]))
    return linked / max(1, len(words(element)))


def _is_of_the_site(element: Tag) -> bool:
    if any(above.name in _TEXT_AREAS or above.name == element.name for above in element.parents):
        return False
    if element.find(["h1", "main", "article"]) is not None:
        return False
    length = len(words(element))
    return length * (1 - _linked_share(element)) <= _MAX_FURNITURE_CHARS


def is_idle_button(button: Tag) -> bool:
    """Whether a button has nothing to say: all but those that open a part of the text."""
    if any(button.has_attr(mark) for mark in _TOGGLE_MARKS):
        return attribute(button, "aria-haspopup") in ("menu", "true")
    if any(
        above.name in ("h2", "h3", "h4", "h5", "h6", "summary", "dt") for above in button.parents
    ):
        return False
    label = words(button)
    return not (label.endswith("?") or _TOGGLES.search(names(button)) or _has_panel(button))


def _has_panel(button: Tag) -> bool:
    """Whether what follows a button is a hidden panel, which it opens."""
    after = button.find_next_sibling()
    style = attribute(after, "style").replace(" ", "") if isinstance(after, Tag) else ""
    return isinstance(after, Tag) and (after.has_attr("hidden") or "display:none" in style)
