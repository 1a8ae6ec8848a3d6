"""Recognizes headings: which lines can be one, and which of them have a reach.

A parser takes a line for a heading by its size or weight. Sentences, prices, page numbers, form
labels and rows of tables are printed large too; as headings they would stand above everything
that follows them.
"""

from __future__ import annotations

import re

from pipeline.text import fold

MAX_CHARS = 160
MAX_WORDS = 20
MAX_DEPTH = 4
"""Headings above a passage: of more, the outermost ones say nothing of it any more."""
_LONG_SENTENCE_CHARS = 60
_LONG_SENTENCE_WORDS = 8
_SHORT_LOWER_WORDS = 3

# Most headings are a few words, and are seen to be headings at once.
_PLAIN = re.compile(
    r"(?!(?:No|Not|None|Nil|Yes|Covered|Page)\b)[A-Z][a-z]+(?:[ ][A-Za-z]+){0,5}+\Z", re.ASCII
)
_LETTER = re.compile(r"[^\W\d_]")
_MARKS = re.compile(r"[*_`#\s]+")
_AMOUNT_FIRST = re.compile(
    r"\W{0,3}(?:(?:[$€£¥₹]|(?:USD|EUR|GBP|CHF|INR|Rs\.?|C\$|US\$)[ ]?)[ ]?\d"
    r"|\d[\d.,]{0,15}[ ]?(?:[%€£]|percent\b|EUR\b))",
    re.IGNORECASE,
)
_ONLY_AMOUNTS = re.compile(
    r"\A\W*+(?:no charge|not covered|covered|none|nil|n/a|yes|no)\W*+\Z"
    r"|\A(?=\D*+\d)(?:[\W\d_]|\b(?:copay|copayment|coinsurance|deductible|visit|per|not|covered|no|charge"
    r"|after|and|or|USD|EUR|GBP|INR|Rs|day|days|month|year|admission|person|family|individual|of"
    r"|the|a|to|up|max|n|none|nil|yes)\b)++\Z",
    re.IGNORECASE,
)
_PAGE_NUMBER = re.compile(
    r"(?:.{0,80}[\s/|–-])??\W{0,5}"
    r"(?:p[ ]?a[ ]?g[ ]?e|page|pg|p[áa]g(?:ina|\.)?|seite|p)\b[ ]?[.:]?[ ]?\d{1,5}"
    r"(?:[ ]?(?:/|of|de|di|von|sur|out of)[ ]?\d{1,5})?\W{0,5}\Z"
    r"|\W{0,5}\d{1,5}[ ]?(?:/|of|de|di|von)[ ]?\d{1,5}\W{0,5}\Z"
    r"|\W{0,5}\d{1,5}[ ]?\|[ ]?p[ ]?a[ ]?g[ ]?e\W{0,5}\Z",
    re.IGNORECASE,
)
_LEADER = re.compile(r"(?:\.[ ]?){4,}|…{2,}|_{4,}")
_SENTENCE_END = re.compile(r"[.!?;][)\]”\"']?\s+[A-ZÀ-Þ(“\"]")
_NUMBERED = re.compile(r"\W{0,2}(?:\d{1,3}|[A-Z]|[IVXLC]{1,6})[.)]", re.IGNORECASE)
_ABBREVIATION = re.compile(r"\b(?:Inc|Ltd|Co|Corp|No|Art|Sec|St|Dr|Mr|Ms|Mrs|[A-Z])\.", re.ASCII)
_ADDRESS = re.compile(r"\A\W*+(?:https?://|www\.|[^\s@]{1,64}@)\S++\W*+\Z", re.IGNORECASE)
_LABEL = re.compile(r"\bY ?/ ?N\b|\(MM/DD/Y|:\s*\d")
_FIRST_LABEL, _SIGN_AS_LABEL = re.compile(r"[:#?][ ]+\S"), re.compile(r"[#/]\s*:")
_WORD = re.compile(r"\w")
_CODE = re.compile(r"\A(?=\D*+\d)[A-Z\d/.-]{6,}+\Z|\A.*\b(?=[A-Z]*+\d)[A-Z\d]{12,}\b")
_CONTENTS = re.compile(
    r"\A\W*+(?:table of contents|contents|index|indice|índice|sommario|inhalt\w{0,20})\W*+\Z",
    re.IGNORECASE,
)
_CONTINUED = re.compile(
    r"(?<!\W)\W*+\b(?:continued|cont['’]?d|cont\.|continuación|continua(?:zione)?|fortsetzung|suite)"
    r"\W*+\Z",
    re.IGNORECASE,
)


def can_be_heading(title: str) -> bool:
    """Whether a line that is marked as a heading can be one.

    Args:
        title: the line without its marks.
    """
    if _PLAIN.match(title):
        return True
    words = title.count(" ") + 1
    if len(title) > MAX_CHARS or words > MAX_WORDS or not _LETTER.search(title):
        return False
    return not (
        _is_sentence(title, words)
        or _is_price(title)
        or is_page_number(title)
        or title.count("|") > 1
        or _LEADER.search(title)
        or _ADDRESS.match(title)
        or _has_labels(title)
        or _CODE.match(title)
    )


def is_page_number(line: str) -> bool:
    """Whether a line tells the page and nothing else but what the document is called."""
    return len(line) <= MAX_CHARS and _PAGE_NUMBER.match(line) is not None


def title_key(title: str) -> str:
    """A heading for comparison: without case, numbers of pages and the word "continued"."""
    return _CONTINUED.sub("", _MARKS.sub(" ", fold(title)).strip()).casefold()


def is_contents(title: str) -> bool:
    """Whether a heading names the table of contents, which holds no other part of a document."""
    return _CONTENTS.match(title) is not None


def is_continued(title: str) -> bool:
    """Whether a heading says that it was printed before."""
    return _CONTINUED.search(title) is not None


def _has_labels(title: str) -> bool:
    """Whether it is a row of labels of a form: ``Name: Date:``, ``Policy #:``, ``a: | b:``."""
    if _LABEL.search(title):
        return True
    first, last = title.find(":"), title.rfind(":")
    if "|" in title[max(first, 0) : max(last, 0)]:
        return True
    signs = [found.end() for found in _SIGN_AS_LABEL.finditer(title)]
    if signs and not _WORD.search(title, signs[-1]):
        return True
    before = _FIRST_LABEL.search(title)
    return before is not None and before.end() <= last and not _WORD.search(title, last)


def _is_price(title: str) -> bool:
    return _ONLY_AMOUNTS.match(title) is not None or _AMOUNT_FIRST.match(title) is not None


def _is_sentence(title: str, words: int) -> bool:
    """Whether it reads as (a piece of) a sentence: by its end, its beginning or a stop within."""
    ends = title.endswith((".", ";", ",", "。", ".”", '."'))
    if ends and not _ABBREVIATION.search(title[-6:]):
        return len(title) > _LONG_SENTENCE_CHARS or words > _LONG_SENTENCE_WORDS
    if title[0].islower() and words > _SHORT_LOWER_WORDS and not _NUMBERED.match(title):
        return True
    inner = _NUMBERED.sub("", title, count=1)
    return words > _LONG_SENTENCE_WORDS and _SENTENCE_END.search(inner) is not None
