"""Reads what a page's own style sheets hide: simple rules only, each for one class or id."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bs4 import BeautifulSoup

_HIDES = re.compile(r"display\s{0,9}:\s{0,9}none|visibility\s{0,9}:\s{0,9}hidden", re.IGNORECASE)
_SIMPLE = re.compile(r"[.#][\w-]{1,100}")
_MAX_CHARS = 2_000_000


class StyleSheets:
    """The style sheets in a page.

    Attributes:
        hidden: class names (``.x``) and ids (``#x``) that are not shown.
        known: whether they alone say how the page looks.
        colored: whether some of them gives a background.
    """

    def __init__(self, soup: BeautifulSoup) -> None:
        sheets = [sheet.get_text() for sheet in soup.find_all("style")]
        self.hidden = {name for sheet in sheets for name in _hidden(sheet[:_MAX_CHARS])}
        self.known = not soup.find("link", rel="stylesheet")
        self.colored = any("background" in sheet for sheet in sheets)


def _hidden(sheet: str) -> Iterator[str]:
    """The selectors of rules that hide, outside of media queries (those of a printer say less)."""
    depth = 0
    for piece in _without_comments(sheet).split("}"):
        opened = piece.count("{")
        selectors, _, rules = piece.partition("{")
        if depth == 0 and opened == 1 and _HIDES.search(rules):
            for selector in selectors.split(","):
                if _SIMPLE.fullmatch(selector.strip()):
                    yield selector.strip().lower()
        depth = max(depth + opened - 1, 0)


def _without_comments(sheet: str) -> str:
    parts = sheet.split("/*")
    return parts[0] + "".join(part.partition("*/")[2] for part in parts[1:])
