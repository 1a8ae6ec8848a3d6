"""`navigator dashboard`: tells how to sign in to the dashboard, and to Prefect's UI."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from app.api.subjects import require_name
from app.stack.status_file import api_of_stack
from app.terminal.console import print_json, say, tell
from app.terminal.desktop import has_desktop, show
from app.terminal.options import Json
from pipeline.errors import UsageError
from pipeline.settings import Settings, load_settings


def link(settings: Settings, user: str, *, service: bool, hours: float) -> str:
    """A link that signs in. The token stands behind the #, which browsers send to nobody.

    Raises:
        UsageError: no API of this home folder is known.
        ConfigurationError: tokens come from an identity provider.
    """
    from app.api.authentication import issue_token

    token = issue_token(settings, user, service=service, hours=hours)
    return f"{_address(settings)}/#token={token}"


def prefect_sign_in(settings: Settings) -> tuple[str, str] | None:
    """Address and password of the UI of Prefect's server that `navigator up` runs, if it does.

    Its sign-in page has one field, which takes user and password as one text.
    """
    from app.prefect.access import address_of_stack, own_auth_string

    home = settings.home.absolute()
    if (api := address_of_stack(home)) is None:
        return None
    return api.removesuffix("/api"), own_auth_string(home / "prefect")


def _address(settings: Settings) -> str:
    if (address := api_of_stack(settings.home.absolute())) is not None:
        return address
    if settings.public_url is not None:
        return settings.public_url.rstrip("/")
    raise UsageError(
        "No API runs on this home folder.",
        remedy="Start one with `navigator up`, or say with NAVIGATOR_PUBLIC_URL where it is.",
    )


def as_json(address: str, prefect: tuple[str, str] | None) -> dict[str, Any]:
    """The link and the sign-in for a program."""
    signs_in = {"url": prefect[0], "sign_in": prefect[1]} if prefect is not None else None
    return {"url": address, "prefect": signs_in}


def command(
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
    json: Json = False,
) -> None:
    """Print a link to the dashboard that signs in, and how to sign in to Prefect's UI."""
    settings = load_settings()
    require_name(user or settings.user, settings)
    address = link(settings, user or settings.user, service=service, hours=hours)
    prefect = prefect_sign_in(settings)
    if json:
        print_json(as_json(address, prefect))
        return
    tell(address)
    if prefect is not None:
        say(f"Prefect's UI: {prefect[0]}; paste into its one field, colon and all:")
        say(prefect[1])
    if not no_open and has_desktop():
        show(address)
