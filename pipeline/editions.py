"""Reads which edition of a form a document is, and from when it applies.

Insurers print the edition at the foot of each page or beside the form's number: "CG 00 01 04 13",
"Ed. 04/13", "Rev. 01-2024", "(08/22)", "Edition March 2020". Only the first page and the running
headers and footers are looked at: what is attached behind is another form. A date of figures alone
is read as in the USA, month first, unless its first figure cannot be a month.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from pipeline.documents import ParsedDocument
from pipeline.text import fold

FORM, EDITION, EDITION_DATE, EFFECTIVE_DATE = "form", "edition", "edition_date", "effective_date"
"""Names of the facts of a job: as printed, as printed, YYYY-MM-DD (its month's first) and so."""

_PAGE_CHARACTERS, _FURNITURE_LINES, _LINE_CHARACTERS = 6_000, 40, 300
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_NAME = "(?P<name>jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]{0,6}\\.?"
_DAY = (
    r"(?:(?P<year>(?:19|20)\d\d)-(?P<month>\d\d)-(?P<day>\d\d)"
    r"|(?P<one>\d{1,2})(?P<mark>[/.-])(?P<two>\d{1,2})(?P=mark)(?P<late>(?:19|20)\d\d|\d\d)"
    rf"|(?:(?P<before>\d{{1,2}}) )?{_NAME} (?:(?P<after>\d{{1,2}})(?:st|nd|rd|th)?,? )?"
    r"(?P<named>(?:19|20)\d\d))(?![\d/])"
)
_MONTH_AND_YEAR = r"(?P<m>0?[1-9]|1[0-2]) ?[/.-] ?(?P<y>(?:19|20)\d\d|\d\d)(?![\d/.-])"
_YEAR_AND_MONTH = r"(?P<yy>(?:19|20)\d\d)[/-](?P<mm>0[1-9]|1[0-2])(?![\d/.-])"
_SAID = r"\b(?:ed(?:ition)?|rev(?:ised|ision)?|version)\.?(?: date)?:? ?\(?"
# "CG 00 01 04 13": two letters, the form's number, and the month and year of its edition.
_BUREAU = re.compile(
    r"\b(?P<form>[A-Z]{2} \d\d \d\d) (?P<edition>(?P<m>0[1-9]|1[0-2]) ?[/-]? ?(?P<y>\d\d))(?![\d/])"
)
# "ACORD 25 (2016/03)", "WC-0412 (08/22)"
_NUMBERED = re.compile(
    r"\b(?P<form>[A-Z]{2,8}[ -]?\d{1,6}(?:[ -]?[A-Z]{1,3})?)"
    rf" \((?P<edition>{_YEAR_AND_MONTH}|{_MONTH_AND_YEAR})\)"
)
_SAID_MONTH = re.compile(rf"{_SAID}(?P<edition>{_MONTH_AND_YEAR}|{_YEAR_AND_MONTH})", re.IGNORECASE)
_SAID_DAY = re.compile(rf"{_SAID}(?P<edition>{_DAY})", re.IGNORECASE)
_IN_BRACKETS = re.compile(rf"\((?P<edition>{_MONTH_AND_YEAR})\)")
_EFFECTIVE = re.compile(
    r"\b(?:effective(?: date)?(?: of coverage| from| as of| on)?|(?:policy|coverage) period"
    r"|inception(?: date)?)"
    rf"[ :*|]{{0,6}}(?:beginning )?(?:on or after |from |on )?{_DAY}",
    re.IGNORECASE,
)
# Nearly no text holds what an expression looks for. Each has quicker ones, of which it needs one in
# the text in small letters: what begins with fixed characters is found many times as fast.
_FIGURE = re.compile(r"\d")
_DATED = r"\.?(?: date)?:? ?\(?(?:\d|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_SAID_HINTS = (
    re.compile(rf"ed(?:ition)?{_DATED}"),
    re.compile(rf"rev(?:ised|ision)?{_DATED}"),
    re.compile(rf"version{_DATED}"),
)
_HINTS = {
    _BUREAU: (re.compile(r" \d\d \d\d [01]\d"),),
    _NUMBERED: (re.compile(r" \(\d"),),
    _SAID_DAY: _SAID_HINTS,
    _SAID_MONTH: _SAID_HINTS,
    _IN_BRACKETS: (re.compile(r"\(\d"),),
    _EFFECTIVE: tuple(map(re.compile, ("effective", "y period", "e period", "inception"))),
}
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ANYWHERE = (_BUREAU, _NUMBERED, _SAID_DAY, _SAID_MONTH)


@dataclass(frozen=True, slots=True)
class Edition:
    """Which edition of a form a document is.

    Attributes:
        form, edition: as printed, or empty. edition_date, effective_date: ISO dates, None when
            they are not printed.
    """

    form: str = ""
    edition: str = ""
    edition_date: str | None = None
    effective_date: str | None = None

    @classmethod
    def of(cls, facts: Mapping[str, str]) -> Edition:
        """The edition that the facts of a job tell; what is no date is passed over."""
        return cls(
            facts.get(FORM, ""),
            facts.get(EDITION, ""),
            _iso(facts.get(EDITION_DATE)),
            _iso(facts.get(EFFECTIVE_DATE)),
        )

    @property
    def words(self) -> str:
        """``edition 04/13``, ``from 2026-01-01``, or nothing where neither is printed."""
        if self.edition:
            return f"edition {self.edition}"
        return f"from {self.effective_date}" if self.effective_date else ""


def _iso(told: str | None) -> str | None:
    return told if told is not None and _ISO.fullmatch(told) else None


def edition_facts(document: ParsedDocument) -> dict[str, str]:
    """What a document prints of its form, edition and effective date; what it does not is absent.

    Facts that the file says of itself under the same name are left as they are.
    """
    found: dict[str, str] = {}
    for line, margin in _places(document):
        if _FIGURE.search(line) is not None:
            small = _small(line)
            for name, value in (*_edition(line, small, margin), *_effective(line, small)):
                found.setdefault(name, value)
    return {name: value for name, value in found.items() if name not in document.facts}


def _places(document: ParsedDocument) -> Iterator[tuple[str, bool]]:
    """Where an edition is printed, and whether that is a margin: these come first."""
    furniture = [line for page in document.pages[:3] for line in page.furniture]
    for line in furniture[:_FURNITURE_LINES]:
        yield _flat(line[:_LINE_CHARACTERS]), True
    for page in document.pages[:1]:
        lines = page.text[:_PAGE_CHARACTERS].split("\n")
        lines += page.text[_PAGE_CHARACTERS:][-_LINE_CHARACTERS * 4 :].split("\n")
        for line in (*lines[-3:], *lines[:3]):
            yield _flat(line[:_LINE_CHARACTERS]), True
        yield _flat(" ".join(lines)), False


def _flat(text: str) -> str:
    return " ".join(fold(text).replace("**", "").split())


def _small(line: str) -> str:
    """A line in small letters, with a plain i for each letter that is one where case is ignored."""
    return line.replace("\u0130", "i").replace("\u0131", "i").lower()


def _found(expression: re.Pattern[str], line: str, small: str) -> Iterator[re.Match[str]]:
    """What an expression finds in a line that holds figures.

    Args:
        small: the line in small letters.
    """
    if any(hint.search(small) for hint in _HINTS[expression]):
        yield from expression.finditer(line)


def _edition(line: str, small: str, margin: bool) -> Iterator[tuple[str, str]]:
    # In a sentence, figures in brackets are something else more often than an edition.
    for expression in (*_ANYWHERE, *([_IN_BRACKETS] if margin else [])):
        for found in _found(expression, line, small):
            when = _day(found) if expression is _SAID_DAY else _month(found)
            if when is None:
                continue
            if "form" in expression.groupindex:
                yield FORM, found["form"]
            yield EDITION, found["edition"].strip()
            yield EDITION_DATE, when.isoformat()
            return


def _effective(line: str, small: str) -> Iterator[tuple[str, str]]:
    for found in _found(_EFFECTIVE, line, small):
        if (when := _day(found)) is not None:
            yield EFFECTIVE_DATE, when.isoformat()
            return


def _month(found: re.Match[str]) -> date | None:
    given = found.groupdict()
    year, month = given.get("y") or given["yy"], given.get("m") or given["mm"]
    return _date(_year(year), int(month), 1)


def _day(found: re.Match[str]) -> date | None:
    given = found.groupdict()
    if given["year"]:
        return _date(int(given["year"]), int(given["month"]), int(given["day"]))
    if given["one"]:
        month, day = int(given["one"]), int(given["two"])
        if month > 12:
            month, day = day, month
        return _date(_year(given["late"]), month, day)
    month = next(
        n for n, name in enumerate(_MONTHS, 1) if name.startswith(given["name"].lower()[:3])
    )
    return _date(int(given["named"]), month, int(given["before"] or given["after"] or 1))


def _year(figures: str) -> int:
    if len(figures) == 4:
        return int(figures)
    year = int(figures)
    return 2000 + year if year < 70 else 1900 + year


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:  # the 30th of February, as printed
        return None


def without_editions(text: str) -> str:
    """A text without the editions that it prints, for comparing two editions of a form."""
    for expression in _ANYWHERE:
        text = expression.sub(" ", text)
    return text
