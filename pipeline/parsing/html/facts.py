"""Reads a page's metadata: title, author, dates."""

from __future__ import annotations

from bs4 import BeautifulSoup, Tag

from pipeline.parsing.html.elements import attribute

_MAX_CHARS = 500
_NAMES = {
    "author": "author", "dc.creator": "author", "dcterms.creator": "author",
    "date": "date", "dc.date": "date", "dcterms.date": "date",
    "created": "created", "dcterms.created": "created", "article:published_time": "created",
    "dcterms.modified": "modified", "article:modified_time": "modified",
    "last-modified": "modified", "keywords": "keywords",
}  # fmt: skip


def title(soup: BeautifulSoup) -> str:
    """The page's title, empty when it has none."""
    return " ".join(soup.title.get_text().split()) if soup.title else ""


def facts(soup: BeautifulSoup) -> dict[str, str]:
    """The title, author, dates and keywords that a page names, by our names."""
    found: dict[str, str] = {}
    if name := title(soup)[:_MAX_CHARS]:
        found["title"] = name
    for element in soup.find_all("meta"):
        if not isinstance(element, Tag):
            continue
        name = attribute(element, "name") or attribute(element, "property")
        words = " ".join(attribute(element, "content").split())[:_MAX_CHARS]
        if words and (ours := _NAMES.get(name.lower())):
            found.setdefault(ours, words)
    return found
