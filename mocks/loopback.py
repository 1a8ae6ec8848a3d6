"""Restricts where a mock server may connect to: this machine, and hosts named on purpose."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx

FETCH_SECONDS = 10.0


class NotAllowed(ValueError):
    """An address that a mock server does not connect to; the text says why."""


class Unfetched(Exception):
    """A source could not be fetched, or is larger than allowed; the text is the job's code."""


def require_allowed(url: str, hosts: str) -> None:
    """Refuse an address outside this machine.

    No name but `localhost` is looked up, so that no name server can lead elsewhere.

    Args:
        hosts: comma-separated hosts that are allowed beside; `*` is every host.

    Raises:
        NotAllowed: it is no http address, or its host is neither loopback nor allowed.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise NotAllowed("the address is no URL") from None
    if parts.scheme not in ("http", "https") or not host:
        raise NotAllowed("the address must begin with http:// or https://")
    allowed = {name.strip() for name in hosts.split(",")} - {""}
    if not (_is_loopback(host) or host in allowed or "*" in allowed):
        raise NotAllowed("a mock server connects to loopback addresses only")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def fetch(url: str, max_bytes: int) -> bytes:
    """The bytes at an allowed address; redirects are not followed.

    Raises:
        Unfetched: with DOCUMENT_TOO_LARGE or NO_DATA_FOUND_IN_FILE.
    """
    content = bytearray()
    try:
        async with (
            httpx.AsyncClient(timeout=FETCH_SECONDS, trust_env=False) as client,
            client.stream("GET", url) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise Unfetched("NO_DATA_FOUND_IN_FILE: the source could not be fetched")
            async for piece in answer.aiter_bytes():
                content += piece
                if len(content) > max_bytes:
                    raise Unfetched("DOCUMENT_TOO_LARGE: the source is too large")
    except httpx.HTTPError:
        raise Unfetched("NO_DATA_FOUND_IN_FILE: the source could not be fetched") from None
    return bytes(content)
