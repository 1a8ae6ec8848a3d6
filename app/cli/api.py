"""`navigator api`: serves the HTTP API on a socket."""

from __future__ import annotations

from typing import Annotated

import typer


def command(
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8000,
) -> None:
    """Serve the HTTP API."""
    from app.api.server import serve
    from app.terminal.console import say
    from pipeline.settings import load_settings

    settings = load_settings()
    say(f"The API is at http://{host}:{port}/api/v1 once it has started; Ctrl-C stops it.")
    serve(settings, host, port)
