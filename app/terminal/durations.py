"""Reads durations as people write them."""

from __future__ import annotations

import re

from pipeline.errors import UsageError


def seconds(written: str) -> float:
    """A time such as ``90s``, ``10m`` or ``1h``.

    Raises:
        UsageError: it is none.
    """
    if (found := re.fullmatch(r"(\d{1,6})([smh]?)", written)) is None:
        raise UsageError(f"{written[:20]} is no time.", remedy="Write it as 90s, 10m or 1h.")
    return float(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]
