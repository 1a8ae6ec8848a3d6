"""Formats numbers, times and names for people."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

# These reorder or hide what stands around them: a file name must not be able to.
_UNSEEN = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}


def number(value: float) -> str:
    """1234567 → 1,234,567."""
    return f"{value:,.0f}"


def percent(share: float) -> str:
    """0.1234 → 12.3 %; never rounded up to 100 or down to 0."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1:
        return "> 99.9 %"
    return f"{share * 100:.1f} %".replace(".0 %", " %")


def value(measured: float | None, threshold: str) -> str:
    """A measured value as its threshold is written: a share as a percentage."""
    if measured is None:
        return "–"
    return percent(measured) if "%" in threshold else f"{measured:,.4g}"


def usd(amount: float) -> str:
    """Dollars, with as many digits as a small amount needs."""
    if amount == 0:
        return "$0"
    return f"${amount:,.2f}" if amount >= 1 else f"${amount:.2g}" if amount >= 1e-4 else "< $0.0001"


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    if seconds == 0:
        return "0 s"
    if seconds < 60:
        return f"{seconds:.2f} s" if seconds < 1 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def moment(when: datetime) -> str:
    """A time in UTC, e.g. 22 Nov 2026, 10:41 UTC."""
    utc = when.astimezone(UTC)
    return f"{utc.day} {utc:%b %Y, %H:%M} UTC"


def spaced(name: str) -> str:
    """chunks_stored → chunks stored."""
    return name.replace("_", " ")


def visible(text: str) -> str:
    """A text whose control and direction characters are shown as their code."""
    return "".join(
        f"⟨U+{ord(char):04X}⟩" if unicodedata.category(char) in _UNSEEN else char for char in text
    )
