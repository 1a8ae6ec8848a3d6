"""Limits a document's processor time, so that a busy machine fails no document."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

from pipeline.parsing.options import ParseOptions

_WALL_FACTOR = 4.0
"""A worker that waits, or gets a fourth of a processor, is given up at last."""


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """A limit that began to count when it was made.

    Attributes:
        seconds: of processor time.
        used_before: by the process, before this document.
    """

    seconds: float
    used_before: float = 0.0
    started: float = field(default_factory=time.monotonic)

    def with_more(self, seconds: float) -> TimeLimit:
        """The same limit, longer."""
        return replace(self, seconds=self.seconds + seconds)

    def passed(self, used: float) -> str | None:
        """The limit that was passed, in words; None while the document may go on.

        Args:
            used: processor time of the process until now, in seconds.
        """
        if used - self.used_before > self.seconds:
            return f"{self.seconds:g} seconds of processor time"
        waited = _WALL_FACTOR * self.seconds
        return f"{waited:g} seconds" if time.monotonic() - self.started > waited else None


def extra_seconds(pages: int, options: ParseOptions) -> float:
    """What the pages of a file add to its limit, which has room for the first of them."""
    each = options.ocr_page_seconds if options.ocr else options.page_seconds
    return max(0, min(pages, options.max_pages) - 1) * each


def most_seconds(options: ParseOptions) -> float:
    """What any document may take of a processor, whatever its pages."""
    return options.timeout_seconds + extra_seconds(options.max_pages, options)
