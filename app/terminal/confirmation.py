"""Asks a person for confirmation before something is lost."""

from __future__ import annotations

import sys

import typer


def confirm(question: str) -> None:
    """Go on only after a yes; asks on stderr, so that the answer stays alone on stdout.

    Raises:
        UsageError: nobody is there to answer.
        Exit: the answer is no.
    """
    from app.terminal.console import say
    from pipeline.errors import UsageError

    if not sys.stdin.isatty():
        raise UsageError(
            f"{question} Nobody is there to answer.", remedy="Give --yes to go on without asking."
        )
    if not typer.confirm(question, err=True):
        say("Nothing was changed.")
        raise typer.Exit(0)
