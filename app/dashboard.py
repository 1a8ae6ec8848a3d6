"""`navigator dashboard`: the address of the dashboard with a token to sign in."""

from __future__ import annotations

from app.stack.state import api_of_stack
from pipeline.errors import UsageError
from pipeline.settings import Settings


def link(settings: Settings, user: str, *, service: bool, hours: float) -> str:
    """A link that signs in. The token stands behind the #, which browsers send to nobody.

    Raises:
        UsageError: no API of this home folder is known.
        ConfigurationError: tokens come from an identity provider.
    """
    from app.api.authentication import issue_token

    token = issue_token(settings, user, service=service, hours=hours)
    return f"{_address(settings)}/#token={token}"


def _address(settings: Settings) -> str:
    if (address := api_of_stack(settings.home.absolute())) is not None:
        return address
    if settings.public_url is not None:
        return settings.public_url.rstrip("/")
    raise UsageError(
        "No API runs on this home folder.",
        remedy="Start one with `navigator up`, or say with NAVIGATOR_PUBLIC_URL where it is.",
    )
