"""Finds what of a text is in no chunk: pictures that are written into it as data."""

from __future__ import annotations

import re

_DATA = r"""\bdata:[\w.+-]{1,64}/[\w.+-]{1,64}(?:;[\w.+-]{1,64}(?:=[\w.+-]{1,64})?){0,4},
            [^\s"'()<>|]{64,}+ (?:\n[A-Za-z0-9+/=]{40,}+)*+"""
# What describes a picture in Markdown is kept. Each part is bounded or possessive, so the time is
# linear in the text.
_EMBEDDED = re.compile(
    rf"""<img\b[^<>]{{0,300}}?{_DATA}[^<>]{{0,300}}>
      | (?: !\[[^\]\n]{{0,2}}\]\(\s? | \]\(\s? | url\(["']? )?
        {_DATA} (?:\s?"[^"\n]{{0,200}}")? ["']?\)?""",
    re.VERBOSE | re.IGNORECASE,
)
_BEGUN = re.compile(r"[dD][aA][tT][aA]:[\w.+-]{1,64}/[\w.+-]")


def left_out(text: str) -> list[tuple[int, int]]:
    """The spans of pictures that are written into a text (``data:image/png;base64,…``)."""
    # What begins with a class of characters is looked for quickly, and nearly no text has it.
    if "data:" not in text or _BEGUN.search(text) is None:
        return []
    return [found.span() for found in _EMBEDDED.finditer(text)]
