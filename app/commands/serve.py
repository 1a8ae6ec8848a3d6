"""Commands of the HTTP API: api, token, dashboard."""

from __future__ import annotations

from typing import Annotated

import typer

group = typer.Typer()


@group.command()
def api(
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8000,
) -> None:
    """Serve the HTTP API."""
    from app.api.serving import serve
    from app.terminal.console import say
    from pipeline.settings import load_settings

    settings = load_settings()
    say(f"The API is at http://{host}:{port}/api/v1 once it has started; Ctrl-C stops it.")
    serve(settings, host, port)


@group.command()
def token(
    user: Annotated[str, typer.Option("--user", help="Whose token: any name.")],
    service: Annotated[
        bool, typer.Option("--service", help="For an operator, who may look at all users.")
    ] = False,
    hours: Annotated[float, typer.Option(min=0.001, max=24 * 366)] = 12,
) -> None:
    """Print a token for the HTTP API."""
    from app.api.authentication import issue_token
    from app.api.subjects import require_name
    from app.terminal.console import tell
    from pipeline.settings import load_settings

    settings = load_settings()
    require_name(user, settings)
    tell(issue_token(settings, user, service=service, hours=hours))


@group.command()
def dashboard(
    user: Annotated[
        str | None, typer.Option("--user", help="Whose dashboard; NAVIGATOR_USER's when left out.")
    ] = None,
    service: Annotated[
        bool, typer.Option("--service", help="An operator's, who sees everybody's documents.")
    ] = False,
    hours: Annotated[float, typer.Option(min=0.001, max=24 * 366)] = 12,
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Only print the link; open no browser.")
    ] = False,
) -> None:
    """Print a link to the dashboard that signs in, and how to sign in to Prefect's UI."""
    from app.api.subjects import require_name
    from app.cli.dashboard import link, prefect_sign_in
    from app.cli.report import has_desktop, show
    from app.terminal.console import say, tell
    from pipeline.settings import load_settings

    settings = load_settings()
    require_name(user or settings.user, settings)
    address = link(settings, user or settings.user, service=service, hours=hours)
    tell(address)
    if (prefect := prefect_sign_in(settings)) is not None:
        say(f"Prefect's UI: {prefect[0]}; paste into its one field, colon and all:")
        say(prefect[1])
    if not no_open and has_desktop():
        show(address)
