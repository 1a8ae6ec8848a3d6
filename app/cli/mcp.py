"""`navigator mcp`: serves the Model Context Protocol, on standard input and output or by HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

from app.terminal.options import User


def command(
    user: User = None,
    http: Annotated[
        bool, typer.Option("--http", help="Serve by HTTP instead, for the tokens of the API.")
    ] = False,
    host: Annotated[str, typer.Option(help="Where to listen, with --http.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="With --http.")] = 8001,
) -> None:
    """Let assistants search and read the corpus (Model Context Protocol)."""
    from app.terminal.console import say
    from pipeline.errors import UsageError
    from pipeline.settings import load_settings

    settings = load_settings()
    if not http:
        from app.mcp.stdio import serve_stdio

        serve_stdio(settings, user)
        return
    if user is not None:
        raise UsageError(
            "By HTTP each caller is the user of their own token.",
            remedy="Leave --user out, and make a token with `navigator token`.",
        )
    from app.api.server import serve

    say(f"The MCP server is at http://{host}:{port}/mcp once it has started; Ctrl-C stops it.")
    serve(settings, host, port, only_mcp=True)
