"""HTML to Markdown: headings, lists and tables stay; scripts, styles and navigation go."""

from __future__ import annotations

import re
from typing import Any

from bs4 import BeautifulSoup, Comment, Tag
from bs4.dammit import EncodingDetector
from markdownify import MarkdownConverter

from pipeline.parsing import plain

_DROPPED = (
    "script", "style", "noscript", "template", "nav", "iframe", "object", "embed", "svg", "canvas",
    "button", "input", "select", "textarea", "dialog", "link", "meta", "base",
)  # fmt: skip
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_NAVIGATION_ROLES = ("navigation", "search", "menu", "menubar")
# What browsers read when a page says the first: the WHATWG label table, in its common cases.
_BROWSER_ENCODINGS = {"iso-8859-1": "cp1252", "latin-1": "cp1252", "us-ascii": "cp1252"}
_BLANK_LINES = re.compile(r"\n{3,}")


class _Converter(MarkdownConverter):
    """Markdown whose tables survive a ``|`` in a cell."""

    def convert_td(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        text = text.replace("|", "\\|")
        return str(super().convert_td(el, text, parent_tags))  # type: ignore[misc]  # not in stub

    def convert_th(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        text = text.replace("|", "\\|")
        return str(super().convert_th(el, text, parent_tags))  # type: ignore[misc]  # not in stub


def to_markdown(content: bytes) -> str:
    """The Markdown of an HTML page given as bytes in any encoding.

    Raises:
        ParseError: UNSUPPORTED_TYPE, when this is no text.
        RecursionError: elements nested too deeply.
    """
    soup = BeautifulSoup(decode(content), "lxml")
    _drop_boilerplate(soup)
    _keep_title(soup)
    return soup_to_markdown(soup)


def soup_to_markdown(soup: BeautifulSoup) -> str:
    """The Markdown of a parsed page; pictures leave their description, links their words."""
    for picture in soup.find_all("img"):
        picture.replace_with(_attribute(picture, "alt"))
    converter = _Converter(
        heading_style="ATX",
        bullets="-",
        escape_asterisks=False,
        escape_underscores=False,
        table_infer_header=True,
        strip=["a"],
    )
    text = str(converter.convert_soup(soup)).replace("\N{NO-BREAK SPACE}", " ")
    return _BLANK_LINES.sub("\n\n", "\n".join(line.rstrip() for line in text.split("\n"))).strip()


def decode(content: bytes) -> str:
    """The characters of a page: by its mark, then what it declares, then what the bytes say."""
    declared = EncodingDetector.find_declared_encoding(content[:4096], is_html=True)
    has_mark = content.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"))
    if declared and not has_mark:
        encoding = _BROWSER_ENCODINGS.get(declared.lower(), declared)
        try:
            return content.decode(encoding)
        except (LookupError, ValueError):  # ValueError: a NUL in the name, or undecodable
            pass
    return plain.decode(content)


def _drop_boilerplate(soup: BeautifulSoup) -> None:
    for comment in soup.find_all(string=lambda s: isinstance(s, Comment)):
        comment.extract()
    for element in soup.find_all(_unwanted):
        element.extract()


def _unwanted(element: Tag) -> bool:
    return (
        element.name in _DROPPED
        or element.has_attr("hidden")
        or _attribute(element, "role") in _NAVIGATION_ROLES
        or bool(_HIDDEN_STYLE.search(_attribute(element, "style")))
    )


def _keep_title(soup: BeautifulSoup) -> None:
    """The page's title becomes its heading when the text has none."""
    title = soup.title.extract() if soup.title else None
    words = " ".join(title.get_text().split()) if title else ""
    if words and not soup.find("h1"):
        heading = soup.new_tag("h1")
        heading.string = words
        (soup.body or soup).insert(0, heading)


def _attribute(element: Tag, name: str) -> str:
    value: Any = element.get(name)
    return value if isinstance(value, str) else ""
