"""Recognizes lines of a page that can be headings, whatever their size is."""

from __future__ import annotations

import re

MAX_CHARACTERS = 160
MAX_WORDS = 18
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_PAGE_NUMBER = re.compile(r"(?:page\s*)?[\divxlc]{1,5}(?:\s*(?:of|/|-)\s*\d{1,5})?", re.IGNORECASE)
_ENDS_WITH_PAGE = re.compile(r"\bpage\s\d{1,4}$", re.IGNORECASE)
_AMOUNT = re.compile(r"[$€£¥]?\s?[\d.,]+\s?%?")
_SENTENCE_END = re.compile(r"[.;,]$")
_LONG = 8
# Two sentences, however short, or labels that wait for their values.
_SENTENCES = re.compile(r"[^\W\d_]{3}[.;] .{0,160}[.;]$|:\s.{0,160}:$")


def is_heading(text: str) -> bool:
    """Whether a text can head what follows: no sentence, amount, page number or whole paragraph."""
    text = " ".join(text.split())
    words = text.split(" ")
    if not text or len(text) > MAX_CHARACTERS or len(words) > MAX_WORDS:
        return False
    if _LETTERS.search(text) is None or _PAGE_NUMBER.fullmatch(text) or _AMOUNT.fullmatch(text):
        return False
    if _SENTENCES.search(text) or _ENDS_WITH_PAGE.search(text) or text.startswith("©"):
        return False
    is_sentence = _SENTENCE_END.search(text) is not None and len(words) > _LONG
    return not is_sentence and not words[0][:1].islower()
