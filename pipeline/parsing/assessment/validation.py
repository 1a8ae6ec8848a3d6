"""Validates that a parsed document is text that a person can read. Pure rules.

`require_text` refuses a document without words; `assess` counts, and decides nothing.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from dataclasses import dataclass
from math import nan
from typing import Any

from pipeline.documents import ParsedDocument, ParsedPage
from pipeline.errors import ParseCode, ParseError
from pipeline.fidelity import Fidelity
from pipeline.parsing.assessment.language import language_of
from pipeline.parsing.assessment.letters import plausible_share, running_words, spread_sample
from pipeline.parsing.assessment.structure import headings_of, repeated_furniture
from pipeline.text import beyond_ascii, count_words

_WORD = re.compile(r"[^\W_]+")
_USUAL = (
    b"""\t\n\x0b\f\r\x1c\x1d\x1e\x1f .,;:!?'"()[]{}/\\|#*_+=<>@&%$-"""
    + (string.ascii_letters + string.digits).encode()
)
_SPACE = re.compile(r"\s+")
# Letters, marks, numbers, punctuation, symbols and separators. Beside them only what shapes and
# directs writing (Cf: joiners, soft hyphens, direction marks) belongs to a text.
_READABLE_CATEGORIES = frozenset("LMNPSZ")
_LONG_RUN = re.compile(r"[A-Za-z0-9+/]{60,}")
_ENCODED_SIGNS = 16
_TWICE_ENCODED = re.compile("[\u00c2-\u00c5][\u0080-\u00bf]|\u00e2[\u0080\u20ac].")
_TELLING_CHARACTERS = 200
_MAX_NAMED_PAGES = 10


@dataclass(frozen=True, slots=True)
class TextAssessment:
    """What can be counted in a parsed document; flat, so that it becomes one row of a frame.

    Attributes:
        pages: pages that show something; 1 for a format without pages.
        pages_with_text: those of them that hold a word and are not merely a stamped picture.
        blank_pages: pages without words that are neither pictures nor failed; not in `pages`.
        scanned_pages: numbers of the pages that are pictures without a text layer.
        failed_pages: numbers of the pages that could not be read.
        characters: of the canonical text.
        words: runs of letters and digits.
        readable_share: of the characters that a reader can make sense of; 1 for an empty text.
        language: ISO 639-1, empty when it cannot be told.
        language_known: 1 or 0; NaN for a text that is too short to tell.
        letters_plausible: share of pairs of letters that are usual in a language; NaN for few.
        headings, odd_headings, heading_share, headings_sane: see `structure.Headings`.
        furniture_repeated: share of pages that repeat a running header or footer; NaN for few.
        words_found, order_agreement, ruled_rows_whole, glyphs_readable: shares that the parser
            measured (`Fidelity`); NaN where it did not.
        ruled_rows: rows of ruled tables. glyphs_without_unicode: characters not known.
        coverage: pages_with_text / pages.
        duplicate_page_share: of the pages with text, those that repeat an earlier page.
        replaced: NULs and lone surrogates replaced while normalizing.
    """

    pages: int
    pages_with_text: int
    blank_pages: int
    scanned_pages: tuple[int, ...]
    failed_pages: tuple[int, ...]
    characters: int
    words: int
    readable_share: float
    language: str
    language_known: float
    letters_plausible: float
    headings: int
    odd_headings: int
    heading_share: float
    headings_sane: float
    furniture_repeated: float
    words_found: float
    order_agreement: float
    ruled_rows: int
    ruled_rows_whole: float
    glyphs_readable: float
    glyphs_without_unicode: int
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
    measured = document.fidelity or Fidelity()
    showing = max(measured.pages or len(known), 1)
    read = measured.pages_with_text if measured.pages else len(with_text)
    return TextAssessment(
        pages=showing,
        pages_with_text=read or 0,
        blank_pages=sum(page.number not in known for page in pages),
        scanned_pages=scanned,
        failed_pages=failed,
        characters=len(document.text),
        words=count_words(document.text),
        readable_share=readable_share(document.text),
        **_letters(document),
        **_headings(document),
        furniture_repeated=repeated_furniture(document),
        **_measured(measured),
        coverage=(read or 0) / showing,
        duplicate_page_share=_duplicate_share(with_text),
        replaced=document.replaced,
    )


def _letters(document: ParsedDocument) -> dict[str, Any]:
    """The language, and whether the letters are those of one."""
    sample = spread_sample(document.text)
    words = running_words(sample)
    text = " ".join(words if sample.isascii() else sample.split())
    language = document.language or language_of(text)
    enough = len(text) >= _TELLING_CHARACTERS
    return {
        "language": language,
        "language_known": float(bool(language)) if enough else nan,
        "letters_plausible": plausible_share(words, language),
    }


def _headings(document: ParsedDocument) -> dict[str, Any]:
    found = headings_of(document.text)
    return {
        "headings": found.count,
        "odd_headings": found.odd,
        "heading_share": found.share,
        "headings_sane": found.sane,
    }


def _measured(fidelity: Fidelity) -> dict[str, Any]:
    """The parser's measurements as shares, NaN where nothing was measured."""
    rows, glyphs = fidelity.ruled_rows or 0, fidelity.glyphs or 0
    whole, unknown = fidelity.ruled_rows_whole, fidelity.glyphs_without_unicode
    return {
        "words_found": nan if fidelity.words_found is None else fidelity.words_found,
        "order_agreement": nan if fidelity.order_agreement is None else fidelity.order_agreement,
        "ruled_rows": rows,
        "ruled_rows_whole": whole / rows if rows and whole is not None else nan,
        "glyphs_readable": 1 - unknown / glyphs if glyphs and unknown is not None else nan,
        "glyphs_without_unicode": unknown or 0,
    }


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
    """The share of characters that a reader can make sense of, 0 to 1; 1 for an empty text.

    Not sense make controls, private-use and replacement characters, letters of an encoding that
    was read as another ("Ã©" for "é"), and files written as letters (base64).
    """
    if not text:
        return 1.0
    # The common characters are skipped in one pass: only the rest is looked at one by one.
    unusual = text.encode("ascii", "ignore").translate(None, _USUAL).decode()
    odd = Counter(unusual) + Counter(beyond_ascii(text))
    unreadable = sum(n for character, n in odd.items() if not _is_readable(character))
    sample = spread_sample(text)
    encoded = sum(map(len, filter(_is_encoded, _LONG_RUN.findall(sample))))
    unreadable += round(encoded * len(text) / len(sample))
    unreadable += 0 if text.isascii() else sum(map(len, _TWICE_ENCODED.findall(text)))
    return 1 - min(unreadable, len(text)) / len(text)


def _is_encoded(run: str) -> bool:
    """Whether a long run is bytes written as letters, not a line of filling ("XXXX", "////")."""
    return len(set(run)) >= _ENCODED_SIGNS and any(map(str.isdigit, run)) and not run.isupper()


def _is_readable(character: str) -> bool:
    if character == "\N{REPLACEMENT CHARACTER}":
        return False
    category = unicodedata.category(character)
    return character.isspace() or category == "Cf" or category[0] in _READABLE_CATEGORIES


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
