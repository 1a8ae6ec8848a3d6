"""Counts personal data in a text by kind; what it is, is never kept nor told.

Conservative: a kind is counted where its form or a check digit leaves little doubt, so the counts
are a floor and no proof that there is none. Each expression is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "us_ssn": "US Social Security numbers",
        "email": "e-mail addresses",
        "us_phone": "US telephone numbers",
        "payment_card": "payment card numbers",
        "policy_number": "policy, member and claim numbers",
    }
)
"""Each kind in words."""

_SSN = re.compile(r"(?<![\d-])(\d{3})-(\d{2})-(\d{4})(?![\d-])")
# An address begins where no part of one stands before it, so no letter is looked at often.
_EMAIL = re.compile(
    r"(?<![\w.+%-])[A-Za-z0-9][\w.+%-]{0,63}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}(?!\w)"
)
_PHONE = re.compile(
    r"(?<![\w.-])(?:\+?1[ .-]?)?(?:\(([2-9]\d{2})\) ?|([2-9]\d{2})[ .-])[2-9]\d{2}[ .-]\d{4}"
    r"(?![\w-])"
)
_CARD = re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])")
_POLICY = re.compile(
    r"\b(?:policy|member|claim|certificate|subscriber)\s{0,3}(?:number|no\.?|id|#)\s{0,3}[:#]?\s{0,3}"
    r"((?=[A-Z-]{0,8}\d)[A-Z0-9][A-Z0-9-]{4,19})(?![\w-])",
    re.IGNORECASE,
)


def personal_data(text: str) -> dict[str, int]:
    """How many different ones of each kind stand in a text; kinds that do not are left out."""
    found = {kind: len({*counted(text)}) for kind, counted in _COUNTED.items()}
    return {kind: number for kind, number in found.items() if number}


def _of(pattern: re.Pattern[str]) -> Callable[[str], list[str]]:
    return lambda text: [match[0].casefold() for match in pattern.finditer(text)]


def _ssns(text: str) -> list[str]:
    return [
        match[0]
        for match in _SSN.finditer(text)
        if match[1] not in ("000", "666") and match[1] < "900" and match[2] != "00"
        and match[3] != "0000"
    ]  # fmt: skip


def _cards(text: str) -> list[str]:
    numbers = ("".join(filter(str.isdigit, match[0])) for match in _CARD.finditer(text))
    return [each for each in numbers if each[0] in "3456" and luhn(each) and len({*each}) > 1]


def luhn(digits: str) -> bool:
    """Whether the last of these digits is the check digit of the others (ISO/IEC 7812)."""
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(digits[::-1])]
    return sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0


def _policies(text: str) -> list[str]:
    return [match[1].casefold() for match in _POLICY.finditer(text)]


_COUNTED: Mapping[str, Callable[[str], list[str]]] = {
    "us_ssn": _ssns,
    "email": _of(_EMAIL),
    "us_phone": _of(_PHONE),
    "payment_card": _cards,
    "policy_number": _policies,
}
