"""Reads numbers and amounts: every spelling of a value becomes one lexeme.

``$1,500``, ``1500``, ``$1,500.00``, ``1.500,00 €`` and ``$1.5k`` are ``1500``. What separates
thousands and what decimals is told by the number itself where it can be, else by the language.
"""

from __future__ import annotations

import re
from decimal import Decimal

_DECIMAL_COMMA = (
    "az be bg bs ca cs da de el es et eu fi fr gl hr hu hy id is it ka kk lt lv mk nb nl nn no pl "
    "pt ro ru sk sl sq sr sv tr uk uz vi"
)
DECIMAL_COMMA = frozenset(_DECIMAL_COMMA.split())
"""Languages that write ``1.500,00``."""

NUMBER = re.compile(r"[0-9]++(?:[.,'][0-9]++)*+")
"""Digits with separators between them."""

SIZES = {
    **dict.fromkeys(["k", "thousand", "tsd", "mila", "mil", "mille"], 1_000),
    **dict.fromkeys(["lakh", "lakhs", "lac", "lacs"], 100_000),
    **dict.fromkeys(["m", "mm", "mn", "mio", "million", "millions", "millionen"], 1_000_000),
    **dict.fromkeys(["milioni", "millón", "millones", "milhões", "milhão"], 1_000_000),
    **dict.fromkeys(["crore", "crores"], 10_000_000),
    **dict.fromkeys(["b", "bn", "billion", "billions", "mrd"], 1_000_000_000),
}
"""What multiplies the number before it."""

# Beyond this a number is no amount, and is a word as it stands.
_MOST_DIGITS = 30


def value(number: str, language: str) -> str | None:
    """The value of a number, as one writes it without separators; None when it has none.

    ``12.05.2024`` and ``4.2.1`` are no values. Without separators a number stays as it is, with
    the zeros at its beginning.

    Args:
        number: as `NUMBER` finds it.
    """
    separators = [each for each in number if not each.isdigit()]
    if not separators:
        return number
    if len(number) > _MOST_DIGITS:
        return None
    decimal = _decimal_separator(number, separators, language)
    whole, _, fraction = number.rpartition(decimal) if decimal else (number, "", "")
    groups = re.split(r"[.,']", whole)
    if len(set(separators) - {decimal}) > 1 or not _grouped(groups):
        return None
    return _shortest("".join(groups), fraction)


def _decimal_separator(number: str, separators: list[str], language: str) -> str:
    """The character before the decimals; empty when all separate groups."""
    last = separators[-1]
    if last == "'" or separators.count(last) > 1:
        return ""
    if len(separators) > 1:
        return last if last != separators[0] else ""
    usual = "," if language in DECIMAL_COMMA else "."
    head, _, tail = number.partition(last)
    is_group = len(tail) == 3 and len(head) <= 3 and head != "0"
    return "" if last != usual and is_group else last


def _grouped(groups: list[str]) -> bool:
    """Whether these are groups of thousands: by threes, or by twos and a three as in India."""
    first, *rest = groups
    if not rest:
        return True
    sizes = {len(each) for each in rest[:-1]}
    return len(first) <= 3 and len(rest[-1]) == 3 and sizes in (set(), {3}, {2})


def _shortest(whole: str, fraction: str) -> str:
    whole, fraction = whole.lstrip("0") or "0", fraction.rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


def multiplied(number: str, size: str, language: str) -> str | None:
    """The value of a number with a word of size behind it: ``1.5 million`` is ``1500000``."""
    plain = value(number, language)
    if plain is None or len(plain) > _MOST_DIGITS:
        return None
    made = format(Decimal(plain) * SIZES[size.lower()], "f")
    return _shortest(*made.split(".")) if "." in made else made
