"""Renders runs of text as inline Markdown: emphasis, raised and lowered characters."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

from pipeline.parsing.flowing.raised import LOOK_BACK, lowered, raised, with_marks_apart

_SPACES = re.compile(r"[^\S\n]+")
# Where runs of spaces are one space already.
_AROUND_BREAK = re.compile(r"[^\S\n]?\n[^\S\n]?")
_MARK_END = re.compile(r"\[[^\s\[\]]{1,8}\]\Z")
_AS_BOXES = {"☐": "[ ]", "☑": "[x]", "☒": "[x]", "🗹": "[x]", "🗷": "[x]", "🗵": "[x]"}
_BOX = re.compile("|".join(_AS_BOXES))


@dataclass(frozen=True, slots=True)
class Look:
    """How a run of text looks. `shift` is 1 for raised, -1 for lowered characters."""

    bold: bool = False
    italic: bool = False
    struck: bool = False
    code: bool = False
    shift: int = 0


PLAIN = Look()


class Run(NamedTuple):
    """Text of one look."""

    text: str
    look: Look = PLAIN


def box(checked: bool) -> str:
    """A check box or radio button as text."""
    return "[x] " if checked else "[ ] "


def with_boxes(text: str) -> str:
    """A text with drawn check boxes written as ``[x]`` and ``[ ]``."""
    return _BOX.sub(lambda match: _AS_BOXES[match[0]] + " ", text)


def inline_markdown(runs: Iterable[Run], *, emphasis: bool = True) -> str:
    """The Markdown of runs; white space is folded, line breaks stay."""
    joined = _joined(runs if emphasis else (_without_emphasis(run) for run in runs))
    parts: list[str] = []
    before = ""
    for number, run in enumerate(joined):
        following = joined[number + 1].text[:1] if number + 1 < len(joined) else ""
        parts.append(_written(before, run, following))
        before = (before + parts[-1][-LOOK_BACK:])[-LOOK_BACK:]
    return _AROUND_BREAK.sub("\n", _SPACES.sub(" ", "".join(parts))).strip()


def _without_emphasis(run: Run) -> Run:
    return Run(run.text, replace(run.look, bold=False, italic=False))


def _joined(runs: Iterable[Run]) -> list[Run]:
    """Runs of equal looks made one; white space looks like what stands before it."""
    settled: list[Run] = []
    for run in runs:
        if not run.text:
            continue
        blank = run.text.isspace() and settled
        look = settled[-1].look if blank and not settled[-1].look.shift else run.look
        settled.append(Run(run.text, replace(look, shift=0) if blank else look))
    return [
        Run("".join(run.text for run in group), look)
        for look, group in groupby(settled, key=lambda run: run.look)
    ]


def _written(before: str, run: Run, following: str) -> str:
    if run.look.shift > 0:
        return raised(before, run.text, following)
    if run.look.shift < 0:
        return lowered(before, run.text)
    text = with_marks_apart(before, run.text)
    if _MARK_END.search(before[-10:]) and text[:1].isalnum():
        text = " " + text
    return _emphasized(before, text, run.look, following)


def _emphasized(before: str, text: str, look: Look, following: str) -> str:
    """A text within the marks of its look, unless they would stand inside a word."""
    marks = ("~~" * look.struck) + ("**" * look.bold) + ("*" * look.italic) + ("`" * look.code)
    core = text.strip()
    if not marks or not any(map(str.isalnum, core)) or "\n" in core:
        return text
    start = text.index(core)
    touches_before = not start and before[-1:] and (before[-1].isalnum() or before[-1] in "*~`")
    touches_after = start + len(core) == len(text) and following[:1].isalnum()
    if (touches_before or touches_after) and not look.struck:
        return text
    return f"{text[:start]}{marks}{core}{marks[::-1]}{text[start + len(core) :]}"
