"""Defines the options that several commands share."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from pipeline.chunk_roles import Role
from pipeline.plugins import EMBEDDERS, PARSERS, PluginGroup

Paths: TypeAlias = Annotated[
    list[str], typer.Argument(metavar="PATH", help="Files, folders or quoted globs.")
]


def _remember(path: Path | None) -> Path | None:
    """Let this command, and what it starts, read the passwords where the settings say."""
    if path is not None:
        os.environ["NAVIGATOR_PASSWORD_FILE"] = str(path.expanduser().absolute())
    return path


PasswordFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        callback=_remember,
        help="Passwords of encrypted files: one a line, or PATTERN, a tab and the password.",
    ),
]
FollowLinks: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--follow-links",
        help="Follow links out of the named folders too; never into /proc, /sys or /dev.",
    ),
]
Exclude: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="PATTERN",
        help="Leave out of folders what this gitignore pattern matches. Repeat for several.",
    ),
]
User: TypeAlias = Annotated[
    str | None,
    typer.Option("--user", help="Whose documents: a UUID or any name. [NAVIGATOR_USER]"),
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
Rerank: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--rerank", help="Have a cross-encoder read the best passages again; takes seconds."
    ),
]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def _as_text(values: list[str] | None) -> list[str] | None:
    """Arguments as text that can be stored: bytes that are no UTF-8 become escapes, as in paths."""
    if values is None:
        return None
    return [os.fsencode(each).decode("utf-8", "backslashreplace") for each in values]


Tags: TypeAlias = Annotated[
    list[str] | None, typer.Option("--tag", callback=_as_text, help="Repeat for several.")
]
Roles: TypeAlias = Annotated[
    list[Role] | None,
    typer.Option("--role", help="Only passages with this role. Repeat for several."),
]
_A_DAY = ["%Y-%m-%d"]
Since: TypeAlias = Annotated[
    datetime | None,
    typer.Option(
        formats=_A_DAY,
        help="Only documents of this day or later: of their effective date, else their edition, "
        "else when they were taken in.",
    ),
]
Until: TypeAlias = Annotated[
    datetime | None,
    typer.Option(formats=_A_DAY, help="Only documents of this day or earlier; as --since."),
]


def day(given: datetime | None) -> date | None:
    """The day of a date as it was typed."""
    return None if given is None else given.date()


def _language_codes(values: list[str] | None) -> list[str] | None:
    for each in values or ():
        if re.fullmatch("[a-z]{2,3}", each) is None:
            raise typer.BadParameter(f"{each!r} is no code of a language, such as en, es or zh.")
    return values


Languages: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--language",
        metavar="CODE",
        callback=_language_codes,
        help="Only documents in this language, as en or es. Repeat for several.",
    ),
]
Limit: TypeAlias = Annotated[int, typer.Option("--limit", "-n", min=1, max=1000)]


def _known(group: PluginGroup) -> Callable[[str | None], str | None]:
    def check(name: str | None) -> str | None:
        if name is not None and not group.knows(name):
            raise typer.BadParameter(f"{name!r} is not one of {', '.join(group.names())}.")
        return name

    return check


Parser: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="|".join(PARSERS.names()), callback=_known(PARSERS), help="Who reads the files."
    ),
]
Embedder: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="|".join(EMBEDDERS.names()),
        callback=_known(EMBEDDERS),
        help="Who makes the vectors.",
    ),
]
MaxCost: TypeAlias = Annotated[
    float | None, typer.Option(min=0, metavar="USD", help="Stop before spending more.")
]
Report: TypeAlias = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="Write an HTML page there.")
]
Mode: TypeAlias = Annotated[
    Literal["hybrid", "vector", "text"], typer.Option(help="Which ranking answers.")
]
