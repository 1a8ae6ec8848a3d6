"""The text of an e-mail's parts: plain or HTML, in any encoding."""

from __future__ import annotations

import codecs
import re

from pipeline.errors import ParseError
from pipeline.parsing.texts import plain

_WORD = re.compile(r"[^\W_]+")
_TABLE_RULE = re.compile(r"^\|(?: ?:?-+:? ?\|){2,}$", re.MULTILINE)
_ENOUGH = 0.6


def text_of(data: bytes, charset: str | None, *, html: bool = False) -> str:
    """The text of bytes: in the declared encoding if it fits, else in the one that they show."""
    if html:
        return _html_text(data, charset)
    return _decode(data, charset).strip()


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


def _html_text(data: bytes, charset: str | None) -> str:
    from pipeline.parsing import html

    # the letter's own header goes before what the page in it says of itself
    marked = b"\xef\xbb\xbf" + _decode(data, charset).encode("utf-8", "replace")
    try:
        return html.to_markdown(marked if charset else data)
    except ParseError:
        return ""


def richer(text: str, markdown: str) -> str:
    """The better of two writings of one letter: plain, unless only HTML has its tables or words."""
    if not markdown or not text:
        return text or markdown
    if _TABLE_RULE.search(markdown):
        return markdown
    words, others = len(_WORD.findall(text)), len(_WORD.findall(markdown))
    return text if words >= _ENOUGH * others else markdown
