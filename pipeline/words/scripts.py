"""Cuts scripts that set no spaces between words into characters and pairs of characters."""

from __future__ import annotations

import re

_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"  # kana
    "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af"  # Hangul: particles hang on its words
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
)
_RUN = re.compile(f"[{_UNSPACED}]+")


def is_unspaced(word: str) -> bool:
    """Whether some of a word is in a script without spaces."""
    return _RUN.search(word) is not None


def cut(word: str) -> tuple[list[str], list[str]]:
    """The runs in such scripts, and what stands between them."""
    return _RUN.findall(word), [part for part in _RUN.split(word) if part]


def grams(run: str, *, asked: bool) -> list[str]:
    """The pairs of neighbors; of a text also the characters, of a question only a lone one."""
    pairs = [run[at : at + 2] for at in range(len(run) - 1)]
    return pairs or [run] if asked else [*run, *pairs]
