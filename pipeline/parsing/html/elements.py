"""Answers questions about a page's elements that several of its readers ask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bs4 import Tag
from bs4.element import NavigableString, PreformattedString

UNSEEN = frozenset(
    {"script", "style", "noscript", "template", "iframe", "object", "embed", "canvas", "audio",
     "video", "datalist", "link", "meta", "base", "head", "title", "param", "source"}
)  # fmt: skip
"""Elements whose contents a browser does not show as text."""


def attribute(element: Tag, name: str) -> str:
    """An attribute as one string, empty when it is missing."""
    value: Any = element.get(name)
    if isinstance(value, list):
        return " ".join(map(str, value))
    return value if isinstance(value, str) else ""


def names(element: Tag) -> str:
    """The classes and the id of an element, in lower case: what its author calls it."""
    return f" {attribute(element, 'class')} {attribute(element, 'id')} ".lower()


def words(element: Tag) -> str:
    """The words in an element that a browser would show, with single spaces."""
    return " ".join(" ".join(_texts(element)).split())


def has_words(element: Tag) -> bool:
    """Whether there is a letter or digit in an element that a browser would show."""
    return any(any(map(str.isalnum, text)) for text in _texts(element))


def _texts(element: Tag) -> Iterator[str]:
    for each in element.descendants:
        is_text = isinstance(each, NavigableString) and not isinstance(each, PreformattedString)
        if is_text and (each.parent is None or each.parent.name not in UNSEEN):
            yield str(each)


def token(*parts: str) -> re.Pattern[str]:
    """Finds any of some words at the beginning of a word in `names`."""
    return re.compile(rf"[\W_](?:{'|'.join(parts)})")
