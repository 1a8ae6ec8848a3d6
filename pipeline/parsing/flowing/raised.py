"""Renders superscripts and subscripts as text: footnote marks stay apart from amounts."""

from __future__ import annotations

import re

LOOK_BACK = 48
"""How many characters before a raised one decide what it means."""

_ORDINAL = re.compile(r"st|nd|rd|th|er|re|e|o|a|º|ª|ème|de|ste", re.IGNORECASE)
_SIGNS = {"TM": "™", "SM": "℠", "(R)": "®"}
_NOTE_MARK = re.compile(
    r"[\[(]?((?:\d{1,3}|[a-z]{1,2})(?:\s?[,;–-]\s?(?:\d{1,3}|[a-z]{1,2}))*)[\])]?", re.IGNORECASE
)
_POWER = re.compile(r"[-−–+]?(?:\d+|[a-z]|[\w+\-−–/*]{1,12})", re.IGNORECASE)
_UNIT = re.compile(r"(?:^|[\s\d/(])(?:[mkcd]?m|[кс]?м|мм|ft|in|yd|mi|s|sec|sq)$")
_TEN = re.compile(r"(?:^|[^\d$€£.,])10$")
_FACTOR = re.compile(r"(?:^|[^\d$€£.,])[01]\.\d+$")
_SUM = re.compile(r"\(\w{1,3}(?:\s?[-−–+*/·]\s?[\w.]{1,8})+\)$")
_VARIABLE = re.compile(r"(?:^|[^\w’'])[a-z]$")
_WHOLE_AMOUNT = re.compile(r"[$€£]\s?\d[\d,]*$")
_CENTS = re.compile(r"00|[5-9]\d")
_RAISED_DIGITS = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_DRAWN = re.compile(f"[{_RAISED_DIGITS}]+")
_AS_DIGITS = str.maketrans(_RAISED_DIGITS, "0123456789")


def raised(before: str, text: str, following: str = "") -> str:
    """Raised characters as they are written after what stands before them.

    Footnote marks are written ``[1]`` a space after their word, powers ``^3``, ordinals and
    trade marks as they are, raised cents as cents.
    """
    mark = text.strip()
    if not any(map(str.isalnum, mark)):
        return text
    base = before[-LOOK_BACK:]
    if following[:1] in ("/", "⁄") and mark.isdigit():
        return f" {mark}" if base[-1:].isdigit() else mark
    return _after(base, mark) + (" " if text[-1].isspace() else "")


def _after(base: str, mark: str) -> str:
    if sign := _SIGNS.get(mark):
        return sign
    if base[-1:].isdigit() and _ORDINAL.fullmatch(mark):
        return mark
    if _WHOLE_AMOUNT.search(base) and _CENTS.fullmatch(mark):
        return f".{mark}"
    if _is_power(base, mark):
        return f"^{mark}" if len(mark) == 1 or mark.isdigit() else f"^({mark})"
    note = _NOTE_MARK.fullmatch(mark)
    words = f"[{''.join(note[1].split())}]" if note else mark
    return (" " if base and not base[-1].isspace() and base[-1] not in "([" else "") + words


def _is_power(base: str, mark: str) -> bool:
    if not _POWER.fullmatch(mark):
        return False
    if _UNIT.search(base):
        return mark in ("2", "3", "-1", "−1", "-2", "−2")
    if _TEN.search(base) or _FACTOR.search(base):
        return mark.lstrip("-−–+").isdigit() or mark in ("n", "t", "x")
    return bool(_SUM.search(base) or _VARIABLE.search(base))


def lowered(before: str, text: str) -> str:
    """Lowered characters as they are written after a text: ``H2O``, but ``x_t``, ``10_3``."""
    mark = text.strip()
    if not mark or not before or before[-1].isspace() or before[-1] in "/⁄":
        return text
    if mark.isdigit() and before[-1].isalpha():
        return text
    return f"_{mark}" if mark.isalnum() else f"_({mark})"


def with_marks_apart(before: str, text: str) -> str:
    """A text whose raised digits (``¹``) stand apart where they are footnote marks."""

    def written(match: re.Match[str]) -> str:
        start, end = match.span()
        base = before + text[:start] if start < LOOK_BACK else text[start - LOOK_BACK : start]
        mark = match[0].translate(_AS_DIGITS)
        if text[end : end + 1] in ("⁄", "/") or _is_power(base[-LOOK_BACK:], mark):
            return match[0]
        space = " " if base[-1:].isalnum() or base[-1:] in ("%", ")") else ""
        return f"{space}[{mark}]"

    return _DRAWN.sub(written, text)
