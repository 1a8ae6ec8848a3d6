"""`navigator token`: issues a token for the HTTP API."""

from __future__ import annotations

from typing import Annotated

import typer

from app.terminal.options import Json


def command(
    user: Annotated[str, typer.Option("--user", help="Whose token: any name.")],
    service: Annotated[
        bool, typer.Option("--service", help="For an operator, who may look at all users.")
    ] = False,
    hours: Annotated[float, typer.Option(min=0.001, max=24 * 366)] = 12,
    json: Json = False,
) -> None:
    """Print a token for the HTTP API."""
    from app.api.authentication import issue_token
    from app.api.subjects import require_name
    from app.terminal.console import print_json, tell
    from pipeline.settings import load_settings

    settings = load_settings()
    require_name(user, settings)
    token = issue_token(settings, user, service=service, hours=hours)
    if json:
        print_json({"token": token, "user": user, "service": service, "hours": hours})
    else:
        tell(token)
