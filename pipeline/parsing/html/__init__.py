"""Parses HTML to Markdown: what a reader sees, without menus, scripts and hidden text."""

from __future__ import annotations

import warnings

from bs4 import BeautifulSoup, MarkupResemblesLocatorWarning, XMLParsedAsHTMLWarning
from bs4.dammit import EncodingDetector

from pipeline.parsing.flowing.blocks import Block, Heading, ReadText, markdown_of
from pipeline.parsing.html.facts import facts, title
from pipeline.parsing.html.flow import FlowReader
from pipeline.parsing.html.pruning import prune
from pipeline.parsing.texts import plain

# What browsers read when a page says the first: the WHATWG label table, in its common cases.
_BROWSER_ENCODINGS = {"iso-8859-1": "cp1252", "latin-1": "cp1252", "us-ascii": "cp1252"}


def read(content: bytes) -> ReadText:
    """The Markdown of an HTML page given as bytes in any encoding.

    Raises:
        ParseError: UNSUPPORTED_TYPE, when this is no text.
        RecursionError: elements nested too deeply.
    """
    soup = _soup(content)
    found, name = facts(soup), title(soup)
    notes = prune(soup)
    blocks: list[Block] = FlowReader().blocks(soup)
    if name and not any(isinstance(block, Heading) and block.level == 1 for block in blocks):
        blocks.insert(0, Heading(1, name))
    return ReadText(markdown_of(blocks), notes=notes, facts=found)


def blocks_of(content: bytes) -> list[Block]:
    """The blocks of a piece of HTML that is part of another document; raises as `read`."""
    soup = _soup(content)
    prune(soup)
    return FlowReader().blocks(soup)


def _soup(content: bytes) -> BeautifulSoup:
    with warnings.catch_warnings():
        # XHTML is a page like any other, and a text that looks like an address is a text.
        warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)
        warnings.simplefilter("ignore", MarkupResemblesLocatorWarning)
        return BeautifulSoup(decode(content), "lxml")


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
