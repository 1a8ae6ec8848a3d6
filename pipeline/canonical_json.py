"""Writes JSON in one way only, so that the same values have the same bytes and the same hash."""

from __future__ import annotations

import json
from typing import Any


def canonical(value: Any) -> bytes:
    """A value as JSON in UTF-8: keys sorted, no blanks, letters as they are.

    Raises:
        ValueError: it holds NaN or infinity, which JSON does not have.
    """
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode("utf-8", "surrogatepass")
