"""Prints answers to stdout, and what is said on the way to stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from enum import Enum
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from app.process.working_folder import started_in
from pipeline.sources import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

# A pipe has no width of its own; tables in a log should not be cut at 80 columns.
_PIPE_WIDTH = 140

JSON_FORMAT = 1
"""The number of the shapes of `--json` (docs/json.md).

It is raised when a key goes or changes its meaning or type, not when a key is added.
"""


@cache
def answers() -> Console:
    """Where the answer of a command is printed."""
    return _console(sys.stdout, stderr=False)


@cache
def notes() -> Console:
    """Where progress, remarks and errors are printed."""
    return _console(sys.stderr, stderr=True)


def _console(stream: IO[str], *, stderr: bool) -> Console:
    from rich.console import Console

    # An odd name must never end a command because the terminal's encoding has no such character.
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="replace")
    wide = None if stream.isatty() or "COLUMNS" in os.environ else _PIPE_WIDTH
    return Console(stderr=stderr, width=wide, highlight=False, emoji=False)


def say(sentence: str, style: str | None = None) -> None:
    """A remark on stderr; never read as markup."""
    notes().print(sentence, style=style, markup=False, soft_wrap=not notes().is_terminal)


def tell(sentence: str, style: str | None = None) -> None:
    """A line of the answer on stdout; never read as markup."""
    answers().print(sentence, style=style, markup=False, soft_wrap=not answers().is_terminal)


def print_line(line: str) -> None:
    """A line of the answer as it is, at once: neither wrapped nor styled."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def tell_path(sentence: str, path: Path) -> None:
    """A line that ends in a path, which is never broken, so that it can be copied."""
    answers().print(f"{sentence} {printable(str(path), limit=4096)}", markup=False, soft_wrap=True)


def print_json(answer: Mapping[str, Any]) -> None:
    """The answer for a program: one JSON object on stdout, which begins with its format."""
    value = {"format": JSON_FORMAT, **answer}
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=True, default=_plain) + "\n")
    sys.stdout.flush()


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Enum):
        return value.value
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return str(value)


@contextmanager
def working(sentence: str) -> Iterator[None]:
    """Say that something slow is under way: a spinner, or a plain line in a log."""
    if not notes().is_terminal:
        say(f"{sentence} …")
        yield
        return
    with notes().status(f"{sentence} …"):
        yield


def table(*columns: str | tuple[str, dict[str, Any]], title: str | None = None) -> Table:
    """An empty table in the style of all our tables."""
    from rich import box
    from rich.table import Table

    made = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        title=title,
        title_justify="left",
    )
    for column in columns:
        heading, options = column if isinstance(column, tuple) else (column, {})
        made.add_column(heading, **options)
    return made


def right(heading: str) -> tuple[str, dict[str, Any]]:
    """A column of numbers, never broken into two lines."""
    return heading, {"justify": "right", "no_wrap": True}


def text(value: object, style: str = "") -> Text:
    """Data as it may be printed: control characters shown, nothing read as markup."""
    from rich.text import Text

    return Text(printable(str(value), limit=400), style=style)


def number(value: int | None) -> str:
    """With thousands separated; nothing for what is not known."""
    return "" if value is None else f"{value:,}"


def dollars(value: Decimal | float) -> str:
    """US dollars; small sums keep the digits that tell them from nothing."""
    amount = float(value)
    if amount == 0:
        return "$0"
    return f"${amount:,.2f}" if amount >= 1 else f"${amount:.4f}"


def short_path(path: str) -> str:
    """A path from the working folder when it lies in it."""
    try:
        return str(Path(path).relative_to(started_in()))
    except (ValueError, OSError):
        return path


def quantity(count: int, noun: str) -> str:
    """``1 document``, ``3 documents``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
