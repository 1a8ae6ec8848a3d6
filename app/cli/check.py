"""`navigator check`: one small document through everything that runs."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from app.terminal.options import Json


def command(
    url: Annotated[
        str | None, typer.Option(help="Where the API is; by itself: that of `navigator up`.")
    ] = None,
    json: Json = False,
) -> None:
    """Send a small document through everything that runs, and remove it again."""
    from app.stack import check_report
    from app.stack.checking import check as run
    from app.terminal.console import print_json
    from pipeline.settings import load_settings

    told = check_report.show_step if not json else lambda _: None
    steps = asyncio.run(run(load_settings(), url, told))
    if json:
        print_json(check_report.as_json(steps))
    else:
        check_report.show_sum(steps)
    raise typer.Exit(0 if check_report.is_passed(steps) else 1)
