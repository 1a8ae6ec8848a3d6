"""Scores text by a model of letter pairs: whether letters stand together as in a language.

Of some hundred languages it knows which letter usually follows which. In a text of any of them nine
of ten pairs of letters are usual; where a font's characters or an encoding were misread, six are.
Chinese, Japanese and Korean characters are compared with those in everyday use instead. Codes,
numbers and single names are no words of a text, and are not judged.
"""

from __future__ import annotations

import json
import re
import unicodedata
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import chain, pairwise
from math import nan
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Pairs = frozenset[tuple[str, str]]

PAIRS_FILE = Path(__file__).parent / "letter_pairs.json"
"""Of each language its usual pairs, one behind the other; a space is a word's edge."""

_SLICES, _SLICE = 8, 200
_LEAST_PAIRS = 100
_LEAST_CHARACTERS = 20
# Which language it is need not be known more exactly to say that it is one.
_CLEARLY = 0.9
_RUNNING_WORDS = 3
_LONG_WORD = 6

_WORD = re.compile(r"(?<![\w\-/.@])[^\W\d_]{2,}(?![\w/@]|-\d)")
_LETTERS = re.compile(r"[^\W\d_]+")
_PARTS = re.compile(r"[\n\t|]+")
_MARKS = re.compile("[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670]")

# Where each script begins among the characters; the empty ones are not judged.
_SCRIPTS = (
    (0x0000, "latin"), (0x0250, ""), (0x0370, "greek"), (0x0400, "cyrillic"), (0x0530, "armenian"),
    (0x0590, "hebrew"), (0x0600, "arabic"), (0x0700, ""), (0x0750, "arabic"), (0x0780, ""),
    (0x10A0, "georgian"), (0x1100, ""), (0x1E00, "latin"), (0x1F00, "greek"), (0x2000, ""),
    (0x3040, "kana"), (0x3100, ""), (0x3400, "han"), (0xA000, ""), (0xAC00, "hangul"),
    (0xD7B0, ""), (0xF900, "han"), (0xFB00, ""),
)  # fmt: skip
_STARTS = [start for start, _ in _SCRIPTS]
_EVERYDAY = frozenset({"han", "hangul"})


def script_of(character: str) -> str:
    """The script of a letter; empty for one that is not judged."""
    return _SCRIPTS[bisect_right(_STARTS, ord(character)) - 1][1]


def as_spoken(text: str) -> list[str]:
    """The words of a text in lower case, without vowel signs and other marks."""
    if not text.isascii():
        text = _MARKS.sub("", unicodedata.normalize("NFKC", text))
    return _LETTERS.findall(text.lower())


def spread_sample(text: str) -> str:
    """A bounded part of a text: all of a short one, else slices from its beginning to its end."""
    if len(text) <= _SLICES * _SLICE:
        return text
    step = (len(text) - _SLICE) // (_SLICES - 1)
    return "\n".join(text[start * step : start * step + _SLICE] for start in range(_SLICES))


def running_words(sample: str) -> list[str]:
    """The words that belong to a text: several in a line, or long ones; no codes, no numbers."""
    words: list[str] = []
    for part in _PARTS.split(sample):
        found = _WORD.findall(part)
        if len(found) < _RUNNING_WORDS:
            found = [word for word in found if len(word) >= _LONG_WORD]
        words += found
    return words


def plausible_share(words: Sequence[str], language: str = "") -> float:
    """The share of pairs of letters that are usual in the language that fits best, 0 to 1.

    Args:
        words: as `running_words` finds them.
        language: which to try first.

    Returns:
        NaN when there are too few letters to judge.
    """
    text = " ".join(words)
    if text.isascii():
        return _ascii_share(f" {text.lower()} ", language)
    found = _by_script(as_spoken(text))
    judged = [_judge(script, letters, language) for script, letters in found.items()]
    judged = [(pairs, share) for pairs, share in judged if pairs]
    together = sum(pairs for pairs, _ in judged)
    return sum(pairs * share for pairs, share in judged) / together if together else nan


def _ascii_share(line: str, first: str) -> float:
    """The same for the most common case, in a tenth of the time."""
    if len(line) <= _LEAST_PAIRS:
        return nan
    letters = np.frombuffer(line.encode(), np.uint8).astype(np.uint16)
    pairs = letters[:-1] * 128 + letters[1:]
    names, tables = _ascii_tables()
    if first in names:
        share = float(tables[names[first], pairs].mean())
        if share >= _CLEARLY:
            return share
    # All languages in one pass, each pair of letters once.
    different, times = np.unique(pairs, return_counts=True)
    shares = tables[:, different] @ times / len(pairs)
    clearly = shares >= _CLEARLY
    return float(shares[clearly.argmax()] if clearly.any() else shares.max())


@cache
def _ascii_tables() -> tuple[dict[str, int], NDArray[np.bool_]]:
    """Of each language of Latin letters whether a pair of ASCII letters is usual, by its number."""
    models = _models("latin")
    tables = np.zeros((len(models), 128 * 128), dtype=np.bool_)
    for row, usual in enumerate(models.values()):
        ascii_pairs = [pair for pair in usual if "".join(pair).isascii()]
        tables[row, [ord(first) * 128 + ord(second) for first, second in ascii_pairs]] = True
    return {name: row for row, name in enumerate(models)}, tables


def _by_script(words: Iterable[str]) -> dict[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for word in words:
        script = script_of(word[0])
        if script in ("kana", "han"):  # in one run of letters, as Japanese is written
            found["han"] += [each for each in word if script_of(each) == "han"]
        elif script:
            found[script].append(word)
    return found


def _judge(script: str, words: list[str], language: str) -> tuple[int, float]:
    """How much there is to judge, 0 when that is too little, and the usual share of it."""
    if script in _EVERYDAY:
        characters = list(chain.from_iterable(words))
        count = len(characters) if len(characters) >= _LEAST_CHARACTERS else 0
        usual = sum(each in _everyday(script) for each in characters)
        return count, usual / max(count, 1)
    line = f" {' '.join(words)} "
    pairs = Counter(pairwise(line))
    count = pairs.total()
    if count < _LEAST_PAIRS:
        return 0, nan

    def share(usual: Pairs) -> float:
        return sum(n for pair, n in pairs.items() if pair in usual) / count

    return count, _best_share(share, script, language)


def _best_share(share: Callable[[Pairs], float], script: str, first: str) -> float:
    """The greatest share among the languages of a script; enough when it is clearly one."""
    best = 0.0
    models = _models(script)
    for usual in chain([models[first]] if first in models else [], models.values()):
        best = max(best, share(usual))
        if best >= _CLEARLY:
            break
    return best


@cache
def _models(script: str) -> dict[str, Pairs]:
    """The usual pairs of every language that is written in a script."""
    stored: dict[str, str] = json.loads(PAIRS_FILE.read_text("utf-8"))
    return {
        language: frozenset(zip(pairs[::2], pairs[1::2], strict=True))
        for language, pairs in stored.items()
        if _main_script(pairs) == script
    }


def _main_script(pairs: str) -> str:
    return Counter(map(script_of, pairs.replace(" ", ""))).most_common(1)[0][0]


@cache
def _everyday(script: str) -> frozenset[str]:
    """The characters in everyday use, as the national standards sort them into a first level."""
    levels = {
        "han": (("gb2312", 0xB0, 0xD7), ("big5", 0xA4, 0xC6), ("shift_jis", 0x88, 0x97)),
        "hangul": (("euc_kr", 0xB0, 0xC8),),
    }
    return frozenset(
        chain.from_iterable(
            bytes((lead, trail)).decode(encoding, "ignore")
            for encoding, first, last in levels[script]
            for lead in range(first, last + 1)
            for trail in range(0x40, 0xFF)
        )
    )
