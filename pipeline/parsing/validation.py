"""Whether a parsed document is text that a person can read. Pure rules; the gate uses the numbers.

`require_text` refuses a document without words; `assess` counts, and decides nothing.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from dataclasses import dataclass

from pipeline.documents import ParsedDocument, ParsedPage
from pipeline.errors import ParseCode, ParseError
from pipeline.text import beyond_ascii, count_words

_WORD = re.compile(r"[^\W_]+")
_USUAL = (
    b"""\t\n\x0b\f\r\x1c\x1d\x1e\x1f .,;:!?'"()[]{}/\\|#*_+=<>@&%$-"""
    + (string.ascii_letters + string.digits).encode()
)
_SPACE = re.compile(r"\s+")
# Letters, marks, numbers, punctuation, symbols and separators; not Cc, Cf, Co, Cn, Cs.
_READABLE_CATEGORIES = frozenset("LMNPSZ")
_MAX_NAMED_PAGES = 10


@dataclass(frozen=True, slots=True)
class TextAssessment:
    """What can be counted in a parsed document; flat, so that it becomes one row of a frame.

    Attributes:
        pages: all pages; 1 for a format without pages.
        pages_with_text: pages that hold a word and are not merely a stamped picture.
        blank_pages: pages without words that are neither pictures nor failed.
        scanned_pages: numbers of the pages that are pictures without a text layer.
        failed_pages: numbers of the pages that could not be read.
        characters: of the canonical text.
        words: runs of letters and digits.
        readable_share: of the characters that are not replacements, controls or private use; 1
            for an empty text.
        coverage: pages_with_text / pages.
        duplicate_page_share: of the pages with text, those that repeat an earlier page.
        replaced: NULs and lone surrogates replaced while normalising.
    """

    pages: int
    pages_with_text: int
    blank_pages: int
    scanned_pages: tuple[int, ...]
    failed_pages: tuple[int, ...]
    characters: int
    words: int
    readable_share: float
    coverage: float
    duplicate_page_share: float
    replaced: int


def assess(document: ParsedDocument) -> TextAssessment:
    """Count what the quality gate judges."""
    pages = document.pages
    with_text = [page for page in pages if _has_text(page)]
    scanned = tuple(page.number for page in pages if page.scanned)
    failed = tuple(page.number for page in pages if page.error is not None)
    known = {page.number for page in with_text} | set(scanned) | set(failed)
    return TextAssessment(
        pages=len(pages),
        pages_with_text=len(with_text),
        blank_pages=sum(page.number not in known for page in pages),
        scanned_pages=scanned,
        failed_pages=failed,
        characters=len(document.text),
        words=count_words(document.text),
        readable_share=readable_share(document.text),
        coverage=len(with_text) / len(pages) if pages else 0.0,
        duplicate_page_share=_duplicate_share(with_text),
        replaced=document.replaced,
    )


def require_text(document: ParsedDocument) -> None:
    """Refuse a document in which no page has a word of its own.

    Raises:
        ParseError: NO_TEXT for pages (scanned ones are named) and pictures, EMPTY otherwise.
    """
    if any(_has_text(page) for page in document.pages):
        return
    scanned = [page.number for page in document.pages if page.scanned]
    if document.paged and scanned:
        message = f"The file has no text layer: {_named(scanned)} only pictures."
        raise ParseError(ParseCode.NO_TEXT, message)
    if document.paged:
        message = f"The file has no text layer: no word on any of its {len(document.pages)} pages."
        raise ParseError(ParseCode.NO_TEXT, message)
    if scanned:
        raise ParseError(ParseCode.NO_TEXT, "The file has no text layer: it holds only pictures.")
    raise ParseError(ParseCode.EMPTY, "The file holds no words.")


def readable_share(text: str) -> float:
    """The share of characters that a reader can make sense of, 0 to 1; 1 for an empty text."""
    if not text:
        return 1.0
    # The common characters are skipped in one pass: only the rest is looked at one by one.
    unusual = text.encode("ascii", "ignore").translate(None, _USUAL).decode()
    odd = Counter(unusual) + Counter(beyond_ascii(text))
    unreadable = sum(n for character, n in odd.items() if not _is_readable(character))
    return 1 - unreadable / len(text)


def _is_readable(character: str) -> bool:
    if character == "\N{REPLACEMENT CHARACTER}":
        return False
    return character.isspace() or unicodedata.category(character)[0] in _READABLE_CATEGORIES


def _has_text(page: ParsedPage) -> bool:
    return not page.scanned and _WORD.search(page.text) is not None


def _duplicate_share(pages: list[ParsedPage]) -> float:
    if len(pages) < 2:
        return 0.0
    distinct = {_SPACE.sub(" ", page.text) for page in pages}
    return 1 - len(distinct) / len(pages)


def _named(numbers: list[int]) -> str:
    if len(numbers) == 1:
        return f"page {numbers[0]} holds"
    shown = ", ".join(map(str, numbers[:_MAX_NAMED_PAGES]))
    more = len(numbers) - _MAX_NAMED_PAGES
    return f"pages {shown} and {more} more hold" if more > 0 else f"pages {shown} hold"
