"""Formats cells as a person sees them: amounts, percentages and dates."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import NamedTuple

_GENERAL_DIGITS = 11
# Built-in formats that follow the reader's country; an ISO date is the same to everybody.
_BY_COUNTRY = frozenset({"mm-dd-yy", "m/d/yy", "m/d/yyyy", "m/d/yy h:mm", "m/d/yyyy h:mm"})
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|\[\$(?P<currency>[^\[\]-]*+)(?:-[^\[\]]*+)?\]'
    r"|\[(?P<bracket>[^\[\]]*+)\]|_.|\*.|(?P<number>[#0?][#0?,.]*|\.[0#?]+)|(?P<exponent>E[+-]0+)"
    r"|(?P<date>am/pm|a/p|y+|m+|d+|h+|s+(?:\.0+)?)|(?P<general>general)|(?P<other>.)",
    re.IGNORECASE | re.DOTALL,
)
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class _Token(NamedTuple):
    kind: str
    text: str


def shown(value: object, pattern: str) -> str:
    """The text of a cell.

    Args:
        value: as it is stored; None is an empty cell.
        pattern: its number format, e.g. ``"$"#,##0.00`` or ``General``.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime | date | time | timedelta):
        return _moment(value, pattern)
    if isinstance(value, int | float | Decimal):
        return _number(Decimal(str(value)), pattern)
    return str(value).strip()


@lru_cache(maxsize=512)
def _sections(pattern: str) -> tuple[tuple[_Token, ...], ...]:
    sections: list[list[_Token]] = [[]]
    for match in _TOKEN.finditer(pattern[:255]):
        kind, text = match.lastgroup or "space", match[match.lastgroup] if match.lastgroup else ""
        if kind == "other" and text == ";":
            sections.append([])
        elif kind in ("quoted", "escaped", "currency", "other"):
            sections[-1].append(_Token("text", text))
        elif kind == "bracket" and text.lower() in ("h", "hh", "m", "mm", "s", "ss"):
            sections[-1].append(_Token("elapsed", text.lower()))
        elif kind not in ("space", "bracket"):
            sections[-1].append(_Token(kind, text))
    return tuple(tuple(section) for section in sections)


def _number(value: Decimal, pattern: str) -> str:
    if not value.is_finite():
        return str(value)
    sections = _sections(pattern or "General")
    section, signed = _section_for(value, sections)
    if not any(token.kind == "number" for token in section):
        words = "".join(token.text for token in section if token.kind == "text").strip()
        if any(token.kind == "general" for token in section):
            return _around(section, _general(value), "general")
        return words if words and words != "@" else _general(value)
    try:
        text = _with_format(abs(value), section)
    except (ArithmeticError, ValueError):
        return _general(value)
    return f"-{text}" if value < 0 and signed else text


def _section_for(
    value: Decimal, sections: tuple[tuple[_Token, ...], ...]
) -> tuple[tuple[_Token, ...], bool]:
    """The part of a format that a number uses, and whether its sign is still to be written."""
    if value < 0 and len(sections) > 1:
        return sections[1], False
    if value == 0 and len(sections) > 2:
        return sections[2], False
    return sections[0], value < 0


def _with_format(value: Decimal, section: tuple[_Token, ...]) -> str:
    percent = sum(token.kind == "text" and token.text == "%" for token in section)
    value = value.scaleb(2 * percent)
    if any(token.kind == "text" and token.text == "/" for token in section):
        return _general(value)  # a fraction, told as a decimal
    numbers = [token.text for token in section if token.kind == "number"]
    if any(token.kind == "exponent" for token in section):
        return f"{value:.{_decimals(numbers[0])}E}"
    blank = value == 0 and not set(numbers[0]) - set("#?,")
    return _around(section, "" if blank else _digits(value, numbers[0]), "number")


def _around(section: tuple[_Token, ...], text: str, place: str) -> str:
    out: list[str] = []
    put = False
    for token in section:
        if token.kind == "text":
            out.append(token.text)
        elif token.kind == place and not put:
            out.append(text)
            put = True
    return "".join(out).strip()


def _decimals(pattern: str) -> int:
    return sum(c in "0#?" for c in pattern.partition(".")[2])


def _digits(value: Decimal, pattern: str) -> str:
    whole, _, _ = pattern.partition(".")
    thousands = len(whole) - len(whole.rstrip(",")) if "." not in pattern else 0
    places = _decimals(pattern)
    value = value.scaleb(-3 * thousands).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    grouped = "," in whole.rstrip(",")
    text = f"{value:,.{places}f}" if grouped else f"{value:.{places}f}"
    optional = len(pattern.partition(".")[2]) - len(pattern.partition(".")[2].rstrip("#?"))
    for _ in range(optional):
        text = text[:-1] if text.endswith("0") else text
    head, dot, tail = text.rstrip(".").partition(".")
    return head.rjust(whole.count("0"), "0") + dot + tail


def _general(value: Decimal) -> str:
    if value == value.to_integral_value() and abs(value) < 10**_GENERAL_DIGITS:
        return f"{value:.0f}"
    whole = len(f"{abs(value):.0f}") if abs(value) >= 1 else 1
    if whole > _GENERAL_DIGITS or abs(value) < Decimal("1e-9"):
        return f"{value:.5E}"
    return f"{value:.{max(0, _GENERAL_DIGITS - 1 - whole)}f}".rstrip("0").rstrip(".")


def _moment(value: datetime | date | time | timedelta, pattern: str) -> str:
    if isinstance(value, timedelta):
        minutes, seconds = divmod(int(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02d}" + (f":{seconds:02d}" if seconds else "")
    if isinstance(value, time):
        return f"{value:%H:%M}" if value.second == 0 else f"{value:%H:%M:%S}"
    tokens = _sections(pattern)[0]
    dated = [token for token in tokens if token.kind == "date"]
    if pattern.lower().strip() in _BY_COUNTRY or not dated:
        return _iso(value)
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    half = any(token.text.lower() in ("am/pm", "a/p") for token in dated)
    out, before = [], ""
    for index, token in enumerate(tokens):
        if token.kind != "date":
            out.append(token.text if token.kind == "text" else "")
            continue
        after = next((t.text[:1].lower() for t in tokens[index + 1 :] if t.kind == "date"), "")
        out.append(_part(moment, token.text.lower(), half, before == "h" or after == "s"))
        before = token.text[:1].lower()
    return "".join(out).strip()


def _iso(value: datetime | date) -> str:
    if isinstance(value, datetime) and (value.hour or value.minute or value.second):
        return f"{value:%Y-%m-%d %H:%M}"
    return f"{value:%Y-%m-%d}"


def _part(moment: datetime, code: str, half: bool, minutes: bool) -> str:
    month, day = _MONTHS[moment.month - 1], _DAYS[moment.weekday()]
    hour = (moment.hour % 12 or 12) if half else moment.hour
    if code[0] == "m" and minutes and len(code) <= 2:
        return f"{moment.minute:02d}" if len(code) == 2 else str(moment.minute)
    named = {
        "mmm": month[:3], "mmmm": month, "mmmmm": month[0], "ddd": day[:3], "dddd": day,
        "am/pm": "AM" if moment.hour < 12 else "PM", "a/p": "A" if moment.hour < 12 else "P",
    }  # fmt: skip
    if code in named:
        return named[code]
    if code[0] == "y":
        return f"{moment.year:04d}" if len(code) > 2 else f"{moment.year % 100:02d}"
    number = {"m": moment.month, "d": moment.day, "h": hour, "s": moment.second}[code[0]]
    return f"{number:02d}" if len(code) > 1 and code[1] != "." else str(number)
