"""A page rebuilt from its plain reading, with what is sound of its Markdown put back."""

from __future__ import annotations

import re

from pipeline.parsing.crosscheck import is_sound
from pipeline.parsing.page_tables import PageTable, page_tables, words

_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*$", re.MULTILINE)
_BULLET = re.compile(r"^[•◦▪‣·\uf0b7][ \t]*")
_OPENING_WORDS = 4


def mend(markdown: str, plain: str) -> str:
    """The plain reading of a page with headings, paragraphs, lists and sound tables marked.

    Every line of `plain` is in the result, as itself or as a row of a table that says the same.
    """
    spoken = words(plain)
    sound = [table for table in page_tables(markdown) if is_sound(table, spoken)]
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    tables = _placed_tables(lines, sound)
    headings = {tuple(words(text)): len(marks) for marks, text in _HEADING.findall(markdown)}
    openings = {tuple(words(block)[:_OPENING_WORDS]) for block in markdown.split("\n\n")}
    out: list[str] = []
    number = 0
    while number < len(lines):
        if number in tables:
            table, end = tables[number]
            out += ["", table.markdown, ""]
            number = end
            continue
        out += _marked(lines[number], headings, openings)
        number += 1
    return re.sub(r"\n{3,}", "\n\n", "\n".join(out)).strip()


def _marked(
    line: str, headings: dict[tuple[str, ...], int], openings: set[tuple[str, ...]]
) -> list[str]:
    spoken = tuple(words(line))
    if spoken and spoken in headings:
        return ["", f"{'#' * headings[spoken]} {line}", ""]
    if _BULLET.match(line):
        return [_BULLET.sub("- ", line)]
    if spoken and spoken[:_OPENING_WORDS] in openings:
        return ["", line]
    return [line]


def _placed_tables(lines: list[str], tables: list[PageTable]) -> dict[int, tuple[PageTable, int]]:
    """Where whole lines say just what a table says: first line → the table and the line after."""
    spoken = [words(line) for line in lines]
    placed: dict[int, tuple[PageTable, int]] = {}
    free = 0
    for table in tables:
        wanted = sorted(table.words())
        for first in range(free, len(lines)):
            if (end := _end_of(spoken, first, wanted)) is not None:
                placed[first] = (table, end)
                free = end
                break
    return placed


def _end_of(spoken: list[list[str]], first: int, wanted: list[str]) -> int | None:
    said: list[str] = []
    for number in range(first, len(spoken)):
        said += spoken[number]
        if len(said) >= len(wanted):
            return number + 1 if sorted(said) == wanted else None
    return None
