"""`navigator up`: starts the whole system on this machine."""

from __future__ import annotations

from typing import Annotated, Literal

import typer


def command(
    only: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Only these, with commas: postgres, prefect, mocks, deployments, api, worker.",
        ),
    ] = None,
    mocks: Annotated[
        Literal["on", "off"] | None,
        typer.Option(
            help="on: parse and embed with mock servers for LlamaParse and OpenAI (their vectors "
            "mean nothing, so searches find little). off: do not start them. Left out: they run "
            "beside the local parser and embedder unless a key is set."
        ),
    ] = None,
    port_offset: Annotated[
        int,
        typer.Option(
            min=0,
            max=50000,
            help="Added to the ports: Prefect 4200, API 8000, mock servers 8010, worker's health "
            "8020.",
        ),
    ] = 0,
) -> None:
    """Run the whole system here: database, Prefect, API, dashboard, worker; Ctrl-C stops it."""
    from app.stack.plan import StackOptions
    from app.stack.supervisor_process import up as run
    from pipeline.settings import load_settings

    names = [name.strip() for name in only.split(",") if name.strip()] if only else []
    asked = None if mocks is None else mocks == "on"
    run(load_settings(), StackOptions(names, asked, port_offset))
