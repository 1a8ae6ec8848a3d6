"""Reads the bodies of an e-mail, plain or HTML in any encoding, with notes on their gaps."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence

from pipeline.errors import ParseError
from pipeline.parsing.flowing.blocks import ReadText
from pipeline.parsing.texts import plain

_WORD = re.compile(r"[^\W_]+")
_TABLE_RULE = re.compile(r"^\|(?: ?:?-+:? ?\|){2,}$", re.MULTILINE)
_ENOUGH = 0.6


def text_of(data: bytes, charset: str | None) -> str:
    """The text of bytes: in the declared encoding if it fits, else in the one that they show."""
    return _decode(data, charset).strip()


def read_body(data: bytes, charset: str | None, *, html: bool) -> ReadText:
    """Reads a body's text, and notes what a page leaves out or keeps of what is not seen."""
    return _read_html(data, charset) if html else ReadText(text_of(data, charset))


def joined(bodies: Sequence[ReadText]) -> ReadText:
    """Several bodies as one: their texts in order, each note once."""
    notes = dict.fromkeys(note for body in bodies for note in body.notes)
    return ReadText("\n\n".join(body.markdown for body in bodies), tuple(notes))


def _decode(data: bytes, charset: str | None) -> str:
    name = (charset or "").lower()
    # what says less than ASCII, or too little, is not believed
    if name and name not in ("us-ascii", "unknown-8bit"):
        try:
            codecs.lookup(name)
            return data.decode(name)
        except (LookupError, ValueError):
            pass
    try:
        return plain.decode(data)
    except ParseError:
        return data.decode("utf-8", "replace")


def _read_html(data: bytes, charset: str | None) -> ReadText:
    from pipeline.parsing import html

    # the letter's own header goes before what the page in it says of itself
    marked = b"\xef\xbb\xbf" + _decode(data, charset).encode("utf-8", "replace")
    try:
        return html.read(marked if charset else data)
    except ParseError:
        return ReadText("")


def richer(text: ReadText, page: ReadText) -> ReadText:
    """The better of two writings of one letter: plain, unless only HTML has its tables or words."""
    if not page.markdown or not text.markdown:
        return text if text.markdown else page
    if _TABLE_RULE.search(page.markdown):
        return page
    words, others = (len(_WORD.findall(each.markdown)) for each in (text, page))
    return text if words >= _ENOUGH * others else page
