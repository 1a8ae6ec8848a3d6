"""A finding of `navigator doctor`: a part, its state, and its remedy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a part is."""

    OK = "ok"
    NOTE = "note"  # works without it
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One part that was tried."""

    part: str
    verdict: Verdict
    detail: str
    remedy: str = ""
