"""Parses CSV and TSV: detects the delimiter, keeps quoted line breaks in their cells."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter

from pipeline.notes import Note, NoteKind
from pipeline.parsing.options import ParseOptions
from pipeline.parsing.reading import Reading, one_page
from pipeline.parsing.sheets.pages import MAX_CELLS
from pipeline.parsing.sheets.sheet_text import grid_markdown
from pipeline.parsing.texts import plain

_DELIMITERS = ",;\t|"
_SAMPLE_CHARACTERS = 64 * 1024
_SAMPLE_ROWS = 200
_MAX_BREAKS = 200
_DECLARED = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)


def read_csv(content: bytes, options: ParseOptions) -> Reading:
    """Reads a table of cells between commas, semicolons, tabs or bars.

    Raises:
        ParseError: UNSUPPORTED_TYPE, when this is no text.
    """
    text = plain.decode(content)
    if declared := _DECLARED.match(text):
        return _table(text[declared.end() :], declared[1])
    return _table(text, delimiter_of(text))


def read_tsv(content: bytes, options: ParseOptions) -> Reading:
    """Reads a table of cells between tabs, or whatever stands there instead.

    Raises:
        ParseError: UNSUPPORTED_TYPE, when this is no text.
    """
    text = plain.decode(content)
    return _table(text, "\t" if "\t" in text[:_SAMPLE_CHARACTERS] else delimiter_of(text))


def delimiter_of(text: str) -> str:
    """The character that cuts most of the first lines into the same number of cells."""
    sample = text[:_SAMPLE_CHARACTERS]
    if len(text) > len(sample):
        sample = sample[: sample.rfind("\n") + 1] or sample
    return max(_DELIMITERS, key=lambda each: _agreement(sample, each))


def _agreement(sample: str, delimiter: str) -> tuple[float, int]:
    widths = Counter(
        len(row)
        for row, _ in zip(_rows(sample, delimiter), range(_SAMPLE_ROWS), strict=False)
        if row
    )
    wide = {width: count for width, count in widths.items() if width > 1}
    if not wide:
        return 0.0, 0
    width = max(wide, key=lambda each: (wide[each], each))
    return wide[width] / widths.total(), width


def _rows(text: str, delimiter: str) -> csv._reader:  # type: ignore[name-defined]
    csv.field_size_limit(16 * 1024 * 1024)
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def _table(text: str, delimiter: str) -> Reading:
    grid: list[list[str]] = []
    cells = 0
    notes: tuple[Note, ...] = ()
    try:
        for row in _rows(text, delimiter):
            cells += len(row) or 1
            if cells > MAX_CELLS:
                message = f"The rows after row {len(grid):,} were not read."
                notes = (Note(NoteKind.PART_NOT_READ, message),)
                break
            if any(cell.count("\n") > _MAX_BREAKS for cell in row):
                raise csv.Error("a quote that is never closed swallows the rest")
            grid.append([cell.strip() for cell in row])
    except csv.Error:
        grid = [line.split(delimiter) for line in text.splitlines()[:MAX_CELLS]]
    return one_page(grid_markdown(grid), *notes)
