"""`navigator check`: smoke test of everything that runs, with one small document."""

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
    from app.stack import smoke_test_report
    from app.stack.smoke_test import check as run
    from app.terminal.console import print_json
    from pipeline.settings import load_settings

    told = smoke_test_report.show_step if not json else lambda _: None
    steps = asyncio.run(run(load_settings(), url, told))
    if json:
        print_json(smoke_test_report.as_json(steps))
    else:
        smoke_test_report.show_sum(steps)
    raise typer.Exit(0 if smoke_test_report.is_passed(steps) else 1)
