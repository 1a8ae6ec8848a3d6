"""The words of a text as passages are compared by them: folded, in small letters."""

from __future__ import annotations

import re

from pipeline.text import fold

_WORD = re.compile(r"[^\W\d_]{2,}")


def words_of(text: str) -> frozenset[str]:
    """The words of a text, without numbers and single letters."""
    return frozenset(_WORD.findall(fold(text).lower()))
