"""Commands that stand in for the outside services: mocks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

group = typer.Typer()


@group.command()
def mocks(
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8010,
    faults: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A fault script, YAML or JSON.")
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0.01, max=10_000, help="How many times faster than the real ones.")
    ] = 10.0,
    openai_key: Annotated[str | None, typer.Option(help="The only OpenAI key taken.")] = None,
    llamaparse_key: Annotated[
        str | None, typer.Option(help="The only LlamaParse key taken.")
    ] = None,
    webhook_hosts: Annotated[
        str, typer.Option(metavar="HOSTS", help="Where webhooks may go beside this machine.")
    ] = "",
) -> None:
    """Stand in for OpenAI and LlamaParse, on this machine and without keys or costs."""
    from app.cli.mocks import MocksOptions, serve

    serve(MocksOptions(host, port, faults, speed, openai_key, llamaparse_key, webhook_hosts))
