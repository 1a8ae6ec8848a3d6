"""Folds a text for word search, in SQL; `pipeline.text.fold` is the same in Python."""

from __future__ import annotations

from pipeline.text import APART, FOLDED_ALONE, UNSEEN


def _quoted(literal: str) -> str:
    return "'" + literal.replace("'", "''") + "'"


# What `translate` finds beyond the length of the second list is deleted.
_FROM = _quoted("".join(FOLDED_ALONE) + UNSEEN)
_TO = _quoted("".join(FOLDED_ALONE.values()))


def folded(expression: str) -> str:
    """SQL for a text folded for search; a text in ASCII alone is left as it is, at little cost."""
    plain = f"translate({expression}, {_FROM}, {_TO})"
    apart = f"regexp_replace({plain}, {_quoted(f'[{APART}]+')}, ' \\& ', 'g')"
    return (
        f"CASE WHEN octet_length({expression}) = char_length({expression}) THEN {expression} "
        f"ELSE replace(normalize({apart}, NFKC), '\u2044', '/') END"
    )
