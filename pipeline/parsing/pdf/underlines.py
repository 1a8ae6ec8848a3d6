"""Recognizes underlines among the lines of a page: they part nothing."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence

from pipeline.parsing.pdf.ink import Rule, Word

# An underline lies so far below its words' lower edge, and ends where they do.
_UNDER = (-4.5, 3.0)
_ENDS = 3.0
# Pieces of one line lie at one height, with no more than a space between them.
_LEVEL, _GAP = 0.75, 4.0
# Words stand over so much of an underline; over a border stand the words of its cell, and paper.
_COVERED = 0.85
# Words are looked up by their lower edge, in steps of so many points.
_STEP = 8.0
_MOST_WORDS = 400


def without_underlines(rules: Sequence[Rule], words: Sequence[Word]) -> list[Rule]:
    """The lines that do not only run below words.

    What runs from the beginning of a word to the end of one is an underline, and so is what runs
    below nothing but words without meeting lines at both of its ends.
    """
    lefts: dict[int, list[Word]] = defaultdict(list)
    for word in words:
        lefts[round(word.box.left / _ENDS)].append(word)
    rights = sorted((word.box.right, word.box.bottom) for word in words)
    left = [rule for rule in rules if not (rule.horizontal and _underlines(rule, lefts, rights))]
    return _without_covered(left, words)


def _underlines(
    rule: Rule, lefts: dict[int, list[Word]], rights: Sequence[tuple[float, float]]
) -> bool:
    """Whether a line begins under the beginning of a word and ends under the end of one."""
    place = round(rule.start / _ENDS)
    begins = any(
        abs(word.box.left - rule.start) <= _ENDS and _is_under(rule, word.box.bottom)
        for near in (place - 1, place, place + 1)
        for word in lefts.get(near, ())
    )
    if not begins:
        return False
    first = bisect_left(rights, (rule.end - _ENDS,))
    last = bisect_right(rights, (rule.end + _ENDS, float("inf")))
    return any(_is_under(rule, bottom) for _, bottom in rights[first:last])


def _is_under(rule: Rule, bottom: float) -> bool:
    return _UNDER[0] <= rule.at - bottom <= _UNDER[1]


def _without_covered(rules: Sequence[Rule], words: Sequence[Word]) -> list[Rule]:
    rows: dict[int, list[Word]] = defaultdict(list)
    for word in words:
        rows[int(word.box.bottom // _STEP)].append(word)
    down = sorted((rule.at, rule.start, rule.end) for rule in rules if not rule.horizontal)
    gone = {
        id(rule)
        for run in _runs([rule for rule in rules if rule.horizontal])
        if not _meets_both(run, down) and _is_covered(run, rows)
        for rule in run
    }
    return [rule for rule in rules if id(rule) not in gone]


def _runs(across: list[Rule]) -> Iterator[list[Rule]]:
    """Lines that follow each other at one height."""
    across.sort(key=lambda rule: (round(rule.at / _LEVEL), rule.start))
    run: list[Rule] = []
    end = 0.0
    for rule in across:
        if run and (abs(rule.at - run[-1].at) > _LEVEL or rule.start - end > _GAP):
            yield run
            run = []
        end = max(end, rule.end) if run else rule.end
        run.append(rule)
    if run:
        yield run


def _meets_both(run: Sequence[Rule], down: Sequence[tuple[float, float, float]]) -> bool:
    at = run[0].at
    return all(
        any(
            start - _ENDS <= at <= end + _ENDS
            for _, start, end in down[
                bisect_left(down, (x - _ENDS,)) : bisect_right(down, (x + _ENDS, float("inf")))
            ]
        )
        for x in (run[0].start, max(rule.end for rule in run))
    )


def _is_covered(run: Sequence[Rule], rows: dict[int, list[Word]]) -> bool:
    first, last = run[0].start, max(rule.end for rule in run)
    row = int(run[0].at // _STEP)
    near = [word for number in (row - 1, row, row + 1) for word in rows.get(number, ())]
    above = [word for word in near[:_MOST_WORDS] if _is_under(run[0], word.box.bottom)]
    # Spaces between words of one text are underlined with them.
    covered = sum(
        max(0.0, min(word.box.right + _GAP, last) - max(word.box.left, first)) for word in above
    )
    return covered >= _COVERED * (last - first)
