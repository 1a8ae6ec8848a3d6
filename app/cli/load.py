"""`navigator load`: many times the local load on what runs, and whether it holds."""

from __future__ import annotations

from typing import Annotated

import typer

from app.terminal.options import Json


def command(
    times: Annotated[
        float, typer.Option(min=0.1, max=100, help="So many times the local load.")
    ] = 10,
    time: Annotated[
        str, typer.Option("--for", metavar="TIME", help="So long each load: 90s, 10m, 1h.")
    ] = "5m",
    forecast: Annotated[
        float | None,
        typer.Option(
            min=1, metavar="TIMES", help="Also measure smaller loads, and forecast a larger one."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Repeats a load.")] = 1,
    url: Annotated[
        str | None, typer.Option(help="Where the API is; by itself: that of `navigator up`.")
    ] = None,
    elsewhere: Annotated[
        bool, typer.Option("--elsewhere", help="The API may be another machine's.")
    ] = False,
    spend: Annotated[bool, typer.Option("--spend", help="The documents may cost money.")] = False,
    json: Json = False,
) -> None:
    """Put many times the local load on what runs, and say what held.

    Users of its own upload, drop folders, ask for states, search and look at the dashboard; they
    are erased at the end. `docs/capacity.md` has the local load. Exit code 1: a promise was broken.
    """
    import asyncio
    import signal

    from app.load.load_report import show
    from app.load.loading import Wanted, load
    from app.terminal.durations import seconds
    from pipeline.settings import load_settings

    wanted = Wanted(times, seconds(time), forecast, seed, url, elsewhere, spend)
    try:
        steps, found = asyncio.run(load(load_settings(), wanted))
    except asyncio.CancelledError:
        raise typer.Exit(128 + signal.SIGTERM) from None
    raise typer.Exit(show(steps, found, json=json))
